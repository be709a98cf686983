"""A student without a browser: speaks Streamlit's WebSocket protocol and the live channel. Many fit on one machine."""

from __future__ import annotations

import asyncio
import json
import struct
import time
from collections.abc import Mapping, Sequence
from http.cookies import SimpleCookie
from itertools import pairwise
from typing import Any, ClassVar
from urllib.parse import urlencode

from streamlit.proto.Alert_pb2 import Alert
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.proto.WidgetStates_pb2 import WidgetState

from benchmarks.sockets import BINARY, Socket
from dlcore.experiment import Experiment
from dlcore.share import encode

# Bytes of a frame that are kept: header and history, also of the first frame after a change, which brings layout and recipe.
BEGINNING = 1 << 18
PATIENCE = 60.0  # seconds
ROWS_EVERY = 0.25  # Seconds between two requests for rows of the history, as in ui/canvas/canvas.js.
MADE_UP = 0.25  # seconds by which frames may come late and still be made up for by asking at once


async def cookie_of_page(port: int) -> str:
    """The cookies that the page sets in a browser without any, as the value of the header Cookie."""
    _, _, cookies = await ask(port, "GET", "/", headers={"Accept": "text/html"})
    return "; ".join(f"{name}={value}" for name, value in cookies.items() if name.endswith("playground_owner"))


async def ask(
    port: int, method: str, path: str, cookie: str = "", headers: Mapping[str, str] | None = None, body: bytes = b""
) -> tuple[int, bytes, dict[str, str]]:
    """One HTTP request on a connection of its own: status, body, and the cookies that came with the answer."""
    lines = [
        f"{method} {path} HTTP/1.1",
        f"Host: 127.0.0.1:{port}",
        "Connection: close",
        f"Content-Length: {len(body)}",
    ]
    lines += [f"{name}: {value}" for name, value in {"Cookie": cookie, **(headers or {})}.items() if value]
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write("\r\n".join([*lines, "", ""]).encode() + body)
        answer = await reader.read()
    finally:
        writer.close()
    head, _, content = answer.partition(b"\r\n\r\n")
    status, *named = head.decode("latin-1").split("\r\n")
    found: SimpleCookie = SimpleCookie()
    for line in named:
        name, _, value = line.partition(":")
        if name.lower() == "set-cookie":
            found.load(value.strip())
    return int(status.split()[1]), content, {name: morsel.value for name, morsel in found.items()}


