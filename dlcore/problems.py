"""What can go wrong, as one sentence each: where, what was expected, what came, what to do.

A problem travels as its key and values (JSON), so that the page can say it in the reader's language. Each package keeps the sentences
of its problems beside its code, one file a language: `locales/en.json`, `locales/zh_CN.json`, under the keys "problem.<key>".
"""

from __future__ import annotations

import json
import unicodedata
from pathlib import Path

LONGEST_VALUE = 64

#: Problem's key -> its sentence in English, with {placeholders} for the values.
TEMPLATES: dict[str, str] = {}
_PREFIX = "problem."


def text_files(folder: Path, language: str) -> list[Path]:
    """The files of this language in the packages below a folder."""
    return sorted(folder.rglob(f"locales/{language}.json"))


def texts_in(file: Path) -> dict[str, str]:
    """Key -> text, of one such file."""
    return json.loads(file.read_text(encoding="utf-8"))


def read_sentences(folder: Path) -> None:
    """Read the English of all problems below a folder. A package that raises problems of its own calls this once, when it is imported."""
    for file in text_files(folder, "en"):
        found = {key.removeprefix(_PREFIX): text for key, text in texts_in(file).items() if key.startswith(_PREFIX)}
        TEMPLATES.update(found)


# All at once: the serving process shows the problems of workers, whose packages (and torch) it never imports.
read_sentences(Path(__file__).parent)


def clean(text: str, longest: int = LONGEST_VALUE) -> str:
    """Untrusted text, safe to show: no control or bidirectional marks, at most 64 characters if nothing else is said."""
    shown = text
    if not text.isprintable():
        shown = "".join(c for c in text if unicodedata.category(c) not in ("Cc", "Cf", "Cs", "Co", "Cn"))
    return shown if len(shown) <= longest else shown[: longest - 1] + "…"


class Problem(ValueError):
    """One clear sentence about bad input or a failed run; `key` names it, `values` fill its placeholders."""

    def __init__(self, key: str, **values: str | int | float) -> None:
        self.key = key
        self.values = {name: _clean_value(name, value) for name, value in values.items()}
        super().__init__(TEMPLATES[key].format(**self.values))

    def to_dict(self) -> dict[str, object]:
        """The form that travels: {"key", "values"}."""
        return {"key": self.key, "values": self.values}

    def __reduce__(self):
        return _rebuild, (self.key, self.values)


def _rebuild(key: str, values: dict[str, str | int | float]) -> Problem:
    return Problem(key, **values)


def _clean_value(name: str, value: str | int | float) -> str | int | float:
    # "expected" is our own text (lists of kinds); all else may hold what a stranger typed.
    return clean(value) if isinstance(value, str) and name not in ("expected", "detail") else value
