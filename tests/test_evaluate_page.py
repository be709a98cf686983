"""The page Evaluate: what it shows is what the present moment scores, sealed rows stay sealed, and every failure is a sentence."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from functools import cache
from itertools import islice
from types import SimpleNamespace
from typing import Any, get_args

import numpy as np
import pytest
from scipy.stats import binomtest
from sklearn import metrics
from sklearn.linear_model import LogisticRegression
from streamlit.testing.v1 import AppTest

from dlcore import predictions, rights
from dlcore.__main__ import main
from dlcore.checkpoint import open_checkpoint, predict, save_checkpoint
from dlcore.evaluation import baselines as judge
from dlcore.evaluation.comparing import Kind
from dlcore.experiment import Experiment
from dlcore.learning.trainer import Trainer
from dlcore.metrics import Measure
from dlcore.objectives import Classes, Numbers
from dlcore.problems import Problem
from dlcore.rows import prepare
from dlcore.runs.server.entry import mark_of
from dlcore.views import bands, baselines, calibration, confusion, intervals, predicted_true, residuals, roc
from dlcore.views import growth as growth_view
from tests.judges import HastyDesks, answer_to
from tests.patience import PATIENCE
from tests.playground import RecordingPool, errors, shown, state, widget
from ui import live, session
from ui.evaluating import curves, growth, rows
from ui.evaluating.judging import Judging
from ui.evaluating.predict import make_maker
from ui.evaluating.sections import SECTIONS, name_key
from ui.evaluating.verdict import GAPS, TEST
from ui.evaluating.warnings import ICONS
from ui.messages import LANGUAGES, catalogue, sentence, text
from ui.pages import EVALUATE

pytestmark = pytest.mark.xdist_group("evaluate_page")  # One process trains and judges each network once.
HERE = ("scores", "curves", "examples", "warnings", "baselines", "growth")
SPIRAL = {"dataset": {"kind": "spiral", "samples": 200, "noise": 0.3}}
DIGITS = {"dataset": {"kind": "digits"}}
SINE = {"dataset": {"kind": "sine"}, "loss": {"kind": "mse"}}
SEALED = {**SPIRAL, "test_fraction": 0.3, "validation_fraction": 0.3, "sealed": True}
HOSTILE = "[x](http://evil.example) <b>$y$"


@cache
def checkpoint(recipe: str, steps: int) -> bytes:
    """The recipe after so many steps."""
    trainer = Trainer(Experiment.from_json(recipe))
    for _ in islice(trainer.steps(), steps):
        pass
    return save_checkpoint(trainer.snapshot(), trainer.data)


class JudgedPool(RecordingPool):
    """A pool whose one run stands where the test says."""

    def __init__(self, recipe: dict[str, Any], steps: int = 60) -> None:
        super().__init__()
        self.recipe, self.steps, self.status, self.history = json.dumps(recipe), steps, "paused", b""

    @property
    def content(self) -> bytes:
        return checkpoint(self.recipe, self.steps)

    def call(self, token: str, do: str, payload: bytes = b"", **values: Any) -> tuple[dict[str, Any], bytes]:
        super().call(token, do, payload, **values)
        if do == "checkpoint":
            return {}, self.content
        if do == "history":
            return {}, self.history
        return {"status": self.status, "step": self.steps, "epoch": 1}, b""


Open = Callable[..., tuple[AppTest, JudgedPool, HastyDesks]]


@pytest.fixture
def jobs_done_anew() -> Iterator[None]:
    """No answer of an earlier job is given again, as the test changes what jobs do."""
    answer_to.cache_clear()
    yield
    answer_to.cache_clear()


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> Open:
    """The page of a run of this recipe, with all figures, or with this section opened large."""

    def open_page(recipe: dict[str, Any], section: str = "") -> tuple[AppTest, JudgedPool, HastyDesks]:
        pool, desks = JudgedPool(recipe), HastyDesks()
        monkeypatch.setattr(live, "pool", lambda: pool)
        monkeypatch.setattr(live, "desks", lambda: desks)
        at = AppTest.from_file(str(EVALUATE.script), default_timeout=PATIENCE)
        at.session_state["session"] = session.Session("en", Experiment.from_dict(recipe))
        if section:
            at.query_params["section"] = section
        return at.run(), pool, desks

    return open_page


def judged(pool: JudgedPool, part: str = "watched") -> tuple[np.ndarray, np.ndarray]:
    """True and predicted (probabilities or values) of these rows, without dlcore.evaluation."""
    opened = open_checkpoint(pool.content)
    split = getattr(prepare(opened.experiment), part)
    return split.y, predict(opened, split.raw)


def numbers(at: AppTest) -> dict[str, str]:
    return {metric.label.replace("\\", ""): metric.value for metric in at.metric}


def _elements(block: Any) -> Iterator[Any]:
    for child in block.children.values():
        yield from _elements(child) if hasattr(child, "children") else [child]


def open_large(at: AppTest, section: str) -> AppTest:
    """Press the card of this section; from another section, after going back to all figures."""
    if state(at).memory(Judging).section:
        press(at, "close_section")
    return press(at, next(button.key for button in at.button if str(button.key).startswith(f"open_{section}")) or "")


def verdict_of(at: AppTest) -> str:
    (said,) = [header.value.replace("\\", "") for header in at.header]
    return said


def is_fine(at: AppTest) -> bool:
    return not at.exception and not errors(at)


def press(at: AppTest, name: str) -> AppTest:
    return at.button(key=name).click().run()


# What it shows


@pytest.mark.parametrize("section", HERE)
@pytest.mark.parametrize("recipe", [SPIRAL, SINE], ids=["classes", "numbers"])
def test_every_section_draws(opened: Open, recipe: dict[str, Any], section: str) -> None:
    at, _, _ = opened(recipe, section)
    assert is_fine(at)
    assert next(one.value for one in at.subheader) == shown(text("en", name_key(section, recipe is SPIRAL)))


def test_the_scores_are_those_of_the_present_moment(opened: Open) -> None:
    at, pool, _ = opened(SPIRAL, "scores")
    for part, name in (("watched", "Accuracy: Test"), ("train", "Accuracy: Training")):
        y, p = judged(pool, part)
        assert numbers(at)[name] == f"{metrics.accuracy_score(y, p.argmax(1)):.1%}"
    (all_scores, per_class) = [table.value for table in at.table]
    y, p = judged(pool)
    said: Any = metrics.precision_recall_fscore_support(y, p.argmax(1))
    assert list(per_class.iloc[:, 2]) == [f"{recall:.1%}" for recall in said[1]]
    assert all_scores.iloc[1]["Test"] == f"{metrics.balanced_accuracy_score(y, p.argmax(1)):.1%}"


def test_numbers_are_judged_in_the_units_of_the_target(opened: Open) -> None:
    at, pool, _ = opened(SINE, "scores")
    y, p = judged(pool)
    assert numbers(at)["R²: Test"] == f"{metrics.r2_score(y, p):.3f}"
    assert at.table[0].value.iloc[2]["Test"] == f"{metrics.root_mean_squared_error(y, p):.4g}"


def test_moving_the_threshold_moves_the_counts_and_asks_nothing(opened: Open) -> None:
    at, pool, desks = opened(SPIRAL, "curves")
    asked = len(desks.asked)
    y, p = judged(pool)
    for cut in (0.5, 0.35):
        widget(at, "/judged_threshold").set_value(cut).run()
        tn, fp, fn, tp = metrics.confusion_matrix(y, p[:, 1] >= cut).ravel()
        found = numbers(at)
        names = [text("en", f"evaluate.metric.{name}") for name in curves.FIGURES[:4]]
        assert [found[name] for name in names] == [f"{count}" for count in (tp, fp, fn, tn)]
        assert found["Recall"] == f"{tp / (tp + fn):.1%}"
    assert len(desks.asked) == asked
    widget(at, "/judged_threshold").set_value(1.0).run()
    assert numbers(at)["Precision"] == "–"


def test_a_cell_of_the_confusion_matrix_can_be_chosen_by_its_classes(opened: Open) -> None:
    at, pool, desks = opened(SPIRAL, "examples")
    widget(at, "/judged_true").set_value(0).run()
    widget(at, "/judged_predicted").set_value(1).run()
    assert {**desks.asked[-1][1]}.items() >= {"true": 0, "predicted": 1, "worst": True}.items()
    y, p = judged(pool)
    expected = np.flatnonzero((y == 0) & (p.argmax(1) == 1))
    table = at.dataframe[0].value
    assert sorted(table.iloc[:, 0]) == expected.tolist()
    assert (table.iloc[:, 4].diff().dropna() <= 0).all()  # the largest loss first


def test_pictures_are_shown_as_pictures(opened: Open) -> None:
    at, _, _ = opened(DIGITS, "examples")
    assert is_fine(at)
    pictures = [one for one in _elements(at.main) if type(one.proto).__name__ == "ImageList"]
    assert len(pictures) > 10 and not at.dataframe
    assert all(one.proto.imgs[0].alt for one in pictures)


def test_a_subset_stands_beside_the_whole(opened: Open) -> None:
    at, pool, desks = opened(SPIRAL, "scores")
    widget(at, "/judged_column").set_value(f"{rows.COLUMN}x1").run()
    low, high = widget(at, "/judged_range/x1").value
    assert desks.asked[-1] == ("evaluate", {"split": "test", "subset": {"column": "x1", "low": low, "high": high}})
    opened_now = open_checkpoint(pool.content)
    split = prepare(opened_now.experiment).watched
    chosen = (split.raw[:, 0] >= low) & (split.raw[:, 0] <= high)
    y, p = judged(pool)
    (name,) = [name for name in numbers(at) if "x1" in name]
    assert numbers(at)[name] == f"{(p.argmax(1) == y)[chosen].mean():.1%}"
    widget(at, "/judged_column").set_value(rows.ALL).run()
    assert not [name for name in numbers(at) if "x1" in name]


def test_the_network_stands_among_its_baselines(opened: Open) -> None:
    at, _, desks = opened(SPIRAL, "baselines")
    assert [do for do, _ in desks.asked] == ["verdict", "baselines"]
    table = at.table[0].value
    names = list(table.iloc[:, 0])
    assert names[0] == f"**{shown(text('en', 'evaluate.baseline.network'))}**" and len(names) == 4
    assert shown(text("en", "evaluate.baseline.majority.what")) in names
    assert all(" to " in score for score in table.iloc[:, 2])  # each with its interval
    assert all(re.match(r"\*\*(better|worse|as good|too close to call)\*\*", said) for said in table.iloc[1:, 3])


# The verdict and the figures

KEPT_BACK = {**SPIRAL, "test_fraction": 0.3, "validation_fraction": 0.3}  # as runs begin on the page: no seal


@pytest.mark.parametrize("recipe", [SPIRAL, SINE, DIGITS], ids=["classes", "numbers", "images"])
def test_a_visit_shows_all_figures_and_asks_for_what_takes_a_moment_alone(opened: Open, recipe: dict[str, Any]) -> None:
    at, _, desks = opened(recipe)
    assert is_fine(at) and not at.subheader
    assert [do for do, _ in desks.asked] == ["verdict", "evaluate"]
    assert len(at.get("plotly_chart")) == (4 if recipe is SINE else 5)
    cards = {str(button.key).split("_")[1] for button in at.button if str(button.key).startswith("open_")} - {"test"}
    assert cards == set(SECTIONS)


def test_the_verdict_says_score_interval_comparison_and_gap_as_plain_scikit_learn_finds_them(opened: Open) -> None:
    at, pool, _ = opened(SPIRAL)
    opened_now = open_checkpoint(pool.content)
    data = prepare(opened_now.experiment)
    y, p = judged(pool)
    hits = int((p.argmax(1) == y).sum())
    ends = binomtest(hits, len(y)).proportion_ci(0.95, "wilson")
    said = verdict_of(at)
    assert said.startswith(f"{hits / len(y):.1%} ± {50 * (ends.high - ends.low):.1f} on {len(y)} test rows")
    captions = "\n".join(one.value.replace("\\", "") for one in at.caption)
    assert f"95% interval {ends.low:.1%} to {ends.high:.1%} (Wilson)" in captions
    linear = LogisticRegression(max_iter=500).fit(data.train.X, data.train.y)
    forest_or_better = re.search(r"(Random forest|Logistic regression|Majority class): ([\d.]+)%\.", captions)
    assert forest_or_better and float(forest_or_better[2]) >= 100 * linear.score(data.watched.X, data.watched.y) - 0.05
    y_train, p_train = judged(pool, "train")
    gap = metrics.accuracy_score(y_train, p_train.argmax(1)) - hits / len(y)
    assert f"a gap of {100 * gap:+.1f} points".replace("-", "−") in captions


def test_numbers_are_given_a_verdict_by_r2(opened: Open) -> None:
    at, pool, _ = opened(SINE)
    y, p = judged(pool)
    assert verdict_of(at).startswith(f"R² {metrics.r2_score(y, p):.3f}")
    assert "always predicting the mean" in verdict_of(at) or "linear" in verdict_of(at) or "forest" in verdict_of(at)


def test_an_untrained_network_is_called_untrained_and_compared_with_nothing(opened: Open) -> None:
    at, pool, _ = opened(SPIRAL)
    pool.steps = 0
    press(at, "judge_again")
    assert verdict_of(at).startswith("Untrained: no step was taken yet.")
    assert not [one for one in at.markdown if text("en", "verdict.against") in one.value]


@pytest.mark.parametrize("recipe", [KEPT_BACK, SEALED], ids=["kept back", "sealed"])
def test_the_verdict_speaks_of_the_watched_rows_until_the_test_rows_are_opened_which_is_counted(
    opened: Open, recipe: dict[str, Any]
) -> None:
    at, pool, desks = opened(recipe)
    assert "validation rows it has not seen" in verdict_of(at)
    assert not [asked for _, asked in desks.asked if asked.get("split") == "test" or "unseal" in asked]
    assert "Kept back. Opened 0× so far." in said_on(at)
    press(at, "open_test")
    y, p = judged(pool, "final")
    assert verdict_of(at).startswith(f"{metrics.accuracy_score(y, p.argmax(1)):.1%}")
    assert f"on {len(y)} test rows that were kept back" in verdict_of(at)
    assert "Opened 1× so far." in said_on(at)
    open_large(at, "baselines")
    assert list(at.table[0].value.columns)[2] == "Test"
    press(at, "close_section")
    pool.steps = 120
    press(at, "judge_again")  # Another network: the test rows are kept back from it too.
    assert "validation rows it has not seen" in verdict_of(at)
    assert "Kept back. Opened 1× so far." in said_on(at)


@pytest.mark.usefixtures("jobs_done_anew")
def test_once_all_baselines_are_fitted_the_verdict_speaks_of_the_best_of_them(
    opened: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(judge, "QUICK", {"logistic": 0, "forest": 0})
    at, _, _ = opened(SPIRAL)
    assert "Majority class" in said_on(at) and "Random forest" not in said_on(at)
    open_large(at, "baselines")
    press(at, "close_section")
    assert "Random forest" in said_on(at)


def test_a_long_job_that_is_done_becomes_a_figure(opened: Open) -> None:
    at, _, _ = opened(SPIRAL, "growth")
    widget(at, "/growth_epochs").set_value(2).run()
    widget(at, "/growth_repeats").set_value(1).run()
    press(at, "start_learning_curve")
    press(at, "close_section")
    assert is_fine(at) and len(at.get("plotly_chart")) == 6
    open_large(at, "growth")
    assert is_fine(at) and len(at.get("plotly_chart")) == 1


# Of which moment


def test_the_moment_stays_until_somebody_judges_again(opened: Open) -> None:
    at, pool, _ = opened(SPIRAL, "scores")
    before = numbers(at)
    pool.steps = 300
    at.run()
    assert numbers(at) == before
    said = "\n".join(caption.value for caption in at.caption)
    assert shown(text("en", "evaluate.moment.moved", step="60", epoch="6", now="300")) in said
    press(at, "judge_again")
    y, p = judged(pool)
    assert numbers(at)["Accuracy: Test"] == f"{metrics.accuracy_score(y, p.argmax(1)):.1%}"


def test_what_was_asked_once_is_not_asked_again_while_nothing_moves(opened: Open) -> None:
    at, _, desks = opened(SPIRAL)
    press(at.run(), "judge_again")
    open_large(at, "curves")
    asked = len(desks.asked)
    press(at, "judge_again")
    open_large(at, "scores")
    open_large(at, "curves")
    assert len(desks.asked) == asked


def test_an_address_names_what_is_opened_and_nonsense_opens_nothing(opened: Open) -> None:
    at, _, _ = opened(SPIRAL, "no such section")
    assert not at.subheader
    assert at.query_params["section"] == "no such section"  # Nobody has chosen anything: the address stays.
    open_large(at, "growth")
    assert at.query_params["section"] == "growth"
    press(at, "close_section")
    assert "section" not in at.query_params and not at.subheader


def test_opening_a_page_writes_nothing_into_the_address(opened: Open) -> None:
    at, _, _ = opened(SPIRAL, "curves")
    assert at.query_params == {"section": "curves"}
    del at.query_params["section"]
    assert not at.run().query_params


# The seal


def test_sealed_rows_are_judged_only_when_asked_and_every_look_is_counted(opened: Open) -> None:
    at, pool, desks = opened(SEALED, "scores")
    widget(at, "/judged_split").set_value("test").run()
    assert not [asked for _, asked in desks.asked if asked["split"] == "test"]
    assert "Accuracy: Test" not in numbers(at)
    press(at, "unseal")
    y, p = judged(pool, "final")
    assert numbers(at)["Accuracy: Test (opened 1×)"] == f"{metrics.accuracy_score(y, p.argmax(1)):.1%}"
    open_large(at, "examples")
    assert list(state(at).memory(Judging).looks.values()) == [1]
    assert is_fine(at)
    pool.steps = 120
    press(at, "judge_again")
    assert not at.dataframe  # Another network: sealed again.
    press(at, "unseal")
    assert list(state(at).memory(Judging).looks.values()) == [2]
    assert [asked["unseal"] for do, asked in desks.asked if do == "examples" and asked["split"] == "test"] == [True] * 2


def looked(at: AppTest) -> str:
    """What stands before the seal."""
    (said,) = [line.value for line in at.markdown if "kept back, so that" in line.value]
    return said.replace("\\", "")


@pytest.mark.parametrize(
    ("changes", "looks"),
    [
        ({"validation_fraction": 0.2}, 1),
        ({"layers": []}, 1),
        ({"features": ["x1", "x2", "sin_x1"]}, 1),
        ({"seed": 1}, 0),
        ({"test_fraction": 0.2}, 0),
        ({"dataset": {"kind": "spiral", "samples": 200, "noise": 0.31}}, 0),
    ],
)
def test_looks_are_counted_of_the_test_rows_and_not_of_what_stands_beside_them(
    opened: Open, changes: dict[str, Any], looks: int
) -> None:
    at, pool, _ = opened(SEALED, "scores")
    widget(at, "/judged_split").set_value("test").run()
    press(at, "unseal")
    pool.recipe = json.dumps({**SEALED, **changes})
    press(at, "judge_again")
    assert f"opened {looks}×" in looked(at)
    press(at, "unseal")
    assert f"Accuracy: Test (opened {looks + 1}×)" in numbers(at)


def test_validation_rows_are_judged_without_a_seal(opened: Open) -> None:
    at, pool, _ = opened(SEALED, "scores")
    y, p = judged(pool)
    assert numbers(at)["Accuracy: Validation"] == f"{metrics.accuracy_score(y, p.argmax(1)):.1%}"
    assert not state(at).memory(Judging).looks


# What goes wrong


@pytest.mark.parametrize("key", ["desk_busy", "job_too_long", "job_lost", "predictions_not_finite"])
def test_a_desk_that_cannot_answer_is_a_sentence_and_the_next_try_works(opened: Open, key: str) -> None:
    at, _, desks = opened(SPIRAL)
    problem = _problem(key)
    desks.refusal = problem
    open_large(at, "warnings")
    assert errors(at) == [shown(sentence("en", problem))] and not at.exception
    desks.refusal = None
    assert is_fine(press(at, f"evaluate_try_again_{key}"))


def test_what_cannot_be_judged_can_still_be_trained_anew(opened: Open) -> None:
    at, pool, desks = opened(SPIRAL)
    pool.steps, desks.refusal = 120, Problem("predictions_not_finite")
    press(at, "judge_again")
    assert errors(at) == [shown(sentence("en", desks.refusal))] and not at.exception and not at.header
    open_large(at, "growth")
    assert [one.key for one in at.button if one.key == "start_learning_curve"]
    open_large(at, "warnings")
    assert len(errors(at)) == 1 and not at.exception  # said once
    press(at, "close_section")
    desks.refusal = None
    assert is_fine(press(at, "evaluate_try_again_predictions_not_finite")) and at.header


def _problem(key: str) -> Problem:
    """With something in each of its places."""
    import string

    from dlcore.problems import TEMPLATES

    return Problem(key, **{name: 1 for _, name, _, _ in string.Formatter().parse(TEMPLATES[key]) if name})


def test_a_run_that_ends_meanwhile_is_a_sentence(opened: Open) -> None:
    at, pool, _ = opened(SPIRAL)
    pool.refusal = Problem("run_gone")
    at.run()
    assert errors(at) == [shown(sentence("en", Problem("run_gone")))] and not at.exception
    pool.refusal = None
    assert is_fine(at.run())


def test_foreign_names_stay_plain(opened: Open) -> None:
    at, _, desks = opened(SPIRAL)
    answer = desks.ask

    def renamed(do: str, payload: bytes = b"", **arguments: Any) -> tuple[dict[str, Any], bytes]:
        header, found = answer(do, payload, **arguments)
        header = {**header, "class_names": [HOSTILE, "b"]} if do != "verdict" else header
        for one in header.get("per_class", []):
            one["name"] = HOSTILE
        for place, column in enumerate(header.get("columns", [])):
            header["columns"][place] = (
                f"{HOSTILE}{place}" if isinstance(column, str) else {**column, "name": f"{HOSTILE}{place}"}
            )
        return header, found

    desks.ask = renamed  # type: ignore[method-assign]
    state(at).memory(Judging).moment = None
    for section in ("scores", "curves", "examples"):
        open_large(at.run(), section)
        assert is_fine(at)
        words = [one.value for one in (*at.markdown, *at.caption)] + [
            one.label for one in (*at.slider, *at.metric, *at.selectbox)
        ]
        words += [option for one in at.selectbox for option in one.options]
        words += [str(cell) for table in at.table for cell in table.value.to_numpy().ravel()]
        assert not [word for word in words if HOSTILE in word]


# Long jobs


def test_a_learning_curve_is_begun_with_what_was_chosen_and_its_result_shown(opened: Open) -> None:
    at, _, desks = opened(SPIRAL, "growth")
    widget(at, "/growth_epochs").set_value(2).run()
    widget(at, "/growth_repeats").set_value(1).run()
    press(at, "start_learning_curve")
    assert desks.asked[-1] == ("learning_curve", {"epochs": 2, "repeats": 1, "budget": growth.LONGEST})
    assert is_fine(at)
    assert len(at.get("plotly_chart")) == 1


def test_a_long_job_shows_its_progress_and_can_be_cancelled(opened: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    at, _, desks = opened(SPIRAL, "growth")
    job = SimpleNamespace(state="working", share=0.4, ahead=0, partial={})
    job.cancel = lambda: setattr(job, "state", "cancelled")

    def refuse() -> None:
        raise Problem("job_cancelled")

    job.result = refuse
    monkeypatch.setattr(desks, "submit", lambda *_, **__: job)
    press(at, "start_learning_curve")
    assert at.get("progress")[0].proto.value == 40
    assert at.button(key="start_learning_curve").disabled
    press(at, "cancel_learning_curve")
    assert job.state == "cancelled"
    assert [info.value for info in at.info] == [shown(text("en", "evaluate.cancelled.empty"))]
    job.partial = {"x": "rows", "metric": "accuracy", "points": [{"x": 10, "train": [1.0], "test": [0.5]}]}
    at.run()
    assert [info.value for info in at.info] == [shown(text("en", "evaluate.cancelled"))]
    assert len(at.get("plotly_chart")) == 1
    assert is_fine(at)


# Words


def test_words_made_of_parts_exist() -> None:
    keys = {
        f"{name_key(name, classes)}{part}" for name in SECTIONS for classes in (True, False) for part in ("", ".plain")
    }
    views = (baselines, bands, calibration, confusion, growth_view, intervals, predicted_true, residuals, roc)
    keys |= {f"{view.TITLE}{part}" for view in views for part in ("", ".plain", ".help")}
    keys |= {f"verdict.compared.{kind}" for kind in get_args(Kind)} | {
        f"evaluate.compared.{kind}" for kind in get_args(Kind)
    }
    keys |= {f"verdict.gap.{kind}" for kind in GAPS} | {
        f"verdict.rows.{name}" for name in ("validation", "test", "test_only")
    }
    keys |= {f"verdict.{form}.{part}" for form in ("share", "number") for part in ("alone", "about", "between")}
    keys |= {f"verdict.method.{name}{part}" for name in ("wilson", "bootstrap") for part in ("", ".help")}
    keys |= {f"verdict.{what}.{unit}" for what in ("rival", "gap") for unit in ("points", "number")}
    keys |= {f"verdict.against.{metric}.help" for metric in get_args(Measure)}
    keys |= {f"verdict.test.{how}" for how in TEST} | {f"verdict.task.{task}" for task in ("classes", "numbers")}
    keys |= {f"evaluate.metric.{name}" for name in (*Classes.scores, *Numbers.scores, *curves.FIGURES)}
    keys |= {f"evaluate.metric.{name}.help" for name in ("accuracy", "r2", *curves.FIGURES)}
    keys |= {f"evaluate.split.{name}" for name in ("train", "validation", "test")}
    keys |= {f"evaluate.moment.{how}" for how in ("standing", "playing", "moved")}
    keys |= {f"evaluate.growth.{kind}{part}" for kind in growth.KINDS for part in ("", ".help")}
    models = ("majority", "mean", "logistic", "linear", "forest")
    keys |= {f"evaluate.baseline.{name}{part}" for name in models for part in ("", ".what")}
    keys |= {f"verdict.model.{name}" for name in models}
    for language in LANGUAGES:
        assert keys <= set(catalogue(language))
    assert set(ICONS) == {"warning", "notice", "fine"}


# New rows


IRIS = {"dataset": {"kind": "iris"}, "layers": [{"kind": "dense", "units": 5}]}
FLOWERS = "sepal length (cm);sepal width (cm);petal length (cm);petal width (cm);garden\n"


def bring(at: AppTest, content: str | bytes, name: str = "new.csv") -> AppTest:
    raw = content.encode() if isinstance(content, str) else content
    return at.file_uploader[0].set_value([(name, raw, "text/csv")]).run()


def said_on(at: AppTest) -> str:
    return "\n".join(one.value.replace("\\", "") for one in [*at.markdown, *at.caption, *at.warning, *at.error])


@pytest.fixture
def predicting(opened: Open, monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> Open:
    """The page at its section of new rows, with a store of its own."""
    monkeypatch.setenv("DLCORE_TABLES", str(tmp_path))
    return lambda recipe=IRIS: opened(recipe, "predict")


def test_a_new_file_is_predicted_and_what_it_lacks_is_named(predicting: Open) -> None:
    at, pool, _ = predicting()
    assert "sepal length (cm), sepal width (cm), petal length (cm), petal width (cm)" in said_on(at)
    bring(at, f"{FLOWERS}5,1;3,5;1,4;0,2;north\n7,1;3,0;?;2,1;=cmd()\n")
    assert is_fine(at)
    said = said_on(at)
    assert "1 of 2 rows could be predicted." in said
    assert "row 2 below the header, column 'petal length (cm)': expected a finite number, but got ''" in said
    assert "ignored (1): garden" in said
    opened_now = open_checkpoint(pool.content)
    (expected,) = predict(opened_now, np.array([[5.1, 3.5, 1.4, 0.2]]))
    grid = at.dataframe[0].value.fillna("")
    assert list(grid["Predicted"]) == [opened_now.class_names[expected.argmax()], ""]
    assert list(grid["Certainty"]) == [f"{expected.max():.1%}", ""]
    assert list(grid["petal length (cm)"]) == ["1,4", ""]
    bring(at, "sepal length (cm),petal width (cm)\n5.1,0.2\n")
    assert "0 of 1 rows could be predicted." in said_on(at)
    assert "has not (2): sepal width (cm), petal length (cm)." in said_on(at)
    assert not at.dataframe and not at.get("download_button")


def test_the_csv_of_a_press_is_what_the_command_line_prints(
    predicting: Open, tmp_path: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    at, pool, _ = predicting()
    content = "class," + FLOWERS.replace(";", ",") + "setosa,5.1,3.5,1.4,0.2,north\n,7.1,3.0,5.9,2.1,south\n"
    bring(at, content)
    assert "The target 'class' is in the file" in said_on(at)
    assert list(at.dataframe[0].value["True"].fillna("")) == ["setosa", ""]
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "model.safetensors").write_bytes(pool.content)
    (tmp_path / "new.csv").write_text(content)
    capsys.readouterr()
    assert main(["predict", str(tmp_path / "run"), str(tmp_path / "new.csv")]) == 0
    file: Any = state(at).memory(Judging).file
    assert make_maker(state(at), file, pool.content)().decode() == capsys.readouterr().out


@pytest.mark.parametrize(
    ("content", "key"),
    [(b"%PDF-1.7 abc", "upload_not_table"), (b"", "upload_empty"), (b"PK\3\4 no zip", "upload_damaged")],
)
def test_a_file_that_is_no_table_is_a_sentence_and_is_not_read_again(
    predicting: Open, content: bytes, key: str
) -> None:
    at, _, desks = predicting()
    bring(at, content)
    (said,) = errors(at)
    file: Any = state(at).memory(Judging).file
    assert file.refusal.key == key
    assert said == shown(sentence("en", file.refusal)) and not at.exception
    asked = len(desks.asked)
    assert errors(at.run()) == [said]
    assert len(desks.asked) == asked
    assert is_fine(bring(at, f"{FLOWERS}5,1;3,5;1,4;0,2;north\n"))


def test_a_desk_without_room_does_not_lose_the_file(predicting: Open) -> None:
    at, _, desks = predicting()
    desks.refusal = Problem("desk_busy", limit=4)
    bring(at, f"{FLOWERS}5,1;3,5;1,4;0,2;north\n")
    assert errors(at) == [shown(sentence("en", desks.refusal))]
    desks.refusal = None
    press(at, "evaluate_try_again_desk_busy")
    assert is_fine(at) and "1 of 1 rows could be predicted." in said_on(at)


@pytest.mark.usefixtures("jobs_done_anew")
def test_a_large_file_is_read_in_the_background(predicting: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(predictions, "QUICK_CELLS", 3)
    at, pool, desks = predicting()
    bring(at, f"{FLOWERS}5,1;3,5;1,4;0,2;north\n")
    assert [do for do, _ in desks.asked] == ["verdict", "predict", "predict_long"]
    assert is_fine(at) and "1 of 1 rows could be predicted." in said_on(at)
    at.run()
    assert len(desks.asked) == 3
    pool.steps = 300
    press(at, "judge_again")
    assert [do for do, _ in desks.asked].count("predict_long") == 2  # Of this moment.


def test_another_ones_file_is_not_read(predicting: Open) -> None:
    at, _, desks = predicting()
    bring(at, f"{FLOWERS}5,1;3,5;1,4;0,2;north\n")
    upload = desks.asked[-1][1]["upload"]
    with rights.working_for(mark_of("another")), pytest.raises(Problem) as refused:
        HastyDesks().ask("predict", b"", upload=upload, name="new.csv")
    assert refused.value.key in ("upload_gone", "table_not_yours")


def test_names_and_cells_of_a_hostile_file_stay_text(predicting: Open) -> None:
    at, _, _ = predicting()
    head = FLOWERS.replace("garden", HOSTILE).replace(";", ",")
    bring(at, f"{head}5.1,3.5,1.4,0.2,x\n=1+1,3,5,2,x\n", "<b>$x$.csv")
    assert is_fine(at)
    raw = "\n".join(one.value for one in [*at.markdown, *at.caption])
    assert "\\[x\\]" in raw and "\\<b\\>" in raw
    assert list(at.dataframe[0].value["sepal length (cm)"]) == ["5.1", "'=1+1"]
