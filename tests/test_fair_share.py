"""What a worker gives to each of its runs: training in turn, frames in turn, and word of a run that holds up others."""

from __future__ import annotations

import json
import mmap
import os
import time
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from dlcore.arrays import from_bytes, to_bytes
from dlcore.frame import decode_frame
from dlcore.runs.figures import Figures, Second, percentile, step_of
from dlcore.runs.luggage import pack_run, unpack_run
from dlcore.runs.run import NEVER, Run
from dlcore.runs.viewers import FRAME_SHARE, FrameRequest, Viewers
from dlcore.runs.wire import Inbox
from dlcore.runs.worker import Worker

SMALL = {"dataset": {"kind": "gauss"}, "layers": [{"kind": "dense", "units": 3}]}


def recipe(**changes: Any) -> str:
    return json.dumps({**SMALL, **changes})


class Sent(Worker):
    """A worker whose messages are there to look at, and whose viewers ask again at once, as long as they are told to."""

    def __init__(self, output: int) -> None:
        super().__init__(Inbox(0), output, mmap.mmap(-1, 64))
        self.sent: list[dict[str, Any]] = []
        self.frames: list[tuple[str, float]] = []
        self.asks_again: dict[int, str] = {}

    def _send(self, header: dict[str, Any], payload: bytes = b"") -> None:
        self.sent.append(header)
        token = self.asks_again.get(header.get("id", 0))
        if token is not None:
            self.frames.append((token, time.monotonic()))
            self._viewers.add(token, request(header["id"], header["version"]))

    def play(self, token: str, text: str, speed: float | None = None) -> Run:
        run = self.runs[token] = Run(text, "cpu")
        run.set_speed(speed)
        run.play()
        return run

    def view(self, token: str) -> None:
        self.asks_again[len(self.asks_again) + 1] = token
        self._viewers.add(token, request(len(self.asks_again), self.runs[token].version - 1))

    def work(self, seconds: float) -> None:
        """The loop of slices, without requests."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self._give_slice()
            self._show_in_turn()


def request(identifier: int, version: int | None, **more: Any) -> FrameRequest:
    return FrameRequest(identifier, version, **{"structure": 1, "history": 0, **more})


def burn(seconds: float) -> None:
    end = time.thread_time() + seconds
    while time.thread_time() < end:
        pass


@pytest.fixture
def worker() -> Iterator[Sent]:
    output = os.open(os.devnull, os.O_WRONLY)
    yield Sent(output)
    os.close(output)


@pytest.mark.parametrize("number", [2, 10])
def test_runs_at_the_same_settings_get_the_same_share(worker: Sent, number: int) -> None:
    for token in range(number):
        worker.play(str(token), recipe())
    worker.work(1.0)
    steps = [run.trainer.step for run in worker.runs.values()]
    assert min(steps) > 0
    assert max(steps) < 2 * min(steps)


def test_a_larger_network_gets_no_more_of_the_processor_than_smaller_ones(
    worker: Sent, monkeypatch: pytest.MonkeyPatch
) -> None:
    spent: Counter[str] = Counter()

    def takes(token: str, at_least: float) -> Callable[[float], None]:
        def advance(seconds: float) -> None:
            burn(max(seconds, at_least))
            spent[token] += max(seconds, at_least)  # type: ignore[assignment]

        return advance

    for token, at_least in (("large", 0.05), ("a", 0.0), ("b", 0.0), ("c", 0.0)):
        monkeypatch.setattr(worker.play(token, recipe()), "advance", takes(token, at_least))
    while sum(spent.values()) < 2.0:
        worker._give_slice()
    assert max(spent.values()) < 1.6 * min(spent.values())


def test_all_who_play_have_had_a_slice_within_a_blink(worker: Sent) -> None:
    for token in range(20):
        worker.play(str(token), recipe())
    worker.work(0.2)
    before = {token: run.trainer.step for token, run in worker.runs.items()}
    begin = time.thread_time()
    while any(run.trainer.step == before[token] for token, run in worker.runs.items()):
        worker._give_slice()
    assert time.thread_time() - begin < 0.1


def test_frames_of_fifteen_viewers_are_spread_evenly_and_leave_most_of_the_time_to_training(worker: Sent) -> None:
    for token in range(15):
        worker.play(str(token), recipe(layers=[{"kind": "dense", "units": 8}] * 3))
        worker.view(str(token))
    while len({token for token, _ in worker.frames}) < 15:  # A first picture cannot wait.
        worker.work(0.1)
    worker.frames.clear()
    worker._second.told()
    begin = time.monotonic()
    worker.work(2.0)
    counts = Counter(token for token, _ in worker.frames)
    assert len(counts) == 15
    assert max(counts.values()) <= min(counts.values()) + 3
    assert worker._second.showing / (time.monotonic() - begin) < FRAME_SHARE + 0.15
    assert worker._second.training / (time.monotonic() - begin) > FRAME_SHARE - 0.2


def test_one_viewer_alone_is_not_kept_waiting(worker: Sent, monkeypatch: pytest.MonkeyPatch) -> None:
    run = worker.play("a", recipe())
    monkeypatch.setattr(run, "frame", lambda *arguments: b"")
    worker.view("a")
    worker.work(0.5)
    pauses = np.diff([at for _, at in worker.frames])
    assert np.median(pauses) < 1 / 60


def test_what_cannot_wait_is_shown_though_there_is_no_credit(worker: Sent) -> None:
    viewers = worker._viewers
    run = worker.play("a", recipe())
    viewers.paid(request(0, None), 10.0)
    moving = request(1, run.version - 1)
    viewers.add("a", moving)
    for urgent in (request(2, run.version, now=True), request(3, run.version, structure=None)):
        viewers.add("a", urgent)
        assert list(viewers.at_once("a", run)) == [urgent]
    assert list(viewers.in_turn(worker.runs, 1.0)) == []
    assert time.monotonic() < viewers.next_due(worker.runs) < time.monotonic() + 2.0
    run.pause()
    assert list(viewers.at_once("a", run)) == [moving]


def test_a_hidden_page_gets_a_frame_in_two_seconds_unless_it_wants_one_now(worker: Sent) -> None:
    run = worker.play("a", recipe())
    calm = request(1, run.version - 1, calm=True)
    assert calm.due(run) == calm.since + 2.0
    assert request(1, run.version - 1, calm=True, structure=0).due(run) == pytest.approx(
        time.monotonic() + 2.0, abs=0.1
    )
    assert request(1, run.version, calm=True).due(run) == NEVER
    assert request(1, run.version, calm=True, now=True).due(run) == 0.0
    worker._viewers.add("a", calm)
    assert list(worker._viewers.in_turn(worker.runs, 1.0)) == []
    assert worker._viewers.next_due(worker.runs) == calm.due(run)


def test_a_viewer_that_left_is_not_waited_for() -> None:
    viewers, run = Viewers(), Run(recipe(), "cpu")
    for identifier in (1, 2):
        viewers.add("a", request(identifier, run.version))
    viewers.forget(1)
    assert [frame.id for frame in viewers.leave("a")] == [2]
    assert viewers.next_due({"a": run}) == NEVER


# Heavy runs


@pytest.mark.parametrize("act", ["advance", "frame"])
def test_a_run_that_is_too_long_at_it_twice_is_told_of(worker: Sent, monkeypatch: pytest.MonkeyPatch, act: str) -> None:
    run, light = worker.play("heavy", recipe()), worker.play("light", recipe())
    monkeypatch.setattr(run, act, lambda *arguments: burn(0.12) or b"")
    told = lambda: [sent["heavy"] for sent in worker.sent if "heavy" in sent]  # noqa: E731
    for times in (0, 1):
        if act == "frame":
            worker._show("heavy", request(1, None))
        else:
            served = worker._served.get("heavy", 0.0)
            while worker._served.get("heavy", 0.0) == served:
                worker._give_slice()
        assert len(told()) == times
    assert told() == ["heavy"]
    assert light.status == "playing"


def test_waiting_for_the_processor_is_not_being_heavy(worker: Sent, monkeypatch: pytest.MonkeyPatch) -> None:
    run = worker.play("a", recipe())
    monkeypatch.setattr(run, "advance", lambda seconds: time.sleep(0.12))
    for _ in range(3):
        worker._give_slice()
    assert not [sent for sent in worker.sent if "heavy" in sent]


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
        stays.intervene("freeze", {"structure": 1, "dense": 0, "unit": 0, "input": 0, "on": True})
    stays.set_speed(None)
    stays.set_leash(10_000)
    stays.play()
    stays._update(updates, NEVER)
    header, content = pack_run(stays, gently=False)
    moved = Run(header["recipe"], "cpu")
    unpack_run(moved, json.loads(json.dumps(header)), content)
    assert (moved.status, moved.speed, moved.leash) == ("playing", None, 10_000)
    assert moved.structure == stays.structure
    assert moved.version > stays.version
    assert np.array_equal(moved.timeline.table(), stays.timeline.table())
    for run in (stays, moved):
        run._update(60, NEVER)
    before, after = stays.trainer.state(), moved.trainer.state()
    assert before.keys() == after.keys()
    assert all(np.array_equal(before[name], after[name], equal_nan=True) for name in before)
    assert np.array_equal(moved.timeline.table(), stays.timeline.table(), equal_nan=True)


def test_a_viewer_of_a_moved_run_needs_no_new_layout_and_keeps_its_moments() -> None:
    stays = Run(recipe(), "cpu")
    stays.play()
    stays._update(60, NEVER)
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
    run.intervene("set", {"structure": 1, "dense": 0, "unit": 0, "input": 0, "value": 0.5})
    assert pack_run(run, gently=True) == ({}, b"")
    header, _ = pack_run(run, gently=False)
    assert "luggage" in header


# Figures


def test_a_worker_counts_what_it_does(worker: Sent) -> None:
    run = worker.play("a", recipe())
    worker.view("a")
    begin = time.monotonic()
    worker.work(0.3)
    told = json.loads(json.dumps(worker._second.told()))
    elapsed = time.monotonic() - begin
    assert told["updates"] == run.trainer.step
    assert told["frames"] == len(worker.frames) == sum(told["delays"].values())
    assert 0.5 * elapsed < told["training"] + told["showing"] <= elapsed
    assert told["memory"] > 20 << 20
    assert worker._second.due == NEVER  # Nothing more to tell until something moves.


def test_the_figures_are_sums_over_the_workers_that_are_there() -> None:
    figures = Figures()
    assert figures.sums(["a"])["p95_frame_delay_seconds"] is None
    for worker, delays in (("a", [0.01] * 60), ("b", [0.01] * 36 + [0.5] * 4), ("gone", [])):
        second = Second()
        second.trained(100, 0.25)
        for delay in delays:
            second.showed(0.001, delay)
        figures.take(worker, {**second.told(), "seconds": 0.5, "memory": 7})
    sums = figures.sums(["a", "b"])
    assert (sums["updates_per_second"], sums["frames_per_second"]) == (400, 200)
    assert sums["training_share"] == 0.5
    assert sums["memory_bytes"] == {"a": 7, "b": 7}
    assert sums["p95_frame_delay_seconds"] == pytest.approx(0.01, rel=0.2)


@given(st.lists(st.floats(0.002, 20.0), min_size=1, max_size=50), st.floats(0.1, 1.0))
def test_a_percentile_is_right_to_a_fifth(delays: list[float], share: float) -> None:
    exact = sorted(delays)[int(np.ceil(share * len(delays) - 1e-9)) - 1]
    found = percentile(Counter(step_of(delay) for delay in delays), share)
    assert found is not None
    assert exact * 0.999 <= found <= exact * 1.2001
