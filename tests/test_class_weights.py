"""Class weights: every engine descends sum(w l) / sum(w) as plain torch does, and everything that is reported stays unweighted.

B rows of a batch, K classes.
"""

from __future__ import annotations

import json
import runpy
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import balanced_accuracy_score, recall_score
from sklearn.utils.class_weight import compute_class_weight
from torch import nn
from torch.nn import functional

from dlcore import Experiment, Problem, Trainer
from dlcore.__main__ import main
from dlcore.catalogue import catalogue, schema
from dlcore.checkpoint import open_checkpoint
from dlcore.class_weights import balanced_weights
from dlcore.evaluation import open_judged
from dlcore.evaluation.baselines import baselines
from dlcore.evaluation.growth import learning_curve
from dlcore.evaluation.guards import guards
from dlcore.evaluation.intervals import balanced_accuracies, balanced_accuracy, interval
from dlcore.export.card import card
from dlcore.export.report import report
from dlcore.export.rows import data_csv
from dlcore.export.script import export_script
from dlcore.frame import decode_frame
from dlcore.network import build_model
from dlcore.randomness import derived_seed
from dlcore.rows import prepare
from dlcore.runs.run import Run
from dlcore.seeds.members import Abreast, OneByOne, make_members, make_recipes
from dlcore.share import decode, encode
from tests.judging import answer, saved, table_of
from ui.differences import write_difference
from ui.messages import text
from ui.rail.catalogue import make_catalogue

STEPS, CLOSE = 200, 1e-5
# Of a random case: two epochs and more of nearly all; a step or a weight too much shows at once.
FEWER_STEPS = 60
RATE = 0.05
ENGINES = ("autograd", "dense")
LOSSES = ("cross_entropy", "hinge", "mse", "mae", "huber")
TWO, THREE = (60, 12), (50, 20, 6)  # rows of each class


