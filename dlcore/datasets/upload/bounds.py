"""How much of a table is read, and how little is not enough."""

from __future__ import annotations

MOST_ROWS = 100_000
LEAST_ROWS = 10  # Fewer cannot be both learned from and tested on.
MOST_COLUMNS = 200
MOST_CLASSES = 20
MOST_CATEGORIES = 30  # Of one input; the most frequent ones are told apart.
MOST_VALUES = 1000  # Of a text column that are kept in the store.
LONGEST_CELL = 64  # Characters of a value; the rest is cut off.
LARGEST_NUMBER = 1e30  # Its square is still a float32 of half the size: what is larger counts as missing.
PREVIEW_ROWS = 20
QUICK_CELLS = 1_000_000  # Whose profile is found in a second or two.
FIRST_LOOK = 1 << 16  # Characters on which the form of a text is judged.
