"""A script of a run that was changed while it learned makes the same changes, as far as it can, and says how far that is."""

from __future__ import annotations

import runpy
from collections.abc import Callable
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.numpy

from dlcore import Experiment, Trainer
from dlcore.export.script import export_script
from tests.test_export import printed_rows, printed_scores, same_lines

RECIPE: dict[str, Any] = {"dataset": {"kind": "circle", "samples": 60}, "batch_size": 7}  # 30 rows: 5 steps an epoch
EPOCHS = 6
NOTICE = "need not be the run's: it was changed in ways that this script does not repeat."
Printed = Callable[[Experiment], list[str]]

#: What is changed, and after how many steps; some in the middle of an epoch, some at its end.
CHANGES: dict[str, tuple[dict[str, Any], dict[int, dict[str, Any]]]] = {
    "the learning rate and other numbers of an optimizer": (
        {},
        {
            3: {"optimizer": {"kind": "adam", "learning_rate": 0.1}},
            10: {"optimizer": {"kind": "adam", "learning_rate": 0.1, "beta1": 0.5}},
        },
    ),
    "other optimizers, one with a memory that it keeps": (
        {"optimizer": {"kind": "sgd", "momentum": 0.9}},
        {
            4: {"optimizer": {"kind": "sgd", "learning_rate": 0.2}},
            6: {"optimizer": {"kind": "sgd", "momentum": 0.5, "nesterov": True}},
            15: {"optimizer": {"kind": "adamw", "weight_decay": 0.1}},
            17: {"optimizer": {"kind": "rmsprop"}},
            21: {"optimizer": {"kind": "adagrad"}},
        },
    ),
    "the size of a batch, in the middle of an epoch": ({}, {2: {"batch_size": 3}, 11: {"batch_size": 30}}),
    "schedule, penalty and clipping": (
        {"schedule": {"kind": "warm_up", "epochs": 2}, "gradient_clip": 0.2},
        {
            4: {"optimizer": {"kind": "adam", "learning_rate": 0.2}},
            9: {"schedule": {"kind": "cosine", "epochs": 4}, "regularizer": {"kind": "l1", "rate": 0.01}},
            12: {"schedule": {"kind": "cosine", "epochs": 5}, "gradient_clip": 0.0},
            15: {"regularizer": {"kind": "l2", "rate": 0.1}, "schedule": {"kind": "constant"}},
            20: {"regularizer": {"kind": "none"}, "gradient_clip": 1.5},
        },
    ),
    "losses and class weights": (
        {"layers": [{"kind": "dense", "units": 3}, {"kind": "dropout", "p": 0.2}]},
        {
            4: {"loss": {"kind": "mse"}},
            7: {"class_weights": "balanced"},
            10: {"loss": {"kind": "huber"}},
            13: {"loss": {"kind": "huber", "delta": 0.3}},
            18: {"loss": {"kind": "hinge"}, "class_weights": "none"},
        },
    ),
    "early stopping, which a change takes back": (
        {"optimizer": {"kind": "sgd", "learning_rate": 3.0}, "early_stopping": 1},
        {15: {"optimizer": {"kind": "sgd", "learning_rate": 0.01}}, 18: {"loss": {"kind": "mse"}}},
    ),
    "early stopping, which was not there at first": ({}, {8: {"early_stopping": 1, "loss": {"kind": "mae"}}}),
    "the loss after the last step": ({}, {5 * EPOCHS: {"loss": {"kind": "mse"}}}),
}


def changed(recipe: dict[str, Any], changes: dict[int, dict[str, Any]]) -> Trainer:
    """A run of EPOCHS epochs (one that stops early goes on where something is changed there), with plain torch."""
    trainer = Trainer(Experiment.from_dict({**RECIPE, **recipe}), device="cpu", engine="autograd")
    for step, settings in changes.items():
        list(islice(trainer.steps(), step - trainer.step))
        assert trainer.step == step, "It has stopped before the change."
        trainer.change(trainer.experiment.replace(**settings))
    while trainer.epoch < EPOCHS and trainer.finished is None:
        list(islice(trainer.steps(), 1))
    return trainer


@pytest.fixture
def printed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Printed:
    """The lines that the script of a recipe prints."""
    monkeypatch.chdir(tmp_path)

    def run(experiment: Experiment) -> list[str]:
        text = export_script(experiment, EPOCHS)
        assert all(len(line) <= 140 for line in text.splitlines())
        Path("train.py").write_text(text)
        runpy.run_path("train.py")
        return capsys.readouterr().out.splitlines()

    return run


@pytest.mark.parametrize("name", CHANGES)
def test_a_script_makes_changed_settings_again_and_comes_to_the_same_numbers(name: str, printed: Printed) -> None:
    trainer = changed(*CHANGES[name])
    assert len(trainer.journal) == len(CHANGES[name][1]) + 1
    lines = printed(trainer.recipe_with_journal)
    assert same_lines(lines, [*printed_rows(trainer), *printed_scores(trainer)])
    saved = safetensors.numpy.load(Path("model.safetensors").read_bytes())
    for key, weight in trainer.snapshot().weights.items():
        np.testing.assert_array_equal(saved[key], weight.numpy())
    assert "makes the same changes, each after the step" in " ".join(Path("train.py").read_text().split())


