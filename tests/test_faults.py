"""Faults that a class survives: how long until it goes on, what the one who was hit is told, and that no other noticed."""

from __future__ import annotations

import errno
import json
import logging
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.numpy

from dlcore.experiment import Experiment
from dlcore.learning.trainer import Trainer
from dlcore.limits import Limits
from dlcore.problems import Problem
from dlcore.runs.places.process import WorkerProcess
from dlcore.runs.server.crew import LONGEST_SILENT_START, STARVED
from dlcore.runs.server.pool import Pool
from tests.clock import Clock
from tests.fake_worker import STUCK
from tests.patience import PATIENCE, eventually
from tests.pools import FAKE, answered, standing_still

ROOT = Path(__file__).parents[1]
SMALL = {"dataset": {"kind": "gauss"}, "layers": [{"kind": "dense", "units": 3}]}
MEGABYTES = 300
YEARS = 10 * 365 * 86_400.0


def recipe(**changes: Any) -> str:
    return json.dumps({**SMALL, **changes})


@pytest.fixture
def start_pool(tmp_path: Path) -> Iterator[Callable[..., Pool]]:
    pools: list[Pool] = []

    def start(command: tuple[str, ...] = FAKE, clock: Callable[[], float] = time.monotonic, **settings: Any) -> Pool:
        limits = Limits(**{"workers": 2, "heavy_workers": 1, "shelf": tmp_path / "runs", **settings})
        pools.append(Pool(command=command, timeout=PATIENCE, limits=limits, clock=clock))
        pools[-1].start()
        return pools[-1]

    yield start
    for pool in pools:
        pool.stop()


@pytest.fixture
def make_pool(start_pool: Callable[..., Pool]) -> Callable[..., Pool]:
    def make(*command: tuple[str, ...], **settings: Any) -> Pool:
        pool = start_pool(*command, **settings)
        assert eventually(lambda: pool.warm)
        return pool

    return make


@contextmanager
def unnoticed(pool: Pool, worker: int) -> Iterator[str]:
    """A run in this worker that goes on as if nothing had happened: nothing is said of it, and no step is taken back."""
    token = pool.create(recipe(), "cpu")
    pool.move(token, worker)
    pool.call(token, "play")
    told: list[Problem] = []
    versions: list[int] = []
    with pool.viewer(token, told.append):
        yield token
        versions += [pool.call(token, "step")[0].get("version", 0) for _ in range(2)]
    assert pool.facts(token).life == 0
    assert versions == sorted(versions)
    assert told == []


@contextmanager
def hit(pool: Pool, token: str) -> Iterator[list[str]]:
    """Sentences that the viewer of this run is told."""
    told: list[str] = []
    with pool.viewer(token, lambda problem: told.append(str(problem))):
        yield told


RESTARTED = "The process computing this run stopped and was started again; the run goes on from step {}."


# Workers


@pytest.mark.parametrize("blow", [signal.SIGKILL, signal.SIGSTOP, signal.SIGSEGV])
def test_a_worker_that_is_killed_or_stopped_is_replaced(make_pool: Callable[..., Pool], blow: signal.Signals) -> None:
    pool = make_pool(hung_after=0.8)
    token = pool.create(recipe())
    pool.call(token, "step")
    worker = pool.facts(token).worker
    with unnoticed(pool, 1 - worker), hit(pool, token) as told:
        os.kill(pool.link_of(token).pid, blow)
        assert eventually(lambda: told)
        answered(pool, token, "pause")
    assert told == [RESTARTED.format(1)]
    assert pool.figures()["restarts"] == 1


def test_a_spare_worker_that_is_stopped_is_replaced_too(make_pool: Callable[..., Pool]) -> None:
    pool = make_pool(hung_after=0.8)
    spare = pool.links[-1]
    os.kill(spare.pid, signal.SIGSTOP)
    assert eventually(lambda: pool.figures()["restarts"] == 1 and pool.warm)
    assert pool.links[-1].pid != spare.pid


