"""A desk that is asked for odd things: the jobs of test_desks.py."""

from __future__ import annotations

import ctypes
import os
import sys
import time
from typing import Any

import numpy as np

from dlcore.desks import desk
from dlcore.desks.jobs import JOBS, Work
from dlcore.jobs import Answer, JobFunction, Progress
from dlcore.problems import Problem

Arguments = dict[str, Any]


def echo(arguments: Arguments, payload: bytes, progress: Progress) -> Answer:
    return {"pid": os.getpid(), "niceness": os.getpriority(os.PRIO_PROCESS, 0), **arguments}, payload


def until(arguments: Arguments, payload: bytes, progress: Progress) -> Answer:
    """Writes its name down, and is done when somebody makes a file."""
    with open(arguments["diary"], "a") as diary:
        diary.write(f"{arguments['name']}\n")
    while not os.path.exists(arguments["file"]):
        progress(0.5, {"name": arguments["name"], "pid": os.getpid()})
        time.sleep(0.005)
    return {"name": arguments["name"]}, b""


def progress(arguments: Arguments, payload: bytes, progress: Progress) -> Answer:
    """Says at every moment how far it is, until somebody makes a file."""
    calls, begin = 0, time.monotonic()
    while calls < 1000 or not os.path.exists(arguments["file"]):
        calls += 1
        progress(calls / 1e9, {"calls": calls, "words": "x" * 10})
    return {"calls": calls, "seconds": time.monotonic() - begin}, b""


def chatty(arguments: Arguments, payload: bytes, progress: Progress) -> Answer:
    print("a word by print")
    os.write(1, b"a word by write\n")
    ctypes.CDLL(None).puts(b"a word by C")
    ctypes.CDLL(None).fflush(None)
    return {"read": sys.stdin.read(), "more": os.read(0, 10).decode()}, b"all"


def die(arguments: Arguments, payload: bytes, progress: Progress) -> Answer:
    os.kill(os.getpid(), arguments["signal"])
    return {}, b""


def swallow(arguments: Arguments, payload: bytes, progress: Progress) -> Answer:
    return {"sum": float(np.ones(arguments["megabytes"] << 17).sum())}, b""


def hoard(arguments: Arguments, payload: bytes, progress: Progress) -> Answer:
    hoarded.append(np.ones(arguments["megabytes"] << 17))
    return {"pid": os.getpid()}, b""


def blunder(arguments: Arguments, payload: bytes, progress: Progress) -> Answer:
    match arguments["kind"]:
        case "problem":
            raise Problem("bad_weight", came="7 apples")
        case "bug":
            return {"one": 1 // 0}, b""
        case "object":
            return {"model": object()}, b""
        case "flood":
            return {}, bytes(desk.MOST_ANSWERED + 1)
    sys.exit(3)


hoarded: list[np.ndarray] = []


def spin(arguments: Arguments, payload: bytes, progress: Progress) -> Answer:
    """Computes for so many seconds of a processor."""
    progress(0.0, {"pid": os.getpid()})
    end = time.process_time() + arguments["seconds"]
    while time.process_time() < end:
        pass
    return {"pid": os.getpid()}, b""


def slow_to_import() -> JobFunction:
    from tests.slow_to_import import spin

    return spin


functions = (echo, until, progress, chatty, die, swallow, hoard, blunder, spin)
ODD_JOBS = {each.__name__: Work(lambda each=each: each) for each in functions}
ODD_JOBS |= {
    "slow": Work(lambda: until, "slow"),
    "long": Work(lambda: until, "long"),
    "short_spin": Work(lambda: spin, processor=0.6, too_long="upload_too_long"),
    "short_until": Work(lambda: until, processor=20.0),
    "late_spin": Work(slow_to_import, processor=0.5),
    "fetch": Work(lambda: until, clock=1e6, waits=True),
    "brief": Work(lambda: until, clock=30.0),
}

if __name__ == "__main__":
    JOBS.update(ODD_JOBS)
    desk.MOST_ANSWERED = 20_000_000
    desk.work()
