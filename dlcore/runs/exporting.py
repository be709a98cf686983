"""An export in a short-lived process of its own: torch's ONNX exporter takes seconds and 160 MB, which no worker should give."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

from dlcore.problems import Problem
from dlcore.runs import NICENESS

PROJECT = Path(__file__).parent.parent.parent
LONGEST = 120.0  # seconds

_one_at_a_time = threading.Semaphore(1)  # A class that exports together must not take the machine from those who train.


def export_elsewhere(checkpoint: bytes, form: str) -> bytes:
    """A checkpoint as `python -m dlcore export` writes it. Raises Problem."""
    with _one_at_a_time, tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "exported"
        (Path(folder) / "model.safetensors").write_bytes(checkpoint)
        command = [sys.executable, "-m", "dlcore", "export", folder, "--format", form, "--out", str(out)]
        environment = {**os.environ, "PYTHONPATH": str(PROJECT)}
        with subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as process:
            os.setpriority(os.PRIO_PROCESS, process.pid, NICENESS)
            try:
                _, said = process.communicate(timeout=LONGEST)
            except subprocess.TimeoutExpired:
                process.kill()
                raise Problem("worker_busy") from None
        if process.returncode != 0:
            sys.stderr.write(said.decode(errors="replace"))
            raise Problem("internal")
        return out.read_bytes()
