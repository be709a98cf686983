"""Many seeds of one recipe in one pass: each has its own weights, optimizer and order of rows, and its own lane in every vector.

A pack is eight seeds. Every array of activations is (units, R, 8) for R rows of a batch, every array of parameters (P, 8): a vector of the
processor is the same number of eight networks, so that no unit is too few to fill it. A pack's weights, memory and activations stay in the
fastest cache while it takes all the steps of a slice. Compiled apart from the other kernels, as few processes need it: compiled.many.
"""

from dlcore.engines.kernels.many import orders, steps

__all__ = ["orders", "steps"]
