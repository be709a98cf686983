"""What the links into a layer can truly say: its weights, sums of kernels, means over pixels; or nothing.

K units, S sources (the units before). Only links that are weights can be set, frozen one by one and compared by their gradients.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

import torch

from dlcore.layers import LIST, Shape, unit_axis, values_of
from dlcore.stages import Stage

#: weights: each link is one weight. sums: a kernel's sum. means: of the weights of all pixels or steps of a source. each: a unit sees one
#: source, its own. none: the numbers stand for something else.
Kind = Literal["weights", "sums", "means", "each", "none"]


@dataclass(frozen=True)
class Join:
    """How a stage's units are joined to the units drawn before it, of which a row has `before` as its shape."""

    kind: Kind
    before: Shape
    kernel: str = ""  # The names of its weights and of its biases, if the weights are kernels.
    bias: str = ""

    @property
    def sources(self) -> int:
        """How many units a unit sees."""
        return self.before[unit_axis(self.before)]

    def values(self, weight: torch.Tensor) -> torch.Tensor:
        """(K, S) numbers of the links, of its weights: (K, inputs), or (K, S, ...) if they are kernels."""
        if self.kind == "sums":
            return weight.flatten(2).sum(2)
        parts = weight.reshape(len(weight), *self.before)
        return parts.movedim(1 + unit_axis(self.before), 1).flatten(2).mean(2)


def joins_of(stages: Iterable[Stage], shape: Shape) -> dict[str, Join]:
    """{address: how it is joined} of these stages with units and of those inside them; `shape` is that of a row of the data."""
    return dict(_join(stages, shape))


def _join(stages: Iterable[Stage], shape: Shape) -> Iterator[tuple[str, Join]]:
    """`shape`: as the values stood after the last stage that was drawn; a layer between may have made a list of them."""
    for stage in stages:
        for branch in stage.branches:
            yield from _join(branch, shape)
        if stage.branches:
            shape = stage.plan.output_shape
        elif stage.plan.has_units:
            yield stage.address, _join_of(stage, shape)
            shape = stage.plan.output_shape
        elif values_of(shape) != stage.plan.outputs:  # It is no list of the same values.
            shape = stage.plan.output_shape


def _join_of(stage: Stage, before: Shape) -> Join:
    plan = stage.plan
    if stage.connections is not None:
        same = plan.input_shape[-1] == before[unit_axis(before)] and len(plan.input_shape) in (LIST, len(before))
        if same and (len(before) == len(plan.input_shape) or values_of(before) == plan.inputs):
            return Join("weights", before)
        return Join("means" if values_of(before) == plan.inputs else "none", before)
    kernels = [name for name, facts in stage.tensors.items() if facts.learned and len(facts.shape) > 2]
    sources = before[unit_axis(before)]
    if len(kernels) == 1 and stage.tensors[kernels[0]].shape[:2] == (plan.units, sources):
        biases = [name for name, facts in stage.tensors.items() if facts.learned and facts.shape == (plan.units,)]
        return Join("sums", before, kernels[0], biases[0] if len(biases) == 1 else "")
    if not stage.tensors and plan.units == sources:
        return Join("each", before)
    return Join("none", before)
