"""What a changed network keeps, judged by plain torch and by books of our own: every unit and every weight has a name."""

from __future__ import annotations

import copy
import json
import math
import re
from dataclasses import dataclass, field
from itertools import count, islice
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from dlcore import Experiment, Problem, Trainer
from dlcore.activations import Activation
from dlcore.component import kinds
from dlcore.datasets.drawn import Drawn
from dlcore.frame import decode_frame
from dlcore.layers import Dense
from dlcore.learning.carry import NEW, align, carry_flat, carry_units
from dlcore.rows import prepare
from dlcore.runs.run import Run

FEATURES = ["x1", "x2", "x1_squared", "x2_squared", "x1_x2", "sin_x1", "sin_x2"]
ACTIVATIONS = ["linear", "sigmoid", "tanh", "relu", "gelu"]


def dense(units: int, activation: str = "tanh") -> dict[str, Any]:
    return {"kind": "dense", "units": units, "activation": {"kind": activation}}


def recipe(*layers: dict[str, Any], **more: Any) -> Experiment:
    return Experiment.from_dict({"dataset": {"kind": "xor", "samples": 60}, "layers": list(layers), **more})


def trained(experiment: Experiment, steps: int = 12) -> Trainer:
    trainer = Trainer(experiment, "cpu")
    for _ in islice(trainer.steps(), steps):
        pass
    return trainer


def linears(trainer: Trainer) -> list[nn.Linear]:
    """Copies, which training that goes on does not move."""
    return [copy.deepcopy(module) for module in trainer.model if isinstance(module, nn.Linear)]


def answers(trainer: Trainer) -> torch.Tensor:
    rows = torch.from_numpy(np.random.default_rng(0).uniform(-5, 5, (40, trainer.experiment.num_inputs)))
    model = copy.deepcopy(trainer.model).eval()
    with torch.no_grad():
        return model(rows.float())


# The books: a network of named units, edited beside the real one


@dataclass
class Layer:
    """A hidden layer: the names of its units. `name` stays with the layer, whatever becomes of it."""

    name: int
    units: list[int]
    activation: str
    origin: int | None = None
    unit_origins: list[int | None] = field(default_factory=list)


@dataclass
class Books:
    """Which weights are known: {(unit, input): value}, {(unit, "bias"): value}; names are never used twice."""

    layers: list[Layer]
    features: list[str]
    names: count
    output: int = -1

    def origins(self) -> dict[str, Any]:
        units = {str(place): layer.unit_origins for place, layer in enumerate(self.layers)}
        return {"layers": [layer.origin for layer in self.layers], "units": units}

    def settle(self) -> None:
        """From here on, what stands is what was."""
        for place, layer in enumerate(self.layers):
            layer.origin, layer.unit_origins = place, list(range(len(layer.units)))

    def columns(self) -> list[list[Any]]:
        """The names of the inputs of each dense layer, the output's last."""
        return [list(self.features), *(layer.units for layer in self.layers)]

    def rows(self) -> list[list[int]]:
        return [*(layer.units for layer in self.layers), [self.output]]

    def weights(self, flat: torch.Tensor, whole: bool = True) -> dict[tuple[Any, Any], float]:
        """{(unit, input): value} of a flat tensor in the order of nn.Sequential's parameters."""
        found: dict[tuple[Any, Any], float] = {}
        values = iter(flat.tolist())
        for rows, columns in zip(self.rows(), self.columns(), strict=True):
            found |= {(row, column): next(values) for row in rows for column in columns}
            found |= {(row, "bias"): next(values) for row in rows}
        assert not whole or next(values, None) is None, "the flat tensor is as long as the network"
        return found

    def layer(self, units: int, activation: str) -> Layer:
        names = [next(self.names) for _ in range(units)]
        return Layer(next(self.names), names, activation, None, [None] * units)

    def recipe(self, **more: Any) -> Experiment:
        layers = [dense(len(layer.units), layer.activation) for layer in self.layers]
        return recipe(*layers, features=self.features, **more)


def add_unit(books: Books, draw: Any) -> None:
    layer = draw(st.sampled_from(books.layers))
    layer.units.append(next(books.names))
    layer.unit_origins.append(None)


def remove_unit(books: Books, draw: Any) -> None:
    layer = draw(st.sampled_from(books.layers))
    if len(layer.units) > 1:
        at = draw(st.integers(0, len(layer.units) - 1))
        del layer.units[at], layer.unit_origins[at]


