"""The parameters in the page's address.

They are read when a session begins, written only when somebody chooses something, since each write is an entry in the browser's
history, and followed when Back, Forward or typing changed them: so Back undoes the last choice, and then leads to the page before.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import streamlit as st

NAMES = ("lang", "section")


@dataclass
class Address:
    """The parameters when the page was last drawn (`said`), and those that the browser changed since (`changed`)."""

    page: str | None = None
    said: dict[str, str] = field(default_factory=dict)
    changed: dict[str, str] = field(default_factory=dict)

    def look(self, page: str) -> None:
        """Read the parameters, at the beginning of each drawing of this page. After a change of pages none counts as changed."""
        said = {name: st.query_params.get(name, "") for name in NAMES}
        same = page == self.page
        self.changed = {name: value for name, value in said.items() if same and value != self.said[name]}
        self.page, self.said = page, said

    def put(self, name: str, value: str) -> None:
        """Write a choice into the address; "" leaves the parameter out."""
        if value:
            if st.query_params.get(name) != value:
                st.query_params[name] = value
        elif name in st.query_params:
            del st.query_params[name]
        self.said[name] = value
