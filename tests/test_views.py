"""Every picture draws from usual and extreme numbers; what it shows is what it was given, and names stay plain text."""

from __future__ import annotations

import importlib
import json
import re
import tomllib
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import plotly.graph_objects as go
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics

from dlcore.views import (
    balance,
    baselines,
    calibration,
    confusion,
    correlation,
    growth,
    intervals,
    precision_recall,
    predicted_true,
    residuals,
    roc,
    theme,
    threshold,
)
from tests.palette import class_colours, linear
from ui.messages import LANGUAGES, catalogue

ROOT = Path(__file__).parent.parent
#: Each module of the room but the theme, which all of them draw with.
VIEWS = [
    importlib.import_module(f"dlcore.views.{path.stem}")
    for path in sorted(ROOT.glob("dlcore/views/[a-z]*.py"))
    if path.stem != "theme"
]
HOSTILE = "<a href='http://evil.example'>x</a> %{x} &lt; $y$"
TAG = re.compile(r"<(?!br>|extra>|/extra>)")

Numbers = dict[str, Any]


def words(key: str) -> str:
    return catalogue("en")[key]


def of_classes(names: list[str], rows: int = 200, seed: int = 0) -> Numbers:
    """An answer of "evaluate", made by scikit-learn from random probabilities."""
    generator = np.random.default_rng(seed)
    y = generator.integers(0, len(names), rows)
    logits = generator.normal(size=(rows, len(names))) + 1.5 * np.eye(len(names))[y]
    p = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    shown = range(len(names)) if len(names) > 2 else (1,)
    answer: Numbers = {
        "task": "classification", "rows": rows, "class_names": names,
        "confusion": metrics.confusion_matrix(y, p.argmax(1), labels=range(len(names))).tolist(),
    }  # fmt: skip
    answer |= {name: [] for name in ("roc", "pr", "calibration", "scores")}
    edges = np.linspace(0, 1, 1001)
    for label in shown:
        positive, score = y == label, p[:, label]
        fpr, tpr, cuts = metrics.roc_curve(positive, score, drop_intermediate=False)
        precision, recall, _ = metrics.precision_recall_curve(positive, score)
        auc, ap = metrics.roc_auc_score(positive, score), metrics.average_precision_score(positive, score)
        roc_points = {"fpr": fpr.tolist(), "tpr": tpr.tolist(), "thresholds": cuts.tolist()}
        pr_points = {"precision": precision.tolist(), "recall": recall.tolist()}
        answer["roc"].append({"class": label, "auc": auc, **roc_points})
        answer["pr"].append({"class": label, "ap": ap, **pr_points})
        answer["calibration"].append(
            {"class": label, "mean_predicted": [0.1, 0.9], "share": [0.2, 0.8], "rows": [50, 150]}
        )
        counts = [np.histogram(score[side], edges)[0].tolist() for side in (positive, ~positive)]
        answer["scores"].append({"class": label, "edges": edges.tolist(), "positive": counts[0], "negative": counts[1]})
    return answer


def of_numbers(true: list[float], predicted: list[float]) -> Numbers:
    residual = [a - b for a, b in zip(true, predicted, strict=True)]
    counts, edges = np.histogram(residual, 10)
    rows = {"true": true, "predicted": predicted, "residual": residual, "row": list(range(len(true)))}
    return {"task": "regression", "residuals": rows, "histogram": {"edges": edges.tolist(), "counts": counts.tolist()}}


def nothing_to_tell_apart(names: list[str]) -> Numbers:
    """As "evaluate" answers where all rows are of one class."""
    answer = of_classes(names)
    answer["roc"] = [{"class": 1, "auc": None, "fpr": [], "tpr": [], "thresholds": []}]
    answer["pr"] = [{"class": 1, "ap": None, "precision": [], "recall": [], "thresholds": []}]
    answer["calibration"] = [{"class": 1, "mean_predicted": [], "share": [], "rows": []}]
    return answer | {"confusion": np.zeros((len(names), len(names)), int).tolist()}


