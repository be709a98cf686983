"""All that a report and a model card say about a run, gathered once, by the jobs that also serve the page Evaluate.

N rows, C raw columns.
"""

from __future__ import annotations

import csv
import importlib.metadata
import platform
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from dlcore.checkpoint import Checkpoint, open_checkpoint
from dlcore.class_weights import balanced_weights
from dlcore.evaluation import Judged, is_sealed, name_parts, open_judged, watched_name
from dlcore.evaluation.baselines import baselines
from dlcore.evaluation.guards import guards
from dlcore.evaluation.scores import evaluate
from dlcore.evaluation.whatif import Column, columns_of
from dlcore.experiment import MOST_EPOCHS, Experiment
from dlcore.export.words import Words
from dlcore.jobs import Progress

PROJECT = Path(__file__).parent.parent.parent / "pyproject.toml"
MADE_WITH = ("torch", "scikit-learn", "numpy")
MOST_POINTS = 400  # of a curve


@dataclass(frozen=True)
class Facts:
    """What is known of one trained network."""

    judged: Judged
    checkpoint: Checkpoint
    columns: tuple[Column, ...]
    parts: dict[str, dict[str, Any]]  # answers of "evaluate", by the parts that may be scored
    findings: list[dict[str, Any]]
    baselines: dict[str, Any]
    history: dict[str, list[float]]  # by column; empty where it was not at hand
    sealed: bool  # whether the test rows stay closed
    looks: int

    @property
    def experiment(self) -> Experiment:
        return self.checkpoint.experiment

    @property
    def watched(self) -> str:
        """test or validation."""
        return watched_name(self.judged)

    @property
    def shown(self) -> str:
        """The part that the figures show: the test rows if they may be looked at, else the watched rows."""
        return "test" if "test" in self.parts else self.watched

    def name(self, words: Words) -> str:
        """What the data are called."""
        dataset = self.experiment.dataset
        own = getattr(dataset, "name", "")
        return own or words.title(f"component.dataset.{dataset.kind}.title", dataset.title)

    @property
    def missing(self) -> list[int]:
        """(C) cells that are missing among the training rows."""
        return np.isnan(self.judged.train.split.raw).sum(axis=0).tolist()

    @property
    def pixels(self) -> tuple[int, int] | None:
        """Height and width, where rows are pictures."""
        picture = self.experiment.dataset.picture
        return None if picture is None else (picture.height, picture.width)

    @property
    def balance(self) -> list[tuple[str, int]]:
        """Training rows of each class."""
        names = self.judged.data.class_names
        counts = np.bincount(self.judged.train.split.y.astype(np.int64), minlength=len(names)) if names else []
        return [(name, int(count)) for name, count in zip(names, counts, strict=True)]

    @property
    def class_weights(self) -> list[float]:
        """What a training row of each class counted in the loss; empty where all counted the same."""
        if self.experiment.class_weights == "none":
            return []
        y_N = torch.from_numpy(self.judged.train.split.y)
        return balanced_weights(y_N, self.experiment.objective.num_classes).tolist()


def gather(arguments: dict[str, Any], payload: bytes, progress: Progress) -> Facts:
    """Gather the facts of a checkpoint. {"history": CSV, "looks": how often the test rows were opened, "unseal", "shut"}.

    "shut" keeps the test rows of a three-way split back even where the recipe does not seal them. Raises Problem.
    """
    judged, checkpoint = open_judged(payload), open_checkpoint(payload)
    unsealed = arguments.get("unseal") is True
    kept_back = is_sealed(judged) or (judged.final is not None and arguments.get("shut") is True)
    sealed = kept_back and not unsealed
    parts = {}
    for name in name_parts(judged):
        if name != "test" or not sealed:
            parts[name] = evaluate({"split": name, "unseal": unsealed}, payload, progress)[0]
    progress(0.3, {})
    findings = guards({}, payload, lambda share, _: progress(0.3 + 0.3 * share, {}))[0]["findings"]
    compared = baselines({}, payload, lambda share, _: progress(0.6 + 0.3 * share, {}))[0]
    return Facts(
        judged=judged,
        checkpoint=checkpoint,
        columns=columns_of(payload),
        parts=parts,
        findings=findings,
        baselines=compared,
        history=read_history(str(arguments.get("history") or ""), checkpoint.epoch),
        sealed=sealed,
        looks=max(0, int(arguments.get("looks") or 0)),
    )


def read_history(text: str, epoch: int) -> dict[str, list[float]]:
    """Columns of a run's history.csv up to this epoch, thinned to what a figure can show; empty for anything else."""
    lines = text.splitlines()[: MOST_EPOCHS + 2]
    try:
        rows = [[float(cell) for cell in row] for row in csv.reader(lines[1:]) if row]
        columns = np.array([row for row in rows if row[0] <= epoch], dtype=np.float64).T
    except ValueError:
        return {}
    names = lines[0].split(",") if lines else []
    if len(names) < 3 or len(names) != len(columns) or names[0] != "epoch":
        return {}
    shown = np.unique(np.linspace(0, columns.shape[1] - 1, min(MOST_POINTS, columns.shape[1])).round().astype(int))
    return {name: column[shown].tolist() for name, column in zip(names, columns, strict=True)}


def list_versions() -> dict[str, str]:
    """{name: version} of this program, of Python and of the libraries that the numbers come from."""
    found = {"dlcore": _find_own_version(), "Python": platform.python_version()}
    return found | {name: importlib.metadata.version(name) for name in MADE_WITH}


def _find_own_version() -> str:
    if PROJECT.exists():  # Not installed, but run from its folder, as the README says.
        return tomllib.loads(PROJECT.read_text(encoding="utf-8"))["project"]["version"]
    return importlib.metadata.version("neural-network-playground")
