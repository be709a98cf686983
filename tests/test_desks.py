"""Desks: jobs in side processes. They are done in a fair order, end when they must, and fail alone."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from dlcore.problems import Problem
from dlcore.runs.crew import STARVED
from dlcore.runs.desk import TELL_EVERY
from dlcore.runs.desks import MOST_OF_AN_OWNER, MOST_WAITING, Desks, Job
from dlcore.runs.jobs import JOBS
from dlcore.runs.limits import FURTHER_BACK, Limits
from tests.patience import PATIENCE, eventually

ROOT = Path(__file__).parent.parent
COMMAND = (sys.executable, str(Path(__file__).parent / "odd_desk.py"))
STEPPED_BACK = 1


def desks_of(count: int = 1, megabytes: int = 128) -> Desks:
    return Desks(Limits(desks=count, desk_mb=megabytes), COMMAND)


@pytest.fixture(scope="module", autouse=True)
def _found(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(ROOT))
        patch.setenv("DLCORE_DESK_MB", "128")
        patch.setenv("DLCORE_NICENESS", str(STEPPED_BACK))
        yield


@pytest.fixture(scope="module")
def shared() -> Iterator[Desks]:
    """For tests that leave it as they found it."""
    desks = desks_of()
    yield desks
    desks.stop()


@pytest.fixture
def desks() -> Iterator[Desks]:
    desks = desks_of()
    yield desks
    desks.stop()


class Bench:
    """Jobs that go on until they are let go, and write down in which order they began."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.jobs: list[Job] = []

    def submit(self, desks: Desks, name: str, owner: str = "", **how: Any) -> Job:
        files = {"diary": str(self.folder / "diary"), "file": str(self.folder / name)}
        # Owners of this test alone, who have had no turn before.
        self.jobs.append(desks.submit("until", name=name, owner=f"{owner} of {self.folder}", **files, **how))
        return self.jobs[-1]

    def let_go(self, *names: str) -> None:
        for name in names:
            (self.folder / name).touch()

    @property
    def begun(self) -> str:
        diary = self.folder / "diary"
        return diary.read_text().replace("\n", " ").strip() if diary.exists() else ""


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    bench = Bench(tmp_path)
    yield bench
    for job in bench.jobs:
        job.cancel()


def gone(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False


def problem_of(job: Job) -> str:
    with pytest.raises(Problem) as caught:
        job.result(PATIENCE)
    return caught.value.key


def test_a_job_is_done_elsewhere_at_low_priority(shared: Desks) -> None:
    job = shared.submit("echo", b"\0bytes\xff", number=1.5, words="Zürich 表")
    header, payload = job.result(PATIENCE)
    assert (header["number"], header["words"], payload) == (1.5, "Zürich 表", b"\0bytes\xff")
    assert (job.state, job.share, job.ahead) == ("done", 1.0, 0)
    assert header["pid"] != os.getpid()
    assert header["niceness"] == max(STEPPED_BACK + FURTHER_BACK, os.getpriority(os.PRIO_PROCESS, 0))
    again, _ = shared.ask("echo")
    assert again["pid"] == header["pid"], "the process is kept warm"


def test_a_large_payload_goes_there_and_back(shared: Desks) -> None:
    large = bytes(range(256)) * 40_000
    assert shared.ask("echo", large)[1] == large


def test_progress_is_seen_and_does_not_flood(shared: Desks, tmp_path: Path) -> None:
    job = shared.submit("progress", file=str(tmp_path / "enough"))
    seen: set[int] = set()
    assert eventually(lambda: len(seen) > 3 or (job.partial and seen.add(job.partial["calls"])))
    assert job.partial["words"] == "x" * 10
    assert 0 < job.share < 0.1
    (tmp_path / "enough").touch()
    assert eventually(lambda: seen.add(job.partial["calls"]) or job.state == "done")
    done = job.result()[0]
    assert len(seen) <= done["seconds"] / TELL_EVERY + 1
    assert done["calls"] >= 1000


def test_what_a_job_prints_is_not_taken_for_its_answer(shared: Desks) -> None:
    before = shared.lost
    header, payload = shared.ask("chatty")
    assert (header["read"], header["more"], payload) == ("", "", b"all")
    assert shared.lost == before


@pytest.mark.parametrize(
    ("kind", "key"), [("problem", "bad_weight"), ("bug", "internal"), ("object", "internal"), ("flood", "internal")]
)
def test_a_job_that_fails_fails_alone(shared: Desks, kind: str, key: str) -> None:
    pid = shared.ask("echo")[0]["pid"]
    job = shared.submit("blunder", kind=kind)
    assert problem_of(job) == key
    assert job.state == "failed"
    if kind == "problem":
        with pytest.raises(Problem, match="7 apples"):
            job.result()
    assert shared.ask("echo")[0]["pid"] == pid, "the process goes on"


def test_an_unknown_job_and_words_that_are_no_json_are_the_programs_mistake(shared: Desks) -> None:
    assert problem_of(shared.submit("dance")) == "internal"
    with pytest.raises(TypeError):
        shared.submit("echo", thing=object())


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGSEGV])
def test_a_job_whose_process_dies_is_told_and_the_next_one_gets_another(shared: Desks, how: signal.Signals) -> None:
    lost = shared.lost
    first = shared.ask("echo")[0]["pid"]
    dying, next_one = shared.submit("die", signal=int(how)), shared.submit("echo")
    assert problem_of(dying) == "job_lost"
    assert next_one.result(PATIENCE)[0]["pid"] != first
    assert shared.lost == lost + 1


