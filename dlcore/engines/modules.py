"""torch modules of our own."""

# torch types what the base classes may take; these take one tensor and give one.
# pyright: reportIncompatibleMethodOverride=false

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


class ColumnLinear(nn.Module):
    """Computes what an nn.Linear computes, with the same tensors, but holds each row as a column.

    For many rows of few numbers torch takes a fifth of the time. The result is a (B, K) view of a (K, B) tensor.
    """

    def __init__(self, linear: nn.Linear) -> None:
        super().__init__()
        self.weight, self.bias = linear.weight, linear.bias

    def forward(self, values_BD: torch.Tensor) -> torch.Tensor:
        """(B, D) in, (B, K) out; of a sequence (B, T, D) in, (B, T, K) out."""
        if values_BD.dim() != 2:
            return nn.functional.linear(values_BD, self.weight, self.bias)
        return torch.addmm(self.bias[:, None], self.weight, values_BD.T).T


def with_column_linears(model: nn.Module) -> nn.Module:
    """The model, changed in place, with a ColumnLinear for each of its nn.Linear."""
    for name, child in model.named_children():
        if isinstance(child, nn.Linear):
            setattr(model, name, ColumnLinear(child))
        else:
            with_column_linears(child)
    return model


class UnitBatchNorm(nn.BatchNorm1d):
    """nn.BatchNorm1d of lists (B, D), or of sequences (B, T, D) over all steps: the same shape out."""

    def forward(self, values: torch.Tensor) -> torch.Tensor:
        flat = values.flatten(0, -2) if values.dim() == 3 else values
        if self.training and len(flat) == 1:  # One row has no variance: it is normalised as a judged one.
            weight, bias = self.weight, self.bias
            return nn.functional.batch_norm(values, self.running_mean, self.running_var, weight, bias, eps=self.eps)
        return super().forward(flat).view(values.shape)