def insert_layer(books: Books, draw: Any) -> None:
    at = draw(st.integers(0, len(books.layers)))
    before = [books.features, *(layer.units for layer in books.layers)][at]
    units = draw(st.sampled_from([len(before), 3]))
    books.layers.insert(at, books.layer(units, draw(st.sampled_from(ACTIVATIONS))))


def remove_layer(books: Books, draw: Any) -> None:
    if len(books.layers) > 1:
        del books.layers[draw(st.integers(0, len(books.layers) - 1))]


def change_activation(books: Books, draw: Any) -> None:
    draw(st.sampled_from(books.layers)).activation = draw(st.sampled_from(ACTIVATIONS))


def toggle_feature(books: Books, draw: Any) -> None:
    chosen = draw(st.sampled_from(FEATURES))
    toggled = [name for name in FEATURES if (name in books.features) != (name == chosen)]
    books.features = toggled or books.features


def change_points(books: Books, draw: Any) -> None:
    pass  # Nothing to note in the books: the caller changes the points.


EDITS = [add_unit, remove_unit, insert_layer, remove_layer, change_activation, toggle_feature, change_points]


@st.composite
def points(draw: st.DrawFn) -> dict[str, Any]:
    seed, rows = draw(st.integers(0, 99)), draw(st.integers(4, 30))
    train, test = ([[*xy, index % 2] for index, xy in enumerate(_places(seed, n))] for n in (rows, 5))
    return {"kind": "drawn", "train": train, "test": test}


def _places(seed: int, rows: int) -> list[list[float]]:
    return np.random.default_rng(seed).uniform(-5, 5, (rows, 2)).round(3).tolist()


OPTIMIZERS = [{"kind": "sgd", "momentum": 0.9}, {"kind": "rmsprop"}, {"kind": "adam"}, {"kind": "adagrad"}]


@settings(max_examples=120)
@given(st.data())
def test_any_sequence_of_edits_keeps_what_it_can_and_trains_on(data: st.DataObject) -> None:
    draw = data.draw
    books = Books([], ["x1", "x2"], count())
    books.layers = [books.layer(3, "tanh"), books.layer(2, "relu")]
    books.settle()
    fixed: dict[str, Any] = {"batch_size": 3, "optimizer": draw(st.sampled_from(OPTIMIZERS))}
    trainer = trained(books.recipe(**fixed), draw(st.integers(0, 9)))
    for _ in range(draw(st.integers(1, 6))):
        before = copy.deepcopy(books)
        known, step, rows = before.weights(trainer.engine.flat), trainer.step, trainer.history.rows()
        memory = {name: value.clone() for name, value in trainer.engine.memory.items()}
        edit = draw(st.sampled_from(EDITS))
        edit(books, draw)
        if edit is change_points:
            fixed["dataset"] = draw(points())
        experiment = books.recipe(**fixed)
        change = trainer.change(experiment, json.loads(json.dumps(books.origins())))

        # Shapes agree with the recipe, layer by layer.
        widths = [len(books.features), *(len(layer.units) for layer in books.layers), 1]
        shapes = [tuple(linear.weight.shape) for linear in linears(trainer)]
        assert shapes == list(zip(widths[1:], widths[:-1], strict=True))
        assert trainer.engine.flat.shape == trainer.engine.previous.shape == (experiment.num_parameters,)
        assert trainer.model(trainer.supervised.X).shape == (len(trainer.supervised.X), 1)

        # Every weight whose two ends and way are still there has its value, but for those that read what a new layer hands on.
        stay, read = expected_to_stay(before, books)
        found = books.weights(trainer.engine.flat)
        unread = stay.keys() - read
        assert {name: found[name] for name in unread} == {name: known[stay[name]] for name in unread}
        same = sum(found[name] == known[was] for name, was in stay.items())
        assert (change.kept, change.total) == (same, experiment.num_parameters)
        assert all(math.isfinite(value) for value in found.values())

        # The optimizer's memory is as large as the network, and the same weights find theirs again.
        assert set(trainer.engine.memory) == set(memory)
        for name, value in memory.items():
            if value.dim() == 0:
                assert trainer.engine.memory[name] == value
                continue
            then, now = before.weights(value), books.weights(trainer.engine.memory[name])
            assert now == {name: then[stay[name]] if name in stay else 0.0 for name in now}

        assert trainer.step == step
        assert step == 0 or np.array_equal(trainer.history.rows(), rows)
        books.settle()
        for taken in islice(trainer.steps(), 3):
            assert math.isfinite(taken.loss)
        assert trainer.step == step + 3


