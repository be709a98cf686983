"""Attacks on a server of this machine, limited in number and time: python -m benchmarks.attackers NAME PORT SECONDS

Each attack uses one of the faults F1-F11 that a security review found. It prepares (with a run or session of its own, as any visitor),
prints a line "ready", attacks for so many seconds after a line on standard input, and prints what it has sent: {"connections",
"messages", "bytes"}. `replay` sends as much to a port that ignores everything: the slowdown that remains comes only from sharing
the processors.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import resource
import sys
import time
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from typing import Any

from benchmarks.clients import (
    CONTINUATION,
    PIECE,
    SENT,
    STREAM,
    Client,
    Sent,
    flood,
    frame,
    repeat_paced,
    rerun,
    try_to,
    websocket,
)
from benchmarks.sockets import BINARY, TEXT
from benchmarks.student import Student, cookie_of_page
from benchmarks.visitor import EXPORT, TABLES, Visitor, put
from dlcore.experiment import Experiment

HEAVY = Experiment.from_dict({"layers": [{"kind": "dense", "units": 425}] * 12, "batch_size": 1})
LARGE = Experiment.from_dict({"layers": [{"kind": "dense", "units": 512}] * 8})
REPORTED = Experiment.from_dict({"layers": [{"kind": "dense", "units": 256}] * 6})
RAGGED = b"a,b\n" + b"1\n1,2,3\n" * 1_500_000


# The attacks: each function prepares one and returns a function that attacks for so many seconds

Attack = Callable[[float], Coroutine[Any, Any, None]]


async def foreign_origin(port: int) -> Attack:
    """F1: sockets from a page of another host, ten a second."""

    async def attack(seconds: float) -> None:
        evil = "http://evil.example"
        await repeat_paced(int(10 * seconds), 10, lambda number: websocket(port, STREAM, origin=evil))

    return attack


async def flood_of_frames(port: int) -> Attack:
    """F2: twenty sockets on a run of one's own, each asking for a picture "now" a hundred times a second."""
    paths, cookie = await _own_run(port, {"layers": [{"kind": "dense", "units": 64}] * 6})
    wants = {"gradients": True, "histograms": True, "probe": None, "moment": None}
    ask_now = {"type": "ready", "now": True, "version": None, "structure": None, "history": 0, "wants": wants}
    return _flood_of(port, paths, cookie, [ask_now], sockets=20, a_second=100)


async def flood_of_commands(port: int) -> Attack:
    """F2: twenty sockets on a run of one's own, each pressing Epoch, Reset and Step thirty times a second."""
    paths, cookie = await _own_run(port, {"layers": [{"kind": "dense", "units": 64}] * 6})
    presses = [{"type": "command", "do": do} for do in ("epoch", "reset", "step")]
    return _flood_of(port, paths, cookie, presses, sockets=20, a_second=10)


async def _own_run(port: int, recipe: dict[str, Any]) -> tuple[str, str]:
    student = Student(port, Experiment.from_dict(recipe))
    await student.open()
    return f"/api/live/{student.token}", student.cookie


def _flood_of(
    port: int, path: str, cookie: str, messages: list[dict[str, Any]], sockets: int, a_second: float
) -> Attack:
    content = b"".join(frame(json.dumps(message).encode(), TEXT) for message in messages)

    async def attack(seconds: float) -> None:
        clients = [await websocket(port, path, cookie) for _ in range(sockets)]
        await flood(clients, content, seconds, a_second)

    return attack


async def invented_uploads(port: int) -> Attack:
    """F3: files of 8 MB to places that no uploader has asked for, five a second."""
    visitor = Visitor(port)
    await visitor.open()
    content = bytes(8 << 20)

    async def upload(number: int) -> None:
        SENT.messages += 1
        SENT.connections += 1
        await put(port, f"/_stcore/upload_file/{visitor.session}/invented-{number}", "a.csv", content, visitor.cookie)
        SENT.bytes += len(content)

    async def attack(seconds: float) -> None:
        await repeat_paced(int(5 * seconds), 5, upload)

    return attack