class Student:
    """One session: opens a share link, plays, watches, changes settings."""

    patience: ClassVar[float] = PATIENCE  # Seconds to wait for an answer; tests, which measure no time, set more.

    def __init__(self, port: int, experiment: Experiment | None = None, playing: bool = False) -> None:
        self.playing = playing
        self.cookie = ""  # The cookie by which the browser is recognised; the page sets it.
        self.notices: list[str] = []
        self.errors = 0  # error boxes on the page
        self.seen: list[tuple[float, int, int]] = []  # (time, epoch, step) of each frame
        self._port = port
        self._query = urlencode(
            {"run": encode(experiment or Experiment()), **({"play": "1"} if playing else {}), "lang": "en"}
        )
        self.token = ""
        self._answered: asyncio.Future[None] | None = None
        self._page: Socket | None = None
        self._live: Socket | None = None
        self._interval = 0.0  # seconds between two frames
        self._asked = 0.0  # when the last frame was, or should have been, asked for
        self._header: dict[str, Any] = {}
        self._rows_due = 0.0
        self._held: dict[str, Any] = {"structure": None, "version": None, "history": 0, "recipe": 0}
        # what waits for another recipe than of this version
        self._moved: tuple[asyncio.Future[None], int] | None = None
        self._watching = False

    async def open(self) -> float:
        """Load the page and open the live channel as a browser does; returns the seconds until the page was complete.

        Raises ConnectionError if the page has no run.
        """
        started = time.perf_counter()
        cookie = self.cookie = self.cookie or await cookie_of_page(self._port)
        self._page = await Socket.connect(
            self._port, "/_stcore/stream", self.hear_page, protocol="streamlit", cookie=cookie
        )
        await self._rerun()
        waited = time.perf_counter() - started
        if not self.token:
            raise ConnectionError("the page has no run")
        self._live = await Socket.connect(
            self._port, f"/api/live/{self.token}", self._hear_live, keep=BEGINNING, cookie=cookie
        )
        return waited

    async def come_in(self) -> None:
        """Open the page again and again until it has a run, which takes a while if the class is full or the server has just started."""
        while True:
            try:
                await self.open()
                return
            except ConnectionError:
                if self.token:
                    raise
            self.close()
            await asyncio.sleep(0.5)

    @property
    def bytes(self) -> int:
        """What the live channel has carried so far, both ways."""
        return 0 if self._live is None else self._live.bytes

    @property
    def there(self) -> bool:
        """Whether both connections are open."""
        return all(socket is not None and socket.code is None for socket in (self._page, self._live))

    @property
    def gone(self) -> bool:
        """Whether no connection is open any more."""
        return all(socket is None or socket.code is not None for socket in (self._page, self._live))

    def say(self, message: BackMsg) -> None:
        """Send the page a message, without waiting for an answer."""
        assert self._page is not None
        self._page.send(message.SerializeToString(), BINARY)

    def vanish(self) -> None:
        """Drop the connections without closing them, as a laptop that is shut."""
        for socket in (self._live, self._page):
            if socket is not None:
                socket.abort()

    def close(self) -> None:
        """Close the connections."""
        self._watching = False
        for socket in (self._live, self._page):
            if socket is not None and socket.code is None:
                socket.close()

    def command(self, do: str, value: Any = None) -> None:
        """Press a transport control."""
        assert self._live is not None
        self._live.send(json.dumps({"type": "command", "do": do, "value": value}).encode())

    def watch(self, frames_a_second: float) -> None:
        """Ask for frames from now on, so many a second; after a late one at once, until those missed are made up for."""
        self._interval, self._asked = 1 / frames_a_second, time.monotonic()
        if not self._watching:
            self._watching = True
            self._ask()

    def look_away(self) -> None:
        """Ask for no more frames."""
        self._watching = False

    async def move(self, path: str, value: Any) -> float:
        """Change a setting of the recipe, as "dataset.noise"; the seconds until a frame has brought the changed recipe."""
        assert self._live is not None
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._moved = done, self._held["recipe"]
        started = time.perf_counter()
        self.command("edit", {"do": "setting", "path": path, "value": value})
        if not self._watching:
            self._ask()
        await self._live.answer(done, self.patience)
        return time.perf_counter() - started

    async def rerun(self, states: Sequence[WidgetState] = ()) -> float:
        """Run the page's script again; the seconds until the page has answered."""
        started = time.perf_counter()
        await self._rerun(states)
        return time.perf_counter() - started

    def frames(self, start: float, end: float) -> int:
        """The number of frames that came between two times (`time.monotonic`)."""
        return sum(start <= at < end for at, _, _ in self.seen)

    def epochs(self, start: float, end: float) -> float:
        """Epochs a second between two times, read from the frames; if the run was reset, counted from then on."""
        told = [(at, epoch) for at, epoch, _ in self.seen if start <= at < end]
        gone = sum(max(later - earlier, 0) for (_, earlier), (_, later) in pairwise(told))
        return gone / (told[-1][0] - told[0][0]) if len(told) > 1 else 0.0

    def longest_pause(self, start: float, end: float) -> float:
        """The longest time without a frame between two times."""
        times = [start, *(at for at, _, _ in self.seen if start <= at < end), end]
        return max(later - earlier for earlier, later in pairwise(times))

    # Streamlit's protocol

    async def _rerun(self, states: Sequence[WidgetState] = (), page: str = "") -> None:
        self._answered = asyncio.get_running_loop().create_future()
        message = BackMsg()
        message.rerun_script.query_string = self._query
        message.rerun_script.page_script_hash = page
        message.rerun_script.widget_states.widgets.extend(states)
        self.say(message)
        assert self._page is not None
        await self._page.answer(self._answered, self.patience)

    def hear_page(self, content: bytes) -> None:
        """Handle one message of the page."""
        answer = ForwardMsg.FromString(content)
        kind = answer.WhichOneof("type")
        if kind == "delta":
            self.learn(answer.delta.new_element)
        elif kind == "script_finished" and answer.script_finished != ForwardMsg.FINISHED_EARLY_FOR_RERUN:
            self._has_finished()

    def _has_finished(self) -> None:
        """Note that a script has finished and no other follows at once."""
        if self._answered is not None and not self._answered.done():
            self._answered.set_result(None)

    def learn(self, element: Any) -> None:
        """Note one element of the page."""
        match element.WhichOneof("type"):
            case "alert":
                self.errors += element.alert.format == Alert.ERROR
            case "bidi_component":
                data = json.loads(element.bidi_component.json or element.bidi_component.mixed.json or "{}")
                self.token = data.get("token", self.token)

    # The live channel

    def _ask(self) -> None:
        if self._live is not None and self._live.code is None:
            request = {"type": "ready", "slim": True, **self._held}
            if (now := time.monotonic()) < self._rows_due:
                request["history"] = None
            else:
                self._rows_due = now + ROWS_EVERY
            self._live.send(json.dumps(request, separators=(",", ":")).encode())

    def _hear_live(self, content: bytes) -> None:
        now = time.monotonic()
        if content[:1] == b"{":
            self.notices.append(content.decode())
            return
        # Only the header is decoded: decoding pictures is a browser's work and would slow the measured server down.
        length = int.from_bytes(content[:4], "little")
        header = self._header = self._header | json.loads(content[4 : 4 + length])
        start = -(-(4 + length) // 8) * 8
        known = self._held["history"]
        for last in (array for array in header["arrays"] if array["name"] == "history"):
            (rows, columns), start = last["shape"], start + last["offset"]
            (place,) = struct.unpack_from("<f", content, start + 4 * columns * (rows - 1))
            known = int(place) + 1
        self._held = {
            "structure": header["structure"],
            "version": header["version"],
            "history": known,
            "moments": header["moments_version"],
            "recipe": header["recipe_version"],
            "frame": header["frame"],
        }
        self.seen.append((now, header["epoch"], header["step"]))
        if self._moved is not None and self._moved[1] != header["recipe_version"]:
            done, self._moved = self._moved[0], None
            if not done.done():
                done.set_result(None)
        if self._watching or self._moved is not None:
            self._asked = max(self._asked + self._interval, now - MADE_UP)
            asyncio.get_running_loop().call_at(self._asked, self._ask)
