"""How sections show figures: a heading, the figure, and a sentence on what to see in it."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import streamlit as st

from ui.session import label, t

QUIET = {"displayModeBar": False, "scrollZoom": False}


def draw_chart(view: ModuleType, numbers: dict[str, Any], key: str) -> None:
    """Draw this view (a module of dlcore.views) of these numbers, with title and caption."""
    draw_heading(view)
    st.plotly_chart(view.draw(numbers, t), key=key, config=QUIET, alt=t(view.TITLE))
    st.caption(label(f"{view.TITLE}.see"))


def draw_heading(view: ModuleType) -> None:
    """Draw the view's title, with its explanation as help."""
    st.markdown(f"**{label(view.TITLE)}**", help=label(f"{view.TITLE}.help"))
