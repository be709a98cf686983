"""Kinds of pictures: each recipe has one of its units and one of its output, and another kind is a class and its line in the list."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
import pytest
import torch

from dlcore.experiment import Experiment
from dlcore.frame import decode_frame
from dlcore.pictures import kinds
from dlcore.pictures.base import Bend, Drawable, Interval, OutputPicture
from dlcore.runs.run import Run

POINTS = 24


class Whiskers:
    """A unit's lowest, middle and highest answer to the training rows."""

    kind: ClassVar = "whiskers"
    painted: ClassVar = False

    @classmethod
    def suits(cls, drawable: Drawable, output: OutputPicture) -> bool:
        return drawable.experiment.dataset.kind == "xor"

    def __init__(self, drawable: Drawable, output: OutputPicture) -> None:
        self.inputs_DP = torch.from_numpy(drawable.data.train.X).T.contiguous()
        self.shape = (3,)
        self.beside = output.kind

    @property
    def layout(self) -> dict[str, Any]:
        return {"kind": self.kind, "beside": self.beside}

    def draw(self, answers_KP: torch.Tensor, bend: Bend) -> torch.Tensor:
        bent = bend(answers_KP)
        return torch.stack([bent.amin(1), bent.median(1).values, bent.amax(1)], 1)


class Ring:
    """The output on the unit circle of a plane."""

    kind: ClassVar = "ring"

    @classmethod
    def suits(cls, drawable: Drawable) -> bool:
        return drawable.experiment.dataset.kind in ("xor", "multi_gauss")

    def __init__(self, drawable: Drawable, side: int) -> None:
        angles = np.linspace(0, 2 * np.pi, POINTS, endpoint=False)
        self.circle = np.stack([np.cos(angles), np.sin(angles)], axis=1)
        self.inputs_DP = torch.from_numpy(drawable.data.scaling.inputs(self.circle).astype(np.float32)).T.contiguous()
        self.shape = (POINTS,)
        self.layout: dict[str, Any] = {"kind": self.kind, "side": side}

    def points(self, raw: np.ndarray, X: np.ndarray, y: np.ndarray) -> np.ndarray:
        return raw / np.linalg.norm(raw, axis=1, keepdims=True)

    def numbers(self, values_P: np.ndarray, value_range: Interval) -> dict[str, np.ndarray]:
        return {"output_ring": values_P.astype(np.float32)}


@pytest.fixture
def more_kinds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kinds, "UNITS", (Whiskers, *kinds.UNITS))
    monkeypatch.setattr(kinds, "OUTPUTS", (Ring, *kinds.OUTPUTS))


def frame_of(dataset: str, loss: str = "cross_entropy") -> tuple[Run, dict[str, Any], dict[str, np.ndarray]]:
    """A run of two inputs and three hidden units after one step, and its frame."""
    recipe = {
        "dataset": {"kind": dataset}, "loss": {"kind": loss}, "features": ["x1", "x2"],
        "layers": [{"kind": "dense", "units": 3, "activation": {"kind": "relu"}}],
    }  # fmt: skip
    run = Run(Experiment.from_dict(recipe).to_json(), "cpu")
    run.step()
    return run, *decode_frame(run.frame(version=None, structure=None, history=0))


@pytest.mark.usefixtures("more_kinds")
def test_a_kind_that_lives_in_a_test_is_laid_out_and_sent() -> None:
    run, header, arrays = frame_of("xor")
    assert header["layout"]["map"] == {"kind": "whiskers", "beside": "ring"}
    assert header["layout"]["output"]["kind"] == "ring"
    snapshot, train = run.learner.snapshot(), run.learner.data.train
    weight, bias, out_weight, out_bias = (value.numpy().astype(float) for value in snapshot.weights.values())
    hidden = np.maximum(train.X @ weight.T + bias, 0)
    found = (arrays["maps/0"] - 128.0) / 127 * arrays["scales/0"][:, None]
    expected = np.stack([hidden.min(0), np.sort(hidden, axis=0)[(len(hidden) - 1) // 2], hidden.max(0)], 1)
    assert np.abs(found - expected).max() <= arrays["scales/0"].max() / 127
    claims = np.tanh((hidden @ out_weight.T + out_bias) / 2)  # 2p - 1
    assert arrays["maps/1"].shape == (1, 3)
    assert ((arrays["maps/1"][0, [0, 2]] - 128.0) / 127) == pytest.approx([claims.min(), claims.max()], abs=0.01)
    # The output is asked on its own points, not on the rows.
    angles = 2 * np.pi * np.arange(POINTS) / POINTS
    circle = np.stack([np.cos(angles), np.sin(angles)], 1)
    said = np.tanh((np.maximum(circle @ weight.T + bias, 0) @ out_weight.T + out_bias) / 2)[:, 0]
    assert (arrays["output"] - 128.0) / 127 == pytest.approx(said, abs=0.01)
    assert np.linalg.norm(arrays["points/train"], axis=1) == pytest.approx(1, abs=1e-5)


@pytest.mark.usefixtures("more_kinds")
def test_units_and_output_have_kinds_of_their_own() -> None:
    _, header, arrays = frame_of("multi_gauss", "mse")
    assert header["layout"]["output"]["kind"] == "ring"
    assert header["layout"]["map"]["kind"] == "bars"  # No plane of points is there that could serve the units too.
    assert arrays["output_ring"].shape == (POINTS,)


@pytest.mark.usefixtures("more_kinds")
def test_what_it_does_not_suit_is_drawn_as_before() -> None:
    _, header, arrays = frame_of("circle")
    assert header["layout"]["map"]["kind"] == header["layout"]["output"]["kind"] == "plane"
    assert arrays["maps/0"].shape == (3, 50, 50)