def test_a_process_that_dies_between_two_jobs_is_replaced(shared: Desks) -> None:
    pid = shared.ask("echo")[0]["pid"]
    os.kill(pid, signal.SIGKILL)
    assert eventually(lambda: os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT))
    assert shared.ask("echo")[0]["pid"] != pid


def test_more_memory_than_there_is_fails_that_job_alone(shared: Desks) -> None:
    assert shared.ask("swallow", megabytes=40)[0]["sum"] == 40 << 17
    assert problem_of(shared.submit("swallow", megabytes=500)) == "job_out_of_memory"
    assert shared.ask("swallow", megabytes=40)[0]["sum"] == 40 << 17


def test_a_process_that_has_grown_too_large_makes_room_for_another(shared: Desks) -> None:
    small = [shared.ask("hoard", megabytes=9)[0]["pid"] for _ in range(3)]
    assert len(set(small)) == 1
    last = shared.ask("hoard", megabytes=9)[0]["pid"]
    assert last == small[0], "it answers first"
    assert shared.ask("echo")[0]["pid"] != last
    assert gone(last)


def test_a_job_that_takes_too_long_is_ended(shared: Desks, bench: Bench) -> None:
    pid = shared.ask("echo")[0]["pid"]
    begin = time.monotonic()
    job = bench.submit(shared, "endless", seconds=0.3)
    assert problem_of(job) == "job_too_long"
    assert time.monotonic() - begin >= 0.3
    assert eventually(lambda: gone(pid))
    assert shared.ask("echo")[0]["pid"] != pid


def test_waiting_has_an_end_and_the_job_does_not(shared: Desks, bench: Bench) -> None:
    job = bench.submit(shared, "slow")
    with pytest.raises(TimeoutError):
        job.result(0.01)
    bench.let_go("slow")
    assert job.result(PATIENCE)[0] == {"name": "slow"}


def test_cancelling_a_working_job_ends_its_process_and_no_other(shared: Desks, bench: Bench) -> None:
    lost = shared.lost
    job = bench.submit(shared, "a", owner="ann")
    waiting = bench.submit(shared, "b", owner="bob")
    assert eventually(lambda: job.partial)
    assert (job.state, waiting.state, waiting.ahead) == ("working", "waiting", 1)
    job.cancel()
    assert job.state == "cancelled", "at once"
    assert problem_of(job) == "job_cancelled"
    bench.let_go("b")
    assert waiting.result(PATIENCE)[0] == {"name": "b"}
    assert gone(job.partial["pid"])
    assert shared.lost == lost, "nobody calls it lost"


