"""Pearson's r of every pair of columns, as a map; for a target of classes the correlation ratio eta, without a sign (Fisher, 1925)."""

from __future__ import annotations

import plotly.graph_objects as go

from dlcore.views.theme import BACKGROUND, INK, NEGATIVE, POSITIVE, Numbers, Words, figure, plain

TITLE = "view.correlation"
CELL, EDGE = 26, 150  # pixels
WIDE, BESIDE = 62, 260  # pixels: width of a cell with a number; room for names and a scale
SMALLEST, TALLEST = 220, 760
PALE = 0.55  # Opacity at which numbers stay readable on the strongest colour in either theme.
FEW = 12  # up to so many columns, cells have room for numbers and no scale is needed


def draw(numbers: Numbers, words: Words) -> go.Figure:
    """`numbers`: {"names": [D], "values": [D][D] from -1 to 1, None where it is not defined}."""
    names = [plain(name) for name in numbers["names"]]
    values, few = numbers["values"], len(names) <= FEW
    fig = figure("", "", max(SMALLEST, min(TALLEST, EDGE + CELL * len(names))))
    fig.add_heatmap(
        x=list(range(len(names))),
        y=list(range(len(names))),
        z=values,
        zmin=-1,
        zmax=1,
        colorscale=[[0, NEGATIVE], [0.5, BACKGROUND], [1, POSITIVE]],
        xgap=1,
        ygap=1,
        texttemplate="%{z:.2f}" if few else None,
        textfont={"color": INK},
        opacity=PALE if few else 1,
        showscale=not few,
        customdata=[[f"{row} · {column}" for column in names] for row in names],
        hovertemplate="%{customdata}<br>%{z:.3f}<extra></extra>",
        colorbar={
            "title": {"text": words("view.correlation.scale")},
            "thickness": 10,
            "outlinewidth": 0,
            "tickvals": [-1, 0, 1],
        },
    )
    fig.update_layout(width=BESIDE + max(6, len(names)) * (WIDE if few else CELL))
    marks = {
        "tickvals": list(range(len(names))),
        "ticktext": [_shorten(name) for name in names],
        "showgrid": False,
        "ticks": "",
    }
    fig.update_xaxes(**marks, tickangle=-45)
    fig.update_yaxes(**marks, autorange="reversed")
    return fig


def _shorten(name: str) -> str:
    return name if len(name) <= 18 else name[:17] + "…"
