"""Slim frames, in which nothing is told twice: put together as a browser does, they say what whole frames say."""

from __future__ import annotations

import os
import select
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dlcore import Experiment
from dlcore.frame import decode_frame
from dlcore.learning.history import MOST_BUCKETS, History
from dlcore.runs.changes import Changes
from dlcore.runs.frames import Held
from dlcore.runs.run import Run
from dlcore.wire import Inbox, Outbox

Arrays = dict[str, np.ndarray]
ONCE = ("type", "frame", "arrays", "layout", "history_from", "history_stride", "moments_from", "holds")
PLAIN = (
    "numbers",
    "history",
    "moments",
    "painting/",
)  # Arrays of slim frames that say in another way what whole frames say.


class Viewer:
    """Holds what a page holds, and asks for what it lacks."""

    def __init__(self, run: Run) -> None:
        self.run = run
        self.forget()

    def forget(self) -> None:
        self.number = self.version = self.structure = self.known_moments = None
        self.header: dict[str, Any] = {}
        self.arrays: Arrays = {}
        self.moments = np.empty((0, 4))
        self.rows: dict[int, np.ndarray] = {}
        self.bytes = 0

    def look(self, **wants: Any) -> tuple[dict[str, Any], Arrays]:
        """The next frame, whole again."""
        length = max(self.rows, default=-1) + 1
        held = Held(self.version, self.structure, length, self.known_moments, None, True, self.number)
        message = self.run.make_frame(held, wants)
        self.bytes = len(message)
        header, arrays = decode_frame(message)
        if "moments" in arrays:
            self.moments = np.concatenate([self.moments[: header["moments_from"]], arrays["moments"]])
        earlier = {place: row for place, row in self.rows.items() if place < header["history_from"]}
        self.rows = earlier | {int(row[0]): row[1:] for row in arrays["history"]}
        if "frame" not in header:
            return header, arrays
        self.number = header["frame"]
        self.header |= header
        self.arrays = {name: arrays[name] if name in arrays else self.arrays[name] for name in self.header["holds"]}
        self.version, self.structure = self.header["version"], self.header["structure"]
        self.known_moments = self.header["moments_version"]
        return self.header, self.arrays


def whole(run: Run) -> tuple[dict[str, Any], Arrays]:
    return decode_frame(run.frame(None, None, 0))


def rounded(entry: Any) -> Any:
    """Numbers with the digits that float32 has."""
    if isinstance(entry, dict):
        return {name: rounded(inner) for name, inner in entry.items()}
    return pytest.approx(entry, rel=1e-6) if isinstance(entry, float) else entry


def assert_says_the_same(viewer: Viewer) -> None:
    header, arrays = viewer.look()
    expected, every = whole(viewer.run)
    told = {name: entry for name, entry in header.items() if name not in ONCE}
    assert told == {name: rounded(entry) for name, entry in expected.items() if name not in ONCE}
    for name, array in arrays.items():
        if not name.startswith(PLAIN):
            assert np.array_equal(array, every[name]), name
    marks = {name for name in every if name.startswith(("health/", "silenced/", "frozen", "predictions/"))}
    assert {name for name in arrays if name.startswith(("health/", "silenced/", "frozen", "predictions/"))} == marks
    assert np.array_equal(viewer.moments, viewer.run.timeline.table())


@pytest.fixture
def run() -> Run:
    return Run(Experiment().to_json(), "cpu")


def test_frames_put_together_say_what_whole_frames_say(run: Run) -> None:
    viewer = Viewer(run)
    assert_says_the_same(viewer)
    unit = {"address": "0", "unit": 1}
    for act in (
        run.step,
        lambda: run.intervene("silence", {**unit, "on": True, "structure": run.structure}),
        run.step,
        lambda: run.intervene("freeze", {**unit, "input": 0, "on": True, "structure": run.structure}),
        lambda: run.intervene("silence", {**unit, "on": False, "structure": run.structure}),
        run.undo,
        lambda: run.set_speed(20),
        run.play,
        lambda: run.advance(0.05),
        run.pause,
        run.reset,
        lambda: run.change(Experiment(layers=()).to_json()),
        lambda: run.change(Experiment.from_dict({"dataset": {"kind": "sine"}, "loss": {"kind": "mse"}}).to_json()),
    ):
        act()
        assert_says_the_same(viewer)


def test_a_frame_in_which_nothing_changed_says_next_to_nothing(run: Run) -> None:
    viewer = Viewer(run)
    viewer.look()
    viewer.look()
    assert viewer.bytes < 400


def test_thirty_frames_of_a_small_network_that_learns_take_forty_kilobytes() -> None:
    viewer = Viewer(Run(Experiment.from_dict({"layers": [{"kind": "dense", "units": 8}] * 2}).to_json(), "cpu"))
    viewer.look()
    viewer.run.play()
    sizes = []
    while len(sizes) < 30:
        viewer.run.advance(0.01)
        viewer.look()
        sizes.append(viewer.bytes)
    assert sum(sizes) < 40_000