def test_a_run_that_hangs_in_one_step_goes_on_away_from_the_others_and_is_given_up_alone(
    make_pool: Callable[..., Pool],
) -> None:
    pool = make_pool(hung_after=0.8, heavy_hung_after=0.8)
    stuck = pool.create(recipe(seed=STUCK))
    worker = pool.facts(stuck).worker
    neighbour = next(token for token in iter(lambda: pool.create(recipe()), "") if pool.facts(token).worker == worker)
    pool.call(neighbour, "play")
    with unnoticed(pool, 1 - worker), hit(pool, stuck) as told, hit(pool, neighbour) as told_neighbour:
        pool.ask(stuck, "play")
        assert eventually(lambda: told_neighbour)
        assert answered(pool, neighbour, "step")["status"] == "playing"
        assert pool.facts(stuck).worker == 2
        assert eventually(lambda: not pool.exists(stuck))
    assert told_neighbour == [RESTARTED.format(1)]  # Once: it hung elsewhere from then on.
    assert told[:-1] == [RESTARTED.format(0)] * 2
    assert told[-1].endswith("so the run was given up. Start it anew with a smaller network or smaller batches.")


@pytest.mark.parametrize("starved", [True, False])
def test_a_worker_that_gets_no_processor_is_waited_for_longer(
    make_pool: Callable[..., Pool],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    starved: bool,
) -> None:
    clock = Clock()
    if starved:  # As on a machine that is busy with other things: all of the time goes by in the queue.
        monkeypatch.setattr(WorkerProcess, "held_up", property(lambda _: clock.now))
    pool = make_pool(clock=clock, hung_after=0.75)
    token = pool.create(recipe())
    pool.call(token, "step")
    patience = STARVED * 0.75 if starved else 0.75 + 0.125
    with hit(pool, token) as told, standing_still(pool.link_of(token)):
        pool.tend()  # It is asked for a sign of life, and gives none from here on.
        while "it is replaced" not in caplog.text:
            assert eventually(lambda: sum(link.unanswered for link in pool.links) == 1)  # The others have answered.
            clock.now += 0.125
            pool.tend()
        assert clock.now == Clock().now + patience
        assert eventually(lambda: told)
    assert told == [RESTARTED.format(1)]