Weight = tuple[Any, Any]


def expected_to_stay(before: Books, after: Books) -> tuple[dict[Weight, Weight], set[Weight]]:
    """{weight: which one it was}, by its two ends, and those that read what a new layer hands on.

    What comes behind a layer that was taken out is composed: nothing stays.
    """
    old, new = ([None, *(layer.name for layer in books.layers), "output"] for books in (before, after))
    known = set(before.weights(torch.zeros(10_000), whole=False))
    stay: dict[Weight, Weight] = {}
    read: set[Weight] = set()
    for place in range(1, len(new)):
        if new[place] not in old:
            continue
        source, columns = new[place - 1], after.columns()[place - 1]
        meant = columns
        fresh = source not in old
        if fresh:  # As wide as what is before it, it hands that on.
            meant = after.columns()[place - 2]
            meant = meant if len(meant) == len(columns) else []
            source = new[place - 2] if meant else old[old.index(new[place]) - 1]
        if source == old[old.index(new[place]) - 1]:
            for row in after.rows()[place - 1]:
                stay[row, "bias"] = row, "bias"
                stay |= {(row, column): (row, was) for column, was in zip(columns, meant, strict=False)}
                if fresh and meant:
                    read |= {(row, "bias"), *((row, column) for column in columns)}
    return {name: was for name, was in stay.items() if was in known}, read


# Whole networks


STRAIGHT = ("linear", "relu", "leaky_relu", "elu", "selu")
LEVEL = ("sigmoid", "tanh")


def plain(trainer: Trainer) -> nn.Sequential:
    """The network as plain PyTorch reads it from its weights, nothing dropped."""
    modules: list[nn.Module] = []
    inputs = trainer.experiment.num_inputs
    for layer in trainer.experiment.layers:
        if isinstance(layer, Dense):
            modules += [nn.Linear(inputs, layer.units), layer.activation.build()]
            inputs = layer.units
        else:
            modules.append(nn.Dropout(layer.p))
    model = nn.Sequential(*modules, nn.Linear(inputs, trainer.experiment.num_outputs))
    model.load_state_dict(trainer.snapshot().plain_weights)
    return model.eval()


@torch.no_grad()
def on_training_rows(trainer: Trainer) -> torch.Tensor:
    return plain(trainer)(torch.from_numpy(trainer.data.train.X))[:, 0].double()


def inserted(before: Experiment, at: int, **layer: Any) -> tuple[Experiment, dict[str, Any]]:
    """The recipe with a new layer there, as wide as what comes into it, and where the others come from."""
    layers = [one.to_dict() for one in before.layers]
    width = [before.num_inputs, *(plan.outputs for plan in before.plan())][at]
    origins = {"layers": [*range(at), None, *range(at, len(layers))]}
    layers.insert(at, dense(width, **layer))
    return before.replace(layers=layers), origins


@pytest.mark.parametrize("at", [0, 1, 2])
@pytest.mark.parametrize("base", ["tanh", "relu"])
@pytest.mark.parametrize("activation", list(kinds(Activation)))
def test_a_new_layer_hands_on_what_it_receives_as_nearly_as_it_says(activation: str, base: str, at: int) -> None:
    trainer = trained(recipe(dense(5, base), dense(4, base)), 400)
    before = on_training_rows(trainer)
    changed, origins = inserted(trainer.experiment, at, activation=activation)
    said = trainer.change(changed, origins).moved
    after = on_training_rows(trainer)
    off = ((after - before).square().mean().sqrt() / before.std()).item()
    # Raw inputs reach from -5 to 5, answers of ReLU as far: what levels off cannot hand that on without weights that nothing could train.
    wide = at == 0 or base == "relu"
    most = 1e-3 if activation in STRAIGHT else 0.3 if activation in LEVEL and wide else 0.06
    assert off <= most
    probabilities = (torch.sigmoid(after) - torch.sigmoid(before)).abs()
    assert said is not None
    assert said.mean == pytest.approx(probabilities.mean().item(), abs=1e-6)
    assert said.most == pytest.approx(probabilities.max().item(), abs=1e-6)


