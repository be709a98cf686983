"""Where seeds disagree on the plane: the darker a point, the more of them predict something else there; watched rows on top.

numbers: {"spread": (R, C) array from the top down, "said": (R, C) prediction of most, "x_range", "y_range", "axes": [two names],
"points": (N, 2), "targets": (N,), "class_names": [...], empty for numbers}.
"""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go

from dlcore.views.theme import BACKGROUND, LINE, QUIET, WRONG, Numbers, Words, class_colour, class_name, figure, plain

TITLE = "views.disagreement"
SIDE = 380  # pixels
POINT = 5


def draw(numbers: Numbers, words: Words) -> go.Figure:
    """A map of the disagreement, for two classes with the boundary of the majority's prediction, and the rows."""
    spread_RC = np.asarray(numbers["spread"], float)
    x, y = (
        _find_centres(numbers[side], count)
        for side, count in (("x_range", spread_RC.shape[1]), ("y_range", spread_RC.shape[0]))
    )
    x_name, y_name = (plain(name) for name in numbers["axes"])
    fig = figure(x_name, y_name, SIDE)
    classes = len(numbers["class_names"])
    most = 1 - 1 / classes if classes else float(spread_RC.max()) or 1.0
    fig.add_trace(
        go.Heatmap(
            x=x,
            y=y[::-1],
            z=spread_RC,
            zmin=0,
            zmax=most,
            colorscale=[[0, BACKGROUND], [1, WRONG]],
            colorbar={
                "title": {
                    "text": words("views.disagreement.share" if classes else "views.disagreement.deviation"),
                    "side": "right",
                },
                "thickness": 10,
                "outlinewidth": 0,
                "tickformat": ".0%" if classes else ".3~g",
            },
            hovertemplate=f"{x_name} %{{x:.3g}}, {y_name} %{{y:.3g}}: %{{z:{'.0%' if classes else '.3g'}}}<extra></extra>",
        )
    )
    said_RC = np.asarray(numbers["said"], float)
    if classes == 2 and said_RC.min() < said_RC.max():
        fig.add_trace(
            go.Contour(
                x=x, y=y[::-1], z=said_RC, autocontour=False, contours={"start": 0.5, "end": 0.5, "size": 1, "coloring": "none"},
                line={"color": QUIET, "width": 1.5}, showscale=False, hoverinfo="skip",
            )
        )  # fmt: skip
    points, targets = np.asarray(numbers["points"], float), np.asarray(numbers["targets"])
    for label in range(classes):
        _draw_rows(fig, points[targets == label], class_colour(label), class_name(numbers, label))
    if not classes:
        _draw_rows(fig, points, QUIET, "")
    fig.update_xaxes(range=list(numbers["x_range"]), showgrid=False, linecolor=LINE)
    fig.update_yaxes(range=list(numbers["y_range"]), showgrid=False, linecolor=LINE)
    return fig


def _draw_rows(fig: go.Figure, points_N2: np.ndarray, colour: str, name: str) -> None:
    fig.add_trace(
        go.Scatter(
            x=points_N2[:, 0],
            y=points_N2[:, 1],
            mode="markers",
            marker={"size": POINT, "color": colour, "line": {"width": 0.5, "color": BACKGROUND}},
            name=name,
            hovertemplate=f"{name}<extra></extra>" if name else None,
            hoverinfo=None if name else "skip",
        )
    )


def _find_centres(ends: list[float], count: int) -> np.ndarray:
    low, high = ends
    return low + (np.arange(count) + 0.5) * (high - low) / count
