"""Every control of the page reaches the run; what is wrong is said and not sent."""

from __future__ import annotations

import inspect
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import Phase, given, settings
from streamlit.proto.ButtonGroup_pb2 import ButtonGroup as ButtonGroupProto
from streamlit.testing.v1 import AppTest

from dlcore.activations import Sigmoid
from dlcore.catalogue import FAMILIES
from dlcore.component import Component, kinds, list_fields
from dlcore.datasets import Dataset
from dlcore.datasets.drawn import Drawn
from dlcore.datasets.tabular import Iris
from dlcore.datasets.toy import CircleData, SpiralData
from dlcore.editing.fitting import OWN_KINDS, find_fitting, group_datasets, list_fitting_losses, take_fitted
from dlcore.editing.shaping import to_drawn
from dlcore.experiment import Experiment
from dlcore.export.rows import data_csv
from dlcore.layers import Dense, Dropout
from dlcore.losses import Hinge
from dlcore.optimizers import SGD, Adam
from dlcore.problems import Problem
from dlcore.regularizers import L2
from dlcore.share import encode
from tests.judges import HastyDesks
from tests.patience import PATIENCE
from tests.playground import ROOT, RecordingPool, at_path, errors, first_visit, open_page, shown, state, widget
from tests.strategies import experiments
from ui import exporting, live, session
from ui.forms import has_widget
from ui.messages import sentence, text
from ui.pages import PAGES, Page
from ui.playground.settings import concerns_other_tabs
from ui.session import widgets

LEARNING = ("loss", "optimizer", "schedule", "regularizer")
IN_A_LAYER = ("activation", "initializer")


@pytest.fixture
def pool(monkeypatch: pytest.MonkeyPatch) -> RecordingPool:
    """A pool that writes down what it is told."""
    recording = RecordingPool()
    monkeypatch.setattr(live, "pool", lambda: recording)
    return recording


def move(at: Any, path: str) -> None:
    """Let the widget hold another value that it offers."""
    element = widget(at, path)
    match element.type:
        case "toggle" | "checkbox":
            value = not element.value
        case "slider" | "number_input":
            rises = element.value + element.step <= element.max
            value = element.value + element.step if rises else element.value - element.step
        case "select_slider":
            rungs = [type(element.value)(rung) for rung in element.proto.options if rung != text("en", "off")]
            value = next(rung for rung in reversed(rungs) if rung != element.value)
        case other:
            raise AssertionError(other)
    element.set_value(value).run()
    assert not at.exception


def standing_on(family: str, kind: str) -> tuple[Experiment, str]:
    """An experiment that has this choice, and where."""
    cls = kinds(FAMILIES[family])[kind]
    choice: Component = cls()
    if isinstance(choice, SGD):
        choice = SGD(momentum=0.5)
    if family == "layer":
        return Experiment(layers=(choice,)), "layers.0"
    if family in IN_A_LAYER:
        return Experiment(layers=(Dense(**{family: choice}),)), f"layers.0.dense.{family}"
    if family == "dataset":
        loss = FAMILIES["loss"]
        usual = kinds(loss)[list_fitting_losses({"kind": kind})[0]]()
        return Experiment(dataset=choice, loss=usual), "dataset"
    return Experiment(**{family: choice}), family


def recipe_path(path: str, kind: str) -> str:
    """layers.0.dense.activation -> layers.0.activation."""
    return path.replace(".dense.activation", ".activation").replace(".dense.initializer", ".initializer")


def kinds_with_fields() -> list[tuple[str, str]]:
    """Every choice that has numbers or switches of its own; of those with the same ones in a family, the first."""
    found: dict[str, tuple[str, str]] = {}
    for family in ("dataset", "layer", *IN_A_LAYER, *LEARNING):
        for kind, cls in kinds(FAMILIES[family]).items():
            if kind in OWN_KINDS:
                continue  # They are made on the page Data: tests/test_data_page.py.
            fields = {
                name: info for name, info in list_fields(cls).items() if has_widget(info) and not info.discriminator
            }
            if fields:
                found.setdefault(f"{family} {fields}", (family, kind))
    return list(found.values())


@pytest.mark.parametrize(("family", "kind"), kinds_with_fields())
def test_moving_the_widget_of_a_field_changes_the_recipe_that_is_sent(
    pool: RecordingPool, family: str, kind: str
) -> None:
    experiment, path = standing_on(family, kind)
    at = open_page(experiment)
    assert not pool.recipes
    for name, info in list_fields(kinds(FAMILIES[family])[kind]).items():
        if info.discriminator:
            continue
        before = at_path(state(at).experiment.to_dict(), f"{recipe_path(path, kind)}.{name}")
        move(at, f"{path}.{kind}.{name}")
        assert not errors(at), name
        after = at_path(pool.recipes[-1], f"{recipe_path(path, kind)}.{name}")
        assert after != before, name
        assert state(at).experiment.to_dict() == pool.recipes[-1]


