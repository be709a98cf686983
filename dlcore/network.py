"""From a recipe to a plain nn.Sequential, whose state_dict names are those of the checkpoint."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from dlcore.engines.modules import SeededDropout
from dlcore.engines.sequence_modules import Padding
from dlcore.layers import build_stack
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
    model = build_stack(experiment.stack, experiment.row_shape, generator, place)
    if experiment.unflattens:
        model = nn.Sequential(nn.Unflatten(1, experiment.row_shape), *model)
    for module in drawing_modules(model):
        module.generator = dropout_generator
    _share_padding(model)
    return model.to(device)


def list_own_modules(experiment: Experiment) -> list[str]:
    """The names of classes of ours that compute something which torch's classes of the same tensors do not.

    A plain nn.Sequential would load the tensors of a skip connection and silently leave it out. Dropout is none of them: it is at rest
    where a network is used.
    """
    modules = build_model(experiment, "meta").modules()
    own = {type(module).__name__ for module in modules if type(module).__module__.startswith("dlcore.")}
    return sorted(own - {SeededDropout.__name__})


def _share_padding(model: nn.Module) -> None:
    """Let attention know which steps the embedding has found to be padding."""
    padding = Padding()
    for module in model.modules():
        if isinstance(getattr(module, "padding", None), Padding):
            module.__dict__["padding"] = padding


def drawing_modules(model: nn.Module) -> list[Any]:
    """Its modules that draw random numbers while it trains, each from its `generator`, which is one and the same for all."""
    return [module for module in model.modules() if isinstance(getattr(module, "generator", None), torch.Generator)]


def drawing_generator(model: nn.Module) -> torch.Generator | None:
    """The generator of these modules; None where nothing is drawn."""
    return next((module.generator for module in drawing_modules(model)), None)
