"""Properties over random recipes: whatever is valid runs, and whatever is not is refused in one sentence."""

from __future__ import annotations

import copy
import json
import math
import re
from itertools import islice, pairwise
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from dlcore import Experiment, Problem, Trainer
from dlcore.catalogue import FAMILIES
from dlcore.component import Component, kinds, validate
from dlcore.experiment import LONGEST_RECIPE, MOST_PARAMETERS
from dlcore.learning.learner import Diverged
from dlcore.network import build_model
from dlcore.problems import TEMPLATES
from dlcore.stages import tensors_of
from tests.strategies import experiments

MANY = settings(max_examples=150)
SOME = settings(max_examples=60)


@MANY
@given(experiments())
def test_json_there_and_back_is_equal(experiment: Experiment) -> None:
    text = experiment.to_json()
    again = Experiment.from_json(text)
    assert again == experiment
    assert again.to_json() == text
    assert Experiment.from_json(text.encode()) == experiment
    assert Experiment.from_json(experiment.to_json(indent=2)) == experiment
    assert hash(again) == hash(experiment)


@MANY
@given(experiments())
def test_the_plan_is_what_is_built(experiment: Experiment) -> None:
    model = build_model(experiment)
    plan = experiment.plan()
    assert sum(parameter.numel() for parameter in model.parameters()) == experiment.num_parameters
    assert {name: tuple(value.shape) for name, value in model.state_dict().items()} == {
        name: facts.shape for name, facts in tensors_of(experiment).items()
    }
    assert plan[0].inputs == experiment.num_inputs
    assert all(before.outputs == after.inputs for before, after in pairwise(plan))
    assert model(torch.zeros(3, experiment.num_inputs)).shape == (3, *plan[-1].output_shape)


@SOME
@given(experiments())
def test_ten_steps_are_finite_or_a_clean_stop(experiment: Experiment) -> None:
    trainer = Trainer(experiment, "cpu")
    taken = 0
    try:
        for step in islice(trainer.steps(), 10):
            taken += 1
            assert math.isfinite(step.loss)
            assert step.step == trainer.step == taken
    except Diverged as stopped:
        assert stopped.key == "diverged"
        assert stopped.values["step"] == taken + 1
    assert trainer.step == taken
    assert len(trainer.history) == 1 + trainer.epoch
    assert trainer.finished in (None, "early_stopped")


@SOME
@given(experiments())
def test_a_snapshot_does_not_move_when_training_goes_on(experiment: Experiment) -> None:
    trainer = Trainer(experiment, "cpu")
    _steps(trainer, 3)
    snapshot = trainer.snapshot()
    weights = copy.deepcopy(snapshot.weights)
    scores = snapshot.scores.to_dict()
    at = (snapshot.step, snapshot.epoch, snapshot.progress)
    _steps(trainer, 5)
    trainer.reset()
    assert all(torch.equal(snapshot.weights[name], value) for name, value in weights.items())
    assert str(snapshot.scores.to_dict()) == str(scores)  # as text, since a NaN is not equal to itself
    assert (snapshot.step, snapshot.epoch, snapshot.progress) == at


@SOME
@given(experiments(), st.integers(0, 7))
def test_a_restored_trainer_goes_on_bit_for_bit(experiment: Experiment, before: int) -> None:
    trainer = Trainer(experiment, "cpu")
    _steps(trainer, before)
    state = trainer.state()
    kept = {name: value.copy() for name, value in state.items()}
    _steps(trainer, 8)
    assert all(np.array_equal(state[name], kept[name], equal_nan=True) for name in kept), "the state is a copy"
    other = Trainer(experiment, "cpu")
    other.restore(kept)
    _steps(other, 8)
    expected, found = trainer.state(), other.state()
    assert expected.keys() == found.keys()
    for name in expected:
        assert np.array_equal(expected[name], found[name], equal_nan=True), name


