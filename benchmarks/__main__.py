"""python -m benchmarks [NAME ...] [--quick] [--keep]

Without a name all of them; that, and --keep, writes benchmarks/RESULTS.md.
"""

from __future__ import annotations

import argparse
import subprocess
import sys

from benchmarks.results import PATH, keep
from benchmarks.server import ROOT
from benchmarks.tables import joined_goals

# In this order: what needs a quiet machine most comes first.
BENCHMARKS = (
    "peers", "playground", "engine", "seeds", "start", "table", "alone", "wire", "classroom", "hostile", "soak", "learning", "fitting",
    "images", "sequences", "texts", "pictured", "reference", "first", "page", "canvas", "settings", "onnx_export", "ray",
)  # fmt: skip


def main() -> None:
    """Print the tables of the benchmarks that are asked for, or of all."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="Prints Markdown tables.")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(BENCHMARKS)}; without it all of them")
    parser.add_argument(
        "--quick", action="store_true", help="a glance: fewer rounds, shorter times; the figures are rough"
    )
    parser.add_argument("--keep", action="store_true", help=f"write the sections into {PATH.name}; always so for all")
    parser.add_argument("--hours", type=float, help="how long soak watches the memory; without it ten minutes")
    asked = parser.parse_args()
    if unknown := sorted({*asked.names} - {*BENCHMARKS}):
        parser.error(f"there is no benchmark {unknown[0]!r}; there are {', '.join(BENCHMARKS)}")
    if asked.hours is not None and asked.names != ["soak"]:
        parser.error("--hours belongs to soak alone: python -m benchmarks soak --hours 1")
    options = [*(["--quick"] if asked.quick else []), *([f"--hours={asked.hours}"] if asked.hours else [])]
    sections = {}
    for name in asked.names or BENCHMARKS:
        sections[name] = _section(name, options)
        print(f"## {name}\n\n{sections[name]}\n", flush=True)
    print(f"## All goals\n\n{joined_goals(sections.values())}")
    if asked.keep or not (asked.names or asked.quick):
        keep(sections, BENCHMARKS)


def _section(name: str, options: list[str]) -> str:
    command = [sys.executable, "-m", "benchmarks.section", name, *options]
    done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    return done.stdout.strip() if done.returncode == 0 else "Not measured: it failed, and what it said stands above."


if __name__ == "__main__":
    main()
