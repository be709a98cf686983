"""A request: something asked of a run, which finds it wherever it is computed by then."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, InvalidStateError
from contextlib import suppress
from dataclasses import dataclass, field

from dlcore.runs.places.links import Link, Reply
from dlcore.wire import Header


@dataclass(eq=False)
class Request:
    """Something asked of a run, wherever it is by now."""

    header: Header
    payload: bytes
    future: Future[Reply] = field(default_factory=Future)
    withdrawn: bool = False  # Nobody wants it any more.
    # Link and future of the worker's answer; emptied when it has come, or the two futures would keep each other, and a frame, in memory.
    under_way: list[tuple[Link, Future[Reply]]] = field(default_factory=list)

    def settle(self, answer: Future[Reply]) -> None:
        """Pass on what came."""
        try:
            error = answer.exception()
            if error is None:
                self.future.set_result(answer.result())
            else:
                self.future.set_exception(error)
        except InvalidStateError:
            pass  # Nobody waits for it any more.

    def end_withdrawn(self) -> None:
        """End a request that was withdrawn before any worker had answered it: its future says so."""
        with suppress(InvalidStateError):
            self.future.set_result(({"withdrawn": True}, b""))

    def post(self, link: Link, answered: Callable[[Future[Reply]], None]) -> None:
        """Ask the worker at this link; what it answers goes to `answered`."""
        answer = link.post(self.header, self.payload)
        under_way = self.under_way
        under_way.append((link, answer))
        self.future.add_done_callback(lambda done: _cancel(under_way) if done.cancelled() else None)
        answer.add_done_callback(answered)


def _cancel(under_way: list[tuple[Link, Future[Reply]]]) -> None:
    for _, answer in list(under_way):
        answer.cancel()
