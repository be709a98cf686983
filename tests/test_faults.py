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
from dlcore.limits import Limits
from dlcore.problems import Problem
from dlcore.runs.places.process import WorkerProcess
from dlcore.runs.run import NEVER, Run
from dlcore.runs.server.pool import Pool, WorkerLost
from tests.fake_worker import STUCK
from tests.patience import PATIENCE, eventually

FAKE = (sys.executable, "-m", "tests.fake_worker")
ROOT = Path(__file__).parents[1]
SMALL = {"dataset": {"kind": "gauss"}, "layers": [{"kind": "dense", "units": 3}]}
MEGABYTES = 1000
YEARS = 10 * 365 * 86_400.0


def recipe(**changes: Any) -> str:
    return json.dumps({**SMALL, **changes})


@pytest.fixture
def make_pool(tmp_path: Path) -> Iterator[Callable[..., Pool]]:
    pools: list[Pool] = []

    def make(command: tuple[str, ...] = FAKE, **settings: Any) -> Pool:
        limits = Limits(**{"workers": 2, "heavy_workers": 1, "shelf": tmp_path / "runs", **settings})
        pools.append(Pool(command=command, timeout=PATIENCE, limits=limits))
        pools[-1].start()
        assert eventually(lambda: pools[-1].warm)
        return pools[-1]

    yield make
    for pool in pools:
        pool.stop()


@contextmanager
def unnoticed(pool: Pool, worker: int) -> Iterator[str]:
    """A run in this worker that goes on as if nothing had happened: nothing is said of it, and no step is taken back."""
    token = pool.create(recipe(), "cpu")
    with pool._lock:
        pool._moving.move(pool._entries[token], worker, gently=True)
    pool.call(token, "play")
    told: list[Problem] = []
    versions: list[int] = []
    with pool.viewer(token, told.append):
        yield token
        versions += [pool.call(token, "step")[0].get("version", 0) for _ in range(2)]
    assert pool._entries[token].life == 0
    assert versions == sorted(versions)
    assert told == []


def answers(pool: Pool, token: str, do: str = "pause") -> dict[str, Any]:
    """What the run's worker says, as soon as there is one that does."""
    end = time.monotonic() + PATIENCE
    while True:
        try:
            return pool.call(token, do)[0]
        except WorkerLost:
            assert time.monotonic() < end


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
    worker = pool._entries[token].worker
    with unnoticed(pool, 1 - worker), hit(pool, token) as told:
        os.kill(pool._link_of(token).pid, blow)
        assert eventually(lambda: told)
        answers(pool, token)
    assert told == [RESTARTED.format(1)]
    assert pool.figures()["restarts"] == 1


def test_a_spare_worker_that_is_stopped_is_replaced_too(make_pool: Callable[..., Pool]) -> None:
    pool = make_pool(hung_after=0.8)
    spare = pool._crew.everyone[-1]
    os.kill(spare.pid, signal.SIGSTOP)
    assert eventually(lambda: pool.figures()["restarts"] == 1 and pool.warm)
    assert pool._crew.everyone[-1].pid != spare.pid


def test_a_run_that_hangs_in_one_step_goes_on_away_from_the_others_and_is_given_up_alone(
    make_pool: Callable[..., Pool],
) -> None:
    pool = make_pool(hung_after=0.8, heavy_hung_after=0.8)
    stuck = pool.create(recipe(seed=STUCK))
    worker = pool._entries[stuck].worker
    neighbour = next(
        token for token in iter(lambda: pool.create(recipe()), "") if pool._entries[token].worker == worker
    )
    pool.call(neighbour, "play")
    with unnoticed(pool, 1 - worker), hit(pool, stuck) as told, hit(pool, neighbour) as told_neighbour:
        pool._submit(stuck, "play", b"", {})
        assert eventually(lambda: told_neighbour)
        assert answers(pool, neighbour, "step")["status"] == "playing"
        assert pool._entries[stuck].worker == 2
        assert eventually(lambda: not pool.exists(stuck))
    assert told_neighbour == [RESTARTED.format(1)]  # Once: it hung elsewhere from then on.
    assert told[:-1] == [RESTARTED.format(0)] * 2
    assert told[-1].endswith("so the run was given up. Start it anew with a smaller network or smaller batches.")


