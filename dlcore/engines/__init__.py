"""How steps are taken: autograd.py (any stack of ours, any device), dense.py (dense stacks on the CPU, by the compiled kernel.py)."""
