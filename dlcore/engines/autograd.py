"""The autograd engine: any stack of ours, on any device, by torch's own differentiation.

Lean: all parameters live in one flat tensor (the module's are views of it), so that clearing, clipping, penalty and update are one
operation each, whatever the number of layers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import nn

if TYPE_CHECKING:
    from dlcore.experiment import Experiment
    from dlcore.optimizers import Memory


class AutogradEngine:
    """Takes one optimisation step at a time on a model that it has flattened."""

    name = "autograd"

    def __init__(self, model: nn.Sequential, experiment: Experiment) -> None:
        self.model = model
        self.flat, self.is_weight = flatten(model)
        self.previous = self.flat.detach().clone()
        self.places = places(model)
        self.memory: Memory = {}
        self.optimizer = experiment.optimizer
        self.use(experiment)

    def use(self, experiment: Experiment) -> None:
        """Take over the learning settings of an experiment; an optimizer of the same kind keeps its memory."""
        if experiment.optimizer.kind != self.optimizer.kind:
            self.memory = {}
        self.optimizer = experiment.optimizer
        self.loss = experiment.loss
        self.classes = experiment.dataset.num_classes
        self.regularizer = experiment.regularizer
        self.clip = experiment.gradient_clip

    def step(self, X_BD: torch.Tensor, targets: torch.Tensor, learning_rate: float) -> float:
        """One update. Returns the batch's mean loss before it, without the penalty; a loss that is not finite makes no update."""
        gradient = self.flat.grad
        assert gradient is not None
        gradient.zero_()
        loss = self.loss.rows(self.model(X_BD), targets, self.classes).mean()
        value = loss.item()
        if value - value != 0:  # NaN or infinite
            self.restore_previous()
            return value
        loss.backward()
        with torch.no_grad():
            if self.regularizer.kind != "none":
                self.regularizer.add_gradient(gradient, self.flat.detach() * self.is_weight)
            if self.clip:
                nn.utils.clip_grad_norm_([self.flat], self.clip)
            self.previous.copy_(self.flat)
            self.optimizer.update(self.flat, gradient, self.memory, learning_rate)
        return value

    def copy_of_weights(self) -> dict[str, torch.Tensor]:
        """{name: value} of every parameter on the CPU; training that goes on does not move them."""
        flat = self.flat.detach().cpu().clone()
        return {name: flat[start:end].view(shape) for name, (start, end, shape) in self.places.items()}

    def restore_previous(self) -> None:
        """Go back to the last weights that gave a finite loss."""
        with torch.no_grad():
            self.flat.copy_(self.previous)


def places(model: nn.Sequential) -> dict[str, tuple[int, int, torch.Size]]:
    """{name: (start, end, shape)} of every parameter in the flat one."""
    found = {}
    start = 0
    for name, parameter in model.named_parameters():
        found[name] = (start, start + parameter.numel(), parameter.shape)
        start += parameter.numel()
    return found


def flatten(model: nn.Sequential) -> tuple[nn.Parameter, torch.Tensor]:
    """Move all parameters into one flat one, of which they (and their gradients) become views; and a mask, 1 for weights, 0 for biases."""
    parameters = list(model.parameters())
    flat = nn.Parameter(torch.cat([parameter.detach().reshape(-1) for parameter in parameters]))
    flat.grad = torch.zeros_like(flat)
    is_weight = torch.zeros_like(flat, requires_grad=False)
    for parameter, (start, end, shape) in zip(parameters, places(model).values(), strict=True):
        parameter.data = flat.data[start:end].view(shape)
        parameter.grad = flat.grad[start:end].view(shape)
        is_weight[start:end] = float(parameter.dim() > 1)
    return flat, is_weight
