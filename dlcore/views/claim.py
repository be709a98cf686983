"""The prediction for one row, and the prediction before the row was changed.

numbers: {"class_names", "now": {"predicted", "probabilities"}, "before": the same, "target": {"low", "high"} of a number, else None}.
"""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go

from dlcore.views.theme import QUIET, TEST, Numbers, Words, class_colour, class_name, figure, say_at

TITLE = "views.claim"
ROW = 30  # pixels
MOST_CLASSES = 10
LONGEST_NAME = 18


def draw(numbers: Numbers, words: Words) -> go.Figure:
    """Bars for the likeliest ten classes, or a number as a point on the training targets' range. A mark shows the earlier prediction."""
    return _draw_bars(numbers, words) if numbers["class_names"] else _draw_value(numbers, words)


def _draw_bars(numbers: Numbers, words: Words) -> go.Figure:
    now, before = (np.array(numbers[when]["probabilities"]) for when in ("now", "before"))
    shown = np.sort(np.argsort(-np.maximum(now, before), kind="stable")[:MOST_CLASSES])
    names = [_shorten(class_name(numbers, label)) for label in shown]
    fig = figure("", "", 56 + ROW * len(shown))
    heights = list(range(len(shown)))
    fig.add_bar(
        x=now[shown],
        y=heights,
        orientation="h",
        width=0.66,
        marker={"color": [class_colour(int(label)) for label in shown]},
        customdata=before[shown],
        hovertemplate="%{x:.1%}<br>"
        + words("views.claim.before").format(value="%{customdata:.1%}")
        + "<extra></extra>",
    )
    for height, label in enumerate(shown):
        say_at(fig, 1.0, height, f"{now[label]:.1%}")
        if abs(before[label] - now[label]) > 0.002:
            ends = {"x0": before[label], "x1": before[label], "y0": height - 0.42, "y1": height + 0.42}
            fig.add_shape(type="line", **ends, line={"color": QUIET, "width": 2, "dash": "dot"})
    fig.update_xaxes(range=[0, 1.16], tickvals=[0, 0.5, 1], tickformat=".0%", showgrid=True)
    fig.update_yaxes(
        tickvals=heights, ticktext=names, range=[len(shown) - 0.4, -0.6], showgrid=False, ticklabelstandoff=8
    )
    return fig


def _draw_value(numbers: Numbers, words: Words) -> go.Figure:
    now, before, target = numbers["now"]["predicted"], numbers["before"]["predicted"], numbers["target"]
    fig = figure(words("views.claim.value"), "", 130)
    low, high = min(target["low"], now, before), max(target["high"], now, before)
    fig.add_trace(
        go.Scatter(
            x=[before, now],
            y=[0, 0],
            mode="lines+markers",
            line={"color": TEST, "width": 3},
            marker={"size": [11, 18], "color": [QUIET, TEST]},
            hovertemplate="%{x:.4g}<extra></extra>",
        )
    )
    say_at(fig, now, 0, f"{now:.4g}", TEST, xanchor="center", yanchor="bottom", xshift=0, yshift=12)
    edge = (high - low) * 0.04 or 1.0
    fig.update_xaxes(range=[low - edge, high + edge], showgrid=True)
    fig.update_yaxes(visible=False, range=[-1, 1])
    return fig


def _shorten(name: str) -> str:
    return name if len(name) <= LONGEST_NAME else name[: LONGEST_NAME - 1] + "…"