def test_a_worker_that_gets_no_processor_at_its_start_is_waited_for_longer(
    start_pool: Callable[..., Pool], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    clock, begin = Clock(), tmp_path / "begin"
    waits = f"import pathlib, runpy; begin = pathlib.Path({str(begin)!r})\nwhile not begin.exists(): pass\n"
    slow = waits + "runpy.run_module('tests.fake_worker', run_name='__main__', alter_sys=True)"
    monkeypatch.setattr(WorkerProcess, "held_up", property(lambda _: clock.now))
    pool = start_pool((sys.executable, "-c", slow), clock=clock, workers=1)
    for _ in range(10):  # Far more than a worker may take that has a processor for itself.
        clock.now += LONGEST_SILENT_START / 4
        pool.tend()
    begin.touch()
    assert eventually(lambda: pool.warm)
    assert pool.figures()["restarts"] == 0


def test_a_process_that_waits_for_one_of_its_threads_is_held_up_with_it(tmp_path: Path) -> None:
    # As a worker that imports a library beside its main thread; the thread that has ended counts on.
    enough, ended = tmp_path / "enough", tmp_path / "ended"
    own = (
        f"import pathlib, sys, threading; enough, ended = map(pathlib.Path, ({str(enough)!r}, {str(ended)!r}))\n"
        "def spin():\n    while not enough.exists(): pass\n"
        "thread = threading.Thread(target=spin); thread.start(); thread.join(); ended.touch(); sys.stdin.read()"
    )
    place, busy = WorkerProcess((sys.executable, "-c", own)), WorkerProcess((sys.executable, "-c", "while True: pass"))

    def main_thread() -> float:
        return int(Path(f"/proc/{place.pid}/schedstat").read_bytes().split()[1]) / 1e9

    processor = {min(os.sched_getaffinity(0))}

    def waits() -> bool:
        for thread in Path(f"/proc/{place.pid}/task").iterdir():
            os.sched_setaffinity(int(thread.name), processor)
        return place.held_up > 2 * main_thread() + 0.5

    try:
        os.sched_setaffinity(busy.pid, processor)
        assert eventually(waits)
        waited = place.held_up
        enough.touch()
        assert eventually(ended.exists)
        assert place.held_up >= waited
    finally:
        for one in (place, busy):
            one.kill()
            one.leave()
            one.receive()


def test_time_in_the_queue_for_a_processor_is_told_from_time_asleep(tmp_path: Path) -> None:
    busy = [WorkerProcess((sys.executable, "-c", "while True: pass")) for _ in range(2)]
    sleep = f"import pathlib, sys; pathlib.Path({str(tmp_path / 'asleep')!r}).touch(); sys.stdin.read()"
    asleep = WorkerProcess((sys.executable, "-c", sleep))
    try:
        for place in (*busy, asleep):
            os.sched_setaffinity(place.pid, {min(os.sched_getaffinity(0))})
        assert eventually(lambda: (tmp_path / "asleep").exists() and _state(asleep.pid) == "S")
        assert eventually(lambda: sum(place.held_up for place in busy) > 1.0)
        begun = asleep.held_up
        assert eventually(lambda: sum(place.held_up for place in busy) > 2.0)
        assert asleep.held_up == begun
    finally:
        for place in (*busy, asleep):
            place.kill()
            place.leave()
            place.receive()


def test_a_server_that_stood_still_itself_blames_nobody(make_pool: Callable[..., Pool]) -> None:
    clock = Clock()
    pool = make_pool(clock=clock, hung_after=1.0)
    token = pool.create(recipe())
    pool.call(token, "step")
    pids = [link.pid for link in pool.links]
    with ExitStack() as asleep:
        for link in pool.links:  # The laptop sleeps: nobody works.
            asleep.enter_context(standing_still(link))
        pool.tend()  # Each is asked for a sign of life.
        clock.now += 1.5
        pool.tend()
    for _ in range(8):
        pool.tend()
        assert eventually(lambda: not any(link.unanswered for link in pool.links))
        clock.now += 0.3
    assert [link.pid for link in pool.links] == pids
    assert pool.figures()["restarts"] == 0
    assert pool.call(token, "step")[0]["version"] == 2


# Sessions


def test_200_sessions_opened_and_dropped_leave_nothing_behind(make_pool: Callable[..., Pool]) -> None:
    pool = make_pool(end_after=0.2)
    descriptors, threads = len(os.listdir("/proc/self/fd")), threading.active_count()
    with unnoticed(pool, 0):
        for _ in range(200):
            token = pool.create(recipe(), owner="secret")
            waiting = pool.ask(token, "frame", version=0).future
            with pool.viewer(token):
                pool.ask(token, "play")
            waiting.cancel()
            pool.release(token)
            assert eventually(lambda: pool.figures()["runs"] <= 20)  # As many as an owner may have.
        assert eventually(lambda: pool.figures()["runs"] == 1)
        counts = [link.post({"do": "ping"}).result(PATIENCE)[0]["runs"] for link in pool.links]
        assert sorted(counts) == [0, 0, 1]  # The spare one has none.
    assert eventually(lambda: not any(link.unanswered > 1 for link in pool.links))
    assert threading.active_count() <= threads + 1  # The shelf's.
    assert len(os.listdir("/proc/self/fd")) <= descriptors + 1
    assert len(pool.links) == 3


# The disk, and the clock


def test_a_full_disk_stops_no_run_and_loses_nothing_but_the_shelf(
    make_pool: Callable[..., Pool], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def full(self: Path, target: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    pool = make_pool()
    token = pool.create(recipe())
    with caplog.at_level(logging.WARNING), hit(pool, token) as told:
        assert [pool.call(token, "step")[0]["version"] for _ in range(5)] == [1, 2, 3, 4, 5]
        assert eventually(lambda: pool.figures()["shelf_failures"])
        assert told == []
        os.kill(pool.link_of(token).pid, signal.SIGKILL)  # What memory keeps is enough for that.
        assert answered(pool, token, "step")["version"] == 1001
    assert caplog.text.count("No space left on device. They go on without.") == 1


def test_a_torn_kept_file_is_a_run_that_has_ended_and_says_so(make_pool: Callable[..., Pool]) -> None:
    pool = make_pool(end_after=0.2)
    token = pool.create(recipe())
    pool.call(token, "step")
    folder = pool.limits.shelf
    assert eventually(lambda: folder.exists() and len(list(folder.glob("*.run"))) == 1)
    pool.release(token)
    assert eventually(lambda: not pool.exists(token))
    assert pool.find_standing(token)["step"] == 1  # Its last state has reached the shelf.
    (file,) = folder.glob("*.run")
    assert eventually(lambda: not pool.shelf.waiting)
    file.write_bytes(file.read_bytes()[:-1])
    with pytest.raises(Problem, match=r"^This run has ended\. Reload the page to start a new one\.$"):
        pool.revive(token)
    assert pool.exists(pool.create(recipe()))


@pytest.mark.parametrize("jump", [YEARS, -YEARS])
def test_a_clock_that_jumps_is_noticed_by_no_run(
    make_pool: Callable[..., Pool], monkeypatch: pytest.MonkeyPatch, jump: float
) -> None:
    clock, there = Clock(), time.time
    pool = make_pool(clock=clock, pause_after=60.0, end_after=60.0, hung_after=2.0)
    with unnoticed(pool, 0) as token:
        released = pool.create(recipe())
        pool.call(released, "step")
        pool.release(released)
        monkeypatch.setattr(time, "time", lambda: there() + jump)
        for _ in range(4):
            pool.tend()
        assert pool.exists(token) and pool.exists(released)
        clock.now += 61.0
        pool.tend()
        assert eventually(lambda: not pool.exists(released))
        assert pool.exists(token)
        assert pool.revive(released)["step"] == 1
    assert pool.figures()["restarts"] == 0


# The same with real workers: in one process, so that torch and what else they need is imported once


def state_of(pool: Pool, token: str) -> tuple[int, dict[str, np.ndarray]]:
    header, content = pool.call(token, "fork", moment=None)
    return header["step"], safetensors.numpy.load(content)


def assert_undisturbed(pool: Pool, token: str, text: str) -> None:
    """The run is what a trainer that nobody has disturbed would be."""
    step, state = state_of(pool, token)
    undisturbed = Trainer(Experiment.from_json(text), "cpu")
    while undisturbed.step < step:
        undisturbed.advance(step - undisturbed.step)
    assert step > 0
    for name, expected in undisturbed.state().items():
        if name.startswith("tensors/") or name in ("order", "counters", "order_generator"):
            # Which engine takes the steps may differ; what it computes, hardly.
            np.testing.assert_allclose(state[name], expected, rtol=1e-3, atol=1e-5, err_msg=name)


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pool]:
    settings = {"workers": 2, "heavy_workers": 1, "memory_mb": MEGABYTES, "end_after": 0.3, "hung_after": 60.0}
    limits = replace(Limits(shelf=tmp_path_factory.mktemp("shelf")), **settings)  # type: ignore[arg-type]
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DLCORE_MEMORY_MB", str(MEGABYTES))  # The workers read it themselves.
        pool = Pool(timeout=PATIENCE, limits=limits)
        pool.start()
        assert eventually(lambda: pool.figures()["workers"] >= 2)
        yield pool
        pool.stop()


def playing(pool: Pool, text: str, worker: int, speed: float = 200) -> str:
    """A run that plays in this worker."""
    token = pool.create(text, "cpu")
    pool.call(token, "speed", value=speed)
    if pool.facts(token).worker != worker:
        pool.move(token, worker)
    pool.call(token, "play")
    assert pool.facts(token).worker == worker
    return token


@pytest.mark.xdist_group("nursery")
def test_a_run_that_needs_more_memory_than_allowed_fails_alone(real: Pool) -> None:
    near = playing(real, recipe(), 0)
    wide = {"layers": [{"kind": "dense", "units": 512}] * 7, "batch_size": 2500, "optimizer": {"kind": "adam"}}
    hungry = recipe(dataset={"kind": "spiral", "samples": 5000}, **wide)
    with hit(real, near) as told:
        before = real.call(near, "standing")[0]["step"]
        tokens = []
        with pytest.raises(Problem, match="There is not enough memory for this network and batch"):
            for _ in range(20):
                tokens.append(real.create(hungry, "cpu"))
                real.move(tokens[-1], 0)
                real.call(tokens[-1], "step")
        assert real.call(near, "standing")[0]["step"] > before
        assert told == []
    for token in tokens:
        real.close(token)
    real.call(near, "pause")
    assert_undisturbed(real, near, recipe())
    real.close(near)
    assert real.figures()["restarts"] == 0


@pytest.mark.xdist_group("nursery")
def test_a_session_that_ends_in_mid_step_leaves_its_neighbour_alone_and_its_run_on_the_shelf(real: Pool) -> None:
    leaving = playing(real, recipe(batch_size=100, layers=[{"kind": "dense", "units": 256}] * 3), 0, speed=1e6)
    near = playing(real, recipe(seed=1), 0)
    waiting = real.ask(leaving, "frame", version=None).future
    waiting.result(PATIENCE)
    assert eventually(lambda: real.facts(leaving).step > 5)
    for path, value in (("kind", "l2"), ("rate", 0.3), ("kind", "none")):
        real.call(leaving, "edit", value={"do": "setting", "path": f"regularizer.{path}", "value": value})
    real.release(leaving)
    assert eventually(lambda: not real.exists(leaving))
    real.call(near, "pause")
    assert_undisturbed(real, near, recipe(seed=1))
    stood = real.find_standing(leaving)
    assert real.revive(leaving) == stood
    assert real.call(leaving, "step")[0]["step"] == int(str(stood["step"])) + 1
    edited = real.call(leaving, "edit", value={"do": "setting", "path": "regularizer.kind", "value": "l2"})[0]
    as_set_before_the_shelf = {"kind": "l2", "rate": 0.3}
    assert json.loads(edited["recipe"])["regularizer"] == as_set_before_the_shelf
    for token in (leaving, near):
        real.close(token)


@pytest.mark.xdist_group("nursery")
def test_a_heavy_run_moves_away_and_the_others_do_not_wait_for_it(real: Pool) -> None:
    layers = [{"kind": "dense", "units": 512}] * 6
    near = playing(real, recipe(), 0, speed=100)
    heavy = playing(real, recipe(layers=layers, batch_size=1000, dataset={"kind": "spiral", "samples": 5000}), 0, 1e6)
    with hit(real, heavy) as told, hit(real, near) as told_near:
        assert eventually(lambda: real.facts(heavy).worker != real.facts(near).worker)  # Whichever moves first.
        step = real.call(heavy, "standing")[0]["step"]
        assert real.call(near, "standing")[0]["status"] == "playing"
        assert eventually(lambda: real.call(heavy, "standing")[0]["step"] > step)
        real.call(near, "pause")
    assert (told, told_near) == ([], [])
    assert_undisturbed(real, near, recipe())
    for token in (near, heavy):
        real.close(token)


@pytest.mark.xdist_group("nursery")
def test_a_killed_real_worker_costs_its_runs_a_moment_and_the_others_nothing(real: Pool) -> None:
    struck, far = playing(real, recipe(seed=3), 0), playing(real, recipe(seed=2), 1)
    assert eventually(lambda: real.facts(struck).step > 20 and real.warm)
    with hit(real, struck) as told, hit(real, far) as told_far:
        before = real.facts(struck).step
        os.kill(real.link_of(struck).pid, signal.SIGKILL)
        standing = answered(real, struck, "standing")
        real.call(struck, "pause")
        real.call(far, "pause")
    assert standing["step"] >= before
    (sentence,) = told
    assert before <= int(sentence.rsplit(" ", 1)[1].rstrip(".")) <= standing["step"]
    assert told_far == []
    assert_undisturbed(real, far, recipe(seed=2))
    assert_undisturbed(real, struck, recipe(seed=3))  # What was kept goes on as if it had never been interrupted.
    for token in (struck, far):
        real.close(token)


@pytest.mark.xdist_group("nursery")
def test_after_the_server_was_killed_another_one_goes_on_from_what_was_kept(tmp_path: Path) -> None:
    script = f"""
import pathlib, sys
from dlcore.learning.trainer import Trainer
from dlcore.limits import Limits
from dlcore.runs.server.pool import Pool
from tests.patience import eventually
pool = Pool(timeout=300, limits=Limits(workers=1, shelf=pathlib.Path({str(tmp_path)!r})))
token = pool.create({recipe()!r}, "cpu", owner="secret")
pool.call(token, "speed", value=200)
pool.call(token, "play")
assert eventually(lambda: pool.facts(token).step >= 50 and not pool.shelf.waiting)
pool.call(token, "pause")
assert eventually(lambda: not pool.shelf.waiting)
print(pool.links[0].pid, token, pool.facts(token).step, flush=True)
sys.stdin.read()
"""
    with ExitStack() as stack:
        pipes: Any = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
        server = stack.enter_context(subprocess.Popen([sys.executable, "-c", script], cwd=ROOT, **pipes))
        assert server.stdout is not None
        pid, token, step = server.stdout.readline().decode().split()
        server.kill()
    assert eventually(lambda: _state(int(pid)) in ("", "Z"))
    again = Pool(timeout=PATIENCE, limits=Limits(workers=1, shelf=tmp_path))
    try:
        with pytest.raises(Problem, match="This run belongs to another browser"):
            again.revive(token, "somebody")
        standing = again.revive(token, "secret")
        assert (standing["step"], standing["recipe"]) == (int(step), Experiment.from_json(recipe()).to_json())
        assert again.call(token, "standing")[0].items() >= {"status": "paused", "step": int(step)}.items()
        again.call(token, "step")
        assert_undisturbed(again, token, recipe())
    finally:
        again.stop()


def _state(pid: int) -> str:
    """R is running, S asleep, Z dead and not yet taken notice of; nothing where there is no such process."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return ""
