"""Uploads: only files for which a page has asked for an address, and no more bytes at once than fit into memory.

A file counts, by its declared size, from its first byte until the page has taken it; one that is larger than declared is refused. One
that does not fit waits unread; after SOON seconds, an owner who holds more than the newcomer would loses their newest file; after
LONGEST_WAIT the newcomer is refused. A file that no page takes in UNTAKEN seconds is dropped.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send
from streamlit.runtime.memory_uploaded_file_manager import MemoryUploadedFileManager
from streamlit.runtime.uploaded_file_manager import UploadFileUrlInfo

from dlcore.problems import Problem

MEGABYTE = 1 << 20
OF_ONE_SESSION = 48 * MEGABYTE
SMALLEST = 64 << 10  # Bytes that every file counts at least, as even an empty one costs memory.
WRAPPING = MEGABYTE  # Bytes that a request may have beyond the file itself; as much as Streamlit allows.
MOST_AT_ONCE = 100  # Files in one request for upload addresses.
MOST_ASKED = 1000  # Addresses of one session that were given and not used; beyond that the oldest are forgotten.
LONGEST_WAIT = 20.0  # Seconds that an upload waits for room.
SOON = 2.0  # Seconds of waiting after which an owner who holds more has to give up a file.
EACH = 0.1  # Seconds between two checks for room.
SILENCE = 20.0  # Seconds without a byte after which an upload is given up.
# Seconds after which a complete file that no page has taken is dropped; a page that still exists takes it at once.
UNTAKEN = 30.0

Request = tuple[ASGIApp, Scope, Receive, Send]  # a request and the app that answers it


@dataclass(eq=False)
class File:
    """A file with an upload address: not begun, arriving, or complete. `bytes` is the size it is counted with."""

    id: str
    session: str
    owner: str
    bytes: int = 0
    coming: asyncio.Task[Any] | None = None
    here_since: float | None = None
    gave_way: bool = False


class Uploads:
    """All files with an upload address. All calls come from the event loop."""

    def __init__(
        self,
        most_bytes: int,
        largest: Callable[[], int],
        manager: Callable[[], MemoryUploadedFileManager | None],
        lives: Callable[[str], bool],
        clock: Callable[[], float] = time.monotonic,
        pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._most_bytes, self._most_of_session = most_bytes, min(most_bytes, OF_ONE_SESSION)
        self._largest = largest  # bytes of one file
        self._manager = manager
        self._lives = lives  # whether this session still exists
        self._clock, self._pause = clock, pause
        self._asked: dict[str, File] = {}
        self._held: dict[str, File] = {}

    @property
    def bytes(self) -> int:
        """The bytes counted for all arriving and complete files."""
        return sum(file.bytes for file in self._held.values())

    @property
    def coming(self) -> list[File]:
        """The files that are arriving."""
        return [file for file in self._held.values() if file.coming is not None]

    def hand_out(self, session: str, owner: str, names: Iterable[str]) -> list[UploadFileUrlInfo]:
        """Addresses to which a session may upload these files. Raises Problem."""
        names, manager = list(names), self._manager()
        if len(names) > MOST_AT_ONCE:
            raise Problem("uploads_many", came=len(names), limit=MOST_AT_ONCE)
        if manager is None or not self._lives(session):
            raise Problem("upload_not_asked")
        found = manager.get_upload_urls(session, names)
        for info in found:
            self._asked[info.file_id] = File(info.file_id, session, owner)
        of_session = [file.id for file in self._asked.values() if file.session == session]
        for oldest in of_session[:-MOST_ASKED]:
            del self._asked[oldest]
        return found

    def may_delete(self, file_id: str, session: str, owner: str) -> bool:
        """Whether the file belongs to this session and owner, or is not known."""
        file = self._held.get(file_id) or self._asked.get(file_id)
        return file is None or (file.session, file.owner) == (session, owner)

    async def bring(
        self, file_id: str, session: str, owner: str, request: Request, on_wait: Callable[[], Awaitable[None]]
    ) -> None:
        """Receive an upload. Raises Problem. `on_wait` is called once if it has to wait for room."""
        app, scope, receive, send = request
        file = self._asked.get(file_id)
        if file is None or (file.session, file.owner) != (session, owner) or file_id in self._held:
            raise Problem("upload_not_asked")
        size = _read_size(Headers(scope=scope), self._largest() + WRAPPING)
        if size > self._largest() + WRAPPING:
            await app(scope, receive, send)  # Too large: Streamlit answers that, without reading it.
            return
        await self._room(session, owner, size, on_wait)
        if file_id in self._held:
            raise Problem("upload_not_asked")  # The same address was used twice at once.
        file.bytes, file.coming = max(size, SMALLEST), asyncio.current_task()
        self._held[file_id] = file
        try:
            await app(scope, self._count_bytes(file, receive), send)
        except asyncio.CancelledError:
            if file.gave_way and file.coming is not None and file.coming.uncancel() == 0:
                raise Problem("uploads_full", limit=self._most_bytes // MEGABYTE) from None
            raise
        finally:
            self._settle(file)

    def forget(self, session: str) -> None:
        """Forget the files of a session that has ended; Streamlit has dropped them."""
        for files in (self._asked, self._held):
            for file in [file for file in files.values() if file.session == session and file.coming is None]:
                del files[file.id]

    def let_go(self) -> None:
        """Drop complete files that no page has taken for UNTAKEN seconds, unless their session still uploads: it takes all at the end."""
        self._look()
        busy = {file.session for file in self.coming}
        for file in list(self._held.values()):
            if file.here_since is not None and file.session not in busy and self._clock() - file.here_since >= UNTAKEN:
                self._drop(file)

    # Counting

    def _count_bytes(self, file: File, receive: Receive) -> Receive:
        come = 0

        async def receive_counted() -> MutableMapping[str, Any]:
            nonlocal come
            try:
                async with asyncio.timeout(SILENCE):
                    message = await receive()
            except TimeoutError:
                raise Problem("upload_stalled", seconds=int(SILENCE)) from None
            come += len(message.get("body", b""))
            if come > file.bytes:
                raise Problem("upload_not_asked")  # Larger than declared.
            return message

        return receive_counted

    def _settle(self, file: File) -> None:
        """After an upload has ended: note a complete file; forget a failed one, whose address may be used again."""
        file.coming = None
        manager = self._manager()
        found = manager.get_files(file.session, [file.id]) if manager is not None else []
        if found and manager is not None and (file.gave_way or not self._lives(file.session)):
            manager.remove_file(file.session, file.id)
            found = []
        if found:
            file.bytes, file.here_since = max(len(found[0].data), SMALLEST), self._clock()
            self._asked.pop(file.id, None)
            for other in self._held.values():  # Files chosen together are taken together, when the last is complete.
                if other.session == file.session and other.here_since is not None:
                    other.here_since = self._clock()
            with suppress(RuntimeError):
                asyncio.get_running_loop().call_later(UNTAKEN + EACH, self.let_go)
        else:
            self._held.pop(file.id, None)
            file.bytes, file.gave_way = 0, False

    async def _room(self, session: str, owner: str, size: int, on_wait: Callable[[], Awaitable[None]]) -> None:
        """Wait until so many bytes fit. Raises Problem."""
        start, size, told = self._clock(), max(size, SMALLEST), False
        while True:
            self._look()
            of_session = sum(file.bytes for file in self._held.values() if file.session == session)
            if of_session + size > self._most_of_session:
                limit = self._most_of_session // MEGABYTE
                raise Problem("uploads_of_session", came=round(of_session / MEGABYTE), limit=limit)
            if self.bytes + size <= self._most_bytes:
                return
            waited = self._clock() - start
            if waited >= LONGEST_WAIT:
                raise Problem("uploads_full", limit=self._most_bytes // MEGABYTE)
            if waited >= SOON and self._make_room(owner, size):
                continue  # Check again without a pause, or another waiting upload would take the room.
            if not told:
                told = True
                await on_wait()
            await self._pause(EACH)

    def _look(self) -> None:
        """Stop counting the files that pages have taken."""
        manager = self._manager()
        here = [file for file in self._held.values() if file.here_since is not None]
        for session in {file.session for file in here}:
            ids = [file.id for file in here if file.session == session]
            left = {found.file_id for found in manager.get_files(session, ids)} if manager is not None else set()
            for file_id in ids:
                if file_id not in left:
                    del self._held[file_id]

    def _make_room(self, owner: str, size: int) -> bool:
        """Drop the newest file of the owner who holds most, if that is more than this owner would hold with so many bytes more."""
        held: Counter[str] = Counter()
        for file in self._held.values():
            held[file.owner] += file.bytes
        most = max(held, key=held.__getitem__, default=owner)
        if held[most] <= held[owner] + size:
            return False
        self._drop(next(file for file in reversed(self._held.values()) if file.owner == most))
        return True

    def _drop(self, file: File) -> None:
        del self._held[file.id]
        if file.coming is not None:
            file.gave_way = True
            file.coming.cancel()
        elif (manager := self._manager()) is not None:
            manager.remove_file(file.session, file.id)


def _read_size(headers: Headers, otherwise: int) -> int:
    """The size that a request declares; `otherwise` if it declares none."""
    text = headers.get("content-length", "")
    return int(text) if text.isascii() and text.isdecimal() else otherwise
