"""The worker process: holds many runs and gives each that plays a slice of training in turn; fair, no locks.

    python -m dlcore.runs.worker

Requests come on standard input, replies and news leave on standard output (see wire.py). Between two slices all
requests that have come are answered; with nobody playing it sleeps. It ends when its input does.

Request {"do", "id", "token", ...}; reply {"id", ...} or {"id", "problem": {"key", "values"}}; news that nobody asked
for: {"ready": pid}, {"kept": token, ...} with the run's state as payload, {"notice": {"key", "values"}, "token"}.
"""

from __future__ import annotations

import argparse
import gc
import mmap
import os
import resource
import select
import signal
import sys
import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import torch

from dlcore.engines import compiled
from dlcore.experiment import Experiment
from dlcore.problems import Problem
from dlcore.runs import NICENESS
from dlcore.runs.figures import Second
from dlcore.runs.limits import Limits
from dlcore.runs.luggage import pack_run, unpack_run
from dlcore.runs.run import NEVER, Run
from dlcore.runs.side import as_problem, take_the_wires, volunteer_to_end
from dlcore.runs.viewers import FrameRequest, Viewers
from dlcore.runs.weight import HEAVY
from dlcore.runs.wire import Header, Inbox, pack, write_all

LONGEST_SLICE = 0.008  # Seconds of training before others get their turn, ...
ROUND = 0.012  # ... or less, so that all who play have had one after so long, ...
SHORTEST_SLICE = 0.0008  # ... but not so little that changing over is what takes the time.
TURN = 0.004  # Seconds of slices between two looks at what has come and what is to be shown.
HEAVY_AGAIN = 10.0  # Twice within so many seconds it is no accident.
KEEP_EVERY = 1.0  # Seconds between two kept states of a playing run, and ...
KEEP_RATE = 1_000_000  # ... bytes a second at most: a large state is kept more seldom.
Result = tuple[dict[str, Any], bytes]