TWO, TEN, TWENTY = ["no", "yes"], [str(digit) for digit in range(10)], [f"{HOSTILE} {place}" for place in range(20)]
CLASSES = [
    of_classes(TWO),
    of_classes(TEN),
    of_classes(TWENTY, 400),
    of_classes([HOSTILE, "b"], 8),
    nothing_to_tell_apart(TWO),
]
NUMBERS = [
    of_numbers([1.0, 2.0, 3.0], [1.5, 2.0, 2.0]), of_numbers([1e300, -1e300], [0.0, 0.0]), of_numbers([0.0, 0.0], [0.0, 0.0]),
    of_numbers([1e-9], [2e-9]),
]  # fmt: skip
GROUP = {"name": HOSTILE, "role": "test", "value": 0.5, "interval": [0.4, 0.7], "rows": 10}
MODEL = {"name": "forest", "train": 1.0, "test": 0.9, "interval": [0.8, 0.95], "network": False}
POINT = {"x": 10, "train": [0.9, 1.0], "test": [0.5, None]}

#: For each view of the page Evaluate, numbers as they come and as they come at worst.
GIVEN: dict[ModuleType, list[Numbers]] = {
    intervals: [
        {
            "metric": "views.accuracy", "groups": [GROUP, {**GROUP, "role": "train", "value": 1.0, "interval": [1.0, 1.0]}],
            "reference": 0.5, "of_numbers": False,
        },
        {
            "metric": "views.r2", "groups": [{**GROUP, "value": -1e9, "interval": None}, {**GROUP, "value": None}],
            "reference": 0.0, "of_numbers": True,
        },
        {"metric": "views.r2", "groups": [], "reference": None, "of_numbers": True},
    ],
    confusion: CLASSES, threshold: [{**one, "threshold": cut} for one in CLASSES for cut in (0.0, 0.5, 1.0)],
    roc: [*CLASSES, {**CLASSES[1], "shown": 9, "threshold": 0.3}],
    precision_recall: [*CLASSES, {**CLASSES[1], "shown": 9, "threshold": 1.0}],
    calibration: CLASSES, predicted_true: NUMBERS, residuals: NUMBERS,
    baselines: [
        {"metric": "views.accuracy", "rows": HOSTILE, "models": [MODEL, {**MODEL, "name": HOSTILE, "network": True}]},
        {"metric": "views.r2", "rows": "Test", "models": [{**MODEL, "train": -1e6, "test": -1e6, "interval": None}]},
    ],
    growth: [
        {"metric": "views.accuracy", "x": "rows", "points": [POINT, {**POINT, "x": 100}]},
        {"metric": "views.r2", "x": "units", "points": [{"x": 1, "train": [], "test": [None]}]},
        {"metric": "views.r2", "x": "units", "points": []},
    ],
}  # fmt: skip


def shown_texts(fig: go.Figure) -> list[str]:
    """All strings of a figure but its colours: what Plotly may read as markup."""
    found: list[str] = []
    waiting: list[Any] = [fig.to_plotly_json()["data"], {**fig.to_plotly_json()["layout"], "template": None}]
    while waiting:
        match waiting.pop():
            case dict() as inner:
                waiting.extend(inner.values())
            case list() | tuple() | np.ndarray() as inner:
                waiting.extend(inner)
            case str() as text:
                found.append(text)
    return found


@pytest.mark.parametrize("view", GIVEN, ids=lambda view: view.__name__.split(".")[-1])
def test_every_view_draws_and_no_name_becomes_markup(view: ModuleType) -> None:
    for numbers in GIVEN[view]:
        before = json.dumps(numbers)
        fig = view.draw(numbers, words)
        json.loads(fig.to_json())
        assert json.dumps(numbers) == before
        assert [text for text in shown_texts(fig) if TAG.search(text)] == []


@pytest.mark.parametrize("view", VIEWS, ids=lambda view: view.__name__.split(".")[-1])
def test_every_view_has_a_title_in_every_language(view: ModuleType) -> None:
    for language in LANGUAGES:
        assert catalogue(language)[view.TITLE].strip()
    assert view.__doc__


@pytest.mark.parametrize("view", GIVEN, ids=lambda view: view.__name__.split(".")[-1])
def test_every_view_says_what_to_see_in_it(view: ModuleType) -> None:
    for language in LANGUAGES:
        assert catalogue(language)[f"{view.TITLE}.see"].strip() and catalogue(language)[f"{view.TITLE}.help"].strip()


# What is drawn is what was given


def trace(fig: go.Figure, kind: str) -> list[Any]:
    return [one for one in fig.data if one.type == kind]


