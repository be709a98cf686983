"""Precision against recall: the share of correct rows among those predicted positive, over the share found (Davis and Goadrich, 2006).

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

TITLE = "views.precision_recall"


def draw(numbers: Numbers, words: Words) -> go.Figure:
    """The chosen class in its colour, the others as thin lines; the precision of guessing is the class's share of the rows."""
    fig = figure(words("views.recall"), words("views.precision"))
    shown = numbers.get("shown", 0)
    counts = count_at(numbers["scores"][shown], numbers.get("threshold") or 0.0)
    rows = numbers["rows"]
    if rows:
        share = (counts.true_positive + counts.false_negative) / rows
        draw_guess(fig, [0, 1], [share, share], words("views.guessing"))
    for other, one in enumerate(numbers["pr"]):
        if other != shown:
            draw_curve(fig, one["recall"], one["precision"], QUIET, class_name(numbers, one["class"]), 1.0)
    one = numbers["pr"][shown]
    colour = class_colour(one["class"])
    draw_curve(fig, one["recall"], one["precision"], colour, class_name(numbers, one["class"]))
    if one["ap"] is not None:
        say_at(fig, 0.02, 0.05, words("views.average_precision").format(value=f"{one['ap']:.3f}"), xshift=0)
    if numbers.get("threshold") is not None and one["ap"] is not None:
        draw_mark(fig, counts.recall, counts.precision, colour, words("views.at_threshold"))
    fig.update_xaxes(range=[-0.02, 1.02])
    fig.update_yaxes(range=[-0.02, 1.04])
    return fig
