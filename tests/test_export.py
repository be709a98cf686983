"""What is taken home gives the same numbers: a script that trains anew, an ONNX model that predicts."""

from __future__ import annotations

import json
import runpy
import subprocess
import sys
from itertools import islice
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
import safetensors.numpy

from dlcore import Experiment, Problem, Trainer
from dlcore.activations import Activation
from dlcore.checkpoint import Checkpoint, checkpoint_of, open_checkpoint, predict, save_checkpoint
from dlcore.component import kinds
from dlcore.desks.desks import Desks
from dlcore.export import FORMATS, export
from dlcore.export.script import export_script
from dlcore.runs.run import Run
from tests.patience import PATIENCE

pytestmark = pytest.mark.usefixtures("onnx_registered_once")
EPOCHS = 8
SCRIPTS = {
    "the default": {},
    "a wide relu net": {
        "dataset": {"kind": "spiral"},
        "features": ["x1", "x2", "sin_x2", "x1_squared"],
        "layers": [
            {"kind": "dense", "units": 16, "activation": {"kind": "leaky_relu"}, "initializer": {"kind": "he_normal"}},
            {"kind": "dense", "units": 7, "activation": {"kind": "gelu"}},
        ],
        "optimizer": {"kind": "adamw", "learning_rate": 0.03},
    },
    "a real table with everything on": {
        "dataset": {"kind": "digits"},
        "layers": [{"kind": "dense", "units": 33}, {"kind": "dropout", "p": 0.3}],
        "gradient_clip": 0.5,
        "regularizer": {"kind": "l1", "rate": 0.0001},
        "schedule": {"kind": "cosine", "epochs": 8},
        "batch_size": 32,
    },
    "a number as target, stopped early": {
        "dataset": {"kind": "diabetes"},
        "loss": {"kind": "huber"},
        "optimizer": {"kind": "rmsprop", "learning_rate": 0.05},
        "schedule": {"kind": "step", "every": 2},
        "early_stopping": 2,
        "seed": 7,
    },
    "five classes by distance": {
        "dataset": {"kind": "blobs", "classes": 5, "samples": 100},
        "loss": {"kind": "mae"},
        "optimizer": {"kind": "adagrad"},
        "schedule": {"kind": "warm_up"},
        "layers": [{"kind": "dense", "units": 3, "initializer": {"kind": "uniform"}}, {"kind": "dropout", "p": 0}],
    },
    "a line": {
        "dataset": {"kind": "sine"},
        "loss": {"kind": "mse"},
        "layers": [],
        "optimizer": {"kind": "sgd", "momentum": 0.9, "nesterov": True},
    },
    "drawn points": {
        "dataset": {
            "kind": "drawn",
            "train": [[round(i * 0.37 % 9 - 4.5, 3), round(i * 0.61 % 9 - 4.5, 3), i % 3] for i in range(50)],
            "test": [[-1, 0.5, 2], [3, -2.125, 0], [0, 0, 1]],
        },
        "features": ["x1", "x2", "x1_x2"],
        "test_fraction": 0.9,
    },
    "two classes of unlike size, weighted": {
        "dataset": {"kind": "breast_cancer"},
        "layers": [{"kind": "dense", "units": 6}, {"kind": "dropout", "p": 0.2}],
        "class_weights": "balanced",
        "gradient_clip": 0.5,
        "regularizer": {"kind": "l2"},
        "batch_size": 32,
        "early_stopping": 3,
    },
    "drawn points of three classes, weighted": {
        "dataset": {
            "kind": "drawn",
            **{
                part: [[i * 0.37 % 9 - 4.5, i * 0.61 % 9 - 4.5, (i % 7 == 0) + (i % 21 == 0)] for i in rows]
                for part, rows in (("train", range(80)), ("test", range(80, 120)))
            },
        },
        "class_weights": "balanced",
        "loss": {"kind": "mse"},
    },
    "sequences of numbers": {"dataset": {"kind": "adding", "length": 6, "samples": 100}, "loss": {"kind": "mse"}},
    "a real series": {
        "dataset": {"kind": "births", "length": 9},
        "loss": {"kind": "huber"},
        "test_fraction": 0.3,
        "batch_size": 256,
    },
    "a margin": {
        "dataset": {"kind": "moons"},
        "loss": {"kind": "hinge"},
        "regularizer": {"kind": "l2"},
        "gradient_clip": 1,
    },
}


