"""The colours of classes where there is no page to ask: those of its light theme."""

from __future__ import annotations

#: Class 0 or negative is orange, class 1 or positive is blue; after ten colours they repeat.
CLASS_COLOURS = (
    "#f59322", "#0877bd", "#23ad84", "#c03b88", "#a28003", "#6933a2", "#9a3d22", "#22b5c9", "#7b8190", "#6fae2b",
)  # fmt: skip
