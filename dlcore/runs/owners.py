"""Owners: to whom the runs of a worker belong, how much processor time each owner has used, and whose turn it is.

All runs without an owner count as one owner's. Owners share the time for training equally, and an owner's runs share its part. All
processor time spent for an owner counts, not only training: an owner who has used LEAD more than another one who wants something waits
until that one has caught up.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection

from dlcore import rights
from dlcore.runs.shares import Turns

LEAD = 0.25  # Seconds of processor time that an owner may be ahead of another one who waits before having to wait too.


class Owners:
    """The owners of the runs, by token, and the time that each has used."""

    def __init__(self) -> None:
        self._owners: dict[str, str] = {}  # By token.
        self._readers: dict[str, str] = {}  # By token, the mark of the person whose tables the run may read.
        self._all = Turns()  # Processor time by owner.
        self._training = Turns()  # Processor time for training by owner.
        self._training_of: defaultdict[str, Turns] = defaultdict(
            Turns
        )  # By owner, processor time for training by run of that owner.

    def add(self, token: str, owner: str, reader: str) -> None:
        """Add a run of this owner that may read the tables of `reader`."""
        self._owners[token] = owner
        self._readers[token] = reader

    def remove(self, token: str) -> None:
        """Forget the run, and its owner if it was the last one."""
        self._readers.pop(token, None)
        owner = self._owners.pop(token, "")
        if owner not in self._owners.values():
            self._training_of.pop(owner, None)

    def owner_of(self, token: str) -> str:
        """The owner of the run; "" if it has none."""
        return self._owners.get(token, "")

    def reader_of(self, token: str) -> str:
        """The mark of whose tables the run may read."""
        return self._readers.get(token, rights.NOBODY)

    def spend(self, token: str, seconds: float) -> None:
        """Count processor time that was used for the run."""
        self._all.spend(self.owner_of(token), seconds)

    def spend_training(self, owner: str, token: str, seconds: float) -> None:
        """Count processor time that was used to train this owner's run. (`spend` counts it too.)"""
        self._training.spend(owner, seconds)
        self._training_of[owner].spend(token, seconds)

    def choose_whom_to_obey(self, asking: Collection[str], due: Collection[str]) -> str | None:
        """The owner whose request is carried out next: of those asking, the one with least time. None if each is LEAD ahead of another.

        `due` are the owners with runs that are due for training, who may be waiting too.
        """
        wanting = {*asking, *due}
        self._all.update(wanting)
        served = self._all.drop_those_ahead(asking, wanting, LEAD)
        return self._all.choose_least(served) if served else None

    def choose_whom_to_train(self, due: dict[str, list[str]], asking: Collection[str]) -> tuple[str, str]:
        """The run that trains next, as (owner, token): of the owners with due runs the one who has trained least, and its run that has."""
        wanting = {*due, *asking}
        self._all.update(wanting)
        self._training.update(due)
        owner = self._training.choose_least(self._all.drop_those_ahead(due, wanting, LEAD) or due)
        runs = self._training_of[owner]
        runs.update(due[owner])
        return owner, runs.choose_least(due[owner])
