"""Ready networks for pictures, found by trying (`python -m benchmarks images`): a small convolutional one, and dense ones beside it."""

from __future__ import annotations

from typing import Any

from dlcore.datasets.fitting import Fitting

LITTLE = 14  # pixels of the shorter side below which a picture is padded, and halved only once
LARGE = 40  # pixels of the shorter side from which it is halved three times
BATCH = 32
FLATTEN: dict[str, Any] = {"kind": "flatten"}
HALVED: dict[str, Any] = {"kind": "max_pool", "size": 2}
DROPOUT: dict[str, Any] = {"kind": "dropout", "p": 0.25}


def list_stacks(height: int, width: int, train_rows: int) -> dict[str, Fitting]:
    """The networks by name, for pictures of this size; the first one learns them best."""
    batch_size = min(BATCH, train_rows)
    side = min(height, width)
    if side < LITTLE:
        layers = (_convolve(8, padding=1), _convolve(16, padding=1), HALVED, FLATTEN, DROPOUT)
    else:
        channels = (8, 16, 32) if side >= LARGE else (8, 16)
        layers = (*(layer for each in channels for layer in (_convolve(each), HALVED)), FLATTEN, DROPOUT)
    rate = 0.01 if side < LITTLE else 0.005
    return {
        "small_cnn": Fitting(layers=layers, learning_rate=rate, batch_size=batch_size),
        "dense": Fitting((24, 12), "relu", learning_rate=rate, batch_size=batch_size),
        "dense_wide": Fitting((128,), "relu", learning_rate=0.001, batch_size=batch_size),
    }


def _convolve(channels: int, padding: int = 0) -> dict[str, Any]:
    return {"kind": "conv2d", "channels": channels, "kernel": 3, "padding": padding, "activation": {"kind": "relu"}}
