"""How much of a table is read, and how little is not enough."""

from __future__ import annotations

MOST_ROWS = 100_000
LEAST_ROWS = 10  # Fewer cannot be both learned from and tested on.
MOST_COLUMNS = 200
MOST_CLASSES = 20
MOST_CATEGORIES = 30  # Of one input: only the most frequent ones are told apart.
MOST_VALUES = 1000  # Different values of a text column that are kept in the store.
LONGEST_TEXT = 10_000  # Characters of a text that is read token by token; what comes before its last ones is cut off.
MOST_CHARACTERS = 10_000_000  # Of all texts together that are read token by token.
LONGEST_CELL = 64  # Characters of a value; the rest is cut off.
LARGEST_NUMBER = 1e30  # What is larger counts as missing: networks compute in float32, which ends at 3.4e38.
PREVIEW_ROWS = 20
QUICK_CELLS = 1_000_000  # Cells of a table whose profile takes a second or two.
FIRST_LOOK = 1 << 16  # Characters from which the layout of a text is detected.
