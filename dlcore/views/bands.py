"""Learning curves of many seeds as bands: all of them, the middle half, the median; and the present run's own curve over them.

numbers: {"epochs": [...], "band": {"low", "q1", "median", "q3", "high": [a value an epoch]}, "score": message key,
"present": {"epochs", "values"} or None}.
"""

from __future__ import annotations

import math

import plotly.graph_objects as go

from dlcore.views.theme import CLASSES, TEST, Numbers, Words, figure, say_at

TITLE = "views.bands"
PRESENT = CLASSES[0]
PALE, DARK = 0.16, 0.32
# Lowest R² shown: a network below it has not begun to learn, and showing it would flatten all other curves.
LOWEST_R2 = -0.5
APART = 0.07  # least distance of two labels, as a share of the axis, so that they do not overlap


def draw(numbers: Numbers, words: Words) -> go.Figure:
    """Two bands and two lines, each named at its end."""
    fig = figure(words("views.epochs"), words(numbers["score"]), 300)
    epochs, band, present = numbers["epochs"], numbers["band"], numbers["present"]
    for low, high, opacity in (("low", "high", PALE), ("q1", "q3", DARK)):
        fig.add_trace(
            go.Scatter(
                x=[*epochs, *reversed(epochs)],
                y=[*band[high], *reversed(band[low])],
                mode="lines",
                line={"width": 0, "color": TEST},
                fill="toself",
                fillcolor=TEST,
                opacity=opacity,
                hoverinfo="skip",
            )
        )
    hover = words("views.bands.hover").format(
        **{name: f"%{{customdata[{index}]:.3f}}" for index, name in enumerate(band)}
    )
    fig.add_trace(
        go.Scatter(
            x=epochs,
            y=band["median"],
            mode="lines",
            line={"color": TEST, "width": 2.5},
            customdata=list(zip(*(band[name] for name in band), strict=True)),
            hovertemplate=f"{hover}<extra></extra>",
        )
    )
    ends = [(band["median"][-1], epochs[-1], words("views.bands.median"), TEST)]
    if present is not None and present["epochs"]:
        fig.add_trace(
            go.Scatter(
                x=present["epochs"],
                y=present["values"],
                mode="lines",
                line={"color": PRESENT, "width": 2.5},
                hovertemplate=words("views.bands.present") + ": %{y:.3f}<extra></extra>",
            )
        )
        ends.append((present["values"][-1], present["epochs"][-1], words("views.bands.present"), PRESENT))
    low, high = _find_range(numbers)
    for y, x, text, colour in _space_out(ends, (high - low) * APART):
        say_at(fig, x, min(max(y, low), high), text, colour)
    fig.update_yaxes(range=[low, high])
    if numbers["score"] == "views.accuracy":
        fig.update_yaxes(tickformat=".1~%")
    fig.update_layout(hovermode="x", margin={"r": 96})
    return fig


def _find_range(numbers: Numbers) -> tuple[float, float]:
    shown = numbers["present"]["values"] if numbers["present"] else []
    values = [value for side in ("low", "high") for value in numbers["band"][side]] + shown
    finite = [value for value in values if math.isfinite(value)] or [0.0]
    low, high = min(finite), max(finite)
    if numbers["score"] == "views.r2":
        low = max(low, min(LOWEST_R2, high - 0.5))
    margin = 0.04 * (high - low) or 0.02
    return low - margin, high + margin


def _space_out(ends: list[tuple[float, float, str, str]], apart: float) -> list[tuple[float, float, str, str]]:
    """The labels at the ends of lines, moved so far apart that all can be read."""
    ordered = sorted(ends, key=lambda end: end[0])
    if len(ordered) < 2 or ordered[1][0] - ordered[0][0] >= apart:
        return ordered
    below, above = ordered
    middle = (below[0] + above[0]) / 2
    return [(middle - apart / 2, *below[1:]), (middle + apart / 2, *above[1:])]
