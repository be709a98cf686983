"""How long an ONNX file takes, the first time in a process, which loads what writes it, and the next times."""

from __future__ import annotations

import subprocess
import sys
from statistics import median

from benchmarks.server import ROOT
from benchmarks.tables import markdown

#: What a desk does, in a process of its own. Prints the seconds of each export.
EXPORTING = """
import time
from dlcore import Experiment, Trainer
from dlcore.checkpoint import checkpoint_of
from dlcore.export import export
trainer = Trainer(Experiment.from_dict({recipe!r}), "cpu")
trainer.advance(10)
checkpoint = checkpoint_of(trainer.snapshot(), trainer.data)
for _ in range(3):
    start = time.perf_counter()
    export(checkpoint, "onnx")
    print(time.perf_counter() - start)
"""
RECIPES = {
    "2-4-2-1": {},
    "64-64-64-10 (digits)": {"dataset": {"kind": "digits"}, "layers": [{"kind": "dense", "units": 64}] * 2},
}


def run(quick: bool) -> str:
    """The table: medians of several processes."""
    rows = []
    for name, recipe in RECIPES.items():
        measured = [_export(recipe) for _ in range(1 if quick else 5)]
        first = median(seconds[0] for seconds in measured)
        later = median(second for seconds in measured for second in seconds[1:])
        rows.append((name, f"{first:.2f} s", f"{later:.2f} s"))
    return markdown(["network", "first export of a process", "later ones"], rows)


def _export(recipe: dict[str, object]) -> list[float]:
    command = [sys.executable, "-c", EXPORTING.format(recipe=recipe)]
    done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True)
    return [float(line) for line in done.stdout.split()]
