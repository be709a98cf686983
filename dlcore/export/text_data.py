"""Texts in an exported script: data.csv is read, split into tokens by our own rule, and the vocabulary is that of the training rows."""

from __future__ import annotations

import ast
import inspect
from types import ModuleType

from dlcore import spreadsheet
from dlcore.datasets import tokens
from dlcore.datasets.texts import TextDataset
from dlcore.export.own_data import write_list, write_reading
from dlcore.export.source import first_line, function_text

VOCABULARY = """\
# The last tokens of each text, and the most frequent ones of the training rows.
tokens = [split_tokens(plain_text(row[0]))[-{length}:] for row in rows]
counts = Counter(token for row in np.flatnonzero(train) for token in tokens[row])
ids = {{token: number for number, (token, _) in enumerate(counts.most_common({most}), {first})}}
# {padding} is padding before a short text, {unknown} any token that is not in the vocabulary.
X = np.zeros((len(rows), {length}), dtype=np.float32)
for x, found in zip(X, tokens):
    if found:
        x[-len(found) :] = [ids.get(token, {unknown}) for token in found]
"""


def write_texts_part(dataset: TextDataset, parts: tuple[str, ...]) -> list[str]:
    """Lines that make X, the rows of the parts and y of data.csv."""
    first = tokens.FIRST
    vocabulary = VOCABULARY.format(
        length=dataset.length, most=dataset.size - first, first=first, padding=tokens.PADDING, unknown=tokens.UNKNOWN
    )
    rule = ("INVISIBLE",) if dataset.tokens == "characters" else ("LONGEST_TOKEN", "INVISIBLE", "HAN", "LETTER", "WORD")
    split = function_text(
        tokens.split_tokens, "split_tokens", first_line(tokens.split_tokens), {"unit": dataset.tokens}
    )
    plain = function_text(
        spreadsheet.plain_text, "plain_text", "The text of a cell, as it was before it was made safe."
    )
    return [
        write_reading(parts),
        "\n".join([*constants(spreadsheet, ("FORMULA",)), *constants(tokens, rule)]),
        plain,
        split,
        vocabulary,
        "\n".join(
            [*write_list("classes = ", dataset.classes, ""), "y = np.array([classes.index(row[-2]) for row in rows])"]
        ),
    ]


def constants(module: ModuleType, names: tuple[str, ...]) -> list[str]:
    """The lines of the module's source that give these names their values."""
    source = inspect.getsource(module)
    found = {
        node.targets[0].id: ast.get_source_segment(source, node) or ""
        for node in ast.parse(source).body
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name)
    }
    return [found[name] for name in names]
