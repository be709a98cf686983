"""The worker process: trains many runs in turn, with fair shares for each owner and each run of an owner, without locks.

    python -m dlcore.runs.worker

Requests come on standard input, replies and news leave on standard output (see wire.py). In turn the worker carries out requests,
sends frames, and trains the runs that play; with nothing to do it sleeps. It ends when its input does.

Request {"do", "id", "token", ...}; reply {"id", ...} or {"id", "problem": {"key", "values"}}; news, which nobody asked for:
{"ready": pid, "devices"}, {"kept": token, ...} with the run's state as payload, {"notice": {"key", "values"}, "token"}.

Requests go before training, unless their owner has already used much more time than others (see owners.py).
"""

from __future__ import annotations

import argparse
import gc
import mmap
import os
import select
import signal
import sys
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from dlcore import rights
from dlcore.devices import list_devices
from dlcore.engines import compiled
from dlcore.limits import Limits
from dlcore.problems import Problem
from dlcore.runs.figures import Second
from dlcore.runs.glance import keep_with_glance
from dlcore.runs.keeping import Keeping
from dlcore.runs.luggage import pack_run, unpack_run
from dlcore.runs.orders import Order, Orders
from dlcore.runs.owners import Owners
from dlcore.runs.owntime import OwnTime
from dlcore.runs.pace import NEVER
from dlcore.runs.run import Run
from dlcore.runs.starting import begin_alone, import_transformers, limit_memory, warm_up
from dlcore.runs.verbs import QUESTIONS, Answer, answer, obey, standing
from dlcore.runs.viewers import FrameRequest, Viewers
from dlcore.runs.weight import HEAVY, may_be_heavy
from dlcore.side import as_problem, step_back, take_the_wires, volunteer_to_end
from dlcore.wire import Header, Inbox, Outbox

LONGEST_SLICE = 0.008  # Most seconds of training before another run has its turn.
ROUND = 0.012  # Seconds in which each playing run is to have a slice: with many runs, slices are shorter.
SHORTEST_SLICE = 0.0008  # Least seconds of a slice: shorter ones would waste time on switching between runs.
TURN = 0.004  # Seconds of training, and of carrying out requests, before input and frames are checked again.
READING = 0.008  # Most seconds of reading input before runs have their turn.
NEXT_PIECE = 0.001  # Seconds to wait for the next piece of a message: a state of 23 MB comes in ninety pieces.
# Seconds within which a run must compute too long twice to be called heavy: once may be an accident.
HEAVY_AGAIN = 10.0


