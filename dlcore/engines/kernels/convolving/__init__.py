"""Stacks of convolution, pooling and dense layers: training steps and scores, by the methods of the kernels for dense stacks.

Sixteen rows go through the stack at a time, those of a larger batch one lot after the other, so that what they leave behind stays in
the cache. Every array of activations is (values, 16): a map is (C, H, W, 16), which flattened is what a dense layer reads. Where a
window stands and what it covers are tables of places, so that stride and padding cost nothing in the loops. Compiled apart from the
other kernels, as only runs over pictures need it.
"""

from dlcore.engines.kernels.convolving import steps, table

__all__ = ["steps", "table"]
