"""A viewer that asks and never listens: what stands in its way must not stand in others'."""

from __future__ import annotations

import json
import socket


class Deaf:
    """A client that shakes hands, goes on asking, and reads nothing."""

    def __init__(self, host: str, token: str) -> None:
        name, port = host.split(":")
        self.socket = socket.create_connection((name, int(port)))
        lines = [f"GET /api/live/{token} HTTP/1.1", f"Host: {host}", "Upgrade: websocket", "Connection: Upgrade"]
        lines += ["Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: MTIzNDU2Nzg5MDEyMzQ1Ng==", "", ""]
        self.socket.sendall("\r\n".join(lines).encode())

    def ask(self) -> None:
        """For a frame, at once."""
        text = json.dumps({"type": "ready", "version": None, "structure": None, "now": True}).encode()
        self.socket.sendall(bytes([0x81, 0x80 | len(text), 0, 0, 0, 0]) + text)  # A mask of zeros leaves it as it is.