def trained(recipe: dict, epochs: int) -> Trainer:
    # The script is plain torch: bit for bit what the autograd engine computes.
    trainer = Trainer(Experiment.from_dict(recipe), device="cpu", engine="autograd")
    steps = trainer.steps()
    while trainer.epoch < epochs and next(steps, None) is not None:
        pass
    return trainer


# The script


def printed_rows(trainer: Trainer) -> list[str]:
    """The history as a script prints it."""
    rows = [",".join([f"{int(e)}", f"{int(s)}", *(f"{v:.6f}" for v in vs)]) for e, s, *vs in trainer.history.rows()]
    return [",".join(trainer.history.columns), *rows]


def printed_scores(trainer: Trainer) -> list[str]:
    """The last four lines of a script."""
    scores = trainer.scores().to_dict()
    wanted = [(split, score) for score in ("loss", trainer.experiment.metric) for split in ("train", "test")]
    return [f"{split}_{score} {scores[split][score]:.6f}" for split, score in wanted]


def same_lines(printed: list[str], expected: list[str]) -> bool:
    """Whether they say the same, but for the last digit of a number: it may be rounded to either side."""
    if len(printed) != len(expected):
        return False
    pairs = [pair for lines in zip(printed, expected, strict=True) for pair in zip(*map(_words, lines), strict=True)]
    return all(one == other or abs(float(one) - float(other)) < 1.5e-6 for one, other in pairs)


def _words(line: str) -> list[str]:
    return line.replace(",", " ").split()


