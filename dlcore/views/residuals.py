"""Residuals: true minus predicted against predicted, with their histogram at the side (Anscombe, 1973).

numbers: an answer of "evaluate" for numbers.
"""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go

from dlcore.views.theme import POSITIVE, QUIET, TEST, Numbers, Words, figure

TITLE = "views.residuals"
DOT = 6


def draw(numbers: Numbers, words: Words) -> go.Figure:
    """Rows as dots. A good fit is a shapeless cloud around zero."""
    rows, histogram = numbers["residuals"], numbers["histogram"]
    fig = figure(words("views.predicted"), words("views.residual"))
    fig.add_hline(0, line={"color": QUIET, "width": 1, "dash": "dot"})
    fig.add_trace(
        go.Scatter(
            x=rows["predicted"],
            y=rows["residual"],
            mode="markers",
            marker={"color": POSITIVE, "size": DOT, "opacity": 0.65},
            customdata=np.array([rows["row"], rows["true"]]).T,
            hovertemplate=words("views.residuals.hover").format(
                row="%{customdata[0]:.0f}", true="%{customdata[1]:.4g}", predicted="%{x:.4g}", residual="%{y:.4g}"
            )
            + "<extra></extra>",
        )
    )
    edges = np.array(histogram["edges"], dtype=float)
    fig.add_trace(
        go.Bar(
            x=histogram["counts"],
            y=(edges[1:] + edges[:-1]) / 2,
            width=0.92 * np.diff(edges),
            orientation="h",
            xaxis="x2",
            marker={"color": TEST, "opacity": 0.7},
            hovertemplate=words("views.rows") + ": %{x:,}<extra></extra>",
        )
    )
    fig.update_xaxes(domain=[0, 0.8])
    fig.update_layout(
        xaxis2={"domain": [0.83, 1], "anchor": "y", "showticklabels": False, "showgrid": False, "fixedrange": True}
    )
    return fig
