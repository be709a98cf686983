"""The gallery: worked examples, each a recipe to start from and one question. To add one: a file in entries/ and its texts.

An entry's picture is painted by the engine from a run that was really trained: `python -m dlcore.gallery.painting` makes all of them.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

from pydantic import Field, field_validator

from dlcore.component import Component, validate
from dlcore.experiment import Experiment
from dlcore.recipe import values_of_json

FOLDER = Path(__file__).parent
ENTRIES, PICTURES = FOLDER / "entries", FOLDER / "pictures"
LONGEST = 20_000  # characters of an entry
MOST_LEVELS = 3


class Entry(Component):
    """One example. Lessons will extend it by steps and a check."""

    id: str = Field(pattern=r"^[a-z][a-z0-9_]{0,39}$", description="Name of the file, and in links.")
    level: int = Field(ge=1, le=MOST_LEVELS, description="How much has to be known before.")
    order: int = Field(ge=0, description="Place among all entries.")
    start: Experiment = Field(description="Recipe of the run with which it begins.")
    epochs: int = Field(ge=1, le=1000, description="After how many epochs its picture is painted.")
    hidden: tuple[str, ...] = Field(default=(), description="Groups of controls that are not shown with it.")
    heading: str = Field(description="Key of the message with its title.")
    question: str = Field(description="Key of the message with its question.")

    @field_validator("start")
    @classmethod
    def _begins_anew(cls, start: Experiment) -> Experiment:
        if start.journal:
            raise ValueError("an entry starts a run, so its recipe has no journal")
        return start

    @property
    def picture(self) -> Path:
        """Its picture, a PNG."""
        return PICTURES / f"{self.id}.png"


def read_entry(text: str) -> Entry:
    """Check the text of an entry. Raises Problem with the path of what is wrong."""
    values: Any = values_of_json(text, LONGEST)
    return validate(Entry, values)


@cache
def list_entries() -> tuple[Entry, ...]:
    """All entries, in their order."""
    found = [read_entry(path.read_text(encoding="utf-8")) for path in ENTRIES.glob("*.json")]
    return tuple(sorted(found, key=lambda entry: entry.order))


def find_entry(identifier: str) -> Entry | None:
    """The entry of this name; None if there is none."""
    return next((entry for entry in list_entries() if entry.id == identifier), None)