@SOME
@given(experiments())
def test_the_same_recipe_gives_the_same_numbers(experiment: Experiment) -> None:
    first, second = Trainer(experiment, "cpu"), Trainer(Experiment.from_json(experiment.to_json()), "cpu")
    _steps(first, 5)
    torch.rand(3)  # noise in the ambient generators must not matter
    np.random.rand(3)
    _steps(second, 5)
    assert all(torch.equal(a, b) for a, b in zip(first.model.parameters(), second.model.parameters(), strict=True))


def _steps(trainer: Trainer, count: int) -> None:
    try:
        for _ in islice(trainer.steps(), count):
            pass
    except Diverged:
        pass


# What a stranger may send


SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.integers(min_value=10**300, max_value=10**320)
    | st.floats()
    | st.text(max_size=20)
    | st.text(st.characters(categories=["Cs", "Cc", "Cf"]), max_size=5)
    | st.sampled_from(["dense", "kind", "circle", "sgd", "x1", "1", "true", "nan", "../../etc/passwd"])
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=8,
)


@st.composite
def spoilt(draw: st.DrawFn) -> Any:
    """A valid recipe in which one to three places were replaced, removed or added."""
    recipe = draw(experiments()).to_dict()
    for _ in range(draw(st.integers(1, 3))):
        holder = draw(st.sampled_from(list(_holders(recipe))))
        if isinstance(holder, dict):
            key = draw(st.sampled_from(sorted(holder)) | st.text(max_size=10)) if holder else draw(st.text(max_size=10))
            if key in holder and draw(st.booleans()):
                del holder[key]
            else:
                holder[key] = draw(VALUES)
        elif holder and draw(st.booleans()):
            holder[draw(st.integers(0, len(holder) - 1))] = draw(VALUES)
        else:
            holder.append(draw(VALUES))
    return recipe


def _holders(value: Any) -> Any:
    if isinstance(value, dict | list):
        yield value
        for inner in list(value.values() if isinstance(value, dict) else value):
            yield from _holders(inner)


def _refused_or_valid(make: Any, *arguments: Any) -> None:
    try:
        experiment = make(*arguments)
    except Problem as problem:
        sentence = str(problem)
        assert "\n" not in sentence
        assert len(sentence) < 800
        sentence.encode()  # no lone surrogate: it has to travel
        json.dumps(problem.to_dict(), allow_nan=False)
        named = re.match(r"(\{path\}|[a-z_.]+): ", TEMPLATES[problem.key])
        # What is wrong with a drawing is said where one draws, too: it names the class.
        # What is wrong with a layer's place says the number of the layer.
        is_known = problem.key in ("not_json", "too_long") or problem.key.startswith(("drawn_", "output_needs_"))
        is_known = is_known or "number" in problem.values
        assert is_known or named, f"no path in: {sentence}"
        assert problem.values.get("path") != ""
    else:
        assert Experiment.from_json(experiment.to_json()) == experiment


@settings(max_examples=400)
@given(spoilt())
def test_a_spoilt_recipe_is_refused_with_its_path(recipe: Any) -> None:
    _refused_or_valid(Experiment.from_dict, recipe)
    _refused_or_valid(Experiment.from_json, json.dumps(recipe))


@MANY
@given(VALUES)
def test_any_value_is_a_recipe_or_a_problem(value: Any) -> None:
    _refused_or_valid(Experiment.from_dict, value)
    _refused_or_valid(Experiment.from_json, json.dumps(value))


@MANY
@given(st.text() | st.binary())
def test_any_text_is_a_recipe_or_a_problem(text: str | bytes) -> None:
    _refused_or_valid(Experiment.from_json, text)


@pytest.mark.parametrize(
    "text",
    [
        "[" * 50_000,
        '{"layers":' * 9_000,
        "1" * 5_000,
        '{"seed":' + "9" * 4_000 + "}",
        '{"seed":1e999}',
        '{"seed":NaN}',
        " " * (LONGEST_RECIPE + 1),
        b"\xff\xfe\x00",
        b"\x80\x04K\x01.",
        '{"\\ud800":1}',
        '{"dataset":{"kind":"\\ud800"}}',
        '{"layers":[' + ",".join(['{"kind":"dense"}'] * 3_000) + "]}",
    ],
)
def test_hostile_text_is_refused(text: str | bytes) -> None:
    with pytest.raises(Problem):
        Experiment.from_json(text)
    _refused_or_valid(Experiment.from_json, text)


