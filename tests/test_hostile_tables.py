"""Files that no table should be: each gives a profile, or one clear sentence; soon, and without a traceback."""

from __future__ import annotations

import csv
import io
import json
import struct
import time
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import openpyxl
import pandas as pd
import pyarrow as pa
import pyarrow.parquet
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dlcore.datasets import store
from dlcore.datasets.upload import excel, import_table, look, look_long, reading
from dlcore.problems import Problem
from ui.messages import catalogue, sentence

PATIENCE = 5.0  # seconds of computing
ROWS = "1.5,2,x\n2.5,3,y\n" * 10


@pytest.fixture(autouse=True, scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A store of its own."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DLCORE_TABLES", str(tmp_path_factory.mktemp("tables")))
        yield
        reading.forget()


def ignored(share: float, partial: dict[str, Any]) -> None:
    """Progress that nobody watches."""


def outcome(content: bytes | str, job: Callable[..., Any] = look, **options: Any) -> Problem | dict[str, Any]:
    """What comes of it, in good time: a problem of one clear sentence, or an answer in JSON."""
    raw = content.encode() if isinstance(content, str) else content
    begin = time.process_time()
    answer: Problem | dict[str, Any]
    try:
        header, payload = job({"upload": store.keep_upload(raw), "name": "table.csv", **options}, b"", ignored)
        assert payload == b""
        answer = json.loads(json.dumps(header, allow_nan=False))
    except Problem as problem:
        answer = problem
        assert problem.key.startswith("upload_"), problem
        for language in ("en", "zh_CN"):
            said = sentence(language, problem)
            assert 10 < len(said) < 400 and "\n" not in said and "Traceback" not in said
    assert time.process_time() - begin < PATIENCE
    return answer


def refusal(content: bytes | str, job: Callable[..., Any] = look, **options: Any) -> Problem:
    found = outcome(content, job, **options)
    assert isinstance(found, Problem), found
    return found


def profile(content: bytes | str, job: Callable[..., Any] = look, **options: Any) -> dict[str, Any]:
    found = outcome(content, job, **options)
    assert not isinstance(found, Problem), found
    return found


def keys(found: dict[str, Any]) -> set[str]:
    return {finding["key"] for finding in found["findings"]}


# What the list of bad input names


@pytest.mark.parametrize("content", [b"", b"   ", b"\n\n\n", b"\xef\xbb\xbf", b"\xff\xfe", b"\0\0\0\0"])
def test_an_empty_file(content: bytes) -> None:
    assert refusal(content).key == "upload_empty"


def test_one_row() -> None:
    problem = refusal("a,b,c\n1,2,x\n")
    assert (problem.key, problem.values) == ("upload_too_few_rows", {"came": 1, "least": 10})
    assert refusal("a,b,c\n").key == "upload_no_rows"


def test_one_column() -> None:
    assert refusal("a\n" + "1\n2\n" * 20).key == "upload_one_column"


def test_one_class() -> None:
    text = "value,letter\n" + "".join(f"{place}.5,same\n" for place in range(20))
    assert "upload_one_class" in keys(profile(text, target="letter"))
    problem = refusal(text, import_table, target="letter")
    assert (problem.key, problem.values) == ("upload_one_class", {"column": "letter", "value": "same"})


def test_all_missing() -> None:
    assert refusal("a,b,c\n" + ",,\n" * 20).key == "upload_no_rows"
    marks = "a,b,c\n" + "NA,?,nan\n" * 20
    assert isinstance(outcome(marks, import_table), Problem)
    text = "a,b,c\n" + "1.5,,x\n2.5,,y\n" * 10
    assert "found_empty_columns" in keys(profile(text))
    assert refusal(text, import_table, target="b").key == "upload_target_empty"
    assert refusal(text, import_table, target="a", inputs=["b"]).key == "upload_no_inputs"


