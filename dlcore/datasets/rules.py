"""Data that a rule makes from the seed.

Each rule is a plain function of its fields and a generator -> (X, y), so that an exported script can carry its source.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

import numpy as np

from dlcore.datasets.base import DatasetComponent

Rows = tuple[np.ndarray, np.ndarray]


class RuleData(DatasetComponent):
    """Rows made by a rule from the seed."""

    rule: ClassVar[Callable[..., Rows]]

    def rule_arguments(self) -> dict[str, Any]:
        """Arguments of the rule beside the generator."""
        raise NotImplementedError

    def make(self, generator: np.random.Generator) -> Rows:
        """What the rule makes: X (N, C) float64 and y (N,)."""
        return type(self).rule(generator=generator, **self.rule_arguments())