@pytest.mark.parametrize("activation", ["silu", "softplus", "gelu", "mish", "tanh", "sigmoid", "relu"])
def test_a_network_with_a_new_layer_goes_on_learning(activation: str) -> None:
    rate = {"kind": "sgd", "learning_rate": 0.1}
    trainer = trained(recipe(dense(5), dense(4), optimizer=rate, batch_size=10), 3000)
    learned = trainer.scores().train["loss"]
    assert learned < 0.15
    trainer.change(*inserted(trainer.experiment, 1, activation=activation))
    for _ in islice(trainer.steps(), 300):
        pass
    assert trainer.scores().train["loss"] < learned + 0.1


def test_new_layers_one_behind_the_other_hand_on_too() -> None:
    trainer = trained(recipe(dense(5), dense(4)), 400)
    before = on_training_rows(trainer)
    layers = [
        dense(5),
        dense(5, "silu"),
        {"kind": "dropout", "p": 0.5},
        dense(5, "softplus"),
        dense(5, "selu"),
        dense(4),
    ]
    trainer.change(recipe(*layers), {"layers": [0, None, None, None, None, 1]})
    off = (on_training_rows(trainer) - before).square().mean().sqrt() / before.std()
    assert off < 0.1


def test_a_silenced_unit_stays_silent_behind_a_new_layer() -> None:
    trainer = trained(recipe(dense(5), dense(4)), 400)
    trainer.silenced = {"0": torch.tensor([True, False, False, False, False])}
    before = on_training_rows(trainer)
    trainer.change(*inserted(trainer.experiment, 1, activation="silu"))
    assert (on_training_rows(trainer) - before).square().mean().sqrt() < 0.06 * before.std()


def test_how_far_predictions_moved_is_said_in_the_units_of_the_data() -> None:
    numbers = {"dataset": {"kind": "diabetes"}, "loss": {"kind": "mse"}}
    trainer = trained(Experiment.from_dict({**numbers, "layers": [dense(4)]}), 200)
    before = on_training_rows(trainer)
    said = trainer.change(*inserted(trainer.experiment, 1, activation="tanh")).moved
    moved = (on_training_rows(trainer) - before).abs() * trainer.data.train.y.std()
    assert said is not None
    assert said == pytest.approx((moved.mean().item(), moved.max().item()), rel=1e-3)


def test_after_other_rows_or_another_loss_nothing_is_said_of_predictions() -> None:
    trainer = trained(recipe(dense(4)))
    assert trainer.change(recipe(dense(5))).moved is not None
    assert trainer.change(recipe(dense(6), test_fraction=0.3)).moved is None
    assert trainer.change(recipe(dense(7), test_fraction=0.3, loss={"kind": "hinge"})).moved is None
    assert trainer.change(recipe(dense(7, "relu"), test_fraction=0.3, loss={"kind": "hinge"})).moved is None


def test_weights_that_are_not_finite_any_more_do_not_keep_a_layer_from_coming() -> None:
    trainer = trained(recipe(dense(5), dense(4)))
    with torch.no_grad():
        trainer.engine.flat.fill_(3e38)
    trainer.change(*inserted(trainer.experiment, 1, activation="silu"))
    assert torch.isfinite(trainer.engine.flat).all()


@pytest.mark.parametrize("at", [0, 1, 2])
def test_a_new_identity_layer_leaves_the_outputs_of_a_relu_network_exactly_as_they_were(at: int) -> None:
    layers = [dense(5, "relu"), dense(3, "relu")]
    trainer = trained(recipe(*layers))
    before = answers(trainer)
    # Behind the inputs, which may be below 0, only a layer without a bend can be the identity.
    layers.insert(at, dense([2, 5, 3][at], "relu" if at else "linear"))
    trainer.change(recipe(*layers), {"layers": [*range(at), None, *range(at, 2)]})
    assert torch.equal(answers(trainer), before)


@pytest.mark.parametrize("gone", [0, 1, 2])
def test_a_layer_without_a_bend_can_be_taken_out_and_nothing_is_lost(gone: int) -> None:
    layers = [dense(5, "relu"), dense(4, "relu"), dense(3, "relu")]
    layers[gone] = dense(layers[gone]["units"], "linear")
    trainer = trained(recipe(*layers), 40)
    before = answers(trainer)
    rest = [place for place in range(3) if place != gone]
    trainer.change(recipe(*(layers[place] for place in rest)), {"layers": rest})
    torch.testing.assert_close(answers(trainer), before, rtol=1e-5, atol=1e-5)


