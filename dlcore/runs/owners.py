"""Owners: to whom the runs of a worker belong, what each owner has had of the processor, and by that whose turn it is.

An owner is whoever a run belongs to; nobody in particular is one owner. Owners share the time for training, and the runs of an owner
share what it has. But all that is done for an owner is reckoned up, by the processor time that it took, and whoever has had LEAD more
than another one who wants to go on waits until that one has caught up.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection

from dlcore.datasets import rights
from dlcore.runs.shares import Turns

LEAD = 0.25  # Seconds that an owner may have had more than another one who waits, and is still obeyed at once.


class Owners:
    """The owners of runs, which are known by their tokens."""

    def __init__(self) -> None:
        self._owners: dict[str, str] = {}  # By token.
        self._readers: dict[str, str] = {}  # By token, the marks of whose tables they may read.
        self._all = Turns()  # What owners have had of the processor.
        self._training = Turns()  # What owners have had of it for training.
        self._training_of: defaultdict[str, Turns] = defaultdict(
            Turns
        )  # By owner, what each of its runs has had for training.

    def add(self, token: str, owner: str, reader: str) -> None:
        """From now on the run belongs to this owner and may read the reader's tables."""
        self._owners[token] = owner
        self._readers[token] = reader

    def remove(self, token: str) -> None:
        """Forget the run, and its owner if it was the last one."""
        self._readers.pop(token, None)
        owner = self._owners.pop(token, "")
        if owner not in self._owners.values():
            self._training_of.pop(owner, None)

    def owner_of(self, token: str) -> str:
        """The owner of the run; "" for nobody in particular."""
        return self._owners.get(token, "")

    def reader_of(self, token: str) -> str:
        """The mark of whose tables the run may read."""
        return self._readers.get(token, rights.NOBODY)

    def spend(self, token: str, seconds: float) -> None:
        """So much of the processor was used for the run."""
        self._all.spend(self.owner_of(token), seconds)

    def spend_training(self, owner: str, token: str, seconds: float) -> None:
        """So much of the processor was used to train the run of this owner. (`spend` counts it too.)"""
        self._training.spend(owner, seconds)
        self._training_of[owner].spend(token, seconds)

    def choose_whom_to_obey(self, asking: Collection[str], due: Collection[str]) -> str | None:
        """Of the owners that ask for something the one that has had least, or None while all of them are ahead of another.

        `due` are the owners whose runs have a slice of training to take.
        """
        wanting = {*asking, *due}
        self._all.update(wanting)
        served = self._all.drop_those_ahead(asking, wanting, LEAD)
        return self._all.choose_least(served) if served else None

    def choose_whom_to_train(self, due: dict[str, list[str]], asking: Collection[str]) -> tuple[str, str]:
        """Of the owners whose runs are due the one that has trained least, and of its runs the one that has."""
        wanting = {*due, *asking}
        self._all.update(wanting)
        self._training.update(due)
        owner = self._training.choose_least(self._all.drop_those_ahead(due, wanting, LEAD) or due)
        runs = self._training_of[owner]
        runs.update(due[owner])
        return owner, runs.choose_least(due[owner])