class Worker:
    """The runs of one process, and the requests that wait for them.

    Things are due by `clock`; owners' shares are counted by `processor` time, so that they are fair whatever else the machine does.
    """

    def __init__(
        self,
        inbox: Inbox,
        output: int,
        in_hand: mmap.mmap,
        clock: Callable[[], float] = time.monotonic,
        processor: Callable[[], float] = time.thread_time,
    ) -> None:
        self.runs: dict[str, Run] = {}
        self._inbox, self._outbox, self._in_hand = inbox, Outbox(output), in_hand
        self._clock, self._processor = clock, processor
        self._owners = Owners()
        # By token, runs that could not be built: why, their device, and their life. A change to another recipe tries again.
        self._failed: dict[str, tuple[Problem, str, int]] = {}
        self._orders = Orders()
        self._own_time = OwnTime(clock, processor)
        self._viewers = Viewers(clock, self._own_time)
        self._epochs: defaultdict[str, list[int]] = defaultdict(list)
        self._second = Second(clock, processor)
        self._keeping = Keeping(self.runs, self.send, self._second.doing, clock)
        self._heavy: dict[str, float] = {}  # By token, when a run last computed too long at a time.

    def serve(self) -> None:
        """Work until the input ends."""
        self.send({"ready": os.getpid(), "devices": list_devices()})
        while not self._inbox.ended:
            with self._second.doing("pipe"):
                self._read(self.next_due() - self._clock())
            self.turn()

    def _read(self, pause: float) -> None:
        """Read the requests that have arrived; wait up to `pause` seconds for the first."""
        wait, end = None if pause == NEVER else max(pause, 0.0), None
        while select.select([self._inbox.descriptor], [], [], wait)[0]:
            end = self._clock() + READING if end is None else end
            for header, payload in self._inbox.receive():
                self.take(header, payload)
            if self._inbox.ended or self._clock() >= end:
                return
            wait = NEXT_PIECE if self._inbox.incomplete else 0.0

    def turn(self) -> None:
        """Carry out requests, send frames and train, for a short time each."""
        with self._own_time.working():
            self._obey_in_turn()
            self._show_in_turn()
            self._train_in_turn()
            self._keeping.keep_overdue()
        if self._second.due <= self._clock():
            self.send({"stats": self._second.report()})

    def next_due(self) -> float:
        """When (by the clock) the worker has something to do, if no request comes before."""
        if self._orders.owners:
            return self._clock()
        runs = min((run.due for run in self.runs.values()), default=NEVER)
        return min(runs, self._viewers.next_due(self.runs), self._keeping.next_due(), self._second.due)

    # Turns

    def _find_due(self) -> dict[str, list[str]]:
        """By owner, the runs that are due for a slice of training."""
        now, due = self._clock(), defaultdict(list)
        for token, run in self.runs.items():
            if run.due <= now:
                due[self._owners.owner_of(token)].append(token)
        return due

    def _obey_in_turn(self) -> None:
        """Carry out requests for TURN seconds. Owners who have used much more time than others wait."""
        end = self._clock() + TURN
        while owners := self._orders.owners:
            owner = self._owners.choose_whom_to_obey(owners, self._find_due())
            if owner is None:
                return
            with self._second.doing("changes"):
                self._answer(self._orders.take(owner))
            if self._clock() >= end:
                return

    def _train_in_turn(self) -> None:
        """Train slices for TURN seconds."""
        end = self._clock() + TURN
        while self._give_slice() and self._clock() < end:
            pass

    def _give_slice(self) -> bool:
        """Train a slice of the run whose turn it is; False if none is due."""
        due = self._find_due()
        if not due:
            return False
        owner, token = self._owners.choose_whom_to_train(due, self._orders.owners)
        run = self.runs[token]
        seconds = min(max(ROUND / sum(map(len, due.values())), SHORTEST_SLICE), LONGEST_SLICE)
        status, step, used = run.status, run.learner.step, self._processor()
        with self._holding(token):
            with self._watching(token), self._second.doing("training"):
                try:
                    run.advance(seconds)
                except BaseException as error:
                    run.fail(as_problem(error))
            self._second.count_updates(max(run.learner.step - step, 0))
            if run.status != status:
                self._keeping.keep_before_answer(token)
            else:
                self._keeping.keep_if_due(token)
            self._tell(token)
        self._owners.spend_training(owner, token, self._processor() - used)
        return True

    def _show_in_turn(self) -> None:
        """Send the frames that are due and that their owners' credit allows, together."""
        for token, frame in self._viewers.take_due(self.runs, LONGEST_SLICE, self._owners_at_work):
            with self._holding(token, counted=False):
                self._show(token, frame)
        with self._second.doing("pipe"):
            self._outbox.flush()

    def _owners_at_work(self) -> set[str]:
        return {*self._find_due(), *self._orders.owners}

    # Requests

    def take(self, header: Header, payload: bytes) -> None:
        """Carry out a cheap request now; queue any other by owner."""
        do, token = header["do"], header.get("token", "")
        match do:
            case "ping":
                self.send({"id": header["id"]})
            case "expect_tables":
                threading.Thread(target=import_transformers, name="transformers", daemon=True).start()
                self.send({"id": header["id"]})
            case "forget":
                if self._orders.forget(header["request"]) or self._viewers.forget(header["request"]):
                    self.send({"id": header["request"], "withdrawn": True})
            case "close":
                left = self._take_last_state(token) if header.get("keep") else ({}, b"")
                self._forget_run(token, Problem("run_gone"))
                self.send({"id": header["id"], **left[0]}, left[1])
            case _:
                if do == "create":
                    self._owners.add(token, header.get("owner", ""), header.get("reader", rights.NOBODY))
                owner, order = self._owners.owner_of(token), Order(header, payload)
                if do == "frame" and not self._orders.has_order_for(owner, token):
                    self._answer(order)
                else:
                    self._orders.add(owner, order)

    def _take_last_state(self, token: str) -> Answer:
        """The state of a run that is put on the shelf; nothing if it cannot be had."""
        try:
            return keep_with_glance(self.runs[token]) if token in self.runs else ({}, b"")
        except BaseException as error:
            as_problem(error)  # Logs the error. The pool goes on with the state sent before.
            return {}, b""

    def _answer(self, order: Order) -> None:
        header, token = order.header, order.token
        with self._holding(token):
            try:
                result = self._obey(header["do"], token, header, order.payload)
                if result is not None:
                    self.send({"id": header["id"], **result[0]}, result[1])
            except BaseException as error:
                self._refuse(header.get("id", 0), as_problem(error))
            if token in self.runs:
                self._tell(token)

    def _obey(self, do: str, token: str, header: Header, payload: bytes) -> Answer | None:
        """Carry out a request; returns the reply, None if it comes later."""
        if do == "create":
            self._create(token, header, payload)
            return {}, b""
        run = self._get_run(token, header if do == "change" else {})
        match do:
            case "frame":
                frame = FrameRequest.of(header, self._clock())
                self._viewers.add(token, self._owners.owner_of(token), frame)
                return None
            case "leave":
                standing_there, luggage = pack_run(run, gently=header["gently"])
                if standing_there:
                    self._forget_run(token, Problem("run_moved"))
                return standing_there, luggage
            case _ if do in QUESTIONS:
                return answer(run, do, header)
            case "epoch":
                run.epoch()
                self._epochs[token].append(header["id"])
                return None
        with self._watching(token):
            result = obey(run, do, header, payload)
        self._keeping.keep_before_answer(token)
        return result, b""

    def _create(self, token: str, header: Header, state: bytes) -> None:
        try:
            run = Run(header["recipe"], header["device"], header["life"], self._clock)
            if "luggage" in header:
                unpack_run(run, header, state)
        except BaseException as error:
            problem = as_problem(error)
            # A copy: the Problem that was raised keeps, by its traceback, all arrays in memory that had been made by then.
            self._failed[token] = (Problem(problem.key, **problem.values), header["device"], header["life"])
            raise problem from error
        self._failed.pop(token, None)  # What could not be unpacked here is built from its kept state.
        self.runs[token] = run
        if "luggage" in header:
            self._keeping.keep(token)
        elif header["life"] or state:
            try:
                run.restore(state, header["status"], header["speed"], header.get("editor"))
                self._keeping.note_restored(token, len(state))
            except BaseException as error:
                self._notice(token, as_problem(error))

    def _get_run(self, token: str, header: Header) -> Run:
        """The run of this token. One that could not be built is built now if the header brings another recipe. Raises Problem."""
        if token in self._failed:
            problem, device, life = self._failed[token]
            if "recipe" not in header:
                raise Problem(problem.key, **problem.values)
            self.runs[token] = Run(header["recipe"], device, life, self._clock)
            del self._failed[token]
        if token not in self.runs:
            raise Problem("run_gone")
        return self.runs[token]

    def _forget_run(self, token: str, why: Problem) -> None:
        waiting = [*(frame.id for frame in self._viewers.leave(token)), *self._epochs.pop(token, [])]
        waiting += [order.header["id"] for order in self._orders.drop(self._owners.owner_of(token), token)]
        for identifier in waiting:
            self._refuse(identifier, why)
        self._keeping.forget(token)
        for table in (self.runs, self._failed, self._heavy):
            table.pop(token, None)
        self._owners.remove(token)

    # Messages to the pool

    def _tell(self, token: str) -> None:
        """Send the run's notices, and, if an epoch has ended, the replies to the requests for it."""
        run = self.runs[token]
        for notice in run.notices():
            self._notice(token, notice)
        if self._epochs[token] and not run.finishing_epoch:
            self._keeping.keep_before_answer(token)
            for identifier in self._epochs.pop(token):
                self.send({"id": identifier, **standing(run)})

    def _show(self, token: str, frame: FrameRequest) -> None:
        run, used = self.runs[token], self._own_time()
        try:
            with self._watching(token), self._second.doing("pictures"):
                payload = run.make_frame(frame.held, frame.wants or {})
        except BaseException as error:
            self._refuse(frame.id, as_problem(error))
        else:
            self.send({"id": frame.id, "version": run.version}, payload, waits=True)
        delay = self._viewers.charge(token, frame, self._own_time() - used)
        self._second.count_frame(delay)

    @contextmanager
    def _watching(self, token: str) -> Iterator[None]:
        """Tell the pool that a run is heavy if its blocks twice computed too long in HEAVY_AGAIN seconds and its sizes make that likely."""
        begin = self._processor()  # Processor time: by the clock, time that other processes took would count.
        try:
            yield
        finally:  # Also if the block fails: the other runs had to wait all the same.
            seconds = self._processor() - begin
            if seconds > HEAVY and may_be_heavy(self.runs[token].learner.recipe):
                now = self._clock()
                if now - self._heavy.get(token, -HEAVY_AGAIN) < HEAVY_AGAIN:
                    self.send({"heavy": token, "seconds": seconds})
                self._heavy[token] = now

    def _notice(self, token: str, problem: Problem) -> None:
        self.send({"notice": problem.to_dict(), "token": token})

    def _refuse(self, identifier: int, problem: Problem) -> None:
        self.send({"id": identifier, "problem": problem.to_dict()})

    def send(self, header: Header, payload: bytes = b"", waits: bool = False) -> None:
        """Write a reply or news to the pool; one that waits, together with others."""
        with self._second.doing("pipe"):
            (self._outbox.add if waits else self._outbox.send)(header, payload)

    @contextmanager
    def _holding(self, token: str, counted: bool = True) -> Iterator[None]:
        """Do the block with the rights of the run's owner, and count the processor time that it uses.

        Meanwhile the run's token is in memory shared with the pool: if this process crashes in the block, the pool knows by which run.
        """
        self._in_hand[:] = token.encode()[: len(self._in_hand)].ljust(len(self._in_hand), b"\0")
        begin = self._processor()
        with rights.working_for(self._owners.reader_of(token)):
            yield
        # Not in a `finally`: an exception that gets here ends the process, and then the token must stay for the pool to read.
        self._in_hand[:] = bytes(len(self._in_hand))
        if counted and (token in self.runs or token in self._failed):
            self._owners.spend(token, self._processor() - begin)


def work(page: int | None) -> None:
    """Be a worker until the input ends, then end the process. `page` is the descriptor of the shared memory for the token in hand."""
    in_hand = mmap.mmap(-1, mmap.PAGESIZE) if page is None else mmap.mmap(page, 0)
    source, output = take_the_wires()
    rights.work_for_others()
    compiled.begin()  # In the background; the warm-up waits for the engine only if it was compiled before.
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the server, which closes our input.
    limit_memory()
    warm_up()
    gc.collect()
    gc.freeze()
    # Low priority only from here on: somebody may be waiting for the start.
    step_back(Limits.from_environment().niceness)
    volunteer_to_end()
    with suppress(BrokenPipeError):
        Worker(Inbox(source), output, in_hand).serve()
    # `_exit`, as nothing is left to clean up, and an interpreter with much memory takes long to end.
    sys.stderr.flush()
    os._exit(0)


def main() -> None:
    arguments = argparse.ArgumentParser(description="A worker process; the pool starts it.")
    arguments.add_argument("--in-hand", type=int, help="descriptor of the page that names the run in hand")
    page = arguments.parse_args().in_hand
    begin_alone()
    work(page)


if __name__ == "__main__":
    main()
