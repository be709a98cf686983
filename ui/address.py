"""The parameters in the page's address.

They are read when a session begins, written only when somebody chooses something, since each write is an entry in the browser's
history, and followed when Back, Forward or typing changed them: so Back undoes the last choice, and then leads to the page before.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

NAMES = ("lang", "section")


@dataclass
class Address:
    """The parameters when the page was last drawn (`said`), and those that the browser changed since (`changed`)."""

    page: str | None = None
    said: dict[str, str] = field(default_factory=dict)
    changed: dict[str, str] = field(default_factory=dict)

    def look(self, page: str) -> None:
        """Read the parameters, at the beginning of each drawing of this page. After a change of pages none counts as changed."""
        told = {name: st.query_params.get(name, "") for name in NAMES}
        differ = [name for name, value in told.items() if page == self.page and value != self.said[name]]
        self.changed = {}
        if not differ or _moved_in_history():
            self.changed = {name: told[name] for name in differ}
        else:  # A press on a widget told the address before the browser had heard of the last choice: the choice stands.
            for name in differ:
                self.put(name, self.said[name])
                told[name] = self.said[name]
        self.page, self.said = page, told

    def put(self, name: str, value: str) -> None:
        """Write a choice into the address; "" leaves the parameter out."""
        if value:
            if st.query_params.get(name) != value:
                st.query_params[name] = value
        elif name in st.query_params:
            del st.query_params[name]
        self.said[name] = value


def _moved_in_history() -> bool:
    """Whether the script runs because of Back, Forward or an address that was typed, and not because of a widget."""
    context = get_script_run_ctx()
    return context is not None and context.is_history_navigation
