"""Starts the app on a free port, as `streamlit run app.py` does, and measures what its processes use."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
#: Opens URLs of this machine directly, whatever proxy the environment names.
DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))
PAGE_SIZE_KB = os.sysconf("SC_PAGE_SIZE") / 1024
TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Server:
    """A served app."""

    url: str
    port: int
    pid: int

    def workers(self) -> list[int]:
        """Process ids of the workers."""
        return workers_of(self.pid)

    def processes(self) -> list[int]:
        """The server and everything below it."""
        found = [self.pid]
        for pid in found:
            found += children(pid)
        return found


def children(pid: int) -> list[int]:
    """Process ids of a process's children."""
    lists = Path(f"/proc/{pid}/task").glob("*/children")
    return sorted({int(child) for path in lists for child in _read(path).split()})


def workers_of(server: int) -> list[int]:
    """Process ids of a server's workers: those that it has started, and those forked from its nursery."""
    below = children(server)
    split = [
        pid
        for one in below
        if _runs(one, b"dlcore.nursery")
        for pid in children(one)
        if b"worker" in _read(f"/proc/{pid}/comm")
    ]
    return [*split, *(pid for pid in below if _runs(pid, b"dlcore.runs.worker"))]


def _runs(pid: int, module: bytes) -> bool:
    return module in _read(f"/proc/{pid}/cmdline")


def megabytes(pid: int) -> float:
    """Resident memory of a process in MB."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * PAGE_SIZE_KB / 1024


def proportional_megabytes(pid: int) -> float:
    """Its proportional set size in MB: of a page that n processes share it counts 1/n, so that sums are true."""
    lines = _read(f"/proc/{pid}/smaps_rollup").splitlines()
    return sum(int(line.split()[1]) for line in lines if line.startswith(b"Pss:")) / 1024


def cpu_seconds(pid: int) -> float:
    """Processor time that a process has used so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


@contextmanager
def served(script: str = "app.py", descriptors: int | None = None, /, **environment: str) -> Iterator[Server]:
    """Start the app (or another Streamlit script), yield once it answers, end it; it may open so many files and sockets."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "streamlit", "run", script, "--server.headless=true", f"--server.port={port}"]
    command += ["--server.fileWatcherType=none"]
    if descriptors is not None:
        command = ["sh", "-c", f'ulimit -n {descriptors}; exec "$@"', "sh", *command]
    # Makes the server print the stack of each thread on SIGABRT.
    environment = {**os.environ, "PYTHONFAULTHANDLER": "1", **environment}
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, env=environment)
    url = f"http://127.0.0.1:{port}"
    try:
        wait_until_it_answers(url, process)
        yield Server(url, port, process.pid)
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def wait_until_warm(server: Server) -> None:
    """Wait until all workers, the spare one included, are ready."""
    before = -1.0
    for _ in range(30):
        spent = sum(map(cpu_seconds, server.workers()))
        if spent - before < 0.1:
            return
        before = spent
        time.sleep(2)


def wait_until_it_answers(url: str, process: subprocess.Popen[bytes]) -> None:
    """Wait for an answer. Raises RuntimeError if the process ends or does not answer for long; then its threads' stacks are printed."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise RuntimeError(f"the server ended with code {process.returncode}")
        try:
            with DIRECT.open(f"{url}/_stcore/health", timeout=2):
                return
        except OSError:
            time.sleep(0.02)
    process.send_signal(signal.SIGABRT)
    raise RuntimeError("the server did not answer within 60 s")


def _read(path: str | Path) -> bytes:
    try:
        return Path(path).read_bytes()
    except OSError:  # The process has ended meanwhile.
        return b""
