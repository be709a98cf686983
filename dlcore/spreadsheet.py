"""Cells that a spreadsheet opens as text and does not run."""

from __future__ import annotations

#: Signs with which a spreadsheet takes a text for a formula (OWASP, CSV injection).
FORMULA = ("=", "+", "-", "@", "＝", "＋", "－", "＠", "\t", "\r", "\n")


def safe_cell(text: str) -> str:
    """The text, with an apostrophe before it where a spreadsheet would run it; what reads as a number stays one (OWASP, CSV injection)."""
    return f"'{text}" if text.startswith(FORMULA) and not _is_number(text) else text


def safe_text(text: str) -> str:
    """A running text for a cell, from which `plain_text` gives it back: with one apostrophe more where a spreadsheet might run it."""
    return f"'{text}" if text.lstrip("'").startswith(FORMULA) else text


def plain_text(cell: str) -> str:
    """The text that `safe_text` made a cell of; a cell of another file as it is."""
    return cell[1:] if cell.startswith("'") and cell.lstrip("'").startswith(FORMULA) else cell


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return not set(text) & set("\t\r\n_")
