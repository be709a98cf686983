"""Desks: jobs in side processes. They are done in a fair order, end when they must, and fail alone."""

from __future__ import annotations

import ast
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from dlcore.desks.desk import TELL_EVERY
from dlcore.desks.desks import LEFT_ALONE, OTHERS_STAY, STARTING, STAYS, Desks
from dlcore.desks.job import Job
from dlcore.desks.jobs import JOBS
from dlcore.desks.process import DeskProcess
from dlcore.desks.queue import MOST_OF_AN_OWNER, MOST_OF_NOBODY
from dlcore.limits import FURTHER_BACK, Limits
from dlcore.problems import Problem
from dlcore.runs.server.crew import STARVED
from dlcore.runs.server.entry import mark_of
from tests.clock import Clock
from tests.odd_desk import ODD_JOBS
from tests.patience import PATIENCE, eventually

ROOT = Path(__file__).parent.parent
COMMAND = (sys.executable, str(Path(__file__).parent / "odd_desk.py"))
STEPPED_BACK = 1


def desks_of(count: int = 1, command: tuple[str, ...] = COMMAND, clock: Clock | None = None) -> Desks:
    return Desks(Limits(desks=count, desk_mb=128), command, ODD_JOBS, clock or time.monotonic)


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

    def submit(self, desks: Desks, name: str, owner: str = "", do: str = "until", **how: Any) -> Job:
        files = {"diary": str(self.folder / "diary"), "file": str(self.folder / name)}
        self.jobs.append(desks.submit(do, name=name, owner=self.owner(owner), **files, **how))
        return self.jobs[-1]

    def owner(self, name: str) -> str:
        """An owner of this test alone, who has had no turn before."""
        return f"{name} of {self.folder}"

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
    with pytest.raises(KeyError):
        shared.submit("dance")
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


def test_a_job_that_goes_on_for_too_long_is_ended(bench: Bench) -> None:
    clock = Clock()
    desks = desks_of(clock=clock)
    job = bench.submit(desks, "endless", do="brief")
    assert eventually(lambda: job.partial)
    clock.now += 30.0
    desks.tend()
    assert job.state == "working"
    clock.now += 0.1
    desks.tend()
    assert problem_of(job) == "job_too_long"
    assert eventually(lambda: gone(job.partial["pid"]))
    assert desks.ask("echo")[0]["pid"] != job.partial["pid"]
    desks.stop()


def test_a_job_that_computes_for_too_long_is_ended_and_one_that_waits_is_not(bench: Bench) -> None:
    clock = Clock()
    desks = desks_of(2, clock=clock)
    patient = bench.submit(desks, "a", do="short_until")
    assert desks.ask("short_spin", owner="bob", seconds=0.05)[0]["pid"]
    job = desks.submit("short_spin", owner="bob", seconds=1000.0)
    with pytest.raises(Problem) as caught:
        job.result(PATIENCE)
    assert (caught.value.key, caught.value.values) == ("upload_too_long", {"limit": 1})
    assert patient.state == "working"
    bench.let_go("a")
    assert patient.result(PATIENCE)
    desks.stop()


def test_what_a_desk_imports_before_a_job_is_not_the_jobs() -> None:
    desks = desks_of()
    assert desks.ask("late_spin", seconds=0.05)[0]["imported"] > 0.5
    desks.stop()


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
        desks.check(bench.owner("ann"))
        bench.submit(desks, f"more{number}", owner="ann")
    for refused in (lambda: bench.submit(desks, "too many", owner="ann"), lambda: desks.check(bench.owner("ann"))):
        with pytest.raises(Problem, match="waiting already") as caught:
            refused()
        assert caught.value.key == "desk_busy"
    bench.submit(desks, "b", owner="bob")
    for _ in range(MOST_OF_NOBODY):  # All who have no cookie are one.
        bench.jobs.append(desks.submit("echo"))
    with pytest.raises(Problem) as caught:
        desks.submit("echo")
    assert caught.value.key == "desk_busy"


