"""Whole pages stand aside while a part of a page is made; what a script says wakes the loop once."""

from __future__ import annotations

import asyncio
import threading
import time
from contextlib import suppress
from types import SimpleNamespace
from typing import Any
from unittest.mock import MagicMock

import pytest
from streamlit.runtime import app_session
from streamlit.runtime.scriptrunner import ScriptRunner

from tests.clock import Clock
from tests.loops import run
from ui import wakeups
from ui.door import aside
from ui.door.aside import LONGEST, MOST, StandsAside
from ui.door.turns import Turns

PATIENCE = 30.0


class Part(threading.Event):
    """A part of a page that does not end: each wait for it takes as long as it may."""

    def __init__(self, clock: Clock) -> None:
        super().__init__()
        self.waits: list[float] = []
        self._clock = clock

    def wait(self, timeout: float | None = None) -> bool:
        assert timeout is not None
        self.waits.append(timeout)
        self._clock.now += timeout
        return False


@pytest.fixture
def said(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What Streamlit has passed on."""
    said: list[Any] = []
    monkeypatch.setattr(ScriptRunner, "_enqueue_forward_msg", lambda self, message: said.append(message))
    return said


def script(
    monkeypatch: pytest.MonkeyPatch, no_part: threading.Event, fragments: list[str] | None = None
) -> StandsAside:
    """One that runs, beside parts of pages of which this is known."""
    context = SimpleNamespace(fragment_ids_this_run=fragments)
    monkeypatch.setattr(aside, "get_script_run_ctx", lambda suppress_warning: context)
    runner = StandsAside.__new__(StandsAside)
    runner.no_part = no_part
    return runner


def test_a_whole_page_goes_on_when_the_part_is_made(monkeypatch: pytest.MonkeyPatch, said: list[Any]) -> None:
    no_part = threading.Event()
    monkeypatch.setattr(aside, "LONGEST", PATIENCE)
    runner = script(monkeypatch, no_part)
    heard = threading.Event()

    def draw() -> None:
        for message in ("first", "second"):
            runner._enqueue_forward_msg(message)
            heard.set()

    drawing = threading.Thread(target=draw)
    drawing.start()
    assert not heard.wait(0.2) and said == ["first"]  # A message is passed on before the script pauses.
    no_part.set()
    drawing.join(PATIENCE)
    assert said == ["first", "second"]


def test_it_waits_for_no_part_for_ever(monkeypatch: pytest.MonkeyPatch, said: list[Any]) -> None:
    clock = Clock()
    part = Part(clock)
    runner = script(monkeypatch, part)
    runner.clock = clock
    for number in range(100):
        runner._enqueue_forward_msg(number)
    assert said == list(range(100))
    assert part.waits == [LONGEST] * round(MOST / LONGEST)


def test_a_part_stands_aside_for_no_other(monkeypatch: pytest.MonkeyPatch, said: list[Any]) -> None:
    part = Part(Clock())
    script(monkeypatch, part, ["settings"])._enqueue_forward_msg("first")
    assert said == ["first"] and part.waits == []


def test_a_page_stands_aside_in_the_first_moment_of_a_part_only() -> None:
    async def lesson() -> None:
        turns = Turns()
        page = await turns.begin("newcomer")
        assert turns.no_part.is_set()
        part = await turns.begin("pupil", part=True)
        assert not turns.no_part.is_set()
        part.end()
        assert turns.no_part.is_set()
        part = await turns.begin("pupil", part=True)
        await asyncio.wait_for(
            asyncio.to_thread(turns.no_part.wait), PATIENCE
        )  # Set again although the part has not ended: it takes long, so perhaps it waits for a worker.
        part.end()
        page.end()

    run(lesson())


def test_streamlit_runs_scripts_by_the_class_that_stands_aside(monkeypatch: pytest.MonkeyPatch) -> None:
    # Fails if another version of Streamlit creates script runners elsewhere: then whole pages would not pause for parts.
    monkeypatch.setattr(app_session, "ScriptRunner", app_session.ScriptRunner)
    monkeypatch.setattr(StandsAside, "no_part", StandsAside.no_part)
    no_part = threading.Event()
    aside.install(no_part)
    made: list[Any] = []

    class Noted(StandsAside):
        def __init__(self, **given: Any) -> None:
            made.append(given)
            self.on_event = SimpleNamespace(connect=lambda *_, **__: None)

        def start(self) -> None:
            pass

    assert app_session.ScriptRunner is StandsAside and StandsAside.no_part is no_part
    monkeypatch.setattr(app_session, "ScriptRunner", Noted)
    session = MagicMock(**{"_script_event_loop.is_closed.return_value": False})
    app_session.AppSession._create_scriptrunner(session, MagicMock())
    assert len(made) == 1


def test_the_processor_time_of_scripts_is_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    taken: list[float] = []

    def compute(_: ScriptRunner) -> None:
        while time.thread_time() < 0.02:
            pass
        taken.append(time.thread_time())
        raise ValueError("a script's thread that fails counts, too")

    def run_script() -> None:
        with suppress(ValueError):
            StandsAside.__new__(StandsAside)._run_script_thread()

    monkeypatch.setattr(ScriptRunner, "_run_script_thread", compute)
    before = aside.seconds_of_scripts()
    for _ in range(2):
        thread = threading.Thread(target=run_script)
        thread.start()
        thread.join()
    assert sum(taken) <= aside.seconds_of_scripts() - before < sum(taken) + 0.02


def test_what_many_threads_put_down_is_done_though_the_loop_is_woken_seldom() -> None:
    async def lesson() -> None:
        loop = asyncio.get_running_loop()
        writes, done = [], []
        write = loop._write_to_self  # type: ignore[attr-defined]
        loop._write_to_self = lambda: (writes.append(1), write())  # type: ignore[attr-defined]
        wakeups.install(loop)
        everything = asyncio.Event()

        def put_down(thread: int) -> None:
            for number in range(500):
                loop.call_soon_threadsafe(hear, (thread, number))

        def hear(what: tuple[int, int]) -> None:
            done.append(what)
            if len(done) == 8 * 500:
                everything.set()

        threads = [threading.Thread(target=put_down, args=(thread,)) for thread in range(8)]
        for thread in threads:
            thread.start()
        await asyncio.wait_for(everything.wait(), PATIENCE)
        assert sorted(done) == [(thread, number) for thread in range(8) for number in range(500)]
        for thread in range(8):
            assert [number for of, number in done if of == thread] == list(range(500))
        assert 0 < len(writes) < len(done)

    run(lesson())


def test_a_loop_that_sleeps_is_woken_by_each_message() -> None:
    async def lesson() -> None:
        loop = asyncio.get_running_loop()
        wakeups.install(loop)
        for _ in range(50):
            heard = asyncio.Event()
            threading.Thread(target=loop.call_soon_threadsafe, args=(heard.set,)).start()
            await asyncio.wait_for(heard.wait(), PATIENCE)

    run(lesson())


def test_the_loop_of_this_python_can_be_woken_so() -> None:
    # Fails if another version of Python wakes its loops in another way: then each message would be a system call again.
    async def lesson() -> bool:
        loop = asyncio.get_running_loop()
        before = loop._write_to_self  # type: ignore[attr-defined]
        wakeups.install(loop)
        return loop._write_to_self != before  # type: ignore[attr-defined]

    assert run(lesson())