def test_all_layers_can_be_taken_out_at_once() -> None:
    trainer = trained(recipe(dense(5, "linear"), dense(4, "linear")), 40)
    before = answers(trainer)
    trainer.change(recipe())
    torch.testing.assert_close(answers(trainer), before, rtol=1e-5, atol=1e-5)


def test_a_new_unit_disturbs_little_and_its_weights_are_those_of_its_initializer() -> None:
    trainer = trained(recipe(dense(4)), 200)
    before = answers(trainer)
    old = linears(trainer)
    trainer.change(recipe(dense(5)))
    hidden, output = linears(trainer)
    assert torch.equal(hidden.weight[:4], old[0].weight)
    assert torch.equal(output.weight[:, :4], old[1].weight)
    assert hidden.bias[4] == 0
    assert 0 < hidden.weight[4].abs().max() <= math.sqrt(6 / (2 + 5))  # Glorot's bounds
    assert 0 < output.weight[0, 4].abs() <= 0.1 * math.sqrt(6 / (5 + 1))
    assert (answers(trainer) - before).abs().max() <= 0.1 * math.sqrt(6 / (5 + 1)) + 1e-5


def test_a_new_unit_is_not_the_twin_of_one_that_moved_up() -> None:
    trainer = Trainer(recipe(dense(3)), "cpu")
    for _ in range(4):
        trainer.change(recipe(dense(2)), {"layers": [0], "units": {"0": [1, 2]}})
        trainer.change(recipe(dense(3)), {"layers": [0], "units": {"0": [0, 1, None]}})
        assert len({tuple(row) for row in linears(trainer)[0].weight.tolist()}) == 3


def test_the_same_change_of_the_same_network_gives_the_same_weights() -> None:
    flats = []
    for _ in range(2):
        trainer = trained(recipe(dense(3)))
        trainer.change(recipe(dense(3), dense(4)))
        flats.append(trainer.engine.flat.detach())
    assert torch.equal(*flats)


# Which layer was which


@pytest.mark.parametrize(
    ("before", "after", "matches"),
    [
        ([4, 2], [4, 3, 2], [0, NEW, 1]),
        ([4, 2], [5, 2], [0, 1]),
        ([4, 2], [4], [0]),
        ([4, 2], [2], [1]),
        ([4, 3, 2], [5, 6, 2], [0, 1, 2]),
        ([4, 4], [4, 4, 4], [0, 1, NEW]),
        ([4, 2], [7, 8, 9], [NEW, NEW, NEW]),
        ([], [3], [NEW]),
    ],
)
def test_without_a_word_about_it_layers_are_matched_by_their_looks(
    before: list[int], after: list[int], matches: list[int]
) -> None:
    carriage = align(recipe(*map(dense, before)), recipe(*map(dense, after)))
    assert [origin.layer for origin in carriage.layers] == [*matches, len(before)]


def test_dropout_between_layers_is_no_layer_of_weights() -> None:
    dropout = {"kind": "dropout", "p": 0.2}
    trainer = trained(recipe(dense(4), dense(2)))
    flat = trainer.engine.flat.detach().clone()
    change = trainer.change(recipe(dropout, dense(4), dropout, dense(2)))
    assert torch.equal(trainer.engine.flat, flat)
    assert not change.reshaped
    assert change.redrawn
    state = trainer.engine.generator.get_state()  # type: ignore[union-attr]
    next(trainer.steps())
    moved = trainer.engine.generator.get_state()  # type: ignore[union-attr]
    assert not torch.equal(state, moved)
    trainer.change(recipe(dropout, dense(5), dropout, dense(2)), {"layers": [0, 1, 2, 3]})
    assert torch.equal(trainer.engine.generator.get_state(), moved)  # type: ignore[union-attr]


@pytest.mark.parametrize(
    "origins",
    [
        {}, {"layers": [0]}, {"layers": [0, 0]}, {"layers": [0, 7]}, {"layers": "ab"}, {"layers": [0, True]},
        {"layers": [0, 1], "units": {"0": [0, 0, 1, 2]}}, {"units": {"0": [9, 1, 2, 3]}}, {"units": [1]},
    ],
)  # fmt: skip
def test_origins_that_make_no_sense_count_as_none(origins: dict[str, Any]) -> None:
    trainer = trained(recipe(dense(4), dense(2)))
    flat = trainer.engine.flat.detach().clone()
    trainer.change(recipe(dense(4, "relu"), dense(2)), origins)
    assert torch.equal(trainer.engine.flat, flat)


