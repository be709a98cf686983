"""What stands for a missing value: the marks that pandas knows, and the question mark of the UCI repository."""

from __future__ import annotations

import pyarrow as pa

from dlcore.datasets.upload.arrow import compute as pc

MISSING = frozenset({
    "", "#N/A", "#N/A N/A", "#NA", "-1.#IND", "-1.#QNAN", "-NaN", "-nan", "1.#IND", "1.#QNAN", "<NA>", "N/A", "NA", "NULL",
    "NaN", "None", "n/a", "nan", "null", "?", "#DIV/0!", "#VALUE!", "#REF!", "#NUM!", "#NAME?", "NaT",
})  # fmt: skip
_MARKS = pa.array(sorted(MISSING))


def without_marks(texts: pa.Array) -> pa.Array:
    """The texts without blanks at their ends; null where the value is missing."""
    trimmed = pc.utf8_trim_whitespace(texts)
    return pc.if_else(pc.is_in(trimmed, value_set=_MARKS), pa.scalar(None, trimmed.type), trimmed)
