"""Lets the browser alone open and close menus. The server hears of it, and draws what is in an open one.

Streamlit answers each run of the script with whether a menu is open, as the run has heard: one that is opened again at once would be
closed by the answer to its closing. Here that part of the answer never changes. To close a menu, code gives it a new key.
"""

from __future__ import annotations

from typing import Any

from streamlit.delta_generator import DeltaGenerator
from streamlit.proto.Block_pb2 import Block


def install() -> None:
    """Let Streamlit tell no browser whether a menu is open."""
    draw = DeltaGenerator._block  # pyright: ignore[reportPrivateUsage]

    def draw_closed(self: DeltaGenerator, block_proto: Block | None = None, *arguments: Any, **named: Any) -> Any:
        if block_proto is not None and block_proto.HasField("popover"):
            block_proto.popover.open = False
        return draw(self, block_proto, *arguments, **named)

    DeltaGenerator._block = draw_closed  # type: ignore[method-assign] # pyright: ignore[reportPrivateUsage]
