"""Generated data on the plane (x1, x2 in about -6..6) or on a line.

Where a set of that name exists in the TensorFlow Playground (Smilkov et al., 2017), its rule is the same: noise moves the point that is
asked for its label, not the point that is shown, except in spiral and gauss.
"""

from __future__ import annotations

from typing import ClassVar, Literal

import numpy as np
from pydantic import Field

from dlcore.datasets.base import Table
from dlcore.datasets.fitting import Fitting
from dlcore.datasets.rules import Rows, RuleData
from dlcore.objectives import Classes, Numbers, ObjectiveComponent, objective_of_classes

WAVES = ("x1", "x2", "sin_x1", "sin_x2")  # features for what repeats itself over the plane


def circle(samples: int, noise: float, generator: np.random.Generator) -> Rows:
    half = samples // 2
    radius = np.concatenate([generator.uniform(0, 2.5, half), generator.uniform(3.5, 5, samples - half)])
    angle = generator.uniform(0, 2 * np.pi, samples)
    X = np.stack([radius * np.sin(angle), radius * np.cos(angle)], axis=1)
    asked = X + generator.uniform(-5, 5, X.shape) * noise
    return X, (np.hypot(asked[:, 0], asked[:, 1]) < 2.5).astype(np.int64)


def xor(samples: int, noise: float, generator: np.random.Generator) -> Rows:
    X = generator.uniform(-5, 5, (samples, 2))
    X += np.where(X > 0, 0.3, -0.3)
    asked = X + generator.uniform(-5, 5, X.shape) * noise
    return X, (asked[:, 0] * asked[:, 1] >= 0).astype(np.int64)


