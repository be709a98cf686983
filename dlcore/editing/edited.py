"""What an edit gives."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from dlcore.experiment import Experiment
from dlcore.problems import Problem

Origins = dict[str, Any]


@dataclass(frozen=True)
class Edited:
    """The changed experiment, which old layers and units the new ones come from, as `Run.change` reads it, and what is to be told."""

    experiment: Experiment
    origins: Origins | None = None
    notices: tuple[Problem, ...] = ()