def test_layers_that_change_places_start_anew_where_inputs_mean_something_else() -> None:
    trainer = trained(recipe(dense(3), dense(3)))
    old = linears(trainer)
    trainer.change(recipe(dense(3), dense(3)), {"layers": [1, 0]})
    first, second, output = linears(trainer)
    assert torch.equal(first.bias, old[1].bias)
    assert torch.equal(second.bias, old[0].bias)
    assert torch.equal(output.bias, old[2].bias)
    assert torch.isfinite(answers(trainer)).all()


def test_weights_too_large_to_be_composed_start_anew() -> None:
    trainer = Trainer(recipe(dense(3, "linear"), dense(3, "linear")), "cpu")
    with torch.no_grad():
        trainer.engine.flat.fill_(1e30)
    trainer.change(recipe(dense(3, "linear")), {"layers": [1]})
    assert torch.isfinite(trainer.engine.flat).all()


# Marks


def test_marks_go_with_their_weights_and_units() -> None:
    before, after = recipe(dense(3), dense(2)), recipe(dense(3), dense(4), dense(2))
    carriage = align(before, after, {"layers": [0, None, 1], "units": {"0": [2, None, 0], "2": [None, 1]}})
    marks = torch.arange(before.num_parameters) == 0  # the first unit's weight for x1
    carried = carry_flat(marks, carriage, torch.zeros(after.num_parameters, dtype=torch.bool))
    assert carried.nonzero().tolist() == [[4]]  # it is the third unit now
    units = carry_units({"0": torch.tensor([True, False, True]), "1": torch.tensor([False, True])}, carriage)
    assert [mask.tolist() for mask in units.values()] == [[True, False, True], [False] * 4, [False, True]]


def test_frozen_weights_and_silenced_units_stay_so_and_new_ones_are_free() -> None:
    trainer = trained(recipe(dense(3)))
    trainer.engine.frozen = torch.arange(len(trainer.engine.flat)) < 2
    trainer.silenced = {"0": torch.tensor([True, False, False])}
    trainer.change(recipe(dense(4)), {"layers": [0], "units": {"0": [1, 0, 2, None]}})
    assert trainer.engine.frozen is not None
    assert trainer.engine.frozen.nonzero().squeeze(1).tolist() == [2, 3]
    assert trainer.silenced is not None
    assert {at: mask.tolist() for at, mask in trainer.silenced.items()} == {"0": [False, True, False, False]}


# Data


def test_dropping_into_drawn_points_with_the_same_rows_goes_on_bit_for_bit() -> None:
    circle = Experiment.from_dict({"dataset": {"kind": "circle"}})
    points = Drawn.of(prepare(circle))
    drawn = circle.replace(dataset=points)
    data = prepare(drawn)  # The circle's rows, rounded as drawn ones are.
    unchanged, changed = (Trainer(circle, "cpu", data) for _ in range(2))
    for trainer in (unchanged, changed):
        for _ in islice(trainer.steps(), 37):
            pass
    change = changed.change(drawn)
    assert change.redrawn
    assert not change.reshaped
    for trainer in (unchanged, changed):
        for _ in islice(trainer.steps(), 100):
            pass
    assert torch.equal(unchanged.engine.flat, changed.engine.flat)
    assert np.array_equal(unchanged.history.rows(), changed.history.rows())
    assert unchanged.scores() == changed.scores()


def test_moved_points_are_learned_from_at_once_in_the_order_of_the_epoch() -> None:
    drawn = Experiment(dataset=Drawn(), batch_size=1)
    trainer = trained(drawn, 5)
    order, cursor = trainer.order.clone(), trainer.cursor
    place = int(order[cursor])
    moved = list(drawn.dataset.train)  # type: ignore[union-attr]
    moved[place] = (5.5, -5.5, 1 - moved[place][2])
    trainer.change(drawn.replace(dataset=drawn.dataset.replace(train=tuple(moved))))
    assert torch.equal(trainer.order, order)
    model = copy.deepcopy(trainer.model)
    with torch.no_grad():
        sums = model(torch.tensor([[5.5, -5.5]])).squeeze(1)
    expected = nn.functional.binary_cross_entropy_with_logits(sums, torch.tensor([float(moved[place][2])]))
    assert next(trainer.steps()).loss == pytest.approx(expected.item(), rel=1e-6)