@pytest.mark.parametrize("name", SCRIPTS)
def test_the_script_reproduces_the_history(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    trainer = trained(SCRIPTS[name], EPOCHS)
    text = export_script(trainer.experiment, EPOCHS)
    (tmp_path / "train.py").write_text(text)
    monkeypatch.chdir(tmp_path)
    runpy.run_path("train.py")
    assert same_lines(capsys.readouterr().out.splitlines(), [*printed_rows(trainer), *printed_scores(trainer)])
    saved = safetensors.numpy.load((tmp_path / "model.safetensors").read_bytes())
    for key, weight in trainer.snapshot().weights.items():
        np.testing.assert_array_equal(saved[key], weight.numpy())


def test_the_script_needs_nothing_of_ours(tmp_path: Path) -> None:
    recipe = {"dataset": {"kind": "iris"}, "layers": [{"kind": "dense"}, {"kind": "dropout"}], "early_stopping": 9}
    trainer = trained(recipe, 5)
    (tmp_path / "train.py").write_text(export_script(trainer.experiment, 5))
    # -I: only installed packages can be imported, so nothing of this project.
    command = [sys.executable, "-I", "-W", "error", "train.py"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=PATIENCE, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert same_lines(done.stdout.splitlines(), [*printed_rows(trainer), *printed_scores(trainer)])
    assert sorted(path.name for path in tmp_path.iterdir()) == ["model.safetensors", "train.py"]


def test_only_what_the_recipe_uses_is_in_the_script() -> None:
    text = export_script(Experiment(), 3)
    for absent in (
        "Dropout",
        "hinge",
        "clip",
        "add_penalty",
        "learning_rate_factor",
        "sklearn",
        "best_test_loss",
        "classes == 2",
    ):
        assert absent not in text
    assert all(len(line) <= 140 for line in text.splitlines())


def test_a_script_that_diverges_says_so_in_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wild = {
        "dataset": {"kind": "plane"},
        "loss": {"kind": "mse"},
        "layers": [],
        "optimizer": {"kind": "sgd", "learning_rate": 100},
    }
    (tmp_path / "train.py").write_text(export_script(Experiment.from_dict(wild), 50))
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit, match="no longer a finite number") as stopped:
        runpy.run_path("train.py")
    assert "\n" not in str(stopped.value)


# ONNX


def checkpoint_after(recipe: dict, steps: int = 30) -> tuple[Checkpoint, np.ndarray]:
    """A trained checkpoint and raw test rows."""
    trainer = Trainer(Experiment.from_dict(recipe), device="cpu")
    for _ in islice(trainer.steps(), steps):
        pass
    return checkpoint_of(trainer.snapshot(), trainer.data), trainer.data.watched.raw


ONNX = {
    "every activation": {
        "layers": [{"kind": "dense", "units": 6, "activation": {"kind": kind}} for kind in kinds(Activation)],
    },
    "no layer, all features": {
        "features": ["x1", "x2", "x1_squared", "x2_squared", "x1_x2", "sin_x1", "sin_x2"],
        "layers": [],
        "loss": {"kind": "hinge"},
        "optimizer": {"kind": "adam", "learning_rate": 0.001},
    },
    "dropout and ten classes": {
        "dataset": {"kind": "digits"},
        "layers": [{"kind": "dense", "units": 8}, {"kind": "dropout", "p": 0.5}],
    },
    "classes by distance": {"dataset": {"kind": "wine"}, "loss": {"kind": "mse"}},
    "a number as target": {"dataset": {"kind": "diabetes"}, "loss": {"kind": "huber"}},
    "one input": {"dataset": {"kind": "step"}, "loss": {"kind": "mae"}},
}


@pytest.mark.parametrize("name", ONNX)
def test_onnx_runtime_predicts_the_same(name: str, capfd: pytest.CaptureFixture[str]) -> None:
    checkpoint, X = checkpoint_after(ONNX[name])
    content = export(checkpoint, "onnx")
    session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    output = "probabilities" if checkpoint.class_names else "values"
    assert [(value.name, value.shape[1]) for value in session.get_inputs()] == [("columns", X.shape[1])]
    for rows in (X, X[:1], X[:7]):  # Any number of rows.
        (predictions,) = session.run([output], {"columns": rows.astype(np.float32)})
        np.testing.assert_allclose(predictions, predict(checkpoint, rows), rtol=1e-5, atol=1e-5)
    assert capfd.readouterr() == ("", "")
    model = onnx.load_from_string(content)
    facts = {fact.key: fact.value for fact in model.metadata_props}
    assert Experiment.from_json(facts["recipe"]) == checkpoint.experiment
    assert tuple(json.loads(facts["column_names"])) == checkpoint.column_names
    assert str(Path.home()).encode() not in content
    assert b".py" not in content


def test_a_live_run_is_exported() -> None:
    run = Run("{}", "cpu")
    assert b"EPOCHS = 100\n" in run.file("script")  # Not trained yet: a number that shows something.
    run.epoch()
    while run.finishing_epoch:
        run.advance(1)
    assert b"EPOCHS = 1\n" in run.file("script")


def test_an_unknown_format_is_a_problem() -> None:
    checkpoint, _ = checkpoint_after({}, 0)
    with pytest.raises(Problem, match="script, onnx"):
        export(checkpoint, "pickle")
    assert FORMATS == ("script", "onnx", "report", "card")


@pytest.mark.xdist_group("nursery")
def test_an_export_made_in_a_desk_is_the_same_file() -> None:
    trainer = Trainer(Experiment(), "cpu")
    checkpoint = save_checkpoint(trainer.snapshot(), trainer.data)
    desks = Desks()
    for form in FORMATS:
        assert desks.ask("export", checkpoint, form=form)[1] == export(open_checkpoint(checkpoint), form)
    with pytest.raises(Problem, match="checkpoint"):
        desks.ask("export", b"no checkpoint", form="script")
    desks.stop()
