"""A label: what the owner of a run has said about it. It is kept with the run, in its worker's absence too."""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass, field, fields
from typing import Any

LONGEST_NAME = 64  # characters


@dataclass(frozen=True)
class Label:
    """Name ("" for none), whether the run was kept by an act, takes part in comparisons, is deleted; `made` is a time of the wall clock."""

    name: str = ""
    kept: bool = False
    compared: bool = False
    deleted: bool = False  # It may still be brought back.
    made: float = field(default_factory=time.time)

    def to_dict(self) -> dict[str, Any]:
        """Plain values for a header."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: Any) -> Label:
        """The label in a header; an empty one if there is none, as in files of earlier versions."""
        if not isinstance(values, dict):
            return cls(made=0.0)
        return cls(**{each.name: values[each.name] for each in fields(cls) if each.name in values})