def test_cancelling_a_waiting_job_lets_the_others_move_up(shared: Desks, bench: Bench) -> None:
    first = bench.submit(shared, "a", owner="ann")
    second, third = bench.submit(shared, "b", owner="bob"), bench.submit(shared, "c", owner="eve")
    assert (second.ahead, third.ahead) == (1, 2)
    second.cancel()
    second.cancel()
    assert (second.state, third.ahead) == ("cancelled", 1)
    bench.let_go("a", "c")
    third.result(PATIENCE)
    assert bench.begun == "a c"
    assert first.state == "done"
    first.cancel()
    assert first.state == "done", "what is done stays done"


def test_everybodys_first_job_comes_before_anybodys_second(shared: Desks, bench: Bench) -> None:
    jobs = [bench.submit(shared, "ann1", owner="ann")]
    assert eventually(lambda: bench.begun == "ann1")
    jobs += [bench.submit(shared, name, owner=name[:3]) for name in ("ann2", "ann3", "bob1", "bob2", "eve1")]
    assert [job.ahead for job in jobs[1:]] == [3, 5, 1, 4, 2]
    for name in ("ann1", "bob1", "eve1", "ann2", "bob2", "ann3"):
        bench.let_go(name)
        jobs[["ann1", "ann2", "ann3", "bob1", "bob2", "eve1"].index(name)].result(PATIENCE)
    assert bench.begun == "ann1 bob1 eve1 ann2 bob2 ann3"


def test_nobody_may_let_many_jobs_wait(desks: Desks, bench: Bench) -> None:
    working = bench.submit(desks, "a", owner="ann")
    assert eventually(lambda: working.state == "working")
    for number in range(MOST_OF_AN_OWNER):
        bench.submit(desks, f"more{number}", owner="ann")
    with pytest.raises(Problem, match="waiting already") as caught:
        bench.submit(desks, "too many", owner="ann")
    assert caught.value.key == "desk_busy"
    bench.submit(desks, "b", owner="bob")
    with pytest.raises(Problem) as caught:
        for number in range(MOST_WAITING + 1):
            bench.submit(desks, "crowd", owner=f"person {number}")
    assert caught.value.key == "desks_full"
    assert desks.figures()["jobs_waiting"] == MOST_WAITING


def test_a_quick_job_does_not_wait_for_a_long_one(shared: Desks, bench: Bench) -> None:
    long = bench.submit(shared, "curve", owner="ann", long=True)
    assert eventually(lambda: bench.begun == "curve")
    second = bench.submit(shared, "curve2", owner="bob", long=True)
    assert shared.ask("echo", owner="ann")[0]["pid"] != long.partial["pid"]
    assert (long.state, second.state, second.ahead) == ("working", "waiting", 1)
    quick = [bench.submit(shared, name, owner=name) for name in ("look", "score")]
    assert eventually(lambda: quick[0].state == "working")
    assert quick[1].state == "waiting", "one desk, and one beside the long job"
    assert shared.figures()["desks"] == 2
    bench.let_go("curve", "curve2", "look", "score")
    assert second.result(PATIENCE)[0] == {"name": "curve2"}


def test_long_jobs_leave_a_desk_to_the_quick_ones(bench: Bench) -> None:
    desks = desks_of(count=3)
    long = [bench.submit(desks, f"long{number}", owner=str(number), long=True) for number in range(3)]
    quick = [bench.submit(desks, f"quick{number}", owner=f"q{number}") for number in range(2)]
    assert eventually(lambda: len(bench.begun.split()) == 3)
    assert [job.state for job in long] == ["working", "working", "waiting"]
    assert [job.state for job in quick] == ["working", "waiting"]
    bench.let_go("long0")
    assert eventually(lambda: quick[1].state == "working" or long[2].state == "working")
    assert desks.figures()["jobs_working"] == 3
    desks.stop()