def test_a_run_that_stopped_early_goes_on_in_its_script_where_it_was_changed() -> None:
    """What makes the case above one: the run had stopped when it was changed."""
    recipe, changes = CHANGES["early stopping, which a change takes back"]
    trainer = changed(recipe, {})
    assert (trainer.finished, trainer.step) == ("early_stopped", min(changes))


# What it does not repeat


def test_up_to_a_weight_that_was_set_by_hand_the_numbers_are_the_runs(printed: Printed) -> None:
    trainer = Trainer(Experiment.from_dict(RECIPE), device="cpu", engine="autograd")
    list(islice(trainer.steps(), 8))
    trainer.change(trainer.experiment.replace(optimizer={"kind": "sgd", "learning_rate": 0.5}))
    list(islice(trainer.steps(), 8))
    dict(trainer.model.named_parameters())["0.weight"].data[0, 0] = 2.0
    trainer.note_touch("weights", ["0.weight"])
    list(islice(trainer.steps(), 14))
    lines = printed(trainer.recipe_with_journal)
    ours, theirs = lines[1 : EPOCHS + 2], printed_rows(trainer)[1:]
    assert same_lines(ours[:4], theirs[:4]) and not same_lines(ours, theirs)  # Epoch 3 ends at step 15.
    assert f"From step 16 on these numbers {NOTICE}" in lines[EPOCHS + 2] and len(lines) == EPOCHS + 7
    script = " ".join(Path("train.py").read_text().split())
    assert "from step 16 on its numbers need not be the run's" in script
    assert "Step 16: weights set by hand, 0.weight." in script


def test_a_script_that_ends_before_it_claims_all_its_numbers(printed: Printed) -> None:
    bias = {"step": 5 * EPOCHS + 1, "weights": {"0.bias": [1.0, 0.0, 0.0, 0.0]}}
    assert not any(NOTICE in line for line in printed(Experiment.from_dict({**RECIPE, "journal": [bias]})))


@pytest.mark.parametrize(
    ("entry", "since"),
    [
        ({"set": {"layers": [{"kind": "dense", "units": 2}]}}, None),
        ({"set": {"features": ["x1"]}}, None),
        ({"set": {"dataset": {"kind": "circle", "samples": 90}}}, None),
        ({"set": {"test_fraction": 0.3}}, None),
        ({"frozen": {"0.bias": [True, False, False, False]}}, 13),
        ({"silenced": {"0": [True, False, False, False]}}, 13),
        ({"loaded": True, "left_out": 1}, 13),
        ({"left_out": 1}, 13),
        ({"left_out": 2}, 4),  # The first of the two may have been made right after the change before.
    ],
    ids=str,
)
def test_what_a_script_does_not_repeat_is_said_in_it_and_printed(
    entry: dict[str, Any], since: int | None, printed: Printed
) -> None:
    journal = [{"step": 0, "set": {"batch_size": 5}}, {"step": 4, "set": {"batch_size": 7}}, {"step": 13, **entry}]
    lines = printed(Experiment.from_dict({**RECIPE, "journal": journal}))
    said = f"These numbers {NOTICE}" if since is None else f"From step {since} on these numbers {NOTICE}"
    assert [line for line in lines if NOTICE in line] == [lines[-5]] and lines[-5].startswith(said)
    script = " ".join(Path("train.py").read_text().split())
    assert (
        f"{'from the start' if since is None else f'from step {since} on'} its numbers need not be the run's" in script
    )
    assert lines[2].startswith("1,6,")  # Four steps with 5 of the 30 rows, two with 7.


def test_after_changes_that_nobody_knows_a_script_has_the_last_settings(printed: Printed) -> None:
    journal = [
        {"step": 0, "set": {"batch_size": 30}},
        {"step": 2, "left_out": 3},
        {"step": 3, "set": {"batch_size": 1}},
    ]
    steps = [
        int(line.split(",")[1])
        for line in printed(Experiment.from_dict({**RECIPE, "journal": journal}))[1 : EPOCHS + 2]
    ]
    assert steps == [0, 1, 2, 7, 12, 17, 22]


def test_settings_that_do_not_fit_the_rows_of_now_are_not_repeated(printed: Printed) -> None:
    journal = [
        {"step": 0, "set": {"batch_size": 200, "dataset": {"kind": "circle", "samples": 400}}},
        {"step": 3, "set": {"batch_size": 7, "dataset": {"kind": "circle", "samples": 60}}},
    ]
    lines = printed(Experiment.from_dict({**RECIPE, "journal": journal}))
    assert lines[2].startswith("1,5,") and lines[-5].startswith(f"These numbers {NOTICE}")
