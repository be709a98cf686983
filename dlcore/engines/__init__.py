"""How steps are taken: autograd.py (any stack of ours, any device)."""