class Worker:
    """The runs of one process and what is waited for."""

    def __init__(self, inbox: Inbox, output: int, in_hand: mmap.mmap) -> None:
        self.runs: dict[str, Run] = {}
        self._inbox = inbox
        self._output = output
        self._in_hand = in_hand
        # Runs that could not be made, with their device; a change may mend them.
        self._failed: dict[str, tuple[Problem, str]] = {}
        self._viewers = Viewers()
        self._epochs: defaultdict[str, list[int]] = defaultdict(list)
        self._served: dict[str, float] = {}
        self._keep_at: dict[str, float] = {}
        self._heavy: dict[str, float] = {}  # When a run was last too long at it.
        self._second = Second()

    def serve(self) -> None:
        """The loop of slices."""
        self._send({"ready": os.getpid()})
        while not self._inbox.ended:
            pause = self._next_due() - time.monotonic()
            if select.select([self._inbox.descriptor], [], [], None if pause == NEVER else max(pause, 0.0))[0]:
                for header, payload in self._inbox.receive():
                    self._answer(header, payload)
            turn_ends = time.monotonic() + TURN
            while self._give_slice() and time.monotonic() < turn_ends:
                pass
            self._show_in_turn()
            if self._second.due <= time.monotonic():
                self._send({"stats": self._second.told()})

    def _next_due(self) -> float:
        runs = min((run.due for run in self.runs.values()), default=NEVER)
        return min(runs, self._viewers.next_due(self.runs), self._second.due)

    def _give_slice(self) -> bool:
        """A slice of training for the run that is due and has waited longest; False if none is."""
        now = time.monotonic()
        due = [token for token, run in self.runs.items() if run.due <= now]
        if not due:
            return False
        token = min(due, key=lambda token: self._served.get(token, 0.0))
        run = self.runs[token]
        seconds = min(max(ROUND / len(due), SHORTEST_SLICE), LONGEST_SLICE)
        status, step, begin = run.status, run.trainer.step, time.thread_time()
        with self._holding(token):
            with self._watching(token):
                try:
                    run.advance(seconds)
                except BaseException as error:
                    run.fail(as_problem(error))
            # By the clock of our own processor time. Whoever took more than a slice waits until the others have had as much.
            served, end = time.thread_time(), time.monotonic()
            self._served[token] = served + max(served - begin - seconds, 0.0) * (len(due) - 1)
            self._second.trained(max(run.trainer.step - step, 0), end - now)
            if run.status != status or end >= self._keep_at.get(token, 0.0):
                self._keep(token)
            self._tell(token)
        return True

    def _show_in_turn(self) -> None:
        """Frames of runs that move, as far as they have earned them."""
        for token, frame in self._viewers.in_turn(self.runs, LONGEST_SLICE):
            with self._holding(token):
                self._show(token, frame)

    # Requests

    def _answer(self, header: Header, payload: bytes) -> None:
        token = header.get("token", "")
        with self._holding(token):
            try:
                result = self._obey(header["do"], token, header, payload)
                if result is not None:
                    self._send({"id": header["id"], **result[0]}, result[1])
            except BaseException as error:
                self._refuse(header.get("id", 0), as_problem(error))
            if token in self.runs:
                self._tell(token)

    def _obey(self, do: str, token: str, header: Header, payload: bytes) -> Result | None:
        """Do as told; None when the reply comes later."""
        match do:
            case "create":
                self._create(token, header, payload)
                return {}, b""
            case "close":
                self._forget_run(token, Problem("run_gone"))
                return {}, b""
            case "forget":
                self._viewers.forget(header["request"])
                return None
            case "ping":
                return {}, b""
            case "expect_tables":
                threading.Thread(target=import_transformers, name="transformers", daemon=True).start()
                return {}, b""
        run = self._run(token, header if do == "change" else {})
        match do:
            case "frame":
                seen = header.get("version"), header.get("structure"), header.get("history", 0)
                more = header.get("moments"), bool(header.get("now")), header.get("wants")
                self._viewers.add(token, FrameRequest(header["id"], *seen, *more, bool(header.get("calm"))))
                return None
            case "leave":
                place, luggage = pack_run(run, gently=header["gently"])
                if place:
                    self._forget_run(token, Problem("run_moved"))
                return place, luggage
            case "checkpoint":
                return {}, run.checkpoint()
            case "script":
                return {}, run.script()
            case "history":
                return {}, run.history_csv(header.get("most"))
            case "standing":
                return {**_place(run), "interventions": run.trainer.intervened}, b""
            case "fork":
                return run.fork(header.get("moment"))
            case "epoch":
                run.epoch()
                self._epochs[token].append(header["id"])
                return None
        with self._watching(token):
            result = self._command(run, do, header, payload)
        self._keep(token)  # Before the reply: what was answered survives the worker.
        return result, b""

    def _command(self, run: Run, do: str, header: Header, payload: bytes) -> dict[str, Any]:
        match do:
            case "play":
                run.play()
            case "pause":
                run.pause()
            case "step":
                run.step()
            case "reset":
                run.reset()
            case "speed":
                run.set_speed(header["value"])
            case "device":
                run.set_device(header["value"])
            case "change":
                return run.change(header["recipe"], header.get("origins"))
            case "set" | "freeze" | "silence":
                run.intervene(do, header["value"])
            case "undo":
                run.undo()
            case "leash":
                run.set_leash(header.get("value"))
            case "rewind":
                return run.rewind(header.get("moment"))
            case "load":
                run.load(payload)
                return {"recipe": run.trainer.experiment.to_json()}
            case _:
                raise ValueError(f"unknown verb {do!r}")
        return _place(run)

    def _create(self, token: str, header: Header, state: bytes) -> None:
        try:
            run = Run(header["recipe"], header["device"], header["life"])
            if "luggage" in header:
                unpack_run(run, header, state)
        except BaseException as error:
            problem = as_problem(error)
            # A new one: what was raised holds on to all that had been made by then.
            self._failed[token] = (Problem(problem.key, **problem.values), header["device"])
            raise problem from error
        self.runs[token] = run
        if "luggage" in header:
            self._keep(token)
        elif header["life"] or state:
            try:
                run.restore(state, header["status"], header["speed"])
                self._keep(token)
            except BaseException as error:
                self._notice(token, as_problem(error))

    def _run(self, token: str, header: Header) -> Run:
        """The run of this token. One that could not be made is made now if there is another recipe for it."""
        if token in self._failed:
            problem, device = self._failed[token]
            if "recipe" not in header:
                raise Problem(problem.key, **problem.values)
            self.runs[token] = Run(header["recipe"], device)
            del self._failed[token]
        if token not in self.runs:
            raise Problem("run_gone")
        return self.runs[token]

    def _forget_run(self, token: str, why: Problem) -> None:
        waiting = [*(frame.id for frame in self._viewers.leave(token)), *self._epochs.pop(token, [])]
        for identifier in waiting:
            self._refuse(identifier, why)
        for table in (self.runs, self._failed, self._served, self._keep_at, self._heavy):
            table.pop(token, None)

    # What leaves

    def _tell(self, token: str) -> None:
        """Notices, replies that were waiting for this run to move, and frames that cannot wait."""
        run = self.runs[token]
        for notice in run.notices():
            self._notice(token, notice)
        if self._epochs[token] and not run.finishing_epoch:
            self._keep(token)
            for identifier in self._epochs.pop(token):
                self._send({"id": identifier, **_place(run)})
        for frame in list(self._viewers.at_once(token, run)):
            self._show(token, frame)

    def _show(self, token: str, frame: FrameRequest) -> None:
        run, begin = self.runs[token], time.monotonic()
        try:
            with self._watching(token):
                payload = run.frame(frame.version, frame.structure, frame.history, frame.moments, frame.wants)
        except BaseException as error:
            self._refuse(frame.id, as_problem(error))
        else:
            self._send({"id": frame.id, "version": run.version}, payload)
        cost = time.monotonic() - begin
        self._second.showed(cost, self._viewers.paid(frame, cost))

    @contextmanager
    def _watching(self, token: str) -> Iterator[None]:
        """Notice a run that is too long at it again and again: it needs a worker of its own."""
        begin = time.thread_time()  # Of the processor: others may have it meanwhile.
        try:
            yield
        finally:  # What fails in the end has held up the others as long.
            seconds = time.thread_time() - begin
            if seconds > HEAVY:
                now = time.monotonic()
                if now - self._heavy.get(token, -HEAVY_AGAIN) < HEAVY_AGAIN:
                    self._send({"heavy": token, "seconds": seconds})
                self._heavy[token] = now

    def _keep(self, token: str) -> None:
        try:
            header, payload = self.runs[token].kept()
        except BaseException as error:
            as_problem(error)  # Logged. The state kept before stays the one to come back to.
            self._keep_at[token] = time.monotonic() + KEEP_EVERY
            return
        self._keep_at[token] = time.monotonic() + max(KEEP_EVERY, len(payload) / KEEP_RATE)
        self._send({"kept": token, **header}, payload)

    def _notice(self, token: str, problem: Problem) -> None:
        self._send({"notice": problem.to_dict(), "token": token})

    def _refuse(self, identifier: int, problem: Problem) -> None:
        self._send({"id": identifier, "problem": problem.to_dict()})

    def _send(self, header: Header, payload: bytes = b"") -> None:
        write_all(self._output, pack(header, payload), payload)

    @contextmanager
    def _holding(self, token: str) -> Iterator[None]:
        """Write down which run is in hand, for those who find this process dead."""
        self._in_hand[:] = token.encode()[: len(self._in_hand)].ljust(len(self._in_hand), b"\0")
        yield
        # Not in a `finally`: an error that passes here ends this process, and then this run is the one to be named.
        self._in_hand[:] = bytes(len(self._in_hand))


