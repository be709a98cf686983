"""How a table was read, so that another file for the same network is read in the same way. Without a reading, the way is detected."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from dlcore.component import Component

Separator = Literal[",", ";", "\t", "|", " "]
Decimal = Literal[".", ","]
Quote = Literal['"', "'"]
Encoding = Literal[
    "utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "gb18030", "latin-1", "windows-1252", "windows-1251",
    "big5", "shift_jis",
]  # fmt: skip
MOST_TITLES = 100_000  # Lines above the header at most, empty ones included.
MOST_HEADER_LINES = 4


class TextReading(Component):
    """Text whose cells are separated by a sign: CSV (Shafranovich, RFC 4180, 2005), TSV and their relatives."""

    kind: Literal["text"] = "text"
    title: ClassVar[str] = "Text"
    separator: Separator = Field(default=",", description="Sign between two cells.")
    decimal: Decimal = Field(default=".", description="Sign before the decimals of a number.")
    encoding: Encoding = Field(default="utf-8", description="How bytes became characters.")
    quote: Quote = Field(default='"', description="Sign around a cell that holds separators.")
    titles: int = Field(default=0, ge=0, le=MOST_TITLES, description="Lines above the table that are no part of it.")
    header: int = Field(default=1, ge=0, le=MOST_HEADER_LINES, description="Lines of names, with units; 0: none.")


class ExcelReading(Component):
    """One sheet of an Excel workbook."""

    kind: Literal["excel"] = "excel"
    title: ClassVar[str] = "Excel"
    sheet: str = Field(default="", max_length=64, description="Name of the sheet; empty: the first that holds a table.")
    decimal: Decimal = Field(default=".", description="Sign before the decimals of a number that is written as text.")
    titles: int = Field(default=0, ge=0, le=MOST_TITLES, description="Rows above the table that are no part of it.")
    header: int = Field(default=1, ge=0, le=MOST_HEADER_LINES, description="Rows of names, with units; 0: none.")


class ParquetReading(Component):
    """A Parquet file, which says all of it itself."""

    kind: Literal["parquet"] = "parquet"
    title: ClassVar[str] = "Parquet"


class ArffReading(Component):
    """A file in Weka's format, which names its columns itself (Witten and Frank, 1999)."""

    kind: Literal["arff"] = "arff"
    title: ClassVar[str] = "ARFF"
    encoding: Encoding = Field(default="utf-8", description="How bytes became characters.")


Reading = Annotated[TextReading | ExcelReading | ParquetReading | ArffReading, Field(discriminator="kind")]
