"""The door: what kind of file came, judged on its first bytes before anything parses it; and text out of bytes.

A parser that meets what it was not made for may take minutes, gigabytes, or the wrong text for the right one.
"""

from __future__ import annotations

import codecs
import re
import zlib
from typing import Literal, get_args

from dlcore.datasets.reading import Encoding
from dlcore.datasets.upload.bounds import FIRST_LOOK
from dlcore.problems import Problem

Form = Literal["text", "arff", "zip", "parquet", "idx"]

#: First bytes of files that are no tables.
FOREIGN = {
    b"\x7fELF": "ELF", b"MZ\x90\x00": "EXE", b"%PDF-": "PDF", b"\x89PNG\r\n": "PNG", b"\xff\xd8\xff": "JPEG", b"GIF8": "GIF",
    b"Rar!\x1a": "RAR", b"7z\xbc\xaf'\x1c": "7z", b"BZh9": "bzip2", b"\xfd7zXZ\x00": "xz", b"(\xb5/\xfd": "zstd",
    b"SQLite format 3\x00": "SQLite", b"\x89HDF": "HDF5", b"\x93NUMPY": "NPY", b"\xca\xfe\xba\xbe": "class", b"{\\rtf": "RTF",
    b"\x80\x02": "pickle", b"\x80\x03": "pickle", b"\x80\x04\x95": "pickle", b"\x80\x05\x95": "pickle", b"ARROW1": "Arrow",
}  # fmt: skip
MARKUP = {
    "HTML": re.compile(r"\s*<(!doctype|html)", re.I),
    "XML": re.compile(r"\s*<\?xml"),
    "JSON": re.compile(r'\s*(\{\s*"|\[\s*\{)'),
}
IDX = re.compile(rb"\x00\x00[\x08-\x0e][\x01-\x04]", re.S)
#: First words of Weka's format, below remarks.
ARFF = re.compile(rb"\s*+(%[^\n]*\n\s*+)*+@relation\b", re.I)
#: What a person may choose; the first four can be detected.
ENCODINGS = ("utf-8", "utf-16", "gb18030", "latin-1", "windows-1252", "windows-1251", "big5", "shift_jis")
MARKS = {
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF32_LE: "utf-32",  # Before UTF-16: its mark begins with that of UTF-16.
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
#: Two bytes that stand for a frequent Chinese character, a sign or a letter of pinyin (rows 1 to 55 of GB 2312); four for a rare one.
COMMON_PAIR = re.compile(rb"[\xa1-\xa9\xb0-\xd7][\xa1-\xfe]|[\x81-\xfe][0-9][\x81-\xfe][0-9]")
HIGH = re.compile(rb"[\x80-\xff]")
JUDGED = 1 << 18  # Bytes, from the first one above 127 on, from which the encoding is detected.
CONTROL = re.compile(r"[\x00-\x08\x0e-\x19\x1b-\x1f]")


def find_form(content: bytes) -> Form:
    """The kind of reader that this file needs. Raises Problem when there is none."""
    if not content.strip(b"\0 \t\r\n\xef\xbb\xbf\xfe\xff"):
        raise Problem("upload_empty")
    if content.startswith(b"PK\x03\x04"):
        return "zip"
    if content.startswith(b"PAR1"):
        return "parquet"
    if content.startswith(b"\xd0\xcf\x11\xe0"):
        raise Problem("upload_old_excel")
    if content.startswith(b"\x1f\x8b"):
        if IDX.match(_unzip_start(content)):
            return "idx"
        raise Problem("upload_not_table", kind="gzip")
    if IDX.match(content):
        return "idx"
    for start, kind in FOREIGN.items():
        if content.startswith(start):
            raise Problem("upload_not_table", kind=kind)
    return "arff" if ARFF.match(content.removeprefix(codecs.BOM_UTF8)[:FIRST_LOOK]) else "text"


def decode(content: bytes, encoding: str | None) -> tuple[str, str]:
    """The text and its encoding: the one that is named, or else the one that it most likely has. Raises Problem."""
    if encoding is not None and encoding not in get_args(Encoding):
        raise Problem("upload_option", name="encoding", expected=", ".join(ENCODINGS), came=str(encoding))
    found = encoding or _find_encoding(content)
    try:
        text = content.decode("utf-8-sig" if found == "utf-8" else found)
    except UnicodeDecodeError:
        if found in ("utf-16", "utf-32"):
            text = content.decode(found, "replace")
        else:
            raise Problem("upload_encoding", encoding=found) from None
    text = text.removeprefix("\ufeff")
    start = text[:FIRST_LOOK]
    if "\0" in text or len(CONTROL.findall(start)) > len(start) / 100 or start.count("\ufffd") > len(start) / 20:
        raise Problem("upload_not_table", kind="binary")
    for kind, pattern in MARKUP.items():
        if pattern.match(start):
            raise Problem("upload_not_table", kind=kind)
    return text, found


def _find_encoding(content: bytes) -> str:
    for mark, encoding in MARKS.items():
        if content.startswith(mark):
            return encoding
    start = content[:4096]
    if b"\0" in start:
        # Latin letters in UTF-16: every other byte is zero.
        halves = start[0::2].count(0), start[1::2].count(0)
        if max(halves) > len(start) / 5 and min(halves) < len(start) / 50:
            return "utf-16-le" if halves[1] > halves[0] else "utf-16-be"
        raise Problem("upload_not_table", kind="binary")
    try:
        content.decode("utf-8")
    except UnicodeDecodeError:
        pass
    else:
        return "utf-8"
    # In Chinese text bytes above 127 come in pairs; the accents of a Western text mostly stand alone.
    first = HIGH.search(content)
    judged = content[first.start() :][:JUDGED] if first else b""
    high = len(judged) - len(HIGH.sub(b"", judged))
    if 2 * len(COMMON_PAIR.findall(judged)) > 0.7 * high:
        try:
            content.decode("gb18030")
        except UnicodeDecodeError:
            pass
        else:
            return "gb18030"
    return "windows-1252" if _decodes(content, "windows-1252") and re.search(rb"[\x80-\x9f]", content) else "latin-1"


def _decodes(content: bytes, encoding: str) -> bool:
    try:
        content.decode(encoding)
    except UnicodeDecodeError:
        return False
    return True


def _unzip_start(content: bytes) -> bytes:
    try:
        return zlib.decompressobj(wbits=31).decompress(content[:4096], 16)
    except zlib.error:
        return b""
