"""Which convolution is quicker on a CPU: oneDNN's, which torch takes by itself, or torch's plain one, which unfolds the picture.

oneDNN spends 0.2 ms on each call before it begins, which only large ones win back. Measured on one core, forward and backward, 3x3,
microseconds with and without it: 719 and 331 for ten rows of 1x28x28 to 8 channels, 542 and 785 for 24 rows of 8x8x8 to 16.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import nn

MOST_ROWS = 16  # of a batch
MOST_PRODUCTS = 3_000_000  # of the heaviest layer in a batch

_CONVOLUTIONS = (nn.Conv1d, nn.Conv2d, nn.Conv3d)


def count_heaviest_products(model: nn.Module, X_1D: torch.Tensor) -> int:
    """Products of the model's heaviest convolution for this one row; 0 where it has none, or oneDNN is quicker in any case."""
    convolutions = [module for module in model.modules() if isinstance(module, _CONVOLUTIONS)]
    if not convolutions or X_1D.device.type != "cpu" or any(isinstance(part, nn.RNNBase) for part in model.modules()):
        return 0
    products: list[int] = []

    def count(module: nn.Module, _: object, output: torch.Tensor) -> None:
        assert isinstance(module, _CONVOLUTIONS)
        products.append(output.numel() * module.weight[0].numel())

    hooks = [module.register_forward_hook(count) for module in convolutions]
    learning = model.training
    try:
        with torch.no_grad():
            model.eval()(X_1D)  # So that no dropout draws.
    finally:
        model.train(learning)
        for hook in hooks:
            hook.remove()
    return max(products)


@contextmanager
def take_quickest(products: int, rows: int) -> Iterator[None]:
    """Let torch take its plain convolution meanwhile, where a batch of so many rows of so many products is quicker with it.

    The choice is the process's own, not the thread's: two trainers in two threads can give each other other last digits.
    """
    if not products or rows >= MOST_ROWS or products * rows > MOST_PRODUCTS or not torch.backends.mkldnn.enabled:
        yield
        return
    torch.backends.mkldnn.enabled = False
    try:
        yield
    finally:
        torch.backends.mkldnn.enabled = True
