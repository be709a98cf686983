"""The serving process: which worker has which run, seen to be alive, moved, put away and brought back."""
