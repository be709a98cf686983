"""Modules that are filled with the recipe's own generator: torch's own start draws from the process's."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import nn


def allocate(module: nn.Module, device: str, fill: Callable[[], None]) -> None:
    """Give a module that was made on the meta device its tensors on `device`, and fill them; on the meta device nothing happens."""
    if device == "meta":
        return
    for owner in module.modules():
        # By hand: to_empty imports sympy, 0.6 s of a worker's start.
        for name, parameter in list(owner.named_parameters(recurse=False)):
            setattr(owner, name, nn.Parameter(torch.empty(parameter.shape, device=device)))
    with torch.no_grad():
        fill()
