"""Room: whether there is any for one more run, and which runs are put on the shelf to make some.

The run goes that was not touched (made, watched or commanded) for longest; its owner can revive it later. A run that is watched now or
was touched less than A_MOMENT ago stays. Only if all runs are in use, the owner with most runs loses one to an owner with fewer, or a
dozen browsers could occupy all runs of a class.

The states that are kept in memory in case a worker ends have a limit of their own.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection

from dlcore.limits import Limits
from dlcore.problems import Problem
from dlcore.runs.server.entry import Entry, mark_of

A_MOMENT = 15.0  # Seconds in which a touched run stays: its page may be reloading, or its owner be on another page.


def choose_runs_to_put_away(owner: str | None, entries: Collection[Entry], limits: Limits, now: float) -> list[Entry]:
    """The runs to put on the shelf so that this owner may have one more; usually none. Raises Problem if too few can go.

    `owner` is a secret, "" for visitors without one, None for this program itself, which has no limit but that of all runs.
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
    """The longest untouched run, watched or not, of the owner with most runs, if these are more than this owner would have; else none."""
    entries = [entry for entry in entries if entry.owner or entry.visitor]  # Without this program's own runs.
    held = Counter(entry.owner for entry in entries)
    most = max(held, key=held.__getitem__, default="")
    if held[most] <= held[mark_of(owner)] + 1:
        return []
    theirs = [entry for entry in entries if entry.owner == most and _can_go(entry, limits)]
    return sorted(theirs, key=lambda entry: entry.touched)[:1]


def choose_states_to_drop(entries: Collection[Entry], most: int) -> list[Entry]:
    """The entries whose kept states to drop so that at most so many bytes remain: always the largest of the owner who has most bytes."""
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
    """This owner's runs, how many are allowed, and the problem if there are too many."""
    if owner:
        mark, most = mark_of(owner), limits.max_runs_per_owner
        return [entry for entry in entries if entry.owner == mark], most, Problem("session_full", limit=most)
    most = limits.max_runs_without_cookie
    visitors = [entry for entry in entries if entry.visitor] if owner is not None else []
    return visitors, most, Problem("visitors_full", limit=most)


def _sort_by_touch(
    candidates: Collection[Entry], entries: Collection[Entry], limits: Limits, now: float
) -> list[Entry]:
    """The candidates that may go, in order: first those of owners with several runs, and among them the longest untouched."""
    held = Counter(entry.owner for entry in entries)
    may_go = [entry for entry in candidates if _may_go(entry, limits, now)]
    return sorted(may_go, key=lambda entry: (held[entry.owner] == 1, entry.touched))


def _may_go(entry: Entry, limits: Limits, now: float) -> bool:
    return not entry.listeners and now - entry.touched >= A_MOMENT and _can_go(entry, limits)


def _can_go(entry: Entry, limits: Limits) -> bool:
    """Whether the run can go to the shelf without a loss: it is not moving, and its state is not too large for the shelf."""
    return entry.waiting is None and len(entry.state) < limits.shelf_mb << 20