@pytest.mark.parametrize("starved", [True, False])
def test_a_worker_that_gets_no_processor_is_waited_for_longer(
    make_pool: Callable[..., Pool], monkeypatch: pytest.MonkeyPatch, starved: bool
) -> None:
    monkeypatch.setattr("dlcore.runs.server.crew.STARVED", 3.0 if starved else 1000.0)
    if starved:  # As on a machine that is busy with other things: all of the time goes by in the queue.
        monkeypatch.setattr(WorkerProcess, "held_up", property(lambda _: time.monotonic()))
    pool = make_pool(hung_after=0.8)
    token = pool.create(recipe())
    pool.call(token, "step")
    pid = pool._link_of(token).pid
    with hit(pool, token) as told:
        os.kill(pid, signal.SIGSTOP)
        begin = time.monotonic()
        assert eventually(lambda: told)
        waited = time.monotonic() - begin
    if starved:
        assert waited > 3.0 * pool.limits.hung_after
    else:
        assert waited < PATIENCE < 1000.0 * pool.limits.hung_after
    assert told == [RESTARTED.format(1)]


def test_a_worker_that_gets_no_processor_at_its_start_is_waited_for_longer(
    make_pool: Callable[..., Pool], monkeypatch: pytest.MonkeyPatch
) -> None:
    slow = (
        "import runpy, time; time.sleep(1); runpy.run_module('tests.fake_worker', run_name='__main__', alter_sys=True)"
    )
    begin = time.monotonic()
    monkeypatch.setattr("dlcore.runs.server.crew.LONGEST_SILENT_START", 0.3)
    monkeypatch.setattr("dlcore.runs.server.crew.STARVED", 1000.0)
    monkeypatch.setattr(WorkerProcess, "held_up", property(lambda _: time.monotonic() - begin))
    pool = make_pool((sys.executable, "-c", slow), workers=1, hung_after=0.3)
    assert pool.figures()["restarts"] == 0


