"""The autograd engine: any stack of ours, on any device, by torch's own differentiation.

Lean: all parameters live in one flat tensor (the module's are views of it), so that clearing, clipping, penalty and update are one
operation each, whatever the number of layers.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from itertools import pairwise
from typing import TYPE_CHECKING

import torch
from torch import nn
from torch.utils.hooks import RemovableHandle

from dlcore.engines import convolutions

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
        self.frozen: torch.Tensor | None = None  # bool, like flat: what does not learn
        self.silenced: list[torch.Tensor] | None = None  # bool, one a hidden dense layer: units that count as 0
        self._mutes: list[RemovableHandle] = []
        self._convolution_products: int | None = None
        self.optimizer = experiment.optimizer
        self.use(experiment)

    def use(self, experiment: Experiment) -> None:
        """Take over the learning settings of an experiment; an optimizer of the same kind keeps its memory."""
        if experiment.optimizer.kind != self.optimizer.kind:
            self.memory = {}
        self.optimizer = experiment.optimizer
        self.coding = experiment.coding
        self.regularizer = experiment.regularizer
        self.clip = experiment.gradient_clip

    def step(
        self, X_BD: torch.Tensor, targets: torch.Tensor, learning_rate: float, weights_B: torch.Tensor | None = None
    ) -> float:
        """One update. Returns the batch's mean loss before it, without the penalty; a loss that is not finite makes no update.

        `weights_B`: what each row counts in that mean; None: all the same.
        """
        gradient = self.flat.grad
        assert gradient is not None
        gradient.zero_()
        rows = len(X_BD)
        if self._convolution_products is None:
            self._convolution_products = convolutions.heaviest(self.model, X_BD[:1])
        with convolutions.quickest(self._convolution_products, rows):
            losses_B = self.coding.losses(self.model(X_BD), targets)
            if weights_B is None:
                shares_B = _shares(rows, losses_B.dtype, losses_B.device)
                value = losses_B.detach().sum().item() / rows
            else:
                shares_B = weights_B * weights_B.sum().reciprocal()
                value = (losses_B.detach() * shares_B).sum().item()
            if value - value != 0:  # NaN or infinite
                self.restore_previous()
                return value
            # From the rows on instead of their mean, whose own forward and backward cost 3% of a small network's step.
            losses_B.backward(shares_B)
        with torch.no_grad():
            if self.regularizer.kind != "none":
                self.regularizer.add_gradient(gradient, self.flat.detach() * self.is_weight)
            if self.frozen is not None:  # Before clipping: what does not learn has no share in the norm.
                gradient.masked_fill_(self.frozen, 0.0)
            if self.clip:
                nn.utils.clip_grad_norm_([self.flat], self.clip)
            self.previous.copy_(self.flat)
            self.optimizer.update(self.flat, gradient, self.memory, learning_rate)
            if self.frozen is not None:  # Decay and momentum move weights without a gradient too.
                torch.where(self.frozen, self.previous, self.flat, out=self.flat)
        return value

    def silence(self, units: Sequence[torch.Tensor] | None) -> None:
        """Let these units of the hidden dense layers (bool, one tensor a layer) count as 0 from here on; None: let all speak."""
        for mute in self._mutes:
            mute.remove()
        self._mutes = []
        if units is None or not any(mask.any() for mask in units):
            self.silenced = None
            return
        self.silenced = [mask.to(self.flat.device) for mask in units]
        # Hooks, because a module more would change the names in the state_dict.
        for bend, mask in zip(self.bends, self.silenced, strict=True):
            if mask.any():
                self._mutes.append(bend.register_forward_hook(_Mute(mask)))

    @property
    def bends(self) -> list[nn.Module]:
        """The activation of each hidden dense layer."""
        return [after for module, after in pairwise(self.model) if isinstance(module, nn.Linear)]

    def gradient(self) -> torch.Tensor:
        """The gradient that the last step used, on the CPU: zeros before the first; training that goes on does not move it."""
        assert self.flat.grad is not None
        return self.flat.grad.detach().cpu().clone()

    def copy_of_weights(self) -> dict[str, torch.Tensor]:
        """{name: value} of every parameter on the CPU; training that goes on does not move them."""
        parts = self.flat.detach().cpu().clone().split([end - start for start, end, _ in self.places.values()])
        return {name: part.view(shape) for part, (name, (_, _, shape)) in zip(parts, self.places.items(), strict=True)}

    def restore_previous(self) -> None:
        """Go back to the last weights that gave a finite loss."""
        with torch.no_grad():
            self.flat.copy_(self.previous)


class _Mute:
    """A forward hook: the activation without its silenced units."""

    def __init__(self, units: torch.Tensor) -> None:
        self.units = units

    def __call__(self, module: nn.Module, inputs: object, activations_BK: torch.Tensor) -> torch.Tensor:
        return activations_BK.masked_fill(self.units, 0.0)  # Not times 0: infinity times 0 is no number.


@lru_cache(maxsize=64)
def _shares(rows: int, dtype: torch.dtype, device: torch.device) -> torch.Tensor:
    """What each row's loss counts in the mean: (rows,)."""
    return torch.full((rows,), 1 / rows, dtype=dtype, device=device)


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
