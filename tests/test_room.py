"""Who may have one more run, and whose run makes room for it: never one that is watched or was touched a moment ago."""

from __future__ import annotations

import itertools
from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dlcore.limits import Limits
from dlcore.problems import Problem
from dlcore.runs.server.entry import Entry, mark_of
from dlcore.runs.server.room import A_MOMENT, choose_runs_to_put_away, choose_states_to_drop

LIMITS = replace(Limits(), max_runs=4, max_runs_per_owner=3, max_runs_without_cookie=2)
NOW = 5000.0
NUMBERS = itertools.count()


def entry(owner: str | None, untouched: float, *, watched: bool = False, **more: object) -> Entry:
    """A run that nobody has touched for so many seconds."""
    found = Entry(f"run {next(NUMBERS)}", 0, "{}", "auto", NOW - untouched, mark_of(owner), owner == "")
    found.listeners = [lambda problem: None] if watched else []
    for name, value in more.items():
        setattr(found, name, value)
    return found


def leaving(owner: str | None, entries: list[Entry], limits: Limits = LIMITS) -> list[Entry]:
    return choose_runs_to_put_away(owner, entries, limits, NOW)


def refusal(owner: str | None, entries: list[Entry], limits: Limits = LIMITS) -> str:
    with pytest.raises(Problem) as refused:
        leaving(owner, entries, limits)
    return refused.value.key


def test_where_there_is_room_nobody_leaves() -> None:
    assert leaving("new", [entry("a", 1000), entry("b", 1000), entry("c", 1000)]) == []


def test_in_a_full_class_the_run_leaves_that_nobody_has_touched_longest() -> None:
    entries = [entry(owner, untouched) for owner, untouched in (("a", 100), ("b", 900), ("c", 300), ("d", 16))]
    assert leaving("new", entries) == [entries[1]]


def test_what_is_watched_or_was_touched_a_moment_ago_stays() -> None:
    entries = [entry("a", 900, watched=True), entry("b", A_MOMENT - 0.1), entry("c", 400, waiting=[]), entry("d", 0)]
    assert refusal("new", entries) == "class_full"
    entries[1] = entry("b", A_MOMENT)
    assert leaving("new", entries) == [entries[1]]


def test_who_holds_several_gives_one_before_who_holds_one() -> None:
    entries = [entry("one", 4000), entry("several", 20), entry("several", 30), entry("other", 2000)]
    assert leaving("new", entries) == [entries[2]]


def test_an_owner_makes_room_among_its_own() -> None:
    mine = [entry("mine", 100), entry("mine", 200), entry("mine", 300, watched=True)]
    assert leaving("mine", mine) == [mine[1]]
    # That run's place also serves the limit of all runs.
    assert leaving("mine", [*mine, entry("other", 4000)]) == [mine[1]]
    assert refusal("mine", [entry("mine", 1) for _ in range(3)]) == "session_full"
    assert leaving("other", mine) == []


def test_visitors_without_cookies_share_a_few() -> None:
    guests = [entry("", 100), entry("", 200)]
    assert leaving("", guests) == [guests[1]]
    assert refusal("", [entry("", 1), entry("", 2)]) == "visitors_full"
    assert leaving("mine", guests) == []
    assert leaving("", [entry("mine", 100), entry("mine", 200)]) == []


def test_a_program_of_its_own_has_as_many_as_there_may_be_in_all() -> None:
    own = [entry(None, 1) for _ in range(3)]
    assert leaving(None, own) == []
    assert leaving("", own) == []  # They are not visitors'.
    assert refusal(None, [*own, entry(None, 1)]) == "class_full"


@pytest.mark.parametrize(("shelf_mb", "size"), [(0, 10), (1, 2 << 20)])
def test_what_the_shelf_cannot_hold_does_not_leave(shelf_mb: int, size: int) -> None:
    limits = replace(LIMITS, shelf_mb=shelf_mb)
    entries = [entry(str(number), 900, state=bytes(size)) for number in range(4)]
    assert refusal("new", entries, limits) == "class_full"


def test_when_all_are_in_use_whoever_holds_most_gives_way_to_who_holds_less() -> None:
    hog = [entry("hog", 3, watched=True), entry("hog", 5, watched=True), entry("hog", 1, watched=True)]
    ann = entry("ann", 9, watched=True)
    assert leaving("new", [*hog, ann]) == [hog[1]]
    assert refusal("ann", [hog[0], hog[1], ann, entry("bob", 2, watched=True)]) == "class_full"  # She has as many.
    assert refusal("new", [entry(str(number), 2, watched=True) for number in range(4)]) == "class_full"
    own, guests = [entry(None, 9, watched=True) for _ in range(2)], [entry("", 3, watched=True) for _ in range(2)]
    assert leaving("new", [*own, *guests]) == guests[:1]  # What this program runs itself is nobody's to take.


RUNS = st.tuples(st.sampled_from(["", "a", "b", "c"]), st.floats(0, 4000), st.booleans())


@given(st.lists(RUNS, max_size=8), st.sampled_from(["", "a", "new", None]))
def test_afterwards_there_is_room_and_nobody_lost_what_was_in_use(
    runs: list[tuple[str, float, bool]], owner: str | None
) -> None:
    entries = [entry(whose, untouched, watched=watched) for whose, untouched, watched in runs]
    try:
        gone = leaving(owner, entries)
    except Problem as problem:
        assert problem.key in ("class_full", "session_full", "visitors_full")
        return
    left = [each for each in entries if each not in gone]
    assert len(left) < LIMITS.max_runs or not gone
    for each in gone:
        in_use = bool(each.listeners) or NOW - each.touched < A_MOMENT
        held = Counter(other.owner for other in entries if other is each or other not in gone)
        assert not in_use or held[each.owner] == max(held.values()) > held[mark_of(owner)] + 1
    assert owner != "a" or sum(each.owner == mark_of("a") for each in left) < LIMITS.max_runs_per_owner
    assert owner != "" or sum(each.visitor for each in left) < LIMITS.max_runs_without_cookie


@given(st.lists(st.tuples(st.sampled_from(["", "a", "b", "c"]), st.integers(0, 50)), max_size=12), st.integers(0, 200))
def test_kept_states_go_from_whoever_holds_most(states: list[tuple[str, int]], most: int) -> None:
    entries = [entry(owner, number, state=bytes(size)) for number, (owner, size) in enumerate(states)]
    held = {each.owner: sum(len(other.state) for other in entries if other.owner == each.owner) for each in entries}
    going = choose_states_to_drop(entries, most)
    left = sum(held.values()) - sum(len(each.state) for each in going)
    assert left <= most
    assert not going or left + len(going[-1].state) > most  # No more than had to.
    for each in going:
        assert held[each.owner] == max(held.values())
        held[each.owner] -= len(each.state)