def gauss(samples: int, noise: float, generator: np.random.Generator) -> Rows:
    y = (np.arange(samples) < samples // 2).astype(np.int64)
    deviation = (0.5 + 7 * noise) ** 0.5
    return np.where(y == 1, 2.0, -2.0)[:, None] + deviation * generator.standard_normal((samples, 2)), y


def spiral(samples: int, noise: float, generator: np.random.Generator) -> Rows:
    half = samples // 2
    y = (np.arange(samples) < half).astype(np.int64)
    along = np.concatenate([np.arange(half) / half, np.arange(samples - half) / (samples - half)])
    angle = 1.75 * along * 2 * np.pi + np.where(y == 1, 0, np.pi)
    X = 5 * along[:, None] * np.stack([np.sin(angle), np.cos(angle)], axis=1)
    return X + generator.uniform(-1, 1, X.shape) * noise, y


def moons(samples: int, noise: float, generator: np.random.Generator) -> Rows:
    half = samples // 2
    y = (np.arange(samples) < half).astype(np.int64)
    angle = generator.uniform(0, np.pi, samples)
    upper = np.stack([np.cos(angle) - 0.5, np.sin(angle) - 0.25], axis=1)
    lower = np.stack([0.5 - np.cos(angle), 0.25 - np.sin(angle)], axis=1)
    return 3 * np.where(y[:, None] == 1, upper, lower) + 1.5 * noise * generator.standard_normal((samples, 2)), y


def rings(samples: int, noise: float, generator: np.random.Generator) -> Rows:
    ring = np.arange(samples) % 3
    radius = np.array([0.8, 2.8, 4.8])[ring] + generator.uniform(-0.5, 0.5, samples)
    angle = generator.uniform(0, 2 * np.pi, samples)
    X = np.stack([radius * np.sin(angle), radius * np.cos(angle)], axis=1)
    return X + noise * generator.standard_normal((samples, 2)), (ring != 1).astype(np.int64)


def checkerboard(samples: int, noise: float, generator: np.random.Generator) -> Rows:
    X = generator.uniform(-5, 5, (samples, 2))
    asked = X + noise * generator.standard_normal((samples, 2))
    return X, (np.floor(asked / 2.5).sum(axis=1).astype(np.int64) % 2)


def blobs(samples: int, noise: float, generator: np.random.Generator, classes: int) -> Rows:
    y = np.arange(samples) % classes
    angle = 2 * np.pi * y / classes
    centres = 3.5 * np.stack([np.sin(angle), np.cos(angle)], axis=1)
    return centres + (0.4 + 1.6 * noise) * generator.standard_normal((samples, 2)), y


def plane(samples: int, noise: float, generator: np.random.Generator) -> Rows:
    X = generator.uniform(-6, 6, (samples, 2))
    asked = X + generator.uniform(-6, 6, X.shape) * noise
    return X, asked.sum(axis=1) / 10


def multi_gauss(samples: int, noise: float, generator: np.random.Generator) -> Rows:
    X = generator.uniform(-6, 6, (samples, 2))
    asked = X + generator.uniform(-6, 6, X.shape) * noise
    peaks = np.array([[-4, 2.5, 1], [0, 2.5, -1], [4, 2.5, 1], [-4, -2.5, -1], [0, -2.5, 1], [4, -2.5, -1]])
    distance = np.hypot(asked[:, 0:1] - peaks[:, 0], asked[:, 1:2] - peaks[:, 1])
    heights = peaks[:, 2] * np.clip(1 - distance / 2, 0, 1)
    return X, heights[np.arange(samples), np.abs(heights).argmax(axis=1)]


def sine(samples: int, noise: float, generator: np.random.Generator) -> Rows:
    X = generator.uniform(-6, 6, (samples, 1))
    return X, np.sin(X[:, 0]) + 0.5 * noise * generator.standard_normal(samples)


def step(samples: int, noise: float, generator: np.random.Generator) -> Rows:
    X = generator.uniform(-6, 6, (samples, 1))
    return X, np.where(X[:, 0] >= 0, 1.0, -1.0) + 0.5 * noise * generator.standard_normal(samples)


class ToyDataset(RuleData):
    """Points made by a rule from the seed."""

    objective: ClassVar[ObjectiveComponent] = objective_of_classes(2)
    inputs: ClassVar[int] = 2
    tried: ClassVar[Fitting | None] = Fitting()
    samples: int = Field(default=500, ge=20, le=5000, description="Number of points, training and test together.")
    noise: float = Field(
        default=0.1, ge=0, le=1, description="How far points stray, as a share of the picture's scale."
    )

    @property
    def rows(self) -> int:
        return self.samples

    def rule_arguments(self) -> dict[str, float]:
        return {"samples": self.samples, "noise": self.noise}

    def sample(self, generator: np.random.Generator) -> Table:
        X, y = self.make(generator)
        names = ("x1", "x2") if self.inputs == 2 else ("x",)
        return Table(X, y, names, tuple(str(index) for index in range(self.num_classes)))


class CircleData(ToyDataset):
    """Class 1 inside a disc of radius 2.5, class 0 in the ring from 3.5 to 5 (Smilkov et al., 2017)."""

    kind: Literal["circle"] = "circle"
    title: ClassVar[str] = "Circle"
    rule = staticmethod(circle)


class XorData(ToyDataset):
    """Class 1 where x1 * x2 >= 0: no straight line separates it (Minsky and Papert, Perceptrons, 1969)."""

    kind: Literal["xor"] = "xor"
    title: ClassVar[str] = "XOR"
    tried: ClassVar[Fitting | None] = Fitting((4, 4))
    rule = staticmethod(xor)


class GaussData(ToyDataset):
    """Two Gaussian clouds at (2, 2) and (-2, -2), variance 0.5 + 7 * noise: a line is enough (Smilkov et al., 2017)."""

    kind: Literal["gauss"] = "gauss"
    title: ClassVar[str] = "Gauss"
    rule = staticmethod(gauss)


class SpiralData(ToyDataset):
    """Two arms of 1.75 turns, wound into each other (Lang and Witbrock, 1988)."""

    kind: Literal["spiral"] = "spiral"
    title: ClassVar[str] = "Spiral"
    tried: ClassVar[Fitting | None] = Fitting((8, 8, 8), "relu")
    rule = staticmethod(spiral)


class MoonsData(ToyDataset):
    """Two interlocking half circles (Pedregosa et al., scikit-learn's make_moons, 2011)."""

    kind: Literal["moons"] = "moons"
    title: ClassVar[str] = "Moons"
    rule = staticmethod(moons)


class RingsData(ToyDataset):
    """Three rings at radius 0.8, 2.8 and 4.8; the middle one is class 0 (after Pedregosa et al., make_circles, 2011)."""

    kind: Literal["rings"] = "rings"
    title: ClassVar[str] = "Rings"
    tried: ClassVar[Fitting | None] = Fitting((8, 8), "relu")
    rule = staticmethod(rings)


class CheckerboardData(ToyDataset):
    """Squares of side 2.5 in two alternating classes (Breiman, Bias, variance and arcing classifiers, 1996)."""

    kind: Literal["checkerboard"] = "checkerboard"
    title: ClassVar[str] = "Checkerboard"
    tried: ClassVar[Fitting | None] = Fitting((8, 8), features=WAVES)
    rule = staticmethod(checkerboard)


class BlobsData(ToyDataset):
    """One Gaussian cloud a class, on a circle of radius 3.5 (Pedregosa et al., scikit-learn's make_blobs, 2011)."""

    kind: Literal["blobs"] = "blobs"
    title: ClassVar[str] = "Blobs"
    rule = staticmethod(blobs)
    classes: int = Field(default=3, ge=2, le=6, description="Number of clouds, one class each.")

    @property
    def objective(self) -> Classes:  # type: ignore[override]
        return objective_of_classes(self.classes)

    def rule_arguments(self) -> dict[str, float]:
        return {**super().rule_arguments(), "classes": self.classes}


class PlaneData(ToyDataset):
    """y = (x1 + x2) / 10: a linear unit is enough (Smilkov et al., 2017)."""

    kind: Literal["plane"] = "plane"
    title: ClassVar[str] = "Plane"
    objective: ClassVar[ObjectiveComponent] = Numbers()
    rule = staticmethod(plane)


class MultiGaussData(ToyDataset):
    """Three hills and three hollows in two rows (Smilkov et al., 2017)."""

    kind: Literal["multi_gauss"] = "multi_gauss"
    title: ClassVar[str] = "Multi-Gauss"
    objective: ClassVar[ObjectiveComponent] = Numbers()
    tried: ClassVar[Fitting | None] = Fitting((8, 8), features=WAVES)
    rule = staticmethod(multi_gauss)


class SineData(ToyDataset):
    """y = sin(x) + noise / 2 * N(0, 1), one input (Bishop, Pattern Recognition and Machine Learning, 2006, section 1.1)."""

    kind: Literal["sine"] = "sine"
    title: ClassVar[str] = "Sine"
    objective: ClassVar[ObjectiveComponent] = Numbers()
    inputs: ClassVar[int] = 1
    tried: ClassVar[Fitting | None] = Fitting((8, 4), learning_rate=0.03)
    rule = staticmethod(sine)


class StepData(ToyDataset):
    """y = 1 for x >= 0, else -1, + noise / 2 * N(0, 1), one input (Hornik et al., 1989: how a smooth network makes an edge)."""

    kind: Literal["step"] = "step"
    title: ClassVar[str] = "Step"
    objective: ClassVar[ObjectiveComponent] = Numbers()
    inputs: ClassVar[int] = 1
    rule = staticmethod(step)


Toy = (
    CircleData | XorData | GaussData | SpiralData | MoonsData | RingsData | CheckerboardData | BlobsData
    | PlaneData | MultiGaussData | SineData | StepData
)  # fmt: skip
