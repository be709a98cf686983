"""A table's column of texts becomes texts in the store and a part of a recipe. N rows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from dlcore.datasets import store
from dlcore.datasets.own_texts import FORM, pack
from dlcore.datasets.texts import MOST_SIZE
from dlcore.datasets.tokens import FIRST, Unit, split_tokens
from dlcore.datasets.upload.bounds import LONGEST_TEXT, MOST_CHARACTERS
from dlcore.datasets.upload.question import Question
from dlcore.problems import Problem

USUAL_SIZE = 4000
FEW_WORDS = 2  # Texts of so many words, as names are, are read character by character.
COVERED = 95  # Percent of the texts that are read whole.
LENGTHS = (8, 16, 24, 32, 48, 64)

Part = dict[str, Any]


def import_texts(name: str, question: Question, reading: Part, public: bool) -> tuple[Part, int]:
    """The recipe's part "text", and how many rows without a target were left out. Raises Problem."""
    (column,) = question.inputs
    rows = np.flatnonzero(question.known)
    texts, codes = code_texts(column.cells.take(pa.array(rows)))
    characters = sum(map(len, texts))
    if characters > MOST_CHARACTERS:
        raise Problem("upload_too_much_text", column=column.name, came=characters, limit=MOST_CHARACTERS)
    arrays = {**pack(texts), "codes": codes.astype(np.int32), "y": question.y[rows].astype(np.int32)}
    target = {"name": question.target.name, "values": list(question.classes)}
    facts = {"form": FORM, "name": name, "rows": len(rows), "text": column.name, "target": target}
    reading_of_texts = propose_reading(column.name, texts)
    part = {
        "kind": "text",
        "digest": store.put_table(facts, arrays, public),
        "name": name,
        "rows": len(rows),
        "text": column.name,
        "target": question.target.name,
        "classes": list(question.classes),
        **reading_of_texts,
        "reading": reading,
    }
    return part, len(question.y) - len(rows)


def code_texts(cells: pa.Array) -> tuple[list[str], np.ndarray]:
    """The different texts of a column's cells, cut to their last LONGEST_TEXT characters, and for each row the place of its text.

    A cell without a value is an empty text.
    """
    if not pa.types.is_string(cells.type):
        cells = cells.cast(pa.string())
    encoded = cells.fill_null("").dictionary_encode()
    texts = [text[-LONGEST_TEXT:] for text in encoded.dictionary.to_pylist()]
    return texts, encoded.indices.to_numpy(zero_copy_only=False).astype(np.int64)


def propose_reading(column: str, texts: Sequence[str]) -> Part:
    """Into what these texts are split, how many tokens of each are read, and the size of the vocabulary. Raises Problem without a token."""
    words = [len(split_tokens(text, "words")) for text in texts if text.strip()]
    unit: Unit = "characters" if words and float(np.median(words)) <= FEW_WORDS else "words"
    tokens = [split_tokens(text, unit) for text in texts]
    different = {token for one in tokens for token in one}
    if not different:
        raise Problem("upload_no_tokens", column=column)
    covering = float(np.percentile([len(one) for one in tokens if one], COVERED))
    length = next((length for length in LENGTHS if length >= covering), LENGTHS[-1])
    return {"tokens": unit, "length": length, "size": min(len(different) + FIRST, USUAL_SIZE, MOST_SIZE)}
