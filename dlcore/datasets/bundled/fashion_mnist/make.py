"""Draws the 3,000 bundled pictures of Fashion-MNIST: `python -m dlcore.datasets.bundled.fashion_mnist.make`.

They come from all 70,000 (Xiao et al., 2017), which Debian's package `dataset-fashion-mnist` holds.
"""

from __future__ import annotations

import gzip
import tempfile
from pathlib import Path

import numpy as np

from dlcore.datasets.bundled.drawing import check, draw_balanced, run, write

PACKAGE = "dataset-fashion-mnist"
SHA256 = "39e172fe32dd318ebb3e512220c3beea2fa47d7e20bab348fb4e0922d6beefc0"
FOLDER = "usr/share/datasets/fashion-mnist"
EACH = 300


def read_package(folder: Path) -> tuple[np.ndarray, np.ndarray]:
    """(70000, 784) and (70000,) of the unpacked package: the training pictures, then the test pictures, in MNIST's own format."""

    def read(name: str, header: int) -> np.ndarray:
        return np.frombuffer(
            gzip.decompress((folder / FOLDER / f"{name}-ubyte.gz").read_bytes()), np.uint8, offset=header
        )

    parts = ("train", "t10k")
    X = np.concatenate([read(f"{part}-images-idx3", 16).reshape(-1, 784) for part in parts])
    return X, np.concatenate([read(f"{part}-labels-idx1", 8) for part in parts])


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        run("apt-get", "download", PACKAGE, folder=folder)
        (file,) = folder.glob("*.deb")
        run("dpkg-deb", "-x", check(file, SHA256).name, ".", folder=folder)
        X, y = read_package(folder)
    write(Path(__file__).parent, *draw_balanced(X, y, EACH))


if __name__ == "__main__":
    main()
