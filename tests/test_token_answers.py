"""An answer at each step of a sequence, judged by plain torch and by an example counted by hand."""

from __future__ import annotations

import json
import runpy
import subprocess
import sys
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest
import torch
from torch.nn import functional

from dlcore import Experiment, Problem, Trainer
from dlcore.checkpoint import checkpoint_of, open_checkpoint, predict, save_checkpoint
from dlcore.component import kinds
from dlcore.datasets import Dataset
from dlcore.editing.fitting import USUAL, list_fitting_losses, with_fitting
from dlcore.evaluation.baselines import baselines
from dlcore.evaluation.guards import guards
from dlcore.evaluation.scores import evaluate
from dlcore.evaluation.verdict import verdict
from dlcore.export import export
from dlcore.export.card import card
from dlcore.export.report import report
from dlcore.export.script import export_script
from dlcore.losses import CrossEntropy, Loss
from dlcore.metrics import SequenceAccuracy, TokenAccuracy
from dlcore.objectives import TokenAnswers
from dlcore.pictures.picture import Picture
from dlcore.pictures.questions import Looks
from dlcore.rows import prepare
from dlcore.seeds.job import seeds
from tests.patience import PATIENCE

pytestmark = pytest.mark.usefixtures("onnx_registered_once")
EACH_STEP = [kind for kind, cls in kinds(Dataset).items() if cls().objective.answers_each_step]  # type: ignore[attr-defined]


def recipe(kind: str = "copy", **dataset: Any) -> Experiment:
    whole: Any = kinds(Dataset)[kind](**{"samples": 120, **dataset})
    draft = {**USUAL, "dataset": whole.to_dict(), "loss": {"kind": "cross_entropy"}, "validation_fraction": 0.2}
    return Experiment.from_dict(with_fitting(draft))


def trained(experiment: Experiment, steps: int = 30) -> Trainer:
    trainer = Trainer(experiment, device="cpu", engine="autograd")
    for _ in islice(trainer.steps(), steps):
        pass
    return trainer


def test_the_loss_of_a_row_is_the_mean_cross_entropy_of_the_tokens_that_are_asked_for() -> None:
    generator = torch.Generator().manual_seed(0)
    outputs_BTV = torch.randn(5, 7, 4, generator=generator)
    y_BT = torch.randint(4, (5, 7), generator=generator)
    y_BT[:, -1] = 2  # so that something is asked of each row
    coding = TokenAnswers(vocabulary=4).coding(CrossEntropy())
    losses_B = coding.losses(outputs_BTV, coding.encode(y_BT))
    plain = [
        functional.cross_entropy(outputs, y, ignore_index=0).item()
        for outputs, y in zip(outputs_BTV, y_BT, strict=True)
    ]
    assert losses_B.tolist() == pytest.approx(plain, rel=1e-6)
    claims = coding.predict(outputs_BTV)
    torch.testing.assert_close(claims, functional.softmax(outputs_BTV, dim=2))
    torch.testing.assert_close(claims.sum(2), torch.ones(5, 7))


def test_an_example_counted_by_hand() -> None:
    # Two rows of three steps, tokens 2 and 3. Row 0 asks at its last two steps, row 1 at all three.
    y = torch.tensor([[0, 2, 3], [2, 2, 3]])
    said = torch.tensor([[1, 2, 3], [2, 3, 3]])
    shares = functional.one_hot(said, 4).double()
    assert TokenAccuracy().measure(shares, y) == pytest.approx(4 / 5)  # One of five is wrong.
    assert SequenceAccuracy().measure(shares, y) == pytest.approx(
        1 / 2
    )  # What row 0 says before it is asked does not count.
    # Where a half is said of the true token at each step: -ln(1/2).
    even = torch.zeros(2, 3, 4) - 30
    even[:, :, 2:] = 0
    losses = TokenAnswers(vocabulary=4).coding(CrossEntropy()).losses(even, y)
    assert losses.tolist() == pytest.approx([0.693147, 0.693147], rel=1e-5)


def test_layers_that_lose_steps_are_refused_with_the_steps_that_are_left() -> None:
    for layer, left in (({"kind": "max_pool", "size": 2}, 5), ({"kind": "conv1d", "kernel": 3}, 8)):
        with pytest.raises(Problem) as refused:
            recipe(length=10).replace(layers=[{"kind": "embedding"}, layer])
        assert refused.value.key == "output_needs_every_step"
        assert refused.value.values == {"steps": 10, "came": left}
    recipe(length=10).replace(layers=[{"kind": "embedding"}, {"kind": "conv1d", "kernel": 3, "padding": 1}])


