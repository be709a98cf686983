"""Once the loss is no finite number: the way back leads to sound weights, and a rate that is offered was tried."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch

from dlcore import Experiment, Problem, Trainer
from dlcore.evaluation.rate import find_rate
from dlcore.frame import decode_frame
from dlcore.learning.learner import Diverged
from dlcore.metrics import score_text
from dlcore.runs.run import Run
from dlcore.runs.verbs import answer

STEEP: dict[str, Any] = {
    "dataset": {"kind": "plane"},
    "loss": {"kind": "mse"},
    "optimizer": {"kind": "sgd", "learning_rate": 100},
}
CALM = {**STEEP, "optimizer": {"kind": "sgd", "learning_rate": 0.03}}


def recipe(values: dict[str, Any], **changes: Any) -> Experiment:
    return Experiment.from_dict({**values, **changes})


def diverged(first: dict[str, Any] = STEEP, epochs: int = 0, then: dict[str, Any] | None = None) -> Run:
    """A run that diverges, after so many epochs with other settings."""
    run = Run(recipe(first).to_json(), "cpu")
    run.set_speed(None)
    for _ in range(epochs):
        run.epoch()
        while run.moving:
            run.advance(0.01)
    if then is not None:
        run.change(recipe(then).to_json())
    run.play()
    while run.moving:
        run.advance(0.01)
    assert run.status == "diverged"
    return run


def search(run: Run) -> dict[str, Any]:
    moment, present = answer(run, "sound", {})[0]["moment"], run.learner.recipe.to_json()
    then, state = ({"recipe": ""}, b"") if moment is None else run.fork(moment)
    return find_rate({"recipe": present, "then": then["recipe"]}, state, lambda share, partial: None)[0]


def losses_in_plain_torch(experiment: Experiment, epochs: int) -> list[float]:
    """SGD in plain torch from the same weights in the same order of rows; the mean loss of the training rows after each epoch."""
    source = Trainer(experiment, "cpu", engine="autograd")
    X, y = torch.from_numpy(source.data.train.X), torch.from_numpy(source.data.train.target).float()
    weights = {name: value.detach().clone().requires_grad_() for name, value in source.model.named_parameters()}
    generator = torch.Generator().manual_seed(0)

    def loss(rows: torch.Tensor) -> torch.Tensor:
        outputs = torch.func.functional_call(source.model, weights, (X[rows],))
        return (outputs.squeeze(1) - y[rows]).square().mean()

    found = [loss(torch.arange(len(X))).item()]
    for _ in range(epochs):
        for rows in torch.randperm(len(X), generator=generator).split(experiment.batch_size):
            gradients = torch.autograd.grad(loss(rows), list(weights.values()))
            with torch.no_grad():
                for value, gradient in zip(weights.values(), gradients, strict=True):
                    value -= experiment.optimizer.learning_rate * gradient
        found.append(loss(torch.arange(len(X))).item())
    return found


# Back


def test_the_way_back_is_the_newest_moment_with_finite_sane_numbers() -> None:
    run = diverged(CALM, 3, STEEP)
    assert run.recover() == {"recipe": recipe(CALM).to_json(), "step": 3 * 25, "epoch": 3}
    straight = Trainer(recipe(CALM), "cpu")
    while straight.epoch < 3:
        straight.advance()
    assert torch.equal(run.learner.engine.flat, straight.engine.flat)
    assert run.status == "paused"


def test_without_a_sound_moment_it_is_the_start() -> None:
    run = diverged()
    run.recover()
    assert (run.learner.step, run.status) == (0, "paused")
    assert torch.equal(run.learner.engine.flat, Trainer(recipe(STEEP), "cpu").engine.flat)


@pytest.mark.parametrize(
    "changes",
    [
        {"optimizer": {"kind": "adam", "learning_rate": 0.01}},
        {"optimizer": {"kind": "sgd", "learning_rate": 0.01}},
        {"gradient_clip": 1.0},
    ],
)
def test_a_change_of_a_diverged_run_goes_on_from_sound_weights_and_says_so(changes: dict[str, Any]) -> None:
    run = diverged(CALM, 3, STEEP)
    run.change(recipe(STEEP, **changes).to_json())
    assert (run.status, run.learner.epoch) == ("paused", 3)
    assert run.learner.recipe == recipe(STEEP, **changes)
    assert run.learner.scores().train["loss"] < 1
    told = run.notices()
    assert [one.to_dict() for one in told] == [{"key": "went_back", "values": {"epoch": 3, "step": 75}}]


def test_a_run_that_lost_its_worker_is_still_called_diverged() -> None:
    run = diverged()
    facts, state = run.kept()
    again = Run(facts["recipe"], "cpu", life=1)
    again.restore(state, facts["status"], facts["speed"])
    again.play()
    assert (again.status, again.moving) == ("diverged", False)
    again.recover()
    assert again.learner.step == 0


def test_the_sentence_blames_no_setting() -> None:
    run = diverged()
    problem = decode_frame(run.frame(None, None, 0))[0]["problem"]
    assert set(problem["values"]) == {"step", "loss"} and problem["values"]["step"] == run.learner.step + 1
    assert "ost likely" not in str(Problem(problem["key"], **problem["values"]))


# A rate that works


def test_the_rate_that_is_found_works_in_plain_torch_and_the_present_one_does_not() -> None:
    run = diverged()
    found = search(run)
    assert found["cause"] and found["was"] == 100 and found["rate"] < 100
    falling = losses_in_plain_torch(recipe(STEEP, optimizer={"kind": "sgd", "learning_rate": found["rate"]}), 60)
    assert all(map(math.isfinite, falling)) and falling[-1] < falling[0]
    broken = losses_in_plain_torch(recipe(STEEP), 60)
    assert not (math.isfinite(broken[-1]) and broken[-1] < broken[0])


def test_from_a_moment_it_is_judged_by_what_was_learned_until_then() -> None:
    run = diverged(CALM, 2, STEEP)
    found = search(run)
    run.recover()
    before = run.learner.scores().train["loss"]
    optimizer = {"kind": "sgd", "learning_rate": found["rate"]}
    run.change(recipe(STEEP, optimizer=optimizer).to_json())
    for _ in range(50):
        run.epoch()
        while run.moving:
            run.advance(0.01)
    assert run.status == "paused" and run.learner.scores().train["loss"] < before


def test_a_weight_set_by_hand_is_not_the_fault_of_the_rate() -> None:
    run = Run(recipe(CALM).to_json(), "cpu")
    run.set_speed(None)
    run.epoch()
    while run.moving:
        run.advance(0.01)
    run.step()
    with torch.no_grad():
        run.learner.engine.flat.fill_(1e30)
    with pytest.raises(Diverged):
        for _ in range(100):
            run.learner.advance(1)
    found = search(run)
    assert not found["cause"] and found["rate"] == found["was"] == 0.03


def test_where_no_rate_helps_it_says_that() -> None:
    """Weights that nothing moves: no rate lets the loss fall."""
    run = Run(recipe(CALM, layers=[]).to_json(), "cpu")
    run.step()
    frozen = torch.ones_like(run.learner.engine.flat, dtype=torch.bool)
    run.learner.engine.frozen = frozen
    run.learner.note_touch("frozen", list(run.learner.engine.parameter_slices))
    _, state = run.fork(None)
    with pytest.raises(Problem) as refused:
        find_rate(
            {"recipe": run.learner.recipe.to_json(), "then": run.learner.recipe.to_json()}, state, lambda *_: None
        )
    assert refused.value.key == "no_rate_works" and refused.value.values["most"] == "0.03"


# Numbers


@pytest.mark.parametrize(("name", "text"), [("r2", "-1.2e31"), ("rmse", "-1.2e31")])
def test_a_huge_score_has_an_exponent(name: str, text: str) -> None:
    assert score_text(name, -1.1927281070520967e31) == text
    assert float(text) == pytest.approx(-1.1927281070520967e31, rel=0.05)
    assert score_text("r2", -0.25) == "-0.250" and score_text("rmse", 1234.5) == "1234"
    assert np.isnan(float(score_text("r2", math.nan)))
