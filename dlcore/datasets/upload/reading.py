"""From the bytes of a file to its cells: each kind of file its reader, and for all of them the same bounds."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import lru_cache
from typing import Any

from dlcore.component import kinds, validate
from dlcore.datasets import store
from dlcore.datasets.reading import Reading
from dlcore.datasets.upload.archive import open_archive
from dlcore.datasets.upload.arff import read_arff
from dlcore.datasets.upload.bounds import MOST_ROWS
from dlcore.datasets.upload.cells import Cells, check_cells
from dlcore.datasets.upload.door import decode, find_form
from dlcore.datasets.upload.excel import QUICK_XML, WORKBOOK, read_excel, size_of_sheets
from dlcore.datasets.upload.parquet import read_parquet
from dlcore.datasets.upload.texts import read_text
from dlcore.problems import Problem

#: Options that may be given for a file: how its cells are found, and how many of its rows are drawn.
READING = ("separator", "decimal", "encoding", "quote", "titles", "header", "header_lines", "sheet", "sample")


def read(digest: str, options: dict[str, Any]) -> Cells:
    """The cells of an upload. The last ones are cached, as people change one option after the other. Raises Problem."""
    store.check_upload(digest)  # For cached cells too.
    return _read(digest, json.dumps({name: options[name] for name in READING if options.get(name) is not None}))


@lru_cache(maxsize=2)
def _read(digest: str, options: str) -> Cells:
    return read_content(store.get_upload(digest), json.loads(options))


def forget() -> None:
    """Empty the cache: the next upload is read from the store."""
    _read.cache_clear()


def read_content(content: bytes, options: dict[str, Any]) -> Cells:
    """The cells of a file that is to be learned from. Raises Problem."""
    sample = options.get("sample")
    if sample is not None and type(sample) is not int:
        raise Problem("upload_option", name="sample", expected="a whole number", came=str(sample))
    return check_cells(read_cells(content, options), sample)


def read_alike(content: bytes, how: Reading | None, fit: Callable[[Cells], float]) -> Cells:
    """The cells of another file for the same network. Three ways are tried: as the table was read, as is detected, names in the first line.

    `fit` says how well cells fit, from 0 to 1; the best way is taken, of equals the first. Any number of rows is allowed, and none
    is left out. Raises Problem where nothing can be read.
    """
    ways: list[dict[str, Any]] = [{}, {"header": True}]
    if how is not None and _kind_of(content) == how.kind:
        ways.insert(0, _options(how))
    read: list[tuple[float, Cells]] = []
    refused: Problem | None = None
    for way in ways:
        try:
            # Nothing is drawn here: a sample is asked for because the readers would stop at a long file without it.
            cells = read_cells(content, {"sample": MOST_ROWS, **way}, least_columns=1)
        except Problem as problem:
            refused = problem
            continue
        read.append((fit(cells), cells))
        if read[-1][0] == 1:
            break
    if refused is not None and not read:
        raise refused
    return max(read, key=lambda one: one[0])[1]


def describe_reading(cells: Cells) -> dict[str, Any]:
    """How these cells were read, as a recipe keeps it."""
    kind = "text" if cells.format in ("csv", "tsv") else cells.format
    fields = kinds(Reading)[kind].model_fields
    kept = {name: value for name, value in cells.options.items() if name in fields}
    if "header" in kept:
        kept["header"] = cells.options["header_lines"]
    return validate(kinds(Reading)[kind], kept).to_dict()


def _options(how: Reading) -> dict[str, Any]:
    options = {name: value for name, value in how.to_dict().items() if name != "kind"}
    if "header" in options:
        options |= {"header": how.header > 0, "header_lines": how.header}  # type: ignore[union-attr]
    return options


def _kind_of(content: bytes) -> str:
    form = find_form(content)
    return "excel" if form == "zip" else form


def read_cells(content: bytes, options: dict[str, Any], least_columns: int = 2) -> Cells:
    """The cells of a file, however few or many rows it has. Raises Problem."""
    if len(content) > store.LARGEST_UPLOAD:
        raise Problem("upload_too_large", came=f"{len(content) / (1 << 20):.1f}", limit=store.LARGEST_UPLOAD >> 20)
    match find_form(content):
        case "zip":
            return _read_from_zip(content, options)
        case "parquet":
            return read_parquet(content, options.get("sample"))
        case "idx":
            raise Problem("upload_images")
        case "arff":
            return read_arff(*decode(content, options.get("encoding")))
        case _:
            return read_text(*decode(content, options.get("encoding")), options, least_columns)


def is_large_workbook(content: bytes) -> bool:
    """Whether the file is a workbook that takes seconds to read, judged by the sizes in its directory."""
    if not content.startswith(b"PK\x03\x04"):
        return False
    try:
        return size_of_sheets(open_archive(content)) > QUICK_XML
    except Problem:
        return False  # `read_content` will raise this Problem.


def _read_from_zip(content: bytes, options: dict[str, Any]) -> Cells:
    archive = open_archive(content)
    names = archive.namelist()
    if WORKBOOK in names:
        return read_excel(archive, options)
    if names and all(name.endswith(".npy") for name in names):
        raise Problem("upload_images")
    if "xl/workbook.bin" in names:
        raise Problem("upload_old_excel")
    raise Problem("upload_not_table", kind="ODS" if "content.xml" in names else "zip")
