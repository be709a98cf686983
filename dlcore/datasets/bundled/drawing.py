"""How the bundled pictures were drawn from a whole set, so that anybody can draw them again.  N pictures, K classes, D pixels."""

from __future__ import annotations

import hashlib
import subprocess
from pathlib import Path

import numpy as np

SEED = 16
ROWS = "rows.npz"


def run(*command: str, folder: Path) -> None:
    """Run a package manager's command in this folder."""
    subprocess.run(command, cwd=folder, check=True, stdout=subprocess.DEVNULL)


def check(file: Path, sha256: str) -> Path:
    """The file, if it is the one that the bundled rows were made from."""
    if hashlib.sha256(file.read_bytes()).hexdigest() != sha256:
        raise SystemExit(f"{file.name} is another file than the bundled rows were made from.")
    return file


def draw_balanced(X: np.ndarray, y: np.ndarray, each: int) -> tuple[np.ndarray, np.ndarray]:
    """So many pictures of each class, drawn by a fixed seed from X (N, D) and y (N,), the classes in turn: 0, 1, 2, ..., 0, 1, 2, ...

    Of pictures that are equal only the first counts, whatever their classes: else one could stand in two parts of a split.
    """
    _, first = np.unique(X, axis=0, return_index=True)
    first.sort()
    X, y = X[first], y[first]
    generator = np.random.default_rng(SEED)
    drawn = [generator.permutation(np.flatnonzero(y == label))[:each] for label in np.unique(y)]
    rows = np.stack(drawn, axis=1).reshape(-1)  # (each, K), line by line
    return X[rows], y[rows]


def write(folder: Path, X: np.ndarray, y: np.ndarray) -> None:
    """Write pictures and classes as bytes."""
    np.savez_compressed(folder / ROWS, X=X.astype(np.uint8), y=y.astype(np.uint8))