def test_a_row_of_which_nothing_is_asked_costs_nothing() -> None:
    outputs = torch.randn(1, 3, 4).requires_grad_()
    loss = TokenAnswers(vocabulary=4).coding(CrossEntropy()).losses(outputs, torch.zeros(1, 3, dtype=torch.long))
    loss.sum().backward()
    assert loss.tolist() == [0.0]
    assert outputs.grad is not None and outputs.grad.isfinite().all()


def test_only_cross_entropy_fits_and_no_class_weights() -> None:
    assert list_fitting_losses({"kind": "reverse"}) == ["cross_entropy"]
    for kind in set(kinds(Loss)) - {"cross_entropy"}:
        with pytest.raises(Problem) as refused:
            recipe().replace(loss={"kind": kind})
        assert refused.value.key == "loss_needs_one_answer"
    with pytest.raises(Problem) as refused:
        recipe().replace(class_weights="balanced")
    assert refused.value.key == "class_weights_need_classes"


def test_copy_says_each_symbol_again_after_the_delay_and_reverse_from_the_end() -> None:
    copied = prepare(recipe("copy", length=10, delay=3))
    for row, y in zip(copied.train.X, copied.train.y, strict=True):
        assert y.tolist() == [0, 0, 0, *row[:7].tolist()]
    assert len({tuple(row[:7]) for row in copied.train.X}) == len(copied.train.X)
    turned = prepare(recipe("reverse", length=6))
    for row, y in zip(turned.train.X, turned.train.y, strict=True):
        assert y.tolist() == list(reversed(row.tolist()))


def test_a_step_goes_down_the_gradient_of_plain_torch() -> None:
    experiment = recipe("reverse", length=6)
    experiment = experiment.replace(optimizer={"kind": "sgd", "learning_rate": 0.1}, batch_size=experiment.train_rows)
    trainer = Trainer(experiment, device="cpu", engine="autograd")
    before = {name: value.clone() for name, value in trainer.model.state_dict().items()}
    X, y = torch.from_numpy(trainer.data.train.X), torch.from_numpy(trainer.data.train.y)
    parameters = dict(trainer.model.named_parameters())
    outputs = trainer.model(X)
    loss = functional.cross_entropy(outputs.flatten(0, 1), y.flatten())
    gradients = torch.autograd.grad(loss, list(parameters.values()))
    next(trainer.steps())
    for (name, value), gradient in zip(parameters.items(), gradients, strict=True):
        torch.testing.assert_close(value.detach(), before[name] - 0.1 * gradient, atol=1e-6, rtol=1e-4)


@pytest.mark.parametrize("kind", EACH_STEP)
def test_the_history_has_both_accuracies_of_both_parts(kind: str) -> None:
    trainer = trained(recipe(kind))
    assert trainer.history.columns[2:] == (
        "train_loss", "test_loss", "train_accuracy", "test_accuracy", "train_sequence_accuracy", "test_sequence_accuracy",
    )  # fmt: skip
    for split, scores in (("train", trainer.scores().train), ("watched", trainer.scores().watched)):
        part = getattr(trainer.data, split)
        with torch.no_grad():
            said = trainer.model.eval()(torch.from_numpy(part.X)).argmax(2).numpy()
        right, asked = said == part.y, part.y != 0
        assert scores["accuracy"] == pytest.approx(right[asked].mean())
        assert scores["sequence_accuracy"] == pytest.approx((right | ~asked).all(1).mean())


@pytest.mark.parametrize("kind", EACH_STEP)
def test_a_run_goes_on_from_its_state_bit_for_bit(kind: str) -> None:
    one, other = trained(recipe(kind), 6), Trainer(recipe(kind), device="cpu", engine="autograd")
    other.restore(one.state())
    for trainer in (one, other):
        for _ in islice(trainer.steps(), 6):
            pass
    assert np.array_equal(one.history.rows(), other.history.rows())
    assert torch.equal(one.engine.flat, other.engine.flat)


