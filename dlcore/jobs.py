"""What a job is, as its function and those who ask for it see it: JSON and bytes in, JSON and bytes out.

A job may call `progress(share, partial)` as often as it likes, and raises a Problem where the person can do something about it.
Which jobs there are, and where they are done, says dlcore/desks/jobs.py.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

Progress = Callable[[float, dict[str, Any]], None]
Answer = tuple[dict[str, Any], bytes]
JobFunction = Callable[[dict[str, Any], bytes, Progress], Answer]