def test_with_more_points_an_epoch_begins_anew_but_is_not_counted() -> None:
    drawn = Experiment(dataset=Drawn(), batch_size=8)
    trainer = trained(drawn, 7)
    rows = trainer.history.rows()
    points = (*drawn.dataset.train, (0.5, 0.5, 1))  # type: ignore[union-attr]
    trainer.change(drawn.replace(dataset=drawn.dataset.replace(train=points)))
    assert (trainer.step, trainer.epoch, trainer.cursor) == (7, 1, 0)
    assert sorted(trainer.order.tolist()) == list(range(41))
    assert np.array_equal(trainer.history.rows(), rows)
    scored = trainer.scores().train["loss"]
    sums = trainer.model(torch.tensor([point[:2] for point in points])).squeeze(1)
    labels = torch.tensor([float(point[2]) for point in points])
    assert scored == pytest.approx(nn.functional.binary_cross_entropy_with_logits(sums, labels).item(), rel=1e-6)


@pytest.mark.parametrize(
    "changes",
    [
        {"dataset": {"kind": "xor", "samples": 200, "noise": 0.3}},
        {"test_fraction": 0.2},
        {"layers": [dense(4, "relu"), dense(2)]},
    ],
)
def test_before_the_first_step_the_recipe_alone_still_gives_the_run(changes: dict[str, Any]) -> None:
    experiment = recipe(dense(4), dense(2))
    trainer = Trainer(experiment, "cpu")
    changed = experiment.replace(**changes)
    trainer.change(changed)
    assert not trainer.journal
    fresh = Trainer(changed, "cpu")
    for one in (trainer, fresh):
        for _ in islice(one.steps(), 60):
            pass
    assert torch.equal(trainer.engine.flat, fresh.engine.flat)
    assert np.array_equal(trainer.history.rows(), fresh.history.rows())


def test_a_changed_run_can_be_kept_and_goes_on_bit_for_bit() -> None:
    trainer = trained(recipe(dense(4)))
    trainer.change(recipe(dense(6), dense(6), features=["x1", "sin_x2"]))
    assert trainer.journal
    again = Trainer(trainer.experiment, "cpu")
    again.restore(trainer.state())
    for one in (trainer, again):
        for _ in islice(one.steps(), 20):
            pass
    assert torch.equal(trainer.engine.flat, again.engine.flat)


# Runs


def run_of(experiment: Experiment, steps: int = 5) -> Run:
    run = Run(experiment.to_json(), "cpu")
    for _ in range(steps):
        run.step()
    return run


def test_a_run_says_what_was_kept() -> None:
    run = run_of(recipe(dense(4), dense(2)))
    structure = run.structure
    run.play()
    assert run.change(recipe(dense(5), dense(2)).to_json()) == {"fresh_start": False, "kept": 25, "total": 30}
    assert (run.status, run.learner.step, run.structure) == ("playing", 5, structure + 1)
    (notice,) = run.notices()
    assert (notice.key, notice.values["kept"], notice.values["total"]) == ("weights_kept.classes", 25, 30)
    assert run.change(recipe(dense(5, "relu"), dense(2)).to_json())["kept"] == 30
    assert run.structure == structure + 2
    assert run.notices() == []


@pytest.mark.parametrize(
    ("layer", "changes", "said"),
    [
        ("linear", {}, "Kept 17 of 37 weights and biases; of the training rows the network says what it said before."),
        ("sigmoid", {}, r"Kept 12 of 37 .*\. Predicted probabilities of the training rows moved by (<0|0).\d+ on average, by 0.\d+"),
        ("sigmoid", {"test_fraction": 0.3}, "Kept 12 of 37 weights and biases; the others were chosen to change little."),
    ],
)  # fmt: skip
def test_a_run_says_how_far_another_shape_took_its_predictions(layer: str, changes: dict[str, Any], said: str) -> None:
    run = run_of(recipe(dense(4)), 200)
    run.change(recipe(dense(4), dense(4, layer), **changes).to_json(), {"layers": [0, None]})
    (notice,) = run.notices()
    assert re.match(said, str(notice)), str(notice)