def test_a_target_with_5000_classes() -> None:
    text = "value,word\n" + "".join(f"{place},w{place % 5000}\n" for place in range(10_000))
    assert "upload_too_many_classes" in keys(profile(text, target="word"))
    problem = refusal(text, import_table, target="word")
    assert (problem.key, problem.values["came"], problem.values["limit"]) == ("upload_too_many_classes", 5000, 20)
    assert len(profile(text, target="word")["classes"]) <= 20


@pytest.mark.parametrize("name", ["c{}", "same", ""])
def test_a_million_columns(name: str) -> None:
    header = ",".join(name.format(place) for place in range(1_000_000))
    for text in (header, header + "\n" + ",".join(["1"] * 1_000_000)):
        problem = refusal(text)
        assert (problem.key, problem.values["came"]) == ("upload_too_many_columns", 1_000_000)


def test_201_columns_in_every_kind_of_file() -> None:
    frame = pd.DataFrame(np.ones((20, 201)), columns=[f"c{place}" for place in range(201)])
    with io.BytesIO() as sheet, io.BytesIO() as parquet:
        frame.to_excel(sheet, index=False)
        frame.to_parquet(parquet)
        for content in (frame.to_csv(index=False), sheet.getvalue(), parquet.getvalue()):
            problem = refusal(content)
            assert (problem.key, problem.values) == ("upload_too_many_columns", {"came": 201, "limit": 200})


def test_ragged_rows() -> None:
    found = profile("a,b,c\n" + ROWS + "1.5\n2.5,3,y,4,5\n")
    assert "found_ragged" in keys(found)
    assert [len(row) for row in found["preview"]] == [3] * 20
    wild = "a,b,c\n" + "".join(",".join(["1"] * (1 + place % 7)) + "\n" for place in range(70))
    assert refusal(wild).key == "upload_ragged"


@pytest.mark.parametrize(
    "cell", ["NaN", "inf", "-inf", "1e400", "-1e400", "1e-400", "9" * 400, "0x10", "1_000", "1e999999999"]
)
def test_numbers_that_are_none(cell: str) -> None:
    found = profile("value,other,letter\n" + f"{cell},2,x\n" + ROWS * 5)
    column = found["columns"][0]
    assert column["kind"] == "number"
    assert (column["min"], column["max"]) == ((0, 2.5) if cell == "1e-400" else (1.5, 2.5))


@pytest.mark.parametrize(
    "cells",
    [
        ("4503599627370498.0",) * 2,
        ("4503599627370498", "4503599627370499"),
        ("-1e30", "1e30"),
        ("5e-324", "0"),
        ("0.1",) * 2,
    ],
)
def test_numbers_that_leave_no_room_for_bars(cells: tuple[str, str]) -> None:
    found = profile("value,other,letter\n" + f"{cells[0]},1.5,x\n{cells[1]},2.5,y\n" * 10)
    bars = found["columns"][0]["histogram"]
    assert sum(bars["counts"]) == 20 and len(bars["edges"]) == len(bars["counts"]) + 1


def test_a_column_of_nothing_but_infinities() -> None:
    found = profile("value,other,letter\n" + "inf,1.5,x\n-inf,2.5,y\n" * 10)
    assert found["columns"][0]["missing"] == 20
    assert found["inputs"] == ["other"]


