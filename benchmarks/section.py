"""python -m benchmarks.section NAME [--quick] [--hours H]: the Markdown of one benchmark, and what it was measured on.

Each benchmark runs in a process of its own, so that its imports, threads and processor settings do not affect the next one.
"""

from __future__ import annotations

import argparse
import importlib
import time

from benchmarks.tables import machine


def main() -> None:
    """Print it."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.section")
    parser.add_argument("name", help="a module of this package with `run(quick) -> str`")
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--hours", type=float)
    asked = parser.parse_args()
    options = {} if asked.hours is None else {"hours": asked.hours}
    print(importlib.import_module(f"benchmarks.{asked.name}").run(asked.quick, **options))
    print(f"\nMeasured {time.strftime('%Y-%m-%d')}{' with --quick' if asked.quick else ''}: {machine()}.")


if __name__ == "__main__":
    main()
