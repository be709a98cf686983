"""Runs: learners living in worker processes, told to play, pause, step. The one room that knows processes."""

DEFAULT_SPEED = 1000.0  # Updates a second of a new run: lively, and leaves a shared machine room for others.
