"""What the tests of judging share: checkpoints of quick runs, tables of their own making, and what a job answers."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from dlcore import Experiment, Problem, Trainer
from dlcore.checkpoint import save_checkpoint
from dlcore.datasets import store

Job = Callable[..., tuple[dict[str, Any], bytes]]


def trained(recipe: dict[str, Any], epochs: int = 5) -> Trainer:
    trainer = Trainer(Experiment.from_dict(recipe), device="cpu")
    while trainer.epoch < epochs:
        trainer.advance()
    return trainer


def saved(trainer: Trainer) -> bytes:
    return save_checkpoint(trainer.snapshot(), trainer.data)


def answer(job: Job, payload: bytes, **arguments: Any) -> dict[str, Any]:
    """What the job says, which must be JSON with finite numbers only."""
    found, content = job(arguments, payload, lambda share, partial: None)
    assert content == b""
    return json.loads(json.dumps(found, allow_nan=False))


def refused(job: Job, payload: bytes, **arguments: Any) -> str:
    with pytest.raises(Problem) as caught:
        job(arguments, payload, lambda share, partial: None)
    return caught.value.key


def table_of(target: np.ndarray, classes: tuple[str, ...] = (), **columns: Any) -> dict[str, Any]:
    """A recipe's part for these rows, kept in the store: arrays of numbers, or (kind, what the recipe says, values) of another column."""
    described: list[dict[str, Any]] = []
    parts: list[dict[str, Any]] = []
    arrays: dict[str, np.ndarray] = {}
    for name, column in columns.items():
        kind, part, values = column if isinstance(column, tuple) else ("number", {}, np.asarray(column, np.float64))
        arrays[f"c{len(described)}"] = values
        described.append({"name": name, "kind": kind, **({"values": part["all"]} if "all" in part else {})})
        parts.append({"kind": kind, "name": name, **{key: value for key, value in part.items() if key != "all"}})
    arrays[f"c{len(described)}"] = target.astype(np.int32 if classes else np.float64)
    described.append(
        {"name": "target", "kind": "category", "values": list(classes)}
        if classes
        else {"name": "target", "kind": "number"}
    )
    facts = {"form": "table 1", "name": "test.csv", "rows": len(target), "columns": described}
    return {
        "kind": "table", "digest": store.put_table(facts, arrays), "name": "test.csv", "rows": len(target),
        "target": "target", "classes": list(classes), "columns": parts,
    }  # fmt: skip
