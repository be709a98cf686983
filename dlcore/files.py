"""Files from a stranger: bytes and text, in bounds."""

from __future__ import annotations

from pathlib import Path

from dlcore.problems import Problem

LARGEST_TABLE = 16 << 20


def read_text(path: Path) -> str:
    """A file's text, of bounded size. Raises Problem."""
    content = read_bytes(path, LARGEST_TABLE + 1)
    if len(content) > LARGEST_TABLE:
        raise Problem("table_too_large", path=path.name, limit=LARGEST_TABLE >> 20)
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise Problem("table_not_text", path=path.name) from None
    if "\0" in text:
        raise Problem("table_not_text", path=path.name)
    return text


def read_bytes(path: Path, most: int) -> bytes:
    """At most so many of a file's first bytes. Raises Problem."""
    try:
        with path.open("rb") as file:
            return file.read(most)
    except (OSError, ValueError) as error:
        detail = (getattr(error, "strerror", None) or str(error)).lower()
        raise Problem("cannot_read", path=str(path), detail=detail) from None
