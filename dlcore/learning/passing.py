"""How a new layer begins as nearly as if it were not there: its activation is used where it is straight.

A unit hands on its input x as h = f(gain * x + shift), which the next layer reads as x = factor * h - constant: `factor` goes into
its weights, `constant` into its biases. ReLU and what rises for ever as it does are straight from some place on, tanh and sigmoid
around 0: x is moved there, and made small enough.

What is nearest to the identity is hard to train: a learning rate that was right is too large for answers h far from 0, and for a
layer whose answers are read many times larger (measured: beyond a shift of 4 or a factor of 4 a network that had learned falls
apart at its old learning rate). So both have a price, and a way that is a little less exact can win.

P points that stand for the training rows, U units, W ways that are tried.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch

Bend = Callable[[torch.Tensor], torch.Tensor]

PRICE = 1e-4  # cost of one unit of burden, as a share of the variance that is handed on wrong
POINTS = 17  # quantiles of the training rows
FACTORS = (1.0, 2.0, 4.0)
# factors by which a gain may differ from what the slope asks for
STEEPER = tuple(1.06**power for power in range(-3, 19))
CENTRES = (0.0, 0.5, 1.0, 1.5, 2.0, 3.0, 4.0)  # values of gain * x + shift for the middle of the inputs
FAR = 60.0  # so far from 0, an activation is flat or straight
AT_ONCE = 16  # units whose ways are tried together


@dataclass(frozen=True)
class Passing:
    """For each unit (U,): f(gain * x + shift) = h, and x = factor * h - constant, nearly."""

    gain: torch.Tensor
    shift: torch.Tensor
    factor: torch.Tensor
    constant: torch.Tensor

    def to(self, device: torch.device) -> Passing:
        """The same on this device."""
        return Passing(*(values.to(device) for values in vars(self).values()))


def nearest_passing(bend: Bend, inputs_NU: torch.Tensor) -> Passing:
    """The way on which this activation best hands on these inputs as they are, unit by unit; in float32 on the CPU."""
    points_PU = torch.quantile(inputs_NU.detach().cpu(), torch.linspace(0, 1, POINTS), dim=0)
    # Weights typed by hand can be so large that inputs are not finite.
    points_PU = points_PU.nan_to_num(0.0, 0.0, 0.0)
    found = [_nearest(bend, several) for several in points_PU.split(AT_ONCE, dim=1)]
    return Passing(*torch.cat(found, dim=1))


def _nearest(bend: Bend, points_PU: torch.Tensor) -> torch.Tensor:
    """(4, U) gain, shift, factor and constant."""
    gain_WU, shift_WU, factor_WU = _ways(bend, points_PU)
    h_WPU = bend(gain_WU[:, None] * points_PU + shift_WU[:, None])
    wrong_WPU = factor_WU[:, None] * h_WPU - points_PU
    constant_WU = wrong_WPU.mean(dim=1)
    share_WU = wrong_WPU.var(dim=1) / points_PU.var(dim=0).clamp(min=1e-12)
    # Squares of the gradients in the next layer and in this one, beyond those of a layer that is the identity.
    size_U = points_PU.square().mean(dim=0)
    burden_WU = (h_WPU.square().mean(dim=1) + size_U / gain_WU.square() - 2 * size_U) / size_U.clamp(min=1)
    cost_WU = share_WU + PRICE * (burden_WU.clamp(min=0) + (factor_WU != 1))
    return torch.stack([gain_WU, shift_WU, factor_WU, constant_WU]).gather(1, cost_WU.argmin(dim=0).expand(4, 1, -1))[
        :, 0
    ]


def _ways(bend: Bend, points_PU: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """(W, U) gains, shifts and factors; the first way as if the activation were the identity."""
    line = bend(torch.linspace(-FAR, FAR, 1201, dtype=torch.float64))
    slope, smallest = 10 * (line[-1] - line[-2]).item(), 1.0
    if slope < 1e-3:  # It is flat in the end: the steepest slope before counts.
        slope, smallest = 10 * line.diff().max().item(), 2 / (line.max() - line.min()).item()
    low_U, high_U = points_PU[0], points_PU[-1]
    factor_W = (smallest * torch.tensor(FACTORS)).repeat_interleave(len(STEEPER))
    gain_W = torch.tensor(STEEPER).repeat(len(FACTORS)) / (factor_W * slope)
    # The lowest input at 0, or the middle at a centre.
    at_zero_WU = -gain_W[:, None] * low_U
    centred_CWU = torch.tensor(CENTRES)[:, None, None] - gain_W[:, None] * (low_U + high_U) / 2
    shift_WU = torch.cat([0 * low_U[None], at_zero_WU, *centred_CWU])
    times = 1 + len(CENTRES)
    gain_W, factor_W = (torch.cat([torch.ones(1), values.repeat(times)]) for values in (gain_W, factor_W))
    return gain_W[:, None].expand_as(shift_WU), shift_WU, factor_W[:, None].expand_as(shift_WU)
