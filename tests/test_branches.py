"""What leaves a run whose layers hold layers comes back the same: checkpoint, state, and a script where its layers can be written."""

from __future__ import annotations

import runpy
from collections.abc import Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.torch
import torch
from torch import nn

from dlcore import Experiment, Problem, Trainer
from dlcore.arrays import from_bytes, to_bytes
from dlcore.checkpoint import open_checkpoint, predict, save_checkpoint
from dlcore.export.script import export_script
from dlcore.initializers import HeNormal
from dlcore.learning.interventions import intervene
from dlcore.learning.replay import Replay
from tests.holding import Dense, Dropout, Residual, branched, recipe, recipes_may_name_them


@pytest.fixture(autouse=True)
def union() -> Iterator[None]:
    with recipes_may_name_them():
        yield


@pytest.fixture
def trainer() -> Trainer:
    trainer = Trainer(Experiment.from_json(branched().to_json()), "cpu")
    list(islice(trainer.steps(), 40))
    return trainer


def plainly(weights: Mapping[str, torch.Tensor], X: torch.Tensor) -> torch.Tensor:
    """The probability of class 1 of the branched network, written out: (N, 2) to (N,). Dropout is at rest."""

    def layer(values: torch.Tensor, name: str) -> torch.Tensor:
        return nn.functional.linear(values, weights[f"{name}.weight"], weights[f"{name}.bias"])

    first = layer(X, "0").tanh()
    narrow = layer(first, "2.inner.0").tanh()
    left = layer(narrow, "2.inner.3.left.0").tanh()
    right = layer(layer(narrow, "2.inner.3.right.0").tanh(), "2.inner.3.right.2").tanh()
    joined = first + torch.cat([left, right], dim=1)
    return layer(layer(joined, "3").tanh(), "5").sigmoid()[:, 0]


def test_a_recipe_with_branches_is_read_as_it_was_written() -> None:
    experiment = Experiment.from_json(branched().to_json())
    assert experiment == branched()
    assert [plan.address for plan in experiment.plan()] == ["0", "1", "2", "3"]


def test_a_checkpoint_with_branches_predicts_as_plain_torch(trainer: Trainer) -> None:
    content = save_checkpoint(trainer.snapshot(), trainer.data)
    X = trainer.data.watched.raw.astype(np.float32)
    expected = plainly(safetensors.torch.load(content), torch.from_numpy(X))
    again = open_checkpoint(content)
    assert again.experiment == trainer.experiment
    np.testing.assert_allclose(predict(again, X)[:, 1], expected, rtol=1e-5)
    assert expected.std() > 0.02  # The predictions differ from row to row, so the comparison above means something.


def test_a_run_with_branches_goes_on_from_its_state_as_if_nothing_had_been(trainer: Trainer) -> None:
    trainer.silenced = {"1.0.2.1.0": torch.tensor([True, False, False, False])}
    other = Trainer(trainer.experiment, "cpu")
    other.restore(from_bytes(to_bytes(trainer.state())))
    for one in (trainer, other):
        list(islice(one.steps(), 30))  # Dropout inside of the branch draws the same.
    assert other.silenced is not None and other.silenced["1.0.2.1.0"].tolist() == [True, False, False, False]
    for name, value in trainer.snapshot().weights.items():
        assert torch.equal(value, other.snapshot().weights[name]), name
    assert trainer.scores() == other.scores()


@pytest.mark.parametrize("start", [{}, {"initializer": HeNormal()}])
def test_a_script_with_a_layer_that_holds_layers_trains_the_same(
    start: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    inner = (Dense(units=5), Dropout(p=0.2), Residual(layers=(Dense(units=5, **start),)), Dense(units=3))
    experiment = recipe(Dense(units=3), Residual(layers=inner), Dense(units=2))
    path = tmp_path / "trained.py"
    path.write_text(export_script(experiment, epochs=3), encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    runpy.run_path(str(path), run_name="__main__")
    trainer = Trainer(experiment, "cpu", engine="autograd")
    list(islice(trainer.steps(), 3 * experiment.steps_per_epoch))
    found = safetensors.torch.load_file(tmp_path / "model.safetensors")
    weights = trainer.snapshot().weights
    assert found.keys() == weights.keys()
    for name, value in weights.items():
        assert torch.equal(found[name], value), name


def test_what_a_hand_did_inside_of_a_branch_is_in_the_journal_and_replayed(trainer: Trainer) -> None:
    for do, value in (
        ("set", {"unit": 1, "input": 3, "value": 0.123456789}),
        ("freeze", {"unit": 0, "input": None, "on": True}),
        ("silence", {"unit": 1, "on": True}),
    ):
        assert intervene(do, {"address": "1.0.2.1.1", **value}, trainer)
    list(islice(trainer.steps(), 20))
    recipe = Experiment.from_json(trainer.recipe_with_journal.to_json())
    (entry,) = recipe.journal
    assert entry.weights is not None and list(entry.weights) == ["2.inner.3.right.2.weight"]
    assert entry.silenced == {"2.inner.3.right.2": [False, True]}
    replay = Replay(recipe, "cpu")
    while replay.trainer.step < trainer.step:
        replay.advance(trainer.step - replay.trainer.step)
    found, expected = replay.trainer.state(), trainer.state()
    assert [name for name in expected if not np.array_equal(found[name], expected[name], equal_nan=True)] == []


def test_a_layer_that_no_script_writes_is_said_in_one_sentence() -> None:
    with pytest.raises(Problem, match="Parallel is no layer that an exported script writes") as caught:
        export_script(branched(), epochs=1)
    assert caught.value.key == "layer_without_script"
