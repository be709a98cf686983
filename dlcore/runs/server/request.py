"""A request to a run, which follows the run to whichever worker has it."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, InvalidStateError
from contextlib import suppress
from dataclasses import dataclass, field

from dlcore.runs.places.links import Link, Reply
from dlcore.wire import Header


@dataclass(eq=False)
class Request:
    """A request to a run and the future of its answer."""

    header: Header
    payload: bytes
    future: Future[Reply] = field(default_factory=Future)
    withdrawn: bool = False  # True once nobody wants the answer any more.
    # Link and future of the worker's answer; emptied when it comes, or the two futures would keep each other, and a frame, in memory.
    under_way: list[tuple[Link, Future[Reply]]] = field(default_factory=list)

    def settle(self, answer: Future[Reply]) -> None:
        """End this request's future with the worker's answer or error."""
        try:
            error = answer.exception()
            if error is None:
                self.future.set_result(answer.result())
            else:
                self.future.set_exception(error)
        except InvalidStateError:
            pass  # The future was cancelled: nobody waits for it.

    def end_withdrawn(self) -> None:
        """End the future of a request that was withdrawn before a worker answered it with {"withdrawn": True}."""
        with suppress(InvalidStateError):
            self.future.set_result(({"withdrawn": True}, b""))

    def post(self, link: Link, answered: Callable[[Future[Reply]], None]) -> None:
        """Send the request over this link; `answered` is called with the future of the worker's answer."""
        answer = link.post(self.header, self.payload)
        under_way = self.under_way
        under_way.append((link, answer))
        self.future.add_done_callback(lambda done: _cancel(under_way) if done.cancelled() else None)
        answer.add_done_callback(answered)


def _cancel(under_way: list[tuple[Link, Future[Reply]]]) -> None:
    for _, answer in list(under_way):
        answer.cancel()
