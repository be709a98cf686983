"""torch modules that hold stacks of others. Exported scripts carry the source of these classes.

A plain nn.Sequential of the same names would load the same tensors and silently compute something else.
"""

# torch types what the base classes may take; these take one tensor and give one.
# pyright: reportIncompatibleMethodOverride=false

from __future__ import annotations

import torch
from torch import nn


class SkipConnection(nn.Sequential):
    """What comes in, plus what the modules make of it: any shape in, the same shape out."""

    def forward(self, values: torch.Tensor) -> torch.Tensor:
        return values + super().forward(values)


class AddedBranches(nn.ModuleList):
    """The sum of what each branch makes of the input."""

    def forward(self, values: torch.Tensor) -> torch.Tensor:
        return torch.stack([branch(values) for branch in self]).sum(0)


class ConcatenatedBranches(nn.ModuleList):
    """What each branch makes of the input, side by side: along the channels of pictures (B, C, H, W), along the last axis of all else."""

    def forward(self, values: torch.Tensor) -> torch.Tensor:
        outputs = [branch(values) for branch in self]
        return torch.cat(outputs, dim=1 if outputs[0].dim() == 4 else -1)
