"""However much somebody asks for over the live channel: one request of a viewer waits in a worker, and others are heard."""

from __future__ import annotations

import http.client
import json
import socket
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from starlette.applications import Starlette
from websockets.sync.client import ClientConnection, connect

from dlcore.experiment import Experiment
from dlcore.limits import Limits
from dlcore.runs.server.pool import Pool
from dlcore.runs.server.shelf import Shelf
from tests.machine import Machine
from tests.patience import eventually
from tests.scripted import Scripted, ScriptedPlaces
from ui import door, live, pace

PATIENCE = 60.0
LOUD, QUIET = door.new_secret(), door.new_secret()
READY = {"type": "ready", "version": None, "structure": None, "history": 0}


@pytest.fixture
def worker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Scripted]:
    """The only worker of the pool that the live channel has."""
    places = ScriptedPlaces()
    pool = Pool(places=places, limits=Limits(workers=1, heavy_workers=0, shelf=tmp_path))
    monkeypatch.setattr(live, "_pool", pool)
    pool.start()
    assert eventually(lambda: pool.ready)
    yield places.opened[0]
    pool.stop()


@pytest.fixture
def host(worker: Scripted) -> Iterator[str]:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        app = Starlette(routes=live.routes())
        server = uvicorn.Server(uvicorn.Config(app, ws="websockets-sansio", log_level="warning", lifespan="off"))
        thread = threading.Thread(target=server.run, args=([listening],))
        thread.start()
        yield f"127.0.0.1:{listening.getsockname()[1]}"
        server.should_exit = True
        thread.join()


def run_of(owner: str) -> str:
    return live.pool().create(Experiment().to_json(), owner=owner)


def look(host: str, token: str, owner: str) -> ClientConnection:
    headers = {"Cookie": f"{door.COOKIE}={owner}"}
    return connect(f"ws://{host}/api/live/{token}", additional_headers=headers, proxy=None)


def say(viewer: ClientConnection, **message: Any) -> None:
    viewer.send(json.dumps(message))


def in_the_worker(worker: Scripted, answered: set[int]) -> list[int]:
    """Requests for frames that it holds: told, neither answered nor forgotten."""
    forgotten = {header["request"] for header in worker.asked("forget")}
    return [header["id"] for header in worker.asked("frame") if header["id"] not in answered | forgotten]


def test_a_viewer_that_asks_without_end_has_one_request_in_the_worker_the_latest(host: str, worker: Scripted) -> None:
    token, answered = run_of(LOUD), set[int]()
    with look(host, token, LOUD) as viewer:
        for number in range(60):
            say(viewer, **{**READY, "now": True, "history": number})
        assert eventually(lambda: len(worker.asked("frame")) == 2)  # The first request, and one that replaces it.
        assert len(in_the_worker(worker, answered)) == 1
        (first,) = worker.asked("forget")
        # Nothing more comes before the worker has let go of the first; then the latest does.
        say(viewer, type="command", do="step")
        assert eventually(lambda: worker.asked("step"))
        assert len(worker.asked("frame")) == 2
        worker.answer({"id": first["request"]}, withdrawn=True)
        assert eventually(lambda: len(worker.asked("frame")) == 3)
        assert worker.asked("frame")[-1]["history"] == 59
        held = in_the_worker(worker, answered)
        assert len(held) == 1
        worker.answer({"id": worker.asked("forget")[-1]["request"]}, withdrawn=True)
        worker.answer({"id": held[0]}, b"picture")
        assert viewer.recv(timeout=PATIENCE) == b"picture"


def test_who_asks_without_end_is_shown_what_the_worker_makes(host: str, worker: Scripted) -> None:
    token, answered = run_of(LOUD), set[int]()
    with look(host, token, LOUD) as viewer:
        for number in range(20):
            for _ in range(3):
                say(viewer, **{**READY, "now": True})
            # It answers what it has in hand, and confirms that it has let go of what is withdrawn, as a worker does.
            assert eventually(lambda: in_the_worker(worker, answered))
            for header in worker.asked("forget"):
                if header["request"] not in answered:
                    answered.add(header["request"])
                    worker.answer({"id": header["request"]}, withdrawn=True)
            newest = in_the_worker(worker, answered)[-1]
            answered.add(newest)
            worker.answer({"id": newest}, b"picture %d" % number)
            assert viewer.recv(timeout=PATIENCE) == b"picture %d" % number


def test_what_was_made_before_it_was_withdrawn_is_shown_too(host: str, worker: Scripted) -> None:
    token = run_of(LOUD)
    with look(host, token, LOUD) as viewer:
        say(viewer, **READY)
        assert eventually(lambda: worker.asked("frame"))
        say(viewer, **{**READY, "now": True})
        assert eventually(lambda: len(worker.asked("frame")) == 2)
        for header, picture in zip(worker.asked("frame"), (b"one", b"two"), strict=True):
            worker.answer(header, picture)
        assert [viewer.recv(timeout=PATIENCE) for _ in range(2)] == [b"one", b"two"]
        say(viewer, **READY)
        assert eventually(lambda: len(worker.asked("frame")) == 3)


def test_a_viewer_that_leaves_takes_both_its_requests_along(host: str, worker: Scripted) -> None:
    token = run_of(LOUD)
    with look(host, token, LOUD) as viewer:
        for _ in range(3):
            say(viewer, **{**READY, "now": True})
        assert eventually(lambda: len(worker.asked("frame")) == 2)
    assert eventually(lambda: not in_the_worker(worker, set()))


