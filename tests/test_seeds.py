"""Many seeds at once are what as many trainers would give, one by one; and what is said of them holds against other judges."""

from __future__ import annotations

import json
import statistics
from typing import Any

import numpy as np
import plotly.graph_objects as go
import pytest
import torch
from scipy import stats
from streamlit.testing.v1 import AppTest

from dlcore import Experiment, Problem, Trainer
from dlcore.activations import Activation
from dlcore.arrays import from_bytes
from dlcore.checkpoint import save_checkpoint
from dlcore.component import kinds
from dlcore.desks.jobs import JOBS
from dlcore.engines import compiled, many
from dlcore.engines.orders import Orders
from dlcore.evaluation import open_judged
from dlcore.learning.learner import Diverged
from dlcore.losses import Loss
from dlcore.optimizers import Optimizer
from dlcore.regularizers import Regularizer
from dlcore.rows import prepare
from dlcore.schedules import Schedule
from dlcore.seeds import training
from dlcore.seeds.disagreement import disagreement
from dlcore.seeds.job import seeds
from dlcore.seeds.members import SCORES, Abreast, OneByOne, make_members, make_recipes
from dlcore.seeds.summary import find_bands, judge_score, summarise
from dlcore.seeds.training import choose_epochs, train_seeds
from dlcore.views import bands as bands_view
from dlcore.views import disagreement as disagreement_view
from dlcore.views import spread as spread_view
from tests.judges import HastyDesks
from tests.patience import PATIENCE
from tests.playground import errors, widget
from tests.test_evaluate_page import JudgedPool
from tests.test_views import HOSTILE, TAG, shown_texts, words
from ui import live, session
from ui.messages import LANGUAGES, catalogue
from ui.pages import EVALUATE

STEPS, CLOSE = 200, 1e-5
COUNT = 3  # The lanes of a pack that is not full must not matter.
NETWORK = [{"kind": "dense", "units": 5}, {"kind": "dense", "units": 3}]
BASE: dict[str, Any] = {
    "dataset": {"kind": "moons", "samples": 90, "noise": 0.2},
    "layers": NETWORK,
    "optimizer": {"kind": "sgd", "learning_rate": 0.05},
    "batch_size": 10,
    "seed": 7,
}
NUMBERS = {"kind": "plane", "samples": 90, "noise": 0.1}
CLASSES = {"kind": "blobs", "samples": 90, "classes": 4}


def of(recipe: dict[str, Any]) -> Experiment:
    return Experiment.from_dict(BASE | recipe)


def by_torch(experiment: Experiment) -> list[Trainer]:
    """What the first and the last member are: trainers of their seeds on the recipe's own rows, by torch's own differentiation."""
    data = prepare(experiment)
    return [Trainer(recipe, "cpu", data, engine="autograd") for recipe in make_recipes(experiment, COUNT)[:: COUNT - 1]]


