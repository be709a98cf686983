"""What the server logs: it has an end, and each line of it is the server's own."""

from __future__ import annotations

import asyncio
import io
import logging
from collections.abc import Iterator

import pytest
from streamlit.logger import get_logger

from tests.clock import Clock
from ui.door import logs


class Written:
    """What is written, by a handler of the common kind."""

    def __init__(self) -> None:
        self.stream = io.StringIO()
        self.handler = logging.StreamHandler(self.stream)
        self.handler.setFormatter(logging.Formatter("%(levelname)s %(message)s"))

    @property
    def lines(self) -> list[str]:
        return self.stream.getvalue().split("\n")[:-1]


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def told(clock: Clock) -> Iterator[logs.Bounded]:
    before = logging.getLogRecordFactory()
    bounded = logs.Bounded(before, clock)
    logging.setLogRecordFactory(bounded)
    yield bounded
    logging.setLogRecordFactory(before)


@pytest.fixture
def written(told: logs.Bounded) -> Iterator[Written]:
    found = Written()
    logging.getLogger().addHandler(found.handler)
    yield found
    logging.getLogger().removeHandler(found.handler)


def reject(origin: str) -> None:
    logging.getLogger("door").warning("Rejecting origin=%s", origin)


def fail(error: Exception) -> None:
    try:
        raise error
    except Exception:
        logging.getLogger("door").exception("Failed")


def test_the_first_of_one_place_are_written_and_the_rest_is_counted(
    written: Written, told: logs.Bounded, clock: Clock
) -> None:
    for number in range(10_000):
        reject(f"http://{number}")
    logging.getLogger("door").warning("Another place")
    assert written.lines == [
        *(f"WARNING Rejecting origin=http://{number}" for number in range(20)),
        "WARNING Another place",
    ]
    told.report()
    clock.now += 59
    told.report()
    assert len(written.lines) == 21
    clock.now += 2
    told.report()
    assert written.lines[21:] == ["WARNING 9980 more in the last minute like: Rejecting origin=http://19"]
    reject("http://again")
    clock.now += 61
    told.report()
    assert written.lines[22:] == ["WARNING Rejecting origin=http://again"]


def test_of_what_nobody_would_have_heard_nothing_is_said(written: Written, told: logs.Bounded, clock: Clock) -> None:
    written.handler.setLevel(logging.WARNING)
    door = logging.getLogger("door.quiet")
    door.setLevel(logging.INFO)
    for _ in range(100):
        door.info("WebSocket /api/live/a-token-that-is-a-pass [accepted]")
    clock.now += 61
    told.report()
    assert written.lines == []


def test_a_logger_that_streamlit_makes_later_is_bounded_too(told: logs.Bounded) -> None:
    found = Written()
    late = get_logger("streamlit.imported_later")
    late.addHandler(found.handler)
    assert late.handlers[0] is not found.handler and late.handlers[0].level == logging.NOTSET
    late.handlers[0].setStream(io.StringIO())  # type: ignore[attr-defined]
    for _ in range(100):
        late.info("Hello")
    assert len(found.lines) == 20
    assert late.handlers[0].stream.getvalue().count("Hello") == 20  # type: ignore[attr-defined]


def test_different_failures_at_one_place_are_told_apart(written: Written) -> None:
    for _ in range(30):
        fail(ValueError("a"))
    for _ in range(30):
        fail(KeyError("b"))
    assert sum(line.strip().startswith("ValueError") for line in written.lines) == 3
    assert sum(line.strip().startswith("KeyError") for line in written.lines) == 3


@pytest.mark.parametrize(
    "sign", ["\n", "\r", "\r\n", "\x1b[2J", "\x00", "\x85", "\u2028", "\u202e", "\x9b", "\ud800", "\x7f"]
)
def test_nobody_outside_writes_a_line_or_moves_the_cursor(written: Written, sign: str) -> None:
    forged = f"http://evil{sign}INFO All is well"
    reject(forged)
    fail(ValueError(forged))
    text = written.stream.getvalue()
    assert not any(line.startswith("INFO") for line in text.splitlines())
    assert not any(
        character < " " or character in sign
        for character in text.replace("\n", "").replace("[2J", "").replace("\r", "\0")
    )
    assert text.isprintable() or text.replace("\n", "").isprintable()
    assert "http://evil" in text.splitlines()[0] and "All is well" in text.splitlines()[0]


def test_a_traceback_is_still_one(written: Written) -> None:
    fail(ValueError("a"))
    assert written.lines[0] == "ERROR Failed"
    assert written.lines[1] == "  Traceback (most recent call last):"
    assert written.lines[-1] == "  ValueError: a"
    assert any(line == "      raise error" for line in written.lines)


def test_what_is_long_is_cut(written: Written) -> None:
    reject("x" * 100_000)
    fail(ValueError("\n".join("y" * 5000 for _ in range(500))))
    assert len(written.lines[0]) < 1100 and written.lines[0].endswith("(100,017 characters)")
    assert len(written.stream.getvalue()) < 80_000


def test_what_cannot_be_put_together_does_no_harm(written: Written) -> None:
    logging.getLogger("door").warning("%d of %d", "one")
    assert written.lines == ["WARNING '%d of %d' ('one',)"]


def test_asyncio_says_in_a_line_that_no_connection_can_be_taken(written: Written) -> None:
    loop = asyncio.new_event_loop()
    try:
        with logs.bound(loop):
            for _ in range(2048):
                loop.call_exception_handler(
                    {
                        "message": "socket.accept() out of system resource",
                        "exception": OSError(24, "Too many open files"),
                    }
                )
            assert len(written.lines) == 20
            assert "Too many open files" in written.lines[0] and "ulimit -n" in written.lines[0]
            loop.call_exception_handler({"message": "Something else", "exception": ValueError("a")})
            assert written.lines[20] == "ERROR Something else" and written.lines[-1].endswith("ValueError: a")
        assert loop.get_exception_handler() is None
    finally:
        loop.close()