def test_rows_that_are_not_wanted_do_not_come_unless_the_history_began_anew(run: Run) -> None:
    viewer = Viewer(run)
    viewer.look()
    run.step()
    held = Held(viewer.version, viewer.structure, None, viewer.known_moments, None, True, viewer.number)
    header, arrays = decode_frame(run.make_frame(held, {}))
    assert "history" not in arrays and "history_from" not in header
    run.reset()
    header, arrays = decode_frame(run.make_frame(held, {}))
    assert header["history_from"] == 0
    assert len(arrays["history"]) == 1


def test_a_viewer_with_another_runs_number_gets_all(run: Run) -> None:
    viewer, other = Viewer(run), Viewer(Run(Experiment().to_json(), "cpu"))
    viewer.look()
    other.look()
    run.step()
    viewer.number = other.number
    assert set(
        decode_frame(run.make_frame(Held(viewer.version, viewer.structure, 1, slim=True, frame=viewer.number), {}))[0]
    ) > {"metric", "engine"}
    assert_says_the_same(viewer)


def test_a_moment_comes_whole_and_is_forgotten_afterwards(run: Run) -> None:
    viewer = Viewer(run)
    viewer.look()
    run.step()
    run.step()
    viewer.look()
    moment = int(run.timeline.moments[0].id)
    header, arrays = viewer.look(moment=moment)
    assert header["moment"]["step"] == 0
    assert {"numbers", "health/0"} <= set(arrays)
    assert header["metric"]
    assert_says_the_same(viewer)


def test_two_viewers_of_a_run_are_told_what_each_lacks(run: Run) -> None:
    often, seldom = Viewer(run), Viewer(run)
    seldom.look()
    for _ in range(5):
        run.step()
        assert_says_the_same(often)
    assert_says_the_same(seldom)


entries = st.dictionaries(st.sampled_from("abcd"), st.integers(0, 2), max_size=4)


@given(st.lists(entries, min_size=1, max_size=8), st.data())
def test_what_a_viewer_is_told_makes_the_latest_of_what_it_had(
    frames: list[dict[str, int]], data: st.DataObject
) -> None:
    changes = Changes()
    seen = data.draw(st.integers(0, len(frames) - 1))
    numbers = [changes.note(frame) for frame in frames]
    told = changes.since(numbers[seen])
    had = {name: entry for name, entry in frames[seen].items() if name in frames[-1]}
    assert had | told == frames[-1]
    assert changes.since(None) == frames[-1]


# History


def history_of(values: list[tuple[float, float]]) -> History:
    history = History(("epoch", "step", "train_loss", "test_loss"))
    for place, pair in enumerate(values):
        history.append((place, 10 * place, *pair))
    return history


numbers = st.one_of(st.integers(-5, 5).map(float), st.just(float("nan")), st.just(float("inf")))


@settings(max_examples=30)
@given(st.integers(0, 2000).flatmap(lambda n: st.tuples(st.just(n), st.randoms(use_true_random=False))))
def test_a_thinned_history_keeps_the_ends_and_each_buckets_lowest_and_highest(drawn: Any) -> None:
    length, random = drawn
    values = [(random.choice([0.0, 1.0, 2.0, float("nan")]), random.random()) for _ in range(length)]
    history = history_of(values)
    stride, places = history.stride(), history.thinned(0)
    assert stride & (stride - 1) == 0
    assert len(places) <= 6 * MOST_BUCKETS  # Each bucket's first and last row, and two of either loss.
    if length:
        assert (places[0], places[-1]) == (0, length - 1)
    for start in range(0, length, stride):
        inside = places[(places >= start) & (places < start + stride)]
        for column in (0, 1):
            bucket = np.array([pair[column] for pair in values[start : start + stride]])
            kept = np.array([values[place][column] for place in inside])
            if not np.isnan(bucket).all():
                assert (np.nanmin(kept), np.nanmax(kept)) == (np.nanmin(bucket), np.nanmax(bucket))


def test_buckets_grow_as_the_history_does_and_later_ones_are_told_alone() -> None:
    history = history_of([(1.0, 1.0)] * MOST_BUCKETS)
    assert history.stride() == 1
    history.append((MOST_BUCKETS, 0, 1.0, 1.0))
    assert history.stride() == 2
    late = history.thinned(MOST_BUCKETS - 1)
    assert late.min() >= MOST_BUCKETS - 2


# The pipe


def test_messages_that_may_wait_are_written_with_the_next_one_in_their_order() -> None:
    reading, writing = os.pipe()
    outbox, inbox = Outbox(writing), Inbox(reading)
    outbox.add({"id": 1}, b"one")
    outbox.add({"id": 2})
    assert not select.select([reading], [], [], 0)[0]
    outbox.send({"id": 3}, b"three")
    assert [(header["id"], payload) for header, payload in inbox.receive()] == [(1, b"one"), (2, b""), (3, b"three")]
    outbox.add({"id": 4}, bytes(30_000))
    assert not select.select([reading], [], [], 0)[0]
    outbox.add({"id": 5}, bytes(3_000))  # So much does not wait.
    assert select.select([reading], [], [], 0)[0]
    assert [header["id"] for header, _ in inbox.receive()] == [4, 5]
    os.close(reading)
    os.close(writing)
