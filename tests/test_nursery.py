"""Workers and desks that are split off a process which has imported what they need."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from dlcore import Experiment, children
from dlcore.children import Nursery, begin, nursery
from dlcore.desks.desks import Desks
from dlcore.problems import Problem
from dlcore.runs.places.early import begin_early
from dlcore.runs.places.links import Link
from dlcore.runs.places.process import COMMAND, Processes, WorkerProcess
from tests.patience import PATIENCE, eventually

pytestmark = [
    pytest.mark.skipif(nursery() is None, reason="This system cannot split processes off, or they may use a GPU."),
    pytest.mark.xdist_group("nursery"),  # One process imports everything once.
]
ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def shared() -> Iterator[Nursery]:
    """A nursery for all of these tests: each start imports for seconds. One that is lost is replaced."""
    nursery = Nursery()
    yield nursery
    nursery.close()


@pytest.fixture
def ours(shared: Nursery, monkeypatch: pytest.MonkeyPatch) -> Nursery:
    """The one that children come of."""
    monkeypatch.setattr(children, "nursery", lambda: shared)
    return shared


def end(worker: WorkerProcess) -> None:
    """Let it end, and hear it out."""
    worker.leave()
    while worker.receive() is not None:
        pass
    worker.wait(PATIENCE)


def next_word(worker: WorkerProcess) -> dict[str, object]:
    message = worker.receive()
    assert message is not None
    return message[0]


def test_a_worker_that_is_split_off_trains(ours: Nursery) -> None:
    link = Link(Processes().open(0), lambda *_: None, lambda _: None)
    create = {"do": "create", "token": "t", "recipe": Experiment().to_json(), "device": "cpu", "life": 0}
    link.post({**create, "status": "paused", "speed": 1000}).result(PATIENCE)
    assert link.post({"do": "step", "token": "t"}).result(PATIENCE)[0]["step"] == 1
    assert ours.pid not in (0, link.pid)
    assert Path(f"/proc/{link.pid}/status").read_text().split("PPid:")[1].split()[0] == str(ours.pid)
    link.close()
    assert eventually(lambda: link.ended)


def test_it_has_the_settings_of_now_and_not_those_of_the_nursery(
    ours: Nursery, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = WorkerProcess()
    assert next_word(first)["ready"] == first.pid
    niceness = os.getpriority(os.PRIO_PROCESS, first.pid)
    monkeypatch.setenv("DLCORE_NICENESS", str(niceness + 3))
    second = WorkerProcess()
    assert next_word(second)["ready"] == second.pid
    assert os.getpriority(os.PRIO_PROCESS, second.pid) == niceness + 3
    end(first)
    end(second)


def test_one_that_is_killed_is_heard_of_whenever_that_is(ours: Nursery) -> None:
    before_it_is_there, killed_by_another = WorkerProcess(), WorkerProcess()
    assert before_it_is_there.pid == 0
    before_it_is_there.kill()
    before_it_is_there.leave()
    assert before_it_is_there.receive() is None
    next_word(killed_by_another)
    os.kill(killed_by_another.pid, signal.SIGKILL)
    end(killed_by_another)
    assert eventually(lambda: not Path(f"/proc/{killed_by_another.pid}").exists())


def test_a_lost_nursery_costs_no_worker_and_there_is_another_one(ours: Nursery) -> None:
    worker, lost = WorkerProcess(), ours.pid
    next_word(worker)
    os.kill(lost, signal.SIGKILL)
    other = WorkerProcess()
    while other.receive() is None:  # Asked of the lost nursery, whose requests are lost with it: ask again.
        other.leave()
        other = WorkerProcess()
    assert ours.pid not in (0, lost)
    for each in (worker, other):
        assert Path(f"/proc/{each.pid}").exists()
        end(each)


def test_where_nothing_can_be_split_off_a_worker_is_started(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(children, "GPUS", (str(tmp_path),))
    monkeypatch.setattr(children, "nursery", nursery.__wrapped__)  # The one of this process stays for other tests.
    assert children.nursery() is None
    worker = WorkerProcess()
    assert next_word(worker)["ready"] == worker.pid
    assert Path(f"/proc/{worker.pid}/cmdline").read_bytes().split(b"\0")[2].decode() == COMMAND[2]
    end(worker)


def test_a_request_that_cannot_be_sent_takes_no_answer_from_the_next_one(
    ours: Nursery, monkeypatch: pytest.MonkeyPatch
) -> None:
    split_off = WorkerProcess()
    next_word(split_off)
    with monkeypatch.context() as large:
        for number in range(8):  # Together more than a socket takes at once.
            large.setenv(f"LARGE_{number}", "x" * 100_000)
        started = WorkerProcess()
    again = WorkerProcess()
    for worker in (started, again):
        assert next_word(worker)["ready"] == worker.pid
    for worker in (split_off, started, again):
        end(worker)


def test_other_commands_are_started_as_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    fresh = Nursery()
    monkeypatch.setattr(children, "nursery", lambda: fresh)
    child, down, up = begin(None, [sys.executable, "-c", "print('as it is')"], os.environ)
    with down, up:
        assert up.read() == b"as it is\n"
    assert child.wait(PATIENCE)
    assert fresh.pid == 0


def test_a_desk_is_split_off_too(ours: Nursery) -> None:
    desks = Desks()
    try:
        job = desks.submit("classic", name="a set that nobody knows")
        with pytest.raises(Problem, match="titanic"):
            job.result(PATIENCE)
        assert ours.pid
    finally:
        desks.stop()


def test_the_nursery_and_what_came_of_it_end_with_the_server() -> None:
    script = (
        "import json, sys; from dlcore.children import nursery; from dlcore.runs.places.process import WorkerProcess;"
        "worker = WorkerProcess(); worker.receive(); print(json.dumps([nursery().pid, worker.pid]), flush=True); sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=ROOT
    ) as server:
        assert server.stdout is not None
        below = json.loads(server.stdout.readline())
        server.kill()
    assert eventually(lambda: not any(is_alive(pid) for pid in below))


def is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_what_is_begun_early_is_what_workers_are_split_off_from(monkeypatch: pytest.MonkeyPatch) -> None:
    fresh = Nursery()
    monkeypatch.setattr(children, "nursery", lambda: fresh)
    for elsewhere in ("ray", "inprocess", "ray://head:10001"):
        begin_early(elsewhere)
        assert fresh.pid == 0
    begin_early(None)
    early = fresh.pid
    begin_early("processes")
    worker = WorkerProcess()
    worker.receive()
    assert early == fresh.pid > 0
    assert Path(f"/proc/{worker.pid}/stat").read_text().rsplit(")", 1)[1].split()[1] == str(early)
    end(worker)
    fresh.close()
