"""Ownership: to whom a file of the store belongs, and who else may read it. It stands beside the file, as JSON.

A table belongs to everybody who has brought it. Each of them may give a pass to others; of a pass only its hash is kept, and whoever
came with it is a guest for as long as it is good. Names are marks (see rights.py), never secrets.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from dlcore.datasets.rights import MACHINE, NOBODY
from dlcore.folders import write_own

SUFFIX = ".owners"
MOST_OWNERS = 5000
MOST_GUESTS = 1000  # Beyond it whoever came first has to open the link again.
MOST_WITHDRAWN = 100  # Passes that are remembered to say that they were withdrawn, not that they are wrong.
MOST_REMEMBERED = 20_000  # Files whose ownership a process holds in memory.
PASS_BYTES = 18


@dataclass(frozen=True)
class Pass:
    """Who gave it, and the number that with the giver's secret makes it."""

    giver: str
    nonce: str


@dataclass(frozen=True)
class Ownership:
    """Who may read a file, and why."""

    owners: tuple[str, ...] = ()
    public: bool = False  # A classic set, or made of one, whoever has fetched it.
    passes: Mapping[str, Pass] = field(default_factory=dict)  # By their hash.
    guests: Mapping[str, str] = field(default_factory=dict)  # By which pass each came.
    withdrawn: tuple[str, ...] = ()

    @property
    def everyone(self) -> bool:
        """Whether everyone on this machine may read it: its own user has put it there, or it is public."""
        return self.public or MACHINE in self.owners

    @cached_property
    def readers(self) -> frozenset[str]:
        """Owners and welcome guests. Nobody is none, whoever that is: what is kept for nobody takes room, and opens for nobody."""
        guests = {mark for mark, hashed in self.guests.items() if hashed in self.passes}
        return frozenset({*self.owners, *guests} - {NOBODY})

    def refusal(self, mark: str) -> str | None:
        """Why they may not read it, as the key of a Problem; None where they may."""
        if mark == MACHINE or self.everyone or mark in self.readers:
            return None
        if not self.owners:  # Its owners are gone, or it is of a time before anything had owners.
            return "table_gone"
        return "table_withdrawn" if mark in self.guests else "table_not_yours"

    def nonce_of(self, giver: str) -> str | None:
        """Of the pass that they have given; None where there is none."""
        return next((given.nonce for given in self.passes.values() if given.giver == giver), None)

    def with_owner(self, mark: str, public: bool) -> Ownership:
        """It belongs to them too, and is public if they say so. Raises OverflowError when too many have brought it to be noted down."""
        owners = self.owners if mark in self.owners else (*self.owners, mark)
        if len(owners) > MOST_OWNERS:
            raise OverflowError
        return replace(self, owners=owners, public=self.public or public)

    def without_owner(self, mark: str) -> Ownership:
        """It belongs to the others alone, and the passes that they gave are good no more."""
        rest = self.without_passes_of(mark)
        return replace(rest, owners=tuple(owner for owner in self.owners if owner != mark))

    def with_pass(self, hashed: str, given: Pass) -> Ownership:
        """One pass a giver: this one takes the place of an earlier one."""
        rest = self.without_passes_of(given.giver)
        return replace(rest, passes={**rest.passes, hashed: given})

    def without_passes_of(self, giver: str) -> Ownership:
        """What they have given is withdrawn."""
        gone = [hashed for hashed, given in self.passes.items() if given.giver == giver]
        passes = {hashed: given for hashed, given in self.passes.items() if hashed not in gone}
        return replace(self, passes=passes, withdrawn=(*self.withdrawn, *gone)[-MOST_WITHDRAWN:])

    def with_guest(self, mark: str, hashed: str) -> Ownership:
        """They came with this pass."""
        guests = {**{guest: by for guest, by in self.guests.items() if guest != mark}, mark: hashed}
        return replace(self, guests=dict(list(guests.items())[-MOST_GUESTS:]))

    def to_bytes(self) -> bytes:
        return json.dumps(asdict(self), separators=(",", ":")).encode()

    @classmethod
    def from_bytes(cls, data: bytes) -> Ownership:
        """NOBODYS where it cannot be read."""
        with suppress(ValueError, TypeError, KeyError, AttributeError):
            values: dict[str, Any] = json.loads(data)
            return cls(
                owners=tuple(map(str, values["owners"])),
                public=values["public"] is True,
                passes={hashed: Pass(**given) for hashed, given in values["passes"].items()},
                guests={str(mark): str(hashed) for mark, hashed in values["guests"].items()},
                withdrawn=tuple(map(str, values["withdrawn"])),
            )
        return NOBODYS


#: Of what nothing is known.
NOBODYS = Ownership()


def make_pass(secret: str, name: str, nonce: str) -> str:
    """The pass to the file of this name that the holder of this secret gives: made of it anew when it is shown, and kept nowhere."""
    made = hmac.digest(secret.encode(), f"pass {name} {nonce}".encode(), "sha256")
    return base64.urlsafe_b64encode(made[:PASS_BYTES]).decode()


def hash_pass(given: str) -> str:
    """Under which a pass is kept: enough to know it again, nothing to present."""
    return hashlib.sha256(f"pass {given}".encode()).hexdigest()[:32]


# Files


def find_path(file: str | Path) -> str:
    """Where it stands to whom this file belongs."""
    return os.fspath(file) + SUFFIX


def read_ownership(file: str | Path) -> Ownership:
    """To whom this file belongs."""
    path = find_path(file)
    try:
        found = os.stat(path)
    except OSError:
        return NOBODYS
    stamp = (found.st_ino, found.st_mtime_ns, found.st_size)  # Another file takes its place when it changes.
    known = _known.get(path)
    if known is not None and known[0] == stamp:
        return known[1]
    try:
        with open(path, "rb") as opened:
            ownership = Ownership.from_bytes(opened.read())
    except OSError:
        return NOBODYS
    if len(_known) >= MOST_REMEMBERED:
        _known.clear()
    _known[path] = stamp, ownership
    return ownership


def write_ownership(file: str | Path, ownership: Ownership) -> None:
    """Write it down. Whoever calls is alone in the folder (see folders.py). Raises OSError."""
    write_own(Path(find_path(file)), ownership.to_bytes())


_known: dict[str, tuple[tuple[int, int, int], Ownership]] = {}
