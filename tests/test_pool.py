"""The pool, with workers that compute nothing: routing, leases, limits, and workers that die or hang."""

from __future__ import annotations

import gc
import os
import signal
import subprocess
import sys
import threading
import weakref
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from dlcore import children
from dlcore.experiment import Experiment
from dlcore.limits import Limits
from dlcore.problems import Problem
from dlcore.runs.server.pool import Pool, WorkerLost
from tests.fake_worker import DEADLY, FRAGILE, HANGING, HEAVY, WEAK
from tests.patience import PATIENCE, eventually
from tests.pools import FAKE, answered, standing_still

ROOT = Path(__file__).parents[1]
#: A heavy run: its picture takes 0.3 s.
LARGE = Experiment.from_dict({"layers": [{"kind": "dense", "units": 512}] * 6}).to_json()


@pytest.fixture
def make_pool(tmp_path: Path) -> Iterator[Callable[..., Pool]]:
    pools = []

    def make(**settings: object) -> Pool:
        limits = Limits(**{"workers": 1, "shelf": tmp_path, **settings})  # type: ignore[arg-type]
        pool = Pool(command=FAKE, timeout=PATIENCE, limits=limits)
        pools.append(pool)
        pool.start()
        return pool

    yield make
    for pool in pools:
        pool.stop()


def recipe(seed: int = 0) -> str:
    return Experiment(seed=seed).to_json()


def test_new_runs_go_to_the_worker_with_the_fewest(make_pool: Callable[..., Pool]) -> None:
    pool = make_pool(workers=2)
    assert eventually(lambda: pool.warm)
    tokens = [pool.create(recipe()) for _ in range(4)]
    assert sorted(pool.facts(token).worker for token in tokens) == [0, 0, 1, 1]
    assert len(set(tokens)) == 4


def test_a_run_too_many_is_refused_until_another_ends(make_pool: Callable[..., Pool]) -> None:
    pool = make_pool(max_runs=2)
    first, _ = pool.create(recipe()), pool.create(recipe())
    with pytest.raises(Problem, match="The class is full: 2 of 2 runs"):
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
        os.kill(pool.link_of(token).pid, signal.SIGKILL)
        header = answered(pool, token, "frame")
    assert header["state"] == "kept"
    assert (header["speed"], header["status"], header["version"]) == (7, "playing", 1000)
    assert [(problem.key, problem.values) for problem in told] == [("worker_restarted", {"step": 2})]


def test_a_request_that_its_worker_takes_to_the_grave_fails(make_pool: Callable[..., Pool]) -> None:
    pool = make_pool()
    token = pool.create(recipe(WEAK))
    with pytest.raises(WorkerLost):
        pool.call(token, "play")
    assert answered(pool, token, "frame")["status"] == "paused"


def test_a_run_that_takes_down_worker_after_worker_is_given_up_alone(make_pool: Callable[..., Pool]) -> None:
    pool = make_pool()
    innocent, deadly = pool.create(recipe()), pool.create(recipe(DEADLY))
    told: list[str] = []
    with pool.viewer(deadly, lambda problem: told.append(problem.key)):
        with pytest.raises(WorkerLost):
            pool.call(deadly, "play")
        assert eventually(lambda: not pool.exists(deadly))
    assert told == ["worker_restarted", "worker_restarted", "run_lost"]
    assert answered(pool, innocent, "frame")["status"] == "paused"


def test_a_worker_that_hangs_times_out_its_callers_and_is_replaced(make_pool: Callable[..., Pool]) -> None:
    pool = make_pool(hung_after=2.0)
    token = pool.create(recipe(HANGING))
    pool.call(token, "pause")
    pool.timeout = 0.01
    for payload in (b"", bytes(1 << 20)):  # And more than the pipe takes: still no wait.
        with pytest.raises(Problem) as refused:
            pool.call(token, "play", payload)
        assert refused.value.key == "worker_busy"
    assert eventually(lambda: pool.facts(token).life == 1)


def test_a_caller_that_has_left_is_forgotten_by_the_worker(make_pool: Callable[..., Pool]) -> None:
    pool = make_pool()
    token = pool.create(recipe())
    version = pool.call(token, "frame")[0]["version"]
    waiting = pool.ask(token, "frame", version=version).future
    waiting.cancel()
    pool.call(token, "step")
    assert eventually(lambda: not pool.link_of(token).unanswered)


def test_a_released_run_is_closed_after_its_grace_and_a_held_one_survives(make_pool: Callable[..., Pool]) -> None:
    pool = make_pool(end_after=0.3)
    left, returned, watched = (pool.create(recipe()) for _ in range(3))
    with pool.viewer(watched):
        for token in (left, returned, watched):
            pool.release(token)
        pool.hold(returned)
        assert eventually(lambda: not pool.exists(left))
        later = pool.create(recipe())
        pool.release(later)
        assert eventually(lambda: not pool.exists(later))
        assert pool.exists(returned)
        assert pool.exists(watched)
    assert eventually(lambda: not pool.exists(watched))


