"""Runs: trainers living in worker processes, told to play, pause, step. The one room that knows processes."""

DEFAULT_SPEED = 1000.0  # Updates a second of a new run: lively, and leaves a shared machine room for others.
NICENESS = 15  # Of workers: the server, which answers people, comes first, ...
HEAVY_NICENESS = 19  # ... and who waits for a small network before who waits for a large one.