def test_whoever_stops_asking_cancels(shared: Desks, bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    def gives_up(job: Job, timeout: float | None = None) -> Any:
        raise KeyboardInterrupt

    monkeypatch.setattr(Job, "result", gives_up)
    with pytest.raises(KeyboardInterrupt):
        shared.ask("until", name="a", diary=str(bench.folder / "diary"), file=str(bench.folder / "a"))
    assert shared.figures()["jobs_waiting"] == shared.figures()["jobs_working"] == 0


def test_figures_count_without_a_name(desks: Desks) -> None:
    assert desks.figures() == {
        "desks": 0, "jobs_waiting": 0, "jobs_working": 0, "jobs": 0, "desks_lost": 0, "memory_bytes": {},
    }  # fmt: skip
    pid = desks.ask("echo", owner="a secret")[0]["pid"]
    figures = desks.figures()
    assert (figures["desks"], figures["jobs"], figures["jobs_working"]) == (1, 1, 0)
    assert figures["memory_bytes"][f"desk {pid}"] > 5_000_000
    assert "secret" not in str(figures)


def test_stopping_ends_what_is_worked_at_and_what_waits(bench: Bench) -> None:
    desks = desks_of()
    working, waiting = (bench.submit(desks, name, owner=name) for name in ("a", "b"))
    assert eventually(lambda: working.partial)
    desks.stop()
    assert {problem_of(working), problem_of(waiting)} == {"job_cancelled"}
    assert gone(working.partial["pid"])
    with pytest.raises(Problem):
        desks.submit("echo")


def test_a_server_that_is_killed_leaves_no_desk_behind() -> None:
    code = (
        "import sys, time\nfrom dlcore.runs.desks import Desks\nfrom dlcore.runs.limits import Limits\n"
        f"job = Desks(Limits(desks=1), {COMMAND!r}).submit('until', name='a', diary={os.devnull!r}, file='never')\n"
        "while not job.partial:\n    time.sleep(0.01)\n"
        "print(job.partial['pid'], flush=True)\ntime.sleep(100)\n"
    )
    with subprocess.Popen([sys.executable, "-c", code], cwd=ROOT, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        pid = int(server.stdout.readline())
        server.kill()
    assert eventually(lambda: gone(pid))


def test_a_desk_that_cannot_start_is_one_sentence() -> None:
    for command in (("/no/such/program",), (sys.executable, "-c", "raise SystemExit(3)")):
        desks = Desks(Limits(desks=1), command)
        assert problem_of(desks.submit("echo")) == "job_lost"
        desks.stop()


def test_a_desk_opens_before_it_is_needed_and_closes_when_nobody_needs_it(monkeypatch: pytest.MonkeyPatch) -> None:
    desks = desks_of()
    desks.wake()
    desks.wake()
    assert eventually(lambda: desks.figures()["desks"] == 1)
    monkeypatch.setattr("dlcore.runs.desks.STAYS", 0.0)
    desks.ask("echo")
    assert eventually(lambda: desks.figures()["desks"] == 0)
    assert desks.ask("echo")[0]["pid"]
    desks.stop()


def test_every_job_has_its_function() -> None:
    # In a process of its own, as they bring torch, pandas and scikit-learn.
    code = (
        "from dlcore.runs.desk import function_of\nfrom dlcore.runs.jobs import JOBS\n"
        "print(*(name for name in JOBS if not callable(function_of(name))))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=PATIENCE)
    assert (done.stdout.split(), done.stderr) == ([], "")
    assert JOBS


# On a machine that is busy with other things


def test_what_a_desk_waits_for_a_processor_does_not_count_as_its_time(
    shared: Desks, bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    begin = time.monotonic()
    monkeypatch.setattr("dlcore.runs.overtime.STARVED", 1000.0)
    monkeypatch.setattr("dlcore.runs.overtime.held_up", lambda _: time.monotonic() - begin)
    job = bench.submit(shared, "starved", seconds=0.01)
    assert eventually(lambda: time.monotonic() - begin > 0.5 and job.partial)
    bench.let_go("starved")
    assert job.result(PATIENCE)[0] == {"name": "starved"}


def test_there_is_an_end_to_what_is_left_out(shared: Desks, bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dlcore.runs.overtime.held_up", lambda _: time.monotonic())
    begin = time.monotonic()
    assert problem_of(bench.submit(shared, "endless", seconds=0.05)) == "job_too_long"
    assert time.monotonic() - begin >= STARVED * 0.05