def test_the_confusion_matrix_shows_its_counts_where_they_belong() -> None:
    numbers = CLASSES[1]
    (cells,) = trace(confusion.draw(numbers, words), "scatter")
    for x, y, text, (true, predicted) in zip(cells.x, cells.y, cells.text, cells.customdata, strict=True):
        count = numbers["confusion"][true][predicted]
        assert (x, y) == (predicted, true)
        assert text == (f"{count}" if count else "")


@pytest.mark.parametrize("view", [roc, precision_recall])
def test_the_chosen_curve_is_the_one_given_and_the_strongest(view: ModuleType) -> None:
    name, x, y = ("roc", "fpr", "tpr") if view is roc else ("pr", "recall", "precision")
    numbers = {**CLASSES[1], "shown": 3}
    lines = [one for one in view.draw(numbers, words).data if one.mode == "lines"]
    strongest = max(lines, key=lambda line: line.line.width)
    assert list(strongest.x) == numbers[name][3][x] and list(strongest.y) == numbers[name][3][y]
    assert strongest.line.color == theme.CLASSES[3]


@pytest.mark.parametrize("cut", [0.0, 0.25, 0.5, 0.731, 1.0])
def test_the_counts_at_a_threshold_are_those_of_scikit_learn(cut: float) -> None:
    generator = np.random.default_rng(1)
    y, score = generator.random(500) < 0.3, generator.random(500).round(4)
    counts = [np.histogram(score[side], np.linspace(0, 1, 1001))[0] for side in (y, ~y)]
    found = threshold.count_at({"positive": counts[0], "negative": counts[1]}, cut)
    called = score >= cut if cut < 1 else np.zeros(500, bool)  # numpy's last bin holds 1.0 as well
    tn, fp, fn, tp = metrics.confusion_matrix(y, called).ravel()
    assert (found.true_positive, found.false_positive, found.false_negative, found.true_negative) == (tp, fp, fn, tn)
    assert found.recall == pytest.approx(metrics.recall_score(y, called))
    assert found.precision == pytest.approx(metrics.precision_score(y, called, zero_division=1))
    assert found.accuracy == pytest.approx(metrics.accuracy_score(y, called))


def test_the_marked_point_lies_on_both_curves() -> None:
    numbers = {**CLASSES[0], "threshold": 0.5}
    counts = threshold.count_at(numbers["scores"][0], 0.5)
    for view, place in (
        (roc, (counts.false_positive_rate, counts.recall)),
        (precision_recall, (counts.recall, counts.precision)),
    ):
        fig = view.draw(numbers, words)
        marks = [one for one in fig.data if one.mode == "markers"]
        assert [(mark.x[0], mark.y[0]) for mark in marks] == [place]
        line = max((one for one in fig.data if one.mode == "lines"), key=lambda one: one.line.width)
        assert min(abs(np.array(line.x) - place[0]) + abs(np.array(line.y) - place[1])) < 0.02


def test_the_threshold_view_counts_all_rows_of_either_kind() -> None:
    numbers = {**CLASSES[0], "threshold": 0.5}
    above, below = trace(threshold.draw(numbers, words), "bar")
    for bars, kind, sign in ((above, "positive", 1), (below, "negative", -1)):
        assert sum(bars.customdata) == sum(numbers["scores"][0][kind])
        assert list(bars.y) == pytest.approx([sign * rows**0.5 for rows in bars.customdata])


def test_rows_and_residuals_stand_as_they_were_given() -> None:
    numbers = NUMBERS[0]
    dots = [one for one in predicted_true.draw(numbers, words).data if one.mode == "markers"]
    assert list(dots[0].x) == numbers["residuals"]["true"] and list(dots[0].y) == numbers["residuals"]["predicted"]
    (dots,) = trace(residuals.draw(numbers, words), "scatter")
    assert list(dots.x) == numbers["residuals"]["predicted"] and list(dots.y) == numbers["residuals"]["residual"]
    (bars,) = trace(residuals.draw(numbers, words), "bar")
    assert list(bars.x) == numbers["histogram"]["counts"]


def test_whiskers_reach_from_low_to_high() -> None:
    fig = intervals.draw(GIVEN[intervals][0], words)
    dot = fig.data[0]
    assert dot.x[0] - dot.error_x.arrayminus[0] == pytest.approx(0.4)
    assert dot.x[0] + dot.error_x.array[0] == pytest.approx(0.7)


