"""Confusion matrix: how many rows of each true class got each predicted class. Correct predictions are on the diagonal.

numbers: an answer of "evaluate" for classes.
"""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go

from dlcore.views.theme import BACKGROUND, INK, ON_COLOUR, TEST, WRONG, Numbers, Words, figure, plain

TITLE = "views.confusion"
SMALLEST_CELL, LARGEST_CELL, WIDTH = 22, 64, 480  # pixels
LONGEST_NAME = 14
DARK = 0.85  # shade from which a square's text has the same colour in both themes


def draw(numbers: Numbers, words: Words) -> go.Figure:
    """Squares shaded by their share of the true class; `customdata` of each is [true, predicted]."""
    counts_TP = np.array(numbers["confusion"], dtype=float)
    names = [_shorten(name) for name in numbers["class_names"]]
    count = len(names)
    size = max(SMALLEST_CELL, min(LARGEST_CELL, WIDTH // max(1, count)))
    fig = figure(words("views.predicted_class"), words("views.true_class"), 110 + size * count)
    shares_TP = counts_TP / np.maximum(1, counts_TP.sum(axis=1, keepdims=True))
    shades_TP = np.sqrt(shares_TP)  # The root makes a few mistakes among many rows visible too.
    right = np.eye(count, dtype=bool)
    for mask, colour in ((right, TEST), (~right, WRONG)):
        fig.add_trace(
            go.Heatmap(
                z=np.where(mask, shades_TP, np.nan),
                colorscale=[[0, BACKGROUND], [1, colour]],
                zmin=0,
                zmax=1.15,  # Above 1, so that text stays readable on the darkest square.
                showscale=False,
                hoverinfo="skip",
                xgap=2,
                ygap=2,
            )
        )
    cells = [(true, predicted) for true in range(count) for predicted in range(count)]
    fig.add_trace(
        go.Scatter(
            x=[predicted for _, predicted in cells],
            y=[true for true, _ in cells],
            mode="markers+text",
            text=[f"{counts_TP[cell]:,.0f}" if counts_TP[cell] else "" for cell in cells],
            textfont={
                "size": max(9, min(16, size // 3)),
                "color": [ON_COLOUR if shades_TP[cell] > DARK else INK for cell in cells],
            },
            # A heat map's squares cannot be selected, but markers can: invisible markers of the same size lie above them.
            marker={"symbol": "square", "size": size, "opacity": 0},
            selected={"marker": {"opacity": 0}},
            unselected={"marker": {"opacity": 0}},
            customdata=[[true, predicted] for true, predicted in cells],
            hovertext=[
                words("views.confusion.hover").format(
                    true=names[true], predicted=names[predicted], rows=f"{counts_TP[true, predicted]:,.0f}",
                    share=f"{shares_TP[true, predicted]:.1%}",
                )
                for true, predicted in cells
            ],
            hoverinfo="text",
        )
    )  # fmt: skip
    ticks = {"tickvals": list(range(count)), "ticktext": names, "showgrid": False}
    fig.update_xaxes(**ticks, range=[-0.5, count - 0.5], side="top")
    fig.update_yaxes(**ticks, range=[count - 0.5, -0.5])
    return fig


def _shorten(name: str) -> str:
    shown = plain(name)
    return shown if len(shown) <= LONGEST_NAME else shown[: LONGEST_NAME - 1] + "…"