@pytest.mark.parametrize(
    "name",
    [
        "<img src=x onerror=alert(1)>", "$x$", "=cmd()", "__proto__", "constructor", "🐧🧊", "اسم", "שם\u202eevil\u202c", "a\u0000b",
        "x" * 5000,
        "![x](http://evil.example/a.png)", "a\tb\nc", "'; DROP TABLE runs; --", "\ufeff", "{name}", "%s%n", "../../etc/passwd",
    ],
)  # fmt: skip
def test_names_from_a_stranger(name: str) -> None:
    quoted = '"' + name.replace('"', '""') + '"'
    if "\0" in name:
        assert refusal(f"{quoted},b,c\n" + ROWS).key == "upload_not_table"
        return
    found = profile(f"{quoted},{quoted},c\n" + ROWS)
    names = [column["name"] for column in found["columns"]]
    assert len(set(names)) == 3
    assert all(0 < len(shown) <= 64 and shown.isprintable() for shown in names)
    part = outcome(f"{quoted},{quoted},c\n" + ROWS, import_table)
    assert not isinstance(part, Problem)
    assert [column["name"] for column in part["dataset"]["columns"]] == names[:2]
    stored = store.get_table(part["dataset"]["digest"])
    assert stored.arrays["c0"].tolist() == [1.5, 2.5] * 10
    # The same names lead back to the same columns.
    assert not isinstance(
        outcome(f"{quoted},{quoted},c\n" + ROWS, types={names[0]: "number"}, inputs=names[:1]), Problem
    )


@pytest.mark.parametrize(
    "word", ["<script>alert(1)</script>", "=cmd|'/C calc'!A0", "__proto__", "\u202egnp.exe", "[x](http://evil.example)"]
)
def test_words_from_a_stranger(word: str) -> None:
    found = profile("a,word,c\n" + f'1.5,"{word}",x\n2.5,plain,y\n' * 10)
    top = [value for value, _ in found["columns"][1]["top"]]
    assert len(top) == 2 and all(value.isprintable() for value in top)


def workbook(sheet: str = "", extra: dict[str, bytes] | None = None) -> bytes:
    """A small workbook, with another sheet put in its place, and more entries."""
    with io.BytesIO() as plain, io.BytesIO() as changed:
        book = openpyxl.Workbook()
        for row in [["a", "b"], *([place / 2, "xy"[place % 2]] for place in range(20))]:
            book.active.append(row)
        book.save(plain)
        with zipfile.ZipFile(plain) as source, zipfile.ZipFile(changed, "w", zipfile.ZIP_DEFLATED) as target:
            for entry in source.infolist():
                content = source.read(entry)
                if sheet and entry.filename.endswith("sheet1.xml"):
                    content = sheet.encode()
                target.writestr(entry.filename, content)
            for name, content in (extra or {}).items():
                target.writestr(name, content)
        return changed.getvalue()


SHEET = '<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main">{}<sheetData>{}</sheetData></worksheet>'


def test_a_zip_bomb_in_xlsx() -> None:
    content = workbook(sheet=SHEET.format("", "<row>" + " " * (24 << 20) + "</row>"))
    assert len(content) < 1 << 16
    assert refusal(content).key == "upload_bomb"
    assert refusal(workbook(extra={f"xl/media/{place}": b"" for place in range(2000)})).key == "upload_bomb"
    assert refusal(workbook(extra={"xl/media/zeros": bytes(9 << 20)})).key == "upload_bomb"


def test_a_billion_laughs_in_xlsx() -> None:
    laughs = "".join(f'<!ENTITY l{place} "{f"&l{place - 1};" * 10}">' for place in range(1, 10))
    sheet = f"<!DOCTYPE x [<!ENTITY l0 'lol'>{laughs}]>" + SHEET.format("", "<row><c><v>&l9;</v></c></row>")
    assert refusal(workbook(sheet=sheet)).key == "upload_bomb"


@pytest.mark.parametrize(
    "rows",
    [
        '<row r="99999999999"><c r="A99999999999"><v>1</v></c></row>',
        '<row r="1048576"><c r="XFD1048576"><v>1</v></c></row>',
        '<row r="1"><c r="A1" t="s"><v>99</v></c></row>',
        '<row r="1"><c r="ZZZZZZ1"><v>1</v></c></row>',
        '<row r="-1"><c r="A-1"><v>1</v></c></row>',
        '<row r="1"><c r="A1" t="d"><v>not a date</v></c></row>',
        '<row r="1"><c r="A1"><v>1e999</v></c><c r="B1"><v>x</v></c></row>' * 20,
        "<row><c><v>1",
        "",
    ],
)
def test_sheets_that_claim_what_is_not_there(rows: str) -> None:
    outcome(workbook(sheet=SHEET.format('<dimension ref="A1:XFD1048576"/>', rows)))


