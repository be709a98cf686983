"""Zip files, judged by their directory before anything is unpacked: how many entries, what sizes they claim, what they are."""

from __future__ import annotations

import io
import zipfile
import zlib

from dlcore.problems import Problem

MOST_ENTRIES = 1000
LARGEST_DIRECTORY = 1 << 20  # Bytes.
LARGEST_UNPACKED = 256 << 20  # Bytes, all entries together, as they claim; no more than claimed is ever unpacked.
# Unpacked to packed bytes, if more than MUCH are unpacked: tables shrink to a tenth, bombs to a thousandth.
LARGEST_RATIO = 60
MUCH = 8 << 20
END = b"PK\x05\x06"


def open_archive(content: bytes, ratio: int = LARGEST_RATIO, entries: int = MOST_ENTRIES) -> zipfile.ZipFile:
    """The archive, of at most so many entries. Raises Problem if its directory claims more entries or bytes than are allowed."""
    end = content.rfind(END)
    if end < 0 or len(content) < end + 20:
        raise Problem("upload_damaged")
    there = int.from_bytes(content[end + 10 : end + 12], "little")
    directory = int.from_bytes(content[end + 12 : end + 16], "little")
    if there > entries or directory > LARGEST_DIRECTORY:
        raise Problem("upload_bomb")
    try:
        archive = zipfile.ZipFile(io.BytesIO(content))
    except (zipfile.BadZipFile, ValueError, NotImplementedError, OSError):
        raise Problem("upload_damaged") from None
    claimed = sum(entry.file_size for entry in archive.infolist())
    if claimed > LARGEST_UNPACKED or claimed > max(MUCH, ratio * len(content)):
        raise Problem("upload_bomb")
    if any(entry.flag_bits & 1 for entry in archive.infolist()):
        raise Problem("upload_locked")
    return archive


def unpack(archive: zipfile.ZipFile, name: str, most: int = -1) -> bytes:
    """The bytes of an entry, or its first `most`. Raises Problem."""
    try:
        with archive.open(name) as file:
            return file.read(most)
    except (zipfile.BadZipFile, zlib.error, EOFError, KeyError, ValueError, NotImplementedError, OSError):
        raise Problem("upload_damaged") from None
