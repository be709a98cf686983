"""One term for one thing: docs/glossary.md says which, and every message in every catalogue keeps to it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from ui.messages import catalogue

GLOSSARY = (Path(__file__).parent.parent / "docs" / "glossary.md").read_text(encoding="utf-8")
ROWS = [
    tuple(cell.strip() for cell in line.strip("|").split("|")) for line in GLOSSARY.splitlines() if line[:2] == "| "
][1:]


def test_the_table_has_terms() -> None:
    assert len(ROWS) > 15 and all(len(row) == 3 and all(row) for row in ROWS)


@pytest.mark.parametrize(("english", "chinese", "variants"), ROWS, ids=[row[0] for row in ROWS])
def test_a_term_is_used_wherever_english_has_it_and_no_variant_anywhere(
    english: str, chinese: str, variants: str
) -> None:
    messages, others = catalogue("en"), catalogue("zh_CN")
    word = re.compile(rf"\b{english}s?\b", re.IGNORECASE if english.islower() else 0)
    plain = {key: re.sub(r"\{\w+\}", "", message) for key, message in messages.items()}
    using = [key for key, message in plain.items() if word.search(message)]
    assert using
    assert [key for key in using if chinese not in others[key]] == []
    for variant in variants.split(", "):
        assert [key for key, message in others.items() if re.search(variant, message)] == []
