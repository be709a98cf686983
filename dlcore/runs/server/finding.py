"""Finding: a run that another server has made in a shared worker becomes known to this server too."""

from __future__ import annotations

import asyncio
import concurrent.futures
import threading
from collections.abc import Callable
from concurrent.futures import Future

from dlcore.runs.places.links import Reply
from dlcore.runs.server.crew import Crew
from dlcore.runs.server.entry import Entry

Adopt = Callable[[str, int, Reply], None]


class Finding:
    """Asks shared workers for runs that this pool does not know.

    `adopt(token, worker, answer)` is called, with the pool's lock held, once a worker answers that it has a run not in `entries`.
    """

    def __init__(
        self, lock: threading.RLock, crew: Crew, entries: dict[str, Entry], adopt: Adopt, patience: float
    ) -> None:
        self._lock = lock
        self._crew = crew
        self._entries = entries
        self._adopt = adopt
        self._patience = patience  # Seconds to wait for the workers' answers.

    def find(self, token: str) -> bool:
        """Whether the pool knows the run, asking the shared workers if need be."""
        asked = self._ask_workers(token)
        concurrent.futures.wait(asked.values(), self._patience)
        return self._take_answers(token, asked)

    async def find_async(self, token: str) -> bool:
        """The same without blocking the event loop."""
        asked = self._ask_workers(token)
        if asked:
            await asyncio.wait([asyncio.wrap_future(future) for future in asked.values()], timeout=self._patience)
        return self._take_answers(token, asked)

    def _ask_workers(self, token: str) -> dict[int, Future[Reply]]:
        with self._lock:
            links = self._crew.links if self._crew.places.shared and token not in self._entries else {}
            asked = {number: link.post({"do": "holds", "token": token}) for number, link in links.items()}
            for number, future in asked.items():
                # Runs in the thread that receives messages, so that the run is known before the next news of it arrives.
                future.add_done_callback(lambda future, number=number: self._take_answer(token, number, future))
        return asked

    def _take_answers(self, token: str, asked: dict[int, Future[Reply]]) -> bool:
        for number, future in asked.items():
            # A future wakes those who wait before it calls its callbacks, so the answer may not be taken yet.
            if future.done():
                self._take_answer(token, number, future)
        return token in self._entries

    def _take_answer(self, token: str, worker: int, answer: Future[Reply]) -> None:
        if answer.cancelled() or answer.exception() is not None:
            return
        with self._lock:
            if token not in self._entries:
                self._adopt(token, worker, answer.result())
