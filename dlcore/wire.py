"""A message on a pipe: uint32 LE length of the header, header (JSON), payload (as long as the header's "payload").

Plain values both ways, so that a run can live behind a pipe here or on another machine alike.
"""

from __future__ import annotations

import json
import os
import struct
from collections.abc import Iterator
from typing import IO, Any

Header = dict[str, Any]

LONGEST_HEADER = 64 << 20  # bytes; a run on its way brings the recipes of its whole time line

_LENGTH = struct.Struct("<I")
_READ_SIZE = 1 << 18
_MOST_WAITING = 1 << 15  # bytes, half of a small pipe


class Unreadable(ValueError):
    """What came is no message. Since the beginning of the next one is unknown, the reader must give up the whole stream."""


def pack(header: Header, payload: bytes = b"") -> bytes:
    """The bytes of one message up to its payload, which the writer sends as it is (frames are not copied)."""
    text = json.dumps({**header, "payload": len(payload)}, separators=(",", ":")).encode()
    return _LENGTH.pack(len(text)) + text


def unpack(message: bytes | memoryview) -> tuple[Header, bytes] | None:
    """The message that begins here; None when the end cuts it. Raises Unreadable."""
    view = memoryview(message)
    if len(view) < _LENGTH.size:
        return None
    start = _LENGTH.size + _header_length(view)
    if len(view) < start:
        return None
    header = _header(bytes(view[_LENGTH.size : start]))
    payload = bytes(view[start : start + header["payload"]])
    return (header, payload) if len(payload) == header["payload"] else None


def write_all(descriptor: int, *parts: bytes) -> None:
    """Write all bytes, however little the pipe takes at a time. Blocks; raises OSError when nobody reads them."""
    for part in parts:
        rest = memoryview(part)
        while rest:
            rest = rest[os.write(descriptor, rest) :]


def read_message(stream: IO[bytes]) -> tuple[Header, bytes] | None:
    """The next message of a buffered stream, or None at its end, even when the end cuts a message. Raises Unreadable."""
    header = read_header(stream)
    if header is None:
        return None
    payload = stream.read(header["payload"])
    return (header, payload) if len(payload) == header["payload"] else None


def read_header(stream: IO[bytes]) -> Header | None:
    """The header of the next message, whose payload stays in the stream; None at the end. Raises Unreadable."""
    prefix = stream.read(_LENGTH.size)
    if len(prefix) < _LENGTH.size:
        return None
    length = _header_length(prefix)
    text = stream.read(length)
    return _header(text) if len(text) == length else None


def _header_length(prefix: bytes | bytearray | memoryview) -> int:
    (length,) = _LENGTH.unpack_from(prefix)
    if length > LONGEST_HEADER:
        raise Unreadable(f"a header of {length} bytes")
    return length


def _header(text: bytes | bytearray) -> Header:
    try:
        header = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise Unreadable(f"a header that is no JSON: {error}") from None
    size = header.get("payload") if isinstance(header, dict) else None
    if type(size) is not int or size < 0:  # A negative one would read on until the stream ends.
        raise Unreadable("a header without the size of its payload")
    return header


class Inbox:
    """Messages from a descriptor that is read a piece at a time, as `select` says there is one. `receive` raises Unreadable."""

    def __init__(self, descriptor: int) -> None:
        self.descriptor = descriptor
        self.ended = False
        self._bytes = bytearray()
        # The message that is coming: header, begin and end of its payload.
        self._begun: tuple[Header, int, int] | None = None

    @property
    def incomplete(self) -> bool:
        """Whether there is the beginning of a message whose end has not come."""
        return bool(self._bytes)

    def receive(self) -> Iterator[tuple[Header, bytes]]:
        """Read one piece (blocks when there is none) and yield the messages that are whole by now."""
        piece = os.read(self.descriptor, _READ_SIZE)
        self.ended = not piece
        self._bytes += piece
        while (message := self._take()) is not None:
            yield message

    def _take(self) -> tuple[Header, bytes] | None:
        if self._begun is None:
            if len(self._bytes) < _LENGTH.size:
                return None
            start = _LENGTH.size + _header_length(self._bytes)
            if len(self._bytes) < start:
                return None
            header = _header(self._bytes[_LENGTH.size : start])
            self._begun = header, start, start + header["payload"]
        header, start, end = self._begun
        if len(self._bytes) < end:
            return None
        with memoryview(self._bytes) as all_bytes, all_bytes[start:end] as content:
            payload = bytes(content)
        del self._bytes[:end]
        self._begun = None
        return header, payload


class Outbox:
    """Messages to a descriptor, in their order. Those that may wait are written together: a reader is woken once for many."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._waiting: list[bytes] = []
        self._bytes = 0

    def add(self, header: Header, payload: bytes = b"") -> None:
        """A message that waits for `flush`, for one that does not wait, or until much is waiting."""
        parts = pack(header, payload), payload
        self._waiting += parts
        self._bytes += sum(map(len, parts))
        if self._bytes >= _MOST_WAITING:
            self.flush()

    def send(self, header: Header, payload: bytes = b"") -> None:
        """A message that does not wait."""
        self.add(header, payload)
        self.flush()

    def flush(self) -> None:
        """Write what waits. Blocks; raises OSError when nobody reads it."""
        waiting, self._waiting, self._bytes = self._waiting, [], 0
        # Large ones are not copied.
        write_all(self._descriptor, *([b"".join(waiting)] if sum(map(len, waiting)) < _MOST_WAITING else waiting))
