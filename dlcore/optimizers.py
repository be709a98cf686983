"""Optimizers: gradient descent and its children. g is the gradient, w the weights, lr the learning rate.

The rules are written out here, for the one flat tensor that holds all parameters: what this project exists to show, and a start of
torch.optim costs 1.7 s of imports. The tests hold each against its class in torch.optim, `rule`, which exported scripts use.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from pydantic import Field, model_validator

from dlcore.component import Component
from dlcore.problems import Problem

if TYPE_CHECKING:
    import torch


Memory = dict[str, "torch.Tensor"]  # what a rule remembers from step to step, each of the shape of w; "step" is a count


class OptimizerComponent(Component):
    """One update rule; `rule` is its class in torch.optim."""

    rule: ClassVar[str]
    learning_rate: float = Field(default=0.03, gt=0, le=100, description="Length of a step along the gradient.")

    def arguments(self) -> dict[str, Any]:
        """Keyword arguments of the torch.optim class."""
        return {"lr": self.learning_rate}

    def update(self, w: torch.Tensor, g: torch.Tensor, memory: Memory, lr: float) -> None:
        """One step in place, for a w of any shape, its gradient g, and the memory that the last step left ({} at first)."""
        raise NotImplementedError


class SGD(OptimizerComponent):
    """v = momentum * v + g; w -= lr * v, with Nesterov's look ahead if asked (Robbins and Monro, 1951; Sutskever et al., 2013)."""

    kind: Literal["sgd"] = "sgd"
    title: ClassVar[str] = "SGD"
    rule: ClassVar[str] = "SGD"
    momentum: float = Field(default=0.0, ge=0, lt=1, description="Share of the last step that is kept.")
    nesterov: bool = Field(
        default=False, description="Take the gradient where the momentum will lead (needs momentum)."
    )

    @model_validator(mode="after")
    def _nesterov_needs_momentum(self) -> SGD:
        if self.nesterov and self.momentum == 0:
            raise Problem("out_of_bounds", path="optimizer.momentum", expected="more than 0 with nesterov", came=0)
        return self

    def arguments(self) -> dict[str, Any]:
        return {"lr": self.learning_rate, "momentum": self.momentum, "nesterov": self.nesterov}

    def update(self, w: torch.Tensor, g: torch.Tensor, memory: Memory, lr: float) -> None:
        if not self.momentum:
            w.add_(g, alpha=-lr)
            return
        if "velocity" not in memory:
            memory["velocity"] = g.clone()
        else:
            memory["velocity"].mul_(self.momentum).add_(g)
        velocity = memory["velocity"]
        w.add_(g.add(velocity, alpha=self.momentum) if self.nesterov else velocity, alpha=-lr)


class RMSprop(OptimizerComponent):
    """s = alpha * s + (1 - alpha) * g^2; w -= lr * g / (sqrt(s) + eps) (Hinton, lecture 6e, 2012)."""

    kind: Literal["rmsprop"] = "rmsprop"
    title: ClassVar[str] = "RMSprop"
    rule: ClassVar[str] = "RMSprop"
    learning_rate: float = Field(default=0.01, gt=0, le=100, description="Length of a step along the gradient.")
    alpha: float = Field(default=0.99, ge=0, lt=1, description="How slowly the mean square of the gradient moves.")

    def arguments(self) -> dict[str, Any]:
        return {"lr": self.learning_rate, "alpha": self.alpha}

    def update(self, w: torch.Tensor, g: torch.Tensor, memory: Memory, lr: float) -> None:
        square = _recall(memory, "square", w)
        square.mul_(self.alpha).addcmul_(g, g, value=1 - self.alpha)
        w.addcdiv_(g, square.sqrt().add_(1e-8), value=-lr)