@pytest.mark.parametrize("family", [*IN_A_LAYER, *LEARNING])
def test_every_kind_on_a_menu_is_sent(pool: RecordingPool, family: str) -> None:
    path = f"layers.0.dense.{family}" if family in IN_A_LAYER else family
    at = open_page()
    start = at_path(state(at).experiment.to_dict(), f"{recipe_path(path, '')}.kind")
    for kind in [kind for kind in kinds(FAMILIES[family]) if kind != start]:
        widget(at, f"{path}.kind").set_value(kind).run()
        assert not at.exception
        assert not errors(at)
        assert at_path(pool.recipes[-1], f"{recipe_path(path, '')}.kind") == kind


def test_every_data_set_is_sent_and_its_loss_fits(pool: RecordingPool) -> None:
    at = open_page()
    for group in ("classes", "numbers", "tables"):
        for option in _options(at, group):
            if option == state(at).draft["dataset"]["kind"]:
                continue
            widget(at, f"dataset/{group}").set_value(option).run()
            assert not at.exception
            assert not errors(at)
            assert pool.recipes[-1]["dataset"]["kind"] == option
    assert {recipe["dataset"]["kind"] for recipe in pool.recipes} | {"circle"} == set(kinds(Dataset)) - {*OWN_KINDS}


def _options(at: Any, group: str) -> list[str]:
    from dlcore.editing.fitting import group_datasets

    element = widget(at, f"dataset/{group}")
    assert element.proto.click_mode == ButtonGroupProto.ClickMode.SINGLE_SELECT
    return group_datasets()[group]


@pytest.mark.parametrize("name", ["test_fraction", "gradient_clip", "early_stopping", "batch_size", "seed"])
def test_a_number_of_the_experiment_is_sent(pool: RecordingPool, name: str) -> None:
    at = open_page()
    before = getattr(state(at).experiment, name)
    move(at, name)
    assert pool.recipes[-1][name] != before


def test_features_are_sent_and_an_empty_choice_is_not(pool: RecordingPool) -> None:
    at = open_page()
    widget(at, "features").set_value(["x1", "x2", "sin_x1"]).run()
    assert pool.recipes[-1]["features"] == ["x1", "x2", "sin_x1"]
    widget(at, "features").set_value([]).run()
    assert len(pool.recipes) == 1
    assert errors(at) == [shown(str(Problem("features_empty")))]


def test_layers_are_added_moved_and_removed(pool: RecordingPool) -> None:
    at = open_page()
    at.button(key="layer_add_dropout").click().run()
    assert [layer["kind"] for layer in pool.recipes[-1]["layers"]] == ["dense", "dense", "dropout"]
    at.button(key="layer_up_2").click().run()
    assert [layer["kind"] for layer in pool.recipes[-1]["layers"]] == ["dense", "dropout", "dense"]
    at.button(key="layer_down_0").click().run()
    assert [layer.get("units") for layer in pool.recipes[-1]["layers"]] == [None, 4, 2]
    at.button(key="layer_remove_1").click().run()
    assert [layer.get("units") for layer in pool.recipes[-1]["layers"]] == [None, 2]
    at.button(key="layer_add_dense").click().run()
    assert [layer.get("units") for layer in pool.recipes[-1]["layers"]] == [None, 2, 2]
    assert not at.exception


def test_twelve_layers_are_enough(pool: RecordingPool) -> None:
    at = open_page(Experiment(layers=(Dropout(),) * 12))
    assert at.button(key="layer_add_dense").disabled
    assert at.button(key="layer_add_dropout").disabled


def test_shapes_and_parameter_counts_stand_below_each_layer(pool: RecordingPool) -> None:
    at = open_page()
    captions = [caption.value for caption in at.caption]
    for inputs, outputs, parameters in ((2, 4, 12), (4, 2, 10), (2, 1, 3)):
        expected = shown(text("en", "network.shapes", inputs=inputs, outputs=outputs, parameters=parameters))
        assert any(expected in caption for caption in captions)
    assert shown(text("en", "network.total", parameters=25)) in captions


def test_a_new_seed_is_the_next_one(pool: RecordingPool) -> None:
    at = open_page()
    at.button(key="new_seed").click().run()
    assert pool.recipes[-1]["seed"] == 1
    assert widget(at, "seed").value == 1


