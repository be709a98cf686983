"""Time that a process waits for others to leave it a processor: it is slow then, and not to blame."""

from __future__ import annotations

from pathlib import Path


def held_up(pid: int) -> float:
    """Seconds that the process has waited so far for others to leave it a processor; 0 where the system does not say."""
    try:  # Linux: nanoseconds on a processor, nanoseconds waiting for one, times.
        return int(Path(f"/proc/{pid}/schedstat").read_bytes().split()[1]) / 1e9
    except (OSError, IndexError):
        return 0.0
