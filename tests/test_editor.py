"""What a person sets reaches the network that trains; what has to follow from it follows and is told; what is refused changes nothing."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings

from dlcore.catalogue import FAMILIES
from dlcore.component import Component, kinds, list_fields
from dlcore.datasets import Dataset
from dlcore.datasets.drawn import Drawn
from dlcore.datasets.sequences.symbols import RecallData
from dlcore.datasets.tabular import Digits, Iris, Wine
from dlcore.datasets.toy import CircleData, SpiralData
from dlcore.editing.editor import Editor
from dlcore.editing.fitting import (
    OWN_KINDS,
    USUAL,
    find_fitting,
    group_datasets,
    list_fitting_losses,
    take_fitted,
    with_fitting,
)
from dlcore.editing.setting import has_input
from dlcore.editing.shaping import to_drawn
from dlcore.experiment import MOST_LAYERS, Experiment
from dlcore.frame import decode_frame
from dlcore.layers import Dense, Dropout, Embedding, Flatten, Tokens
from dlcore.losses import Hinge
from dlcore.optimizers import SGD, Adam
from dlcore.problems import Problem
from dlcore.regularizers import L2
from dlcore.runs.luggage import pack_run, unpack_run
from dlcore.runs.run import Run
from dlcore.runs.verbs import obey
from dlcore.runs.weight import is_heavy
from tests.playground import at_path
from tests.strategies import experiments
from ui.rail.catalogue import make_catalogue

CATALOGUE = make_catalogue("en")
LEARNING = ("loss", "optimizer", "schedule", "regularizer")
IN_A_LAYER = ("activation", "initializer")


class Person:
    """Sets one thing after the other on one run, as the page does."""

    def __init__(self, experiment: Experiment | None = None) -> None:
        self.run = Run((experiment or Experiment()).to_json())

    def set(self, path: str, value: Any) -> None:
        self.do("setting", path=path, value=value)

    def do(self, verb: str, **values: Any) -> None:
        self.run.edit({"do": verb, **values})

    @property
    def recipe(self) -> Experiment:
        """What the learner trains by."""
        recipe = self.run.learner.recipe
        assert isinstance(recipe, Experiment)
        return recipe

    @property
    def told(self) -> dict[str, Any]:
        """What a page is told of the settings."""
        header, _ = decode_frame(self.run.frame(None, None, 0, recipe=0))
        return header["recipe"]

    @property
    def facts(self) -> dict[str, Any]:
        return self.told["facts"]

    def hears(self) -> list[tuple[str, dict[str, Any]]]:
        return [(problem.key, problem.values) for problem in self.run.notices()]


# Every input


def standing_on(family: str, kind: str) -> tuple[Experiment, str]:
    """An experiment that has this choice, and where."""
    choice: Component = kinds(FAMILIES[family])[kind]()
    if isinstance(choice, SGD):
        choice = SGD(momentum=0.5)
    if family == "layer":
        return standing_among_others(choice)
    if family in IN_A_LAYER:
        return Experiment(layers=(Dense(**{family: choice}),)), f"layers.0.{family}"
    if family == "dataset":
        draft = {**USUAL, "dataset": choice.to_dict(), "loss": {"kind": list_fitting_losses({"kind": kind})[0]}}
        return Experiment.from_dict(with_fitting(draft)), "dataset"
    return Experiment(**{family: choice}), family


def standing_among_others(layer: Any) -> tuple[Experiment, str]:
    """An experiment with this layer on data that it can read, and where it stands."""
    shape = layer.example_shapes[0]
    if isinstance(shape, Tokens):
        return Experiment(dataset=RecallData(), layers=(layer, Flatten())), "layers.0"
    match len(shape):
        case 1:
            return Experiment(layers=(layer,)), "layers.0"
        case 2:
            return Experiment(dataset=RecallData(), layers=(Embedding(), layer, Flatten())), "layers.1"
    return Experiment(dataset=Digits(), layers=(layer, Flatten())), "layers.0"


def kinds_with_inputs() -> list[tuple[str, str]]:
    """Every choice that has inputs of its own; of those with the same ones in a family, the first."""
    found: dict[str, tuple[str, str]] = {}
    for family in ("dataset", "layer", *IN_A_LAYER, *LEARNING):
        for kind, described in CATALOGUE["families"][family].items():
            fields = [field for field in described["fields"] if field["input"] != "kind"]
            if fields and kind not in OWN_KINDS:
                found.setdefault(f"{family} {fields}", (family, kind))
    return list(found.values())


def another(field: dict[str, Any], value: Any) -> Any:
    """Another value that the input offers."""
    match field["input"]:
        case "switch":
            return not value
        case "options":
            return next(option["value"] for option in field["options"] if option["value"] != value)
        case "ladder":
            return next(rung for rung in reversed(field["rungs"]) if rung != value)
        case "slider":
            return value + field["step"] if value + field["step"] <= field["upper"] else value - field["step"]
        case "entry":
            return value + 1 if value < field["upper"] else value - 1
    raise AssertionError(field)


@pytest.mark.parametrize(("family", "kind"), kinds_with_inputs())
def test_moving_the_input_of_a_field_changes_what_is_trained(family: str, kind: str) -> None:
    experiment, path = standing_on(family, kind)
    person = Person(experiment)
    for field in CATALOGUE["families"][family][kind]["fields"]:
        if field["input"] == "kind":
            continue
        where = f"{path}.{field['name']}"
        wanted = another(field, at_path(person.recipe.to_dict(), where))
        person.set(where, wanted)
        assert at_path(person.recipe.to_dict(), where) == pytest.approx(wanted), where
        assert at_path(person.told["values"], where) == pytest.approx(wanted), where


def test_every_field_of_a_component_that_a_person_sets_has_been_named_by_the_catalogue() -> None:
    for family, described in CATALOGUE["families"].items():
        for kind, cls in kinds(FAMILIES[family]).items():
            if kind not in OWN_KINDS:
                expected = {name for name, info in list_fields(cls).items() if has_input(info)}
                assert {field["name"] for field in described[kind]["fields"]} == expected


@pytest.mark.parametrize(
    "name", ["test_fraction", "validation_fraction", "gradient_clip", "early_stopping", "batch_size", "seed", "restore_best",
     "class_weights"],
)  # fmt: skip
def test_a_setting_of_the_recipe_itself_is_set(name: str) -> None:
    person = Person()
    (field,) = [one for section in CATALOGUE["sections"] for one in section["fields"] if one["name"] == name]
    wanted = another(field, getattr(person.recipe, name))
    person.set(name, wanted)
    assert getattr(person.recipe, name) == pytest.approx(wanted)


@pytest.mark.parametrize("family", [*IN_A_LAYER, *LEARNING])
def test_every_kind_on_a_menu_is_chosen(family: str) -> None:
    path = f"layers.0.{family}.kind" if family in IN_A_LAYER else f"{family}.kind"
    person = Person()
    start = at_path(person.recipe.to_dict(), path)
    for kind in [kind for kind in kinds(FAMILIES[family]) if kind != start]:
        person.set(path, kind)
        assert at_path(person.recipe.to_dict(), path) == kind


def test_every_data_set_is_chosen_and_its_loss_fits() -> None:
    person = Person()
    for kind in (kind for group in group_datasets().values() for kind in group if kind != "circle"):
        person.set("dataset.kind", kind)
        assert person.recipe.dataset.kind == kind
        assert person.recipe.loss.kind in person.facts["losses"]


def test_a_feature_is_switched_on_and_the_last_one_stays() -> None:
    person = Person()
    person.do("feature", name="sin_x1", on=True)
    assert person.recipe.features == ("x1", "x2", "sin_x1")
    for name in ("sin_x1", "x1"):
        person.do("feature", name=name, on=False)
    with pytest.raises(Problem) as refused:
        person.do("feature", name="x2", on=False)
    assert refused.value.key == "features_empty"
    assert person.recipe.features == ("x2",)


def test_layers_are_added_moved_and_removed_and_keep_what_they_learned() -> None:
    person = Person()
    person.do("append_layer", kind="dropout")
    assert [layer.kind for layer in person.recipe.layers] == ["dense", "dense", "dropout"]
    person.do("move_layer", address="2", by=-1)
    assert [layer.kind for layer in person.recipe.layers] == ["dense", "dropout", "dense"]
    first = {name: person.run.learner.state()[f"tensors/{name}"].tolist() for name in ("0.weight", "0.bias")}
    person.do("move_layer", address="1", by=1)
    assert {name: person.run.learner.state()[f"tensors/{name}"].tolist() for name in first} == first
    person.do("remove_layer", address="2")
    person.do("append_layer", kind="dense")
    assert [layer.units for layer in person.recipe.layers if isinstance(layer, Dense)] == [4, 2, 2]


@pytest.mark.parametrize(
    "edit",
    [
        {"do": "move_layer", "address": "0", "by": -1},
        {"do": "move_layer", "address": "1", "by": 1},
        {"do": "move_layer", "address": "0", "by": 2},
        {"do": "move_layer", "address": "0", "by": 1.0},
        {"do": "append_layer", "kind": "nonsense"},
        {"do": "append_layer", "kind": []},
        {"do": "setting", "path": "layers.7.units", "value": 3},
        {"do": "setting", "path": "layers", "value": []},
        {"do": "setting", "path": "version", "value": 9},
        {"do": "setting", "path": "journal", "value": []},
        {"do": "setting", "path": "features", "value": ["x1"]},
        {"do": "setting", "path": "optimizer", "value": {"kind": "adam"}},
        {"do": "setting", "path": "optimizer.kind", "value": "nonsense"},
        {"do": "setting", "path": "optimizer.kind", "value": {}},
        {"do": "setting", "path": "dataset.kind", "value": "table"},
        {"do": "setting", "path": "dataset.__class__.x", "value": 1},
        {"do": "setting", "path": 5, "value": 1},
        {"do": "setting", "path": "x" * 500, "value": 1},
        {"do": "setting"},
        {"do": ["setting"]},
        {},
    ],
)
def test_what_names_nothing_there_is_changes_nothing(edit: dict[str, Any]) -> None:
    person = Person()
    person.run.edit(edit)
    assert person.recipe == Experiment()


@pytest.mark.parametrize(
    ("path", "value", "key"),
    [
        ("layers.0.units", 0, "out_of_bounds"),
        ("layers.0.units", 10**9, "out_of_bounds"),
        ("batch_size", 251, "batch_larger_than_rows"),
        ("optimizer.nesterov", True, "out_of_bounds"),
        ("seed", "five", "wrong_type"),
        ("optimizer.learning_rate", None, "wrong_type"),
        ("optimizer.learning_rate", [0.1] * 50, "wrong_type"),
    ],
)
def test_what_cannot_be_is_refused_with_its_place_and_the_page_is_told_the_truth_again(
    path: str, value: Any, key: str
) -> None:
    person = Person(Experiment(optimizer=SGD()))
    seen = decode_frame(person.run.frame(None, None, 0, recipe=0))[0]["recipe_version"]
    with pytest.raises(Problem) as refused:
        person.set(path, value)
    assert refused.value.key == key
    assert key != "out_of_bounds" or refused.value.values["path"].startswith(path.rsplit(".", 1)[0])
    assert person.recipe == Experiment(optimizer=SGD())
    header, _ = decode_frame(person.run.frame(None, None, 0, recipe=seen))
    assert header["recipe"]["values"] == person.told["values"]


@settings(max_examples=30)
@given(experiment=experiments())
def test_describing_an_experiment_gives_its_values(experiment: Experiment) -> None:
    told = Editor().describe(experiment)["values"]
    given_values = {name: value for name, value in experiment.to_dict().items() if name not in ("journal", "dataset")}
    assert {name: value for name, value in told.items() if name != "dataset"} == given_values
    assert told["dataset"].items() <= experiment.dataset.to_dict().items()


def test_a_viewer_is_told_the_recipe_only_when_it_wants_it_and_knows_another() -> None:
    run = Person().run
    header, _ = decode_frame(run.frame(None, None, 0, recipe=0))
    version = header["recipe_version"]
    assert "recipe" in header
    assert "recipe" not in decode_frame(run.frame(None, None, 0, recipe=version))[0]
    assert "recipe" not in decode_frame(run.frame(None, None, 0))[0]
    run.edit({"do": "setting", "path": "seed", "value": 3})
    header, _ = decode_frame(run.frame(None, None, 0, recipe=version))
    assert header["recipe"]["values"]["seed"] == 3
    run.undo()
    assert decode_frame(run.frame(None, None, 0, recipe=header["recipe_version"]))[0]["recipe"]["values"]["seed"] == 0


def test_a_device_that_is_missing_is_refused_and_the_page_shows_the_one_in_use() -> None:
    person = Person()
    assert (person.facts["device"], person.facts["devices"][0]) == ("auto", "cpu")
    seen = decode_frame(person.run.frame(None, None, 0, recipe=0))[0]["recipe_version"]
    with pytest.raises(Problem):
        person.run.set_device("abacus")
    header, _ = decode_frame(person.run.frame(None, None, 0, recipe=seen))
    assert header["recipe"]["facts"]["device"] == "auto"
    person.run.set_device("cpu")
    assert person.facts["device"] == "cpu"


# What follows


def test_a_batch_larger_than_the_rows_is_cut_and_told() -> None:
    person = Person(Experiment(batch_size=200))
    person.set("dataset.samples", 100)
    assert (person.recipe.batch_size, person.recipe.dataset.rows) == (50, 100)
    assert ("adjusted_batch", {"rows": 50}) in person.hears()


def test_numbers_as_target_call_for_another_loss_and_that_is_told() -> None:
    person = Person(Experiment(loss=Hinge(), class_weights="balanced"))
    person.set("dataset.kind", "sine")
    assert (person.recipe.loss.kind, person.recipe.class_weights) == ("mse", "none")
    assert [key for key, _ in person.hears()] == ["adjusted_loss", "adjusted_class_weights"]
    assert person.facts["losses"] == ["mse", "mae", "huber"]
    assert not person.facts["has_classes"]
    person.set("dataset.kind", "iris")
    assert person.recipe.loss.kind == "cross_entropy"


def test_without_validation_rows_nothing_is_sealed() -> None:
    person = Person(Experiment(validation_fraction=0.2, sealed=True))
    person.set("validation_fraction", 0.0)
    assert (person.recipe.validation_rows, person.recipe.sealed) == (0, False)


def test_a_kind_that_is_chosen_again_has_what_it_had_and_what_means_the_same_is_kept() -> None:
    person = Person(Experiment(optimizer=SGD(learning_rate=0.1, momentum=0.9), regularizer=L2(rate=0.03)))
    for path, other, back in (("regularizer", "none", "l2"), ("optimizer", "adam", "sgd")):
        person.set(f"{path}.kind", other)
        person.set(f"{path}.kind", back)
    assert person.recipe == Experiment(optimizer=SGD(learning_rate=0.1, momentum=0.9), regularizer=L2(rate=0.03))
    person.set("optimizer.kind", "adam")
    person.set("optimizer.beta1", 0.5)
    person.set("optimizer.kind", "adamw")
    assert (person.recipe.optimizer.learning_rate, person.recipe.to_dict()["optimizer"]["beta1"]) == (0.1, 0.5)


def test_another_optimizer_keeps_the_learning_rate_and_what_it_usually_wants_can_be_taken() -> None:
    person = Person(Experiment(optimizer=SGD(learning_rate=0.3)))
    assert person.facts["rate"] is None
    person.set("optimizer.kind", "adam")
    assert person.recipe.optimizer == Adam(learning_rate=0.3)
    assert person.facts["rate"] == {"wanted": 0.01, "present": 0.3, "own": False}
    person.do("take_rate")
    assert person.recipe.optimizer == Adam(learning_rate=0.01)
    assert person.facts["rate"] is None


def test_a_rate_set_for_an_optimizer_is_offered_when_it_is_chosen_again() -> None:
    person = Person(Experiment(optimizer=Adam()))
    for path, value in (("learning_rate", 0.1), ("kind", "sgd"), ("learning_rate", 0.3)):
        person.set(f"optimizer.{path}", value)
        assert path == "kind" or person.facts["rate"] is None
    person.set("optimizer.kind", "adam")
    assert person.facts["rate"] == {"wanted": 0.1, "present": 0.3, "own": True}
    person.do("take_rate")
    assert person.recipe.optimizer == Adam(learning_rate=0.1)


def test_a_new_seed_is_the_next_one_and_after_the_last_comes_the_first() -> None:
    person = Person(Experiment(seed=2**31 - 2))
    for seed in (2**31 - 1, 0, 1):
        person.do("new_seed")
        assert person.recipe.seed == seed


def test_twelve_layers_are_enough() -> None:
    person = Person(Experiment(layers=(Dropout(),) * MOST_LAYERS))
    assert person.facts["most_layers"] == MOST_LAYERS
    with pytest.raises(Problem):
        person.do("append_layer", kind="dense")


def test_shapes_and_parameter_counts_are_told() -> None:
    facts = Person().facts
    assert facts["layers"] == [
        {"inputs": "2", "outputs": "4", "parameters": 12},
        {"inputs": "4", "outputs": "2", "parameters": 10},
    ]
    assert facts["output"] == {"inputs": "2", "outputs": "1", "parameters": 3, "units": 1, "activation": "sigmoid"}
    assert facts["parameters"] == 25


# Data


@pytest.mark.parametrize("kind", [kind for group in group_datasets().values() for kind in group if kind != "drawn"])
def test_data_chosen_by_whoever_changed_nothing_bring_the_settings_that_fit_them(kind: str) -> None:
    person = Person()
    person.set("dataset.kind", "spiral" if kind != "spiral" else "xor")
    person.set("dataset.kind", kind)
    assert take_fitted(person.recipe.to_dict()) == find_fitting(person.recipe.to_dict())
    assert person.facts["fitting"] is None


@pytest.mark.parametrize(
    "edited",
    [{"layers": (Dense(units=5),)}, {"features": ("x1", "sin_x1")}, {"optimizer": SGD()}, {"batch_size": 20}],
    ids=["layers", "features", "optimizer", "batch"],
)
def test_settings_that_a_person_changed_stay_and_what_fits_is_offered(edited: dict[str, Any]) -> None:
    own = Experiment(**edited)
    person = Person(own)
    person.set("dataset.kind", "rings")
    assert take_fitted(person.recipe.to_dict()) == take_fitted(own.to_dict())
    assert person.facts["fitting"]["batch_size"] == 10
    person.do("take_fitting")
    assert person.recipe.dataset.kind == "rings"
    assert take_fitted(person.recipe.to_dict()) == find_fitting(person.recipe.to_dict())
    assert person.facts["fitting"] is None


def test_a_layer_changed_after_the_settings_were_chosen_stays_with_the_next_data_set() -> None:
    person = Person()
    person.set("dataset.kind", "spiral")
    person.set("layers.0.units", 3)
    person.set("dataset.kind", "rings")
    assert [layer.units for layer in person.recipe.layers if isinstance(layer, Dense)] == [3, 8, 8]


def test_the_settings_of_an_example_are_nobodys_own() -> None:
    person = Person()
    person.run.open(Experiment(layers=(Dense(units=1),), batch_size=3).to_json(), "example")
    person.set("dataset.kind", "rings")
    assert take_fitted(person.recipe.to_dict()) == find_fitting(person.recipe.to_dict())


def test_points_begin_with_the_settings_of_the_data_they_come_from_and_those_are_nobodys_own() -> None:
    person = Person()
    person.set("dataset.kind", "spiral")
    person.set("dataset.kind", "drawn")
    assert [layer.units for layer in person.recipe.layers if isinstance(layer, Dense)] == [8, 8, 8]
    person.set("dataset.kind", "rings")
    assert [layer.units for layer in person.recipe.layers if isinstance(layer, Dense)] == [8, 8]


def test_what_is_no_setting_of_learning_stays_with_another_data_set() -> None:
    person = Person(Experiment(regularizer=L2(rate=0.03), seed=7, gradient_clip=2.0))
    person.set("dataset.kind", "spiral")
    kept = person.recipe
    assert (kept.regularizer, kept.seed, kept.gradient_clip) == (L2(rate=0.03), 7, 2.0)


def test_drawn_data_begin_with_the_points_there_are() -> None:
    person = Person(Experiment(dataset=SpiralData(samples=40), batch_size=4))
    person.set("dataset.kind", "drawn")
    assert person.recipe.dataset == to_drawn(Experiment(dataset=SpiralData(samples=40)))
    assert person.facts["rows"] == {"train": 20, "validation": 0, "test": 20}
    assert person.facts["own_split"]
    assert person.told["values"]["dataset"] == {"kind": "drawn"}  # The points come with the picture.


def test_drawn_data_keep_three_parts_and_the_seal_and_other_data_have_the_shares_of_the_page() -> None:
    made = Experiment(dataset=SpiralData(samples=100), validation_fraction=0.2, sealed=True)
    person = Person(made)
    person.set("dataset.kind", "drawn")
    drawn = person.recipe
    assert drawn.dataset == to_drawn(made) and (drawn.validation_rows, drawn.sealed) == (20, True)
    person.set("sealed", False)
    assert not person.recipe.sealed
    person.set("sealed", True)
    person.set("dataset.kind", "xor")
    recipe = person.recipe
    assert (recipe.sealed, recipe.test_fraction, recipe.validation_fraction) == (True, 0.3, 0.2)


def test_drawn_data_begin_with_points_of_their_own_where_there_are_none_to_draw_on() -> None:
    person = Person(Experiment(dataset=Iris()))
    person.set("dataset.kind", "drawn")
    assert person.recipe.dataset == Drawn()


@pytest.mark.parametrize(
    ("experiment", "expected"),
    [
        (
            Experiment(dataset=Iris(), validation_fraction=0.2, test_fraction=0.3),
            {"part": "validation", "rows": 30, "points": 14, "classes": True},
        ),
        (Experiment(dataset=CircleData(samples=80)), {"part": "test", "rows": 40, "points": 12, "classes": True}),
        (Experiment(test_fraction=0.3, validation_fraction=0.2), None),
        (Experiment(), None),
    ],
)
def test_a_part_too_small_to_judge_by_is_told(experiment: Experiment, expected: dict[str, Any] | None) -> None:
    assert Person(experiment).facts["few"] == expected


def test_all_data_sets_stand_in_the_groups_of_the_page() -> None:
    grouped = {kind for group in group_datasets().values() for kind in group}
    assert grouped | set(OWN_KINDS) == set(kinds(Dataset))


def test_what_the_opening_page_stands_on_fits_its_data_and_is_the_recipes_default() -> None:
    assert find_fitting(Experiment().to_dict()) == take_fitted(Experiment().to_dict())


def move(run: Run, to: Run) -> None:
    unpack_run(to, *pack_run(run, gently=False))


def bring_back(run: Run, to: Run) -> None:
    facts, state = run.kept()
    facts = json.loads(json.dumps(facts))
    to.restore(state, facts["status"], facts["speed"], facts["editor"])


@pytest.mark.parametrize(
    "change",
    [
        {"own": {"kind": "iris", "rows": "lost"}},
        {"own": {"kind": "of_next_year"}},
        {"left": [["regularizer", "l2"]]},
        {"left": [["regularizer", "l2", 0.3]]},
        {"carried_rate": ["adam"]},
    ],
    ids=str,
)
def test_a_memory_that_cannot_be_read_costs_neither_what_was_learned_nor_the_pages_facts(
    change: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    there, here = Person(Experiment()), Person(Experiment())
    there.run.step()
    facts, state = there.run.kept()
    here.run.restore(state, facts["status"], facts["speed"], {**facts["editor"], "proposed": {}, **change})
    assert here.run.learner.step == 1
    assert here.run.editor.memory == Editor().memory
    assert here.run.editor.describe(here.recipe)["facts"]["own"] is None
    assert "cannot be read" in caplog.text


@pytest.mark.parametrize("go", [move, bring_back])
def test_what_was_remembered_goes_along_to_another_worker(go: Callable[[Run, Run], None]) -> None:
    there = Person(Experiment(dataset=Wine(), optimizer=Adam()))
    there.run.editor.recall({**there.run.editor.memory, "own": Iris().to_dict()})
    there.set("optimizer.learning_rate", 0.1)
    there.set("regularizer.kind", "l2")
    there.set("regularizer.rate", 0.3)
    there.set("regularizer.kind", "none")
    there.set("optimizer.kind", "sgd")
    here = Person(there.recipe)
    go(there.run, here.run)
    assert here.run.editor.memory == json.loads(json.dumps(there.run.editor.memory))
    here.set("optimizer.kind", "adam")
    here.set("optimizer.learning_rate", 0.2)
    here.set("regularizer.kind", "l2")
    assert here.recipe.regularizer == L2(rate=0.3)


def test_an_edit_that_makes_the_run_heavy_takes_nothing_back_that_was_edited_meanwhile() -> None:
    wide = {"do": "append_layer", "kind": "dense"}
    person = Person(Experiment(layers=(Dense(units=512),) * 2))
    told = obey(person.run, "edit", {"value": wide}, b"")
    assert is_heavy(Experiment.from_json(told["heavy"])) and len(person.recipe.layers) == 2
    person.set("dataset.noise", 0.4)
    obey(person.run, "edit", {"value": wide, "weighed": told["heavy"]}, b"")
    assert len(person.recipe.layers) == 3
    assert person.recipe.to_dict()["dataset"]["noise"] == 0.4