def test_all_rows_is_a_click(pool: RecordingPool) -> None:
    at = open_page()
    at.button(key="batch_all").click().run()
    assert pool.recipes[-1]["batch_size"] == 250
    assert widget(at, "batch_size").value == 250


def test_a_batch_larger_than_the_rows_is_cut_and_said(pool: RecordingPool) -> None:
    at = open_page(Experiment(batch_size=200))
    widget(at, "dataset.circle.samples").set_value(100).run()
    assert (pool.recipes[-1]["batch_size"], pool.recipes[-1]["dataset"]["samples"]) == (50, 100)
    assert [toast.value for toast in at.toast] == [shown(str(Problem("adjusted_batch", rows=50)))]


def test_numbers_as_target_call_for_another_loss_and_that_is_said(pool: RecordingPool) -> None:
    at = open_page(Experiment(loss=Hinge()))
    widget(at, "dataset/numbers").set_value("sine").run()
    assert pool.recipes[-1]["loss"] == {"kind": "mse"}
    assert len(at.toast) == 1
    assert widget(at, "loss.kind").options == [
        text("en", f"component.loss.{kind}.title") for kind in ("mse", "mae", "huber")
    ]
    widget(at, "dataset/tables").set_value("iris").run()
    assert pool.recipes[-1]["loss"] == {"kind": "cross_entropy"}
    assert not errors(at)


def test_the_other_tabs_are_drawn_from_the_second_run_on_and_what_they_hold_stays(pool: RecordingPool) -> None:
    at = open_page(Experiment(batch_size=7, optimizer=SGD(momentum=0.9)), furnished=False)
    assert "widget:batch_size" not in at.session_state
    widget(at, "dataset/classes").set_value("moons").run()
    assert "widget:batch_size" in at.session_state
    expected = Experiment(batch_size=7, optimizer=SGD(momentum=0.9)).to_dict()
    moons = {"dataset": {**expected["dataset"], "kind": "moons"}, "test_fraction": 0.3, "validation_fraction": 0.2}
    assert pool.recipes[-1] == expected | moons


def test_a_second_press_on_a_data_set_changes_nothing(pool: RecordingPool) -> None:
    at = open_page()
    widget(at, "dataset/classes").set_value(None).run()
    assert not pool.recipes
    assert widget(at, "dataset/classes").value == "circle"


def test_what_cannot_work_together_keeps_the_last_good_experiment_and_what_was_typed(pool: RecordingPool) -> None:
    at = open_page(Experiment(optimizer=SGD()))
    widget(at, "optimizer.sgd.nesterov").set_value(True).run()
    problem = Problem("out_of_bounds", path="optimizer.momentum", expected="more than 0 with nesterov", came=0)
    assert errors(at) == [shown(str(problem))]
    assert not pool.recipes
    assert widget(at, "optimizer.sgd.nesterov").value is True
    at.run()
    assert errors(at) == [shown(str(problem))]
    widget(at, "optimizer.sgd.momentum").set_value(0.9).run()
    assert not errors(at)
    assert pool.recipes[-1]["optimizer"] == {"kind": "sgd", "learning_rate": 0.03, "momentum": 0.9, "nesterov": True}


def test_a_change_that_the_worker_refuses_is_said_and_tried_again(pool: RecordingPool) -> None:
    at = open_page()
    pool.refusal = Problem("worker_busy")
    widget(at, "seed").set_value(5).run()
    assert errors(at) == [shown(str(Problem("worker_busy")))]
    assert state(at).experiment.seed == 0
    pool.refusal = None
    at.run()
    assert not errors(at)
    assert pool.recipes[-1]["seed"] == 5


@settings(max_examples=5, phases=[Phase.explicit, Phase.reuse, Phase.generate])  # shrinking would take minutes
@given(experiment=experiments())
def test_looking_at_an_experiment_does_not_change_it(experiment: Experiment) -> None:
    recording = RecordingPool()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(live, "pool", lambda: recording)
        at = open_page(experiment)
        assert not errors(at)
        assert not at.run().exception
    assert not recording.calls
    assert Experiment.from_dict(state(at).draft) == experiment


def test_switching_a_kind_keeps_what_means_the_same(pool: RecordingPool) -> None:
    at = open_page(Experiment(optimizer=Adam(learning_rate=0.1, beta1=0.5)))
    widget(at, "optimizer.kind").set_value("adamw").run()
    assert (pool.recipes[-1]["optimizer"]["learning_rate"], pool.recipes[-1]["optimizer"]["beta1"]) == (0.1, 0.5)
    widget(at, "optimizer.kind").set_value("sgd").run()
    assert pool.recipes[-1]["optimizer"]["learning_rate"] == 0.1


