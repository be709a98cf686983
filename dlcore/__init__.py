"""dlcore: small networks, trained live.

    from dlcore import Experiment, Trainer

Importing this package does not import torch; `Trainer` does when it is first asked for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dlcore.experiment import Experiment
from dlcore.problems import Problem

if TYPE_CHECKING:
    from dlcore.learning.trainer import Trainer

__all__ = ["Experiment", "Problem", "Trainer"]


def __getattr__(name: str) -> Any:
    if name == "Trainer":
        from dlcore.learning.trainer import Trainer

        return Trainer
    raise AttributeError(f"module 'dlcore' has no attribute {name!r}")