def test_the_network_stands_out_among_the_baselines_and_the_best_is_on_top() -> None:
    models = [{**MODEL, "test": 0.4}, {**MODEL, "name": "net", "test": 0.7, "network": True}, {**MODEL, "test": 0.6}]
    fig = baselines.draw({"metric": "views.accuracy", "rows": "Validation rows", "models": models}, words)
    (bars,) = trace(fig, "bar")
    assert list(bars.x) == [0.4, 0.6, 0.7]
    assert bars.marker.color.index(theme.TEST) == 2


def test_the_legend_says_which_mark_of_a_baseline_is_which_rows_and_the_whiskers_are_their_intervals() -> None:
    fig = baselines.draw(GIVEN[baselines][0] | {"rows": "Validation rows"}, words)
    (bars,), (ticks,) = trace(fig, "bar"), trace(fig, "scatter")
    assert fig.layout.showlegend
    assert (bars.name, list(bars.x)) == ("Validation rows", [0.9, 0.9])
    assert (ticks.name, list(ticks.x)) == (words("views.train"), [1.0, 1.0])
    assert bars.x[0] - bars.error_x.arrayminus[0] == pytest.approx(0.8)
    assert bars.x[0] + bars.error_x.array[0] == pytest.approx(0.95)


def test_a_learning_curve_goes_through_the_means_of_its_repeats() -> None:
    fig = growth.draw(GIVEN[growth][0], words)
    lines = [one for one in fig.data if one.mode == "lines+markers"]
    assert [list(line.y) for line in lines] == [pytest.approx([0.95, 0.95]), pytest.approx([0.5, 0.5])]


# Colours


def test_the_settled_colours_are_the_canvas_and_the_configured_ones() -> None:
    configured = tomllib.loads((ROOT / ".streamlit" / "config.toml").read_text(encoding="utf-8"))["theme"]["light"]
    assert (
        [theme.LIGHT[mark] for mark in theme.CLASSES] == configured["chartCategoricalColors"] == class_colours("LIGHT")
    )
    assert theme.LIGHT[theme.QUIET] == configured["grayColor"] and theme.LIGHT[theme.LINE] == configured["borderColor"]
    drawn = theme.fix_colours(roc.draw(CLASSES[0], words)).to_json()
    assert not re.search(r"#0000\d\d", drawn)
    assert theme.LIGHT[theme.CLASSES[1]] in drawn


def contrast(one: str, other: str) -> float:
    """Of two colours, 1 to 21 (WCAG 2.2)."""
    light = sorted(float(linear(colour) @ (0.2126, 0.7152, 0.0722)) for colour in (one, other))
    return (light[1] + 0.05) / (light[0] + 0.05)


@pytest.mark.parametrize(("scheme", "ink"), [("light", "#262730"), ("dark", "#fafafa")])  # Streamlit's gray90, gray10
def test_numbers_can_be_read_on_the_strongest_correlation(scheme: str, ink: str) -> None:
    colours = tomllib.loads((ROOT / ".streamlit" / "config.toml").read_text(encoding="utf-8"))["theme"][scheme]
    (drawn,) = correlation.draw({"names": ["a", "b"], "values": [[1, -1], [-1, 1]]}, words).data
    assert drawn.textfont.color == theme.INK
    for end in colours["chartCategoricalColors"][:2]:
        parts = [
            drawn.opacity * int(end[at : at + 2], 16)
            + (1 - drawn.opacity) * int(colours["backgroundColor"][at : at + 2], 16)
            for at in (1, 3, 5)
        ]
        assert contrast(ink, "#" + "".join(f"{round(part):02x}" for part in parts)) >= 4.5  # level AA


def test_streamlit_still_replaces_the_marks() -> None:
    from streamlit.elements.lib import streamlit_plotly_theme as streamlits

    ours = (*theme.CLASSES, theme.QUIET, theme.INK, theme.LINE, theme.BACKGROUND)
    theirs = [getattr(streamlits, f"CATEGORY_{place}") for place in range(10)]
    assert ours == (*theirs, streamlits.GRAY_70, streamlits.GRAY_90, streamlits.FADED_TEXT_05, streamlits.BG_COLOR)


@given(st.lists(st.integers(0, 10_000), min_size=1, max_size=12))
def test_the_percentages_of_a_class_balance_add_up(counts: list[int]) -> None:
    percents = balance.share_out(counts)
    assert sum(percents) == (100 if any(counts) else 0)
    for count, percent in zip(counts, percents, strict=True):
        assert abs(percent - 100 * count / (sum(counts) or 1)) < 1
