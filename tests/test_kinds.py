"""What a column is and what is asked of a table, judged by the readings that were written down before (tests/readings)."""

from __future__ import annotations

import json
import time
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dlcore.component import validate
from dlcore.datasets import store
from dlcore.datasets.columns import UNKNOWN
from dlcore.datasets.days import read_iso
from dlcore.datasets.table import TableData
from dlcore.datasets.upload import import_table, look
from dlcore.datasets.upload.again import raw_values
from dlcore.datasets.upload.cells import Cells
from dlcore.datasets.upload.column import Column
from dlcore.datasets.upload.columns import find_types
from dlcore.datasets.upload.dates import find_dates
from dlcore.datasets.upload.ids import is_named_id
from dlcore.datasets.upload.numbers import read_numbers
from dlcore.datasets.upload.reading import read_content
from dlcore.problems import Problem

READINGS = Path(__file__).parent / "readings"
FILES = sorted(path.name for path in READINGS.iterdir() if path.suffix != ".json")
Profile = dict[str, Any]


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A store of its own."""
    monkeypatch.setenv("DLCORE_TABLES", str(tmp_path / "tables"))


def ignored(share: float, partial: dict[str, Any]) -> None:
    """Progress that nobody watches."""


def looked(content: bytes | str, **options: Any) -> Profile:
    raw = content.encode() if isinstance(content, str) else content
    profile, _ = look({"upload": store.keep_upload(raw), "name": "table.csv", **options}, b"", ignored)
    return json.loads(json.dumps(profile, allow_nan=False))


def imported(content: bytes | str, **options: Any) -> TableData:
    raw = content.encode() if isinstance(content, str) else content
    header, _ = import_table({"upload": store.keep_upload(raw), "name": "table.csv", **options}, b"", ignored)
    return validate(TableData, header["dataset"])


def rows_of(table: TableData) -> np.ndarray:
    return table.sample(np.random.default_rng(0)).X


def as_the_page_asks(profile: Profile, **further: Any) -> dict[str, Any]:
    """All that the page says when somebody presses Train."""
    kinds = {column["name"]: column["kind"] for column in profile["columns"]}
    return {"types": kinds, **{name: profile[name] for name in ("target", "task", "inputs")}, **further}


def reading(file: str) -> dict[str, Any]:
    return json.loads((READINGS / f"{file}.json").read_text(encoding="utf-8"))


def content(file: str) -> bytes:
    return (READINGS / file).read_bytes()


def sentences(profile: Profile) -> list[str]:
    return [str(Problem(each["key"], **each["values"])) for each in profile["findings"]]


def keys(profile: Profile) -> Counter[str]:
    return Counter(each["key"] for each in profile["findings"])


def column_of(profile: Profile, name: str) -> dict[str, Any]:
    (found,) = [column for column in profile["columns"] if column["name"] == name]
    return found


def table(**columns: list[str]) -> str:
    """CSV, every cell in quotation marks."""
    rows = [list(columns), *zip(*columns.values(), strict=True)]
    return "".join(",".join(f'"{cell}"' for cell in row) + "\n" for row in rows)


def column(*cells: str, decimal: str = ".") -> Column:
    """One column of these cells, as it is found out."""
    (found,) = find_types(Cells("csv", ("x",), (pa.array(cells, pa.string()),), {"decimal": decimal}), {})
    return found


# Against the readings


@pytest.mark.parametrize("file", FILES)
def test_columns_are_what_a_knowledgeable_person_takes_them_for(file: str) -> None:
    found = {each.name: each for each in find_types(read_content(content(file), {}), {})}
    expected = reading(file)["columns"]
    assert list(found) == list(expected)
    for name, said in expected.items():
        one = found[name]
        assert one.kind == said.get("kind", one.kind), name
        assert one.missing.sum() == said["missing"], name
        if "values" in said:
            assert dict(zip(one.coded.values, one.coded.counts.tolist(), strict=True)) == said["values"]
        for row, value in said.get("cells", {}).items():
            assert one.numbers is not None
            number = np.nan if value is None else read_iso(value) if isinstance(value, str) else value
            np.testing.assert_equal(one.numbers[int(row)], number)


@pytest.mark.parametrize("file", FILES)
def test_what_is_asked_and_what_goes_into_the_network_is_what_they_would_ask(file: str) -> None:
    profile, said = looked(content(file)), reading(file)
    assert (profile["rows"], profile["target"], profile["task"]) == (said["rows"], said["target"], said["task"])
    assert profile["inputs"] == said["inputs"]
    assert profile["trained"] == said["trained"]
    if "classes" in said:
        assert {each["name"]: each["rows"] for each in profile["classes"]} == said["classes"]
    kinds = [column_of(profile, name)["kind"] for name in profile["inputs"]]
    if {*kinds} <= {"number", "category", "date"}:
        table = imported(content(file))
        assert (table.rows, table.target, list(table.column_names)) == (said["trained"], said["target"], said["inputs"])


@pytest.mark.parametrize("file", FILES)
def test_they_are_told_what_they_would_tell_and_nothing_that_is_wrong(file: str) -> None:
    told, said = sentences(looked(content(file))), reading(file)
    for words in said.get("says", ()):
        assert any(all(word in sentence for word in words) for sentence in told), (words, told)
    for words in said.get("silent", ()):
        assert not any(all(word in sentence for word in words) for sentence in told), (words, told)


@pytest.mark.parametrize("said_by_page", [False, True])
@pytest.mark.parametrize("file", FILES)
def test_a_network_that_is_given_the_file_again_reads_each_cell_as_it_was_brought(
    file: str, said_by_page: bool
) -> None:
    profile = looked(content(file))
    options = as_the_page_asks(profile) if said_by_page else {}
    brought = imported(content(file), **options)
    cells = read_content(content(file), {})
    known = ~np.isnan(cells_of_target(cells, profile["target"], brought))
    again = np.stack([read_again(brought, cells, name) for name in brought.column_names], axis=1)
    np.testing.assert_array_equal(rows_of(brought), again[known])


def read_again(table: TableData, cells: Cells, name: str, rows: slice = slice(None)) -> np.ndarray:
    (one,) = [column for column in table.columns if column.name == name]
    whole = cells.columns[cells.names.index(name)]
    return raw_values(one, whole[rows], cells.options.get("decimal", "."))


def cells_of_target(cells: Cells, target: str, table: TableData) -> np.ndarray:
    """NaN where a row cannot be learned from, as the reading of the column has it."""
    (found,) = [each for each in find_types(cells, {}) if each.name == target]
    if not table.classes:
        assert found.numbers is not None
        return found.numbers
    words = np.array([*found.coded.values, None], dtype=object)[found.coded.codes]
    return np.where(np.isin(words, list(table.classes)), 1.0, np.nan)


@pytest.mark.parametrize("file", FILES)
def test_what_a_cell_is_read_as_does_not_depend_on_the_others(file: str) -> None:
    brought, cells = imported(content(file)), read_content(content(file), {})
    for name in brought.column_names:
        alone = [read_again(brought, cells, name, slice(row, row + 1)) for row in range(10)]
        np.testing.assert_array_equal(np.concatenate(alone), read_again(brought, cells, name, slice(10)))


# What the owner answers


def temperatures() -> str:
    """Four times -999 among the temperatures of 40 days, and bounds among the rains."""
    days = [str(15 + day % 9) if day % 10 else "-999" for day in range(40)]
    rains = [f"{day % 7}.5" if day % 8 else "<0.1" for day in range(40)]
    return table(temperature=days, rain=rains, kind=["ab"[day % 2] for day in range(40)])


def test_a_number_that_is_said_to_mean_missing_is_missing_in_training_and_in_every_later_file() -> None:
    before = looked(temperatures())
    assert column_of(before, "temperature")["marks"] == [["-999", 4, False]]
    assert keys(before)["found_far_away"] == 1
    after = looked(temperatures(), missing={"temperature": ["-999"]})
    assert column_of(after, "temperature")["marks"] == [["-999", 4, True]]
    assert (column_of(after, "temperature")["missing"], column_of(after, "temperature")["min"]) == (4, 15)
    assert keys(after)["found_far_away"] == 0
    brought = imported(temperatures(), **as_the_page_asks(after, missing={"temperature": ["-999"]}))
    assert brought.columns[0].missing == ("-999",)
    assert np.isnan(rows_of(brought)[:, 0]).sum() == 4
    np.testing.assert_array_equal(
        raw_values(brought.columns[0], pa.array(["-999", "-999.0", "7"]), "."), [np.nan, np.nan, 7]
    )
    np.testing.assert_array_equal(
        raw_values(imported(temperatures()).columns[0], pa.array(["-999", "7"]), "."), [-999, 7]
    )


def test_a_bound_is_missing_until_its_owner_counts_it_as_the_number_it_names() -> None:
    before = looked(temperatures())
    assert column_of(before, "rain")["marks"] == [["<0.1", 5, True]]
    assert (column_of(before, "rain")["missing"], keys(before)["found_bounds"]) == (5, 1)
    after = looked(temperatures(), missing={"rain": []})
    assert column_of(after, "rain")["marks"] == [["<0.1", 5, False]]
    assert (column_of(after, "rain")["missing"], column_of(after, "rain")["min"]) == (0, 0.1)
    brought = imported(temperatures(), **as_the_page_asks(after, missing={"rain": []}))
    assert rows_of(brought)[0, 1] == 0.1
    np.testing.assert_array_equal(raw_values(brought.columns[1], pa.array(["<0.2", "x"]), "."), [0.2, np.nan])
    again = looked(temperatures(), missing={"rain": ["<0.1"]})
    assert column_of(again, "rain")["missing"] == 5


def severity(none: int, others: int = 30) -> str:
    words = ["None"] * none + ["Mild", "Severe"] * others
    return table(
        severity=words,
        x=[f"{place}.5" for place in range(len(words))],
        y=["pq"[place % 2] for place in range(len(words))],
    )


def test_none_is_a_class_where_it_is_frequent_and_missing_where_it_is_rare_and_the_other_answer_can_be_given() -> None:
    frequent, rare = looked(severity(30)), looked(severity(4))
    assert column_of(frequent, "severity")["marks"] == [["None", 30, False]]
    assert (column_of(frequent, "severity")["missing"], keys(frequent)["found_maybe_missing"]) == (0, 1)
    assert column_of(rare, "severity")["marks"] == [["None", 4, True]]
    assert (column_of(rare, "severity")["missing"], keys(rare)["found_word_missing"]) == (4, 1)
    other = looked(severity(30), missing={"severity": ["None"]})
    assert (column_of(other, "severity")["missing"], keys(other)["found_maybe_missing"]) == (30, 0)
    kept = imported(severity(4), missing={"severity": []})
    assert kept.columns[0].values == ("Mild", "None", "Severe")  # type: ignore[union-attr]
    gone = imported(severity(30), missing={"severity": ["None"]})
    words = pa.array(["None", "Mild", "mild", ""])
    np.testing.assert_array_equal(raw_values(kept.columns[0], words, "."), [1, 0, UNKNOWN, np.nan])
    np.testing.assert_array_equal(raw_values(gone.columns[0], words, "."), [np.nan, 0, UNKNOWN, np.nan])


def test_na_in_a_column_of_many_names_is_missing_however_frequent() -> None:
    towns = [f"town {place % 25}" if place % 3 else "NA" for place in range(300)]
    profile = looked(
        table(town=towns, x=["12"[place % 2] for place in range(300)], y=["pq"[place % 2] for place in range(300)])
    )
    assert column_of(profile, "town")["missing"] == 100


def answers() -> str:
    words = ["Yes", "yes", "no", "NO ", "Yes"] * 8
    return table(x=[f"{place}.5" for place in range(40)], bought=words, y=["pq"[place % 2] for place in range(40)])


@pytest.mark.parametrize("target", ["y", "bought"])
def test_near_equal_spellings_are_one_when_their_owner_says_so(target: str) -> None:
    before = looked(answers(), target=target)
    assert column_of(before, "bought")["spellings"] == [["Yes", "yes"], ["no", "NO"]]
    assert (column_of(before, "bought")["distinct"], column_of(before, "bought")["joined"]) == (4, False)
    after = looked(answers(), target=target, joined=["bought"])
    assert (column_of(after, "bought")["distinct"], column_of(after, "bought")["joined"]) == (2, True)
    assert column_of(after, "bought")["top"] == [["Yes", 24], ["no", 16]]
    assert column_of(after, "bought")["spellings"] == [["Yes", "yes"], ["no", "NO"]]
    assert keys(after)["found_near_equal"] == 0
    brought = imported(answers(), **as_the_page_asks(after, joined=["bought"]))
    if target == "bought":
        assert (brought.classes, brought.rows) == (("Yes", "no"), 40)
        return
    values = brought.columns[1].values  # type: ignore[union-attr]
    assert sorted(values) == ["Yes", "no"]
    codes = raw_values(brought.columns[1], pa.array(["YES", " no", "maybe"]), ".")
    assert [values[int(code)] for code in codes[:2]] == ["Yes", "no"] and codes[2] == UNKNOWN


@pytest.mark.parametrize("kind", ["category", "text"])
def test_words_and_signs_come_back_when_the_owner_takes_the_column_for_no_numbers(kind: str) -> None:
    marks = [f"{place % 5}" if place % 20 else "absent" for place in range(40)]
    shares = [f"{place % 5}%" for place in range(40)]
    text = table(mark=marks, share=shares, y=["pq"[place % 2] for place in range(40)])
    assert [column_of(looked(text), name)["kind"] for name in ("mark", "share")] == ["number", "number"]
    profile = looked(text, types={"mark": kind, "share": kind})
    assert {word for word, _ in column_of(profile, "mark")["top"]} == {"0", "1", "2", "3", "4", "absent"}
    assert {word for word, _ in column_of(profile, "share")["top"]} == {"0%", "1%", "2%", "3%", "4%"}


@pytest.mark.parametrize(
    "options",
    [{"missing": ["x"]}, {"missing": {"x": "None"}}, {"missing": {"x": [1]}}, {"joined": "x"}, {"joined": [1]}],
)
def test_an_answer_of_the_wrong_form_is_one_sentence(options: dict[str, Any]) -> None:
    with pytest.raises(Problem) as caught:
        looked(answers(), **options)
    assert caught.value.key == "upload_option"


def test_dates_that_could_be_read_either_way_are_read_as_those_of_the_table_were() -> None:
    month_first = imported(
        table(day=[f"{1 + place % 12}/25/2024" for place in range(20)], y=["pq"[place % 2] for place in range(20)])
    )
    day_first = imported(
        table(day=[f"25/{1 + place % 12}/2024" for place in range(20)], y=["pq"[place % 2] for place in range(20)])
    )
    either = pa.array(["1/3/2024"])
    assert raw_values(month_first.columns[0], either, ".") == read_iso("2024-01-03")
    assert raw_values(day_first.columns[0], either, ".") == read_iso("2024-03-01")


# Worked examples


@pytest.mark.parametrize(
    ("cell", "decimal", "number", "unit"),
    [
        ("$1,200.50", ".", 1200.5, "$"), ("-$3", ".", -3, "$"), ("$-3", ".", -3, "$"), ("($3)", ".", -3, "$"), ("3-", ".", -3, ""),
        ("1.200,50 €", ",", 1200.5, "€"), ("€ 3", ".", 3, "€"), ("USD 5", ".", 5, "USD"), ("5 kr.", ".", 5, "kr."), ("5%", ".", 5, "%"),
        ("１２．５％", ".", 12.5, "%"), ("－７", ".", -7, ""), ("20℃", ".", 20, "°C"), ("5 sq ft", ".", 5, "sq ft"), ("3 m²", ".", 3, "m2"),
        ("¥1,000", ".", 1000, "¥"), ("100元", ".", 100, "元"), ("13:45", ".", 13.75, "hh:mm"), ("1:45 PM", ".", 13.75, "hh:mm"),
        ("12:30 a.m.", ".", 0.5, "hh:mm"), ("24:00", ".", 24, "hh:mm"), ("00:00:36", ".", 0.01, "hh:mm"),
    ],
)  # fmt: skip
def test_numbers_with_something_around_them(cell: str, decimal: str, number: float, unit: str) -> None:
    found = read_numbers(pa.array([cell]), decimal)
    assert (found.values.tolist(), found.unit) == ([pytest.approx(number, rel=1e-15)], unit)


@pytest.mark.parametrize(
    "cell",
    [
        "PC17",
        "10-20",
        "5'11",
        "-(5)",
        "(5",
        "5)",
        "--5",
        "24:30",
        "13:60",
        "0:30 PM",
        "1,2 kg",
        "A",
        "5 of them all",
        "$",
        "()",
        "1.2.3",
    ],
)
def test_what_is_no_number_whatever_stands_around_it(cell: str) -> None:
    assert np.isnan(read_numbers(pa.array([cell]), ".").values).all()


def test_a_cell_of_another_unit_is_no_number_of_the_column() -> None:
    found = column(*[f"{place} kg" for place in range(20)], "500 g", "7")
    assert found.numbers is not None and (found.kind, found.unit) == ("number", "kg")
    np.testing.assert_array_equal(found.numbers[-2:], [np.nan, 7])
    assert column(*["1 km", "500 m", "2 km", "700 m"] * 5).kind == "category"
    assert column(*["2wd", "4wd"] * 10).kind == "category"
    assert column(*[f"{place}x" for place in range(60)]).kind == "id"


@pytest.mark.parametrize(("words", "kind"), [(4, "number"), (5, "category")])
def test_a_tenth_of_words_makes_no_text_and_more_does(words: int, kind: str) -> None:
    assert column(*["ill"] * words, *[str(place % 9) for place in range(40 - words)]).kind == kind


@pytest.mark.parametrize(("different", "is_number"), [(3, True), (4, False)])
def test_three_different_words_make_a_column_no_other_and_four_do(different: int, is_number: bool) -> None:
    words = [f"word {place % different}" for place in range(4)]
    assert (column(*words, *[f"{place}.25" for place in range(36)]).kind == "number") == is_number


def test_a_blank_before_a_number_that_only_comes_late_changes_nothing() -> None:
    found = column(*[str(place % 7) for place in range(150)], " 7", *[str(place % 7) for place in range(49)])
    assert found.numbers is not None and (found.kind, found.numbers[150], found.missing.sum()) == ("number", 7, 0)


def test_codes_with_a_blank_keep_their_zeros() -> None:
    assert column(*["00713", " 10115"] * 6).kind == "category"


@pytest.mark.parametrize(
    ("name", "is_id"),
    [
        ("OrderId", True), ("CustomerID", True), ("order no.", True), ("customer_id", True), ("id", True), ("客户ID", True), ("学号", True),
        ("customerid", True), ("id_student", True), ("rowId", True), ("paid", False), ("PAID", False), ("valid", False), ("hybrid", False),
        ("Idaho", False), ("monkey", False), ("no_of_rooms", False), ("型号", False), ("humid", False),
    ],
)  # fmt: skip
def test_names_of_ids_however_they_are_written(name: str, is_id: bool) -> None:
    assert is_named_id(name) == is_id


def test_a_column_that_counts_its_rows_is_a_number_unless_its_name_says_otherwise() -> None:
    rows = range(1, 41)
    columns = {"day": [str(row) for row in rows], "a": ["1.5"] * 40, "b": ["2.5", "3.5"] * 20, "y": ["p", "q"] * 20}
    assert column_of(looked(table(**columns)), "day")["kind"] == "number"
    named = {("id" if name == "day" else name): cells for name, cells in columns.items()}
    assert column_of(looked(table(**named)), "id")["kind"] == "id"


def test_years_and_the_next_ones_are_seasons_and_no_months() -> None:
    assert find_dates(pa.array(["2001-02", "2002-03", "2003-04"] * 5), day_first=False) is None
    assert find_dates(pa.array(["2001-02", "2001-03", "2001-04"] * 5), day_first=False) is not None


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("1949-01", "1949-01-01"), ("1949年1月", "1949-01-01"), ("Jan 1949", "1949-01-01"), ("01/1949", "1949-01-01"),
        ("3/14/2024 1:30:00 PM", "2024-03-14T13:30:00"), ("3/14/2024 12:30 AM", "2024-03-14T00:30:00"),
        ("2024-03-14 09:00 UTC", "2024-03-14T09:00:00"),
    ],
)  # fmt: skip
def test_months_and_clocks_of_twelve_hours(text: str, day: str) -> None:
    found = find_dates(pa.array([text] * 3), day_first=False)
    assert found is not None and found.days.tolist() == [read_iso(day)] * 3


@pytest.mark.parametrize(
    ("columns", "target"),
    [
        ({"price": "number", "area": "number", "town": "category"}, "town"),
        ({"Survived": "category", "age": "number", "fare": "number"}, "Survived"),
        ({"default": "category", "age": "number", "y": "category"}, "y"),
        ({"age": "number", "income": "number", "ID": "id"}, "income"),
        ({"age": "number", "species": "category", "comment": "empty"}, "species"),
        ({"age": "number", "weight": "number", "town": "many"}, "weight"),
    ],
)
def test_the_target_that_is_proposed(columns: dict[str, str], target: str) -> None:
    made = {
        "number": [f"{place * 37 % 61}.5" for place in range(60)],
        "category": ["abc"[place % 3] for place in range(60)],
        "many": [f"town {place % 25}" for place in range(60)],
        "empty": ["fine" if place % 10 == 0 else "good" if place % 10 == 5 else "" for place in range(60)],
        "id": [str(90_000 + 13 * place) for place in range(60)],
    }
    assert looked(table(**{name: made[kind] for name, kind in columns.items()}))["target"] == target


def test_what_is_no_input_is_said() -> None:
    names = [f"Passenger the {place}th, of {place * 7}" for place in range(60)]
    tickets = [f"PC{17_000 + 13 * place}" for place in range(60)]
    profile = looked(table(name=names, ticket=tickets, age=[f"{place}.5" for place in range(60)], y=["p", "q"] * 30))
    told = {each["key"]: each["values"]["names"] for each in profile["findings"] if "left_out" in each["key"]}
    assert told == {"found_text_left_out": "name", "found_id_left_out": "ticket"}


def test_codes_are_not_the_numbers_that_they_look_like() -> None:
    codes = imported(table(code=["00713", "10115"] * 10, y=["p", "q"] * 10))
    np.testing.assert_array_equal(
        raw_values(codes.columns[0], pa.array(["00713", "713", "10115.0"]), "."), [0, UNKNOWN, UNKNOWN]
    )
    levels = imported(table(level=["1", "2.0"] * 10, y=["p", "q"] * 10), types={"level": "category"})
    np.testing.assert_array_equal(raw_values(levels.columns[0], pa.array(["1.0", "2", "3"]), "."), [0, 1, UNKNOWN])


def test_a_category_that_a_spreadsheet_would_run_is_known_as_our_own_files_write_it() -> None:
    words = imported(table(word=["=1+1", "plain"] * 10, y=["p", "q"] * 10))
    np.testing.assert_array_equal(
        raw_values(words.columns[0], pa.array(["'=1+1", "=1+1", "'plain"]), "."), [0, 0, UNKNOWN]
    )


def test_as_many_units_as_cells_are_words_and_soon_known_to_be() -> None:
    letters = "abcdefghijklmnopqrstuvwxyz"
    units = [a + b + c + d for a in letters for b in letters for c in letters for d in letters[:5]]
    begin = time.process_time()
    assert column(*[f"{place % 90}{unit}" for place, unit in enumerate(units)]).kind == "id"
    assert read_numbers(pa.array([f"7{unit}" for unit in units]), ".").words
    assert time.process_time() - begin < 30


# Whatever stands in the cells

POOLS = (
    (
        "1",
        "2",
        "1.0",
        "3.5",
        "-7",
        " 4",
        "1e3",
        "１２",
        "1,100",
        "NA",
        "None",
        "-",
        "absent",
        "-999",
        "<0.1",
        ">5",
        "",
        "?",
    ),
    ("$1,200.50", "$5", "€ 3", "(4)", "4-", "5%", "6", "10 kg", "500 g", "7", "n.a.", "", "unknown"),
    ("Yes", "yes", "NO ", "no", "None", "NA", "unknown", "缺失", "maybe", "1", "1.0", "", "-"),
    (
        "1/3/2024",
        "13/3/2024",
        "3/14/2024 1:30 PM",
        "2024-01-31",
        "2024",
        "20240131",
        "1949-01",
        "Jan 2020",
        "NA",
        "soon",
        "",
    ),
    ("06:00", "1:45 PM", "13:45", "24:30", "7", "", "late"),
    ("00713", "10115", " 00713", "7", "", "None"),
)


@st.composite
def tables(draw: st.DrawFn) -> tuple[str, dict[str, Any]]:
    """A table of such cells, and what its owner may answer."""
    rows = draw(st.integers(12, 40))
    pools = [draw(st.lists(st.sampled_from(pool), min_size=1, max_size=5, unique=True)) for pool in POOLS]
    columns = {
        f"c{place}": draw(st.lists(st.sampled_from(pool), min_size=rows, max_size=rows))
        for place, pool in enumerate(pools)
    }
    missing = {
        f"c{place}": draw(st.lists(st.sampled_from(pool), max_size=2, unique=True)) for place, pool in enumerate(pools)
    }
    kept = {name: [mark for mark in marks if mark.strip()] for name, marks in missing.items() if draw(st.booleans())}
    joined = [name for name in columns if draw(st.booleans())]
    kinds = {name: draw(st.sampled_from(("number", "category"))) for name in columns if draw(st.integers(0, 3)) == 0}
    target = ["pq"[row % 2] for row in range(rows)]
    return table(**columns, target=target), {"missing": kept, "joined": joined, "types": kinds}


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(tables())
def test_whatever_stands_in_the_cells_and_is_said_of_them_is_read_again_as_it_was_brought(
    drawn: tuple[str, dict[str, Any]],
) -> None:
    text, options = drawn
    profile = looked(text, **options)
    inputs = [
        each["name"]
        for each in profile["columns"]
        if each["kind"] in ("number", "category", "date") and each["distinct"]
    ]
    inputs = [name for name in inputs if name != "target"]
    if not inputs:
        return
    for said in (options, as_the_page_asks(profile, missing=options["missing"], joined=options["joined"])):
        brought = imported(text, **{**said, "target": "target", "inputs": inputs})
        cells = read_content(text.encode(), {})
        again = np.stack([read_again(brought, cells, name) for name in brought.column_names], axis=1)
        np.testing.assert_array_equal(rows_of(brought), again)


def test_a_power_is_no_further_digit() -> None:
    assert column("10²", "10³", "10⁴", "10⁵", "10²", "10³", "10⁴", "10⁵").kind != "number"
    assert column("5 m²", "6 m²", "7.5 m²", "8 m²").numbers.tolist() == [5, 6, 7.5, 8]  # type: ignore[union-attr]


def test_categories_that_are_long_numbers_stay_apart() -> None:
    cells = Cells("csv", ("x",), (pa.array(["1234567890123", "1234567890124"] * 6, pa.string()),), {"decimal": "."})
    (found,) = find_types(cells, {"x": "category"})
    assert found.coded.values == ("1234567890123", "1234567890124")


def test_a_long_cell_above_a_short_row_is_no_reason_to_stop() -> None:
    rows = [f"{row},{'t' * 140_000 if row == 3 else 'x'},{row % 2}" for row in range(14)]
    assert read_content("\n".join(["a,b,c", *rows, "bad,1", ""]).encode(), {}).rows == 15


def test_sparse_rows_without_end_are_refused_soon() -> None:
    attributes = "".join(f"@attribute a{number} numeric\n" for number in range(200))
    with pytest.raises(Problem, match="100000"):
        read_content(f"@relation r\n{attributes}@data\n".encode() + b"{}\n" * 100_001, {})