def test_a_run_of_numbers_says_it_in_their_units() -> None:
    run = run_of(Experiment.from_dict({"dataset": {"kind": "diabetes"}, "loss": {"kind": "mse"}, "layers": [dense(4)]}))
    run.change(run.learner.experiment.replace(layers=[dense(4), dense(4)]).to_json(), {"layers": [0, None]})
    (notice,) = run.notices()
    assert notice.key == "weights_kept.numbers"
    assert 0 < float(notice.values["mean"]) < float(notice.values["most"]) < 50


@pytest.mark.parametrize(
    "changes",
    [
        {"seed": 9},
        {"dataset": {"kind": "gauss"}},
        {"dataset": {"kind": "drawn", "train": [[0, 0, 0], [1, 1, 1], [2, 2, 2]], "test": [[0, 0, 0]]}, "batch_size": 2},
        {"dataset": {"kind": "plane"}, "loss": {"kind": "mse"}},
    ],
)  # fmt: skip
def test_another_question_is_a_fresh_start(changes: dict[str, Any]) -> None:
    run = run_of(recipe(dense(4)))
    changed = recipe(dense(4), **changes)
    assert run.change(changed.to_json()) == {"fresh_start": True, "kept": 0, "total": changed.num_parameters}
    assert (run.learner.step, len(run.learner.history)) == (0, 1)


def test_a_change_that_fails_half_way_leaves_trainer_and_run_as_they_were(monkeypatch: pytest.MonkeyPatch) -> None:
    run = run_of(recipe(dense(4), loss={"kind": "cross_entropy"}))
    trainer, before = run.learner, run.learner.state()
    monkeypatch.setattr("dlcore.pictures.contents.Picture", lambda trainer, before: 1 / 0)
    for changes in ({"layers": [dense(9)]}, {"dataset": Drawn()}, {"loss": {"kind": "hinge"}}, {"test_fraction": 0.3}):
        with pytest.raises(ZeroDivisionError):
            run.change(trainer.experiment.replace(**changes).to_json())
        assert run.learner is trainer
        assert run.learner.experiment == recipe(dense(4))
        assert all(np.array_equal(value, before[name]) for name, value in trainer.state().items())
    run.step()
    assert run.learner.step == 6


def test_a_diverged_run_that_is_changed_goes_on_from_sound_weights() -> None:
    wild = recipe(
        dense(3, "relu"),
        dataset={"kind": "plane"},
        loss={"kind": "mse"},
        optimizer={"kind": "sgd", "learning_rate": 50},
    )
    run = run_of(wild, 60)
    assert run.status == "diverged"
    calm = wild.replace(layers=[dense(4, "relu")], optimizer={"kind": "adam"})
    assert not run.change(calm.to_json())["fresh_start"]
    assert run.status == "paused"
    assert run.learner.engine.flat.abs().max() < 10


def test_a_loss_that_asks_the_network_in_another_way_needs_no_fresh_start() -> None:
    run = run_of(recipe(dense(3)))
    flat = run.learner.engine.flat.detach().clone()
    assert not run.change(recipe(dense(3), loss={"kind": "hinge"}).to_json())["fresh_start"]
    assert torch.equal(run.learner.engine.flat, flat)


def test_what_needs_a_fresh_start_is_named() -> None:
    for changes, path in (({"seed": 4}, "seed"), ({"dataset": {"kind": "gauss"}}, "dataset")):
        trainer = Trainer(recipe(dense(2)), "cpu")
        with pytest.raises(Problem) as refused:
            trainer.change(trainer.experiment.replace(**changes))
        assert refused.value.to_dict() == {"key": "needs_fresh_start", "values": {"path": path}}


def test_a_dragged_point_travels_with_the_next_layout() -> None:
    points = Drawn.of(prepare(Experiment()))
    run = run_of(Experiment(dataset=points))
    for place in range(3):
        moved = ((place / 2, 1.0, points.train[0][2]), *points.train[1:])
        text = Experiment(dataset=points.replace(train=moved)).to_json()
        structure = run.structure
        run.change(text)
        assert run.structure == structure + 1
        layout, arrays = decode_frame(run.frame(None, None, 0))
        assert layout["layout"]["output"]["dataset"] == "drawn"
        assert arrays["points/train"][0].tolist() == [place / 2, 1.0]