def test_a_full_queue_takes_from_whoever_holds_most(
    desks: Desks, bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dlcore.desks.queue.MOST_BYTES", 3_000_000)
    monkeypatch.setattr("dlcore.desks.job.BYTES_OF_A_JOB", 1000)
    working = bench.submit(desks, "a", owner="ann")
    assert eventually(lambda: working.state == "working")
    first, second = (bench.submit(desks, f"eve{n}", owner="eve", payload=bytes(1_200_000)) for n in (1, 2))
    small = bench.submit(desks, "bob", owner="bob")
    large = bench.submit(desks, "kim", owner="kim", payload=bytes(1_100_000))
    assert problem_of(second) == "job_gave_way"
    assert [job.state for job in (first, small, large)] == ["waiting"] * 3
    with pytest.raises(Problem) as caught:  # Would hold most bytes itself, so none of the others gives way.
        bench.submit(desks, "dan", owner="dan", payload=bytes(1_300_000))
    assert caught.value.key == "desks_full"
    assert [job.state for job in (first, small, large)] == ["waiting"] * 3
    bench.submit(desks, "lee", owner="lee", payload=bytes(600_000))
    bench.submit(desks, "amy", owner="amy", payload=bytes(200_000))
    assert problem_of(first) == "job_gave_way"
    bench.let_go("a", "bob")
    assert small.result(PATIENCE)


def test_a_quick_job_does_not_wait_for_a_long_one(shared: Desks, bench: Bench) -> None:
    long = bench.submit(shared, "curve", owner="ann", do="long")
    assert eventually(lambda: bench.begun == "curve")
    second = bench.submit(shared, "curve2", owner="bob", do="long")
    assert shared.ask("echo", owner="ann")[0]["pid"] != long.partial["pid"]
    assert (long.state, second.state, second.ahead) == ("working", "waiting", 1)
    quick = [bench.submit(shared, name, owner=name) for name in ("look", "score")]
    assert eventually(lambda: quick[0].state == "working")
    assert quick[1].state == "waiting", "one desk, and one beside the long job"
    assert shared.figures()["desks"] == 2
    bench.let_go("curve", "curve2", "look", "score")
    assert second.result(PATIENCE)[0] == {"name": "curve2"}


def test_a_quick_job_does_not_wait_for_a_slow_one_where_there_are_two_desks(bench: Bench) -> None:
    desks = desks_of(2)
    slow = [bench.submit(desks, f"slow{number}", owner=f"s{number}", do="slow") for number in range(2)]
    quick = bench.submit(desks, "quick0", owner="q0")
    assert eventually(lambda: quick.state == "working")
    assert [job.state for job in slow] == ["working", "waiting"]
    bench.let_go("quick0")
    assert quick.result(PATIENCE)
    quick = [bench.submit(desks, f"quick{number}", owner=f"q{number}") for number in (1, 2)]
    assert eventually(lambda: quick[0].state == "working")
    assert slow[1].state == quick[1].state == "waiting"
    bench.let_go("slow0")
    assert eventually(lambda: slow[1].state == "working"), "it is no later than those who have come after it"
    assert (quick[0].state, quick[1].state) == ("working", "waiting")
    desks.stop()


def test_nobody_takes_the_last_desk_with_a_second_job(bench: Bench) -> None:
    desks = desks_of(2)
    mine = [bench.submit(desks, f"ann{number}", owner="ann") for number in range(2)]
    assert eventually(lambda: mine[0].partial and mine[1].partial)
    mine.append(bench.submit(desks, "ann2", owner="ann"))
    other = bench.submit(desks, "bob", owner="bob")
    bench.let_go("ann0")
    assert eventually(lambda: other.state == "working")
    assert mine[2].state == "waiting"
    bench.let_go("ann1", "ann2", "bob")
    assert mine[2].result(PATIENCE)
    desks.stop()


def test_long_jobs_have_desks_of_their_own(bench: Bench) -> None:
    desks = desks_of(4)
    long = [bench.submit(desks, f"long{number}", owner=str(number), do="long") for number in range(3)]
    quick = [bench.submit(desks, f"quick{number}", owner=f"q{number}") for number in range(5)]
    assert eventually(lambda: len(bench.begun.split()) == 6)
    assert [job.state for job in long] == ["working", "working", "waiting"]
    assert [job.state for job in quick] == [*["working"] * 4, "waiting"]
    bench.let_go("long0")
    assert eventually(lambda: long[2].state == "working")
    assert quick[4].state == "waiting"
    desks.stop()


def test_whoever_has_used_up_the_budget_comes_after_all_others(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dlcore.desks.queue.SAVED", 0.2)
    clock = Clock()
    desks = desks_of(clock=clock)
    desks.ask("spin", owner=bench.owner("eve"), seconds=0.4)
    first = bench.submit(desks, "bob", owner="bob")
    assert eventually(lambda: bench.begun == "bob")
    jobs = [bench.submit(desks, name, owner=name[:3]) for name in ("eve1", "eve2", "ann1", "ann2", "bob2")]
    assert [job.ahead for job in jobs] == [4, 5, 1, 2, 3], "eve comes last, though she was the first"
    bench.let_go("bob", "eve1", "eve2", "ann1", "ann2", "bob2")
    for job in jobs:
        job.result(PATIENCE)
    assert bench.begun == "bob ann1 ann2 bob2 eve1 eve2"
    assert first.state == "done"
    clock.now += 100.0  # Seconds in which a desk was free for others: ann's earlier jobs no longer count.
    last = bench.submit(desks, "ann3", owner="ann")
    again = [bench.submit(desks, name, owner=name[:3]) for name in ("eve3", "ann4")]
    assert [job.ahead for job in again] == [1, 2] and last.ahead == 0
    desks.stop()


def test_what_waits_for_the_internet_costs_the_time_that_it_takes(bench: Bench) -> None:
    clock = Clock()
    desks = desks_of(clock=clock)
    fetching = bench.submit(desks, "a", owner="eve", do="fetch")
    assert eventually(lambda: fetching.partial)
    clock.now += 90.0
    working = bench.submit(desks, "b", owner="bob")
    bench.let_go("a")
    assert eventually(lambda: working.state == "working")
    eve, ann = bench.submit(desks, "c", owner="eve"), bench.submit(desks, "d", owner="ann")
    assert (eve.ahead, ann.ahead) == (2, 1)  # It has used next to nothing of a processor.
    desks.stop()


def test_whoever_has_used_up_the_budget_is_served_by_a_desk_that_is_free_but_not_by_the_last(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dlcore.desks.queue.SAVED", 0.2)
    desks = desks_of(2, clock=Clock())
    for name in ("eve", "mal"):
        desks.ask("spin", owner=bench.owner(name), seconds=0.4)
    spent = [bench.submit(desks, name, owner=name) for name in ("eve", "mal")]
    assert eventually(lambda: spent[0].state == "working")
    other = bench.submit(desks, "ann", owner="ann")
    assert eventually(lambda: other.state == "working")
    assert spent[1].state == "waiting"
    desks.stop()


def test_a_job_whose_end_costs_a_process_is_charged_with_the_next_one(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dlcore.desks.queue.SAVED", 0.03)  # Less than the start of a process takes.
    desks = desks_of(clock=Clock())
    job = bench.submit(desks, "a", owner="eve")
    assert eventually(lambda: job.partial)
    job.cancel()
    assert eventually(lambda: gone(job.partial["pid"]))
    working = bench.submit(desks, "b", owner="bob")
    assert eventually(lambda: working.state == "working")
    eve, ann = bench.submit(desks, "c", owner="eve"), bench.submit(desks, "d", owner="ann")
    assert (eve.ahead, ann.ahead) == (2, 1)
    desks.stop()


def test_the_desk_that_has_read_a_table_is_asked_about_it_again(bench: Bench) -> None:
    desks = desks_of(2)
    both = [bench.submit(desks, name, owner=name) for name in ("ann", "bob")]
    assert eventually(lambda: all(job.partial for job in both))
    pids = {name: job.partial["pid"] for name, job in zip(("ann", "bob"), both, strict=True)}
    bench.let_go("ann", "bob")
    for job in both:
        job.result(PATIENCE)
    for name in ("bob", "ann", "ann", "bob", "ann"):
        assert eventually(lambda: desks.figures()["desks_free"] == 2)
        assert desks.ask("echo", owner=bench.owner(name))[0]["pid"] == pids[name]
    desks.stop()


def test_a_desk_knows_whose_job_it_is_by_a_mark_that_opens_nothing() -> None:
    desks = desks_of(command=answering("wire.pack({'result': message[0], 'leaving': False})"))
    secret = "0123456789abcdef0123456789abcdef"
    header, _ = desks.ask("echo", b"content", owner=secret, number=1)
    assert header == {"do": "echo", "arguments": {"number": 1}, "reader": mark_of(secret), "payload": 7}
    assert secret not in str(header)
    assert desks.ask("echo")[0]["reader"] == ""
    desks.stop()


# What ends by itself


def test_a_job_ends_when_nobody_has_been_at_its_page_for_a_while(bench: Bench) -> None:
    clock = Clock()
    desks = desks_of(clock=clock)
    jobs = [bench.submit(desks, name, owner=name, page=name) for name in ("gone", "back", "here", "next")]
    assert eventually(lambda: jobs[0].partial)
    for page in ("gone", "back", "nothing of it is known"):
        desks.release(page)
    clock.now += LEFT_ALONE
    desks.tend()
    assert jobs[0].state == "working"
    desks.release("gone")  # A second release does not restart the time.
    desks.hold("back")
    clock.now += 1.0
    desks.tend()
    assert jobs[0].state == "cancelled"
    assert eventually(lambda: jobs[1].state == "working")
    assert gone(jobs[0].partial["pid"]) or eventually(lambda: gone(jobs[0].partial["pid"]))
    desks.release("next")
    clock.now += LEFT_ALONE + 1.0
    desks.tend()
    assert (jobs[2].state, jobs[3].state) == ("waiting", "cancelled"), "those that wait as well"
    desks.stop()


def test_whoever_asks_with_patience_is_told_when_it_has_run_out(shared: Desks, bench: Bench) -> None:
    working = bench.submit(shared, "a", owner="ann")
    assert eventually(lambda: working.partial)
    with pytest.raises(Problem) as caught:
        shared.ask("echo", owner="bob", patience=0.01)
    assert caught.value.key == "desk_late"
    assert shared.figures()["jobs_waiting"] == 0


def test_whoever_stops_asking_cancels(shared: Desks, bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    def gives_up(job: Job, timeout: float | None = None) -> Any:
        raise KeyboardInterrupt

    monkeypatch.setattr(Job, "result", gives_up)
    with pytest.raises(KeyboardInterrupt):
        shared.ask("until", name="a", diary=str(bench.folder / "diary"), file=str(bench.folder / "a"))
    assert shared.figures()["jobs_waiting"] == shared.figures()["jobs_working"] == 0


def test_figures_count_without_a_name(desks: Desks) -> None:
    assert desks.figures() == {
        "desks": 0, "desks_free": 0, "jobs_waiting": 0, "jobs_working": 0, "jobs": 0, "desks_lost": 0, "memory_bytes": {},
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
        "import sys\nfrom dlcore.desks.desks import Desks\nfrom dlcore.limits import Limits\n"
        "from tests.odd_desk import ODD_JOBS\nfrom tests.patience import eventually\n"
        f"desks = Desks(Limits(desks=1), {COMMAND!r}, ODD_JOBS)\n"
        f"job = desks.submit('until', name='a', diary={os.devnull!r}, file='never')\n"
        "assert eventually(lambda: job.partial)\n"
        "print(job.partial['pid'], flush=True)\nsys.stdin.read()\n"
    )
    pipes: Any = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen([sys.executable, "-c", code], cwd=ROOT, text=True, **pipes) as server:
        assert server.stdout is not None
        pid = int(server.stdout.readline())
        server.kill()
    assert eventually(lambda: gone(pid))


def answering(answer: str) -> tuple[str, ...]:
    """A desk that answers every request with these bytes, as Python says them."""
    return (
        sys.executable,
        "-c",
        "import struct, sys\nfrom dlcore import wire\n"
        "wire.write_all(1, wire.pack({'ready': 1}))\n"
        f"while (message := wire.read_message(sys.stdin.buffer)) is not None:\n    wire.write_all(1, {answer})\n",
    )


@pytest.mark.parametrize("command", [("/no/such/program",), (sys.executable, "-c", "raise SystemExit(3)")])
def test_a_desk_that_cannot_start_is_one_sentence(command: tuple[str, ...]) -> None:
    desks = desks_of(command=command)
    assert problem_of(desks.submit("echo")) == "job_lost"
    desks.stop()


def test_a_desk_that_does_not_come_to_its_start_is_ended() -> None:
    clock = Clock()
    desks = desks_of(command=(sys.executable, "-c", "import sys; sys.stdin.read()"), clock=clock)
    job = desks.submit("echo")

    def later() -> bool:
        clock.now += STARTING + 1.0
        desks.tend()
        return job.ended.is_set()

    assert eventually(later)
    assert problem_of(job) == "job_lost"
    desks.stop()


def test_a_desk_that_gets_no_processor_has_longer_to_start(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock()
    waited = [STARTING]
    monkeypatch.setattr(DeskProcess, "held_up", property(lambda _: waited[0]))
    desks = desks_of(command=(sys.executable, "-c", "import sys; sys.stdin.read()"), clock=clock)
    job = desks.submit("echo")
    assert eventually(lambda: job.state == "working")
    clock.now += 2 * STARTING
    desks.tend()
    assert job.state == "working"
    waited[0] = 1e9
    clock.now += STARVED * STARTING
    desks.tend()
    assert problem_of(job) == "job_lost"
    desks.stop()


@pytest.mark.parametrize(
    "answer",
    [
        "struct.pack('<I', 7) + b'no json'",
        "struct.pack('<I', 2) + b'[]'",
        "struct.pack('<I', 3) + b'\\xff\\xfe{'",
        "struct.pack('<I', 2) + b'{}'",
        "wire.pack({'share': 'much', 'partial': {}})",
        "wire.pack({'share': 0.5, 'partial': 7})",
        "wire.pack({'result': {}})",
        "wire.pack({'result': 7, 'leaving': False})",
        "wire.pack({'problem': {'key': 'nobody has a word for it', 'values': {}}, 'leaving': False})",
        "wire.pack({'problem': {'key': 'bad_weight'}, 'leaving': False})",
        "wire.pack({'problem': {'key': 'bad_weight', 'values': {}}, 'leaving': False})",
    ],
)
def test_a_message_that_is_none_fails_its_job_alone(answer: str) -> None:
    desks = desks_of(command=answering(answer))
    first, second = desks.submit("echo", owner="ann"), desks.submit("echo", owner="bob")
    assert (problem_of(first), problem_of(second)) == ("job_lost", "job_lost"), "the desk goes on with another process"
    assert (desks.lost, desks.figures()["jobs_working"]) == (2, 0)
    desks.stop()


def test_a_desk_that_says_nothing_sensible_does_not_outlive_its_limit() -> None:
    clock = Clock()
    answer = "wire.pack({'share': 0.5, 'partial': {'so': 'far'}}) + struct.pack('<I', 1 << 20)"
    desks = desks_of(command=answering(answer), clock=clock)
    job = desks.submit("brief")
    assert eventually(lambda: job.partial)
    clock.now += 31.0
    desks.tend()
    assert problem_of(job) == "job_too_long"
    desks.stop()


def test_a_desk_opens_before_it_is_needed_and_closes_when_nobody_needs_it(bench: Bench) -> None:
    clock = Clock()
    desks = desks_of(2, clock=clock)
    desks.wake()
    desks.wake()
    assert eventually(lambda: desks.figures()["desks"] == 1)
    both = [bench.submit(desks, name, owner=name) for name in ("a", "b")]
    assert eventually(lambda: all(job.partial for job in both))
    bench.let_go("a", "b")
    assert all(job.result(PATIENCE) for job in both)

    def are_left(count: int) -> bool:
        desks.tend()  # Again and again, as the server does: a desk may still be busy when it is first looked at.
        return desks.figures()["desks"] == count

    clock.now += OTHERS_STAY + 1.0
    assert eventually(lambda: are_left(1))
    clock.now += STAYS
    assert eventually(lambda: are_left(0))
    assert desks.ask("echo")[0]["pid"]
    desks.stop()


def test_every_job_has_its_function() -> None:
    # In a process of its own, as they bring torch, pandas and scikit-learn.
    code = (
        "from dlcore.desks.desk import function_of\nfrom dlcore.desks.jobs import JOBS\n"
        "print(*(name for name in JOBS if not callable(function_of(name))))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=PATIENCE)
    assert (done.stdout.split(), done.stderr) == ([], "")
    assert JOBS


def test_the_libraries_of_a_job_come_when_it_is_asked_for() -> None:
    code = (
        "import sys\nfrom dlcore.desks.desk import function_of\nfrom dlcore.desks.desks import Desks\n"
        "loaded = lambda: [name for name in ('pandas', 'sklearn', 'torch') if name in sys.modules]\n"
        "print(loaded())\nfunction_of('look')\nprint(loaded())\nfunction_of('evaluate')\nprint(loaded())"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=PATIENCE)
    none, of_a_table, of_a_network = map(ast.literal_eval, done.stdout.splitlines())
    assert (none, "torch" in of_a_table, "torch" in of_a_network, done.stderr) == ([], False, True, "")
