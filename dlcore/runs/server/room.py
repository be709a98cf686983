"""Room: whether there is any for one more run, and which runs are put away on the shelf to make some.

A run makes room that nobody has touched for longest: watched, told something, or made. Whoever watches one now keeps it, and
whoever touched one a moment ago; its owner is offered to go on from where it stood. Only where everything is in use, whoever
holds most gives way to one who holds less: a dozen browsers with all the runs of a class would lock it out.

The states that are kept in memory, for a worker that dies, have room of their own.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection

from dlcore.limits import Limits
from dlcore.problems import Problem
from dlcore.runs.server.entry import Entry, mark_of

A_MOMENT = 15.0  # Seconds in which a touched run is not put away: its page may be loaded anew, or its owner be on another page.


def choose_runs_to_put_away(owner: str | None, entries: Collection[Entry], limits: Limits, now: float) -> list[Entry]:
    """The runs that must be put away for one more of this owner: none, as a rule. Raises Problem when too few can.

    `owner` is a secret, "" for visitors who keep no cookie, None for this program itself, which only the size of the class limits.
    """
    leaving: list[Entry] = []
    theirs, most, problem = _find_share(owner, entries, limits)
    if len(theirs) >= most:
        leaving += _sort_by_touch(theirs, entries, limits, now)[: len(theirs) - most + 1]
        if len(theirs) - len(leaving) >= most:
            raise problem
    if len(entries) - len(leaving) >= limits.max_runs:
        others = [entry for entry in entries if entry not in leaving]
        leaving += _sort_by_touch(others, entries, limits, now)[: len(others) - limits.max_runs + 1]
        if len(entries) - len(leaving) >= limits.max_runs:
            leaving += _choose_from_greediest(owner, [entry for entry in others if entry not in leaving], limits)
        if len(entries) - len(leaving) >= limits.max_runs:
            raise Problem("class_full", came=len(entries), limit=limits.max_runs)
    return leaving


def _choose_from_greediest(owner: str | None, entries: Collection[Entry], limits: Limits) -> list[Entry]:
    """The longest untouched run of the owner who holds most, watched or not, if that owner holds more than this one would; else none."""
    entries = [entry for entry in entries if entry.owner or entry.visitor]  # Not this program's own.
    held = Counter(entry.owner for entry in entries)
    most = max(held, key=held.__getitem__, default="")
    if held[most] <= held[mark_of(owner)] + 1:
        return []
    theirs = [entry for entry in entries if entry.owner == most and _can_go(entry, limits)]
    return sorted(theirs, key=lambda entry: entry.touched)[:1]


def choose_states_to_drop(entries: Collection[Entry], most: int) -> list[Entry]:
    """The entries whose kept states must be dropped so that the others have at most so many bytes: of who holds most, the largest."""
    left = sum(len(entry.state) for entry in entries) - most
    going: list[Entry] = []
    if left <= 0:
        return going
    largest_last: defaultdict[str, list[Entry]] = defaultdict(list)
    held: Counter[str] = Counter()
    for entry in sorted(entries, key=lambda entry: len(entry.state)):
        largest_last[entry.owner].append(entry)
        held[entry.owner] += len(entry.state)
    while left > 0:
        owner = max(held, key=held.__getitem__)
        entry = largest_last[owner].pop()
        held[owner] -= len(entry.state)
        left -= len(entry.state)
        going.append(entry)
    return going


def _find_share(owner: str | None, entries: Collection[Entry], limits: Limits) -> tuple[list[Entry], int, Problem]:
    """This owner's runs, how many there may be, and what to say when there are as many."""
    if owner:
        mark, most = mark_of(owner), limits.max_runs_per_owner
        return [entry for entry in entries if entry.owner == mark], most, Problem("session_full", limit=most)
    most = limits.max_runs_without_cookie
    visitors = [entry for entry in entries if entry.visitor] if owner is not None else []
    return visitors, most, Problem("visitors_full", limit=most)


def _sort_by_touch(
    candidates: Collection[Entry], entries: Collection[Entry], limits: Limits, now: float
) -> list[Entry]:
    """The candidates that may be put away: first those of owners who hold several, and of each kind the longest untouched first."""
    held = Counter(entry.owner for entry in entries)
    may_go = [entry for entry in candidates if _may_go(entry, limits, now)]
    return sorted(may_go, key=lambda entry: (held[entry.owner] == 1, entry.touched))


def _may_go(entry: Entry, limits: Limits, now: float) -> bool:
    return not entry.listeners and now - entry.touched >= A_MOMENT and _can_go(entry, limits)


def _can_go(entry: Entry, limits: Limits) -> bool:
    """Whether it keeps what it has learned: not while it moves to another worker, nor where it is too large for the shelf."""
    return entry.waiting is None and len(entry.state) < limits.shelf_mb << 20
