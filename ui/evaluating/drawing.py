"""How sections and cards show figures: a heading, the figure, and a sentence on what to see in it; or the figure alone, small."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import streamlit as st

from ui.session import label, t

QUIET = {"displayModeBar": False, "scrollZoom": False}
STILL = {**QUIET, "staticPlot": True}
LETTERS = 10  # pixels, in a small figure


def draw_chart(view: ModuleType, numbers: dict[str, Any], key: str, title: str = "") -> None:
    """Draw this view (a module of dlcore.views) of these numbers, with title and caption."""
    draw_heading(view, title)
    st.plotly_chart(view.draw(numbers, t), key=key, config=QUIET, alt=t(title or view.TITLE))
    st.caption(label(f"{view.TITLE}.see"))


def draw_heading(view: ModuleType, title: str = "") -> None:
    """Draw the view's title, or another that says more, with the view's explanation as help."""
    st.markdown(f"**{label(title or view.TITLE)}**", help=label(f"{view.TITLE}.help"))


def draw_small(view: ModuleType, numbers: dict[str, Any], key: str, height: int) -> None:
    """Draw the figure for a card, so many pixels high: without titles of axes, and nothing in it answers the pointer."""
    fig = view.draw(numbers, t)
    fig.update_layout(height=height, margin={"l": 4, "r": 4, "t": 20, "b": 4}, font={"size": LETTERS}, showlegend=False)
    fig.update_annotations(font={"size": LETTERS})
    fig.update_traces(textfont={"size": LETTERS}, selector={"mode": "markers+text"})
    for update in (fig.update_xaxes, fig.update_yaxes):
        update(title={"text": ""}, tickfont={"size": LETTERS}, nticks=5)
    st.plotly_chart(fig, key=key, config=STILL, alt=t(view.TITLE))
