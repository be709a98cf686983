"""Ownership: to whom a file of the store belongs, and who else may read it. It is kept beside the file, as JSON.

A table belongs to everybody who has uploaded it. Each owner may give a pass to others. Only the pass's hash is kept, and whoever used
the pass stays a guest until it is withdrawn. People are named by their marks (see rights.py), never by secrets.
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

from dlcore.folders import write_own
from dlcore.rights import MACHINE, NOBODY

SUFFIX = ".owners"
MOST_OWNERS = 5000
MOST_GUESTS = 1000  # When there are more, the earliest guest is forgotten and must open the link again.
MOST_WITHDRAWN = 100  # Withdrawn passes that are remembered, to tell them from wrong ones.
MOST_REMEMBERED = 20_000  # Files whose ownership a process holds in memory.
PASS_BYTES = 18


@dataclass(frozen=True)
class Pass:
    """Who gave a pass, and the random number (nonce) from which, with the giver's secret, it is computed."""

    giver: str
    nonce: str


@dataclass(frozen=True)
class Ownership:
    """Who may read a file, and why."""

    owners: tuple[str, ...] = ()
    public: bool = False  # True for a classic data set, or a table made of one: everyone may read it.
    passes: Mapping[str, Pass] = field(default_factory=dict)  # {hash of the pass: pass}
    guests: Mapping[str, str] = field(default_factory=dict)  # {mark of the guest: hash of the pass they used}
    withdrawn: tuple[str, ...] = ()

    @property
    def everyone(self) -> bool:
        """Whether everyone on this machine may read the file: it is public, or the machine's own user has stored it."""
        return self.public or MACHINE in self.owners

    @cached_property
    def readers(self) -> frozenset[str]:
        """Owners, and guests whose pass is still valid. NOBODY is never among them: a file that only NOBODY owns can be read by no one."""
        guests = {mark for mark, hashed in self.guests.items() if hashed in self.passes}
        return frozenset({*self.owners, *guests} - {NOBODY})

    def refusal(self, mark: str) -> str | None:
        """Why the person with this mark may not read the file, as the key of a Problem; None if they may."""
        if mark == MACHINE or self.everyone or mark in self.readers:
            return None
        if not self.owners:  # All owners have given it up, or it is older than ownership.
            return "table_gone"
        return "table_withdrawn" if mark in self.guests else "table_not_yours"

    def nonce_of(self, giver: str) -> str | None:
        """The random number of the pass that this person has given; None if they have given none."""
        return next((given.nonce for given in self.passes.values() if given.giver == giver), None)

    def with_owner(self, mark: str, public: bool) -> Ownership:
        """This ownership with one more owner, and public from now on if they say so. Raises OverflowError beyond MOST_OWNERS."""
        owners = self.owners if mark in self.owners else (*self.owners, mark)
        if len(owners) > MOST_OWNERS:
            raise OverflowError
        return replace(self, owners=owners, public=self.public or public)

    def without_owner(self, mark: str) -> Ownership:
        """This ownership without one of its owners; the passes that they gave are withdrawn."""
        rest = self.without_passes_of(mark)
        return replace(rest, owners=tuple(owner for owner in self.owners if owner != mark))

    def with_pass(self, hashed: str, given: Pass) -> Ownership:
        """This ownership with one more pass, which replaces an earlier pass of the same giver."""
        rest = self.without_passes_of(given.giver)
        return replace(rest, passes={**rest.passes, hashed: given})

    def without_passes_of(self, giver: str) -> Ownership:
        """This ownership with the passes of one giver withdrawn."""
        gone = [hashed for hashed, given in self.passes.items() if given.giver == giver]
        passes = {hashed: given for hashed, given in self.passes.items() if hashed not in gone}
        return replace(self, passes=passes, withdrawn=(*self.withdrawn, *gone)[-MOST_WITHDRAWN:])

    def with_guest(self, mark: str, hashed: str) -> Ownership:
        """This ownership with one more guest, who came with the pass of this hash."""
        guests = {**{guest: by for guest, by in self.guests.items() if guest != mark}, mark: hashed}
        return replace(self, guests=dict(list(guests.items())[-MOST_GUESTS:]))

    def to_bytes(self) -> bytes:
        return json.dumps(asdict(self), separators=(",", ":")).encode()

    @classmethod
    def from_bytes(cls, data: bytes) -> Ownership:
        """What `to_bytes` gave; NOBODYS if it cannot be read."""
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


#: The ownership of a file about which nothing is known.
NOBODYS = Ownership()


def make_pass(secret: str, name: str, nonce: str) -> str:
    """The pass to the file `name` that the holder of this secret gives: computed whenever it is shown, and stored nowhere."""
    made = hmac.digest(secret.encode(), f"pass {name} {nonce}".encode(), "sha256")
    return base64.urlsafe_b64encode(made[:PASS_BYTES]).decode()


def hash_pass(given: str) -> str:
    """The hash under which a pass is kept: enough to recognise the pass, useless as a pass."""
    return hashlib.sha256(f"pass {given}".encode()).hexdigest()[:32]


# Files


def find_path(file: str | Path) -> str:
    """The path of the file that says to whom this file belongs."""
    return os.fspath(file) + SUFFIX


def read_ownership(file: str | Path) -> Ownership:
    """To whom this file belongs."""
    path = find_path(file)
    try:
        found = os.stat(path)
    except OSError:
        return NOBODYS
    # A change replaces the file, and with it at least one of these.
    stamp = (found.st_ino, found.st_mtime_ns, found.st_size)
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
    """Write down to whom a file belongs. The caller holds the folder's lock (see folders.py). Raises OSError."""
    write_own(Path(find_path(file)), ownership.to_bytes())


_known: dict[str, tuple[tuple[int, int, int], Ownership]] = {}
