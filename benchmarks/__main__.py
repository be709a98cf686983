"""python -m benchmarks [NAME] [--quick]"""

from __future__ import annotations

import argparse
import importlib

from benchmarks.tables import machine

# Each is a module of this package with `run(quick) -> str`, the Markdown to print.
BENCHMARKS = ("learning", "reference", "steps", "page", "canvas")


def main() -> None:
    """Print the tables of one benchmark, or of all."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="Prints Markdown tables.")
    parser.add_argument("name", nargs="?", choices=BENCHMARKS, help="one benchmark; without it all of them")
    parser.add_argument(
        "--quick", action="store_true", help="a glance: fewer seeds, epochs and rounds; the figures are rough"
    )
    asked = parser.parse_args()
    print(f"{machine()}{', --quick' if asked.quick else ''}")
    for name in [asked.name] if asked.name else BENCHMARKS:
        module = importlib.import_module(f"benchmarks.{name}")
        print(f"\n## {name}\n\n{module.run(asked.quick)}", flush=True)


if __name__ == "__main__":
    main()
