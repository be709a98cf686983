"""What a worker gives to each of its owners and runs: its processor in turn, frames in turn, and word of a run that holds up others.

Time goes by as the tests say (tests/machine.py), but for those that measure real training.
"""

from __future__ import annotations

import json
import mmap
import os
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from dlcore.arrays import from_bytes, to_bytes
from dlcore.frame import decode_frame
from dlcore.runs.figures import Figures, Second, delay_to_step, percentile
from dlcore.runs.luggage import pack_run, unpack_run
from dlcore.runs.owners import LEAD
from dlcore.runs.pace import NEVER
from dlcore.runs.run import Run
from dlcore.runs.viewers import FRAME_SHARE, MOST_CREDIT, ON_CREDIT, FrameRequest, Viewers
from dlcore.runs.worker import Worker
from dlcore.wire import Inbox, pack, write_all
from tests.machine import Machine
from tests.patience import PATIENCE, eventually

SMALL = {"dataset": {"kind": "gauss"}, "layers": [{"kind": "dense", "units": 3}]}
MEDIUM = {"layers": [{"kind": "dense", "units": 200}] * 8}  # Its picture is estimated to take 74 ms.


def recipe(**changes: Any) -> str:
    return json.dumps({**SMALL, **changes})


class Watched(Worker):
    """A worker whose messages are there to look at, and whose viewers ask again as soon as they are answered."""

    def __init__(self, output: int, machine: Machine | None = None) -> None:
        clocks = (machine.clock, machine.processor) if machine else (time.monotonic, time.thread_time)
        super().__init__(Inbox(0), output, mmap.mmap(-1, 64), *clocks)
        self.clock = clocks[0]
        self.sent: list[dict[str, Any]] = []
        self.frames: list[tuple[str, float]] = []  # Of which run, and when.
        self.asks_again: dict[int, tuple[str, dict[str, Any]]] = {}
        self._identifiers = iter(range(1, 1 << 30))

    def send(self, header: dict[str, Any], payload: bytes = b"", waits: bool = False) -> None:
        self.sent.append(header)
        again = self.asks_again.pop(header.get("id", 0), None)
        if again is not None:
            token, wants = again
            self.frames.append((token, self.clock()))
            self.view(token, version=header.get("version"), **wants)

    def ask(self, token: str, do: str, payload: bytes = b"", **arguments: Any) -> int:
        """The number of a request that has come."""
        identifier = next(self._identifiers)
        self.take({"do": do, "id": identifier, "token": token, **arguments}, payload)
        return identifier

    def answer(self, identifier: int) -> dict[str, Any] | None:
        return next((header for header in self.sent if header.get("id") == identifier), None)

    def make(self, token: str, text: str, owner: str = "") -> Run:
        made = {"recipe": text, "device": "cpu", "life": 0, "status": "paused", "speed": 1000}
        asked = self.ask(token, "create", owner=owner, **made)
        while self.answer(asked) is None:
            self.turn()
        return self.runs[token]

    def play(self, token: str, text: str, owner: str = "") -> Run:
        run = self.make(token, text, owner)
        run.set_speed(None)
        run.play()
        return run

    def view(self, token: str, version: int | None = None, **wants: Any) -> int:
        held = {"version": version, "structure": 1, "history": 0, **wants}
        identifier = next(self._identifiers)
        self.asks_again[identifier] = token, wants
        self.take({"do": "frame", "id": identifier, "token": token, **held}, b"")
        return identifier

    def work(self, seconds: float) -> None:
        """So long by its clock."""
        end = self.clock() + seconds
        while self.clock() < end:
            self.turn()


def request(identifier: int, version: int | None, **more: Any) -> FrameRequest:
    return FrameRequest(identifier, version, **{"structure": 1, "history": 0, **more})


def burn(seconds: float) -> None:
    end = time.thread_time() + seconds
    while time.thread_time() < end:
        pass


@pytest.fixture
def output() -> Iterator[int]:
    output = os.open(os.devnull, os.O_WRONLY)
    yield output
    os.close(output)


@pytest.fixture
def worker(output: int) -> Watched:
    return Watched(output)


@pytest.fixture
def machine() -> Machine:
    return Machine()


