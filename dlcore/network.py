"""From a recipe to a plain nn.Sequential, whose state_dict names are those of the checkpoint."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import nn

from dlcore.engines.modules import SeededDropout
from dlcore.layers import Shape, filled_linear, values_of
from dlcore.randomness import derived_seed

if TYPE_CHECKING:
    from dlcore.experiment import Experiment


def build_model(experiment: Experiment, device: str = "cpu", draw: str = "weights") -> nn.Sequential:
    """The network with its initial weights, (B, inputs) -> (B, output units); the output activation belongs to the loss.

    Initial weights are drawn on the CPU, so that a seed gives the same network on every device. On "meta" nothing is allocated.
    Another `draw` names other weights of the same seed.
    """
    place = "meta" if device == "meta" else "cpu"
    generator = torch.Generator().manual_seed(derived_seed(experiment.seed, draw))
    dropout_generator = torch.Generator().manual_seed(derived_seed(experiment.seed, "dropout"))
    modules: list[nn.Module] = []
    shape: Shape = (experiment.num_inputs,)
    for layer in experiment.layers:
        modules += layer.build(shape, generator, place)
        shape = layer.output_shape(shape)
    modules.append(
        filled_linear(values_of(shape), experiment.num_outputs, experiment.output_initializer, generator, place)
    )
    for module in modules:
        if isinstance(module, SeededDropout):
            module.generator = dropout_generator
    return nn.Sequential(*modules).to(device)


def parameter_shapes(experiment: Experiment) -> dict[str, tuple[int, ...]]:
    """{name: shape} of every parameter, found on the meta device: nothing is allocated, however large."""
    return {name: tuple(value.shape) for name, value in build_model(experiment, "meta").state_dict().items()}
