"""What stands around the rows of a table, and how the cells of another file for the same network are found."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import openpyxl
import pytest

from dlcore import Experiment, Problem, share
from dlcore.component import validate
from dlcore.datasets.reading import ArffReading, ExcelReading, TextReading
from dlcore.datasets.table import TableData
from dlcore.datasets.upload.cells import Cells
from dlcore.datasets.upload.reading import describe_reading, read_alike, read_content

LETTERS = "ab"
THREE = "".join(f"{place}.5,{place % 3},{LETTERS[place % 2]}\n" for place in range(14))
FIVE = "".join(f"{place}.5,{place % 3},{LETTERS[place % 2]},3,{place}\n" for place in range(14))
PLANTS = "".join(f"p{place},{place}.5,{place % 3},{place}.2\n" for place in range(14))
PUPILS = "".join(f"Pupil {place},{place}.5,{place % 3}\n" for place in range(14))
SMALL = "".join(f"{1 + place % 5},{1 + place * 7 % 5},{1 + place * 3 % 5}\n" for place in range(30))


def said(cells: Cells) -> set[str]:
    return {found["key"] for found in cells.findings}


@pytest.mark.parametrize(
    ("text", "names", "rows"),
    [
        ("h,w,k,\n" + THREE, ("h", "w", "k"), 14),  # The separator ends the header alone.
        ("h,w,k\n" + THREE.replace("\n", ",\n"), ("h", "w", "k"), 14),
        ("h,w,k\n" + THREE.replace("\n", ",,\n"), ("h", "w", "k"), 14),
        ("#h,w,k\n" + THREE, ("#h", "w", "k"), 14),  # A name may begin so.
        ("# lab 4, group B, May\nh,w,k\n" + THREE, ("h", "w", "k"), 14),
        ("# one\n# two, three\nh,w,k\n" + THREE, ("h", "w", "k"), 14),
        ("Results, May 2024, group 4\nh,w,k,l,m\n" + FIVE, ("h", "w", "k", "l", "m"), 14),
        ("h,w,k\n" + THREE + "# the end\n", ("h", "w", "k"), 14),
        ("h,w,k\n" + THREE + "# measured anew, by others, in May, twice\n" + THREE, ("h", "w", "k"), 28),
        ("time,temp,state\ns,°C,-\n" + THREE, ("time", "temp", "state"), 14),
        ("time,temp,state\n[s],[°C],\n" + THREE, ("time", "temp", "state"), 14),
        ("h,w,k\ncm,cm,\n" + THREE, ("h", "w", "k"), 14),
        ("2019,kind\n" + "".join(f"{place}.25,{LETTERS[place % 2]}\n" for place in range(14)), ("2019", "kind"), 14),
        ("time [s],temp [°C],state\n" + THREE, ("time [s]", "temp [°C]", "state"), 14),
        (",Plant,,Soil\nid,length,width,pH\n" + PLANTS, ("id", "Plant length", "width", "Soil pH"), 14),
        # The second line is data, not a second header.
        ("name,mid,final\nAnna,absent,ill\n" + PUPILS, ("name", "mid", "final"), 15),
        ("h,w,k\nabsent,ill,a\n" + THREE, ("h", "w", "k"), 15),
        ("0,1,2\n" + THREE.replace(",1,", ",7,"), ("0", "1", "2"), 14),
        ("year,2019\n" + "".join(f"{2000 + place},{place}.5\n" for place in range(14)), ("year", "2019"), 14),
        # The first line could number the columns, but it looks like the rows below: it is data.
        ("1,2,3\n" + SMALL, ("column 1", "column 2", "column 3"), 31),
        ("2019,2020\n" + "".join(f"{2000 + place},{2001 + place}\n" for place in range(14)), ("column 1", "column 2"), 15),
        ("name,mark\n" + "".join(f"'tis {place},{place}\n" for place in range(14)), ("name", "mark"), 14),
    ],
)  # fmt: skip
def test_names_and_rows_are_told_from_what_stands_around_them(text: str, names: tuple[str, ...], rows: int) -> None:
    cells = read_content(text.encode(), {})
    assert (cells.names, cells.rows) == (names, rows)


def test_lines_that_are_no_rows_are_said() -> None:
    assert said(read_content(("h,w,k\n" + THREE + "# the end\n").encode(), {})) == {"found_remarks"}
    assert said(read_content(("# lab\nh,w,k\n" + THREE).encode(), {})) == {"found_titles"}
    assert said(read_content(("h,w,k\ncm,kg,\n" + THREE).encode(), {})) == {"found_header_lines_units"}
    assert said(read_content((",Plant,,Soil\nid,length,width,pH\n" + PLANTS).encode(), {})) == {"found_header_lines"}


def test_rows_that_begin_with_a_sharp_are_rows() -> None:
    text = "key,w,k\n" + "".join(f"#{place},{place % 3},{LETTERS[place % 2]}\n" for place in range(14)) + "#14,2\n"
    cells = read_content(text.encode(), {})
    assert (cells.rows, said(cells)) == (15, {"found_ragged"})


def test_the_lines_above_a_table_can_be_said() -> None:
    text = "a,b,c\nd,e,f\n" + THREE
    cells = read_content(text.encode(), {"header": True, "titles": 1})
    assert (cells.names, cells.rows) == (("d", "e", "f"), 14)
    cells = read_content(text.encode(), {"header": True, "header_lines": 2})
    assert (cells.names, cells.rows) == (("a d", "b e", "c f"), 14)
    assert read_content(text.encode(), {"header": False}).rows == 16


# Workbooks


def workbook(**sheets: list[list[Any]]) -> bytes:
    book = openpyxl.Workbook()
    book.remove(book.worksheets[0])
    for name, rows in sheets.items():
        sheet = book.create_sheet(name)
        for row in rows:
            sheet.append(row)
    with io.BytesIO() as file:
        book.save(file)
        return file.getvalue()


TABLE: list[list[Any]] = [["h", "k"], *([place / 2, LETTERS[place % 2]] for place in range(14))]


def test_the_first_sheet_that_holds_a_table_is_read_and_the_others_are_named() -> None:
    other = [["x", "y"], *([place, place] for place in range(20))]
    cells = read_content(workbook(notes=[["A sentence."]], few=TABLE[:5], data=TABLE, other=other), {})
    assert (cells.options["sheet"], cells.rows) == ("data", 14)
    (found,) = cells.findings
    assert (found["key"], found["values"]["others"]) == ("found_sheet", "notes, few, other")
    assert read_content(workbook(data=TABLE), {}).findings == ()
    assert read_content(workbook(data=TABLE, other=other), {"sheet": "other"}).findings == ()


def test_the_lines_above_a_sheets_table_are_counted_as_the_sheet_counts_them() -> None:
    rows: list[list[Any]] = [["Measured in May"], [], ["cm", "no"], ["by hand", "alone"], *TABLE]
    cells = read_content(workbook(data=rows), {"header": True, "titles": 4})
    assert (cells.names, cells.rows, cells.options["titles"]) == (("h", "k"), 14, 4)


def test_formulas_are_no_finding_where_their_results_are_stored() -> None:
    assert "found_formulas" in said(
        read_content(workbook(d=[["h", "k", "s"], *([p, p % 2, f"=A{p + 2}"] for p in range(14))]), {})
    )
    assert read_content(workbook(d=[["h", "k", "s"], *([p, p % 2, None] for p in range(14))]), {}).findings == ()


# Weka's format


def test_sparse_rows_are_written_out_and_either_quotation_mark_is_read() -> None:
    head = "@RELATION t\n@ATTRIBUTE 'a b' NUMERIC\n@ATTRIBUTE k {x,'y z'}\n@DATA\n"
    cells = read_content((head + "{0 1.5, 1 'y z'}\n{}\n" * 6).encode(), {})
    assert cells.names == ("a b", "k")
    assert [column.to_pylist()[:2] for column in cells.columns] == [[1.5, 0.0], ["y z", "x"]]
    cells = read_content((head + '?,"y z"\n% a remark\n2,?\n' * 6).encode(), {})
    assert [column.to_pylist()[:2] for column in cells.columns] == [[None, 2.0], ["y z", None]]


def test_what_is_no_number_of_wekas_is_missing_and_said_and_a_category_of_digits_stays_one() -> None:
    head = "@relation t\n@attribute a real\n@attribute k {0,1}\n@data\n"
    cells = read_content((head + "1.5,0\nmany,1\n" * 6).encode(), {})
    (found,) = cells.findings
    assert (found["key"], found["values"]["column"], found["values"]["cells"]) == ("found_not_numbers", "a", 6)
    assert cells.columns[0].to_pylist()[:2] == [1.5, None]
    assert cells.kinds == {"k": "category"}


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("@relation t\n@attribute a numeric\n", "upload_arff_no_rows"),
        ("@relation t\n@data\n1\n", "upload_arff_no_rows"),
        ("@relation t\n@attribute a relational\n@data\n", "upload_arff_attribute"),
        ("@relation t\n@attribute\n@data\n", "upload_arff_attribute"),
        ("@relation t\n@attribute a real\n@attribute b real\n@data\n" + "1\n" * 20, "upload_ragged"),
        ("@relation t\n" + "@attribute a real\n" * 201 + "@data\n", "upload_too_many_columns"),
    ],
)
def test_a_file_of_weka_that_cannot_be_read_is_refused_with_a_sentence(text: str, key: str) -> None:
    with pytest.raises(Problem) as refusal:
        read_content(text.encode(), {})
    assert refusal.value.key == key


# In the recipe


def test_the_recipe_says_how_the_table_was_read() -> None:
    text = "Measured in May\nh;w;k\n" + THREE.replace(",", ";").replace(".", ",")
    assert describe_reading(read_content(text.encode("utf-16"), {})) == {
        "kind": "text", "separator": ";", "decimal": ",", "encoding": "utf-16", "quote": '"', "titles": 1, "header": 1,
    }  # fmt: skip
    assert describe_reading(read_content(workbook(data=TABLE), {})) == {
        "kind": "excel", "sheet": "data", "decimal": ".", "titles": 0, "header": 1,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("reading", "words"),
    [
        ({"kind": "csv"}, "reading.kind: unknown kind 'csv'. Expected one of: text, excel, parquet, arff"),
        ({"separator": ";"}, "an object with a 'kind'"),
        ({"kind": "text", "separator": ":"}, "reading.separator: unknown kind ':'"),
        ({"kind": "text", "titles": True}, "reading.titles: expected a whole number, but got true"),
        ({"kind": "text", "header": 9}, "reading.header: expected at most 4, but got 9"),
        ({"kind": "excel", "shet": "a"}, "reading.shet: unknown key"),
        ("text", "reading: expected an object"),
    ],
)
def test_a_reading_that_there_is_not_is_refused(reading: Any, words: str) -> None:
    with pytest.raises(Problem) as refusal:
        validate(TableData, {"kind": "table", "reading": reading})
    assert words in str(refusal.value)


def test_a_recipe_that_says_nothing_of_it_stays_as_it_was_written_and_links_carry_it() -> None:
    assert "reading" not in TableData().to_dict()
    recipe = Experiment(dataset=TableData(reading=TextReading(separator=";", titles=2)), batch_size=1)
    assert share.decode(share.encode(recipe)) == recipe == Experiment.from_json(recipe.to_json())
    assert TableData().row_facts() == recipe.dataset.row_facts()  # How they were read makes no other rows.


# Another file for the same network


def names_found(*names: str) -> Callable[[Cells], float]:
    return lambda cells: sum(name in cells.names for name in names) / len(names)


def test_another_file_is_read_as_the_table_was() -> None:
    how = TextReading(separator=";", decimal=",", titles=2)
    cells = read_alike(b"one;two\nthree;four\na;b\n1,5;2\n", how, names_found("a", "b"))
    assert (cells.names, cells.rows, cells.options["decimal"]) == (("a", "b"), 1, ",")


@pytest.mark.parametrize("how", [None, TextReading(separator=";"), ArffReading(), ExcelReading(sheet="data")])
def test_a_file_of_another_form_is_found_out(how: Any) -> None:
    for content in (
        b"a,b\n1,x\n2,y\n",
        "a\tb\n1\tx\n2\ty\n".encode("utf-16"),
        workbook(other=[["a", "b"], [1, "x"], [2, "y"]]),
    ):
        cells = read_alike(content, how, names_found("a", "b"))
        assert (cells.names, cells.rows) == (("a", "b"), 2)


def test_a_file_of_one_column_or_row_and_names_that_look_like_values_are_read() -> None:
    assert read_alike(b"a\n1\n", TextReading(), names_found("a")).names == ("a",)
    assert read_alike(b"7,8\n1,2\n3,4\n", None, names_found("7", "8")).names == ("7", "8")


def test_what_fits_better_is_taken_and_nothing_readable_is_said_so() -> None:
    def fit(cells: Cells) -> float:
        return 1.0 if cells.options["decimal"] == "," else 0.5

    cells = read_alike(b"a;b\n1,5;2\n2,5;3\n", TextReading(separator=";"), fit)
    assert cells.options["decimal"] == ","
    with pytest.raises(Problem) as refusal:
        read_alike(b"%PDF-1.7", TextReading(), fit)
    assert refusal.value.key == "upload_not_table"