def offered_rate(at: Any) -> str:
    """What the page says of the learning rate under the menu of optimizers; "" if it says nothing."""
    said = [line.value for line in at.caption if "this run has" in line.value]
    return said[0] if said else ""


def test_another_optimizer_keeps_the_learning_rate_and_a_button_sets_what_it_usually_wants(pool: RecordingPool) -> None:
    at = open_page(Experiment(optimizer=SGD(learning_rate=0.3)))
    assert not offered_rate(at)
    widget(at, "optimizer.kind").set_value("adam").run()
    assert pool.recipes[-1]["optimizer"] == Adam(learning_rate=0.3).to_dict()
    assert shown(text("en", "rate.usual", optimizer="Adam", rate="0.01", present="0.3")) in offered_rate(at)
    at.button(key="rate_take").click().run()
    assert pool.recipes[-1]["optimizer"] == Adam(learning_rate=0.01).to_dict()
    assert widget(at, "optimizer.adam.learning_rate").value == 0.01
    assert not offered_rate(at)
    assert len(pool.recipes) == 2


def test_a_rate_set_for_an_optimizer_is_offered_when_it_is_chosen_again(pool: RecordingPool) -> None:
    at = open_page(Experiment(optimizer=Adam()))
    widget(at, "optimizer.adam.learning_rate").set_value(0.1).run()
    widget(at, "optimizer.kind").set_value("sgd").run()
    widget(at, "optimizer.sgd.learning_rate").set_value(0.3).run()
    assert not offered_rate(at)
    widget(at, "optimizer.kind").set_value("adam").run()
    assert pool.recipes[-1]["optimizer"] == Adam(learning_rate=0.3).to_dict()
    assert shown(text("en", "rate.own", optimizer="Adam", rate="0.1", present="0.3")) in offered_rate(at)
    at.button(key="rate_take").click().run()
    assert pool.recipes[-1]["optimizer"] == Adam(learning_rate=0.1).to_dict()
    assert not at.exception


def test_a_kind_that_is_chosen_again_on_the_page_has_what_it_had(pool: RecordingPool) -> None:
    at = open_page(Experiment(optimizer=SGD(momentum=0.9), regularizer=L2(rate=0.03)))
    for path, other, back in (("regularizer", "none", "l2"), ("optimizer", "adam", "sgd")):
        widget(at, f"{path}.kind").set_value(other).run()
        assert pool.recipes[-1][path]["kind"] == other
        widget(at, f"{path}.kind").set_value(back).run()
    assert Experiment.from_dict(pool.recipes[-1]) == Experiment(optimizer=SGD(momentum=0.9), regularizer=L2(rate=0.03))


# The run


def test_a_session_makes_one_run_and_holds_it(pool: RecordingPool) -> None:
    at = open_page()
    at.run()
    assert len(pool.created) == 1
    assert Experiment.from_json(pool.created[0][0]) == Experiment()


def test_a_run_that_has_ended_is_replaced_by_one_of_the_last_good_experiment(pool: RecordingPool) -> None:
    at = open_page()
    widget(at, "seed").set_value(7).run()
    pool.alive.clear()
    at.run()
    assert len(pool.created) == 2
    assert Experiment.from_json(pool.created[1][0]).seed == 7
    assert [toast.value for toast in at.toast] == [shown(text("en", "page.renewed"))]
    assert not at.run().toast


def test_the_device_is_told_to_the_run_and_one_that_is_missing_is_refused(pool: RecordingPool) -> None:
    pool.devices = {"cpu", "cuda"}
    at = open_page()
    assert widget(at, "/device").options == [text("en", f"device.{device}") for device in ("auto", "cpu", "cuda")]
    widget(at, "/device").set_value("cpu").run()
    assert pool.calls[-1][1:] == ("device", {"value": "cpu"})
    pool.refusal = Problem("no_device", expected="auto, cpu", came="cuda")
    widget(at, "/device").set_value("cuda").run()
    assert errors(at) == [shown(str(pool.refusal))]
    assert widget(at, "/device").value == "cpu"


def test_where_there_is_one_device_nobody_is_asked(pool: RecordingPool) -> None:
    at = open_page()
    assert not [each for each in at.button_group if text("en", "device") in each.label]
    pool.devices = {"cpu", "mps"}
    assert [each for each in at.run().button_group if text("en", "device") in each.label]


def test_moving_a_layer_at_the_side_says_where_it_came_from(pool: RecordingPool) -> None:
    at = open_page()
    at.button(key="layer_down_0").click().run()
    at.button(key="layer_add_dense").click().run()
    at.button(key="layer_remove_1").click().run()
    told = [values.get("origins") for _, do, values in pool.calls if do == "change"]
    assert told == [{"layers": [1, 0]}, {"layers": [0, 1, None]}, {"layers": [0, 2]}]
    widget(at, "seed").set_value(4).run()
    assert "origins" not in pool.calls[-1][2]


