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
import time
import traceback
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

from dlcore.experiment import Experiment
from dlcore.problems import Problem
from dlcore.runs import NICENESS
from dlcore.runs.run import NEVER, Run
from dlcore.runs.wire import Header, Inbox, pack, write_all

SLICE = 0.008  # Seconds of training before others get their turn.
LOOK_BACK_EVERY = 0.1  # Seconds between two answers to a viewer of a kept moment.
KEEP_EVERY = 1.0  # Seconds between two kept states of a playing run, and ...
KEEP_RATE = 1_000_000  # ... bytes a second at most: a large state is kept more seldom.
MEMORY_LIMIT = 4 << 30  # Address space above that of the imports.
Result = tuple[dict[str, Any], bytes]


@dataclass(frozen=True)
class FrameRequest:
    """A viewer that waits for something other than what it has drawn."""

    id: int
    version: int | None
    structure: int | None
    history: int
    moments: int | None = None
    now: bool = False  # Even if nothing has changed: the viewer wants to see something else.
    wants: dict[str, Any] | None = None
    since: float = field(default_factory=time.monotonic)

    def due(self, run: Run) -> float:
        """When (`time.monotonic`) there is something to answer; NEVER while the viewer has seen it all."""
        moment = run.timeline.find((self.wants or {}).get("moment"))
        structure = run.structure if moment is None else moment.structure
        if self.now or self.structure != structure:
            return 0.0
        if self.version == run.version:
            return NEVER
        # What is looked at stands still; only the number beside it moves.
        return 0.0 if moment is None else self.since + LOOK_BACK_EVERY


class Worker:
    """The runs of one process and what is waited for."""

    def __init__(self, inbox: Inbox, output: int, in_hand: mmap.mmap) -> None:
        self.runs: dict[str, Run] = {}
        self._inbox = inbox
        self._output = output
        self._in_hand = in_hand
        # Runs that could not be made, with their device; a change may mend them.
        self._failed: dict[str, tuple[Problem, str]] = {}
        self._frames: defaultdict[str, list[FrameRequest]] = defaultdict(list)
        self._epochs: defaultdict[str, list[int]] = defaultdict(list)
        self._served: dict[str, float] = {}
        self._keep_at: dict[str, float] = {}
        self._tell_at: dict[str, float] = {}  # Runs with a viewer whose answer must wait a little.

    def serve(self) -> None:
        """The loop of slices."""
        self._send({"ready": os.getpid()})
        while not self._inbox.ended:
            now = time.monotonic()
            due = [*(run.due for run in self.runs.values()), *self._tell_at.values()]
            next_due = min(due, default=NEVER)
            pause = None if next_due == NEVER else max(next_due - now, 0.0)
            if select.select([self._inbox.descriptor], [], [], pause)[0]:
                for header, payload in self._inbox.receive():
                    self._answer(header, payload)
            self._give_slice()
            for token in [token for token, at in self._tell_at.items() if at <= time.monotonic()]:
                self._tell(token)

    def _give_slice(self) -> None:
        """A slice of training for the run that is due and has waited longest."""
        now = time.monotonic()
        due = [token for token, run in self.runs.items() if run.due <= now]
        if not due:
            return
        token = min(due, key=lambda token: self._served.get(token, 0.0))
        run = self.runs[token]
        status = run.status
        with self._holding(token):
            try:
                run.advance(SLICE)
            except Exception as error:
                run.fail(as_problem(error))
            self._served[token] = time.monotonic()
            if run.status != status or self._served[token] >= self._keep_at.get(token, 0.0):
                self._keep(token)
            self._tell(token)

    # Requests

    def _answer(self, header: Header, payload: bytes) -> None:
        token = header.get("token", "")
        with self._holding(token):
            try:
                result = self._obey(header["do"], token, header, payload)
                if result is not None:
                    self._send({"id": header["id"], **result[0]}, result[1])
            except Exception as error:
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
                self._forget_run(token)
                return {}, b""
            case "forget":
                for waiting in self._frames.values():
                    waiting[:] = [frame for frame in waiting if frame.id != header["request"]]
                return None
        run = self._run(token, header if do == "change" else {})
        match do:
            case "frame":
                seen = header.get("version"), header.get("structure"), header.get("history", 0)
                more = header.get("moments"), bool(header.get("now")), header.get("wants")
                self._frames[token].append(FrameRequest(header["id"], *seen, *more))
                return None
            case "checkpoint":
                return {}, run.checkpoint()
            case "script":
                return {}, run.script()
            case "history":
                return {}, run.history_csv()
            case "standing":
                return {**_place(run), "interventions": run.trainer.intervened}, b""
            case "fork":
                return run.fork(header.get("moment"))
            case "epoch":
                run.epoch()
                self._epochs[token].append(header["id"])
                return None
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
        except Exception as error:
            problem = as_problem(error)
            self._failed[token] = (problem, header["device"])
            raise problem from error
        self.runs[token] = run
        if header["life"] or state:
            try:
                run.restore(state, header["status"], header["speed"])
                self._keep(token)
            except Exception as error:
                self._notice(token, as_problem(error))

    def _run(self, token: str, header: Header) -> Run:
        """The run of this token. One that could not be made is made now if there is another recipe for it."""
        if token in self._failed:
            problem, device = self._failed[token]
            if "recipe" not in header:
                raise problem
            self.runs[token] = Run(header["recipe"], device)
            del self._failed[token]
        if token not in self.runs:
            raise Problem("run_gone")
        return self.runs[token]

    def _forget_run(self, token: str) -> None:
        for frame in self._frames.pop(token, []):
            self._refuse(frame.id, Problem("run_gone"))
        for identifier in self._epochs.pop(token, []):
            self._refuse(identifier, Problem("run_gone"))
        for table in (self.runs, self._failed, self._served, self._keep_at, self._tell_at):
            table.pop(token, None)

    # What leaves

    def _tell(self, token: str) -> None:
        """Frames and replies that were waiting for this run to move."""
        run = self.runs[token]
        for notice in run.notices():
            self._notice(token, notice)
        if self._epochs[token] and not run.finishing_epoch:
            self._keep(token)
            for identifier in self._epochs.pop(token):
                self._send({"id": identifier, **_place(run)})
        now = time.monotonic()
        due = [(frame.due(run), frame) for frame in self._frames[token]]
        self._frames[token] = [frame for at, frame in due if at > now]
        self._tell_at.pop(token, None)
        if later := [at for at, _ in due if now < at < NEVER]:
            self._tell_at[token] = min(later)
        for at, frame in due:
            if at <= now:
                self._send_frame(run, frame)

    def _send_frame(self, run: Run, frame: FrameRequest) -> None:
        try:
            payload = run.frame(frame.version, frame.structure, frame.history, frame.moments, frame.wants)
        except Exception as error:
            self._refuse(frame.id, as_problem(error))
        else:
            self._send({"id": frame.id, "version": run.version}, payload)

    def _keep(self, token: str) -> None:
        try:
            header, payload = self.runs[token].kept()
        except Exception as error:
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
        self._in_hand[:] = bytes(len(self._in_hand))