# A number is a number, and a switch is true or false


def _leaves(value: Any, path: str = "") -> Any:
    """Holder, key and path of every number and switch in a recipe."""
    for key, inner in value.items() if isinstance(value, dict) else enumerate(value):
        here = f"{path}.{key}" if path else str(key)
        if isinstance(inner, dict | list):
            yield from _leaves(inner, here)
        elif isinstance(inner, int | float):
            yield value, key, here


@MANY
@given(experiments(), st.data())
def test_nothing_passes_for_a_number_or_a_switch_that_is_none(experiment: Experiment, data: st.DataObject) -> None:
    recipe = experiment.to_dict()
    holder, key, path = data.draw(st.sampled_from(list(_leaves(recipe))))
    value = holder[key]
    others = (
        [str(value).lower(), [value], int(value)] if isinstance(value, bool) else [str(value), [value], True, False]
    )
    holder[key] = data.draw(st.sampled_from(others))
    for make, given_value in ((Experiment.from_dict, recipe), (Experiment.from_json, json.dumps(recipe))):
        with pytest.raises(Problem) as refused:
            make(given_value)
        assert refused.value.key == ("unknown_version" if path == "version" else "wrong_type")
        assert str(refused.value).startswith(f"{path}: expected ")


@MANY
@given(experiments())
def test_a_whole_number_may_be_written_with_a_point(experiment: Experiment) -> None:
    recipe = experiment.to_dict()
    for holder, key, _ in _leaves(recipe):
        if not isinstance(holder[key], bool):
            holder[key] = float(holder[key])
    assert Experiment.from_json(json.dumps(recipe)) == experiment
    assert Experiment.from_json(json.dumps(recipe)).to_json() == experiment.to_json()


COMPONENTS = {*(cls for union in FAMILIES.values() for cls in kinds(union).values()), Experiment}
PLAIN = {int: ["7", True, 7.5, None], float: ["0.5", True, None], bool: [1, 0, "true", 1.0, None]}


@pytest.mark.parametrize(
    ("cls", "name"),
    [
        pytest.param(cls, name, id=f"{cls.__name__} {name}")
        for cls in sorted(COMPONENTS, key=lambda cls: cls.__name__)
        for name, field in cls.model_fields.items()
        if field.annotation in PLAIN
    ],
)
def test_every_number_and_switch_of_every_component_is_strict(cls: type[Component], name: str) -> None:
    for value in PLAIN[cls.model_fields[name].annotation]:  # type: ignore[index]
        with pytest.raises(Problem) as refused:
            validate(cls, {name: value})
        assert (refused.value.key, refused.value.values["path"]) == ("wrong_type", name)


def test_what_came_is_said_as_it_was_written() -> None:
    for value, came in (("7", '"7"'), (True, "true"), (1.5, "1.5")):
        with pytest.raises(Problem) as refused:
            Experiment.from_dict({"seed": value})
        assert str(refused.value) == f"seed: expected a whole number, but got {came}. Correct the value."


def test_numbers_of_numpy_are_numbers() -> None:
    values = {"seed": np.int64(7), "gradient_clip": np.float32(0.5), "test_fraction": np.float64(0.25)}
    assert Experiment(**values).to_dict().items() >= {"seed": 7, "gradient_clip": 0.5, "test_fraction": 0.25}.items()


SIX = {"dataset": {"kind": "blobs", "classes": 6}}