def test_drawn_data_begin_with_the_points_there_are(pool: RecordingPool) -> None:
    at = open_page(Experiment(dataset=SpiralData(samples=40), batch_size=4))
    widget(at, "dataset/classes").set_value("drawn").run()
    drawn = pool.recipes[-1]["dataset"]
    assert (len(drawn["train"]), len(drawn["test"])) == (20, 20)
    assert drawn == to_drawn(Experiment(dataset=SpiralData(samples=40))).to_dict()
    assert shown(text("en", "points.on_the_map", train=20, test=20)) in [caption.value for caption in at.caption]
    assert "test_fraction" not in [one.key.removeprefix(widgets.WIDGETS) for one in at.slider]
    at.run()
    assert len(pool.recipes) == 1
    assert not errors(at)


def test_drawn_data_keep_three_parts_and_the_seal_and_other_data_have_the_shares_of_the_page(
    pool: RecordingPool,
) -> None:
    made = Experiment(dataset=SpiralData(samples=100), validation_fraction=0.2, sealed=True)
    at = open_page(made)
    widget(at, "dataset/classes").set_value("drawn").run()
    drawn = Experiment.from_dict(pool.recipes[-1])
    assert drawn.dataset == to_drawn(made) and (drawn.validation_rows, drawn.sealed) == (20, True)
    said = shown(text("en", "points.on_the_map.validation", train=30, validation=20, test=50))
    assert said in [caption.value for caption in at.caption]
    widget(at, "sealed").set_value(False).run()
    assert pool.recipes[-1]["sealed"] is False
    widget(at, "sealed").set_value(True).run()
    widget(at, "dataset/classes").set_value("xor").run()
    split = [pool.recipes[-1][name] for name in ("sealed", "test_fraction", "validation_fraction")]
    assert split == [True, 0.3, 0.2]
    assert not errors(at)


def test_drawn_data_begin_with_points_of_their_own_where_there_are_none_to_draw_on(pool: RecordingPool) -> None:
    at = open_page(Experiment(dataset=Iris()))
    widget(at, "dataset/classes").set_value("drawn").run()
    assert Experiment.from_dict(pool.recipes[-1]).dataset == Drawn()


# Export


def open_menu(at: AppTest, name: str = "export") -> AppTest:
    at.session_state[f"widget:/{name}"] = True
    return at.run()


def test_files_are_made_at_the_press(pool: RecordingPool) -> None:
    at = open_menu(open_page())
    assert {button.key for button in at.download_button} == {f"export_{what}" for what in exporting.FILES}
    assert {shown(text("en", f"export.{what}.help")) for what in exporting.FILES} <= {each.value for each in at.caption}
    assert not pool.calls
    person = state(at)
    for what in ("checkpoint", "history", "script"):
        assert exporting.make_maker(what, "run 0", person)() == f"bytes of {what}".encode()
    recipe = exporting.make_maker("recipe", "run 0", person)
    person.experiment = Experiment(seed=9)  # Changed after the page was drawn, before the press.
    assert Experiment.from_json(recipe()).seed == 9


def test_a_recipe_goes_home_with_what_was_changed_in_its_run_and_comes_back_without_repeating_it(
    pool: RecordingPool,
) -> None:
    at = open_menu(open_page())
    journal = [{"step": 0, "set": {"batch_size": 10}}, {"step": 9, "set": {"batch_size": 3}}]
    pool.answer = {"journal": journal}
    taken = exporting.make_maker("recipe", "run 0", state(at))()
    assert Experiment.from_json(taken).to_dict()["journal"] == journal
    pool.answer = {}
    changed = Experiment.from_json(taken).replace(batch_size=3)
    at.file_uploader[0].upload("recipe.json", changed.to_json(indent=2).encode()).run()
    assert (pool.recipes[-1]["batch_size"], pool.recipes[-1]["journal"]) == (3, [])
    assert state(at).experiment == Experiment(batch_size=3)
    assert shown(sentence("en", Problem("journal_not_repeated", step=9))) in [toast.value for toast in at.toast]
    assert not errors(at)
    pool.alive.clear()  # A run that has ended cannot be asked.
    assert Experiment.from_json(exporting.make_maker("recipe", "run 0", state(at))()).journal == ()


