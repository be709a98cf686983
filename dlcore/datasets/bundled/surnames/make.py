"""Makes surnames.txt.gz: surnames in eleven languages that write Latin letters.

    pip download --no-deps faker==40.63.0 && unzip faker-*.whl -d faker
    python make.py faker/faker/providers/person

A line of the file is a language, a tab and a name. The lists are read from the source, which is not run. Names that stand in the lists of
several languages are left out: nobody could tell of which they are.
"""

from __future__ import annotations

import ast
import gzip
import random
import sys
import unicodedata
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

LOCALES = {
    "en_US": "English", "de_DE": "German", "nl_NL": "Dutch", "sv_SE": "Swedish", "fi_FI": "Finnish", "et_EE": "Estonian",
    "fr_FR": "French", "it_IT": "Italian", "es_ES": "Spanish", "ga_IE": "Irish", "hr_HR": "Croatian",
}  # fmt: skip


def surnames(source: str) -> Iterator[str]:
    """The texts in everything that the source calls last_names."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Assign | ast.AnnAssign):
            target = node.targets[0] if isinstance(node, ast.Assign) else node.target
            if isinstance(target, ast.Name) and target.id.startswith("last_names") and node.value is not None:
                for leaf in ast.walk(node.value):
                    if isinstance(leaf, ast.Constant) and isinstance(leaf.value, str):
                        yield unicodedata.normalize("NFC", leaf.value.strip())


def plain(name: str) -> str:
    """The letters of a name, without capitals: what is equal then is the same."""
    return "".join(letter for letter in name.casefold() if letter.isalpha())


def main() -> None:
    names: dict[str, dict[str, str]] = {}
    for locale, language in LOCALES.items():
        source = (Path(sys.argv[1]) / locale / "__init__.py").read_text(encoding="utf-8")
        names[language] = {plain(name): name for name in surnames(source)}
    owners = Counter(name for of_one in names.values() for name in of_one)
    rows = [(language, name) for language, of_one in names.items() for key, name in of_one.items() if owners[key] == 1]
    random.Random(1).shuffle(rows)
    text = "".join(f"{language}\t{name}\n" for language, name in rows)
    target = Path(__file__).with_name("surnames.txt.gz")
    target.write_bytes(gzip.compress(text.encode(), compresslevel=9, mtime=0))


if __name__ == "__main__":
    main()
