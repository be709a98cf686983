"""The rows of one class and of all others by the probability given to that class, cut by a threshold.

numbers: an answer of "evaluate" for classes, with "shown": which entry of its curves (default 0), and "threshold": 0..1.
Rows at or above the threshold are called positive.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import plotly.graph_objects as go

from dlcore.views.theme import QUIET, Numbers, Words, class_colour, class_name, figure, plain

TITLE = "views.threshold"
BARS = 50
BINS = 1000
HALF = 0.5


@dataclass(frozen=True)
class Counts:
    """True and false positives and negatives of a class (Fawcett, 2006)."""

    true_positive: int
    false_positive: int
    false_negative: int
    true_negative: int

    @property
    def recall(self) -> float:
        """TP / (TP + FN): the share of the class that is found; 0 if the class has no rows."""
        return _share(self.true_positive, self.true_positive + self.false_negative)

    @property
    def precision(self) -> float:
        """TP / (TP + FP): the share of correct rows among those called positive; 1 if none is."""
        called = self.true_positive + self.false_positive
        return self.true_positive / called if called else 1.0

    @property
    def false_positive_rate(self) -> float:
        """FP / (FP + TN): the share of the other classes' rows that is called positive; 0 if they have none."""
        return _share(self.false_positive, self.false_positive + self.true_negative)

    @property
    def accuracy(self) -> float:
        """(TP + TN) / all."""
        rows = self.true_positive + self.false_positive + self.false_negative + self.true_negative
        return _share(self.true_positive + self.true_negative, rows)


def _share(part: int, whole: int) -> float:
    return part / whole if whole else 0.0


def count_at(scores: Numbers, threshold: float) -> Counts:
    """The counts if rows with at least this probability (a multiple of 1/1000) are called positive."""
    first = round(threshold * BINS)
    positive, negative = np.array(scores["positive"]), np.array(scores["negative"])
    hit, false = int(positive[first:].sum()), int(negative[first:].sum())
    return Counts(hit, false, int(positive.sum()) - hit, int(negative.sum()) - false)


def draw(numbers: Numbers, words: Words) -> go.Figure:
    """Bars of the class above the axis, of all others below it; rows on the wrong side of the threshold are pale.

    Heights are square roots of rows (Tukey, 1972), so that a few rows near the threshold are visible beside the many at the ends.
    """
    scores, threshold = numbers["scores"][numbers.get("shown", 0)], numbers.get("threshold", HALF)
    label, names = scores["class"], numbers["class_names"]
    name = class_name(numbers, label)
    two = len(names) == 2
    fig = figure(words("views.probability").format(name=name), "")
    edges = np.linspace(0, 1, BARS + 1)
    middles = (edges[1:] + edges[:-1]) / 2
    kinds = (
        ("positive", 1, class_colour(label), name),
        ("negative", -1, class_colour(1 - label) if two else QUIET, plain(names[1 - label]) if two else words("views.others")),
    )  # fmt: skip
    tallest = 1.0
    for kind, sign, colour, said in kinds:
        rows = np.array(scores[kind]).reshape(BARS, -1).sum(axis=1)
        heights = np.sqrt(rows)
        tallest = max(tallest, float(heights.max()))
        fig.add_trace(
            go.Bar(
                x=middles,
                y=sign * heights,
                width=0.9 / BARS,
                marker={"color": colour, "opacity": np.where((middles >= threshold) == (sign > 0), 1.0, 0.35)},
                customdata=rows,
                hovertemplate=f"{said}: %{{customdata:,}}<extra></extra>",
            )
        )
    fig.add_vline(threshold, line={"color": QUIET, "width": 2})
    fig.update_layout(barmode="overlay")
    fig.update_xaxes(range=[-0.01, 1.01])
    ticks, texts = [sign * tallest / 2 for _, sign, _, _ in kinds], [said for *_, said in kinds]
    fig.update_yaxes(
        tickvals=ticks, ticktext=texts, range=[-1.1 * tallest, 1.1 * tallest], showgrid=False, zeroline=True
    )
    return fig
