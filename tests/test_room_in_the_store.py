"""Room in the store: who holds most gives way, never what a live run names, whatever the clock says."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dlcore import rights
from dlcore.datasets import store
from dlcore.datasets.held import TIDY_EVERY, HeldTables, find_digest
from dlcore.datasets.room import DAY, HOUR, TABLE, UPLOAD, find_time_of_use
from dlcore.problems import Problem
from dlcore.runs.server.entry import mark_of

ROOT = Path(__file__).parent.parent
ANN, BOB, HOG = (mark_of(name) for name in ("ann", "bob", "hog"))
YEARS = 10 * 365 * DAY
TENTH = 100_000  # bytes: of a store of 1 MB


class Clock:
    """The clock on the wall: it goes on by itself, and jumps."""

    def __init__(self) -> None:
        self.jumped = 0.0

    def __call__(self) -> float:
        return time.time() + self.jumped


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A store of 1 MB."""
    monkeypatch.setenv("DLCORE_TABLES", str(tmp_path))
    monkeypatch.setenv("DLCORE_TABLES_MB", "1")
    return tmp_path


@pytest.fixture
def clock(home: Path, monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(store, "clock", made)
    return made


def table(mark: str, number: int, size: int = TENTH, ago: float = 60.0) -> str:
    """A table of theirs, used so many seconds ago."""
    with rights.working_for(mark):
        digest = store.put_table({"of": mark, "number": number}, {"c0": np.zeros(size // 8 - 32)})
    used(digest, ago)
    return digest


def raw(mark: str, number: int, size: int = TENTH, ago: float = 60.0) -> str:
    with rights.working_for(mark):
        digest = store.keep_upload(f"{mark} {number}".encode().ljust(size, b"."))
    used(digest, ago)
    return digest


def used(digest: str, ago: float) -> None:
    path = next(path for path in store.folder().glob(f"{digest}.*") if path.suffix in (TABLE, UPLOAD))
    now = store.clock()
    os.utime(path, (now - ago, now - ago))


def there(digests: list[str]) -> list[bool]:
    names = {path.name.partition(".")[0] for path in store.folder().glob("*") if path.suffix in (TABLE, UPLOAD)}
    return [digest in names for digest in digests]


def refusal(call, *arguments) -> Problem:
    with pytest.raises(Problem) as caught:
        call(*arguments)
    return caught.value


def held_bytes(home: Path) -> int:
    return sum(path.stat().st_size for path in home.iterdir() if path.suffix in (TABLE, UPLOAD))


# Shares


def test_who_brings_much_gives_way_to_himself_and_others_lose_nothing(home: Path) -> None:
    anns, bobs = [table(ANN, n) for n in range(2)], [table(BOB, n) for n in range(3)]
    hogs = [table(HOG, n, ago=1000 - n) for n in range(30)]
    assert (there(anns), there(bobs)) == ([True] * 2, [True] * 3)
    assert there(hogs) == [False] * 25 + [True] * 5
    assert held_bytes(home) <= 1 << 20


def test_nobody_holds_more_than_half_although_there_is_room(home: Path) -> None:
    hogs = [table(HOG, n, ago=1000 - n) for n in range(8)]
    assert there(hogs) == [False] * 3 + [True] * 5
    machines = [table(rights.MACHINE, n, ago=1000 - n) for n in range(5)]  # Whose store it is.
    assert there(machines) == [True] * 5


def test_a_first_table_may_be_larger_than_half(home: Path) -> None:
    large = table(ANN, 0, size=7 * TENTH)
    assert there([large]) == [True]
    assert there([table(ANN, 1, size=TENTH), large]) == [True, False]


def test_raw_files_go_before_tables_and_what_was_used_least_lately_first(home: Path) -> None:
    hogs = [table(HOG, 0, ago=900), table(HOG, 1, ago=100), raw(HOG, 2, ago=300), raw(HOG, 3, ago=500)]
    for mark in (ANN, BOB):
        for number in range(3):
            table(mark, number, ago=2000)
    gone = []
    for mark, number in ((mark_of("eve"), 0), (HOG, 4), (HOG, 5)):
        table(mark, number, ago=1)
        gone.append([not stays for stays in there(hogs)])
    assert gone == [[False, False, False, True], [False, False, True, True], [True, False, True, True]]


def test_who_keeps_little_never_gives_way_to_one_who_keeps_more(home: Path) -> None:
    marks = [mark_of(f"pupil {number}") for number in range(9)]
    small = [table(mark, 0) for mark in marks]
    own = table(HOG, 0)
    with held(own):
        problem = refusal(table, HOG, 1, TENTH)
    assert problem.key == "store_no_room"
    assert there([*small, own]) == [True] * 10
    table(HOG, 1)  # Only his own older table is dropped for it.
    assert there([*small, own]) == [True] * 9 + [False]


def test_a_newcomer_who_has_nothing_gets_room_from_who_has_most(home: Path) -> None:
    hogs = [table(HOG, n, ago=1000 - n) for n in range(5)]
    others = [table(mark_of(f"pupil {number}"), 0) for number in range(5)]
    assert there([table(ANN, 0)]) == [True]
    assert (there(hogs), there(others)) == ([False] + [True] * 4, [True] * 5)


def test_a_table_that_several_have_brought_counts_in_parts_and_goes_with_the_last_of_them(home: Path) -> None:
    common = {"of": "a class", "number": 0}
    for mark in (ANN, BOB, HOG):
        with rights.working_for(mark):
            shared = store.put_table(common, {"c0": np.zeros(TENTH // 8)})
    used(shared, 5000)
    hogs = [table(HOG, n, ago=1000 - n) for n in range(8)]
    assert there([shared, *hogs]) == [True] + [False] * 3 + [True] * 5
    # Only the hog has lost ownership of the shared table.
    assert set(store.find_ownership(shared).owners) == {ANN, BOB}


def test_the_number_of_files_is_bounded_too(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dlcore.datasets.room.MOST_FILES", 20)
    anns = [raw(ANN, n, size=10) for n in range(3)]
    hogs = [raw(HOG, n, size=10, ago=1000 - n) for n in range(100)]
    assert there(anns) == [True] * 3
    assert sum(there(hogs)) == 10


def test_what_nobody_has_used_for_a_month_goes_first_whosever_it_is(home: Path) -> None:
    forgotten = [table(mark_of(f"pupil of last year {number}"), 0, ago=40 * DAY) for number in range(5)]
    anns = [table(ANN, n) for n in range(4)]
    own = table(BOB, 0)
    with held(own):
        more = table(BOB, 1, size=3 * TENTH)
    assert there([*anns, own, more]) == [True] * 6
    assert sum(there(forgotten)) == 2


def test_tables_without_owners_are_those_of_nobody_in_particular(home: Path) -> None:
    old = [table(rights.MACHINE, n, ago=1000 - n) for n in range(8)]
    for path in home.glob("*.owners"):
        path.unlink()
    anns = [table(ANN, n) for n in range(3)]
    assert (there(old), there(anns)) == ([False] + [True] * 7, [True] * 3)


# What live runs name


class held:
    """A run of another server names this table."""

    def __init__(self, digest: str) -> None:
        self.tables, self.digest = HeldTables(), digest

    def __enter__(self) -> None:
        self.tables.look_after([(recipe(self.digest), "")])

    def __exit__(self, *_: object) -> None:
        self.tables.close()


def recipe(digest: str) -> str:
    return json.dumps({"dataset": {"kind": "table", "digest": digest}})


def test_what_a_live_run_names_stays_and_goes_when_it_does_not_any_more(home: Path) -> None:
    first = table(HOG, 0, ago=5000)
    with held(first):
        assert there([first, *(table(HOG, n, ago=1000 - n) for n in range(1, 9))])[0]
    table(HOG, 9)
    assert there([first]) == [False]


def test_a_process_that_is_killed_lets_go(home: Path) -> None:
    first = table(HOG, 0, ago=5000)
    code = f"""
import sys
from dlcore.datasets.held import HeldTables
HeldTables().look_after([({recipe(first)!r}, "")])
print("held", flush=True)
sys.stdin.read()
"""
    pipes: Any = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen([sys.executable, "-c", code], cwd=ROOT, env=dict(os.environ), **pipes) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == b"held\n"
        for number in range(1, 9):
            table(HOG, number, ago=1000 - number)
        assert there([first]) == [True]
        other.kill()
        other.wait()
    table(HOG, 9)
    assert there([first]) == [False]


def test_if_all_that_one_keeps_is_in_use_one_is_told(home: Path) -> None:
    mine = [table(ANN, n) for n in range(5)]
    tables = HeldTables()
    tables.look_after([(recipe(digest), f"player {number}") for number, digest in enumerate(mine)])
    try:
        assert refusal(table, ANN, 9).key == "store_share"
        assert there(mine) == [True] * 5
        assert there([table(BOB, 0)]) == [True]
    finally:
        tables.close()


def test_the_runs_of_one_owner_hold_a_quarter_of_the_store_those_touched_last(home: Path) -> None:
    mine = [table(ANN, number, ago=1000 - number) for number in range(4)]
    with closing(HeldTables()) as tables:
        tables.look_after([(recipe(digest), ANN) for digest in reversed(mine)])
        table(ANN, 20, size=3 * TENTH)  # One person may keep half a megabyte.
        assert there(mine) == [False, False, True, True]


def test_a_table_that_was_just_used_stays_until_the_run_that_wants_it_is_known(home: Path) -> None:
    just = table(HOG, 0, size=4 * TENTH, ago=1.0)
    assert refusal(table, HOG, 1, 2 * TENTH).key == "store_share"
    used(just, ago=60.0)
    assert there([table(HOG, 1, size=2 * TENTH), just]) == [True, False]


def test_a_table_that_its_owner_takes_off_stays_for_the_runs_that_name_it_and_goes_with_the_last(home: Path) -> None:
    digest, tables = table(ANN, 0), HeldTables()
    tables.look_after(
        (one, "") for one in (recipe(digest), recipe(digest), "{}", "no recipe", recipe("../../etc/passwd"))
    )
    store.disown(digest, TABLE, ANN)
    assert there([digest]) == [True]
    tables.look_after([(recipe(digest), "")])
    assert there([digest]) == [True]
    tables.look_after([])
    assert there([digest]) == [False]
    assert not list(home.glob("*.owners"))


def test_a_table_that_was_given_up_when_its_server_was_killed_goes_at_the_next_look(home: Path) -> None:
    digest, old = table(ANN, 0), table(BOB, 0)
    with held(digest):
        store.disown(digest, TABLE, ANN)
    (home / f"{old}.table.owners").unlink()  # Of a time before anything had owners.
    store.tidy()
    assert there([digest, old]) == [False, True]


def test_a_table_that_was_torn_and_brought_again_is_held_as_it_is_now(home: Path) -> None:
    digest, tables = table(ANN, 0), HeldTables()
    tables.look_after([(recipe(digest), "")])
    (home / f"{digest}.table").write_bytes(b"torn")
    assert table(ANN, 0) == digest
    tables.look_after([(recipe(digest), "")])
    for number in range(1, 9):
        table(ANN, number, ago=30)
    used(digest, 5000)
    table(ANN, 9)
    assert there([digest]) == [True]
    tables.close()


def test_a_recipe_says_which_table_it_names() -> None:
    assert find_digest(recipe("a" * 32)) == "a" * 32
    for text in ("", "{", "[]", "{}", recipe(""), recipe("A" * 32), '{"dataset": {"digest": 7}}', '{"dataset": null}'):
        assert find_digest(text) == "", text
    quoted = json.dumps({"dataset": {"kind": "table", "name": f'"digest": "{"b" * 32}"', "digest": "a" * 32}})
    assert find_digest(quoted) == "a" * 32


# Time


def test_raw_files_go_after_a_day_also_when_nobody_brings_anything(home: Path) -> None:
    old, young = raw(ANN, 0, ago=DAY + 60), raw(ANN, 1, ago=DAY - 60)
    now = [1000.0]
    tables = HeldTables(clock=lambda: now[0])
    tables.look_after([])
    assert there([old, young]) == [False, True]
    used(young, DAY + 60)
    tables.look_after([])
    assert there([young]) == [True]
    now[0] += TIDY_EVERY
    tables.look_after([])
    assert there([young]) == [False]
    assert not list(home.glob("*.owners"))


@pytest.mark.parametrize("jump", [YEARS, 60 * DAY, 2 * DAY, -2 * DAY, -YEARS])
def test_a_clock_that_jumps_lets_nobodys_files_go_first_and_none_stay_for_ever(
    home: Path, clock: Clock, jump: float
) -> None:
    store.tidy()
    anns = [table(ANN, 0, ago=3 * HOUR), raw(ANN, 1, ago=2 * HOUR)]
    hogs = [table(HOG, n, ago=1000 - n) for n in range(5)]
    clock.jumped = jump
    store.tidy()
    hogs += [table(HOG, n, ago=100 - n) for n in range(5, 15)]
    assert there(anns) == [True, True]
    assert there(hogs) == [False] * 10 + [True] * 5
    bobs = [table(BOB, n) for n in range(3)]
    assert (there(anns), there(bobs)) == ([True] * 2, [True] * 3)
    clock.jumped = 0.0
    store.tidy()
    assert (there(anns), there(bobs)) == ([True] * 2, [True] * 3)
    table(HOG, 15)
    assert sum(there(hogs)) == 4
    for path in home.iterdir():
        assert path.stat().st_mtime <= time.time() + 1, path  # Nothing is of the future.


@pytest.mark.parametrize(
    ("used", "looked", "now", "expected"),
    [
        (50, 100, 200, 50),
        (100, 100, 100 + HOUR, 100),
        # It was 50 s old before the clock jumped, and counts as an hour older.
        (50, 100, 100 + YEARS, 50 + YEARS - HOUR),
        (100 + YEARS, 100, 101 + YEARS, 100 + YEARS),  # Used after the jump.
        (YEARS - 50, YEARS, 100, 50),  # The clock jumped back: it was 50 s old and still counts so.
        (90, YEARS, 100, 90),  # Used after the jump.
        (500, 100, 200, 200),
    ],
)
def test_a_time_of_use_goes_along_with_a_clock_that_jumps(
    used: float, looked: float, now: float, expected: float
) -> None:
    assert find_time_of_use(used, looked, now) == pytest.approx(expected, abs=1)
