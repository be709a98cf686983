"""From the bytes of a file to its cells: each kind of file its reader, and for all of them the same bounds."""

from __future__ import annotations

import json
from functools import lru_cache
from typing import Any

from dlcore.datasets import store
from dlcore.datasets.upload.archive import opened
from dlcore.datasets.upload.cells import Cells, checked
from dlcore.datasets.upload.door import form_of
from dlcore.datasets.upload.excel import QUICK_XML, WORKBOOK, read_excel, size_of_sheets
from dlcore.datasets.upload.parquet import read_parquet
from dlcore.datasets.upload.texts import read_text
from dlcore.problems import Problem

READING = ("separator", "decimal", "encoding", "header", "sheet", "sample")


def read(digest: str, options: dict[str, Any]) -> Cells:
    """The cells of an upload; the last ones stay at hand, as people change one thing after the other. Raises Problem."""
    store.check_upload(digest)  # Also of those that are at hand.
    return _read(digest, json.dumps({name: options[name] for name in READING if options.get(name) is not None}))


@lru_cache(maxsize=2)
def _read(digest: str, options: str) -> Cells:
    return read_content(store.upload(digest), json.loads(options))


def read_content(content: bytes, options: dict[str, Any]) -> Cells:
    """The cells of a file that can be learned from. Raises Problem."""
    return checked(cells_in(content, options), options.get("sample"))


def cells_in(content: bytes, options: dict[str, Any]) -> Cells:
    """The cells of a file, however few they are. Raises Problem."""
    if len(content) > store.LARGEST_UPLOAD:
        raise Problem("upload_too_large", came=f"{len(content) / (1 << 20):.1f}", limit=store.LARGEST_UPLOAD >> 20)
    sample = options.get("sample")
    if sample is not None and type(sample) is not int:
        raise Problem("upload_option", name="sample", expected="a whole number", came=str(sample))
    match form_of(content):
        case "zip":
            return _from_zip(content, options)
        case "parquet":
            return read_parquet(content, sample)
        case "idx":
            raise Problem("upload_images")
        case _:
            return read_text(content, options)


def is_large_workbook(content: bytes) -> bool:
    """Whether reading it will take seconds, as its directory says."""
    if not content.startswith(b"PK\x03\x04"):
        return False
    try:
        return size_of_sheets(opened(content)) > QUICK_XML
    except Problem:
        return False  # Which `read_content` will say.


def _from_zip(content: bytes, options: dict[str, Any]) -> Cells:
    archive = opened(content)
    names = archive.namelist()
    if WORKBOOK in names:
        return read_excel(archive, options)
    if names and all(name.endswith(".npy") for name in names):
        raise Problem("upload_images")
    if "xl/workbook.bin" in names:
        raise Problem("upload_old_excel")
    raise Problem("upload_not_table", kind="ODS" if "content.xml" in names else "zip")