def test_a_protected_workbook_and_one_of_the_old_format() -> None:
    content = bytearray(workbook())
    for mark, place in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        at = -1
        while (at := content.find(mark, at + 1)) >= 0:
            content[at + place] |= 1
    assert refusal(bytes(content)).key == "upload_locked"
    assert refusal(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(2000)).key == "upload_old_excel"


def zipped(**entries: bytes) -> bytes:
    with io.BytesIO() as file:
        with zipfile.ZipFile(file, "w") as archive:
            for name, content in entries.items():
                archive.writestr(name, content)
        return file.getvalue()


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b"\x7fELF\x02\x01\x01" + bytes(range(256)) * 40, "ELF"),
        (b"MZ\x90\x00\x03\x00\x00\x00" + bytes(range(256)) * 40, "EXE"),
        (b"%PDF-1.7\n" + bytes(range(256)), "PDF"),
        (b"\x89PNG\r\n\x1a\n" + bytes(range(256)), "PNG"),
        (b"\xff\xd8\xff\xe0" + bytes(range(256)), "JPEG"),
        (b"\x80\x04\x95\x0b\x00\x00\x00\x00\x00\x00\x00\x8c\x02os", "pickle"),
        (b"\x1f\x8b\x08\x00" + bytes(range(256)), "gzip"),
        (b"<!DOCTYPE html><html><body>Not found, sorry</body></html>", "HTML"),
        (b'{"a": [1, 2], "b": [3, 4]}', "JSON"),
        (b'<?xml version="1.0"?><a/>', "XML"),
        (np.random.default_rng(0).bytes(5000), "binary"),
        (zipped(notes=b"hello"), "zip"),
        (b"SQLite format 3\x00" + bytes(200), "SQLite"),
    ],
)  # fmt: skip
def test_a_renamed_executable_and_other_files_that_are_no_tables(content: bytes, kind: str) -> None:
    problem = refusal(content)
    assert (problem.key, problem.values) == ("upload_not_table", {"kind": kind})


def parquet(frame: pd.DataFrame) -> bytes:
    with io.BytesIO() as file:
        frame.to_parquet(file)
        return file.getvalue()


def test_a_2_gb_claim_in_a_header() -> None:
    # Two billion rows of one value take a few kilobytes in Parquet: a run-length code says how often.
    with io.BytesIO() as file:
        table = pa.table({"a": pa.array([1.0] * 3_000_000), "b": pa.array([None] * 3_000_000, pa.float64())})
        pyarrow.parquet.write_table(table, file, compression="zstd")
        content = file.getvalue()
    assert len(content) < 1 << 20
    assert refusal(content).key == "upload_too_many_rows"
    assert refusal(content, sample=100).key == "upload_too_many_rows"
    # Two gigabytes claimed by an entry of a zip file.
    claim = bytearray(workbook())
    at = claim.find(b"PK\x01\x02")
    claim[at + 24 : at + 28] = struct.pack("<I", 0x7FFFFFFF)
    assert refusal(bytes(claim)).key == "upload_bomb"
    # A footer of two gigabytes in a file of a kilobyte.
    whole = parquet(pd.DataFrame({"a": range(20), "b": range(20)}))
    assert refusal(whole[:-8] + struct.pack("<I", 0x7FFFFFFF) + b"PAR1").key == "upload_damaged"


def test_a_text_in_parquet_that_is_none() -> None:
    with io.BytesIO() as file:
        pyarrow.parquet.write_table(
            pa.table({"a": range(20), "word": ["plain", "words"] * 10}), file, compression="none"
        )
        assert refusal(file.getvalue().replace(b"plain", b"pl\xff\xfen")).key == "upload_damaged"