def _place(run: Run) -> dict[str, Any]:
    return {"status": run.status, "step": run.trainer.step, "epoch": run.trainer.epoch}


def import_transformers() -> None:
    """What prepares a table takes seconds to import: before the first one comes, and beside those who train."""
    import sklearn.impute
    import sklearn.preprocessing  # noqa: F401


def warm_up() -> None:
    """The first step and the first frame of a process are slow; take them before somebody waits for them."""
    run = Run(Experiment().to_json(), "cpu")
    run.step()
    run.frame(None, None, 0)


def limit_memory() -> None:
    """Beyond this an allocation fails, and only that run with it. (CUDA reserves address space freely.)"""
    if torch.cuda.is_available() or not Path("/proc/self/statm").exists():
        return
    baseline = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (baseline + (Limits.from_environment().memory_mb << 20), hard))


def main() -> None:
    arguments = argparse.ArgumentParser(description="A worker process; the pool starts it.")
    arguments.add_argument("--in-hand", type=int, help="descriptor of the page that names the run in hand")
    page = arguments.parse_args().in_hand
    in_hand = mmap.mmap(-1, mmap.PAGESIZE) if page is None else mmap.mmap(page, 0)
    source, output = take_the_wires()
    compiled.import_numba_alone()
    compiled.begin()  # The warm-up waits for it, unless it has to be compiled first.
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the server, which closes our input.
    torch.set_num_threads(1)
    limit_memory()
    warm_up()
    gc.collect()
    gc.freeze()
    # Full priority until here, unless the pool said otherwise: somebody may be waiting for the start.
    os.setpriority(os.PRIO_PROCESS, 0, NICENESS)
    volunteer_to_end()
    with suppress(BrokenPipeError):
        Worker(Inbox(source), output, in_hand).serve()
    # Nothing is left to tidy up, and a large process takes its time to do it.
    sys.stderr.flush()
    os._exit(0)


if __name__ == "__main__":
    main()
