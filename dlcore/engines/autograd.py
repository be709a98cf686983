"""The autograd engine: any stack of ours, on any device, by torch's own differentiation.

Lean: all parameters live in one flat tensor (the module's are views of it), so that clearing, clipping, penalty and update are one
operation each, whatever the number of layers.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import torch
from torch import nn
from torch.utils.hooks import RemovableHandle

from dlcore.engines import convolutions
from dlcore.network import drawing_generator
from dlcore.stages import Marks, Stage, all_stages, stages_of

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
        self.parameter_slices = parameter_slices(model)
        learned = dict(model.named_parameters())
        #: {name: tensor} of what layers keep that no gradient moves, such as running means.
        self.buffers = {name: value for name, value in model.state_dict().items() if name not in learned}
        self.generator = drawing_generator(model)  # of dropout; None where nothing is drawn
        self.memory: Memory = {}
        self.frozen: torch.Tensor | None = None  # (len(flat),) bool: which weights are frozen
        # {address: which units of a hidden layer count as 0}, all of them
        self.silenced: dict[str, torch.Tensor] | None = None
        self._mutes: list[RemovableHandle] = []
        self._convolution_products: int | None = None
        self.optimizer = experiment.optimizer
        self.use(experiment)

    def use(self, experiment: Experiment) -> None:
        """Take over the learning settings of an experiment; an optimizer of the same kind keeps its memory."""
        if experiment.optimizer.kind != self.optimizer.kind:
            self.memory = {}
        self.experiment = experiment
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
            self._convolution_products = convolutions.count_heaviest_products(self.model, X_BD[:1])
        kept = {name: buffer.clone() for name, buffer in self.buffers.items()}  # The forward pass changes them.
        with convolutions.take_quickest(self._convolution_products, rows):
            losses_B = self.coding.losses(self.model(X_BD), targets)
            if weights_B is None:
                shares_B = _make_equal_shares(rows, losses_B.dtype, losses_B.device)
                value = losses_B.detach().sum().item() / rows
            else:
                shares_B = weights_B * weights_B.sum().reciprocal()
                value = (losses_B.detach() * shares_B).sum().item()
            if value - value != 0:  # NaN or infinite
                self.restore_previous()
                for name, buffer in kept.items():
                    self.buffers[name].copy_(buffer)
                return value
            # Backward from the losses of the rows: taking their mean first would cost 3% of a small network's step.
            losses_B.backward(shares_B)
        with torch.no_grad():
            if self.regularizer.kind != "none":
                self.regularizer.add_gradient(gradient, self.flat.detach() * self.is_weight)
            if self.frozen is not None:  # Before clipping: frozen weights have no share in the norm.
                gradient.masked_fill_(self.frozen, 0.0)
            if self.clip:
                nn.utils.clip_grad_norm_([self.flat], self.clip)
            self.previous.copy_(self.flat)
            self.optimizer.update(self.flat, gradient, self.memory, learning_rate)
            if self.frozen is not None:  # Decay and momentum move weights without a gradient too.
                torch.where(self.frozen, self.previous, self.flat, out=self.flat)
        return value

    def silence(self, units: Marks | None) -> None:
        """Let these units of hidden layers count as 0 from here on, and no others; None: none of them."""
        for mute in self._mutes:
            mute.remove()
        self._mutes = []
        if units is None or not any(mask.any() for mask in units.values()):
            self.silenced = None
            return
        stages = {stage.address: stage for stage in all_stages(stages_of(self.experiment))}
        self.silenced = {}
        for address, count in self.experiment.hidden_units.items():
            mask = units.get(address, torch.zeros(count, dtype=torch.bool)).to(self.flat.device)
            self.silenced[address] = mask
            if mask.any():
                # A hook, because one more module would change the names in the state_dict.
                module = self.model.get_submodule(stages[address].modules[-1])
                self._mutes.append(module.register_forward_hook(_Mute(stages[address], mask)))

    def gradient(self) -> torch.Tensor:
        """The gradient that the last step used, on the CPU: zeros before the first; training that goes on does not move it."""
        assert self.flat.grad is not None
        return self.flat.grad.detach().cpu().clone()

    def copy_of_weights(self) -> dict[str, torch.Tensor]:
        """{name: value} of every parameter and buffer on the CPU; training that goes on does not move them."""
        return self.split_by_name(self.flat.detach().cpu().clone()) | {
            name: value.cpu().clone() for name, value in self.buffers.items()
        }

    def split_by_name(self, flat: torch.Tensor) -> dict[str, torch.Tensor]:
        """{name: its part of `flat`}, numbers that belong to the parameters, each in its parameter's shape."""
        parts = flat.split([end - start for start, end, _ in self.parameter_slices.values()])
        return {
            name: part.view(shape)
            for part, (name, (_, _, shape)) in zip(parts, self.parameter_slices.items(), strict=True)
        }

    def restore_previous(self) -> None:
        """Go back to the last weights that gave a finite loss."""
        with torch.no_grad():
            self.flat.copy_(self.previous)


class _Mute:
    """A forward hook on the last module of a stage: its values without the silenced units."""

    def __init__(self, stage: Stage, units: torch.Tensor) -> None:
        self.stage, self.units = stage, units

    def __call__(self, module: nn.Module, inputs: object, values: torch.Tensor) -> torch.Tensor:
        return self.stage.without(self.units, values)


@lru_cache(maxsize=64)
def _make_equal_shares(rows: int, dtype: torch.dtype, device: torch.device) -> torch.Tensor:
    """What each row's loss counts in the mean: (rows,)."""
    return torch.full((rows,), 1 / rows, dtype=dtype, device=device)


def parameter_slices(model: nn.Sequential) -> dict[str, tuple[int, int, torch.Size]]:
    """{name: (start, end, shape)} of every parameter within the flat parameter."""
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
    for parameter, (start, end, shape) in zip(parameters, parameter_slices(model).values(), strict=True):
        parameter.data = flat.data[start:end].view(shape)
        parameter.grad = flat.grad[start:end].view(shape)
        is_weight[start:end] = float(parameter.dim() > 1)
    return flat, is_weight