def test_a_parquet_file_with_more_columns_than_its_footer_may_hold() -> None:
    table = pa.table({f"c{place}": pa.array([1]) for place in range(5000)})
    with io.BytesIO() as file:
        pyarrow.parquet.write_table(table, file)
        assert refusal(file.getvalue()).key == "upload_too_many_columns"


def test_a_file_removed_in_mid_upload(tmp_path: Path) -> None:
    digest = store.keep_upload(("a,b,c\n" + ROWS + "9,9,z\n").encode())
    (store.folder() / f"{digest}.upload").unlink()
    with pytest.raises(Problem) as caught:
        look({"upload": digest, "name": "table.csv"}, b"", ignored)
    assert caught.value.key == "upload_gone"
    for content in (workbook(), parquet(pd.DataFrame({"a": range(20), "b": range(20)}))):
        assert refusal(content[: len(content) // 2]).key == "upload_damaged"


def test_more_than_16_mb() -> None:
    with pytest.raises(Problem) as caught:
        store.keep_upload(bytes(17 << 20))
    assert caught.value.key == "upload_too_large"
    with pytest.raises(Problem) as caught:
        reading.read_content(bytes(17 << 20), {})
    assert caught.value.key == "upload_too_large"


# What is read to its end, and what is not


def test_a_ragged_file_is_refused_as_soon_as_its_rows_are_too_many() -> None:
    problem = refusal("a,b\n" + "1\n1,2,3\n" * 200_000)
    assert (problem.key, problem.values) == ("upload_ragged", {"rows": 100_001, "of": 100_001, "line": 2})
    problem = refusal("a,b\n" + "1,2\n" * 300 + "1\n1,2,3\n" * 200_000)
    assert problem.values == {"rows": 100_001, "of": 100_301, "line": 302}
    wide = ",".join(f"c{place}" for place in range(200)) + "\n" + ("1," * 199 + "1\n") * 300 + "1\n" * 300_000
    assert refusal(wide).values == {"rows": 100_001, "of": 100_301, "line": 302}
    # A tenth of the rows, of which a sample is drawn.
    assert refusal("a,b\n" + ("1,2\n" * 9 + "1\n") * 110_000, sample=100).values["rows"] == 100_001
    # Where half of the lines are odd, no table of so many lines is left.
    assert refusal("a,b\n" + "1,2\n" * 100 + "1\n" * 900).values == {"rows": 501, "of": 601, "line": 102}


def test_a_ragged_file_of_too_many_rows_is_said_to_have_them() -> None:
    problem = refusal("a,b\n" + "1,2\n" * 100_000 + "1\n")
    assert (problem.key, problem.values["came"]) == ("upload_too_many_rows", 100_001)
    found = profile("a,b\n" + "1.5,2\n2.5,3\n" * 60_000 + "1\n", sample=50)
    assert (found["rows"], found["rows_in_file"]) == (50, 120_001)


@pytest.mark.parametrize("ending", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_rows_of_another_length_keep_their_place_and_their_cells(ending: str, separator: str) -> None:
    generator = np.random.default_rng(5)
    cells = ["1.5", "x", "", '"a ""b"" c"', f'"two{ending}lines"', '"sep' + separator + 'arated"', "ß", " 7 "]
    lengths = [4, *generator.choice([4, 4, 4, 4, 1, 2, 5, 9], 300)]
    lines = [separator.join(generator.choice(cells, length)) for length in lengths]
    lines = [line if line.strip(separator) else "x" for line in lines]  # Not empty, which would be no row.
    text = separator.join("abcd") + ending + ending.join(lines)
    read = reading.read_content(text.encode(), {"separator": separator, "header": True})
    came = zip(*(column.to_pylist() for column in read.columns), strict=True)
    _, *judged = csv.reader(io.StringIO(text, newline=""), delimiter=separator)
    wanted = [tuple(cell or None for cell in [*row[:4], *[""] * (4 - len(row))]) for row in judged]
    assert list(came) == [row for row in wanted if any((cell or "").strip() for cell in row)]
    line = 2 + sum(1 + row.count(ending) for row in lines[: next(n for n, row in enumerate(judged) if len(row) != 4)])
    assert {"rows": sum(len(row) != 4 for row in judged), "line": line, "width": 4} in [
        found["values"] for found in read.findings
    ]


def test_no_row_is_lost_to_an_open_quotation_mark_among_an_even_number_of_them() -> None:
    text = "size,price,kind\n" + '12",1.5,x\n14,2.5,y\n' + ROWS * 20 + '"15,3.5,x\n' + ROWS * 20
    assert text.count('"') == 2
    problem = refusal(text)
    assert (problem.key, problem.values) == ("upload_open_quote", {"line": 404})


def test_a_sheet_is_not_read_beyond_the_rows_that_a_table_may_have(monkeypatch: pytest.MonkeyPatch) -> None:
    content = workbook(sheet=SHEET.format("", "<row><c><v>1</v></c><c><v>2.5</v></c></row>" * 60))
    assert profile(content)["rows"] == 60
    reading.forget()
    monkeypatch.setattr(excel, "MOST_READ", 50)
    problem = refusal(content)
    assert (problem.key, problem.values) == ("upload_more_rows", {"limit": 100_000})
    assert profile(content, sample=20)["rows_in_file"] == 60
    reading.forget()
    monkeypatch.setattr(excel, "MOST_CELLS", 100)
    assert refusal(content, sample=20).key == "upload_more_rows"


@pytest.mark.parametrize("kind", [pa.string(), pa.large_string()])
def test_a_text_that_a_parquet_file_repeats_for_gigabytes(kind: pa.DataType) -> None:
    texts = pa.DictionaryArray.from_arrays(pa.array(np.zeros(90_000, np.int32)), pa.array(["x" * 4000]))
    with io.BytesIO() as file:
        pyarrow.parquet.write_table(pa.table({"a": texts.cast(kind), "b": range(90_000)}), file)
        content = file.getvalue()
    assert len(content) < 1 << 20
    assert refusal(content).key == "upload_bomb"
    with io.BytesIO() as file:
        pyarrow.parquet.write_table(pa.table({"a": texts.cast(kind)[:900], "b": range(900)}), file)
        assert profile(file.getvalue())["columns"][0]["distinct"] == 1


def test_what_a_network_cannot_be_given_is_not_unpacked_either() -> None:
    lists = pa.array([["x" * 2000] * 20] * 9000)
    with io.BytesIO() as file:
        pyarrow.parquet.write_table(pa.table({"a": lists, "b": range(9000), "c": range(9000)}), file)
        found = profile(file.getvalue())
    assert [column["name"] for column in found["columns"]] == ["b", "c"]
    left_out = [one["values"] for one in found["findings"] if one["key"] == "found_left_out"]
    assert left_out == [{"column": "a", "kind": "list<element: string>"}]


def test_what_takes_long_is_left_to_the_job_that_may(monkeypatch: pytest.MonkeyPatch) -> None:
    text = "a,b,c\n" + ROWS
    monkeypatch.setattr("dlcore.datasets.upload.QUICK_CELLS", 59)
    assert outcome(text) == {"form": "large"}
    assert profile(text, job=look_long)["rows"] == 20
    monkeypatch.setattr("dlcore.datasets.upload.QUICK_CELLS", 60)
    assert profile(text)["form"] == "table"
    monkeypatch.setattr(reading, "QUICK_XML", 100)
    assert outcome(WHOLE["xlsx"]) == {"form": "large"}
    assert profile(WHOLE["xlsx"], job=look_long)["format"] == "excel"


# Other hostile texts


def test_a_quotation_mark_that_is_never_closed() -> None:
    text = "a,b,c\n" + ROWS + '1.5,"open,x\n' + ROWS * 200
    assert (refusal(text).key, refusal(text).values) == ("upload_open_quote", {"line": 22})
    assert refusal('a,"b,c\n' + ROWS * 20_000).key in ("upload_long_line", "upload_open_quote")


def test_inches_are_no_open_quotation_marks() -> None:
    found = profile("size,price,kind\n" + '12",1.5,x\n14",2.5,y\n' * 10 + '15",3.5,x\n')
    assert found["columns"][0]["top"][0][0] in ('12"', '14"')


@pytest.mark.parametrize(
    "text",
    [
        "a" * 3_000_000,
        "a,b\n" + "x" * 3_000_000 + ",1\n",
        '"' * 1_000_001,
        ",".join('"' * 50_000),
        "\n" * 1_000_000 + "a,b\n1,2\n",
        "a,b\n" + "1,\n" * 12 + ",".join(["9"] * 100_000) + "\n",
        "a;b\n" + "1.234.567,8;x\n" * 100_000,
        "a,b\n" + "(((((((((((((((,1\n" * 100,
        "a b c\n" + " ".join(["word"] * 300_000),
        "\r" * 100_000,
        "a,b\n" + "9" * 100_000 + ",1\n" + "1,2\n" * 20,
        "a,b\n" + "".join(f"2024-01-01T00:00:00.{place:09}+99:99,1\n" for place in range(50)),
        "a,b\n" + "9999-12-31,1\n0001-01-01,2\n" * 10,
        "a,b\n" + "0000-00-00,1\n" * 20,
        "a,b\n" + "0001-01-01T00:00+23:59,1\n9999-12-31T23:59:59.9999999,2\n" * 10,
        "|" * 1000 + "\n" + "|" * 1000,
        ";,\t| ;,\t| \n" * 100,
        "sep=",
        "sep=,",
        'sep="\n1,2\n',
    ],
)  # fmt: skip
def test_texts_that_wear_a_parser_out(text: str) -> None:
    outcome(text)


def test_a_hundred_thousand_different_words_in_many_columns() -> None:
    rows = "".join(f"w{place},u{place}v,{place}x,{place * 3}y,{place % 3}\n" for place in range(100_000))
    found = profile("a,b,c,d,e\n" + rows)
    assert [column["kind"] for column in found["columns"][:4]] == ["id"] * 4
    part = outcome("a,b,c,d,e\n" + rows, import_table, inputs=["a", "b", "c", "d"])
    assert not isinstance(part, Problem)
    assert [len(column["values"]) for column in part["dataset"]["columns"]] == [30] * 4


@pytest.mark.parametrize(
    "options",
    [
        {"separator": "ab"}, {"separator": ""}, {"decimal": ";"}, {"encoding": "rot13"}, {"encoding": "zip"}, {"encoding": "utf-16"},
        {"sheet": "none"}, {"types": {"a": "price"}}, {"types": {"nobody": "number"}}, {"types": {"c": "date"}}, {"types": {"a": "date"}},
        {"types": {"c": "number"}}, {"types": {"a": "id", "b": "text", "c": "text"}}, {"target": "nobody"}, {"inputs": ["nobody"]},
        {"inputs": []}, {"inputs": ["c"], "target": "c"}, {"inputs": ["a", "a"]}, {"task": "poetry"}, {"task": "regression", "target": "c"},
        {"sample": 3}, {"sample": 10**9}, {"sample": "many"}, {"sample": True}, {"target": ""}, {"encoding": "utf-32"}, {"header": False},
    ],
)  # fmt: skip
@pytest.mark.parametrize("job", [look, import_table])
def test_options_that_do_not_fit(options: dict[str, Any], job: Callable[..., Any]) -> None:
    outcome("a,b,c\n" + ROWS, job, **options)


# Generated malformed tables

CELLS = st.one_of(
    st.text(max_size=12),
    st.sampled_from(["", "NA", "?", "1", "-1.5", "1,5", "1.234,5", "1e400", "inf", "nan", "2024-02-30", "31/12/99",
                     "yes", "=1+1", '"', '""', "\0", "\u202e"]),
    st.floats(allow_nan=True).map(str),
    st.integers().map(str),
    st.dates().map(str),
)  # fmt: skip
ROWS_OF_CELLS = st.lists(st.lists(CELLS, max_size=8), max_size=30)


@st.composite
def malformed_tables(draw: st.DrawFn) -> bytes:
    """Rows of any cells and lengths in any writing, then cut and changed."""
    separator = draw(st.sampled_from([",", ";", "\t", "|", " ", "::", ""]))
    ending = draw(st.sampled_from(["\n", "\r\n", "\r", "\n\n", "\u2028"]))
    quote = draw(st.sampled_from(["", '"', "'"]))
    rows = draw(ROWS_OF_CELLS)
    if rows and draw(st.booleans()):  # Long enough to be taken for a table.
        rows = rows * 6
    text = ending.join(separator.join(f"{quote}{cell}{quote}" for cell in row) for row in rows)
    content = text.encode(draw(st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "gb18030", "utf-32"])), "replace")
    return _changed(draw, content)


def _changed(draw: st.DrawFn, content: bytes) -> bytes:
    """Cut short, or with a few bytes changed."""
    if content and draw(st.booleans()):
        content = content[: draw(st.integers(0, len(content)))]
    for place, byte in draw(
        st.lists(st.tuples(st.integers(0, max(0, len(content) - 1)), st.integers(0, 255)), max_size=3)
    ):
        content = content[:place] + bytes([byte]) + content[place + 1 :]
    return content


GENERATED = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture])


