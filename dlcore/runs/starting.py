"""What a process does before it is a worker, or the nursery (a process from which workers are forked): imports, memory, a first step."""

from __future__ import annotations

import resource
from pathlib import Path

import torch

from dlcore.engines import compiled
from dlcore.experiment import Experiment
from dlcore.libraries import room_for_libraries, take_buffers
from dlcore.limits import Limits
from dlcore.runs.run import Run


def begin_alone() -> None:
    """Do what is needed once, whether this process is a worker itself or the nursery."""
    compiled.import_numba_alone()
    torch.set_num_threads(1)
    take_buffers()


def warm_up() -> None:
    """Take a step and draw a frame, as the first ones of a process are slow and nobody waits yet."""
    run = Run(Experiment().to_json(), "cpu")
    run.step()
    run.frame(None, None, 0)


def limit_memory() -> None:
    """Limit the process's memory: an allocation beyond it fails, and with it one run only. (Not with CUDA, which reserves far more.)"""
    if torch.cuda.is_available() or not Path("/proc/self/statm").exists():
        return
    baseline = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (baseline + (Limits.from_environment().memory_mb << 20), hard))


def import_transformers() -> None:
    """Import the libraries that prepare tables, which takes seconds, before the first table comes."""
    with room_for_libraries():
        import sklearn.impute
        import sklearn.preprocessing  # noqa: F401