@pytest.mark.parametrize(
    ("recipe", "key", "path"),
    [
        ({"colour": "red"}, "unknown_key", "colour"),
        ({"optimizer": {"kind": "sgd", "lr": 1}}, "unknown_key", "optimizer.lr"),
        ({"layers": [{"kind": "conv"}]}, "unknown_kind", "layers.0.kind"),
        ({"layers": [{"kind": "dense", "activation": {"kind": "swish"}}]}, "unknown_kind", "layers.0.activation.kind"),
        ({"layers": [{"kind": "dense", "units": 0}]}, "out_of_bounds", "layers.0.units"),
        ({"layers": [{"kind": "dense"}, {"kind": "dropout", "p": 1}]}, "out_of_bounds", "layers.1.p"),
        ({"layers": [{"kind": "dense"}] * 13}, "out_of_bounds", "layers"),
        ({"layers": {"kind": "dense"}}, "wrong_type", "layers"),
        ({"optimizer": {"kind": "adam", "learning_rate": 0}}, "out_of_bounds", "optimizer.learning_rate"),
        ({"optimizer": {"kind": "adam", "learning_rate": "fast"}}, "wrong_type", "optimizer.learning_rate"),
        ({"optimizer": {"kind": "sgd", "nesterov": True}}, "out_of_bounds", "optimizer.momentum"),
        ({"optimizer": "adam"}, "wrong_type", "optimizer"),
        ({"features": ["x3"]}, "unknown_kind", "features.0"),
        ({"features": []}, "features_empty", "features"),
        ({"features": ["x1", "x1"]}, "features_repeated", "features"),
        ({"dataset": {"kind": "iris"}, "features": ["x1"]}, "features_need_plane", "features"),
        ({"dataset": {"kind": "sine"}}, "loss_needs_classes", "loss"),
        ({**SIX, "loss": {"kind": "hinge"}}, "loss_needs_two_classes", "loss"),
        ({"dataset": {"kind": "circle", "samples": 20}, "batch_size": 11}, "batch_larger_than_rows", "batch_size"),
        (
            {"dataset": {"kind": "blobs", "classes": 6, "samples": 20}, "test_fraction": 0.1, "batch_size": 5},
            "too_few_rows",
            "test_fraction",
        ),
        ({"layers": [{"kind": "dense", "units": 512}] * 12}, "too_many_parameters", "layers"),
        ({"version": 2}, "unknown_version", "version"),
        ({"dataset": {"kind": "blobs", "classes": 7}}, "out_of_bounds", "dataset.classes"),
        ({"seed": 1.5}, "wrong_type", "seed"),
        ("circle", "wrong_type", "recipe"),
    ],
)
def test_a_problem_names_the_place(recipe: Any, key: str, path: str) -> None:
    with pytest.raises(Problem) as refused:
        Experiment.from_dict(recipe)
    assert refused.value.key == key
    assert str(refused.value).startswith(f"{path}: ")


def test_the_empty_recipe_is_the_default_run() -> None:
    experiment = Experiment.from_json("{}")
    assert experiment == Experiment()
    assert experiment.dataset.kind == "circle"
    assert [plan.outputs for plan in experiment.plan()] == [4, 2, 1]
    assert {plan.activation for plan in experiment.plan()[:-1]} == {"tanh"}


def test_the_designs_own_example_is_a_recipe() -> None:
    recipe = {
        "version": 1,
        "dataset": {"kind": "spiral", "samples": 500, "noise": 0.1},
        "features": ["x1", "x2", "sin_x1"],
        "test_fraction": 0.5,
        "layers": [{"kind": "dense", "units": 8, "activation": {"kind": "tanh"}}, {"kind": "dropout", "p": 0.1}],
        "loss": {"kind": "cross_entropy"},
        "optimizer": {"kind": "adam", "learning_rate": 0.03},
        "regularizer": {"kind": "l2", "rate": 0.001},
        "batch_size": 10,
        "seed": 0,
    }
    assert Experiment.from_dict(recipe).num_parameters == (3 + 1) * 8 + (8 + 1)


def test_the_limit_of_parameters_is_sharp() -> None:
    layers = [{"kind": "dense", "units": 512}] * 8
    experiment = Experiment.from_dict({"layers": layers})
    assert experiment.num_parameters <= MOST_PARAMETERS
    with pytest.raises(Problem, match="2000000"):
        Experiment.from_dict({"layers": [{"kind": "dense", "units": 512}] * 9})
