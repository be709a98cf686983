"""torch modules of our own."""

from __future__ import annotations

import torch
from torch import nn


class SeededDropout(nn.Module):
    """nn.Dropout with a generator of its own, so that a seed gives the same masks whatever else runs in the process."""

    def __init__(self, p: float) -> None:
        super().__init__()
        self.p = p
        self.generator = torch.Generator()

    def forward(self, values: torch.Tensor) -> torch.Tensor:
        """Any shape in, the same shape out; the identity in eval mode."""
        if not self.training or self.p == 0:
            return values
        return values * self.mask(values.shape).to(values.device) / (1 - self.p)

    def mask(self, shape: torch.Size) -> torch.Tensor:
        """The next one: 1 where a value stays, 0 where it is dropped. Drawn on the CPU, so that a seed gives the same on every device."""
        return torch.empty(shape).bernoulli_(1 - self.p, generator=self.generator)