@pytest.fixture(autouse=True)
def tables(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DLCORE_TABLES", str(tmp_path_factory.getbasetemp() / "tables"))


def uneven(*rows: int, columns: int = 2, seed: int = 0) -> dict[str, Any]:
    """A table with so many rows of each class, which overlap."""
    generator = np.random.default_rng(seed)
    y = np.repeat(np.arange(len(rows)), rows)
    X = generator.normal(size=(len(y), columns)) + np.arange(len(rows))[y][:, None]
    names = tuple(f"class {label}" for label in range(len(rows)))
    return table_of(y, names, **{f"x{column}": X[:, column] for column in range(columns)})


def recipe(dataset: dict[str, Any], **changes: Any) -> Experiment:
    base = {
        "dataset": dataset,
        "layers": [{"kind": "dense", "units": 5}, {"kind": "dense", "units": 3}],
        "optimizer": {"kind": "sgd", "learning_rate": RATE},
        "batch_size": 10,
        "class_weights": "balanced",
    }
    return Experiment.from_dict(base | changes)


# The judge


def sklearns_weights(y: np.ndarray, classes: int) -> torch.Tensor:
    """(K,); a class without rows has none."""
    there = np.unique(y)
    weights = np.zeros(classes)
    weights[there] = compute_class_weight("balanced", classes=there, y=y)
    return torch.tensor(weights, dtype=torch.float32)


def loss_of_rows(loss: dict[str, Any], outputs: torch.Tensor, y: torch.Tensor, classes: int) -> torch.Tensor:
    """The loss of each row as a textbook has it."""
    if loss["kind"] == "cross_entropy" and classes == 2:
        return functional.binary_cross_entropy_with_logits(outputs[:, 0], y.float(), reduction="none")
    if loss["kind"] == "cross_entropy":
        return -functional.log_softmax(outputs, 1)[torch.arange(len(y)), y]
    if loss["kind"] == "hinge":
        return torch.relu(1 - (2 * y - 1) * outputs[:, 0])
    signs = (2 * y - 1)[:, None].float() if classes == 2 else torch.eye(classes)[y] * 2 - 1
    errors = outputs.tanh() - signs
    match loss["kind"]:
        case "mse":
            return errors.square().mean(1)
        case "mae":
            return errors.abs().mean(1)
    delta = loss.get("delta", 1.0)
    near = errors.abs() <= delta
    return torch.where(near, errors**2 / 2, delta * (errors.abs() - delta / 2)).mean(1)


def weighted_loss(experiment: Experiment, outputs: torch.Tensor, y: torch.Tensor, weights: torch.Tensor) -> Any:
    classes = experiment.dataset.num_classes
    if experiment.loss.kind == "cross_entropy" and classes > 2:
        return nn.CrossEntropyLoss(weight=weights)(outputs, y)
    lost = loss_of_rows(experiment.loss.to_dict(), outputs, y, classes)
    return (weights[y] * lost).sum() / weights[y].sum()


def plain_torch(experiment: Experiment, steps: int = STEPS) -> nn.Sequential:
    """The loop of every tutorial, with sklearn's weights."""
    train = prepare(experiment).train
    X, y = torch.from_numpy(train.X), torch.from_numpy(train.target)
    weights = sklearns_weights(train.y, experiment.dataset.num_classes)
    model = build_model(experiment)
    optimizer = torch.optim.SGD(model.parameters(), lr=RATE)
    order_generator = torch.Generator().manual_seed(derived_seed(experiment.seed, "order"))
    taken = 0
    while True:
        order = torch.randperm(len(X), generator=order_generator)
        for batch in order.split(experiment.batch_size):
            optimizer.zero_grad()
            weighted_loss(experiment, model(X[batch]), y[batch], weights).backward()
            optimizer.step()
            taken += 1
            if taken == steps:
                return model


def difference(one: nn.Module, other: nn.Module) -> float:
    """Largest difference, relative to the largest value of its tensor where that is above 1."""
    pairs = zip(one.parameters(), other.parameters(), strict=True)
    return max(((a - b).abs().max() / a.abs().max().clamp(min=1)).item() for a, b in pairs)


def after_steps(experiment: Experiment, engine: str, steps: int = STEPS) -> Trainer:
    trainer = Trainer(experiment, "cpu", engine=engine)
    while trainer.step < steps:
        trainer.advance(steps - trainer.step)
    assert trainer.engine_name == engine
    return trainer


# The weights


@given(st.lists(st.integers(0, 4), min_size=1, max_size=80))
def test_the_weights_are_sklearns_also_where_a_class_has_no_row(labels: list[int]) -> None:
    y = np.array(labels)
    found = balanced_weights(torch.from_numpy(y), 5)
    torch.testing.assert_close(found, sklearns_weights(y, 5))
    assert torch.isfinite(found).all()
    assert found[y].mean().item() == pytest.approx(1)


def test_a_worked_example_on_paper() -> None:
    # 8 rows, 2 classes: 6 of one, 2 of the other: 8 / (2 * 6) and 8 / (2 * 2).
    assert balanced_weights(torch.tensor([0] * 6 + [1] * 2), 2).tolist() == pytest.approx([2 / 3, 2.0])


# Equal to plain torch


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize(
    ("loss", "rows"), [(loss, rows) for loss in LOSSES for rows in (TWO, THREE)[: 1 + (loss != "hinge")]]
)
def test_every_loss_equals_plain_torch(loss: str, rows: tuple[int, ...], engine: str) -> None:
    experiment = recipe(uneven(*rows), loss={"kind": loss})
    expected = plain_torch(experiment)
    assert difference(expected, after_steps(experiment, engine).model) < CLOSE
    assert difference(expected, plain_torch(experiment, STEPS - 1)) > 100 * CLOSE  # A step is seen.


def test_without_weights_it_is_another_network() -> None:
    experiment = recipe(uneven(*TWO))
    even = Trainer(experiment.replace(class_weights="none"), "cpu")
    even.advance(7)
    for engine in ENGINES:
        assert difference(even.model, after_steps(experiment, engine, 7).model) > 1e-3


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("batch_size", [1, 7, 8, 36])
def test_every_size_of_batch_equals_plain_torch(batch_size: int, engine: str) -> None:
    experiment = recipe(uneven(*TWO), batch_size=batch_size)
    assert difference(plain_torch(experiment), after_steps(experiment, engine).model) < CLOSE


SOME = st.fixed_dictionaries(
    {
        "rows": st.lists(st.integers(4, 40), min_size=2, max_size=6),
        "loss": st.sampled_from(LOSSES),
        "batch_size": st.integers(1, 16),
        "three_way": st.booleans(),
        "units": st.lists(st.integers(1, 6), max_size=2),
        "seed": st.integers(0, 2**31 - 1),
    }
)


def some(case: dict[str, Any]) -> Experiment:
    loss = "cross_entropy" if case["loss"] == "hinge" and len(case["rows"]) > 2 else case["loss"]
    parts = {"test_fraction": 0.3, "validation_fraction": 0.3} if case["three_way"] else {}
    changes = {name: case[name] for name in ("batch_size", "seed")}
    layers = [{"kind": "dense", "units": units} for units in case["units"]]
    try:
        return recipe(uneven(*case["rows"]), loss={"kind": loss}, layers=layers, **parts, **changes)
    except Problem as problem:  # Six classes of four rows, in three parts.
        assert problem.key.startswith("too_few_rows") or problem.key == "batch_larger_than_rows"
        return recipe(uneven(40, 9), loss={"kind": loss}, layers=layers, seed=case["seed"])


@settings(max_examples=40)
@given(SOME)
def test_any_weighted_run_equals_plain_torch(case: dict[str, Any]) -> None:
    experiment = some(case)
    expected = plain_torch(experiment, FEWER_STEPS)
    for engine in ENGINES:
        assert difference(expected, after_steps(experiment, engine, FEWER_STEPS).model) < CLOSE


@pytest.mark.parametrize(
    "dataset",
    [
        {"kind": "breast_cancer"},
        {"kind": "wine"},
        {"kind": "circle", "samples": 60},
        {"kind": "blobs", "classes": 5, "samples": 83},
        {"kind": "drawn", "train": [[i / 7 - 3, i % 5 - 2, int(i % 7 == 0)] for i in range(40)], "test": [[0, 0, 0]]},
        {"kind": "table"},
    ],
    ids=lambda dataset: dataset["kind"],
)
def test_other_data_equal_plain_torch(dataset: dict[str, Any]) -> None:
    experiment = recipe(dataset)
    expected = plain_torch(experiment)
    for engine in ENGINES:
        assert difference(expected, after_steps(experiment, engine).model) < CLOSE


@pytest.mark.parametrize("engine", ENGINES)
def test_a_class_that_no_training_row_has_divides_nothing_by_zero(engine: str) -> None:
    experiment = recipe(uneven(40, 12, 2), test_fraction=0.5, validation_fraction=0.25, batch_size=5)
    data = prepare(experiment)
    train = np.flatnonzero(data.train.y != 2)
    rows = [getattr(data.train, name)[train] for name in ("raw", "X", "y", "target")]
    without = Trainer(experiment, "cpu", _with_train(data, rows), engine)
    while without.epoch < 5:
        without.advance()
    assert torch.isfinite(without.engine.flat).all()
    assert np.isfinite(without.history.rows()).all()


def _with_train(data: Any, rows: list[np.ndarray]) -> Any:
    return replace(data, train=type(data.train)(*rows))


def test_a_step_goes_along_the_numerical_gradient_of_the_weighted_loss() -> None:
    # With plain descent at rate 1 the step is minus the gradient; the judge is a central difference in double precision.
    experiment = recipe(uneven(30, 12, 6), batch_size=24, optimizer={"kind": "sgd", "learning_rate": 1.0})
    trainer = Trainer(experiment, "cpu")
    X, y = torch.from_numpy(trainer.data.train.X).double(), torch.from_numpy(trainer.data.train.target)
    weights = sklearns_weights(trainer.data.train.y, 3).double()
    model = build_model(experiment).double()
    before = nn.utils.parameters_to_vector(model.parameters()).detach()
    next(trainer.steps())
    after = nn.utils.parameters_to_vector(trainer.model.parameters()).detach().double()

    def loss(flat: torch.Tensor) -> float:
        nn.utils.vector_to_parameters(flat, model.parameters())
        with torch.no_grad():
            return weighted_loss(experiment, model(X), y, weights).item()

    h = 1e-5
    aside = torch.eye(len(before)).double() * h
    slopes = torch.tensor([(loss(before + move) - loss(before - move)) / (2 * h) for move in aside]).double()
    torch.testing.assert_close(before - after, slopes, atol=2e-5, rtol=1e-4)


# Many seeds


@pytest.mark.parametrize(
    ("loss", "rows"), [(loss, rows) for loss in LOSSES for rows in (TWO, THREE)[: 1 + (loss != "hinge")]]
)
def test_many_seeds_abreast_equal_trainers_one_by_one(loss: str, rows: tuple[int, ...]) -> None:
    experiment = recipe(uneven(*rows), loss={"kind": loss}, batch_size=7, seed=3)
    data = prepare(experiment)
    together = make_members(experiment, 3, data)
    assert isinstance(together, Abreast)
    alone = [Trainer(one, "cpu", data, engine="autograd") for one in make_recipes(experiment, 3)]
    for _ in range(STEPS // experiment.steps_per_epoch):
        together.take_epoch()
    for trainer, weights in zip(alone, together.weights(), strict=True):
        while trainer.epoch < together.epoch:
            trainer.advance()
        for name, value in trainer.model.state_dict().items():
            largest = max(1.0, value.abs().max().item())
            assert np.abs(value.numpy() - weights[name]).max() < CLOSE * largest, name
        scores = trainer.scores()
        expected = [part[name] for part in (scores.train, scores.watched) for name in ("loss", "accuracy")]
        np.testing.assert_allclose(together.scores()[:, alone.index(trainer)], expected, rtol=1e-4, atol=1e-5)


def test_seeds_trained_in_turn_are_weighted_too() -> None:
    experiment = recipe(uneven(*TWO))
    data = prepare(experiment)
    fast = make_members(experiment, 2, data)
    slow = OneByOne(experiment, 2, data)
    for _ in range(5):
        fast.take_epoch()
        slow.take_epoch()
    np.testing.assert_allclose(fast.scores(), slow.scores(), atol=1e-4)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_the_gpu_weighs_as_the_cpu_does() -> None:
    experiment = recipe(uneven(*TWO))
    trainer = Trainer(experiment, "cuda")
    trainer.advance(5)
    assert difference(after_steps(experiment, "autograd", 5).model, trainer.model.cpu()) < 1e-4


# What is reported


@pytest.mark.parametrize("engine", ENGINES)
def test_scores_history_and_early_stopping_are_not_weighted(engine: str) -> None:
    experiment = recipe(uneven(*TWO), early_stopping=3, batch_size=36, optimizer={"kind": "sgd", "learning_rate": 2.0})
    trainer = Trainer(experiment, "cpu", engine=engine)
    best, best_epoch, epoch = np.inf, 0, 0
    for epoch in range(1, 400):
        while trainer.finished is None and trainer.epoch < epoch:
            trainer.advance()
        by_hand = []
        for part in (trainer.data.train, trainer.data.watched):
            with torch.no_grad():
                outputs = trainer.model(torch.from_numpy(part.X))[:, 0]
                by_hand.append(nn.BCEWithLogitsLoss()(outputs, torch.from_numpy(part.y).float()).item())
        np.testing.assert_allclose(trainer.history.rows()[-1, 2:4], by_hand, rtol=1e-4)
        if by_hand[1] < best:
            best, best_epoch = by_hand[1], epoch
        if trainer.finished == "early_stopped":
            break
    assert trainer.epoch == best_epoch + 3 == epoch


# While it runs


@pytest.mark.parametrize("engine", ENGINES)
def test_weights_can_be_switched_on_and_off_in_mid_run(engine: str) -> None:
    experiment = recipe(uneven(*TWO), class_weights="none", batch_size=36)
    trainer = Trainer(experiment, "cpu", engine=engine)
    model = build_model(experiment)
    optimizer = torch.optim.SGD(model.parameters(), lr=RATE)
    X, y = torch.from_numpy(trainer.data.train.X), torch.from_numpy(trainer.data.train.target)
    weights = {"none": torch.ones(2), "balanced": sklearns_weights(trainer.data.train.y, 2)}
    for chosen in ("none", "balanced", "none", "balanced"):
        done = trainer.change(experiment.replace(class_weights=chosen))
        assert (done.kept, done.reshaped, done.redrawn) == (done.total, False, False)
        trainer.advance(1)  # All rows are one batch, so their order does not matter.
        optimizer.zero_grad()
        weighted_loss(experiment, model(X), y, weights[chosen]).backward()
        optimizer.step()
        assert difference(model, trainer.model) < CLOSE
    assert trainer.epoch == 4


@pytest.mark.parametrize("engine", ENGINES)
def test_switched_on_in_the_midst_of_an_epoch_they_count_from_the_next_step(engine: str) -> None:
    experiment = recipe(uneven(*TWO))
    trainer = Trainer(experiment.replace(class_weights="none"), "cpu", engine=engine)
    trainer.advance(2)
    other = Trainer(experiment, "cpu", engine="autograd")
    other.restore(trainer.state())
    trainer.change(experiment)
    assert trainer.cursor == 20
    for one in (trainer, other):
        one.advance(1)
    assert difference(other.model, trainer.model) < CLOSE


OTHER_ROWS = {
    "drawn points": {"dataset": {"kind": "drawn", "train": [[i / 9, -i / 9, int(i > 30)] for i in range(36)], "test": [[0, 0, 1]]}},
    "another share": {"test_fraction": 0.25},
    "a third part": {"validation_fraction": 0.2},
    "fewer rows": {"dataset": {"kind": "blobs", "classes": 2, "samples": 41}},
}  # fmt: skip


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("name", OTHER_ROWS)
def test_weights_follow_the_rows_when_these_change(name: str, engine: str) -> None:
    start = {"kind": "blobs", "classes": 2, "samples": 73}
    if "dataset" not in OTHER_ROWS[name]:
        start = uneven(*TWO)
    experiment = recipe(start)
    trainer = Trainer(experiment, "cpu", engine=engine)
    trainer.advance(3)
    after = Experiment.from_dict({**experiment.to_dict(), **OTHER_ROWS[name]})
    trainer.change(after)
    fresh = Trainer(after, "cpu", engine="autograd")  # Its weights are made from these rows alone.
    assert not np.array_equal(np.bincount(fresh.data.train.y), np.bincount(prepare(experiment).train.y))
    fresh.restore(trainer.state())
    for one in (trainer, fresh):
        one.advance(3)
    assert difference(fresh.model, trainer.model) < CLOSE


@pytest.mark.parametrize("engine", ENGINES)
def test_early_stopping_begins_to_count_anew_when_another_loss_is_descended(engine: str) -> None:
    # The unweighted loss is bound to rise once it is no longer what is descended.
    experiment = recipe(uneven(60, 4), class_weights="none", early_stopping=4, batch_size=32)
    trainer = trained(experiment, 40, engine)
    trainer.change(experiment.replace(class_weights="balanced"))
    while trainer.finished is None:
        trainer.advance()
    losses = trainer.history.column("test_loss")
    assert losses[41:].min() > losses[40]
    assert trainer.epoch == 41 + losses[41:].argmin() + 4


def test_a_moment_of_before_comes_back_with_the_weights_of_then() -> None:
    experiment = recipe(uneven(*TWO), class_weights="none", batch_size=36)
    run = Run(experiment.to_json(), "cpu")
    run.epoch()
    while run.finishing_epoch:
        run.advance(1)
    first = run.timeline.moments[-1].id
    run.change(experiment.replace(class_weights="balanced").to_json())
    run.epoch()
    while run.finishing_epoch:
        run.advance(1)
    run.rewind(first)
    assert run.learner.experiment.class_weights == "none"
    expected = Trainer(experiment, "cpu")
    expected.advance()
    expected.advance()
    run.learner.advance()
    assert difference(expected.model, run.learner.model) < CLOSE


def test_the_gradient_that_is_shown_is_that_of_the_weighted_loss() -> None:
    experiment = recipe(uneven(*TWO), batch_size=36)
    run = Run(experiment.to_json(), "cpu")
    data = run.learner.data
    model = build_model(experiment)
    X, y = torch.from_numpy(data.train.X), torch.from_numpy(data.train.target)
    weighted_loss(experiment, model(X), y, sklearns_weights(data.train.y, 2)).backward()
    run.step()
    _, arrays = decode_frame(run.frame(None, None, 0, wants={"gradients": True, "histograms": True}))
    linears = [module for module in model if isinstance(module, nn.Linear)]
    for index, linear in enumerate(linears):  # Each layer has units: its address is its place.
        assert linear.weight.grad is not None and linear.bias.grad is not None
        np.testing.assert_allclose(arrays[f"gradient/{index}"], linear.weight.grad, rtol=1e-4, atol=1e-6)
        np.testing.assert_allclose(arrays[f"gradient_bias/{index}"], linear.bias.grad, rtol=1e-4, atol=1e-6)


# The recipe


OLD_LINKS = [  # Made before there were class weights.
    ("1.eNqrrgUAAXUA-Q", {}),
    (
        "1.eNqrVspJrEwtKlayiq5Wys7MS1GyUkpJzStOVdJRKs3LLAFKGNfG6igVp6YCpcxrAY0eD8A",
        {"seed": 7, "layers": [{"kind": "dense", "units": 3}]},
    ),
    (
        "1.eNo1jUsOwjAMRO8y6whBgQW5TOS2pkTkU8UGCareHWfBbqR5M2_DTErCCr_hGcsMjzHVUeAwJRJhgb_sDm9K0dBYS7g3mnqAPx4GB2FKbDttL3aoq8Yc"
        "v9z6YWJqJZYlNFLu-Mn9JbLMpsg1c9FX7t3NLManTxCt62oz-KvDSDo9gtgl_HnYf_uSO_k",
        {
            "dataset": {"kind": "blobs", "classes": 4},
            "optimizer": {"kind": "sgd", "learning_rate": 0.1, "momentum": 0.9},
            "batch_size": 32,
            "early_stopping": 5,
            "validation_fraction": 0.2,
            "sealed": True,
        },
    ),
    (
        "1.eNpNyjEOgCAMBdC7_JkYHFx6GVNso40EDdSJcHcdnd_rEHZu6qCO04qAIMZJXRtGQL5a-9HxJK0IEM3OoDgt39kri2nxdct2g-YpjhcFFhy0",
        {"dataset": {"kind": "diabetes"}, "loss": {"kind": "huber", "delta": 0.5}, "gradient_clip": 1.0},
    ),
    (
        "1.eNo9jMEKwyAQRP9lzkuJQi_-ikjY1i2VgAfdUGnIv3exkMNjBuYxBzIrd1GEA1upGQG58aeCoI1LRYhxuS00SRSd5cS6v3oyW7r-5TtNUjoJL2Hdm3Rb"
        "MJydDrcOD_MfrM_32stXEPz5A3KRJxw",
        {
            "dataset": {"kind": "drawn", "train": [[0, 0, 0], [1, 1, 1], [2, 1, 1]], "test": [[0.5, 0.5, 0]]},
            "batch_size": 2,
            "features": ["x1", "x1_x2"],
        },
    ),
]


@pytest.mark.parametrize(("link", "values"), OLD_LINKS)
def test_a_link_of_before_means_what_it_meant_and_is_made_byte_for_byte(link: str, values: dict[str, Any]) -> None:
    experiment = Experiment.from_dict(values)
    assert encode(experiment) == link
    assert decode(link) == experiment
    assert experiment.class_weights == "none"


def test_only_younger_fields_follow_and_the_empty_recipe_has_no_weights() -> None:
    fields = list(Experiment.model_fields)
    assert fields[fields.index("class_weights") :] == ["class_weights", "journal", "restore_best"]
    assert Experiment().class_weights == "none"


def test_weights_for_numbers_are_refused_in_one_sentence() -> None:
    for kind in ("diabetes", "sine", "plane"):
        with pytest.raises(Problem) as refused:
            recipe({"kind": kind}, loss={"kind": "mse"})
        said = str(refused.value)
        assert (
            said == f"class_weights: only classes can be weighted, but '{kind}' has a number as target. Set it to none."
        )
    with pytest.raises(Problem, match=r"class_weights: unknown kind 'even'\. Expected one of: none or balanced"):
        Experiment.from_dict({"class_weights": "even"})


def test_the_catalogue_and_the_schema_name_the_choices() -> None:
    field = catalogue()["recipe"]["experiment"]["fields"]["class_weights"]
    assert (field["type"], field["default"], field["choices"]) == ("string", "none", ["none", "balanced"])
    assert "n / (K n_k)" in field["help"]
    assert schema()["properties"]["class_weights"]["enum"] == ["none", "balanced"]


def test_a_link_carries_the_weights() -> None:
    experiment = recipe({"kind": "circle"})
    assert decode(encode(experiment)) == experiment
    assert decode(encode(experiment)).class_weights == "balanced"


# Taken home


def imbalanced(rows: int = 2000, seed: int = 1) -> dict[str, Any]:
    """95 of 100 rows are of one class, and the classes overlap."""
    generator = np.random.default_rng(seed)
    y = (np.arange(rows) >= 0.95 * rows).astype(int)
    X = generator.normal(size=(rows, 3)) + y[:, None] * np.array([1.2, 0.8, 0.0])
    return table_of(y, ("no", "yes"), a=X[:, 0], b=X[:, 1], c=X[:, 2])


def trained(experiment: Experiment, epochs: int, engine: str = "auto") -> Trainer:
    trainer = Trainer(experiment, "cpu", engine=engine)
    while trainer.epoch < epochs:
        trainer.advance()
    return trainer


def test_a_checkpoint_keeps_them_and_a_run_goes_on_from_it_weighted() -> None:
    trainer = trained(recipe(uneven(*TWO)), 3)
    content = saved(trainer)
    assert open_checkpoint(content).experiment == trainer.experiment
    run = Run("{}", "cpu")
    run.load(content)
    assert run.learner.experiment.class_weights == "balanced"
    state = trainer.state()
    again = Trainer(open_checkpoint(content).experiment, "cpu")
    again.restore(state)
    for one in (trainer, again):
        one.advance(5)
    assert torch.equal(trainer.engine.flat, again.engine.flat)


def test_the_script_of_a_table_prints_the_same_six_decimals(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    experiment = recipe(uneven(50, 20, 6), test_fraction=0.3, validation_fraction=0.2)
    trainer = trained(experiment, 20, "autograd")
    (tmp_path / "data.csv").write_bytes(data_csv(experiment))
    (tmp_path / "train.py").write_text(export_script(experiment, 20))
    monkeypatch.chdir(tmp_path)
    runpy.run_path("train.py")
    printed = dict(line.split(" ") for line in capsys.readouterr().out.splitlines() if " " in line)
    scores = trainer.scores()
    assert printed["train_loss"] == f"{scores.train['loss']:.6f}"
    assert printed["validation_loss"] == f"{scores.watched['loss']:.6f}"
    assert printed["train_accuracy"] == f"{scores.train['accuracy']:.6f}"


def test_a_script_without_weights_says_nothing_of_them() -> None:
    assert "weights_train" not in export_script(Experiment(), 3)
    assert "class weights" not in export_script(Experiment(), 3)


@pytest.mark.parametrize("do", [report, card])
def test_report_and_card_say_that_classes_were_weighted_and_how(do: Any) -> None:
    trainer = trained(recipe(uneven(*TWO), seed=2), 2)
    made = do({}, saved(trainer), lambda share, partial: None)[1].decode()
    assert "Balanced class weights" in made
    for weight in sklearns_weights(trainer.data.train.y, 2).tolist():
        assert f"{weight:.4g}" in made
    plain = trained(recipe(uneven(*TWO), class_weights="none"), 2)
    assert "Balanced class weights" not in do({}, saved(plain), lambda share, partial: None)[1].decode()


def test_the_command_line_trains_judges_and_exports_with_weights(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    experiment = recipe({"kind": "breast_cancer"}, batch_size=32)
    (tmp_path / "recipe.json").write_text(experiment.to_json())
    out = tmp_path / "run"
    assert main(["train", str(tmp_path / "recipe.json"), "--epochs", "2", "--out", str(out), "--device", "cpu"]) == 0
    assert json.loads((out / "recipe.json").read_text())["class_weights"] == "balanced"
    assert main(["evaluate", str(out)]) == 0
    scores = trained(experiment, 2).scores()
    assert json.loads(capsys.readouterr().out)["train"]["loss"] == pytest.approx(scores.train["loss"], abs=1e-5)
    assert main(["export", str(out), "--format", "script", "--out", str(tmp_path / "train.py")]) == 0
    assert "balanced_weights" in (tmp_path / "train.py").read_text()
    (tmp_path / "wrong.json").write_text(
        '{"dataset": {"kind": "sine"}, "loss": {"kind": "mse"}, "class_weights": "balanced"}'
    )
    assert main(["train", str(tmp_path / "wrong.json"), "--epochs", "1", "--out", str(out)]) == 2
    assert "class_weights: only classes" in capsys.readouterr().err


# An honest look


def test_a_rare_class_is_found_and_a_linear_network_becomes_sklearns_logistic_regression() -> None:
    linear = recipe(
        imbalanced(), layers=[], batch_size=1000, test_fraction=0.5, optimizer={"kind": "adam", "learning_rate": 0.03}
    )
    recalls = {}
    for chosen, theirs in (("none", None), ("balanced", "balanced")):
        trainer = trained(linear.replace(class_weights=chosen), 1500)
        train, test = trainer.data.train, trainer.data.watched
        judge = LogisticRegression(class_weight=theirs, C=1e9).fit(train.X, train.y)
        ours = trainer.predictions().numpy()[len(train.y) :]
        np.testing.assert_allclose(ours, judge.predict_proba(test.X), atol=2e-3)
        recalls[chosen] = recall_score(test.y, ours.argmax(1))
        assert recalls[chosen] == pytest.approx(recall_score(test.y, judge.predict(test.X)), abs=0.021)
    assert recalls["none"] < 0.2 and recalls["balanced"] > 0.6, recalls


def test_baselines_are_weighted_as_the_network_is_and_scored_by_balanced_accuracy() -> None:
    content = saved(trained(recipe(imbalanced(400)), 5))
    judged = open_judged(content)
    found = answer(baselines, content)
    assert found["metric"] == "balanced_accuracy"
    by_key = {model["key"]: model for model in found["models"]}
    train, watched = judged.train.split, judged.watched.split
    judge = LogisticRegression(max_iter=500, class_weight="balanced").fit(train.X, train.y)
    assert by_key["logistic"]["test"] == pytest.approx(balanced_accuracy_score(watched.y, judge.predict(watched.X)))
    assert by_key["majority"]["test"] == 0.5
    said = judged.watched.predicted.argmax(1)
    assert found["network"]["test"] == pytest.approx(balanced_accuracy_score(watched.y, said))
    even = answer(baselines, saved(trained(recipe(imbalanced(400), class_weights="none"), 5)))
    assert even["metric"] == "accuracy"


def test_learning_curves_of_weighted_recipes_are_weighted_and_in_balanced_accuracy() -> None:
    experiment = recipe(imbalanced(400), layers=[{"kind": "dense", "units": 4}])
    found = answer(learning_curve, saved(trained(experiment, 5)), epochs=5, repeats=1)
    assert found["metric"] == "balanced_accuracy"
    whole = trained(experiment, 5)  # The last point is the recipe itself.
    said, rows = whole.predictions().numpy().argmax(1), len(whole.data.train.y)
    expected = [
        balanced_accuracy_score(whole.data.train.y, said[:rows]),
        balanced_accuracy_score(whole.data.watched.y, said[rows:]),
    ]
    assert [found["points"][-1][part][0] for part in ("train", "test")] == pytest.approx(expected, abs=0.01)


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=1, max_size=60))
def test_balanced_accuracy_is_sklearns(pairs: list[tuple[int, int]]) -> None:
    y, said = np.array(pairs).T
    with pytest.MonkeyPatch.context() as patch:  # sklearn warns of classes that are said and not there.
        patch.setattr("warnings.warn", lambda *told, **more: None)
        expected = balanced_accuracy_score(y, said)
    assert balanced_accuracy(y, said) == pytest.approx(expected)
    low, high = interval(balanced_accuracies(y, said)) or (0, 1)
    assert 0 <= low <= high <= 1


def test_the_interval_of_balanced_accuracy_is_that_of_a_mean_of_shares() -> None:
    y = np.repeat([0, 1], [900, 100])
    said = np.where(np.arange(1000) % 5 == 0, 1 - y, y)
    low, high = interval(balanced_accuracies(y, said)) or (0, 1)
    error = 1.96 * np.sqrt(0.8 * 0.2 / 900 + 0.8 * 0.2 / 100) / 2
    assert (low, high) == pytest.approx((0.8 - error, 0.8 + error), abs=0.006)


def findings(experiment: Experiment, epochs: int = 30) -> dict[str, dict[str, Any]]:
    return {one["key"]: one for one in answer(guards, saved(trained(experiment, epochs)))["findings"]}


def test_an_overlooked_class_is_told_with_its_numbers_and_points_to_class_weights() -> None:
    experiment = recipe(imbalanced(1000), class_weights="none")
    trainer = trained(experiment, 30)
    found = findings(experiment)["overlooked_class"]
    said = trainer.predictions().numpy()[len(trainer.data.train.y) :].argmax(1)
    assert found["evidence"]["found"] == pytest.approx(recall_score(trainer.data.watched.y, said))
    assert found["evidence"]["share"] == pytest.approx(trainer.data.train.y.mean())
    assert found["values"]["class_name"] == "yes"
    for language, words in (("en", "class weights"), ("zh_CN", "类别权重")):
        assert words in text(language, "finding.overlooked_class.try")
        assert words in text(language, "finding.rare_classes_train.try")


def test_with_weights_it_is_no_longer_overlooked_and_nothing_is_called_unskilled() -> None:
    # Its accuracy is below that of the constant answer "no"; its balanced accuracy is not.
    experiment = recipe(imbalanced(1000), batch_size=100)
    trainer = trained(experiment, 30)
    assert trainer.scores().watched["accuracy"] < 0.95
    assert {"overlooked_class", "no_skill", "no_skill_balanced"} & set(findings(experiment)) == set()


def test_a_weighted_network_that_has_learned_nothing_is_still_told_so() -> None:
    generator = np.random.default_rng(0)
    noise = table_of((np.arange(400) % 10 == 0).astype(int), ("no", "yes"), x=generator.normal(size=400))
    found = findings(recipe(noise, batch_size=50))
    assert found["no_skill_balanced"]["evidence"]["baseline"] == 0.5


@pytest.mark.parametrize("rows", [(60, 50), (500, 500, 400)])
def test_classes_of_like_size_are_never_called_overlooked(rows: tuple[int, ...]) -> None:
    assert "overlooked_class" not in findings(recipe(uneven(*rows), class_weights="none"), 1)


# On the page


def test_they_are_chosen_beside_the_loss_and_called_by_the_fields_words() -> None:
    for language, label, options in (("en", "Class weights", None), ("zh_CN", "类别权重", ["无", "平衡"])):
        (fields,) = [
            section["fields"] for section in make_catalogue(language)["sections"] if section["name"] == "learning"
        ]
        names = [field["name"] for field in fields]
        field = fields[names.index("class_weights")]
        assert names.index("class_weights") == names.index("loss") + 1
        assert field["label"] == label and "n / (K n_k)" in field["help"]
        assert options in (None, [option["title"] for option in field["options"]])


def test_they_stay_when_other_classes_are_chosen() -> None:
    run = Run(Experiment(class_weights="balanced").to_json())
    run.edit({"do": "setting", "path": "dataset.kind", "value": "xor"})
    assert run.learner.recipe.class_weights == "balanced"  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("language", "said"),
    [("en", "A and B differ in class weights: None and Balanced."), ("zh_CN", "类别权重")],
)
def test_comparing_says_that_they_differ(language: str, said: str) -> None:
    pair = (Experiment(), Experiment(class_weights="balanced"))
    assert said in write_difference(("A", "B"), pair, partial(text, language))
