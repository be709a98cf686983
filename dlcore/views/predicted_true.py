"""Predicted against true values; rows on the diagonal are predicted exactly.

numbers: an answer of "evaluate" for numbers.
"""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go

from dlcore.views.theme import POSITIVE, Numbers, Words, draw_guess, figure

TITLE = "views.predicted_true"
DOT = 6


def draw(numbers: Numbers, words: Words) -> go.Figure:
    """Rows as dots; both axes have the same range."""
    rows = numbers["residuals"]
    fig = figure(words("views.true"), words("views.predicted"))
    values = np.array([*rows["true"], *rows["predicted"]], dtype=float)
    if len(values):
        ends = [float(values.min()), float(values.max())]
        draw_guess(fig, ends, ends, words("views.exact"))
    fig.add_trace(
        go.Scatter(
            x=rows["true"],
            y=rows["predicted"],
            mode="markers",
            marker={"color": POSITIVE, "size": DOT, "opacity": 0.65},
            customdata=np.array([rows["row"], rows["residual"]]).T,
            hovertemplate=words("views.residuals.hover").format(
                row="%{customdata[0]:.0f}", true="%{x:.4g}", predicted="%{y:.4g}", residual="%{customdata[1]:.4g}"
            )
            + "<extra></extra>",
        )
    )
    return fig