@pytest.mark.parametrize("kind", EACH_STEP)
def test_a_checkpoint_predicts_the_probability_of_each_token_at_each_step(kind: str) -> None:
    trainer = trained(recipe(kind))
    checkpoint = open_checkpoint(save_checkpoint(trainer.snapshot(), trainer.data))
    raw = trainer.data.watched.raw
    said = predict(checkpoint, raw)
    assert said.shape == (*raw.shape, trainer.experiment.dataset.vocabulary)
    with torch.no_grad():
        plain = trainer.model(torch.from_numpy(trainer.data.watched.X)).softmax(2).numpy()
    np.testing.assert_allclose(said, plain, atol=1e-6)


@pytest.mark.parametrize("kind", EACH_STEP)
def test_onnx_runtime_says_the_same_tokens_at_two_batch_sizes(kind: str) -> None:
    trainer = trained(recipe(kind))
    checkpoint = checkpoint_of(trainer.snapshot(), trainer.data)
    session = onnxruntime.InferenceSession(export(checkpoint, "onnx"), providers=["CPUExecutionProvider"])
    for rows in (3, 8):
        X = trainer.data.watched.raw[:rows]
        (said,) = session.run(["probabilities"], {"columns": X.astype(np.float32)})
        np.testing.assert_allclose(said, predict(checkpoint, X), atol=1e-5)


@pytest.mark.parametrize("kind", EACH_STEP)
def test_the_script_trains_to_the_same_numbers(kind: str, tmp_path: Path, monkeypatch: Any, capsys: Any) -> None:
    experiment = recipe(kind).replace(validation_fraction=0.0)
    (tmp_path / "train.py").write_text(export_script(experiment, 2))
    monkeypatch.chdir(tmp_path)
    runpy.run_path("train.py", run_name="__main__")
    printed = capsys.readouterr().out.splitlines()
    trainer = Trainer(experiment, device="cpu", engine="autograd")
    while trainer.epoch < 2:
        trainer.advance()
    scores = trainer.scores()
    told = dict(line.rsplit(" ", 1) for line in printed[-4:])
    assert float(told["train_loss"]) == pytest.approx(scores.train["loss"], abs=2e-6)
    assert float(told["test_accuracy"]) == pytest.approx(scores.watched["accuracy"], abs=2e-6)


@pytest.mark.parametrize("kind", EACH_STEP)
def test_a_picture_and_the_looks_can_be_drawn(kind: str) -> None:
    trainer = trained(recipe(kind))
    picture = Picture(trainer)
    snapshot = trainer.snapshot()
    arrays = {**picture.arrays(snapshot), **picture.constant_arrays}
    assert all(np.isfinite(array).all() for array in arrays.values())
    json.dumps(picture.layout)
    looks = Looks(picture)
    found = looks.probe(snapshot, "train", 3)
    assert found is not None
    X, y = torch.from_numpy(trainer.data.train.X[3:4]), torch.from_numpy(trainer.data.train.y[3])
    with torch.no_grad():
        plain = functional.cross_entropy(trainer.model.eval()(X)[0], y, ignore_index=0)
    assert found[0]["loss"] == pytest.approx(plain.item(), rel=1e-5)


def test_whoever_judges_one_answer_a_row_says_so_in_one_sentence() -> None:
    trainer = trained(recipe())
    payload = save_checkpoint(trainer.snapshot(), trainer.data)
    for job in (evaluate, baselines, guards, verdict, seeds, report, card):
        with pytest.raises(Problem) as refused:
            job({}, payload, lambda *_: None)
        assert refused.value.key == "judged_by_row", job


def test_the_command_line_trains_evaluates_and_predicts(tmp_path: Path) -> None:
    (tmp_path / "recipe.json").write_text(recipe("reverse", length=5, symbols=3).to_json())

    def run(*words: str) -> str:
        done = subprocess.run(
            [sys.executable, "-m", "dlcore", *words], capture_output=True, text=True, timeout=10 * PATIENCE, check=False
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    out = str(tmp_path / "out")
    run("train", str(tmp_path / "recipe.json"), "--epochs", "2", "--out", out)
    scores = json.loads(run("evaluate", out))
    assert {"loss", "accuracy", "sequence_accuracy"} == set(scores["validation"])
    (tmp_path / "new.csv").write_text("step 1,step 2,step 3,step 4,step 5\n2,3,4,2,3\n")
    header, line = run("predict", out, str(tmp_path / "new.csv")).splitlines()
    assert header == "prediction"
    assert len(line.split()) == 5 and set(line.split()) <= {"a", "b", "c", "?", ""}
