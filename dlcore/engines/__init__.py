"""How steps are taken: autograd.py (any stack, any device), dense.py and many.py (dense stacks on the CPU, by the compiled kernels)."""
