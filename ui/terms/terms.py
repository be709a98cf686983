"""The terms, in the order in which one meets them: for each a picture, and a formula where there is one. Their texts are in locales/."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np

from ui.terms import drawing
from ui.terms.drawing import GREY, ORANGE, TEAL, curves


@dataclass(frozen=True)
class Term:
    """One card. `formula` is LaTeX; "" where a formula would say no more than the sentences."""

    picture: Callable[[], str]
    formula: str = ""


Z = np.linspace(-4, 4, 81)
P = np.linspace(0.02, 0.98, 81)
STEPS = np.arange(41)


def relu(z: np.ndarray) -> np.ndarray:
    """The larger of z and 0."""
    return np.maximum(z, 0)


def sigmoid(z: np.ndarray) -> np.ndarray:
    """1 / (1 + exp(-z))."""
    return 1 / (1 + np.exp(-z))


def softmax(z: np.ndarray) -> np.ndarray:
    """exp(z), divided by its sum."""
    return np.exp(z) / np.exp(z).sum()


def descend(rate: float, momentum: float = 0.0, start: float = -3.0, steps: int = 12) -> np.ndarray:
    """The points that gradient descent on w**2 / 2 visits: v <- momentum v + w, w <- w - rate v (as torch.optim.SGD)."""
    points, speed = [start], 0.0
    for _ in range(steps):
        speed = momentum * speed + points[-1]
        points.append(points[-1] - rate * speed)
    return np.array(points)


def cross_entropy() -> str:
    """The loss of a row over the probability of its class."""
    return curves([(P, -np.log(P), TEAL)])


def draw_overfitting(mark: int | None = None) -> str:
    """The losses of training rows, which go on falling, and of rows not seen, which rise again; their least is marked if asked."""
    train, unseen = 0.9 * np.exp(-STEPS / 9), 0.25 + 0.7 * np.exp(-STEPS / 6) + 0.0004 * STEPS**2
    dots = [(float(STEPS[unseen.argmin()]), float(unseen.min()), ORANGE)] if mark else []
    return curves([(STEPS, train, TEAL), (STEPS, unseen, ORANGE)], dots)


def draw_descent(*ways: tuple[float, float], steps: int = 6) -> str:
    """A valley, and the points that descents with these rates and momenta visit."""
    colours = (TEAL, ORANGE)
    dots = [
        (float(w), float(w) ** 2 / 2, colour)
        for (rate, momentum), colour in zip(ways, colours, strict=False)
        for w in descend(rate, momentum, steps=steps)
    ]
    return curves([(Z[10:71], Z[10:71] ** 2 / 2, GREY)], dots)


TERMS: dict[str, Term] = {
    "neuron": Term(drawing.draw_neuron, r"a = f(w_1 x_1 + w_2 x_2 + \dots + b)"),
    "weight": Term(lambda: curves([(Z, Z, TEAL), (Z, -0.5 * Z, ORANGE)]), r"z = w x"),
    "bias": Term(lambda: curves([(Z, np.tanh(Z), TEAL), (Z, np.tanh(Z - 2), ORANGE)]), r"z = w x + b"),
    "layer": Term(
        partial(drawing.draw_network, (2, 4, 3, 1)),
        r"\mathbf{a}^{(l)} = f(W^{(l)} \mathbf{a}^{(l-1)} + \mathbf{b}^{(l)})",
    ),
    "activation": Term(
        lambda: curves([(Z, np.tanh(Z), TEAL), (Z, np.maximum(Z, 0) / 2, ORANGE)]),
        r"\tanh z = \frac{e^{z} - e^{-z}}{e^{z} + e^{-z}}, \qquad \mathrm{ReLU}(z) = \max(0, z)",
    ),
    "softmax": Term(
        lambda: drawing.draw_bars(softmax(np.array([2.0, 1.0, 0.1, -1.0]))), r"p_k = \frac{e^{z_k}}{\sum_j e^{z_j}}"
    ),
    "loss": Term(cross_entropy, r"L = \frac{1}{n} \sum_{i=1}^{n} \ell(\hat{y}_i, y_i)"),
    "cross_entropy": Term(cross_entropy, r"\ell = -\log p_y"),
    "gradient": Term(
        partial(draw_descent, (0.35, 0.0)),
        r"\nabla L = \left(\frac{\partial L}{\partial w_1}, \frac{\partial L}{\partial w_2}, \dots\right)",
    ),
    "learning_rate": Term(
        partial(draw_descent, (0.3, 0.0), (1.9, 0.0)), r"w \leftarrow w - \eta \, \frac{\partial L}{\partial w}"
    ),
    "optimizer": Term(
        partial(draw_descent, (0.2, 0.0), (0.2, 0.5)), r"w \leftarrow w - \eta \, \frac{\partial L}{\partial w}"
    ),
    "momentum": Term(
        partial(draw_descent, (0.1, 0.0), (0.1, 0.8)),
        r"v \leftarrow \mu v + \frac{\partial L}{\partial w}, \qquad w \leftarrow w - \eta v",
    ),
    "batch": Term(partial(drawing.draw_rows, 40, 8, 0)),
    "epoch": Term(partial(drawing.draw_rows, 40, 8, 1), r"\lceil n / b \rceil"),
    "train_validation_test": Term(partial(drawing.draw_shares, (0.56, 0.14, 0.3))),
    "overfitting": Term(draw_overfitting),
    "early_stopping": Term(partial(draw_overfitting, 1)),
    "regularization": Term(
        lambda: curves([(Z, Z**2 / 4, TEAL), (Z, np.abs(Z), ORANGE)]),
        r"L + \lambda \sum w^2 \;\; (L_2), \qquad L + \lambda \sum |w| \;\; (L_1)",
    ),
    "dropout": Term(
        partial(drawing.draw_network, (2, 6, 6, 1), ((1, 1), (1, 4), (2, 0), (2, 3))),
        r"a' = \frac{m}{1 - p} \, a, \qquad m \in \{0, 1\}",
    ),
    "accuracy": Term(partial(drawing.draw_rows, 40, 8, 2), r"\frac{1}{n} \sum_{i=1}^{n} [\hat{y}_i = y_i]"),
    "standardization": Term(
        lambda: curves([(Z, np.exp(-((Z - 2) ** 2) / 0.8), ORANGE), (Z, np.exp(-(Z**2) / 2), TEAL)]),
        r"x' = \frac{x - \bar{x}}{s}",
    ),
    "vanishing_gradient": Term(
        lambda: curves([(Z, sigmoid(Z), TEAL), (Z, sigmoid(Z) * (1 - sigmoid(Z)), ORANGE)]),
        r"\sigma'(z) = \sigma(z) (1 - \sigma(z)) \le \tfrac{1}{4}",
    ),
    "dead": Term(
        lambda: curves([(Z, relu(Z), TEAL), (Z, (Z > 0) * 1.0, ORANGE)]), r"\mathrm{ReLU}'(z) = 0 \quad (z < 0)"
    ),
    "seed": Term(partial(drawing.draw_scatter, 3)),
}