def test_a_process_that_waits_for_one_of_its_threads_is_held_up_with_it(tmp_path: Path) -> None:
    # As a worker that imports a library beside its main thread; the thread that has ended counts on.
    enough, ended = tmp_path / "enough", tmp_path / "ended"
    own = (
        f"import pathlib, threading, time; enough, ended = map(pathlib.Path, ({str(enough)!r}, {str(ended)!r}))\n"
        "def spin():\n    while not enough.exists(): pass\n"
        "thread = threading.Thread(target=spin); thread.start(); thread.join(); ended.touch(); time.sleep(3600)"
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
    sleep = f"import pathlib, time; pathlib.Path({str(tmp_path / 'asleep')!r}).touch(); time.sleep(3600)"
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
    pool = make_pool(hung_after=1.0)
    token = pool.create(recipe())
    pool.call(token, "step")
    pids = [link.pid for link in pool._crew.everyone]
    look, looks = pool._crew.look, []

    def sleep_once() -> None:
        looks.append(None)
        if len(looks) == 1:
            for pid in pids:  # The laptop sleeps: nobody works.
                os.kill(pid, signal.SIGSTOP)
            time.sleep(1.5)
            for pid in pids:
                os.kill(pid, signal.SIGCONT)
        look()

    pool._crew.look = sleep_once  # type: ignore[method-assign]
    assert eventually(lambda: len(looks) > 8)
    assert [link.pid for link in pool._crew.everyone] == pids
    assert pool.call(token, "step")[0]["version"] == 2


# Sessions


def test_200_sessions_opened_and_dropped_leave_nothing_behind(make_pool: Callable[..., Pool]) -> None:
    pool = make_pool(end_after=0.2)
    descriptors, threads = len(os.listdir("/proc/self/fd")), threading.active_count()
    with unnoticed(pool, 0):
        for _ in range(200):
            token = pool.create(recipe(), owner="secret")
            waiting = pool._submit(token, "frame", b"", {"version": 0})
            with pool.viewer(token):
                pool._submit(token, "play", b"", {})
            waiting.cancel()
            pool.release(token)
            while len(pool._entries) > 20:  # As many as an owner may have.
                time.sleep(0.01)
        assert eventually(lambda: len(pool._entries) == 1)
        counts = [link.post({"do": "ping"}).result(PATIENCE)[0]["runs"] for link in pool._crew.links.values()]
        assert sorted(counts) == [0, 1]
    assert eventually(lambda: not any(len(link._pending) > 1 for link in pool._crew.links.values()))
    assert threading.active_count() <= threads + 1  # The shelf's.
    assert len(os.listdir("/proc/self/fd")) <= descriptors + 1
    assert len(pool._crew.everyone) == 3


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
        os.kill(pool._link_of(token).pid, signal.SIGKILL)  # What memory keeps is enough for that.
        assert answers(pool, token, "step")["version"] == 1001
    assert caplog.text.count("No space left on device. They go on without.") == 1


def test_a_torn_kept_file_is_a_run_that_has_ended_and_says_so(make_pool: Callable[..., Pool]) -> None:
    pool = make_pool(end_after=0.2)
    token = pool.create(recipe())
    pool.call(token, "step")
    folder = pool.limits.shelf
    assert eventually(lambda: folder.exists() and len(list(folder.glob("*.run"))) == 1)
    pool.release(token)
    assert eventually(lambda: not pool.exists(token))
    (file,) = folder.glob("*.run")
    assert eventually(lambda: not pool.shelf._waiting)
    file.write_bytes(file.read_bytes()[:-1])
    with pytest.raises(Problem, match=r"^This run has ended\. Reload the page to start a new one\.$"):
        pool.revive(token)
    assert pool.exists(pool.create(recipe()))


@pytest.mark.parametrize("jump", [YEARS, -YEARS])
def test_a_clock_that_jumps_is_noticed_by_no_run(
    make_pool: Callable[..., Pool], monkeypatch: pytest.MonkeyPatch, jump: float
) -> None:
    pool = make_pool(pause_after=60.0, end_after=60.0, hung_after=2.0)
    there = time.time
    with unnoticed(pool, 0) as token:
        released = pool.create(recipe())
        pool.call(released, "step")
        pool.release(released)
        monkeypatch.setattr(time, "time", lambda: there() + jump)
        looks: list[None] = []
        look = pool._crew.look
        pool._crew.look = lambda: (looks.append(None), look())[1]  # type: ignore[method-assign]
        assert eventually(lambda: len(looks) > 3)
        assert pool.exists(token) and pool.exists(released)
        pool._end(released)
        assert pool.revive(released)["step"] == 1
    assert pool.figures()["restarts"] == 0


# The same with real workers


def state_of(pool: Pool, token: str) -> tuple[int, dict[str, np.ndarray]]:
    header, content = pool.call(token, "fork", moment=None)
    return header["step"], safetensors.numpy.load(content)


def assert_undisturbed(pool: Pool, token: str, text: str) -> None:
    """The run is what a trainer that nobody has disturbed would be."""
    step, state = state_of(pool, token)
    undisturbed = Run(text, "cpu")
    undisturbed.play()
    undisturbed._update(step, NEVER)
    assert step > 0
    for name, expected in undisturbed.trainer.state().items():
        if name in ("flat", "order", "counters", "order_generator"):
            # Which engine takes the steps may differ; what it computes, hardly.
            np.testing.assert_allclose(state[name], expected, rtol=1e-3, atol=1e-5, err_msg=name)


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pool]:
    settings = {"workers": 2, "heavy_workers": 1, "memory_mb": MEGABYTES, "end_after": 0.3, "hung_after": 8.0}
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
    if pool._entries[token].worker != worker:
        with pool._lock:
            pool._moving.move(pool._entries[token], worker, gently=True)
    pool.call(token, "play")
    assert pool._entries[token].worker == worker
    return token


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
                with real._lock:
                    real._moving.move(real._entries[tokens[-1]], 0, gently=True)
                real.call(tokens[-1], "step")
        assert real.call(near, "standing")[0]["step"] > before
        assert told == []
    for token in tokens:
        real.close(token)
    real.call(near, "pause")
    assert_undisturbed(real, near, recipe())
    real.close(near)
    assert real.figures()["restarts"] == 0


