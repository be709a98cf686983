"""A student without a browser: speaks Streamlit's WebSocket protocol and the live channel. Many fit on one machine."""

from __future__ import annotations

import asyncio
import json
import time
from typing import Any

import websockets
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.proto.WidgetStates_pb2 import WidgetState
from websockets.typing import Origin, Subprotocol

from dlcore.frame import decode_frame


class Student:
    """One session: opens the page, plays, moves a slider, counts frames."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.token = ""
        self.sliders: dict[str, Any] = {}
        self.frames = 0
        self.last: dict[str, Any] = {}
        self._held: dict[str, Any] = {"structure": None, "version": None, "history": 0}

    async def open(self) -> None:
        """Load the page, as a browser's first script run does."""
        origin = Origin(f"http://127.0.0.1:{self.port}")
        address = f"ws://127.0.0.1:{self.port}/_stcore/stream"
        self.page = await websockets.connect(
            address, origin=origin, subprotocols=[Subprotocol("streamlit")], max_size=None
        )
        await self._rerun([])
        live = f"ws://127.0.0.1:{self.port}/api/live/{self.token}"
        self.live = await websockets.connect(live, origin=origin, max_size=None)

    async def close(self) -> None:
        """Leave."""
        await self.live.close()
        await self.page.close()

    async def command(self, do: str, value: Any = None) -> None:
        """Press a transport control."""
        await self.live.send(json.dumps({"type": "command", "do": do, "value": value}))

    async def watch(self, seconds: float, most_frames_a_second: float = 30) -> None:
        """Draw frames (decode them) for so long, at most so many a second."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            started = time.monotonic()
            await self.live.send(json.dumps({"type": "ready", **self._held}))
            try:
                message = await asyncio.wait_for(self.live.recv(), max(0.01, end - time.monotonic()))
            except TimeoutError:
                return
            if isinstance(message, bytes):
                self._draw(message)
            await asyncio.sleep(max(0.0, 1 / most_frames_a_second - (time.monotonic() - started)))

    async def move(self, label: str, value: float) -> float:
        """Move a slider; the seconds until the page has answered."""
        slider = self.sliders[label]
        state = WidgetState(id=slider.id)
        state.double_array_value.data.append(value)
        started = time.perf_counter()
        await self._rerun([state])
        return time.perf_counter() - started

    def _draw(self, message: bytes) -> None:
        header, arrays = decode_frame(message)
        rows = header["history_from"] + len(arrays["history"])
        self._held = {"structure": header["structure"], "version": header["version"], "history": rows}
        self.last = header
        self.frames += 1

    async def _rerun(self, states: list[WidgetState]) -> None:
        message = BackMsg()
        message.rerun_script.query_string = ""
        message.rerun_script.widget_states.widgets.extend(states)
        await self.page.send(message.SerializeToString())
        while True:
            answer = ForwardMsg.FromString(await self.page.recv(decode=False))
            kind = answer.WhichOneof("type")
            if kind == "delta":
                self._learn(answer.delta.new_element)
            elif kind == "script_finished":
                return

    def _learn(self, element: Any) -> None:
        match element.WhichOneof("type"):
            case "slider":
                self.sliders[element.slider.label] = element.slider
            case "bidi_component":
                data = json.loads(element.bidi_component.json or element.bidi_component.mixed.json or "{}")
                self.token = data.get("token", self.token)
