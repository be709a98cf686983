"""What all side processes share: pipes that carry messages only, a limited memory, and one sentence for what goes wrong."""

from __future__ import annotations

import os
import sys
import traceback
from contextlib import suppress
from pathlib import Path

from dlcore.problems import Problem


def take_the_wires() -> tuple[int, int]:
    """Reserve standard input and output for messages. Returns their descriptors: a stray print goes to the log, a read finds nothing."""
    source, output = os.dup(0), os.dup(1)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    os.dup2(2, 1)
    sys.stdout = sys.stderr
    return source, output


def step_back(niceness: int, process: int = 0) -> None:
    """Lower the priority of this process, or of another one, to at least this niceness. Only root may raise it again."""
    os.setpriority(os.PRIO_PROCESS, process, max(niceness, os.getpriority(os.PRIO_PROCESS, process)))


def volunteer_to_end() -> None:
    """When memory runs out, the system should end this process and not the server."""
    with suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("500")


def as_problem(error: BaseException, memory: str = "out_of_memory") -> Problem:
    """The Problem to show for an error, whose details go to the log. Raises what is no failure of the job, such as a KeyboardInterrupt."""
    if isinstance(error, Problem):
        return error
    # safetensors is written in Rust: instead of a MemoryError it raises a PanicException, which is no Exception.
    panic = type(error).__name__ == "PanicException"
    if not (panic or isinstance(error, Exception)):
        raise error
    traceback.print_exception(error, file=sys.stderr)
    if panic or isinstance(error, MemoryError) or _says_so(error):
        return Problem(memory)
    return Problem("internal")


def _says_so(error: BaseException) -> bool:
    """Whether this is a lack of memory in the words of torch, of the C++ library, of the system or of its loader."""
    words = str(error).lower()
    return isinstance(error, (RuntimeError, OSError, ImportError)) and any(
        one in words for one in ("memory", "bad_alloc", "failed to map segment")
    )
