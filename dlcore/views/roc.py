"""Receiver operating characteristic: true positive rate of a class against its false positive rate (Fawcett, 2006).

numbers: an answer of "evaluate" for classes, with "shown": which entry of its curves (default 0), and "threshold": 0..1 or none.
"""

from __future__ import annotations

import plotly.graph_objects as go

from dlcore.views.theme import (
    QUIET,
    Numbers,
    Words,
    class_colour,
    class_name,
    draw_curve,
    draw_guess,
    draw_mark,
    figure,
    say_at,
)
from dlcore.views.threshold import count_at

TITLE = "views.roc"


def draw(numbers: Numbers, words: Words) -> go.Figure:
    """The chosen class in its colour, the others as thin lines; guessing is the diagonal."""
    fig = figure(words("views.false_positive_rate"), words("views.recall"))
    shown = numbers.get("shown", 0)
    draw_guess(fig, [0, 1], [0, 1], words("views.guessing"))
    for other, one in enumerate(numbers["roc"]):
        if other != shown:
            draw_curve(fig, one["fpr"], one["tpr"], QUIET, class_name(numbers, one["class"]), 1.0)
    one = numbers["roc"][shown]
    colour = class_colour(one["class"])
    draw_curve(fig, one["fpr"], one["tpr"], colour, class_name(numbers, one["class"]))
    if one["auc"] is not None:
        say_at(fig, 0.98, 0.05, words("views.auc").format(value=f"{one['auc']:.3f}"), xanchor="right", xshift=0)
    if numbers.get("threshold") is not None and one["auc"] is not None:
        counts = count_at(numbers["scores"][shown], numbers["threshold"])
        draw_mark(fig, counts.false_positive_rate, counts.recall, colour, words("views.at_threshold"))
    fig.update_xaxes(range=[-0.02, 1.02])
    fig.update_yaxes(range=[-0.02, 1.04])
    return fig