def test_a_session_that_ends_in_mid_step_leaves_its_neighbour_alone_and_its_run_on_the_shelf(real: Pool) -> None:
    leaving = playing(real, recipe(batch_size=100, layers=[{"kind": "dense", "units": 256}] * 3), 0, speed=1e6)
    near = playing(real, recipe(seed=1), 0)
    waiting = real._submit(leaving, "frame", b"", {"version": None})
    waiting.result(PATIENCE)
    assert eventually(lambda: real._entries[leaving].step > 5)
    real.release(leaving)
    assert eventually(lambda: not real.exists(leaving))
    real.call(near, "pause")
    assert_undisturbed(real, near, recipe(seed=1))
    stood = real.kept(leaving)
    assert real.revive(leaving) == stood
    assert real.call(leaving, "step")[0]["step"] == int(str(stood["step"])) + 1
    for token in (leaving, near):
        real.close(token)


def test_a_heavy_run_moves_away_and_the_others_do_not_wait_for_it(real: Pool) -> None:
    layers = [{"kind": "dense", "units": 512}] * 6
    near = playing(real, recipe(), 0, speed=100)
    heavy = playing(real, recipe(layers=layers, batch_size=1000, dataset={"kind": "spiral", "samples": 5000}), 0, 1e6)
    with hit(real, heavy) as told, hit(real, near) as told_near:
        assert eventually(lambda: real._entries[heavy].worker != real._entries[near].worker)  # Whichever moves first.
        step = real.call(heavy, "standing")[0]["step"]
        assert real.call(near, "standing")[0]["status"] == "playing"
        assert eventually(lambda: real.call(heavy, "standing")[0]["step"] > step)
        real.call(near, "pause")
    assert (told, told_near) == ([], [])
    assert_undisturbed(real, near, recipe())
    for token in (near, heavy):
        real.close(token)


def test_a_killed_real_worker_costs_its_runs_a_moment_and_the_others_nothing(real: Pool) -> None:
    struck, far = playing(real, recipe(seed=3), 0), playing(real, recipe(seed=2), 1)
    assert eventually(lambda: real._entries[struck].step > 20 and real.warm)
    with hit(real, struck) as told, hit(real, far) as told_far:
        before = real._entries[struck].step
        os.kill(real._link_of(struck).pid, signal.SIGKILL)
        standing = answers(real, struck, "standing")
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


def test_after_the_server_was_killed_another_one_goes_on_from_what_was_kept(tmp_path: Path) -> None:
    script = f"""
import time, pathlib
from dlcore.limits import Limits
from dlcore.runs.server.pool import Pool
pool = Pool(timeout=300, limits=Limits(workers=1, shelf=pathlib.Path({str(tmp_path)!r})))
token = pool.create({recipe()!r}, "cpu", owner="secret")
pool.call(token, "speed", value=200)
pool.call(token, "play")
while pool._entries[token].step < 50 or pool.shelf._waiting:
    time.sleep(0.01)
pool.call(token, "pause")
while pool.shelf._waiting:
    time.sleep(0.01)
print(pool._crew.links[0].pid, token, pool._entries[token].step, flush=True)
time.sleep(60)
"""
    with ExitStack() as stack:
        server = stack.enter_context(subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, cwd=ROOT))
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