async def endless_messages(port: int) -> Attack:
    """F4: six sockets of Streamlit's and twelve of the live channel, each in one message that has no end."""

    async def pour(path: str, most: int, seconds: float) -> None:
        client = await websocket(port, path)
        end, opcode = time.monotonic() + seconds, BINARY
        content = bytes(PIECE)
        for _ in range(most // PIECE):
            if client.lost or time.monotonic() > end:
                return
            await client.write(frame(content, opcode, final=False))
            opcode = CONTINUATION

    async def attack(seconds: float) -> None:
        live = [pour("/api/live/nothing", 60 << 20, seconds) for _ in range(12)]
        stream = [pour(STREAM, 150 << 20, seconds) for _ in range(6)]
        await asyncio.gather(*map(try_to, [*live, *stream]))
        await asyncio.sleep(1)

    return attack


async def newcomers(port: int) -> Attack:
    """F5: 310 sessions that come and stay, half of them without a cookie, each of the others with a fresh one."""

    async def come(number: int) -> None:
        cookie = "" if number % 2 else await cookie_of_page(port)
        client = await websocket(port, STREAM, cookie)
        await client.write(frame(rerun(), BINARY))

    async def attack(seconds: float) -> None:
        await repeat_paced(310, 310 / seconds, come)

    return attack


async def ragged_tables(port: int) -> Attack:
    """F6: six people upload a table of three million ragged rows, again and again."""
    people = [Visitor(port) for _ in range(6)]
    for each in people:
        await each.open()
        await each.go("data")

    async def bring(each: Visitor, end: float) -> None:
        while time.monotonic() < end:
            SENT.messages += 1
            SENT.bytes += len(RAGGED)
            await each.upload(TABLES, "ragged.csv", RAGGED)
            while time.monotonic() < end:  # A page that waits for a desk asks each second.
                await asyncio.sleep(1)
                await each.rerun()

    async def attack(seconds: float) -> None:
        end = time.monotonic() + seconds
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds + 1):
                await asyncio.gather(*(try_to(bring(each, end)) for each in people))

    return attack


async def reports(port: int) -> Attack:
    """F7: eight people each press Report twice."""
    people = [Visitor(port, REPORTED) for _ in range(8)]
    for each in people:
        await each.open()
        await each.open_menu(EXPORT)

    async def attack(seconds: float) -> None:
        SENT.messages += 16
        pressed = [asyncio.create_task(try_to(each.download("Report"))) for each in people for _ in (1, 2)]
        await asyncio.wait(pressed, timeout=seconds)
        for task in pressed:
            task.cancel()

    return attack


async def reruns(port: int) -> Attack:
    """F8: twelve sessions of one browser, each asking for the page twenty times a second."""
    cookie = await cookie_of_page(port)
    content = frame(rerun(), BINARY)

    async def attack(seconds: float) -> None:
        clients = [await websocket(port, STREAM, cookie) for _ in range(12)]
        await flood(clients, content, seconds, 20)

    return attack


async def heavy_runs(port: int) -> Attack:
    """F9: thirty people whose networks have two million parameters play and watch."""
    people = [Student(port, HEAVY, playing=True) for _ in range(30)]

    async def attack(seconds: float) -> None:
        async def play(student: Student) -> None:
            SENT.messages += 1
            await student.open()
            student.watch(20)

        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await asyncio.gather(*(try_to(play(student)) for student in people))
                await asyncio.sleep(seconds)

    return attack


async def large_runs(port: int) -> Attack:
    """F10: twenty-four runs under two cookies whose states fill the shelf."""
    cookies = [await cookie_of_page(port) for _ in range(2)]

    async def play(number: int) -> None:
        student = Student(port, LARGE, playing=True)
        student.cookie = cookies[number % 2]
        SENT.messages += 1
        await student.open()

    async def attack(seconds: float) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await repeat_paced(24, 48 / seconds, play)
                await asyncio.sleep(seconds)

    return attack


async def half_heads(port: int) -> Attack:
    """F11: eleven hundred requests whose head has no end."""

    async def begin(number: int) -> None:
        client = await Client.connect(port)
        await client.write(f"GET / HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n".encode())

    async def attack(seconds: float) -> None:
        await repeat_paced(1100, 2200 / seconds, begin)
        await asyncio.sleep(seconds / 2)

    return attack


async def replay(port: int, sent: Sent) -> Attack:
    """Send as many connections, messages and bytes as an attack did, evenly over the time."""
    size = max(1, sent.bytes // max(sent.messages, 1))
    clients = [await Client.connect(port) for _ in range(max(1, sent.connections))]

    async def attack(seconds: float) -> None:
        content = bytes(size)
        await repeat_paced(
            sent.messages, max(sent.messages, 1) / seconds, lambda number: clients[number % len(clients)].write(content)
        )

    return attack


ATTACKS: dict[str, Callable[[int], Awaitable[Attack]]] = {
    each.__name__: each
    for each in (
        foreign_origin, flood_of_frames, flood_of_commands, invented_uploads, endless_messages, newcomers, ragged_tables, reports,
        reruns, heavy_runs, large_runs, half_heads,
    )
}  # fmt: skip


def raise_descriptors() -> None:
    """Raise this process's limit of open connections as far as the system allows."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


async def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.attackers")
    parser.add_argument("name", choices=[*ATTACKS, "replay"])
    parser.add_argument("port", type=int, help="of a server of this machine")
    parser.add_argument("seconds", type=float)
    parser.add_argument("--sent", type=json.loads, help="what replay sends")
    asked = parser.parse_args()
    raise_descriptors()
    made = replay(asked.port, Sent(**asked.sent)) if asked.name == "replay" else ATTACKS[asked.name](asked.port)
    attack = await made
    SENT.__init__()  # What the preparation sent is not counted.
    print("ready", flush=True)
    await asyncio.to_thread(sys.stdin.readline)
    await attack(asked.seconds)
    print(json.dumps(vars(SENT)), flush=True)
    os._exit(0)  # Without closing the connections: they end with the process.


if __name__ == "__main__":
    asyncio.run(main())
