"""The cells of a table as they were read, whatever file they came from."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from itertools import count
from typing import Any

import numpy as np
import pyarrow as pa

from dlcore.datasets.upload.arrow import compute as pc
from dlcore.datasets.upload.bounds import LEAST_ROWS, LONGEST_CELL, MOST_COLUMNS, MOST_ROWS
from dlcore.datasets.upload.head import Head
from dlcore.problems import Problem, clean

Finding = dict[str, Any]


@dataclass(frozen=True)
class Cells:
    """Columns of texts, or of numbers where the file says that they are numbers; null where a cell is empty."""

    format: str
    names: tuple[str, ...]
    columns: tuple[pa.Array, ...]
    options: dict[str, Any]
    sheets: tuple[str, ...] = ()
    findings: tuple[Finding, ...] = ()
    rows_in_file: int = 0
    kinds: dict[str, str] = field(default_factory=dict)  # {name: type} where the file says it

    @property
    def rows(self) -> int:
        return len(self.columns[0]) if self.columns else 0


def finding(key: str, severity: str = "notice", **values: str | int | float) -> Finding:
    """One finding about the table: {"key", "values", "severity"}; its sentence is looked up like that of a Problem."""
    return {**Problem(key, **values).to_dict(), "severity": severity}


def unique_names(raw: Iterable[str]) -> tuple[tuple[str, ...], list[Finding]]:
    """Names that are safe to show, each once; a column without a name gets its number."""
    names: list[str] = []
    repeated: list[str] = []
    for index, text in enumerate(raw, start=1):
        # Line breaks become blanks, as `clean` would delete them and join two words. A name that is only blanks counts as none.
        name = " ".join(clean(" ".join(text.split())).split()) or f"column {index}"
        if name in names:
            repeated.append(name)
            numbered = (f"{name[: LONGEST_CELL - len(end)]}{end}" for end in (f" ({number})" for number in count(2)))
            name = next(each for each in numbered if each not in names)
        names.append(name)
    found = [finding("found_repeated_names", names=list_names(repeated))] if repeated else []
    return tuple(names), found


def describe_titles(titles: int, head: Head) -> list[Finding]:
    """Findings about the lines above the rows: titles, several lines of names, units."""
    found = [finding("found_titles", lines=titles)] if titles else []
    if head.lines > 1:
        found.append(finding("found_header_lines_units" if head.units else "found_header_lines", lines=head.lines))
    return found


def drop_empty(cells: Cells, wanted: Sequence[str] = ()) -> Cells:
    """The cells without empty rows and columns, except columns named in `wanted`. Raises Problem where nothing is left."""
    return _without_empty_rows(_without_empty_columns(cells, wanted))


def check_cells(cells: Cells, sample: int | None) -> Cells:
    """The cells without empty rows and columns; of the rows only a random `sample` if that is given. Raises Problem beyond the bounds."""
    if len(cells.columns) > MOST_COLUMNS:
        raise Problem("upload_too_many_columns", came=len(cells.columns), limit=MOST_COLUMNS)
    cells = drop_empty(cells)
    rows = cells.rows if cells.columns else 0
    if rows == 0:
        raise Problem("upload_no_rows")
    if rows < LEAST_ROWS:
        raise Problem("upload_too_few_rows", came=rows, least=LEAST_ROWS)
    if len(cells.columns) < 2:
        raise Problem("upload_one_column")
    cells = replace(cells, rows_in_file=rows, options={**cells.options, "sample": sample})
    if sample is not None:
        if not LEAST_ROWS <= sample <= MOST_ROWS:
            raise Problem("upload_option", name="sample", expected=f"{LEAST_ROWS} to {MOST_ROWS}", came=str(sample))
        return _draw_sample(cells, sample) if sample < rows else cells
    if rows > MOST_ROWS:
        raise Problem("upload_too_many_rows", came=rows, limit=MOST_ROWS)
    return cells


def _draw_sample(cells: Cells, sample: int) -> Cells:
    """`sample` rows, each equally likely, in their order; the same rows every time."""
    indices = np.sort(np.random.default_rng(0).permutation(cells.rows)[:sample])
    columns = tuple(column.take(pa.array(indices)) for column in cells.columns)
    found = finding("found_sample", rows=sample, of=cells.rows_in_file)
    return replace(cells, columns=columns, findings=(*cells.findings, found))


def _without_empty_columns(cells: Cells, wanted: Sequence[str]) -> Cells:
    """Drops columns without name and cells, which a separator at the end of each line makes."""
    kept = [
        index
        for index, (name, column) in enumerate(zip(cells.names, cells.columns, strict=True))
        if name in wanted or not (name == f"column {index + 1}" and _is_empty(column))
    ]
    if len(kept) == len(cells.columns):
        return cells
    if not kept:
        raise Problem("upload_no_rows")
    return replace(
        cells,
        names=tuple(cells.names[index] for index in kept),
        columns=tuple(cells.columns[index] for index in kept),
    )


def _without_empty_rows(cells: Cells) -> Cells:
    empty: np.ndarray | None = None
    for column in cells.columns:
        blank = _is_blank(column)
        empty = blank if empty is None else empty & blank
        if not empty.any():
            return cells
    if empty is None:
        return cells
    full = pa.array(~empty)
    found = finding("found_empty_rows", rows=int(empty.sum()))
    return replace(
        cells, columns=tuple(column.filter(full) for column in cells.columns), findings=(*cells.findings, found)
    )


def _is_empty(column: pa.Array) -> bool:
    return bool(_is_blank(column).all())


def _is_blank(column: pa.Array) -> np.ndarray:
    blank = column.is_null()
    if pa.types.is_string(column.type):
        blank = pc.or_kleene(blank, pc.equal(pc.utf8_trim_whitespace(column), ""))
    return np.array(blank.fill_null(True).to_numpy(zero_copy_only=False))


def list_names(names: Sequence[str]) -> str:
    """The first few of these names, each once."""
    return ", ".join(list(dict.fromkeys(names))[:5])
