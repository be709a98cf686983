"""Scores with their 95% intervals, a line for each group of rows, and the score of guessing.

numbers: {"metric": message key, "groups": [{"name", "role": "train"|"test", "value", "interval": [low, high], "rows"}...],
"reference": score of always predicting the same, or None, "of_numbers": whether that is the mean and not a class}.
"""

from __future__ import annotations

import plotly.graph_objects as go

from dlcore.views.theme import QUIET, TEST, TRAIN, Numbers, Words, figure, plain, say_at

TITLE = "views.intervals"
ROW = 46  # pixels
DOT = 13


def draw(numbers: Numbers, words: Words) -> go.Figure:
    """Dots with the intervals as whiskers, the first group on top."""
    groups = [group for group in numbers["groups"] if group["value"] is not None]
    fig = figure(words(numbers["metric"]), "", 84 + ROW * len(groups))
    for height, group in enumerate(groups):
        low, high = group["interval"] or (group["value"],) * 2
        colour = TRAIN if group["role"] == "train" else TEST
        hover = words("views.intervals.hover").format(
            value=_describe(group["value"]), low=_describe(low), high=_describe(high), rows=group["rows"]
        )
        fig.add_trace(
            go.Scatter(
                x=[group["value"]],
                y=[height],
                error_x={
                    "array": [max(0.0, high - group["value"])],
                    "arrayminus": [max(0.0, group["value"] - low)],
                    "color": colour,
                    "thickness": 2,
                    "width": 6,
                },
                mode="markers",
                marker={"size": DOT, "color": colour},
                hovertemplate=f"{plain(group['name'])}<br>{hover}<extra></extra>",
            )
        )
    names = [plain(group["name"]) for group in groups]
    fig.update_yaxes(
        tickvals=list(range(len(groups))),
        ticktext=names,
        range=[len(groups) - 0.4, -0.6],
        showgrid=False,
        ticklabelstandoff=8,
    )
    if numbers.get("reference") is not None:
        fig.add_vline(numbers["reference"], line={"color": QUIET, "width": 1, "dash": "dot"})
        ends = [end for group in groups for end in group["interval"] or (group["value"],) * 2]
        low, high = min(*ends, numbers["reference"]), max(*ends, numbers["reference"])
        # To the left of it is more room in a small figure, as the names stand lower.
        left = numbers["reference"] >= low + 0.2 * (high - low)
        say_at(
            fig, numbers["reference"], 1.0, words(f"views.intervals.reference.{'mean' if numbers['of_numbers'] else 'class'}"),
            yref="paper", yanchor="bottom", xanchor="right" if left else "left", xshift=-3 if left else 3,
        )  # fmt: skip
    if numbers["metric"] == "views.accuracy":
        fig.update_xaxes(tickformat=".0%")
    fig.update_xaxes(showgrid=True)
    return fig


def _describe(value: float) -> str:
    return f"{value:.3f}"
