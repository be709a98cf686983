"""The pool, with workers that compute nothing: routing, leases, limits, and workers that die or hang."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from dlcore.experiment import Experiment
from dlcore.problems import Problem
from dlcore.runs.pool import Pool, WorkerLost
from tests.fake_worker import DEADLY, HANGING, WEAK

FAKE = (sys.executable, "-m", "tests.fake_worker")
ROOT = Path(__file__).parents[1]


@pytest.fixture
def make_pool() -> Iterator[Callable[..., Pool]]:
    pools = []

    def make(**settings: object) -> Pool:
        pool = Pool(**{"workers": 1, "command": FAKE, **settings})  # type: ignore[arg-type]
        pools.append(pool)
        pool.start()
        return pool

    yield make
    for pool in pools:
        pool.stop()


def recipe(seed: int = 0) -> str:
    return Experiment(seed=seed).to_json()


def eventually(condition: Callable[[], bool], within: float = 30.0) -> bool:
    end = time.monotonic() + within
    while time.monotonic() < end:
        if condition():
            return True
        time.sleep(0.01)
    return condition()


def brought_back(pool: Pool, token: str) -> dict[str, object]:
    """The run's frame header, as soon as a worker answers for it."""
    end = time.monotonic() + 30
    while True:
        try:
            return pool.call(token, "frame")[0]
        except WorkerLost:
            assert time.monotonic() < end


def test_new_runs_go_to_the_worker_with_the_fewest(make_pool: Callable[..., Pool]) -> None:
    pool = make_pool(workers=2)
    assert eventually(lambda: pool.warm)
    tokens = [pool.create(recipe()) for _ in range(4)]
    assert sorted(pool._entries[token].slot for token in tokens) == [0, 0, 1, 1]
    assert len(set(tokens)) == 4


def test_a_run_too_many_is_refused_until_another_ends(make_pool: Callable[..., Pool]) -> None:
    pool = make_pool(max_runs=2)
    first, _ = pool.create(recipe()), pool.create(recipe())
    with pytest.raises(Problem, match="already holds 2 runs"):
        pool.create(recipe())
    pool.close(first)
    assert pool.exists(pool.create(recipe()))


def test_a_bad_recipe_is_refused_at_the_door(make_pool: Callable[..., Pool]) -> None:
    with pytest.raises(Problem) as refused:
        make_pool().create('{"nonsense": 1}')
    assert refused.value.key == "unknown_key"


def test_an_unknown_token_is_a_run_that_has_ended(make_pool: Callable[..., Pool]) -> None:
    pool = make_pool()
    for ask in (lambda: pool.call("nobody", "play"), lambda: pool.hold("nobody")):
        with pytest.raises(Problem) as refused:
            ask()
        assert refused.value.key == "run_gone"
    pool.release("nobody")  # A session may end after its run.


def test_a_killed_worker_is_replaced_and_its_runs_come_back_as_kept(make_pool: Callable[..., Pool]) -> None:
    pool = make_pool()
    token = pool.create(recipe())
    pool.call(token, "speed", value=7)
    pool.call(token, "play")
    told: list[Problem] = []
    with pool.viewer(token, told.append):
        assert eventually(lambda: pool.warm)
        os.kill(pool._process_of(token).pid, signal.SIGKILL)
        header = brought_back(pool, token)
    assert header["state"] == "kept"
    assert (header["speed"], header["status"], header["version"]) == (7, "playing", 1000)
    assert [(problem.key, problem.values) for problem in told] == [("worker_restarted", {"step": 2})]


def test_a_request_that_its_worker_takes_to_the_grave_fails(make_pool: Callable[..., Pool]) -> None:
    pool = make_pool()
    token = pool.create(recipe(WEAK))
    with pytest.raises(WorkerLost):
        pool.call(token, "play")
    assert brought_back(pool, token)["status"] == "paused"


def test_a_run_that_takes_down_worker_after_worker_is_given_up_alone(make_pool: Callable[..., Pool]) -> None:
    pool = make_pool()
    innocent, deadly = pool.create(recipe()), pool.create(recipe(DEADLY))
    told: list[str] = []
    with pool.viewer(deadly, lambda problem: told.append(problem.key)):
        with pytest.raises(WorkerLost):
            pool.call(deadly, "play")
        assert eventually(lambda: not pool.exists(deadly))
    assert told == ["worker_restarted", "worker_restarted", "run_lost"]
    assert brought_back(pool, innocent)["status"] == "paused"