def test_a_run_that_nobody_looks_at_is_paused(make_pool: Callable[..., Pool]) -> None:
    pool = make_pool(pause_after=0.3)
    watched, unseen = pool.create(recipe()), pool.create(recipe())
    with pool.viewer(watched):
        for token in (watched, unseen):
            pool.call(token, "play")
        assert eventually(lambda: pool.facts(unseen).status == "paused")
        assert pool.facts(watched).status == "playing"


def test_a_run_that_nobody_held_or_viewed_for_long_is_closed(make_pool: Callable[..., Pool]) -> None:
    pool = make_pool(free_after=2.0)
    idle, held = pool.create(recipe()), pool.create(recipe())
    assert eventually(lambda: pool.hold(held) or not pool.exists(idle))
    assert pool.exists(held)


# Whose it is, and the way back


def test_a_run_with_an_owner_is_open_to_this_owner_alone(make_pool: Callable[..., Pool]) -> None:
    pool = make_pool()
    secret = " secret"[1:]
    known_by = sys.getrefcount(secret)
    mine, anybodys = pool.create(recipe(), owner=secret), pool.create(recipe())
    pool.check_owner(mine, "secret")
    pool.check_owner(anybodys, "whoever")
    for other in ("", "Secret", pool.facts(mine).owner):
        for ask in (pool.check_owner, pool.revive, pool.find_standing):
            with pytest.raises(Problem) as refused:
                ask(mine, other)
            assert refused.value.key == "not_yours"
    assert sys.getrefcount(secret) == known_by  # Nobody keeps it.


def test_an_owner_may_have_so_many_runs_and_others_have_theirs(make_pool: Callable[..., Pool]) -> None:
    pool = make_pool(max_runs_per_owner=2)
    first, _ = (pool.create(recipe(), owner="one") for _ in range(2))
    with pytest.raises(Problem, match="already has 2 runs"):
        pool.create(recipe(), owner="one")
    for owner in ("two", "", "", ""):
        pool.create(recipe(), owner=owner)
    pool.close(first)
    pool.create(recipe(), owner="one")
    assert pool.figures()["refused"] == 1


def kept_run(pool: Pool, owner: str = "", **limits: object) -> str:
    """A run with something to lose: two commands were kept."""
    token = pool.create(recipe(seed=5), owner=owner)
    pool.call(token, "speed", value=7)
    pool.call(token, "play")
    assert eventually(lambda: pool.facts(token).step == 2)
    return token


def test_a_run_whose_session_ended_waits_on_the_shelf_with_its_token(make_pool: Callable[..., Pool]) -> None:
    pool = make_pool(end_after=0.2)
    token = kept_run(pool, "secret")
    pool.release(token)
    assert eventually(lambda: not pool.exists(token))
    with pytest.raises(Problem) as refused:
        pool.revive(token, "another")
    assert refused.value.key == "not_yours"
    standing = {"recipe": recipe(seed=5), "device": "auto", "status": "paused", "step": 2, "epoch": 0}
    assert pool.find_standing(token, "secret") == standing
    assert not pool.exists(token)
    assert pool.revive(token, "secret") == standing
    header = pool.call(token, "frame")[0]
    assert (header["state"], header["status"], header["speed"], header["version"]) == ("last", "paused", 7, 1000)
    pool.check_owner(token, "secret")
    assert pool.revive(token, "secret")["step"] == 2  # It is in a worker already, so it is not built anew.
    assert pool.call(token, "frame")[0]["version"] == 1000


def test_a_run_that_was_closed_is_gone_for_good(make_pool: Callable[..., Pool]) -> None:
    pool = make_pool()
    token = kept_run(pool)
    pool.close(token)
    for ask in (pool.find_standing, pool.revive):
        with pytest.raises(Problem) as refused:
            ask(token)
        assert refused.value.key == "run_gone"


def test_the_way_back_needs_room_too(make_pool: Callable[..., Pool]) -> None:
    pool = make_pool(end_after=0.2, max_runs=1)
    token = kept_run(pool)
    pool.release(token)
    assert eventually(lambda: not pool.exists(token))
    newcomer = pool.create(recipe())
    with pytest.raises(Problem) as refused:
        pool.revive(token)
    assert refused.value.key == "class_full"
    pool.close(newcomer)
    assert pool.revive(token)["step"] == 2


# Moving