def test_an_owner_has_so_many_commands_in_the_workers_over_all_its_sockets_and_others_have_theirs(
    host: str, worker: Scripted
) -> None:
    loud, quiet = run_of(LOUD), run_of(QUIET)
    with ExitStack() as stack:
        sockets = [stack.enter_context(look(host, loud, LOUD)) for _ in range(5)]
        other = stack.enter_context(look(host, quiet, QUIET))
        for _ in range(10):
            for viewer in sockets:
                say(viewer, type="command", do="step")
        assert eventually(lambda: len(worker.asked("step")) >= pace.MOST_COMMANDS)
        say(other, type="command", do="pause")
        assert eventually(lambda: worker.asked("pause"))
        assert len(worker.asked("step")) == pace.MOST_COMMANDS
        for header in worker.asked("step")[:7]:
            worker.answer(header)
        assert eventually(lambda: len(worker.asked("step")) == pace.MOST_COMMANDS + 7)

        def all_came() -> bool:
            for header in worker.asked("step"):
                worker.answer(header)
            return len(worker.asked("step")) == 50

        assert eventually(all_came)


def test_an_epoch_right_after_one_that_is_not_over_is_the_same_one(host: str, worker: Scripted) -> None:
    token = run_of(LOUD)
    with look(host, token, LOUD) as viewer:
        for do in ("epoch", "epoch", "epoch", "reset", "epoch", "pause"):
            say(viewer, type="command", do=do)
        assert eventually(lambda: worker.asked("pause"))
        told = [header["do"] for header, _ in worker.told if header["do"] in ("epoch", "reset", "pause")]
        assert told == ["epoch", "reset", "epoch", "pause"]
        for header in worker.asked("epoch"):
            worker.answer(header)
        say(viewer, type="command", do="epoch")
        assert eventually(lambda: len(worker.asked("epoch")) == 3)


def test_who_says_too_much_is_heard_more_slowly_and_nobody_else_is(
    host: str, worker: Scripted, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "_paces", pace.Paces(10.0))
    loud, quiet = run_of(LOUD), run_of(QUIET)
    with ExitStack() as stack:
        sockets = [stack.enter_context(look(host, loud, LOUD)) for _ in range(10)]
        other = stack.enter_context(look(host, quiet, QUIET))
        for viewer in sockets:
            for _ in range(3):
                say(viewer, type="command", do="step")
        say(other, type="command", do="pause")
        assert eventually(lambda: worker.asked("pause"))
        assert len(worker.asked("step")) < 30
        assert eventually(lambda: len(worker.asked("step")) == 30)  # In the end.


# The pace itself


def test_half_a_second_of_messages_may_come_at_once_and_then_so_many_a_second() -> None:
    machine = Machine()
    messages = pace.Pace(200.0, machine.clock)
    pauses = [messages.take_turn() for _ in range(200)]
    assert max(pauses[:100]) <= 1e-9
    assert pauses[100:] == pytest.approx([number / 200 for number in range(1, 101)])
    machine.wait(0.5)
    assert messages.take_turn() == pytest.approx(1 / 200)
    assert not messages.rested
    machine.wait(3600.0)
    assert messages.rested
    assert max(messages.take_turn() for _ in range(100)) <= 1e-9


def test_an_honest_browser_never_waits() -> None:
    machine = Machine()
    messages = pace.Pace(pace.MESSAGES_A_SECOND, machine.clock)
    for _ in range(60 * 10):  # Three canvases that each draw sixty frames a second.
        assert max(messages.take_turn() for _ in range(3)) <= 1e-9
        machine.wait(1 / 60)


def test_a_pace_is_remembered_as_long_as_there_is_something_to_remember() -> None:
    machine = Machine()
    paces = pace.Paces(clock=machine.clock)
    first = paces.of(LOUD)
    first.take_turn()
    assert paces.of(LOUD) is first  # The next socket of the same owner goes on where the last one stopped.
    assert paces.of("") is not first
    first.sockets += 1
    machine.wait(3600.0)
    assert paces.of(LOUD) is first
    first.sockets -= 1
    assert paces.of(LOUD) is not first


def test_those_who_keep_no_cookie_have_more_together_than_one_owner() -> None:
    machine = Machine()
    paces = pace.Paces(100.0, machine.clock)
    at_once = dict.fromkeys((LOUD, ""), 0)
    for owner in at_once:
        while paces.of(owner).take_turn() <= 1e-9:
            at_once[owner] += 1
    assert at_once == {LOUD: 50, "": 150}


# A disk that hangs


def test_pages_that_ask_for_their_runs_while_the_disk_hangs_are_told_to_ask_again_and_hold_up_nobody(
    host: str, worker: Scripted, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "LONGEST_READING", 0.3)
    answered = threading.Event()
    monkeypatch.setattr(Shelf, "find", lambda self, token: answered.wait(60) and None)
    here = run_of(QUIET)

    def kept(token: str) -> int:
        with closing(http.client.HTTPConnection(host, timeout=PATIENCE)) as connection:
            connection.request("GET", f"/api/live/{token}/kept", headers={"Cookie": f"{door.COOKIE}={QUIET}"})
            return connection.getresponse().status

    try:
        with ThreadPoolExecutor(20) as pages:
            statuses = list(pages.map(kept, [f"away-{number}" for number in range(20)]))
        assert statuses == [503] * 20
        assert kept(here) == 200  # What needs no disk.
    finally:
        answered.set()
    assert eventually(lambda: kept("away") == 204)
