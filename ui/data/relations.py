"""The first rows of the file, and the correlations of its columns."""

from __future__ import annotations

import streamlit as st

from dlcore.views import correlation
from ui.data.brought import Brought
from ui.data.question import STILL
from ui.grids import escape_formula
from ui.session import label, t

ROW = 34  # pixels


def draw_first_rows(table: Brought) -> None:
    """Draw the first rows, cells as text."""
    rows = table.profile["preview"]
    # Columns are named by their index, as the grid's script gives some names a meaning of its own.
    cells = {f"c{index}": [escape_formula(str(row[index])) for row in rows] for index in range(len(table.columns))}
    named = {f"c{index}": st.column_config.TextColumn(column["name"]) for index, column in enumerate(table.columns)}
    st.dataframe(
        cells,
        hide_index=True,
        column_config=named,
        height=min(440, ROW * (len(rows) + 1) + 4),
        key="data_preview",
        alt=t("data.preview"),
    )
    st.caption(label("data.preview.caption", rows=len(rows)))


def draw_correlations(table: Brought) -> None:
    """Draw the correlations as a heat map."""
    numbers = table.profile.get("correlation") or {}
    if len(numbers.get("names") or ()) < 2:
        st.caption(label("data.correlation.none"))
        return
    st.plotly_chart(
        correlation.draw(numbers, t), width="content", config=STILL, key="data_correlation", alt=t("view.correlation")
    )
    st.caption(label("data.correlation.caption"))
