"""How long the compiled engine takes before its first step: when it has to be compiled, and at later starts, when it is loaded."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from statistics import median

from benchmarks.server import ROOT
from benchmarks.tables import Figure, goals

COMPILE, LOAD = 15.0, 0.5  # seconds

# Does what a worker does: torch is imported, the kernel is not, and steps are taken while it is compiled or loaded.
STARTING = """
import json, time
from dlcore import Experiment, Trainer
from dlcore.engines import compiled
Trainer(Experiment(), "cpu", engine="autograd").advance(1)
start = time.perf_counter()
Trainer(Experiment(), "cpu").advance(1)
waited = time.perf_counter() - start
kernels = compiled.begin().kernels.result()
print(json.dumps({"there": kernels is not None, "waited": waited, "compiled": time.perf_counter() - start}))
"""
LOADING = """
import time, torch
from dlcore.engines import compiled
start = time.perf_counter()
compiled.import_numba_alone()
compiled.kernels(patient=True)
print(time.perf_counter() - start)
"""


def run(quick: bool) -> str:
    """The table of goals."""
    compiles, waits, loads = [], [], []
    for _ in range(1 if quick else 5):
        with tempfile.TemporaryDirectory() as folder:
            told = json.loads(_python(STARTING, folder))
            if not told["there"]:
                return "Not measured: the compiled engine is not there."
            compiles.append(told["compiled"])
            waits.append(told["waited"])
            loads += [float(_python(LOADING, folder)) for _ in range(3)]
    first, later = median(compiles), median(loads)
    return goals(
        [
            Figure(
                "numba's first compile on a new machine, in the background",
                f"{COMPILE:g} s",
                f"{first:.1f} s; the first step, taken meanwhile, came after {1000 * median(waits):.0f} ms",
                first < COMPILE,
            ),
            Figure("later starts: the compiled code from the disk", f"{LOAD:g} s", f"{later:.2f} s", later < LOAD),
        ]
    )


def _python(program: str, folder: str) -> str:
    """What a new process prints that runs this program and keeps compiled code in this folder."""
    environment = {**os.environ, "NUMBA_CACHE_DIR": folder, "PYTHONPATH": str(ROOT)}
    return subprocess.run(
        [sys.executable, "-c", program], env=environment, cwd=ROOT, stdout=subprocess.PIPE, check=True, text=True
    ).stdout