def test_the_data_go_home_as_a_table() -> None:
    lines = data_csv(Experiment(dataset=Drawn())).decode().splitlines()
    assert lines[0] == "x1,x2,class,split"
    assert lines[1] == "1.0,0.0,0,train"
    assert [line.rsplit(",", 1)[1] for line in lines[1:]] == ["train"] * 40 + ["test"] * 20
    iris = data_csv(Experiment(dataset=Iris())).decode().splitlines()
    assert iris[0].endswith(",class,split") and len(iris) == 151
    assert {line.split(",")[4] for line in iris[1:]} == {"setosa", "versicolor", "virginica"}


def test_the_onnx_model_is_made_of_the_checkpoint_in_another_process(
    pool: RecordingPool, monkeypatch: pytest.MonkeyPatch
) -> None:
    person = state(open_page())
    desks = HastyDesks()
    monkeypatch.setattr(live, "desks", lambda: desks)
    monkeypatch.setattr(desks, "ask", lambda do, payload, form, **_: ({}, f"{do} to {form} of ".encode() + payload))
    assert exporting.make_maker("onnx", "run 0", person)() == b"export to onnx of bytes of checkpoint"


def test_the_menu_says_how_far_a_desk_is_with_a_file(pool: RecordingPool, monkeypatch: pytest.MonkeyPatch) -> None:
    at = open_menu(open_page())
    job = SimpleNamespace(state="working", share=0.4, ahead=0)

    def work(do: str, payload: bytes, *, follow: Any, **_: Any) -> Any:
        follow(job)
        return {}, b""

    desks = HastyDesks()
    monkeypatch.setattr(live, "desks", lambda: desks)
    monkeypatch.setattr(desks, "ask", work)
    exporting.make_maker("onnx", "run 0", state(at))()
    said = shown(text("en", "export.making", file=text("en", "export.onnx"), share=40))
    assert said in progress(at.run())
    job.state = "done"
    assert progress(at.run()) == []


def progress(at: AppTest) -> list[str]:
    return [bar.proto.text for bar in at.get("progress")]


def test_a_checkpoint_is_loaded_and_its_recipe_shown(pool: RecordingPool) -> None:
    at = open_menu(open_page())
    pool.answer = {"recipe": Experiment(layers=(Dense(units=7),), seed=2).to_json()}
    at.file_uploader[0].upload("model.safetensors", b"weights").run()
    assert [do for _, do, _ in pool.calls] == ["load"]
    assert widget(at, "layers.0.dense.units").value == 7
    assert widget(at, "seed").value == 2
    assert [toast.value for toast in at.toast] == [shown(text("en", "load.done", name="model.safetensors"))]


def test_a_recipe_is_loaded_strictly(pool: RecordingPool) -> None:
    at = open_menu(open_page())
    at.file_uploader[0].upload("recipe.json", Experiment(batch_size=3).to_json().encode()).run()
    assert pool.recipes[-1]["batch_size"] == 3
    open_menu(at).file_uploader[0].upload(
        "recipe.json", b'{"loss": {"kind": "hinge"}, "dataset": {"kind": "iris"}}'
    ).run()
    assert len(pool.recipes) == 1
    assert errors(at) == [shown(str(Problem("loss_needs_two_classes", loss="hinge", dataset="iris", classes=3)))]
    assert widget(at, "batch_size").value == 3


def test_a_refused_checkpoint_leaves_the_run_alone(pool: RecordingPool) -> None:
    at = open_menu(open_page(Experiment(seed=4)))
    pool.refusal = Problem("checkpoint_pickle")
    at.file_uploader[0].upload("<b>[x](http://evil.example)</b>.pt", b"\x80\x04").run()
    pool.refusal = None
    assert errors(at) == [shown(str(Problem("checkpoint_pickle")))]
    assert not pool.calls
    assert state(at).experiment.seed == 4
    assert not errors(at.run())


# Words


def test_the_language_comes_from_the_browser_and_changes_with_the_switch(pool: RecordingPool) -> None:
    at = first_visit(locale="zh-CN")
    assert widget(at, "seed").label == shown(text("zh_CN", "experiment.seed"))
    widget(open_menu(at, "preferences"), "/language").set_value("en").run()
    assert widget(at, "seed").label == shown(text("en", "experiment.seed"))
    assert at.query_params["lang"] == "en"
    assert not pool.calls

    at = AppTest.from_file(str(ROOT / "ui" / "frame.py"), default_timeout=PATIENCE)
    at.query_params["lang"] = "zh"
    assert state(at.run()).language == "zh_CN"


def test_a_problem_is_said_in_chinese(pool: RecordingPool) -> None:
    at = open_page(Experiment(), language="zh_CN")
    widget(at, "features").set_value([]).run()
    assert errors(at) == [shown(sentence("zh_CN", Problem("features_empty")))]


