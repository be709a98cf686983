"""What the page's address says beside its path.

It is read when somebody comes, written only where somebody chose something, as each writing is an entry in the browser's history, and
followed when Back, Forward or a hand have changed it: so Back takes back the last choice, and then leads to the page before.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import streamlit as st

NAMES = ("lang", "section")


@dataclass
class Address:
    """What it said when the page was last drawn, and what of that has been changed since by another than us."""

    page: str | None = None
    said: dict[str, str] = field(default_factory=dict)
    changed: dict[str, str] = field(default_factory=dict)

    def look(self, page: str) -> None:
        """Read the address at the beginning of each drawing of this page. What another page wrote into it is left alone."""
        said = {name: st.query_params.get(name, "") for name in NAMES}
        same = page == self.page
        self.changed = {name: value for name, value in said.items() if same and value != self.said[name]}
        self.page, self.said = page, said

    def put(self, name: str, value: str) -> None:
        """Write into the address what somebody has chosen."""
        if st.query_params.get(name) != value:
            st.query_params[name] = value
        self.said[name] = value
