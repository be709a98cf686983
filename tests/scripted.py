"""Workers that say what a test tells them to say, and note what they are told: no process, no thread of their own."""

from __future__ import annotations

import io
import itertools
import queue
from typing import Any

from dlcore.wire import Header, read_message


class Scripted:
    """A place. It is ready at once unless it is made `late`, and answers nothing by itself but that it is alive."""

    name = "a scripted worker"
    pid = 0
    held_up = 0.0

    def __init__(self, number: int, late: bool = False) -> None:
        self.number = number
        self.in_hand = ""
        self.niceness = 0
        self.told: list[tuple[Header, bytes]] = []
        self._news: queue.SimpleQueue[tuple[Header, bytes] | None] = queue.SimpleQueue()
        if not late:
            self.say({"ready": 1})

    def say(self, header: Header, payload: bytes = b"") -> None:
        """A message up."""
        self._news.put((header, payload))

    def die(self, in_hand: str = "") -> None:
        """There will be no more of them."""
        self.in_hand = in_hand
        self._news.put(None)

    def asked(self, do: str) -> list[Header]:
        """The headers of what it was told to do, by this verb."""
        return [header for header, _ in list(self.told) if header["do"] == do]

    def answer(self, request: Header, payload: bytes = b"", **header: Any) -> None:
        self.say({"id": request["id"], **header}, payload)

    # What a link wants of a place

    def send(self, *parts: bytes) -> None:
        stream = io.BytesIO(b"".join(parts))
        while (message := read_message(stream)) is not None:
            self.told.append(message)
            if message[0]["do"] == "ping":
                self.answer(message[0])

    def send_at_once(self, message: bytes) -> bool:
        return False

    def receive(self) -> tuple[Header, bytes] | None:
        return self._news.get()

    def leave(self) -> None:
        self._news.put(None)

    def step_back(self, niceness: int) -> None:
        self.niceness = niceness

    def kill(self) -> None:
        self._news.put(None)

    def wait(self, seconds: float) -> None:
        pass


class ScriptedPlaces:
    """As many as are wanted, in the order of their opening. Those after the first `ready` are late."""

    shared = False

    def __init__(self, ready: int = 1000) -> None:
        self.opened: list[Scripted] = []
        self._counting = itertools.count()
        self._ready = ready

    def open(self, number: int) -> Scripted:
        self.opened.append(Scripted(number, late=next(self._counting) >= self._ready))
        return self.opened[-1]
