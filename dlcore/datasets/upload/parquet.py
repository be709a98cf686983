"""Parquet files: the footer is read first, and the rows only when what it claims is within the bounds."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pyarrow.parquet

from dlcore.datasets.upload.arrow import compute as pc
from dlcore.datasets.upload.bounds import MOST_COLUMNS, MOST_ROWS
from dlcore.datasets.upload.cells import Cells, finding, unique_names
from dlcore.problems import Problem

LARGEST_UNPACKED = 256 << 20  # Bytes, as the footer claims.
MOST_ROWS_DRAWN = 2_000_000  # From which a sample may be drawn.
MOST_PARTS = 1 << 20  # Entries of any list in the footer.


def read_parquet(content: bytes, sample: int | None) -> Cells:
    """Numbers and texts as they are, dates as ISO texts; columns of anything else are left out. Raises Problem."""
    try:
        limits: Any = {"thrift_string_size_limit": len(content), "thrift_container_size_limit": MOST_PARTS}
        file = pyarrow.parquet.ParquetFile(pa.BufferReader(content), memory_map=False, **limits)
        _check(file, sample)
        # Texts stay dictionary-encoded: a file of a kilobyte may repeat one text for gigabytes.
        texts = [field.name for field in file.schema_arrow if _is_text(field.type)]
        kept = [field.name for field in file.schema_arrow if _is_simple(field.type)]
        file = pyarrow.parquet.ParquetFile(pa.BufferReader(content), memory_map=False, read_dictionary=texts, **limits)
        table = file.read(columns=kept, use_threads=False)
        table.validate(full=True)  # Fails for texts that are no valid UTF-8.
        if sum(map(_measure_written_out, table.columns)) > LARGEST_UNPACKED:
            raise Problem("upload_bomb")
        return _cells(table, file.schema_arrow)
    except (Problem, MemoryError):
        raise
    except Exception:  # The reader raises errors of many kinds: the file is damaged.
        raise Problem("upload_damaged") from None


def _check(file: pyarrow.parquet.ParquetFile, sample: int | None) -> None:
    facts = file.metadata
    if facts.num_columns > MOST_COLUMNS:
        raise Problem("upload_too_many_columns", came=facts.num_columns, limit=MOST_COLUMNS)
    limit = MOST_ROWS if sample is None else MOST_ROWS_DRAWN
    if facts.num_rows > limit:
        raise Problem("upload_too_many_rows", came=facts.num_rows, limit=limit)
    groups = [facts.row_group(index) for index in range(facts.num_row_groups)]
    if sum(group.total_byte_size for group in groups) > LARGEST_UNPACKED or any(
        group.total_byte_size < 0 for group in groups
    ):
        raise Problem("upload_bomb")


def _is_text(kind: pa.DataType) -> bool:
    return pa.types.is_string(kind) or pa.types.is_large_string(kind)


def _is_simple(kind: pa.DataType) -> bool:
    """Whether a network can be given this: no lists, structures and bytes."""
    kind = kind.value_type if pa.types.is_dictionary(kind) else kind
    tests = (pa.types.is_integer, pa.types.is_floating, pa.types.is_decimal, pa.types.is_timestamp, pa.types.is_date)
    return _is_text(kind) or pa.types.is_boolean(kind) or pa.types.is_null(kind) or any(test(kind) for test in tests)


def _measure_written_out(column: pa.ChunkedArray) -> int:
    """Bytes of the texts of a column if each row held a text of its own."""
    if not pa.types.is_dictionary(column.type) or not _is_text(column.type.value_type):
        return 0
    return sum(
        pc.sum(pc.binary_length(piece.dictionary).take(piece.indices)).as_py() or 0 for piece in column.iterchunks()
    )


def _cells(table: pa.Table, schema: pa.Schema) -> Cells:
    kept: list[pa.Array] = []
    raw_names: list[str] = []
    left_out = [
        finding("found_left_out", column=field.name, kind=str(field.type))
        for field in schema
        if not _is_simple(field.type)
    ]
    for name, column in zip(table.column_names, table.columns, strict=True):
        simple = _convert(column)
        if simple is None:
            left_out.append(finding("found_left_out", column=name, kind=str(column.type)))
            continue
        kept.append(simple)
        raw_names.append(name)
    names, repeated = unique_names(raw_names)
    return Cells("parquet", names, tuple(kept), {}, findings=(*left_out, *repeated))


def _convert(column: pa.ChunkedArray) -> pa.Array | None:
    """The column as numbers or texts; None where Arrow cannot convert it."""
    kind = column.type
    if pa.types.is_dictionary(kind):
        column, kind = column.cast(kind.value_type), kind.value_type
    try:
        if pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind):
            return _join_chunks(pc.cast(column, pa.float64(), safe=False))
        if pa.types.is_timestamp(kind):
            return _join_chunks(pc.cast(pc.cast(column, pa.timestamp("us"), safe=False), pa.string()))
        if pa.types.is_date(kind):
            return _join_chunks(pc.cast(pc.cast(column, pa.date32(), safe=False), pa.string()))
        return _join_chunks(pc.cast(column, pa.string()))
    except pa.ArrowException:
        return None


def _join_chunks(column: pa.ChunkedArray | pa.Array) -> pa.Array:
    return column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
