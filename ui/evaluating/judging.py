"""What is remembered while somebody judges a run: the moment it speaks of, what was found of it, and the long jobs under way."""

from __future__ import annotations

import json
from collections import OrderedDict
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from dlcore.experiment import Experiment
from dlcore.rows import RowsKey, digest_of_test_rows

if TYPE_CHECKING:
    from dlcore.desks.job import Job
    from dlcore.problems import Problem

MOST_ANSWERS = 16  # kept of a moment: as JSON, since numbers in lists would take ten times the room


@dataclass
class Moment:
    """A checkpoint of a run with the history up to it, and what has been asked about it so far."""

    token: str
    content: bytes
    experiment: Experiment
    class_names: tuple[str, ...]
    column_names: tuple[str, ...]
    step: int
    epoch: int
    history: str  # as history.csv, thinned; "" where it was not at hand
    unsealed: bool = False  # whether somebody has asked for the scores on the sealed test rows
    answers: OrderedDict[str, tuple[str, bytes]] = field(default_factory=OrderedDict)

    @classmethod
    def of(cls, token: str, content: bytes, history: str) -> Moment:
        """The moment that a checkpoint of our own run holds: read in its header, without torch."""
        length = int.from_bytes(content[:8], "little")
        facts = json.loads(content[8 : 8 + length])["__metadata__"]
        experiment = Experiment.from_json(facts["recipe"])
        names = tuple(json.loads(facts["class_names"]))
        columns = experiment.dataset.column_names or tuple(json.loads(facts["column_names"]))
        return cls(token, content, experiment, names, columns, int(facts["step"]), int(facts["epoch"]), history)

    @cached_property
    def test_rows(self) -> str:
        """By which its test rows are known again: looks at them are counted under it."""
        return digest_of_test_rows(self.experiment)

    def recall(self, question: str) -> tuple[dict[str, Any], bytes] | None:
        """What was answered to this before."""
        if question not in self.answers:
            return None
        self.answers.move_to_end(question)
        header, payload = self.answers[question]
        return json.loads(header), payload

    def keep(self, question: str, header: dict[str, Any], payload: bytes) -> None:
        """Remember an answer; those not asked for longest are forgotten."""
        self.answers[question] = (json.dumps(header), payload)
        while len(self.answers) > MOST_ANSWERS:
            self.answers.popitem(last=False)


@dataclass(frozen=True)
class Begun:
    """A long job, and what it was begun with."""

    job: Job
    step: int
    epoch: int
    arguments: dict[str, Any]


@dataclass
class WhatIf:
    """The row that somebody moves, and how far it is moved."""

    asked: dict[str, Any] = field(default_factory=dict)  # which row
    row: tuple[int | None, RowsKey] | None = None  # the one that was found, among which rows
    values: dict[str, Any] = field(default_factory=dict)  # of the columns that were moved
    cover: dict[str, int] | None = None  # of a picture
    flip: dict[str, Any] | None = None  # of which row the smallest change was asked for

    def begin(self, asked: dict[str, Any], row: tuple[int | None, RowsKey] | None) -> None:
        """Begin with another row, as it is in the data."""
        self.asked, self.row, self.values, self.cover = asked, row, {}, None


@dataclass
class NewFile:
    """A file whose rows are to be predicted: its digest in the store, never its content."""

    upload: str
    name: str
    refusal: Problem | None = None  # why it cannot be read ...
    refused_for: tuple[str, ...] = ()  # ... for a network with these columns

    @property
    def arguments(self) -> dict[str, Any]:
        """The arguments of a job about it."""
        return {"upload": self.upload, "name": self.name}


@dataclass
class Judging:
    """What the page Evaluate remembers of one person."""

    moment: Moment | None = None
    begun: dict[str, Begun] = field(default_factory=dict)
    split: str = ""  # the rows that the page speaks of; "" until somebody has chosen
    subset: dict[str, Any] | None = None
    whatif: WhatIf = field(default_factory=WhatIf)
    file: NewFile | None = None
    looks: dict[str, int] = field(default_factory=dict)  # at sealed test rows, by the digest of these rows