class Adam(OptimizerComponent):
    """w -= lr * m / (sqrt(v) + eps), m and v the bias-corrected running means of g and g^2 (Kingma and Ba, 2015)."""

    kind: Literal["adam"] = "adam"
    title: ClassVar[str] = "Adam"
    rule: ClassVar[str] = "Adam"
    learning_rate: float = Field(default=0.01, gt=0, le=100, description="Length of a step along the gradient.")
    beta1: float = Field(default=0.9, ge=0, lt=1, description="How slowly the mean of the gradient moves.")
    beta2: float = Field(default=0.999, ge=0, lt=1, description="How slowly the mean square of the gradient moves.")

    def arguments(self) -> dict[str, Any]:
        return {"lr": self.learning_rate, "betas": (self.beta1, self.beta2)}

    def update(self, w: torch.Tensor, g: torch.Tensor, memory: Memory, lr: float) -> None:
        _adam_update(w, g, memory, lr, self.beta1, self.beta2)


class AdamW(OptimizerComponent):
    """Adam, and w -= lr * weight_decay * w apart from the gradient (Loshchilov and Hutter, 2019)."""

    kind: Literal["adamw"] = "adamw"
    title: ClassVar[str] = "AdamW"
    rule: ClassVar[str] = "AdamW"
    learning_rate: float = Field(default=0.01, gt=0, le=100, description="Length of a step along the gradient.")
    beta1: float = Field(default=0.9, ge=0, lt=1, description="How slowly the mean of the gradient moves.")
    beta2: float = Field(default=0.999, ge=0, lt=1, description="How slowly the mean square of the gradient moves.")
    weight_decay: float = Field(
        default=0.01, ge=0, le=1, description="Share of each weight that a unit step takes away."
    )

    def arguments(self) -> dict[str, Any]:
        return {"lr": self.learning_rate, "betas": (self.beta1, self.beta2), "weight_decay": self.weight_decay}

    def update(self, w: torch.Tensor, g: torch.Tensor, memory: Memory, lr: float) -> None:
        _adam_update(w, g, memory, lr, self.beta1, self.beta2, self.weight_decay)


class Adagrad(OptimizerComponent):
    """s += g^2; w -= lr * g / (sqrt(s) + eps): steps shrink where gradients were large (Duchi et al., 2011)."""

    kind: Literal["adagrad"] = "adagrad"
    title: ClassVar[str] = "Adagrad"
    rule: ClassVar[str] = "Adagrad"
    learning_rate: float = Field(default=0.05, gt=0, le=100, description="Length of a step along the gradient.")

    def update(self, w: torch.Tensor, g: torch.Tensor, memory: Memory, lr: float) -> None:
        square = _recall(memory, "square", w)
        square.addcmul_(g, g)
        w.addcdiv_(g, square.sqrt().add_(1e-10), value=-lr)


def _adam_update(
    w: torch.Tensor, g: torch.Tensor, memory: Memory, lr: float, beta1: float, beta2: float, decay: float = 0.0
) -> None:
    import torch

    # All memory is taken before anything moves: a GPU that is full must not leave half a step behind.
    mean, square = _recall(memory, "mean", w), _recall(memory, "square", w)
    root = torch.empty_like(w)
    if "step" not in memory:
        memory["step"] = torch.zeros(())  # On the CPU, where it is read.
    count = memory["step"]
    count += 1
    step = count.item()
    if decay:
        w.mul_(1 - lr * decay)
    mean.lerp_(g, 1 - beta1)
    square.mul_(beta2).addcmul_(g, g, value=1 - beta2)
    torch.sqrt(square, out=root).div_((1 - beta2**step) ** 0.5).add_(1e-8)
    w.addcdiv_(mean, root, value=-lr / (1 - beta1**step))


def _recall(memory: Memory, name: str, like: torch.Tensor) -> torch.Tensor:
    if name not in memory:
        memory[name] = like.new_zeros(like.shape)
    return memory[name]


Optimizer = Annotated[SGD | RMSprop | Adam | AdamW | Adagrad, Field(discriminator="kind")]