@given(malformed_tables(), st.sampled_from([look, import_table]))
@settings(GENERATED, max_examples=200)
def test_200_malformed_tables_give_a_profile_or_a_sentence(content: bytes, job: Callable[..., Any]) -> None:
    outcome(content, job)


@given(st.binary(max_size=300))
@settings(GENERATED, max_examples=50)
def test_any_bytes_give_a_profile_or_a_sentence(content: bytes) -> None:
    outcome(content)


WHOLE = {
    "xlsx": workbook(),
    "parquet": parquet(pd.DataFrame({"a": np.arange(30) / 3, "b": ["x", "y", None] * 10, "c": range(30)})),
}


@st.composite
def damaged_files(draw: st.DrawFn) -> bytes:
    return _changed(draw, WHOLE[draw(st.sampled_from(sorted(WHOLE)))])


@given(damaged_files())
@settings(GENERATED, max_examples=100)
def test_100_damaged_workbooks_and_parquet_files_give_a_profile_or_a_sentence(content: bytes) -> None:
    outcome(content)


def test_damage_inside_a_workbooks_own_text_gives_a_profile_or_a_sentence() -> None:
    generator = np.random.default_rng(0)
    with zipfile.ZipFile(io.BytesIO(WHOLE["xlsx"])) as archive:
        entries = {name: archive.read(name) for name in archive.namelist()}
    for name, whole in entries.items():
        for _ in range(6):
            spoilt = bytearray(whole)
            for place in generator.integers(0, len(whole), 3):
                spoilt[place] = generator.integers(32, 127)
            with io.BytesIO() as file:
                with zipfile.ZipFile(file, "w") as archive:
                    for other, content in entries.items():
                        archive.writestr(other, bytes(spoilt) if other == name else content)
                outcome(file.getvalue())


def test_every_refusal_of_a_table_is_said_in_both_languages() -> None:
    from dlcore.problems import TEMPLATES

    told = {f"problem.{key}" for key in TEMPLATES if key.startswith(("upload_", "found_"))}
    assert len(told) > 40
    assert told <= set(catalogue("en")) and told <= set(catalogue("zh_CN"))


def test_a_bomb_of_deflate_in_gzip_is_not_unpacked() -> None:
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    content = packer.compress(bytes(64 << 20)) + packer.flush()
    assert refusal(content).key == "upload_not_table"
