"""What using a Ray cluster costs: the same runs, watched alike, in processes of this machine and in actors on it."""

from __future__ import annotations

import asyncio
import importlib.util
import math
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from statistics import median

from benchmarks.tables import markdown
from dlcore.experiment import Experiment
from dlcore.layers import Dense
from dlcore.limits import Limits
from dlcore.runs.places.links import Places
from dlcore.runs.places.process import Processes
from dlcore.runs.places.ray import Cluster
from dlcore.runs.server.pool import Pool

WORKERS, RUNS = 2, 15
FRAMES = 20.0  # frames a second that each viewer asks for, at most
EXPERIMENT = Experiment(layers=(Dense(units=8), Dense(units=8)))
LONGEST_START = 120.0  # seconds


@dataclass
class Watched:
    """What was measured of the runs in one kind of place, over all rounds."""

    first_frames: list[float] = field(default_factory=list)  # seconds from `create`
    answers: list[float] = field(default_factory=list)  # seconds until a question that needs no training was answered
    delays: list[float] = field(default_factory=list)  # seconds from asking for a frame to having it
    frames: list[float] = field(default_factory=list)  # frames a second, of each viewer


def run(quick: bool) -> str:
    """The table, with a note if a kind of place cannot be measured here."""
    if importlib.util.find_spec("ray") is None:
        return "Not measured: Ray is not installed (pip install -r requirements-ray.txt)."
    return compare_places({"processes": Processes(), "Ray, a cluster of our own": Cluster()}, quick)


def compare_places(kinds: dict[str, Places], quick: bool) -> str:
    """The table of these kinds of places, measured in turn."""
    rounds, seconds = (1, 3.0) if quick else (5, 10.0)
    with tempfile.TemporaryDirectory() as folder:
        limits = replace(Limits(), workers=WORKERS, heavy_workers=0, shelf=Path(folder))
        seen = {name: Watched() for name in kinds}
        with _pools(kinds, limits) as pools:
            for _ in range(rounds):
                for name, pool in pools.items():
                    asyncio.run(_watch(pool, seconds, seen[name]))
    rows = [
        ("create to first frame, median", *(f"{1000 * median(w.first_frames):.0f} ms" for w in seen.values())),
        ("frames/s of each viewer, median", *(f"{median(w.frames):.1f}" for w in seen.values())),
        ("frame delay, p50 / p95", *(_pair(w.delays) for w in seen.values())),
        ("answer to a question, p50 / p95", *(_pair(w.answers) for w in seen.values())),
    ]
    said = f"{RUNS} runs of 2-8-8-1 play in {WORKERS} workers, each watched at up to {FRAMES:g} frames/s; rounds: {rounds}."
    return f"{said}\n\n{markdown(['', *kinds], rows)}"


@contextmanager
def _pools(kinds: dict[str, Places], limits: Limits) -> Iterator[dict[str, Pool]]:
    pools = {name: Pool(places=places, limits=limits) for name, places in kinds.items()}
    try:
        for name, pool in pools.items():
            pool.start()
            end = time.monotonic() + LONGEST_START
            while not pool.warm:
                if time.monotonic() > end:
                    raise RuntimeError(f"no workers within {LONGEST_START:g} s: {name}")
                time.sleep(0.1)
        yield pools
    finally:
        for pool in pools.values():
            pool.stop()


async def _watch(pool: Pool, seconds: float, seen: Watched) -> None:
    """One round: runs are created one after the other, then all play and are watched together."""
    tokens = []
    for seed in range(RUNS):
        started = time.perf_counter()
        tokens.append(pool.create(EXPERIMENT.replace(seed=seed).to_json(), "cpu"))
        await pool.call_async(tokens[-1], "frame")
        seen.first_frames.append(time.perf_counter() - started)
    for token in tokens:
        await pool.call_async(token, "play")
    end = time.perf_counter() + seconds
    await asyncio.gather(
        *(_view(pool, token, end, seconds, seen) for token in tokens), _ask(pool, tokens[0], end, seen)
    )
    for token in tokens:
        pool.close(token)


async def _view(pool: Pool, token: str, end: float, seconds: float, seen: Watched) -> None:
    count, version = 0, None
    while (asked := time.perf_counter()) < end:
        header, _ = await pool.call_async(token, "frame", version=version)
        version = header["version"]
        seen.delays.append(time.perf_counter() - asked)
        count += 1
        await asyncio.sleep(max(0.0, asked + 1 / FRAMES - time.perf_counter()))
    seen.frames.append(count / seconds)


async def _ask(pool: Pool, token: str, end: float, seen: Watched) -> None:
    while (asked := time.perf_counter()) < end:
        await pool.call_async(token, "standing")
        seen.answers.append(time.perf_counter() - asked)
        await asyncio.sleep(0.05)


def _pair(values: list[float]) -> str:
    return f"{1000 * median(values):.1f} / {1000 * sorted(values)[math.ceil(0.95 * len(values)) - 1]:.1f} ms"
