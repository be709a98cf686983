"""The compiled kernels: training steps, scores and pictures of a stack of dense layers, by numba, without the interpreter lock.

They work in the memory of the module's own parameters, of their gradient and of the optimizer's state, so that the torch module is current
after every call. Importing this package loads their code from disk, or compiles it: only compiled.py does.

B rows of a batch, K units of a layer, D inputs of it, L lanes: rows side by side in memory, padded to whole vectors. Every array of
activations is (units, L): a vector then holds the same unit of sixteen rows.
"""

from dlcore.engines.kernels import numerics, passes, pictures, steps

__all__ = ["numerics", "passes", "pictures", "steps"]
