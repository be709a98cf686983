"""Reliability diagram: the share of a class among rows with about the same predicted probability (Niculescu-Mizil and Caruana, 2005).

numbers: an answer of "evaluate" for classes, with "shown": which entry of its curves (default 0).
"""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go

from dlcore.views.theme import Numbers, Words, class_colour, class_name, draw_guess, figure

TITLE = "views.calibration"
SMALLEST, LARGEST = 7, 26  # pixels


def draw(numbers: Numbers, words: Words) -> go.Figure:
    """A dot for each bin, its area by the number of rows; a well calibrated network is on the diagonal."""
    one = numbers["calibration"][numbers.get("shown", 0)]
    name = class_name(numbers, one["class"])
    fig = figure(words("views.probability").format(name=name), words("views.share_of_class").format(name=name))
    draw_guess(fig, [0, 1], [0, 1], words("views.calibrated"))
    rows = np.array(one["rows"], dtype=float)
    size = SMALLEST + (LARGEST - SMALLEST) * np.sqrt(rows / max(1.0, rows.max(initial=1.0)))
    colour = class_colour(one["class"])
    fig.add_trace(
        go.Scatter(
            x=one["mean_predicted"],
            y=one["share"],
            mode="lines+markers",
            line={"color": colour, "width": 1.5},
            marker={"size": size, "color": colour, "opacity": 1, "line": {"width": 0}},
            customdata=one["rows"],
            hovertemplate=words("views.calibration.hover").format(x="%{x:.2f}", y="%{y:.2f}", rows="%{customdata:,}")
            + "<extra></extra>",
        )
    )
    fig.update_xaxes(range=[-0.04, 1.04])
    fig.update_yaxes(range=[-0.06, 1.06])
    return fig
