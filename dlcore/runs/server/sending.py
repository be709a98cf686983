"""Sending: passes requests to the workers of their runs, again if the run has moved."""

from __future__ import annotations

import threading
from concurrent.futures import Future

from dlcore.problems import Problem
from dlcore.runs.places.links import Reply
from dlcore.runs.server.crew import Crew
from dlcore.runs.server.entry import Entry
from dlcore.runs.server.request import Request


class Sending:
    """Sends requests to the workers of runs. Callers of `send` and `withdraw` hold the pool's lock."""

    def __init__(self, lock: threading.RLock, crew: Crew, entries: dict[str, Entry]) -> None:
        self._lock = lock
        self._crew = crew
        self._entries = entries

    def send(self, entry: Entry, request: Request) -> None:
        """Send the request to the run's worker; while the run moves, the request waits."""
        if entry.waiting is not None:
            entry.waiting.append(request)
            return
        request.post(self._crew.links[entry.worker], lambda answer: self._take_answer(request, answer))

    def withdraw(self, entry: Entry | None, request: Request) -> None:
        """Take back a request: its future ends once no worker has it."""
        request.withdrawn = True
        if entry is not None and entry.waiting is not None and request in entry.waiting:
            entry.waiting.remove(request)
            request.end_withdrawn()
        for link, answer in list(request.under_way):
            link.withdraw(answer)

    def _take_answer(self, request: Request, answer: Future[Reply]) -> None:
        request.under_way.clear()
        if answer.cancelled():
            return
        error = answer.exception()
        if not (isinstance(error, Problem) and error.key == "run_moved"):
            request.settle(answer)
            return
        with self._lock:  # The run has left that worker: send the request to the present one.
            entry = self._entries.get(request.header["token"])
            if entry is not None and not request.withdrawn:
                self.send(entry, request)
        if request.withdrawn:
            request.end_withdrawn()
        elif entry is None and not request.future.cancelled():
            request.future.set_exception(Problem("run_gone"))

    def send_waiting(self, entry: Entry) -> None:
        """Send the requests that waited while the run moved, oldest first."""
        with self._lock:
            waiting, entry.waiting = entry.waiting or [], None
            for request in waiting:
                if entry.token in self._entries:
                    self.send(entry, request)
        if entry.token not in self._entries:
            for request in waiting:
                if not request.future.cancelled():
                    request.future.set_exception(Problem("run_gone"))
