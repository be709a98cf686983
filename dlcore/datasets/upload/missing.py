"""What stands for a missing value: marks that mean nothing else, and words that may mean it or be a value like the others."""

from __future__ import annotations

import pyarrow as pa

from dlcore.datasets.upload.arrow import compute as pc

#: No value of any column: marks of programs, and the question mark of the UCI repository.
MISSING = frozenset({
    "", "#N/A", "#N/A N/A", "#NA", "-1.#IND", "-1.#QNAN", "-NaN", "-nan", "1.#IND", "1.#QNAN", "<NA>", "NaN", "nan", "?",
    "#DIV/0!", "#VALUE!", "#REF!", "#NUM!", "#NAME?", "NaT",
})  # fmt: skip
#: Words that pandas takes for missing: None may also be how severe something is, NA a continent.
USUAL = frozenset({"N/A", "NA", "NULL", "None", "n/a", "null"})
#: All that is missing wherever nothing speaks for a value.
MARKS = MISSING | USUAL
#: Words and signs that may mean missing, in small letters.
DOUBTFUL = frozenset({
    "n/a", "na", "null", "none", "n.a.", "n.a", "nil", "unknown", "not known", "not available", "missing", "no data", "no answer",
    "-", "--", "---", "–", "—", ".", "..", "...", "…", "缺失", "缺失值", "缺", "未知", "不详", "无", "无数据", "暂无", "空",
})  # fmt: skip
#: Those of the words and signs that people write for "nothing" among numbers, where they are not worth a finding.
PLAIN_AMONG_NUMBERS = USUAL | {"-", "--", "–", "—", "."}
FREQUENT = 0.1  # Share of the cells from which such a word is asked about.
_MARKS = pa.array(sorted(MISSING))
_DOUBTFUL = pa.array(sorted(DOUBTFUL))


def without_marks(texts: pa.Array) -> pa.Array:
    """The texts without blanks at their ends; null where the value is missing."""
    trimmed = pc.utf8_trim_whitespace(texts)
    return pc.if_else(pc.is_in(trimmed, value_set=_MARKS), pa.scalar(None, trimmed.type), trimmed)


def find_doubtful(words: pa.Array) -> pa.Array:
    """Which of these words may mean that the value is missing."""
    return pc.is_in(pc.utf8_lower(words), value_set=_DOUBTFUL)
