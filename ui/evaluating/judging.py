"""What the page Evaluate remembers: the moment it evaluates, the answers about it, and long jobs."""

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

MOST_ANSWERS = 16  # remembered of a moment, as JSON text: lists of numbers would take ten times the memory


@dataclass
class Moment:
    """A checkpoint of a run with the history up to it, and the answers about it so far."""

    token: str
    content: bytes
    experiment: Experiment
    class_names: tuple[str, ...]
    column_names: tuple[str, ...]
    step: int
    epoch: int
    history: str  # as history.csv, at most HISTORY_ROWS rows; "" if it could not be had
    unsealed: bool = False  # True once the test rows were opened
    answers: OrderedDict[str, tuple[str, bytes]] = field(default_factory=OrderedDict)

    @classmethod
    def of(cls, token: str, content: bytes, history: str) -> Moment:
        """The moment in a checkpoint that our own run wrote; reads the header of its safetensors, without torch."""
        length = int.from_bytes(content[:8], "little")
        facts = json.loads(content[8 : 8 + length])["__metadata__"]
        experiment = Experiment.from_json(facts["recipe"])
        names = tuple(json.loads(facts["class_names"]))
        columns = experiment.dataset.column_names or tuple(json.loads(facts["column_names"]))
        return cls(token, content, experiment, names, columns, int(facts["step"]), int(facts["epoch"]), history)

    @cached_property
    def test_rows(self) -> str:
        """A digest of the moment's test rows, under which openings of their scores are counted."""
        return digest_of_test_rows(self.experiment)

    def recall(self, question: str) -> tuple[dict[str, Any], bytes] | None:
        """The remembered answer to this question; None if there is none."""
        if question not in self.answers:
            return None
        self.answers.move_to_end(question)
        header, payload = self.answers[question]
        return json.loads(header), payload

    def keep(self, question: str, header: dict[str, Any], payload: bytes) -> None:
        """Remember an answer; beyond MOST_ANSWERS the one not asked for longest is forgotten."""
        self.answers[question] = (json.dumps(header), payload)
        while len(self.answers) > MOST_ANSWERS:
            self.answers.popitem(last=False)


@dataclass(frozen=True)
class Begun:
    """A long job, with the step and epoch of its moment and its arguments."""

    job: Job
    step: int
    epoch: int
    arguments: dict[str, Any]


@dataclass
class WhatIf:
    """The row of the section What-if, and the changes made to it."""

    asked: dict[str, Any] = field(default_factory=dict)  # the arguments that choose the row
    row: tuple[int | None, RowsKey] | None = None  # the row's number, and which data it is from
    values: dict[str, Any] = field(default_factory=dict)  # {column: new value} of the columns that were changed
    cover: dict[str, int] | None = None  # the square of an image that is covered
    flip: dict[str, Any] | None = None  # the arguments with which the smallest change was last asked for

    def begin(self, asked: dict[str, Any], row: tuple[int | None, RowsKey] | None) -> None:
        """Take another row, unchanged."""
        self.asked, self.row, self.values, self.cover = asked, row, {}, None


@dataclass
class NewFile:
    """A file whose rows are to be predicted: its digest in the store, never its content."""

    upload: str
    name: str
    refusal: Problem | None = None  # why the file cannot be used ...
    refused_for: tuple[str, ...] = ()  # ... by a network with these columns

    @property
    def arguments(self) -> dict[str, Any]:
        """The arguments of a job about this file."""
        return {"upload": self.upload, "name": self.name}


@dataclass
class Judging:
    """What the page Evaluate remembers of one person."""

    moment: Moment | None = None
    begun: dict[str, Begun] = field(default_factory=dict)
    section: str = ""  # what is opened large; "" shows all figures
    split: str = ""  # which part of the rows is evaluated; "" until somebody has chosen
    subset: dict[str, Any] | None = None
    whatif: WhatIf = field(default_factory=WhatIf)
    file: NewFile | None = None
    # openings of test rows that were kept back, by the digest of the test rows
    looks: dict[str, int] = field(default_factory=dict)
