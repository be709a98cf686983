"""An uploaded table of 100,000 rows and 50 columns: how long its preview takes, and how fast frames come while a network trains on it."""

from __future__ import annotations

import json
import os
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from statistics import median
from typing import Any

import numpy as np

from benchmarks.server import proportional_megabytes
from benchmarks.tables import Figure, goals
from dlcore.datasets import store
from dlcore.desks.desks import Desks
from dlcore.experiment import Experiment
from dlcore.limits import Limits
from dlcore.runs.server.pool import Pool

ROWS, COLUMNS = 100_000, 50
PREVIEW, MEMORY, FRAMES = 3.0, 1024, 10  # seconds, MB, frames a second
ROUNDS, QUICK_ROUNDS = 5, 2
WATCHED, WARM_UP = 10.0, 3.0  # seconds of training
HIDDEN = 16
BATCH = 256
GLANCE = 0.05  # seconds between two measurements of memory
LIMITS = Limits(workers=1, heavy_workers=0, shelf_mb=0, hung_after=60.0)


def run(quick: bool) -> str:
    """The table of goals."""
    rounds = QUICK_ROUNDS if quick else ROUNDS
    with tempfile.TemporaryDirectory() as home:
        os.environ["DLCORE_TABLES"] = home
        contents = [table(seed) for seed in range(rounds + 1)]
        desks, pool = Desks(Limits()), Pool(limits=LIMITS, timeout=60.0)
        try:
            pool.start()
            while not pool.ready:
                time.sleep(0.1)
            with _watch(desks, pool) as held:
                looks, imports, part = _brought(desks, contents)
                frames, steps = _measure_training(pool, part, WATCHED / (2 if quick else 1))
        finally:
            desks.stop()
            pool.stop()
    size = f"{ROWS:,} x {COLUMNS} CSV ({len(contents[0]) / (1 << 20):.0f} MB)"
    figures = [
        Figure(
            f"{size}: from the bytes to the preview",
            f"{PREVIEW:g} s",
            f"{median(looks):.2f} s, then imported in {median(imports):.2f} s",
            median(looks) <= PREVIEW,
        ),
        Figure(
            f"{size}: peak memory of the desk that reads it and the worker that trains on it, together",
            f"{MEMORY} MB",
            f"{max(held):.0f} MB",
            max(held) < MEMORY,
        ),
        Figure(
            f"{size}: frames/s of a live run on it, {HIDDEN}-{HIDDEN} hidden units, batch {BATCH}",
            f"{FRAMES}",
            f"{frames:.0f}, at {steps:,.0f} steps/s",
            frames >= FRAMES,
        ),
    ]
    said = (
        f"Medians of {rounds} tables, each another one, in a warm desk: kept, read, typed, profiled. Frames come one after the other, "
        f"each made when the one before has arrived. Memory: proportional set sizes, looked at every {1000 * GLANCE:g} ms; "
        "the spare worker, which only waits, is not counted."
    )
    return f"{goals(figures)}\n\n{said}"


def table(seed: int) -> bytes:
    """A CSV of whole numbers and one-letter words, as more would not fit into 16 MB; two classes."""
    generator = np.random.default_rng(seed)
    cells = generator.integers(0, 100, (ROWS, COLUMNS)).astype(object)
    cells[:, 1] = generator.choice(list("abcde"), ROWS)
    cells[:, -1] = np.where(cells[:, 2] + generator.integers(0, 50, ROWS) > 75, "yes", "no")
    lines = [",".join(f"c{index}" for index in range(COLUMNS)), *(",".join(map(str, row)) for row in cells)]
    return "\n".join(lines).encode()


def _brought(desks: Desks, contents: list[bytes]) -> tuple[list[float], list[float], dict[str, Any]]:
    """Seconds of each preview and each import, and the recipe's part of the last one."""
    looks, imports, part = [], [], {}
    for content in contents:
        begin = time.perf_counter()
        digest = store.keep_upload(content)
        desks.ask("look", upload=digest, name="table.csv")
        looks.append(time.perf_counter() - begin)
        begin = time.perf_counter()
        part = desks.ask("import", upload=digest, name="table.csv")[0]["dataset"]
        imports.append(time.perf_counter() - begin)
    return looks[1:], imports[1:], part  # Without the first ones, which waited for the desk's imports.


def _measure_training(pool: Pool, part: dict[str, Any], seconds: float) -> tuple[float, float]:
    """Frames and steps a second of a run that plays as fast as it can."""
    layer = {"kind": "dense", "units": HIDDEN, "activation": {"kind": "relu"}}
    recipe = Experiment.from_dict(
        {
            "dataset": part,
            "test_fraction": 0.2,
            "layers": [layer, layer],
            "optimizer": {"kind": "adam"},
            "batch_size": BATCH,
        }
    )
    # The page does this when it shows the preview, which a person looks at for longer than this takes.
    pool.expect_tables()
    time.sleep(WARM_UP)
    token = pool.create(recipe.to_json())
    with pool.viewer(token):
        pool.call(token, "play")
        _frames(pool, token, WARM_UP)
        count, steps = _frames(pool, token, seconds)
    return count / seconds, steps / seconds


def _frames(pool: Pool, token: str, seconds: float) -> tuple[int, int]:
    """How many new frames came in this time, and how many steps they span."""
    count, version, steps = 0, -1, []
    end = time.perf_counter() + seconds
    while time.perf_counter() < end:
        header, frame = pool.call(token, "frame", version=version)
        version = header["version"]
        steps.append(_step(frame))
        count += 1
    return count, steps[-1] - steps[0]


def _step(frame: bytes) -> int:
    """The step in a frame's header, which is JSON after four bytes with its length."""
    length = int.from_bytes(frame[:4], "little")
    return json.loads(frame[4 : 4 + length])["step"]


@contextmanager
def _watch(desks: Desks, pool: Pool) -> Iterator[list[float]]:
    """Memory of the desks and of the run's worker together, in MB, measured every GLANCE seconds during the block."""
    held, over = [0.0], threading.Event()

    def watch() -> None:
        while not over.wait(GLANCE):
            reading, training = (
                [proportional_megabytes(int(name.split()[1])) for name in side.figures()["memory_bytes"]]
                for side in (desks, pool)
            )
            held.append(sum(reading) + max(training, default=0))

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        yield held
    finally:
        over.set()
        watcher.join()
