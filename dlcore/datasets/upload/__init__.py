"""Tables that people bring: jobs "look" (what is in this file?), "look_long" (the same of a large one) and "import" (make it the
data of a recipe).

A file passes the door (door.py, archive.py: what is it, and does it claim more than it may?), becomes cells (texts.py, excel.py,
parquet.py, arff.py), columns with types (columns.py, numbers.py, dates.py), a question (question.py: which column from which?) and at
last a profile (profile.py) or rows in the store and a part of a recipe (importing.py). Nothing here runs in the serving process.
"""

from __future__ import annotations

from typing import Any

from dlcore.datasets import store
from dlcore.datasets.upload.bounds import QUICK_CELLS
from dlcore.datasets.upload.cells import Cells
from dlcore.datasets.upload.column import Column
from dlcore.datasets.upload.columns import find_types
from dlcore.datasets.upload.importing import import_columns
from dlcore.datasets.upload.profile import make_profile
from dlcore.datasets.upload.question import Question, find_question
from dlcore.datasets.upload.reading import describe_reading, is_large_workbook, read
from dlcore.jobs import Answer, Progress
from dlcore.problems import clean

Options = dict[str, Any]

LARGE = "large"  # The "form" in the answer for a table that takes longer than a quick look.


def look(arguments: Options, payload: bytes, progress: Progress) -> Answer:
    """The profile of an upload: {"upload": digest, "name", and what its owner says of it}. Raises Problem.

    A large file would keep others waiting: the answer is then only {"form": "large"}, and the job "look_long" reads it.
    """
    if is_large_workbook(store.get_upload(arguments["upload"])):
        return {"form": LARGE}, b""
    cells = read(arguments["upload"], arguments)
    if cells.rows * len(cells.columns) > QUICK_CELLS:
        return {"form": LARGE}, b""
    return _make_profile(cells, arguments, progress), b""


def look_long(arguments: Options, payload: bytes, progress: Progress) -> Answer:
    """The profile of an upload of any size; arguments as for `look`. Raises Problem."""
    return _make_profile(read(arguments["upload"], arguments), arguments, progress), b""


def import_table(arguments: Options, payload: bytes, progress: Progress) -> Answer:
    """The part of a recipe, its rows now in the store: {"dataset", "dropped"}. Arguments as for `look`. Raises Problem.

    The rows are public if the file was.
    """
    cells = read(arguments["upload"], arguments)
    progress(0.5, {})
    _, question = _read_request(cells, arguments)
    progress(0.7, {})
    public = store.upload_is_public(arguments["upload"])
    part, dropped = import_columns(name_of(arguments), question, describe_reading(cells), public)
    return {"dataset": part, "dropped": dropped}, b""


def name_of(arguments: Options) -> str:
    """The file's name, safe to show."""
    return clean(str(arguments.get("name") or "")) or "table"


def _make_profile(cells: Cells, arguments: Options, progress: Progress) -> dict[str, Any]:
    progress(0.5, {})
    columns, question = _read_request(cells, arguments)
    progress(0.7, {})
    return make_profile(name_of(arguments), cells, columns, question)


def _read_request(cells: Cells, options: Options) -> tuple[list[Column], Question]:
    types = {**cells.kinds, **(options.get("types") or {})}
    columns = find_types(cells, types, options.get("missing"), options.get("joined"))
    return columns, find_question(columns, options)
