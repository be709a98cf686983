"""Columns of words: categories, ids or text, with the words that may mean missing and the spellings that may mean the same."""

from __future__ import annotations

import unicodedata

import numpy as np
import pyarrow as pa

from dlcore.datasets.columns import MOST_MARKS
from dlcore.datasets.upload.arrow import compute as pc
from dlcore.datasets.upload.bounds import MOST_CLASSES, MOST_VALUES
from dlcore.datasets.upload.cells import Finding, finding
from dlcore.datasets.upload.column import Column, Kind, Mark, Said
from dlcore.datasets.upload.missing import FREQUENT, USUAL, find_doubtful

FEW_WORDS = 0.1  # Share of values with a blank up to which they are codes, not sentences.


def make_word_column(
    name: str, cells: pa.Array, said: Said, kind: Kind | None = None, reason: str = "chosen"
) -> Column:
    """A column of words, of the given kind, or else of the kind that the number of different words suggests."""
    if not pa.types.is_string(cells.type):
        return Column(name, kind or "text", reason, cells, said=said)
    marks = _find_doubtful_marks(cells, said)
    gone = pa.array([mark.text for mark in marks if mark.is_missing], pa.string())
    if len(gone):
        cells = pc.if_else(pc.is_in(cells, value_set=gone), pa.scalar(None, cells.type), cells)
    if kind is None:
        kind, reason = _find_kind(cells)
    if kind != "category":
        return Column(name, kind, reason, cells, said=said)
    findings = [] if said.missing is not None else [_describe_mark(name, mark, len(cells)) for mark in marks]
    spellings = _find_near_equal(cells)
    if spellings and said.is_joined:
        cells = _join_spellings(cells, spellings)
    elif spellings:
        listed = "; ".join(", ".join(each) for each in spellings[:3])
        findings.append(finding("found_near_equal", "warning", column=name, spellings=listed))
    return Column(
        name, kind, reason, cells, findings=tuple(findings), marks=tuple(marks[:MOST_MARKS]), spellings=spellings, said=said
    )  # fmt: skip


def _find_kind(cells: pa.Array) -> tuple[Kind, str]:
    rows = len(cells) - cells.null_count
    distinct = pc.count_distinct(cells, mode="only_valid").as_py()
    if not distinct:
        return "text", "empty"
    if distinct <= min(max(2, rows / 2), MOST_VALUES):
        return "category", "few_values"
    with_blanks = pc.mean(pc.cast(pc.match_substring(cells, " "), pa.float64())).as_py()
    if distinct > 0.95 * rows and with_blanks <= FEW_WORDS:
        return "id", "all_different"
    return "text", "many_values"


def _find_doubtful_marks(cells: pa.Array, said: Said) -> list[Mark]:
    """Words that may mean missing. If the owner has not said which do: those that pandas takes so, unless as frequent as a class."""
    counts = pc.value_counts(cells.drop_null())
    if not len(counts):
        return []
    words, rows = counts.field("values"), counts.field("counts").to_numpy(zero_copy_only=False)
    is_doubtful = find_doubtful(words).to_numpy(zero_copy_only=False).astype(bool)
    if said.missing is not None:
        is_doubtful |= pc.is_in(words, value_set=pa.array(said.missing, pa.string())).to_numpy(zero_copy_only=False)
    others = len(words) - int(is_doubtful.sum())
    marks = []
    for index in np.flatnonzero(is_doubtful):
        text, of_it = words[int(index)].as_py(), int(rows[index])
        if said.missing is not None:
            is_missing = text in said.missing
        else:
            as_usual = text in USUAL and (of_it < FREQUENT * rows.sum() or others > MOST_CLASSES)
            is_missing = as_usual or not others
        marks.append(Mark(text, of_it, bool(is_missing)))
    return marks


def _describe_mark(name: str, mark: Mark, rows: int) -> Finding:
    if mark.is_missing:
        return finding("found_word_missing", column=name, mark=mark.text, cells=mark.cells)
    severity = "warning" if mark.cells >= FREQUENT * rows else "notice"
    return finding("found_maybe_missing", severity, column=name, mark=mark.text, cells=mark.cells, of=rows)


def fold(text: str) -> str:
    """The text without differences in capitals, blanks and widths of letters, so that such spellings of one word become equal."""
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())


def _find_near_equal(cells: pa.Array) -> tuple[tuple[str, ...], ...]:
    """Words that are the same but for their spelling, the most frequent (of equals the first) before the others."""
    counts = pc.value_counts(cells.drop_null())
    if len(counts) > MOST_VALUES:
        return ()
    groups: dict[str, list[str]] = {}
    rows = dict(zip(counts.field("values").to_pylist(), counts.field("counts").to_pylist(), strict=True))
    for word in sorted(rows, key=lambda word: -rows[word]):
        groups.setdefault(fold(word), []).append(word)
    return tuple(tuple(each) for each in groups.values() if len(each) > 1)


def _join_spellings(cells: pa.Array, spellings: tuple[tuple[str, ...], ...]) -> pa.Array:
    first = {other: each[0] for each in spellings for other in each}
    encoded = cells.dictionary_encode()
    words = [first.get(word, word) for word in encoded.dictionary.to_pylist()]
    return pa.array(words, pa.string()).take(encoded.indices)