@pytest.fixture
def idle(output: int, machine: Machine) -> Watched:
    """A worker for which nothing takes any time but what the test says."""
    return Watched(output, machine)


class Paid:
    """What each run has had of the machine, and takes when it is its turn."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, machine: Machine) -> None:
        self.training: Counter[str] = Counter()
        self.showing: Counter[str] = Counter()
        self._patch, self._machine = monkeypatch, machine

    def let(self, token: str, run: Run, at_least: float = 0.0, frame: float = 0.0) -> None:
        """The run trains for a whole slice, and for so long at least; a frame of it takes so long."""

        def advance(seconds: float) -> None:
            self._machine.work(max(seconds, at_least))
            self.training[token] += max(seconds, at_least)  # type: ignore[assignment]
            run.version += 1

        def make(*arguments: object) -> bytes:
            self._machine.work(frame)
            self.showing[token] += frame  # type: ignore[assignment]
            return b""

        self._patch.setattr(run, "advance", advance)
        self._patch.setattr(run, "make_frame", make)


@pytest.fixture
def paid(monkeypatch: pytest.MonkeyPatch, machine: Machine) -> Paid:
    return Paid(monkeypatch, machine)


# Training


@pytest.mark.parametrize("number", [2, 10])
def test_runs_at_the_same_settings_get_the_same_share(worker: Watched, number: int) -> None:
    for token in range(number):
        worker.play(str(token), recipe())

    def evenly() -> bool:
        """In a second in which the machine has not much else to do, and no run still pays for a slow first slice (imports, kernels):
        time is shared out, and what is done in it depends on that."""
        before = [run.learner.step for run in worker.runs.values()]
        worker.work(1.0)
        steps = [run.learner.step - step for run, step in zip(worker.runs.values(), before, strict=True)]
        return max(steps) < 2 * min(steps)

    assert eventually(evenly)


def test_runs_that_play_take_turns(idle: Watched, paid: Paid) -> None:
    for token in "abc":
        paid.let(token, idle.play(token, recipe()))
    idle.work(3.0)
    assert max(paid.training.values()) - min(paid.training.values()) <= 0.008


def test_a_larger_network_gets_no_more_of_the_processor_than_smaller_ones(idle: Watched, paid: Paid) -> None:
    for token, at_least in (("large", 0.05), ("a", 0.0), ("b", 0.0), ("c", 0.0)):
        paid.let(token, idle.play(token, recipe()), at_least)
    idle.work(4.0)
    assert max(paid.training.values()) - min(paid.training.values()) <= 0.1


@pytest.mark.parametrize("owners", [["many", "one"], ["many", "one", "other"]])
def test_an_owner_of_many_runs_has_no_more_than_an_owner_of_one(idle: Watched, paid: Paid, owners: list[str]) -> None:
    for number in range(24):
        paid.let(f"many {number}", idle.play(f"many {number}", recipe(), "many"))
    for owner in owners[1:]:
        paid.let(owner, idle.play(owner, recipe(), owner))
    paid.training.clear()
    idle.work(6.0)
    of_many = [paid.training[f"many {number}"] for number in range(24)]
    for owner in owners[1:]:
        assert paid.training[owner] == pytest.approx(6.0 / len(owners), rel=0.05)
    assert max(of_many) - min(of_many) <= 0.02  # And its own are served evenly.


def test_all_who_play_have_had_a_slice_within_a_blink(idle: Watched, paid: Paid, machine: Machine) -> None:
    for token in range(20):
        paid.let(str(token), idle.play(str(token), recipe()))
    idle.work(0.2)
    paid.training.clear()
    begin = machine.now
    while len(paid.training) < 20:
        idle.turn()
    assert machine.now - begin < 0.03


# What is asked


def test_what_one_asks_without_end_leaves_another_owner_half_of_the_worker(
    idle: Watched, paid: Paid, machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    paid.let("quiet", idle.play("quiet", recipe(), "one"))
    loud = idle.make("loud", recipe(), "other")
    monkeypatch.setattr(loud, "reset", lambda: machine.work(0.03))
    paid.training.clear()
    asked = [idle.ask("loud", "reset") for _ in range(1000)]
    idle.work(6.0)
    obeyed = sum(idle.answer(identifier) is not None for identifier in asked)
    assert paid.training["quiet"] == pytest.approx(3.0, abs=0.3)
    assert obeyed * 0.03 == pytest.approx(3.0, abs=0.3)  # What it asked for goes on too.
    assert [header["id"] for header in idle.sent if header.get("id") in asked] == asked[:obeyed]


def test_an_owner_who_asked_for_little_is_obeyed_at_once_whatever_it_trains(
    idle: Watched, paid: Paid, machine: Machine
) -> None:
    for owner in "abcdef":
        paid.let(owner, idle.play(owner, recipe(), owner), at_least=0.03)
    idle.work(1.0)
    for owner in "abcdef":
        asked, begin = idle.ask(owner, "speed", value=7), machine.now
        idle.turn()
        assert idle.answer(asked) is not None
        assert machine.now - begin < 0.04  # One slice.


def test_alone_nobody_waits_however_much_was_asked(
    idle: Watched, machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = idle.make("a", recipe(), "one")
    idle.make("rests", recipe(), "other")
    monkeypatch.setattr(run, "reset", lambda: machine.work(LEAD))
    asked = [idle.ask("a", "reset") for _ in range(10)]
    assert idle.next_due() <= machine.now
    for _ in asked:
        idle.turn()
    assert all(idle.answer(identifier) is not None for identifier in asked)
    assert idle.next_due() > machine.now


def test_a_frame_is_not_made_before_what_was_asked_of_the_run_before_it(
    idle: Watched, paid: Paid, machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = idle.make("a", recipe(), "one")
    paid.let("other", idle.play("other", recipe(), "other"))
    monkeypatch.setattr(run, "reset", lambda: machine.work(2 * LEAD))
    asked = [idle.ask("a", "reset"), idle.ask("a", "step"), idle.view("a", now=True)]
    while idle.answer(asked[2]) is None:
        idle.turn()
    assert [header["id"] for header in idle.sent if header.get("id") in asked] == asked


def test_what_nobody_waits_for_any_more_is_let_go_and_confirmed(idle: Watched, machine: Machine, paid: Paid) -> None:
    idle.make("a", recipe())
    seen = idle.runs["a"].version
    command, waiting = idle.ask("a", "step"), idle.ask("a", "frame", version=seen, structure=1)
    for identifier in (command, waiting, 12345):
        idle.take({"do": "forget", "id": 0, "request": identifier}, b"")
    idle.turn()
    assert [idle.answer(identifier) for identifier in (command, waiting)] == [
        {"id": command, "withdrawn": True},
        {"id": waiting, "withdrawn": True},
    ]
    assert idle.answer(12345) is None
    assert idle.runs["a"].learner.step == 0


def test_a_run_that_is_closed_hands_out_its_last_state_and_answers_all_who_wait(idle: Watched) -> None:
    idle.make("a", recipe())
    idle.runs["a"].step()
    waiting = [idle.ask("a", "step"), idle.ask("a", "frame")]
    closed = idle.answer(idle.ask("a", "close", keep=True))
    assert closed is not None and closed["step"] == 1 and closed["recipe"]
    for identifier in waiting:
        refused = idle.answer(identifier)
        assert refused is not None and refused["problem"]["key"] == "run_gone"
    assert "recipe" not in (idle.answer(idle.ask("a", "close", keep=True)) or {})  # It is gone.


def test_a_large_message_is_read_in_a_few_turns_while_others_play(monkeypatch: pytest.MonkeyPatch) -> None:
    source, to_worker = os.pipe()
    output = os.open(os.devnull, os.O_WRONLY)
    monkeypatch.setattr(
        "dlcore.runs.worker.NEXT_PIECE", PATIENCE
    )  # Whoever writes gets a processor when others leave one.
    machine, turns = Machine(), []
    inbox = Inbox(source)
    worker = Worker(inbox, output, mmap.mmap(-1, 64), machine.clock, machine.processor)

    def turn() -> None:
        if inbox.incomplete:  # The message is on its way.
            turns.append(machine.now)
        machine.work(0.01)  # Others have much to do.

    monkeypatch.setattr(worker, "turn", turn)
    monkeypatch.setattr(worker, "next_due", lambda: 0.0)
    came = threading.Event()
    monkeypatch.setattr(worker, "take", lambda header, payload: came.set())
    thread = threading.Thread(target=worker.serve)
    thread.start()
    state = bytes(23 << 20)
    write_all(to_worker, pack({"do": "create", "id": 1, "token": "a"}, state), state)
    assert came.wait(PATIENCE)
    needed = len(turns)
    os.close(to_worker)
    thread.join()
    os.close(source)
    os.close(output)
    assert needed < 45  # A pipe of 64 kB is emptied some 370 times for it.


# Keeping


def kept(worker: Watched) -> list[dict[str, Any]]:
    return [header for header in worker.sent if "kept" in header]


def test_what_was_answered_is_kept_before_the_answer(idle: Watched) -> None:
    idle.make("a", recipe())
    for _ in range(3):
        asked = idle.ask("a", "step")
        idle.turn()
        assert [next(iter(header)) for header in idle.sent[-2:]] == ["kept", "id"]
        assert idle.sent[-1]["id"] == asked
        assert kept(idle)[-1]["step"] == idle.runs["a"].learner.step


def test_a_large_state_is_not_kept_for_each_of_many_commands_and_yet_the_last_one_is(
    idle: Watched, machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = idle.make("a", recipe())
    monkeypatch.setattr(run, "kept", lambda: ({**run.facts}, bytes(23 << 20)))
    for _ in range(50):
        idle.ask("a", "step")
        idle.turn()
        machine.wait(0.01)
    assert len(kept(idle)) <= 2
    while kept(idle)[-1]["step"] < 50:
        assert idle.next_due() < NEVER
        machine.wait(max(idle.next_due() - machine.now, 0.0))
        idle.turn()
    assert machine.now < 1002.0
    assert len(kept(idle)) <= 3


def test_a_run_that_was_brought_back_does_not_send_its_state_again(idle: Watched) -> None:
    idle.make("a", recipe())
    idle.runs["a"].step()
    facts, state = idle.runs["a"].kept()
    idle.ask("b", "create", state, owner="", **{**facts, "life": 1})
    idle.turn()
    assert kept(idle)[-1] == {"kept": "b", **facts, "same": True}
    states = [from_bytes(content) for content in (idle.runs["b"].kept()[1], state)]
    assert idle.runs["b"].facts == facts
    assert all(np.array_equal(states[0][name], array) for name, array in states[1].items())


# Frames


def test_frames_of_fifteen_viewers_are_spread_evenly_and_leave_most_of_the_time_to_training(
    idle: Watched, paid: Paid
) -> None:
    for token in map(str, range(15)):
        paid.let(token, idle.play(token, recipe(), owner=token), frame=0.002)
        idle.view(token)
    idle.work(2.0)
    idle.frames.clear()
    paid.showing.clear()
    paid.training.clear()
    idle.work(4.0)
    counts = Counter(token for token, _ in idle.frames)
    assert len(counts) == 15
    assert max(counts.values()) <= min(counts.values()) + 2
    assert sum(paid.showing.values()) == pytest.approx(4.0 * FRAME_SHARE, rel=0.1)
    assert sum(paid.training.values()) == pytest.approx(4.0 * (1 - FRAME_SHARE), rel=0.1)


def test_fifteen_real_runs_are_all_seen(worker: Watched) -> None:
    for token in map(str, range(15)):
        worker.play(token, recipe(layers=[{"kind": "dense", "units": 8}] * 3), owner=token)
        worker.view(token)

    def evenly() -> bool:
        """Once what the first pictures of each have cost is paid, which depends on what else the machine does."""
        worker.frames.clear()
        worker.work(2.0)
        counts = Counter(token for token, _ in worker.frames)
        return len(counts) == 15 and max(counts.values()) <= 2 * min(counts.values()) + 3

    assert eventually(evenly)


def test_one_viewer_alone_is_not_kept_waiting(idle: Watched, paid: Paid) -> None:
    paid.let("a", idle.play("a", recipe()), frame=0.001)
    idle.view("a")
    idle.work(0.5)
    pauses = np.diff([at for _, at in idle.frames])
    assert max(pauses) < 1 / 60


@pytest.mark.parametrize("sockets", [1, 20])
@pytest.mark.parametrize("wants", [{"now": True}, {"structure": None}])
def test_one_who_wants_frames_without_end_takes_none_from_another_and_has_its_own(
    idle: Watched, paid: Paid, sockets: int, wants: dict[str, Any]
) -> None:
    paid.let("a", idle.play("a", recipe(), "one"), frame=0.001)
    idle.view("a")
    idle.work(1.0)
    idle.frames.clear()
    idle.work(4.0)
    before = len(idle.frames)
    trained = paid.training["a"]
    paid.let("b", idle.make("b", recipe(), "other"), frame=0.02)
    for _ in range(sockets):
        idle.view("b", **wants)
    idle.work(2.0)
    idle.frames.clear()
    paid.training.clear()
    idle.work(4.0)
    counts = Counter(token for token, _ in idle.frames)
    pauses = np.diff([at for token, at in idle.frames if token == "a"])
    assert counts["a"] > 0.5 * before
    assert max(pauses) < 0.05  # One frame of the other and a turn of training.
    assert paid.training["a"] > 0.4 * trained * 4.0 / 5.0
    assert counts["b"] > 20


def test_one_who_owes_is_shown_at_once_when_nobody_else_has_anything_to_do(
    idle: Watched, paid: Paid, machine: Machine
) -> None:
    paid.let("b", idle.make("b", recipe(), "other"), frame=0.5)
    idle.make("rests", recipe(), "one")
    for _ in range(4):
        begin, waiting = machine.now, idle.view("b", now=True)
        idle.asks_again.clear()
        idle.turn()
        assert idle.answer(waiting) is not None and machine.now - begin == pytest.approx(0.5)
    paid.let("a", idle.play("a", recipe(), "one"))
    waiting = idle.view("b", now=True)
    idle.asks_again.clear()
    idle.turn()
    assert idle.answer(waiting) is None  # Somebody else wants to go on, and it owes a second.
    idle.work(2.0)
    assert idle.answer(waiting) is not None


def test_what_cannot_wait_is_shown_on_credit(machine: Machine) -> None:
    viewers, run = Viewers(machine.clock, machine.clock), Run(recipe(), "cpu")
    run.play()
    runs = {"a": run}

    def shown(at_work: set[str]) -> list[int]:
        return [frame.id for _, frame in viewers.take_due(runs, 1.0, lambda: at_work)]

    viewers.add("a", "one", request(1, run.version - 1))
    assert shown(set()) == [1]
    viewers.charge("a", request(1, 0), MOST_CREDIT + 0.1)
    viewers.add("a", "one", request(2, run.version - 1))
    assert shown(set()) == []
    for urgent in (request(3, run.version, now=True), request(4, run.version, structure=None)):
        viewers.add("a", "one", urgent)
        assert shown({"other"}) == [urgent.id]
    viewers.charge("a", request(4, 0), ON_CREDIT)
    viewers.add("a", "one", request(5, run.version, now=True))
    assert shown({"one", "other"}) == []
    assert shown({"one"}) == [5]
    assert machine.now < viewers.next_due(runs) <= machine.now + (0.1 + ON_CREDIT) / FRAME_SHARE + 1e-9
    run.pause()
    assert shown(set()) == [2]  # It stands: this frame is the only one for long.


def test_a_viewer_that_left_is_not_waited_for() -> None:
    viewers, run = Viewers(), Run(recipe(), "cpu")
    for identifier in (1, 2):
        viewers.add("a", "", request(identifier, run.version))
    assert viewers.forget(1) and not viewers.forget(1)
    assert [frame.id for frame in viewers.leave("a")] == [2]
    assert viewers.next_due({"a": run}) == NEVER


def test_a_machine_that_is_busy_elsewhere_makes_nobody_owe_anything(
    idle: Watched, paid: Paid, machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = idle.play("a", recipe(), "one")
    paid.let("a", run, frame=0.001)
    make = run.make_frame

    def make_slowly(*arguments: Any) -> bytes:
        machine.wait(0.4)  # Others have the processor.
        return make(*arguments)

    monkeypatch.setattr(run, "make_frame", make_slowly)
    idle.view("a")
    idle.work(20.0)
    pauses = np.diff([at for _, at in idle.frames])
    assert max(pauses) < 0.45


# Heavy runs


def told_heavy(worker: Watched) -> list[str]:
    return [sent["heavy"] for sent in worker.sent if "heavy" in sent]


@pytest.mark.parametrize("act", ["advance", "frame"])
def test_a_run_that_is_too_long_at_it_twice_is_told_of(idle: Watched, paid: Paid, act: str) -> None:
    run = idle.play("heavy", recipe(**MEDIUM))
    long = {"at_least": 0.12} if act == "advance" else {"frame": 0.12}
    paid.let("heavy", run, **long)
    acts = paid.training if act == "advance" else paid.showing
    idle.view("heavy")
    for times in (0, 1):
        done = acts["heavy"]
        while acts["heavy"] < done + 0.12:
            idle.turn()
        assert len(told_heavy(idle)) >= times
    assert set(told_heavy(idle)) == {"heavy"}


def test_a_small_run_is_never_told_of_however_long_it_takes(idle: Watched, paid: Paid) -> None:
    paid.let("small", idle.play("small", recipe()), at_least=0.5, frame=0.5)
    idle.view("small")
    idle.work(20.0)
    assert not told_heavy(idle)


def test_waiting_for_the_processor_is_not_being_heavy(
    idle: Watched, machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = idle.play("a", recipe(**MEDIUM))
    monkeypatch.setattr(run, "advance", lambda seconds: machine.wait(0.12))
    idle.work(2.0)
    assert not told_heavy(idle)


# Luggage


@given(arrays(st.sampled_from(["f4", "f8", "i8", "u1", "u2", "?"]), array_shapes(min_dims=0, max_dims=3, min_side=0)))
def test_arrays_come_back_from_their_bytes(array: np.ndarray) -> None:
    back = from_bytes(to_bytes({"a": array, "b/c": array.T, "empty": array[..., :0] if array.ndim else array}))
    assert back["a"].dtype == array.dtype
    assert np.array_equal(back["a"], array, equal_nan=array.dtype.kind == "f")
    assert back["b/c"].tobytes() == array.T.tobytes()


@settings(max_examples=8)
@given(
    updates=st.integers(0, 120),
    optimizer=st.sampled_from(["sgd", "adam", "adagrad"]),
    dropout=st.booleans(),
    frozen=st.booleans(),
)
def test_a_run_goes_on_elsewhere_bit_for_bit(updates: int, optimizer: str, dropout: bool, frozen: bool) -> None:
    layers = [{"kind": "dense", "units": 4}, *([{"kind": "dropout", "p": 0.3}] if dropout else [])]
    text = recipe(layers=layers, optimizer={"kind": optimizer}, batch_size=20)
    stays = Run(text, "cpu")
    if frozen:
        stays.intervene("freeze", {"structure": 1, "address": "0", "unit": 0, "input": 0, "on": True})
    stays.play()
    take(stays, updates)
    stays.set_leash(10_000)
    header, content = pack_run(stays, gently=False)
    moved = Run(header["recipe"], "cpu")
    unpack_run(moved, json.loads(json.dumps(header)), content)
    assert (moved.status, moved.speed, moved.leash) == ("playing", None, 10_000)
    assert moved.structure == stays.structure
    assert moved.version > stays.version
    assert np.array_equal(moved.timeline.table(), stays.timeline.table())
    for run in (stays, moved):
        take(run, 60)
    before, after = stays.learner.state(), moved.learner.state()
    assert before.keys() == after.keys()
    assert all(np.array_equal(before[name], after[name], equal_nan=True) for name in before)
    assert np.array_equal(moved.timeline.table(), stays.timeline.table(), equal_nan=True)


def take(run: Run, updates: int) -> None:
    """Let a playing run go on by so many updates."""
    run.set_speed(None)
    run.set_leash(run.learner.step + updates)
    run.advance(PATIENCE)
    assert run.learner.step == run.leash


def test_a_viewer_of_a_moved_run_needs_no_new_layout_and_keeps_its_moments() -> None:
    stays = Run(recipe(), "cpu")
    stays.play()
    take(stays, 60)
    drawn, arrays = decode_frame(stays.frame(None, None, 0))
    header, content = pack_run(stays, gently=True)
    moved = Run(header["recipe"], "cpu")
    unpack_run(moved, header, content)
    held = (drawn["version"], drawn["structure"], len(arrays["history"]), drawn["moments_version"])
    news, changed = decode_frame(moved.frame(*held))
    assert "layout" not in news
    assert len(changed["history"]) == 0
    first = arrays["moments"][0, 0]
    assert moved.rewind(first)["step"] == 0


def test_a_run_with_something_to_lose_stays_when_asked_gently() -> None:
    run = Run(recipe(), "cpu")
    run.epoch()
    assert pack_run(run, gently=True) == ({}, b"")
    header, _ = pack_run(run, gently=False)
    assert "luggage" in header


# Figures


def test_a_worker_counts_what_it_does(worker: Watched) -> None:
    begin = worker.clock()
    run = worker.make("a", recipe())
    before = run.learner.step
    run.set_speed(None)
    run.play()
    worker.view("a")
    while not any("stats" in header and header["stats"]["updates"] for header in worker.sent):
        worker.turn()
    elapsed = worker.clock() - begin
    told = [json.loads(json.dumps(header["stats"])) for header in worker.sent if "stats" in header]
    assert sum(second["updates"] for second in told) == run.learner.step - before
    assert sum(second["frames"] for second in told) == len(worker.frames)
    assert sum(sum(second["delays"].values()) for second in told) == len(worker.frames)
    spent = {name: sum(second["spent"][name] for second in told) for name in told[0]["spent"]}
    assert spent.keys() == {"training", "pictures", "changes", "keeping", "pipe", "rest"}
    assert min(spent[name] for name in ("training", "pictures", "changes", "rest")) > 0.0
    assert sum(spent.values()) <= elapsed
    assert told[-1]["memory"] > 20 << 20
    run.pause()
    worker.asks_again.clear()
    worker.work(2.0)
    assert worker.next_due() == NEVER  # Nothing more to tell until something moves.


def test_a_workers_time_counts_as_what_it_does_at_the_moment() -> None:
    machine = Machine()
    second = Second(machine.clock, machine.processor)
    machine.work(1.0)
    with second.doing("training"):
        machine.work(2.0)
        with second.doing("pipe"):
            machine.work(4.0)
        machine.work(8.0)
        with suppress(ValueError), second.doing("changes"):
            machine.work(16.0)
            raise ValueError
    with second.doing("pictures"):
        machine.wait(100.0)
        machine.work(32.0)
    expected = {"rest": 1.0, "training": 10.0, "pipe": 4.0, "changes": 16.0, "pictures": 32.0, "keeping": 0.0}
    assert second.report()["spent"] == expected
    machine.work(64.0)
    assert second.report()["spent"]["rest"] == 64.0


def test_the_figures_are_sums_over_the_workers_that_are_there() -> None:
    figures = Figures()
    assert figures.sum_up(["a"])["p95_frame_delay_seconds"] is None
    for worker, delays in (("a", [0.01] * 60), ("b", [0.01] * 36 + [0.5] * 4), ("gone", [])):
        second = Second()
        second.count_updates(100)
        for delay in delays:
            second.count_frame(delay)
        report = {**second.report(), "seconds": 0.5, "memory": 7}
        for _ in range(2):
            figures.take(worker, {**report, "delays": {}, "spent": {**report["spent"], "training": 0.25}})
        figures.take(worker, {**report, "spent": {**report["spent"], "training": 0.25}})
    sums = figures.sum_up(["a", "b"])
    assert (sums["updates_per_second"], sums["frames_per_second"]) == (400, 200)
    assert sums["training_share"] == 0.5
    assert sums["training_seconds"] == {"a": 0.75, "b": 0.75}  # since the start, not of the last second
    assert sums["memory_bytes"] == {"a": 7, "b": 7}
    assert sums["p95_frame_delay_seconds"] == pytest.approx(0.01, rel=0.2)


@given(st.lists(st.floats(0.002, 20.0), min_size=1, max_size=50), st.floats(0.1, 1.0))
def test_a_percentile_is_right_to_a_fifth(delays: list[float], share: float) -> None:
    exact = sorted(delays)[int(np.ceil(share * len(delays) - 1e-9)) - 1]
    found = percentile(Counter(delay_to_step(delay) for delay in delays), share)
    assert found is not None
    assert exact * 0.999 <= found <= exact * 1.2001