def _place(run: Run) -> dict[str, Any]:
    return {"status": run.status, "step": run.trainer.step, "epoch": run.trainer.epoch}


def as_problem(error: Exception) -> Problem:
    """What to tell the person; the log gets the rest."""
    if isinstance(error, Problem):
        return error
    traceback.print_exception(error, file=sys.stderr)
    if isinstance(error, MemoryError) or (isinstance(error, RuntimeError) and "memory" in str(error).lower()):
        return Problem("out_of_memory")
    return Problem("internal")


def take_the_wires() -> tuple[int, int]:
    """Standard input and output for the wire alone: a stray print goes to the log, a read finds nothing."""
    source, output = os.dup(0), os.dup(1)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    os.dup2(2, 1)
    sys.stdout = sys.stderr
    return source, output


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
    resource.setrlimit(resource.RLIMIT_AS, (baseline + MEMORY_LIMIT, hard))


def main() -> None:
    arguments = argparse.ArgumentParser(description="A worker process; the pool starts it.")
    arguments.add_argument("--in-hand", type=int, help="descriptor of the page that names the run in hand")
    page = arguments.parse_args().in_hand
    in_hand = mmap.mmap(-1, mmap.PAGESIZE) if page is None else mmap.mmap(page, 0)
    source, output = take_the_wires()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the server, which closes our input.
    torch.set_num_threads(1)
    limit_memory()
    warm_up()
    gc.collect()
    gc.freeze()
    # Full priority until here, unless the pool said otherwise: somebody may be waiting for the start.
    os.setpriority(os.PRIO_PROCESS, 0, NICENESS)
    with suppress(OSError):  # When memory runs out, the system should end a worker and not the server.
        Path("/proc/self/oom_score_adj").write_text("500")
    with suppress(BrokenPipeError):
        Worker(Inbox(source), output, in_hand).serve()
    # Nothing is left to tidy up, and a large process takes its time to do it.
    sys.stderr.flush()
    os._exit(0)


if __name__ == "__main__":
    main()
