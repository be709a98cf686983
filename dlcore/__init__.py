"""dlcore: small networks, trained live.

    from dlcore import Experiment, Trainer

Importing this package imports nothing else, as a side process may need one small module of it alone: `Experiment`, and `Trainer`, for
which torch is needed, come when they are first asked for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dlcore.experiment import Experiment
    from dlcore.learning.trainer import Trainer
    from dlcore.problems import Problem

__all__ = ["Experiment", "Problem", "Trainer"]


def __getattr__(name: str) -> Any:
    match name:
        case "Experiment":
            from dlcore.experiment import Experiment

            return Experiment
        case "Problem":
            from dlcore.problems import Problem

            return Problem
        case "Trainer":
            from dlcore.learning.trainer import Trainer

            return Trainer
    raise AttributeError(f"module 'dlcore' has no attribute {name!r}")
