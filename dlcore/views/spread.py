"""The final score of every seed as a dot, with their quartiles, their mean and its interval; the present run among them.

numbers: {"values": [one a seed], "seeds": [their numbers], "summary": {"q1", "median", "q3", "mean", "interval"}, "score": message key,
"present": value or None}.
"""

from __future__ import annotations

import plotly.graph_objects as go

from dlcore.views.bands import PRESENT
from dlcore.views.theme import QUIET, TEST, Numbers, Words, draw_mark, figure, say_at

TITLE = "views.spread"
BINS = 48  # bins across the axis: dots of one bin are stacked
STEP = 0.11  # height between two dots of a stack
BOX, MEAN = -0.28, -0.56  # heights of the box (middle half) and of the mean's interval, below the dots
LABEL_GAP = 0.2


def draw(numbers: Numbers, words: Words) -> go.Figure:
    """Stacked dots above a box (quartiles) and a whisker (the mean's interval)."""
    values, summary, present = numbers["values"], numbers["summary"], numbers["present"]
    heights = _heap_up([*values, *([] if present is None else [present])])
    top = max(0.6, max(heights, default=0.0) + LABEL_GAP)
    fig = figure(words(numbers["score"]), "", 380)
    fig.add_trace(
        go.Scatter(
            x=[summary["q1"], summary["q3"]], y=[BOX, BOX], mode="lines", line={"color": TEST, "width": 12}, opacity=0.4,
            hovertemplate=words("views.spread.half") + ": %{x:.3f}<extra></extra>",
        )
    )  # fmt: skip
    fig.add_trace(
        go.Scatter(
            x=[summary["median"]], y=[BOX], mode="markers",
            marker={"symbol": "line-ns", "size": 18, "line": {"width": 3, "color": TEST}},
            hovertemplate=words("views.bands.median") + ": %{x:.3f}<extra></extra>",
        )
    )  # fmt: skip
    low, high = summary["interval"] or (summary["mean"],) * 2
    fig.add_trace(
        go.Scatter(
            x=[summary["mean"]], y=[MEAN], mode="markers", marker={"color": QUIET, "size": 9},
            error_x={"array": [high - summary["mean"]], "arrayminus": [summary["mean"] - low], "color": QUIET, "thickness": 2, "width": 5},
            hovertemplate=words("views.spread.mean") + ": %{x:.3f}<extra></extra>",
        )
    )  # fmt: skip
    fig.add_trace(
        go.Scatter(
            x=values, y=heights[: len(values)], mode="markers", marker={"color": TEST, "size": 9, "opacity": 0.75},
            customdata=numbers["seeds"], hovertemplate=words("views.spread.hover") + "<extra></extra>",
        )
    )  # fmt: skip
    if present is not None:
        draw_mark(fig, present, heights[-1], PRESENT, words("views.bands.present"))
        say_at(
            fig,
            present,
            heights[-1],
            words("views.bands.present"),
            PRESENT,
            xshift=0,
            xanchor="center",
            yanchor="bottom",
            yshift=9,
        )
    fig.update_yaxes(
        tickvals=[0, BOX, MEAN], ticktext=[words("views.spread.seeds"), words("views.spread.half"), words("views.spread.mean")],
        range=[MEAN - 0.25, top + LABEL_GAP], showgrid=False,
    )  # fmt: skip
    if numbers["score"] == "views.accuracy":
        fig.update_xaxes(tickformat=".1~%", nticks=6)
    fig.update_xaxes(showgrid=True)
    return fig


def _heap_up(values: list[float]) -> list[float]:
    """The height of each dot: dots of about the same value are stacked, so that none covers another."""
    if not values:
        return []
    low, width = min(values), (max(values) - min(values)) / BINS or 1.0
    seen: dict[int, int] = {}
    heights = []
    for value in values:
        column = round((value - low) / width)
        heights.append(STEP * seen.get(column, 0))
        seen[column] = seen.get(column, 0) + 1
    return heights