def check(recipe: dict[str, Any], close: float = CLOSE) -> None:
    experiment = of(recipe)
    together = make_members(experiment, COUNT, prepare(experiment))
    assert isinstance(together, Abreast)
    trainers = by_torch(experiment)
    for _ in range(-(-STEPS // experiment.steps_per_epoch)):
        together.take_epoch()
        for trainer in trainers:
            epoch = trainer.epoch
            while trainer.finished is None and trainer.epoch == epoch:
                next(trainer.steps())
    for trainer, weights in zip(trainers, together.weights()[:: COUNT - 1], strict=True):
        state = {name: value.numpy() for name, value in trainer.model.state_dict().items()}
        assert weights.keys() == state.keys()
        largest = max(1.0, *(np.abs(value).max() for value in state.values()))
        for name, value in state.items():
            assert np.abs(value - weights[name]).max() <= close * largest, name
    scored = [(one.scores().train, one.scores().watched) for one in trainers]
    expected = [[part[name] for part in parts for name in ("loss", experiment.metric)] for parts in scored]
    np.testing.assert_allclose(together.scores().T[:: COUNT - 1], expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("kind", kinds(Activation))
def test_every_activation(kind: str) -> None:
    check({"layers": [{"kind": "dense", "units": 5, "activation": {"kind": kind}}, {"kind": "dense", "units": 4}]})


@pytest.mark.parametrize("kind", kinds(Optimizer))
def test_every_optimizer(kind: str) -> None:
    check({"optimizer": {"kind": kind, "learning_rate": 0.01}})


@pytest.mark.parametrize(
    "optimizer",
    [
        {"kind": "sgd", "momentum": 0.9},
        {"kind": "sgd", "momentum": 0.8, "nesterov": True},
        {"kind": "adamw", "weight_decay": 0.3},
    ],
    ids=lambda optimizer: "-".join(map(str, optimizer.values())),
)
def test_every_number_of_an_optimizer(optimizer: dict[str, Any]) -> None:
    check({"optimizer": {"learning_rate": 0.01, **optimizer}})


@pytest.mark.parametrize("kind", kinds(Loss))
@pytest.mark.parametrize("dataset", [BASE["dataset"], CLASSES, NUMBERS], ids=lambda dataset: dataset["kind"])
def test_every_loss_on_every_task(kind: str, dataset: dict[str, Any]) -> None:
    try:
        of({"loss": {"kind": kind}, "dataset": dataset})
    except Problem as problem:
        assert problem.key in ("loss_needs_classes", "loss_needs_two_classes")
        return
    check({"loss": {"kind": kind}, "dataset": dataset})


@pytest.mark.parametrize("kind", kinds(Regularizer))
@pytest.mark.parametrize("clip", [0.0, 0.05])
def test_every_regularizer_with_and_without_clipping(kind: str, clip: float) -> None:
    rate = {} if kind == "none" else {"rate": 0.02}
    check({"regularizer": {"kind": kind, **rate}, "gradient_clip": clip})


@pytest.mark.parametrize("kind", kinds(Schedule))
def test_every_schedule(kind: str) -> None:
    check({"schedule": {"kind": kind, **({"every": 3} if kind == "step" else {})}})


@pytest.mark.parametrize(
    "layers",
    [
        [],
        [{"kind": "dense", "units": 6}, {"kind": "dropout", "p": 0.5}, {"kind": "dense", "units": 3}],
        [{"kind": "dropout", "p": 0.1}, {"kind": "dense", "units": 6}, {"kind": "dropout", "p": 0.4}, {"kind": "dropout", "p": 0.3}],
        [{"kind": "dense", "units": 3}] * 8,
        [{"kind": "dense", "units": 40, "activation": {"kind": "relu"}}, {"kind": "dense", "units": 33}],
    ],
    ids=["none", "dropped between", "dropped twice", "deep", "wide"],
)  # fmt: skip
def test_every_kind_of_stack(layers: list[dict[str, Any]]) -> None:
    check({"layers": layers, "optimizer": {"kind": "sgd", "learning_rate": 0.02}})


@pytest.mark.parametrize("batch", [1, 7, 45])
def test_every_size_of_batch(batch: int) -> None:
    check({"batch_size": batch, "layers": [*NETWORK[:1], {"kind": "dropout", "p": 0.3}, *NETWORK[1:]]})


def test_features_and_many_inputs() -> None:
    check({"features": ["x1", "sin_x2", "x1_x2"]})
    check({"dataset": {"kind": "breast_cancer"}, "batch_size": 32}, close=10 * CLOSE)


def test_member_0_is_the_plain_run_of_the_recipe() -> None:
    experiment = of({"layers": [*NETWORK, {"kind": "dropout", "p": 0.2}]})
    run = Trainer(experiment, "cpu")
    found = train_seeds(experiment, 8, 12)
    while run.epoch < 12:
        run.advance()
    for name, value in run.model.state_dict().items():
        np.testing.assert_allclose(found.weights[0][name], value.numpy(), atol=CLOSE)
    own = run.history.rows()[found.curves.epochs, 2:]  # train_loss, test_loss, train metric, test metric
    np.testing.assert_allclose(found.curves.values[[0, 2, 1, 3], :, 0].T, own, atol=1e-5)


def test_seeds_that_stop_early_stop_where_their_trainers_do_and_keep_those_weights() -> None:
    experiment = of(
        {
            "early_stopping": 2,
            "optimizer": {"kind": "sgd", "learning_rate": 0.8},
            "dataset": {**BASE["dataset"], "noise": 0.5},
        }
    )
    found = train_seeds(experiment, COUNT, 60)
    ends = []
    for trainer, weights in zip(by_torch(experiment), found.weights[:: COUNT - 1], strict=True):
        while trainer.finished is None and trainer.epoch < 60:
            next(trainer.steps())
        ends.append(trainer.epoch)
        for name, value in trainer.model.state_dict().items():
            np.testing.assert_allclose(weights[name], value.numpy(), atol=1e-4)
    assert len(set(ends)) > 1 and max(ends) < 60, ends
    assert found.curves.epochs[-1] == max(ends)


def test_seeds_that_diverge_hold_their_last_weights_as_a_trainer_does_and_leave_the_others_alone() -> None:
    experiment = of(
        {"dataset": NUMBERS, "loss": {"kind": "mse"}, "layers": [], "optimizer": {"kind": "sgd", "learning_rate": 20.0}}
    )
    found = train_seeds(experiment, COUNT, 20)
    assert found.curves.diverged.all() and found.final.size == 0
    for trainer, weights in zip(by_torch(experiment), found.weights[:: COUNT - 1], strict=True):
        with pytest.raises(Diverged):
            for _ in trainer.steps():
                pass
        for name, value in trainer.model.state_dict().items():
            np.testing.assert_allclose(weights[name], value.numpy(), rtol=1e-3)


def test_orders_are_those_of_torch() -> None:
    package = compiled.many()
    assert package is not None
    for rows in (2, 3, 250):
        numbers = [0, 1, 2**40 + 17]
        orders = Orders(package, numbers, rows)
        theirs = [torch.Generator().manual_seed(seed) for seed in numbers]
        for _ in range(70):
            expected = np.stack([torch.randperm(rows, generator=generator).numpy() for generator in theirs])
            assert np.array_equal(orders.draw(), expected)
        assert orders.is_quick


def test_where_torch_shuffles_otherwise_torch_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    package = compiled.many()
    assert package is not None
    monkeypatch.setattr(package.orders, "shuffle", lambda draws, orders: orders.fill(0))
    orders, generator = Orders(package, [5], 20), torch.Generator().manual_seed(5)
    for _ in range(3):
        assert np.array_equal(orders.draw()[0], torch.randperm(20, generator=generator).numpy())


@pytest.mark.parametrize("missing", ["kernels", "lanes"])
def test_without_lanes_the_seeds_are_trained_one_after_the_other_with_the_same_result(
    missing: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    experiment = of({})
    fast = train_seeds(experiment, COUNT, 10)
    if missing == "kernels":
        monkeypatch.setattr(compiled, "many", lambda: None)
    else:
        monkeypatch.setattr(many, "WIDEST_PRODUCT", 1)
    assert isinstance(make_members(experiment, COUNT, prepare(experiment)), OneByOne)
    slow = train_seeds(experiment, COUNT, 10)
    assert slow.curves.epochs == fast.curves.epochs
    np.testing.assert_allclose(slow.curves.values, fast.curves.values, atol=1e-5)


def test_time_that_is_up_ends_the_training_with_what_there_is() -> None:
    told = []
    found = train_seeds(of({}), 8, 2000, told.append, seconds=0.0)
    assert found.curves.epochs == [0, 1] and found.curves.asked == 2000
    assert [curves.epochs for curves in told] == [[0, 1]]


def test_seeds_begin_anew_after_the_last_one() -> None:
    assert [recipe.seed for recipe in make_recipes(of({"seed": 2**31 - 1}), 3)] == [2**31 - 1, 0, 1]


@pytest.mark.parametrize("epochs", [1, 2, 50, 2000])
def test_moments_are_few_and_have_both_ends(epochs: int) -> None:
    found = choose_epochs(epochs)
    assert found[0] == 0 and found[-1] == epochs and found == sorted(set(found))
    assert len(found) <= training.MOMENTS + 2
    assert epochs < 10 or found[:6] == [0, 1, 2, 3, 4, 5]


@pytest.mark.parametrize(
    ("count", "epochs", "key"), [(1, 10, "out_of_bounds"), (65, 10, "out_of_bounds"), (8, 0, "out_of_bounds")]
)
def test_too_much_is_refused(count: int, epochs: int, key: str) -> None:
    with pytest.raises(Problem) as told:
        train_seeds(of({}), count, epochs)
    assert told.value.key == key


def test_networks_too_large_together_are_refused_with_how_many_would_do() -> None:
    with pytest.raises(Problem, match="at most 30 seeds") as told:
        train_seeds(of({"layers": [{"kind": "dense", "units": 512}] * 2}), 64, 10)
    assert told.value.key == "seeds_too_large"


# What they say together


def test_the_summary_agrees_with_other_judges() -> None:
    values = np.array([0.91, 0.93, 0.88, 0.97, 0.95, 0.80, 0.92, 0.94])
    found = summarise(values)
    assert found["mean"] == pytest.approx(statistics.fmean(values))
    assert found["deviation"] == pytest.approx(statistics.stdev(values))
    assert [found["q1"], found["median"], found["q3"]] == pytest.approx(
        statistics.quantiles(values, n=4, method="inclusive")
    )
    interval = stats.ttest_1samp(values, 0.0).confidence_interval(0.95)
    assert found["interval"] == pytest.approx([interval.low, interval.high])
    assert found["behind"] == 3 / 8  # 0.91, 0.88 and 0.80 are more than 0.05 below 0.97.


def test_bands_hold_their_seeds() -> None:
    values_ES = np.random.default_rng(0).normal(size=(5, 9))
    found = find_bands(values_ES)
    assert found["low"] == values_ES.min(1).tolist() and found["high"] == values_ES.max(1).tolist()
    np.testing.assert_allclose(found["median"], [statistics.median(row) for row in values_ES])


WIDE = [0.5 + place / 100 for place in range(40)]


@pytest.mark.parametrize(
    ("values", "present", "kind"),
    [
        (WIDE, 0.7, "typical"), (WIDE, 0.89, "lucky"), (WIDE, 0.5, "unlucky"), (WIDE, None, "apart"),
        ([0.9, 0.91, 0.905], 0.91, "alike"), ([0.9] * 8, None, "alike"), ([0.5] * 20 + [0.9] * 20, 0.9, "typical"),
        # Better than 6% of 32 seeds, and below the middle half of them: no usual one.
        ([0.93] * 2 + [0.952] * 4 + [0.956] * 10 + [0.964] * 16, 0.952, "low"), (WIDE, 0.82, "high"),
    ],
)  # fmt: skip
def test_skill_or_luck(values: list[float], present: float | None, kind: str) -> None:
    assert judge_score(values, present)["kind"] == kind


def opened_run(recipe: dict[str, Any]) -> bytes:
    trainer = Trainer(of(recipe), "cpu")
    return save_checkpoint(trainer.snapshot(), trainer.data)


def linear(weight: list[float], bias: float) -> dict[str, np.ndarray]:
    return {"0.weight": np.array([weight], np.float32), "0.bias": np.array([bias], np.float32)}


def test_seeds_disagree_where_their_boundaries_differ() -> None:
    judged = open_judged(opened_run({"layers": []}))
    # Three say class 1 right of x1 = 0, one right of x1 = 3: they differ in between.
    header, arrays = disagreement(judged, [*[linear([1, 0], 0)] * 3, linear([1, 0], -3)])
    low, high = header["x_range"]
    count = arrays["spread"].shape[1]
    x = low + (np.arange(count) + 0.5) * (high - low) / count
    expected = np.where((x > 0) & (x < 3), 0.25, 0.0)
    np.testing.assert_allclose(arrays["spread"], np.tile(expected, (count, 1)))
    assert np.array_equal(arrays["said"], np.tile(x > 0, (count, 1)))
    assert header["contested"] == pytest.approx(3 / (high - low), abs=0.01)


def test_of_numbers_the_deviation_counts_in_the_units_of_the_target() -> None:
    judged = open_judged(opened_run({"layers": [], "dataset": {"kind": "diabetes"}, "loss": {"kind": "mse"}}))
    header, _ = disagreement(judged, [linear([0.0] * 10, bias) for bias in (-1.0, 0.0, 1.0)])
    unit = judged.data.train.y.std()
    assert header["spread"] == pytest.approx([unit] * len(header["spread"]), rel=1e-6)
    assert header["columns"] == list(judged.data.raw_names)


def test_the_job_tells_bands_while_they_grow_and_in_the_end_everything() -> None:
    told: list[dict[str, Any]] = []
    payload = opened_run({})
    header, content = seeds(
        {"count": 8, "epochs": 30}, payload, lambda share, partial: told.append({"share": share, **partial})
    )
    json.dumps(header)
    assert JOBS["seeds"].load() is seeds
    assert told[-1]["stage"] == "comparing" and told[-1]["bands"].keys() == set(SCORES)
    assert [one["share"] for one in told] == sorted(one["share"] for one in told)
    expected = train_seeds(of({}), 8, 30)
    assert header["final"] == pytest.approx(expected.final.tolist())
    assert header["seeds"] == list(range(7, 15)) and header["watched"] == "test"
    arrays = from_bytes(content)
    assert arrays["watched_metric"].shape == (len(header["epochs"]), 8)
    np.testing.assert_allclose(
        header["bands"]["watched_metric"]["median"], np.median(arrays["watched_metric"], axis=1), rtol=1e-6
    )


def test_the_job_says_in_one_sentence_what_is_wrong() -> None:
    wild = {
        "dataset": NUMBERS,
        "loss": {"kind": "mse"},
        "layers": [],
        "optimizer": {"kind": "sgd", "learning_rate": 20.0},
    }
    for arguments, recipe, key in (
        ({"count": "8"}, {}, "wrong_type"), ({"count": True}, {}, "wrong_type"), ({"epochs": 10**9}, {}, "out_of_bounds"),
        ({"count": 8, "epochs": 40}, wild, "seeds_diverged"),
    ):  # fmt: skip
        with pytest.raises(Problem) as told:
            seeds(arguments, opened_run(recipe), lambda share, partial: None)
        assert told.value.key == key


# The page


class PoolWithHistory(JudgedPool):
    """One whose run has trained for some epochs."""

    def call(self, token: str, do: str, payload: bytes = b"", **values: Any) -> tuple[dict[str, Any], bytes]:
        if do == "history":
            trainer = Trainer(Experiment.from_json(self.recipe), "cpu")
            while trainer.epoch < 4:
                trainer.advance()
            return {}, trainer.history.to_csv().encode()
        return super().call(token, do, payload, **values)


@pytest.mark.parametrize(
    "recipe",
    [
        {},
        {"dataset": {"kind": "iris"}},
        {"dataset": {"kind": "digits"}, "batch_size": 64},
        {"dataset": NUMBERS, "loss": {"kind": "mse"}},
    ],
)
def test_the_section_trains_what_was_chosen_and_answers_whether_it_is_luck(
    recipe: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    pool, desks = PoolWithHistory(BASE | recipe), HastyDesks()
    monkeypatch.setattr(live, "pool", lambda: pool)
    monkeypatch.setattr(live, "desks", lambda: desks)
    at = AppTest.from_file(str(EVALUATE.script), default_timeout=PATIENCE)
    at.session_state["session"] = session.Session("en", of(recipe))
    at.query_params["section"] = "seeds"
    at.run()
    widget(at, "/seeds_count").set_value(8).run()
    widget(at, "/seeds_epochs").set_value(6).run()
    at.button(key="start_seeds").click().run()
    assert not at.exception and not errors(at)
    assert desks.asked[-1] == ("seeds", {"count": 8, "epochs": 6})
    expected = train_seeds(of(recipe), 8, 6)
    present = train_seeds(of(recipe), 2, 4)  # Seeds at the epoch of the present run, which is member 0 itself.
    answers = [one.value for one in at.markdown if catalogue("en")["evaluate.seeds.question"].rstrip("?") in one.value]
    at_its_age = expected.curves.of("watched_metric")[4]
    assert present.final[0] == pytest.approx(at_its_age[0], abs=1e-6)
    kind = judge_score(at_its_age.tolist(), float(present.final[0]))["kind"]
    beginning = catalogue("en")[f"evaluate.seeds.verdict.{kind}"].split(":")[0]
    assert len(answers) == 1 and beginning in answers[0]
    mean = expected.final.mean()
    assert at.metric[0].value.startswith(f"{mean:.3f}" if "loss" in recipe else f"{mean:.1%}")
    assert len(at.get("plotly_chart")) == (4 if of(recipe).dataset.surface == "plane" else 3)


def test_words_made_of_parts_exist() -> None:
    verdicts = ("alike", "typical", "high", "low", "lucky", "unlucky", "apart")
    for language in LANGUAGES:
        assert all(catalogue(language)[f"evaluate.seeds.verdict.{kind}"] for kind in verdicts)
        for name in ("mean", "interval", "range", "behind"):
            assert catalogue(language)[f"evaluate.seeds.{name}"] and catalogue(language)[f"evaluate.seeds.{name}.help"]


# Their pictures

BAND = {name: [0.5, 0.7] for name in ("low", "q1", "median", "q3", "high")}
SUMMARY = summarise(np.array([0.5, 0.9]))
MAP = {
    "spread": np.zeros((4, 4)), "said": np.eye(4), "x_range": [-6.0, 6.0], "y_range": [0.0, 1e-9], "axes": [HOSTILE, "y"],
    "points": np.zeros((3, 2)), "targets": np.array([0, 1, 1]), "class_names": [HOSTILE, "b"],
}  # fmt: skip


@pytest.mark.parametrize(
    ("view", "numbers"),
    [
        (
            bands_view,
            {
                "epochs": [0, 10],
                "band": BAND,
                "score": "views.accuracy",
                "present": {"epochs": [0, 1], "values": [0.5, 0.71]},
            },
        ),
        (
            bands_view,
            {"epochs": [0, 1], "band": BAND | {"low": [-1e9, float("-inf")]}, "score": "views.r2", "present": None},
        ),
        (
            spread_view,
            {"values": [0.5, 0.9], "seeds": [0, 1], "summary": SUMMARY, "score": "views.accuracy", "present": 0.7},
        ),
        (
            spread_view,
            {"values": [0.5] * 64, "seeds": list(range(64)), "summary": SUMMARY, "score": "views.r2", "present": None},
        ),
        (disagreement_view, MAP),
        (disagreement_view, {**MAP, "class_names": [], "targets": np.zeros(3)}),
        (disagreement_view, {**MAP, "class_names": ["a", "b", HOSTILE], "said": np.arange(16).reshape(4, 4) % 3}),
    ],
)
def test_every_view_draws_and_no_name_becomes_markup(view: Any, numbers: dict[str, Any]) -> None:
    fig = view.draw(numbers, words)
    assert isinstance(fig, go.Figure)
    json.loads(fig.to_json())
    assert [text for text in shown_texts(fig) if TAG.search(text)] == []


def test_each_seed_is_a_dot_of_its_own() -> None:
    numbers = {
        "values": [0.5] * 9 + [0.9],
        "seeds": list(range(10)),
        "summary": SUMMARY,
        "score": "views.r2",
        "present": None,
    }
    fig = spread_view.draw(numbers, words)
    dots = next(trace for trace in fig.data if trace.customdata is not None)
    assert len(set(zip(dots.x, dots.y, strict=True))) == 10