def test_what_nobody_foresaw_is_our_own_sentence(pool: RecordingPool, monkeypatch: pytest.MonkeyPatch) -> None:
    from ui.playground import settings

    monkeypatch.setattr(settings, "draw_all_settings", lambda draft: 1 / 0)
    at = open_page()
    assert not at.exception
    assert errors(at) == [shown(text("en", "page.failed"))]


def test_every_script_of_a_page_is_in_the_list() -> None:
    assert sorted(page.script for page in PAGES) == sorted((ROOT / "pages").glob("*.py"))


@pytest.mark.parametrize("page", PAGES, ids=[page.script.stem for page in PAGES])
def test_what_a_page_remembers_is_of_one_person(page: Page[object]) -> None:
    ann, bob = session.Session("en"), session.Session("en")
    assert ann.memory(page.memory) is ann.memory(page.memory)
    assert ann.memory(page.memory) is not bob.memory(page.memory)
    assert [other for other in PAGES if other.memory is page.memory] == [page]


def test_a_page_is_a_table_of_contents() -> None:
    for page in PAGES:
        assert len(page.script.read_text(encoding="utf-8").splitlines()) <= 30
    assert inspect.getdoc(session)


@pytest.mark.parametrize(
    ("change", "concerns"),
    [
        ({"dataset": {"kind": "circle", "samples": 500, "noise": 0.4}}, False),
        ({"optimizer": {"kind": "sgd", "learning_rate": 0.1}}, False),
        ({"layers": [{"kind": "dense", "units": 3}]}, False),
        ({"dataset": {"kind": "circle", "samples": 300, "noise": 0.0}}, True),
        ({"dataset": {"kind": "spiral"}}, True),
        ({"loss": {"kind": "hinge"}}, True),
        ({"test_fraction": 0.3}, True),
        ({"features": ["x1"]}, True),
    ],
)
def test_only_what_other_tabs_show_runs_the_whole_page(change: dict[str, Any], concerns: bool) -> None:
    before = Experiment(batch_size=20)  # Not what fits the data, so that no change leaves that.
    after = Experiment.from_dict({**before.to_dict(), **change})
    assert concerns_other_tabs(before.to_dict(), after.to_dict()) is concerns


def test_the_tab_of_the_data_hears_when_the_settings_no_longer_fit_and_when_they_do_again() -> None:
    fitting, other, further = (Experiment(batch_size=rows).to_dict() for rows in (10, 20, 30))
    assert concerns_other_tabs(fitting, other)
    assert concerns_other_tabs(other, fitting)
    assert not concerns_other_tabs(other, further)


# Settings that fit the data


def offered(at: Any) -> bool:
    """Whether the page offers settings that fit the data."""
    return any(button.key == "fitting_take" for button in at.button)


def choose_data(at: Any, group: str, kind: str) -> Any:
    widget(at, f"dataset/{group}").set_value(kind).run()
    assert not errors(at)
    assert not at.exception
    return at


@pytest.mark.parametrize(
    ("group", "kind"), [(group, kind) for group, kinds in group_datasets().items() for kind in kinds if kind != "drawn"]
)
def test_a_data_set_chosen_by_whoever_changed_nothing_brings_the_settings_that_fit_it(
    pool: RecordingPool, group: str, kind: str
) -> None:
    at = choose_data(open_page(), "classes", "spiral")
    assert [layer["units"] for layer in pool.recipes[-1]["layers"]] == [8, 8, 8]
    choose_data(at, group, kind)
    assert take_fitted(pool.recipes[-1]) == find_fitting(pool.recipes[-1])
    assert Experiment.from_dict(pool.recipes[-1]) == state(at).experiment
    assert not offered(at)
    at.run()
    assert state(at).experiment.to_dict() == pool.recipes[-1]


@pytest.mark.parametrize(
    "edited",
    [{"layers": (Dense(units=5),)}, {"features": ("x1", "sin_x1")}, {"optimizer": SGD()}, {"batch_size": 20}],
    ids=["layers", "features", "optimizer", "batch"],
)
def test_settings_that_a_person_changed_stay_and_a_button_offers_what_fits(
    pool: RecordingPool, edited: dict[str, Any]
) -> None:
    own = Experiment(**edited)
    at = choose_data(open_page(own), "classes", "rings")
    assert take_fitted(pool.recipes[-1]) == take_fitted(own.to_dict())
    button = at.button(key="fitting_take")
    assert not button.disabled
    assert any(shown("8-8 ReLU; Adam 0.01; batch size 10") in caption.value for caption in at.caption)
    button.click().run()
    assert pool.recipes[-1]["dataset"]["kind"] == "rings"
    assert take_fitted(pool.recipes[-1]) == find_fitting(pool.recipes[-1])
    assert not offered(at)