def test_a_worker_that_hangs_times_out_its_callers_and_is_replaced(make_pool: Callable[..., Pool]) -> None:
    pool = make_pool(kill_hung_after=0.8)
    token = pool.create(recipe(HANGING))
    pool.call(token, "pause")
    pool.timeout = 0.3
    begin = time.monotonic()
    with pytest.raises(Problem) as refused:
        pool.call(token, "play")
    assert refused.value.key == "worker_busy"
    with pytest.raises(Problem):
        pool.call(token, "pause", payload=bytes(1 << 20))  # More than the pipe takes: still no wait.
    assert time.monotonic() - begin < 5.0
    assert eventually(lambda: pool._entries[token].life == 1)


def test_a_caller_that_has_left_is_forgotten_by_the_worker(make_pool: Callable[..., Pool]) -> None:
    pool = make_pool()
    token = pool.create(recipe())
    version = pool.call(token, "frame")[0]["version"]
    waiting = pool._submit(token, "frame", b"", {"version": version})
    waiting.cancel()
    pool.call(token, "step")
    assert not pool._process_of(token)._pending


def test_a_released_run_is_closed_after_its_grace_and_a_held_one_survives(make_pool: Callable[..., Pool]) -> None:
    pool = make_pool(close_released_after=0.3)
    left, returned, watched = (pool.create(recipe()) for _ in range(3))
    with pool.viewer(watched):
        for token in (left, returned, watched):
            pool.release(token)
        pool.hold(returned)
        assert eventually(lambda: not pool.exists(left))
        time.sleep(0.3)
        assert pool.exists(returned)
        assert pool.exists(watched)
    assert eventually(lambda: not pool.exists(watched))


def test_a_run_that_nobody_looks_at_is_paused(make_pool: Callable[..., Pool]) -> None:
    pool = make_pool(pause_unseen_after=0.3)
    watched, unseen = pool.create(recipe()), pool.create(recipe())
    with pool.viewer(watched):
        for token in (watched, unseen):
            pool.call(token, "play")
        assert eventually(lambda: pool._entries[unseen].status == "paused")
        assert pool._entries[watched].status == "playing"


def test_a_run_that_nobody_held_or_viewed_for_long_is_closed(make_pool: Callable[..., Pool]) -> None:
    pool = make_pool(close_idle_after=0.4)
    idle, held = pool.create(recipe()), pool.create(recipe())
    end = time.monotonic() + 1.0
    while time.monotonic() < end:
        pool.hold(held)
        time.sleep(0.05)
    assert not pool.exists(idle)
    assert pool.exists(held)


def test_many_threads_may_use_the_pool_at_once(make_pool: Callable[..., Pool]) -> None:
    pool = make_pool(workers=2)
    failures: list[BaseException] = []

    def use() -> None:
        try:
            token = pool.create(recipe())
            for _ in range(30):
                before = pool.call(token, "frame")[0]["version"]
                assert pool.call(token, "step")[0]["version"] == before + 1
            pool.close(token)
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=use) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures
    assert not pool._entries


def test_workers_end_with_the_process_that_started_them() -> None:
    script = (
        "import sys, time; from dlcore.runs.pool import Pool; pool = Pool(1, command=sys.argv[1:]); pool.start();"
        "assert pool._slots[0].ready.wait(10); print(pool._slots[0].pid, flush=True); time.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", script, *FAKE], stdout=subprocess.PIPE, cwd=ROOT) as server:
        assert server.stdout is not None
        worker = int(server.stdout.readline())
        server.kill()
    assert eventually(lambda: not Path(f"/proc/{worker}/cmdline").exists() or not _command(worker))


def _command(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except FileNotFoundError:
        return b""


def test_the_serving_side_never_imports_torch() -> None:
    script = (
        "import sys, ui.live; ui.live.pool(), ui.live.routes();print({'torch', 'sklearn', 'pandas'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"
