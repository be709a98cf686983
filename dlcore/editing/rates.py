"""The learning rate when the optimizer changes: it stays, and what the new optimizer usually has, or last had, is offered."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from dlcore.component import kind_of
from dlcore.optimizers import Optimizer


@dataclass
class Rates:
    """The learning rate that a person set for each optimizer, and the one that they took along to another optimizer."""

    chosen: dict[str, float] = field(default_factory=dict)  # {kind: rate}
    carried: tuple[str, float] | None = None  # (kind, rate) since the optimizer was changed

    def follow(self, before: Optimizer, after: Optimizer) -> None:
        """Remember what a change of the optimizer says: another kind took the rate along, or this kind was given a rate."""
        kind = kind_of(type(after))
        if kind != kind_of(type(before)):
            self.carried = (kind, after.learning_rate)
        elif before.learning_rate != after.learning_rate:
            self.chosen[kind] = after.learning_rate

    def find_wanted(self, optimizer: Optimizer) -> float | None:
        """The rate to offer: what the person last set for this optimizer, else its default. None unless another rate was taken along."""
        kind = kind_of(type(optimizer))
        wanted = self.chosen.get(kind, type(optimizer).model_fields["learning_rate"].default)
        present = optimizer.learning_rate
        return wanted if self.carried == (kind, present) and wanted != present else None

    def describe(self, optimizer: Optimizer) -> dict[str, Any] | None:
        """The offer as plain JSON values: {"wanted", "present", "own": whether the person had set it}; None if there is none."""
        wanted = self.find_wanted(optimizer)
        if wanted is None:
            return None
        return {
            "wanted": wanted,
            "present": optimizer.learning_rate,
            "own": kind_of(type(optimizer)) in self.chosen,
        }
