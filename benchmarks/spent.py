"""Where the processor's time goes: the server's into pages' scripts and its event loop, the workers' into what they count themselves.

The server's /metrics tells the scripts' and the workers' parts, the system all else. Parts that a worker tells once a second are up to a
second old.
"""

from __future__ import annotations

import os
import re
from collections import defaultdict
from pathlib import Path
from statistics import median
from time import thread_time

from benchmarks.server import TICKS, Server, children, cpu_seconds
from benchmarks.student import ask

SAMPLE = re.compile(r"^dlcore_(\w+)_seconds_total(?:\{.*\})? (\S+)$", re.MULTILINE)
OCCUPATIONS = ("training", "pictures", "changes", "keeping", "pipe", "rest")

Spent = defaultdict[str, float]


async def read_spent(server: Server) -> Spent:
    """Processor seconds so far of server, workers, this process (client), what it has started beside the server (browser), and all others.

    Those of server and workers also by what they went into.
    """
    _, metrics, _ = await ask(server.port, "GET", "/metrics")
    spent: Spent = defaultdict(float)
    for name, seconds in SAMPLE.findall(metrics.decode()):
        spent[name] += float(seconds)
    spent["server"] = cpu_seconds(server.pid)
    spent["loop"] = cpu_seconds_of_thread(server.pid)
    spent["workers"] = sum(map(cpu_seconds, server.workers()))
    spent["client"] = sum(os.times()[:2])
    spent["browser"] = sum(map(cpu_seconds, _below(os.getpid(), beside=server.pid)))
    ours = sum(map(cpu_seconds, server.processes())) + spent["client"] + spent["browser"]
    spent["others"] = _busy_seconds() - ours
    return spent


def cpu_seconds_of_thread(pid: int) -> float:
    """Processor time of a process's first thread, in which a server's event loop runs."""
    fields = Path(f"/proc/{pid}/task/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def share_of_cores(earlier: Spent, later: Spent, seconds: float) -> dict[str, float]:
    """Cores that each part kept busy between two readings."""
    return {name: (later[name] - earlier[name]) / seconds for name in [*later]}


def tell_server(shares: dict[str, float]) -> str:
    """What the server's time went into, in words."""
    rest = shares["server"] - shares["script"] - shares["loop"]
    return f"{shares['server']:.2f} (scripts {shares['script']:.2f}, event loop {shares['loop']:.2f}, other threads {rest:.2f})"


def tell_workers(shares: dict[str, float]) -> str:
    """What the workers' time went into, in words."""
    parts = ", ".join(f"{name} {shares[name]:.2f}" for name in OCCUPATIONS)
    others = shares["workers"] - sum(shares[name] for name in OCCUPATIONS)
    return f"{shares['workers']:.2f} ({parts}, other threads {max(others, 0.0):.2f})"


def find_scoring_share(recipe: dict[str, object], rounds: int = 200) -> float:
    """The scores' share of an epoch's time in the compiled kernels, which take steps and score all rows of both splits."""
    import numpy as np
    import torch

    from dlcore import Experiment, Trainer

    torch.set_num_threads(1)
    trainer = Trainer(Experiment.from_dict(recipe), "cpu", engine="dense")
    dense = trainer.supervised.dense_engine(patient=True)
    assert dense is not None
    rates, order = np.full(trainer.steps_per_epoch, trainer.learning_rate), trainer.order.numpy()
    steps, scores = [], []
    for _ in range(rounds):
        begin = thread_time()
        dense.take(rates, order, 0)
        between = thread_time()
        dense.score()
        steps.append(between - begin)
        scores.append(thread_time() - between)
    return median(scores) / (median(scores) + median(steps))


def _busy_seconds() -> float:
    """Seconds for which the machine's processors have computed so far, whatever program for."""
    user, nice, system, _, _, interrupts, soft_interrupts = map(int, Path("/proc/stat").read_text().split()[1:8])
    return (user + nice + system + interrupts + soft_interrupts) / TICKS


def _below(pid: int, beside: int) -> list[int]:
    """All processes that this one has started, and they, but for `beside` and what that has started."""
    found = [child for child in children(pid) if child != beside]
    for one in found:
        found += children(one)
    return found
