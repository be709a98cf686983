"""How often, how many at once, and in which order: by a clock that the test moves."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.clock import Clock
from tests.loops import run
from ui.door import rates
from ui.door.rates import Rates, Slots
from ui.door.turns import GLANCE, Turn, Turns

# So often a second


@given(
    rate=st.integers(1, 100),
    burst=st.integers(1, 100),
    pauses=st.lists(st.floats(0, 10), min_size=1, max_size=100),
)
def test_no_stretch_of_time_has_more_than_its_burst_and_its_rate(rate: int, burst: int, pauses: list[float]) -> None:
    clock, taken = Clock(), []
    bucket = Rates(rate, burst, clock)
    for pause in pauses:
        clock.now += pause
        if not bucket.try_to_take("me"):
            taken.append(clock.now)
    for i, start in enumerate(taken):
        for count, end in enumerate(taken[i:], 1):
            assert count <= burst + (end - start) * rate + 1e-3


@given(rate=st.integers(1, 100), burst=st.integers(1, 100), pauses=st.lists(st.floats(0, 1), max_size=100))
def test_whoever_waits_as_told_keeps_to_the_rate(rate: int, burst: int, pauses: list[float]) -> None:
    clock = Clock()
    bucket = Rates(rate, burst, clock)
    turns = []
    for pause in pauses:
        clock.now += pause
        turns.append(clock.now + bucket.take("me"))
    assert turns == sorted(turns)
    for i, start in enumerate(turns):
        for count, end in enumerate(turns[i:], 1):
            assert count <= burst + (end - start) * rate + 1e-6


def test_somebody_with_patience_is_never_held_up() -> None:
    clock = Clock()
    bucket = Rates(10, 30, clock)
    for _ in range(200):
        assert bucket.take("me") == 0
        clock.now += 0.1


def test_who_was_refused_gets_in_after_the_time_that_was_said() -> None:
    clock = Clock()
    bucket = Rates(10, 30, clock)
    while not (wait := bucket.try_to_take("me")):
        pass
    clock.now += wait * 0.99
    assert bucket.try_to_take("me")
    clock.now += wait * 0.02
    assert not bucket.try_to_take("me")


def test_one_has_nothing_to_do_with_another() -> None:
    bucket = Rates(1, 2, Clock())
    assert [bucket.try_to_take("me") > 0 for _ in range(4)] == [False, False, True, True]
    assert not bucket.try_to_take("you")


def test_three_hundred_newcomers_in_a_minute_are_too_few_to_be_held_up() -> None:
    clock = Clock()
    newcomers = Rates(600 / 60, 600, clock)
    for second in range(600):  # Ten lessons that begin one after the other, each all at once.
        if second % 60 == 0:
            assert not any(newcomers.try_to_take("school") for _ in range(300))
        clock.now += 1


def test_the_names_that_are_remembered_are_bounded_and_the_oldest_go(monkeypatch: Any) -> None:
    monkeypatch.setattr(rates, "MOST_NAMES", 3)
    bucket = Rates(1, 1, Clock())
    for name in "abcd":
        assert not bucket.try_to_take(name)
    assert bucket.try_to_take("d") and bucket.try_to_take("c") and bucket.try_to_take("b")
    assert not bucket.try_to_take("a")


# So many at once


def test_places_are_counted_for_each_and_left_again() -> None:
    slots = Slots(2, 3)
    with slots.one("me"):
        assert not slots.full("me")
        with slots.one("me"):
            assert slots.full("me") and not slots.full("you") and not slots.full("")
        assert not slots.full("me")
    with slots.one(""), slots.one(""):
        assert not slots.full("")
        with slots.one(""):
            assert slots.full("")


def test_a_place_is_left_by_who_fails() -> None:
    slots = Slots(1, 1)
    try:
        with slots.one("me"):
            raise ValueError
    except ValueError:
        assert not slots.full("me")


# Whose turn it is


def test_a_turn_that_is_free_is_had_at_once_and_the_others_wait_for_its_end() -> None:
    async def lesson() -> None:
        turns = Turns(at_once=2)
        first, _ = await turns.begin("a"), await turns.begin("b")
        waiting = asyncio.create_task(turns.begin("c"))
        await asyncio.sleep(0)
        assert not waiting.done()
        first.end()
        first.end()  # Once is enough.
        await waiting
        last = asyncio.create_task(turns.begin("d"))
        await asyncio.sleep(0)
        assert not last.done()
        last.cancel()

    run(lesson())


def test_whoever_has_had_least_of_late_is_next_however_many_ask_without_pause() -> None:
    async def lesson() -> None:
        clock = Clock()
        turns = Turns(at_once=1, clock=clock)
        order: list[str] = []

        async def ask(name: str) -> None:
            turn = await turns.begin(name)
            order.append(name)
            clock.now += 0.03
            await asyncio.sleep(0)
            turn.end()

        async def never_pause(name: str) -> None:
            while len(order) < 200:
                await ask(name)

        greedy = [asyncio.create_task(never_pause(f"greedy {i}")) for i in range(12)]
        waited = []
        while len(order) < 190:
            for _ in range(30):
                await asyncio.sleep(0)
            there = len(order)
            await ask("honest")
            waited.append(order[there:].index("honest"))
        await asyncio.gather(*greedy)
        # Among a dozen who ask without pause, "honest" waits for the one that runs, and now and then for one more.
        assert len(waited) >= 5 and max(waited) <= 2
        assert max(order.count(f"greedy {i}") for i in range(12)) <= 2 + min(
            order.count(f"greedy {i}") for i in range(12)
        )

    run(lesson())


def test_what_somebody_had_is_forgotten_with_time() -> None:
    async def lesson() -> None:
        clock = Clock()
        turns = Turns(clock=clock)
        for _ in range(10):
            (await turns.begin("me")).end()
        assert turns.had("me") == 10 and turns.had("you") == 0
        clock.now += 60
        assert turns.had("me") < 0.1

    run(lesson())


def test_who_leaves_while_waiting_takes_nobodys_turn_along() -> None:
    async def lesson() -> None:
        turns = Turns(at_once=1)
        first = await turns.begin("a")
        leaving, staying = asyncio.create_task(turns.begin("b")), asyncio.create_task(turns.begin("c"))
        await asyncio.sleep(0)
        leaving.cancel()
        await asyncio.sleep(0)
        first.end()
        (await asyncio.wait_for(staying, 30)).end()
        second = await turns.begin("a")  # Leaving in the very moment in which its turn has come:
        late = asyncio.create_task(turns.begin("b"))
        await asyncio.sleep(0)
        second.end()
        late.cancel()
        await asyncio.wait([late])
        third = await asyncio.wait_for(turns.begin("c"), 30)
        gone = asyncio.create_task(turns.begin("a"))  # ... or a moment earlier.
        await asyncio.sleep(0)
        gone.cancel()
        third.end()
        await asyncio.wait_for(turns.begin("b"), 30)

    run(lesson())


def test_a_script_that_waits_for_something_else_holds_nobody_up_for_ever() -> None:
    async def lesson() -> None:
        turns = Turns(at_once=1)
        await turns.begin("slow")
        await asyncio.wait_for(turns.begin("next"), 30)

    run(lesson())


def test_a_part_of_a_page_comes_before_whole_ones_and_these_take_turns_with_parts_once_they_have_waited() -> None:
    async def lesson() -> None:
        clock = Clock()
        turns = Turns(at_once=1, clock=clock)
        order: list[str] = []

        async def ask(name: str, part: bool) -> None:
            turn = await turns.begin(name, part=part)
            order.append(name)
            turn.end()

        async def asked(*names: str) -> list[asyncio.Task[None]]:
            tasks = [asyncio.create_task(ask(name, name.startswith("slider"))) for name in names]
            await asyncio.sleep(0)
            return tasks

        for number in range(3):  # Its owner has had some turns already, those who arrive none.
            (await turns.begin(f"slider {number}")).end()
        first = await turns.begin("running")
        tasks = await asked("page a", "slider 0", "page b")
        first.end()
        await asyncio.gather(*tasks)
        assert order == ["slider 0", "page a", "page b"]
        order.clear()
        first = await turns.begin("running")
        tasks = await asked("page c", "page d")
        clock.now += 2.0
        tasks += await asked("slider 1", "slider 2")
        first.end()
        await asyncio.gather(*tasks)
        assert order == ["slider 1", "page c", "slider 2", "page d"]

    run(lesson())


def test_whole_pages_leave_one_of_two_places_to_parts_where_somebody_asks_for_these() -> None:
    async def lesson() -> None:
        clock = Clock()
        turns = Turns(at_once=2, clock=clock)

        async def begun(name: str, part: bool = False) -> tuple[asyncio.Task[Turn], bool]:
            task = asyncio.create_task(turns.begin(name, part=part))
            for _ in range(3):
                await asyncio.sleep(0)
            return task, task.done()

        pages = [await begun(f"page {i}") for i in range(3)]
        assert [there for _, there in pages] == [True, True, False]  # Nobody asks for parts.
        slider, there = await begun("slider", part=True)
        assert not there
        pages[0][0].result().end()
        (await slider).end()
        assert not pages[2][0].done()
        again, there = await begun("slider", part=True)
        assert there  # At once, beside the page that runs and before the one that waits.
        (await again).end()
        clock.now += 5.0
        pages[1][0].result().end()
        await pages[2][0]
        assert (await begun("page 3"))[1]  # Both slots are for pages again.

    run(lesson())


def test_parts_of_pages_begin_one_after_the_other_and_a_slow_one_is_not_waited_for() -> None:
    async def lesson() -> None:
        turns = Turns(at_once=2)
        first = await turns.begin("a", part=True)
        second, page = asyncio.create_task(turns.begin("b", part=True)), asyncio.create_task(turns.begin("c"))
        await page  # The other place is free for whole pages.
        assert not second.done()
        page.result().end()
        first.end()
        slow = await second
        third = await asyncio.wait_for(
            turns.begin("d", part=True), 30
        )  # After a moment, though that one has not ended.
        slow.end()
        third.end()

    run(lesson())


def test_while_this_process_computes_no_further_script_begins(monkeypatch: pytest.MonkeyPatch) -> None:
    used = [0.0]
    monkeypatch.setattr("ui.door.turns.time.process_time", lambda: used[0])

    async def lesson() -> None:
        turns = Turns(at_once=1)
        await turns.begin("computes")
        waiting = asyncio.create_task(turns.begin("next"))
        for _ in range(3):
            used[0] += 10.0
            await asyncio.sleep(GLANCE / 2)
        assert not waiting.done()
        await asyncio.wait_for(waiting, 30)  # In the end it gets its turn, or sooner, as the process does nothing now.

    run(lesson())
