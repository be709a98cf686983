"""Learning curve: the scores on training rows and on unseen rows, over the number of training rows or of units.

numbers: {"points": [{"x", "train": [a repeat each], "test": [...]}...], "x": "rows"|"units", "metric": message key}.
High bias: both are low and close; high variance: far apart (Hastie, Tibshirani and Friedman, 2009, section 7.10).
"""

from __future__ import annotations

from statistics import fmean

import plotly.graph_objects as go

from dlcore.views.theme import TEST, TRAIN, Numbers, Words, figure, say_at

TITLE = "views.growth"


def draw(numbers: Numbers, words: Words) -> go.Figure:
    """A line through the means of the repeats, with the repeats as dots."""
    fig = figure(words(f"views.growth.{numbers['x']}"), words(numbers["metric"]))
    points = sorted(numbers["points"], key=lambda point: point["x"])
    for split, colour, said in (("train", TRAIN, "views.train"), ("test", TEST, "views.unseen")):
        told = [(point["x"], [value for value in point[split] if value is not None]) for point in points]
        told = [(x, values) for x, values in told if values]
        fig.add_trace(
            go.Scatter(
                x=[x for x, values in told for _ in values],
                y=[value for _, values in told for value in values],
                mode="markers",
                marker={"color": colour, "size": 6, "opacity": 0.45},
                hoverinfo="skip",
            )
        )
        fig.add_trace(
            go.Scatter(
                x=[x for x, _ in told],
                y=[fmean(values) for _, values in told],
                mode="lines+markers",
                line={"color": colour, "width": 2.5},
                marker={"size": 7},
                hovertemplate=words(said) + ": %{y:.3f}<extra></extra>",
            )
        )
        if told:
            say_at(fig, _to_log(told[-1][0]), fmean(told[-1][1]), words(said), colour)
    fig.update_xaxes(
        type="log", tickvals=[point["x"] for point in points], ticktext=[f"{point['x']:,}" for point in points]
    )
    fig.update_layout(margin={"r": 90}, hovermode="x")
    return fig


def _to_log(x: float) -> float:
    from math import log10

    return log10(x)  # On a logarithmic axis Plotly takes an annotation's position as the logarithm.