def test_a_layer_changed_after_the_page_chose_stays_with_the_next_data_set(pool: RecordingPool) -> None:
    at = choose_data(open_page(), "classes", "spiral")
    widget(at, "layers.0.dense.units").set_value(3).run()
    choose_data(at, "classes", "rings")
    assert [layer["units"] for layer in pool.recipes[-1]["layers"]] == [3, 8, 8]


def test_points_begin_with_the_settings_of_the_data_they_come_from_and_those_are_nobodys_own(
    pool: RecordingPool,
) -> None:
    at = choose_data(choose_data(open_page(), "classes", "spiral"), "classes", "drawn")
    assert [layer["units"] for layer in pool.recipes[-1]["layers"]] == [8, 8, 8]
    choose_data(at, "classes", "rings")
    assert [layer["units"] for layer in pool.recipes[-1]["layers"]] == [8, 8]


def test_what_is_no_setting_of_learning_stays_with_another_data_set(pool: RecordingPool) -> None:
    at = open_page(Experiment(regularizer=L2(rate=0.03), seed=7, gradient_clip=2.0))
    choose_data(at, "classes", "spiral")
    kept = Experiment.from_dict(pool.recipes[-1])
    assert (kept.regularizer, kept.seed, kept.gradient_clip) == (L2(rate=0.03), 7, 2.0)
    assert kept.layers[0].units == 8  # type: ignore[union-attr]


def test_a_first_visit_begins_with_validation_rows_and_a_link_with_what_it_says(pool: RecordingPool) -> None:
    at = first_visit()
    assert Experiment.from_json(pool.created[0][0]) == Experiment(test_fraction=0.3, validation_fraction=0.2)
    choose_data(at, "classes", "spiral")
    assert (pool.recipes[-1]["test_fraction"], pool.recipes[-1]["validation_fraction"]) == (0.3, 0.2)
    for recipe in (Experiment(), Experiment(seed=5)):
        linked = AppTest.from_file(str(ROOT / "ui" / "frame.py"), default_timeout=PATIENCE)
        linked.query_params["run"] = encode(recipe)
        linked.run()
        assert Experiment.from_json(pool.created[-1][0]) == recipe


@pytest.mark.parametrize(
    ("experiment", "expected"),
    [
        (Experiment(dataset=Iris(), validation_fraction=0.2, test_fraction=0.3), ("classes", 30, "validation", 14)),
        (Experiment(dataset=CircleData(samples=80)), ("classes", 40, "test", 12)),
        (Experiment(test_fraction=0.3, validation_fraction=0.2), None),
        (Experiment(), None),
    ],
)
def test_a_part_too_small_to_judge_by_says_so(
    pool: RecordingPool, experiment: Experiment, expected: tuple[str, int, str, int] | None
) -> None:
    said = [caption.value for caption in open_page(experiment).caption if "few to judge by" in caption.value]
    if expected is None:
        assert said == []
        return
    key, rows, part, points = expected
    words = text("en", f"few_rows.{key}", rows=rows, part=text("en", f"few_rows.{part}"), points=points)
    assert said == [shown(words)]


def test_the_opening_page_stands_on_what_fits_its_data_and_that_is_the_recipes_default() -> None:
    assert find_fitting(Experiment().to_dict()) == take_fitted(Experiment().to_dict())


def test_what_a_widget_shows_before_it_is_told_is_what_it_should_show(pool: RecordingPool) -> None:
    # What a run of the script says may be lost when the next one begins; the browser then shows, and sends, the default.
    dense = Dense(units=7, activation=Sigmoid())
    experiment = Experiment(
        layers=(dense, Dropout(p=0.3), dense), optimizer=Adam(learning_rate=0.0003), features=("x1", "sin_x2"),
        test_fraction=0.35, validation_fraction=0.2, sealed=True, batch_size=50, seed=7,
    )  # fmt: skip
    at = open_page(experiment)
    told = {
        "selectbox": lambda one: (one.proto.options[one.proto.default], one.proto.options[one.index]),
        "slider": lambda one: (list(one.proto.default), [one.value]),
        "select_slider": lambda one: (one.proto.options[int(one.proto.default[0])], one.format_func(one.value)),
        "number_input": lambda one: (one.proto.default, one.value),
        "toggle": lambda one: (one.proto.default, one.value),
        "button_group": lambda one: (list(one.proto.default), one.indices),
    }
    seen = set()
    for kind, both in told.items():
        for element in at.get(kind):
            if element.key and element.key.startswith(widgets.WIDGETS):
                default, value = both(element)
                assert default == value, element.key
                seen.add(kind)
    assert seen == set(told)