def test_a_heavy_run_gets_a_worker_of_its_own_which_goes_with_it(
    make_pool: Callable[..., Pool], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dlcore.runs.server.moving.EMPTY_FOR", 0.2)
    pool = make_pool(heavy_workers=1)
    assert eventually(lambda: pool.warm)
    light, heavy = pool.create(recipe()), pool.create(recipe(HEAVY))
    pool.call(light, "play")
    assert pool.call(heavy, "play")[0]["pid"] == pool.call(light, "step")[0]["pid"]
    assert eventually(lambda: pool.tend() or pool.facts(heavy).worker == 1)
    before, after = pool.call(light, "step")[0], pool.call(heavy, "step")[0]
    assert before["pid"] != after["pid"]
    assert after["version"] == 2  # One change by "play" in the old worker, one by "step" in the new: none is lost.
    assert pool.figures()["moved"] == 1
    assert eventually(lambda: pool.warm)  # Another spare worker is ready.
    pid = pool.link_of(heavy).pid
    pool.close(heavy)
    assert eventually(lambda: pool.tend() or not _command(pid))
    assert pool.figures()["restarts"] == 0


def test_a_heavy_run_that_is_alone_stays_where_it_is(make_pool: Callable[..., Pool]) -> None:
    pool = make_pool(heavy_workers=1)
    assert eventually(lambda: pool.warm)
    heavy, idle = pool.create(recipe(HEAVY)), pool.create(recipe())
    pool.call(heavy, "play")
    assert pool.call(idle, "frame") and pool.figures()["moved"] == 0
    assert pool.facts(heavy).worker == 0


def test_a_run_whose_first_act_will_be_long_begins_out_of_the_way(make_pool: Callable[..., Pool]) -> None:
    pool = make_pool(heavy_workers=1)
    assert eventually(lambda: pool.warm)
    alone = pool.create(LARGE)
    light = pool.create(recipe())
    assert [pool.facts(token).worker for token in (alone, light)] == [0, 0]  # In nobody's way yet.
    pool.call(light, "play")
    assert pool.facts(pool.create(LARGE)).worker == 1
    assert pool.facts(pool.create(recipe())).worker == 0
    assert pool.figures()["moved"] == 0


def test_a_change_that_makes_a_run_heavy_is_made_out_of_the_way(make_pool: Callable[..., Pool]) -> None:
    pool = make_pool(heavy_workers=1)
    assert eventually(lambda: pool.warm)
    light, growing = pool.create(recipe()), pool.create(recipe())
    playing = pool.call(light, "play")[0]["pid"]
    for harmless in (recipe(seed=1), '{"seed": 1, "nonsense": 1}'):
        assert pool.call(growing, "change", recipe=harmless)[0]["pid"] == playing
    assert pool.call(growing, "change", recipe=LARGE)[0]["pid"] != playing
    assert pool.figures()["moved"] == 1
    assert pool.call(growing, "change", recipe=LARGE) and pool.figures()["moved"] == 1


def test_what_is_asked_while_a_run_moves_is_answered_in_order_when_it_has_arrived(
    make_pool: Callable[..., Pool],
) -> None:
    pool = make_pool(workers=2)
    assert eventually(lambda: pool.warm)
    token = pool.create(recipe())
    version = pool.call(token, "frame")[0]["version"]
    waiting = pool.ask(token, "frame", version=version).future  # Waits until the run differs from this version.
    cancelled = pool.ask(token, "frame", version=version).future
    home = pool.facts(token).worker
    with standing_still(pool.link_of(token)):
        pool.move(token, 1 - home)
        answers = [pool.ask(token, "step").future for _ in range(5)]
        cancelled.cancel()
    assert [answer.result(PATIENCE)[0]["version"] for answer in answers] == [1, 2, 3, 4, 5]
    assert waiting.result(PATIENCE)[0]["version"] >= 1
    assert pool.facts(token).worker == 1 - home
    assert eventually(lambda: not pool.links[home].unanswered)


def test_what_is_withdrawn_while_a_run_moves_ends_as_such_and_is_asked_nowhere(make_pool: Callable[..., Pool]) -> None:
    pool = make_pool(workers=2)
    assert eventually(lambda: pool.warm)
    token = pool.create(recipe())
    version = pool.call(token, "frame")[0]["version"]
    posted = pool.ask(token, "frame", version=version)
    home = pool.facts(token).worker
    with standing_still(pool.link_of(token)):
        pool.move(token, 1 - home)
        queued = pool.ask(token, "frame", version=version)
        for request in (posted, queued):
            pool.withdraw(request)
    answers = [request.future.result(10)[0] for request in (posted, queued)]
    assert all(answer.get("withdrawn") for answer in answers)
    assert pool.call(token, "step")[0]["version"] == 1
    assert pool.facts(token).worker == 1 - home
    assert eventually(lambda: not any(link.unanswered for link in pool.links))


def test_a_run_closed_on_its_way_is_gone_for_who_asks_and_nowhere_else(make_pool: Callable[..., Pool]) -> None:
    pool = make_pool(workers=2)
    assert eventually(lambda: pool.warm)
    token, other = pool.create(recipe()), pool.create(recipe())
    pool.call(token, "frame")
    with standing_still(pool.link_of(token)):
        pool.move(token, 1 - pool.facts(token).worker)
        asked = pool.ask(token, "step").future
        pool.close(token)
    with pytest.raises(Problem) as refused:
        asked.result(PATIENCE)
    assert refused.value.key == "run_gone"
    assert pool.call(other, "step")[0]["version"] == 1


def test_a_worker_that_dies_while_a_run_leaves_it_costs_no_more_than_at_other_times(
    make_pool: Callable[..., Pool],
) -> None:
    pool = make_pool(workers=2)
    assert eventually(lambda: pool.warm)
    token = kept_run(pool)
    home = pool.facts(token).worker
    os.kill(pool.link_of(token).pid, signal.SIGSTOP)
    pool.move(token, 1 - home)
    asked = pool.ask(token, "step").future
    os.kill(pool.link_of(token).pid, signal.SIGKILL)
    assert asked.result(PATIENCE)[0]["version"] == 1001
    assert pool.facts(token).worker == home


def test_a_run_that_does_not_survive_the_journey_is_brought_back_as_kept(make_pool: Callable[..., Pool]) -> None:
    pool = make_pool(workers=2)
    assert eventually(lambda: pool.warm)
    token = pool.create(recipe(FRAGILE))
    pool.call(token, "step")
    told: list[str] = []
    with pool.viewer(token, lambda problem: told.append(problem.key)):
        pool.move(token, 1 - pool.facts(token).worker)
        assert eventually(lambda: len(told) == 2)
        assert pool.call(token, "step")[0]["version"] == 1001
    assert told == ["out_of_memory", "worker_restarted"]


def test_playing_runs_are_spread_evenly_and_go_on_where_they_were(
    make_pool: Callable[..., Pool], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dlcore.runs.server.moving.BALANCE_AFTER", 0.2)
    pool = make_pool(workers=2)
    assert eventually(lambda: pool.warm)
    tokens = [pool.create(recipe()) for _ in range(8)]
    first = [token for token in tokens if pool.facts(token).worker == 0]
    for token in first:  # Chance has it that those of one worker play, and the others rest.
        pool.call(token, "play")

    def balanced() -> bool:
        pool.tend()
        return sum(pool.facts(token).worker == 0 for token in first) == len(first) // 2

    assert eventually(balanced)
    assert [pool.call(token, "step")[0]["version"] for token in first] == [2] * len(first)
    moved = pool.figures()["moved"]
    assert moved == len(first) // 2


def test_new_runs_go_where_the_fewest_play(make_pool: Callable[..., Pool]) -> None:
    pool = make_pool(workers=2)
    assert eventually(lambda: pool.warm)
    playing = pool.create(recipe())
    pool.call(playing, "play")
    assert eventually(lambda: pool.facts(playing).status == "playing")
    others = [pool.create(recipe()) for _ in range(3)]
    assert {pool.facts(token).worker for token in others} == {1 - pool.facts(playing).worker}


def test_an_answered_request_leaves_nothing_for_the_collector(make_pool: Callable[..., Pool]) -> None:
    pool = make_pool()
    token = pool.create(recipe())
    pool.call(token, "step")
    gc.collect()
    gc.disable()
    try:
        asked = pool.ask(token, "frame").future
        asked.result(PATIENCE)
        left = weakref.ref(asked)
        del asked
        assert eventually(lambda: left() is None)
    finally:
        gc.enable()


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
    assert pool.figures()["runs"] == 0


def test_what_prepares_tables_is_imported_before_the_first_one_comes_while_runs_go_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(children, "nursery", lambda: None)  # Else it is there, with all that the nursery has imported.
    pool = Pool(1, timeout=PATIENCE, limits=Limits(shelf=tmp_path))
    try:
        token = pool.create(Experiment().to_json(), "cpu")
        pool.call(token, "play")
        pid = pool.link_of(token).pid
        assert b"sklearn" not in _mapped(pid)
        pool.expect_tables()
        assert eventually(lambda: b"sklearn/preprocessing" in _mapped(pid))
        assert pool.call(token, "pause")[0]["step"] > 0
    finally:
        pool.stop()


def _mapped(pid: int) -> bytes:
    """The files that a process has loaded."""
    return Path(f"/proc/{pid}/maps").read_bytes()


def test_workers_end_with_the_process_that_started_them() -> None:
    script = (
        "import sys; from dlcore.runs.server.pool import Pool; pool = Pool(1, command=sys.argv[1:]); pool.start();"
        "assert pool.links[0].ready.wait(300); print(pool.links[0].pid, flush=True); sys.stdin.read()"
    )
    pipes: Any = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen([sys.executable, "-c", script, *FAKE], cwd=ROOT, **pipes) as server:
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
