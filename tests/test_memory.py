"""Memory that was let go: the process that holds it says so itself."""

from __future__ import annotations

import subprocess
import sys

from ui.door.memory import MUCH, Memory


class Process:
    """So much in use, so much that is free and not given back."""

    def __init__(self) -> None:
        self.now, self.used, self.free, self.looks = 0.0, 100 << 20, 0, 0
        self.memory = Memory(lambda: self.used + self.free, self.trim, lambda do: do(), lambda: self.now)

    def trim(self) -> None:
        self.free = 0
        self.looks += 1

    def later(self, seconds: int) -> None:
        for _ in range(seconds):
            self.now += 1.0
            self.memory.look()


def test_what_is_free_goes_back_and_little_is_not_looked_for() -> None:
    process = Process()
    process.free = MUCH - 1
    process.later(100)
    assert process.looks == 0
    process.free = 2 * MUCH
    process.later(11)
    assert process.looks == 1 and process.free == 0


def test_what_is_in_use_is_looked_through_seldom_and_goes_back_within_a_minute() -> None:
    process = Process()
    process.used += 200 << 20
    process.later(600)
    assert process.looks <= 20
    process.used, process.free = process.used - (200 << 20), 200 << 20
    process.later(60)
    assert process.free == 0


def test_this_machine_gets_back_what_a_process_has_freed() -> None:
    script = """
import os
from dlcore.runs.figures import resident_bytes
from ui.door.memory import trim
before = resident_bytes()
if before and os.confstr("CS_GNU_LIBC_VERSION"):
    for _ in range(2):
        held = [bytearray() for _ in range(60)]
        for _ in range(512):
            for one in held:
                one += b"x" * 2048
        pins = [bytearray(b"y" * 300) for _ in range(1000)]
        del held
    trim()
    assert resident_bytes() < before + (16 << 20)
"""
    subprocess.run([sys.executable, "-c", script], check=True)
