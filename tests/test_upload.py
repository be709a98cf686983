"""A table that somebody brings: found out, profiled and imported, judged by pandas, openpyxl, pyarrow and worked examples."""

from __future__ import annotations

import datetime
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import load_iris, load_wine

from dlcore.datasets import store
from dlcore.datasets.upload import import_table, look, reading
from dlcore.datasets.upload.relations import correlation_ratio, pearson
from dlcore.problems import TEMPLATES, Problem
from dlcore.spreadsheet import safe_cell

Profile = dict[str, Any]


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A store of its own, and nothing at hand from the test before."""
    monkeypatch.setenv("DLCORE_TABLES", str(tmp_path / "tables"))
    reading.forget()


def ignored(share: float, partial: dict[str, Any]) -> None:
    """Progress that nobody watches."""


def looked(content: bytes | str, **options: Any) -> Profile:
    raw = content.encode() if isinstance(content, str) else content
    profile, _ = look({"upload": store.keep_upload(raw), "name": "table.csv", **options}, b"", ignored)
    return json.loads(json.dumps(profile, allow_nan=False))  # As it travels: JSON, and finite.


def imported(content: bytes | str, **options: Any) -> tuple[dict[str, Any], store.Stored, int]:
    raw = content.encode() if isinstance(content, str) else content
    header, _ = import_table({"upload": store.keep_upload(raw), "name": "table.csv", **options}, b"", ignored)
    part = json.loads(json.dumps(header["dataset"], allow_nan=False))
    return part, store.get_table(part["digest"]), header["dropped"]


def column_of(profile: Profile, name: str) -> dict[str, Any]:
    (found,) = [column for column in profile["columns"] if column["name"] == name]
    return found


def keys(profile: Profile) -> list[str]:
    return [finding["key"] for finding in profile["findings"]]


def finding(profile: Profile, key: str) -> dict[str, Any]:
    (found,) = [finding for finding in profile["findings"] if finding["key"] == key]
    return found["values"]


def written(frame: pd.DataFrame, **how: Any) -> str:
    return frame.to_csv(index=False, **how)


# The same table in every writing


def people(rows: int = 60) -> pd.DataFrame:
    """Numbers with decimals, whole numbers, words with an accent, dates, holes, two classes."""
    generator = np.random.default_rng(7)
    frame = pd.DataFrame(
        {
            "größe": generator.normal(1.7, 0.1, rows).round(3),
            "earned": generator.integers(1000, 90_000, rows) + 0.25,
            "town": generator.choice(["Köln", "Genève", "Málaga", "Århus"], rows),
            "born": pd.date_range("1970-03-01", periods=rows, freq="37D").strftime("%Y-%m-%d"),
            "bought": generator.choice(["yes", "no"], rows),
        }
    )
    frame.loc[3, "größe"] = np.nan
    frame.loc[5, "town"] = None
    return frame


def without_writing(profile: Profile) -> Profile:
    """What the table says, whichever way it was written."""
    plain = {key: value for key, value in profile.items() if key not in ("options", "format", "preview", "sheets")}
    return json.loads(json.dumps(plain).replace("yes_no_header", ""))


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "latin-1", "gb18030"])
@pytest.mark.parametrize(
    ("separator", "decimal"), [(",", "."), (",", ","), (";", ","), (";", "."), ("\t", ","), ("\t", "."), ("|", ".")]
)
def test_a_table_says_the_same_in_every_separator_decimal_and_encoding(
    separator: str, decimal: str, encoding: str
) -> None:
    # In GB 18030 å is written in four bytes, which only the whole coding knows.
    text = written(people(), sep=separator, decimal=decimal)
    expected = without_writing(looked(written(people())))
    profile = looked(text.encode(encoding))
    assert without_writing(profile) == expected
    assert (profile["options"]["separator"], profile["options"]["decimal"]) == (separator, decimal)
    assert profile["options"]["encoding"] == encoding
    assert profile["options"]["header"] is True
    assert profile["format"] == ("tsv" if separator == "\t" else "csv")


@pytest.mark.parametrize("ending", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("quoting", [0, 1])  # Where needed; everywhere.
def test_endings_of_lines_and_quotes_say_nothing(ending: str, quoting: int) -> None:
    frame = people()
    frame["town"] = frame["town"].replace("Köln", 'a "quoted", word')
    expected = without_writing(looked(written(frame)))
    assert without_writing(looked(written(frame, lineterminator=ending, quoting=quoting))) == expected


@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_a_table_without_a_header_is_recognised_and_says_the_same_but_for_names(separator: str) -> None:
    with_header, without = (looked(written(people(), sep=separator, header=header)) for header in (True, False))
    assert (with_header["options"]["header"], without["options"]["header"]) == (True, False)
    assert [column["name"] for column in without["columns"]] == [f"column {place}" for place in range(1, 6)]
    for one, other in zip(with_header["columns"], without["columns"], strict=True):
        assert {**one, "name": ""} == {**other, "name": ""}


def as_excel(frame: pd.DataFrame, **how: Any) -> bytes:
    with io.BytesIO() as file:
        frame.to_excel(file, index=False, engine="openpyxl", **how)
        return file.getvalue()


def as_parquet(frame: pd.DataFrame) -> bytes:
    with io.BytesIO() as file:
        frame.to_parquet(file, engine="pyarrow")
        return file.getvalue()


@pytest.mark.parametrize("write", [as_excel, as_parquet])
def test_excel_and_parquet_say_the_same_as_text(write: Callable[[pd.DataFrame], bytes]) -> None:
    frame = people()
    expected = without_writing(looked(written(frame)))
    assert without_writing(looked(write(frame))) == expected
    typed = frame.assign(born=pd.to_datetime(frame["born"]))
    assert without_writing(looked(write(typed))) == expected


def test_an_explicit_choice_goes_before_what_is_found() -> None:
    text = "a;b;c\n" + "1,5;2;x\n2,5;3;y\n" * 10
    assert looked(text)["options"] | {"sample": None} == {
        "separator": ";", "decimal": ",", "encoding": "utf-8", "quote": '"', "titles": 0, "header": True, "header_lines": 1,
        "sample": None,
    }  # fmt: skip
    other = looked(text, separator=",", header=False)
    assert [len(row) for row in other["preview"]] == [2] * 20
    assert other["preview"][0] == ["1", "5;2;x"]
    assert looked(text, decimal=".")["columns"][0]["kind"] == "category"


def test_gb18030_and_latin_1_are_told_apart() -> None:
    rows = "".join(
        f"{1.5 + place},{city},{'好' if place % 2 else '坏'}\n"
        for place, city in enumerate(["北京", "上海", "广州"] * 10)
    )
    chinese = looked(("价格,城市,质量\n" + rows).encode("gb18030"))
    assert chinese["options"]["encoding"] == "gb18030"
    assert [column["name"] for column in chinese["columns"]] == ["价格", "城市", "质量"]
    western = looked(
        (
            "prix,ville,qualité\n"
            + rows.replace("北京", "Besançon")
            .replace("上海", "Nîmes")
            .replace("广州", "Orléans")
            .replace("好", "élevée")
            .replace("坏", "médiocre")
        ).encode("latin-1")
    )
    assert western["options"]["encoding"] == "latin-1"
    assert western["columns"][2]["name"] == "qualité"


def test_curly_quotes_and_the_euro_sign_are_windows_1252() -> None:
    profile = looked(("price,word\n" + "1,“a” €\n2,b\n" * 10).encode("cp1252"))
    assert profile["options"]["encoding"] == "windows-1252"
    assert profile["columns"][1]["top"][0][0] in ("“a” €", "b")


def test_a_table_aligned_with_blanks_is_read() -> None:
    rows = "".join(f"  {place:>4}   {place * 1.5:7.3f}   {place % 2}\n" for place in range(20))
    profile = looked(rows)
    assert profile["options"]["separator"] == " "
    assert [column["kind"] for column in profile["columns"]] == ["number"] * 3


def test_titles_above_the_header_and_a_named_separator_are_skipped() -> None:
    table = "a;b\n" + "1;x\n2;y\n" * 10
    profile = looked("Sales of 2024\n\nAll figures in euro\n" + table)
    assert [column["name"] for column in profile["columns"]] == ["a", "b"]
    assert finding(profile, "found_titles")["lines"] == 3
    assert [column["name"] for column in looked("sep=;\n" + table)["columns"]] == ["a", "b"]


def test_row_names_as_r_writes_them_become_a_column_of_their_own() -> None:
    text = "a,b\n" + "".join(f"row{place},{place * 1.5},{'xy'[place % 2]}\n" for place in range(20))
    profile = looked(text)
    assert [(column["name"], column["kind"]) for column in profile["columns"]] == [
        ("column 1", "id"),
        ("a", "number"),
        ("b", "category"),
    ]


# Numbers, judged by pandas


@pytest.mark.parametrize("load", [load_iris, load_wine])
def test_numbers_are_those_of_pandas(load: Callable[..., Any]) -> None:
    frame = load(as_frame=True).frame
    frame.iloc[::7, 1] = np.nan
    profile = looked(written(frame))
    judge = pd.read_csv(io.StringIO(written(frame)))
    for name in frame.columns[:-1]:
        column, series = column_of(profile, name), judge[name]
        assert (column["missing"], column["distinct"]) == (series.isna().sum(), series.nunique())
        assert [column["min"], column["max"]] == [series.min(), series.max()]
        assert [column["mean"], column["deviation"]] == pytest.approx([series.mean(), series.std(ddof=0)], rel=1e-12)
        counts, edges = np.histogram(series.dropna(), len(column["histogram"]["counts"]))
        assert column["histogram"] == {"counts": counts.tolist(), "edges": edges.tolist()}
    assert (profile["target"], profile["task"]) == ("target", "classification")
    assert {each["name"]: each["rows"] for each in profile["classes"]} == judge["target"].astype(
        str
    ).value_counts().to_dict()


@pytest.mark.parametrize("holes", [False, True])
def test_correlations_are_those_of_pandas(holes: bool) -> None:
    frame = load_wine(as_frame=True).frame.drop(columns="target") * 1e6 + 1e9
    if holes:
        frame = frame.mask(np.random.default_rng(0).random(frame.shape) < 0.1)
    np.testing.assert_allclose(pearson(frame.to_numpy()), frame.corr(), atol=1e-9)


def test_a_constant_has_no_correlation() -> None:
    r = pearson(np.array([[1.0, 0.1], [2.0, 0.1], [3.0, 0.1]]))
    assert r[0, 0] == 1
    assert np.isnan([r[0, 1], r[1, 0], r[1, 1]]).all()


def test_the_correlation_ratio_of_two_groups_is_the_size_of_their_point_biserial_correlation() -> None:
    generator = np.random.default_rng(1)
    classes = generator.integers(0, 2, 500)
    values = generator.normal(size=500) + classes
    assert correlation_ratio(values, classes) == pytest.approx(abs(np.corrcoef(values, classes)[0, 1]), rel=1e-12)


def test_the_correlation_ratio_of_a_worked_example() -> None:
    # Pearson's own example as retold on Wikipedia: algebra, geometry, statistics; eta² = 6780 / 9640.
    scores = {"algebra": [45, 70, 29, 15, 21], "geometry": [40, 20, 30, 42], "statistics": [65, 95, 80, 70, 85, 73]}
    values = np.concatenate([np.array(each, float) for each in scores.values()])
    classes = np.repeat(np.arange(3), [len(each) for each in scores.values()])
    assert correlation_ratio(values, classes) ** 2 == pytest.approx(6780 / 9640)


@pytest.mark.parametrize(
    ("cells", "decimal", "expected"),
    [
        (["1,234.5", "12", "-1,000,000"], ".", [1234.5, 12, -1e6]),
        (["1.234,5", "12", "-1.000.000"], ",", [1234.5, 12, -1e6]),
        (["1 234,5", "12", "−7"], ",", [1234.5, 12, -7]),
        (["1'234.5", "+12", ".5"], ".", [1234.5, 12, 0.5]),
        (["1\u202f234,5", "1\u00a0000", "3"], ",", [1234.5, 1000, 3]),
        (["1e3", "2E-2", "5."], ".", [1000, 0.02, 5]),
        (["0,123", "1,234", "9,876"], ",", [0.123, 1.234, 9.876]),
    ],
)  # fmt: skip
def test_numbers_as_people_write_them(cells: list[str], decimal: str, expected: list[float]) -> None:
    rows = "".join(f'"{cell}";{"ab"[place % 2]}\n' for place, cell in enumerate(cells * 5))
    part, stored, _ = imported("value;letter\n" + rows)
    assert part["columns"][0]["kind"] == "number"
    np.testing.assert_array_equal(stored.arrays["c0"], expected * 5)
    assert looked("value;letter\n" + rows)["options"]["decimal"] == decimal


def test_what_is_infinite_or_far_too_large_counts_as_missing_and_is_said() -> None:
    cells = ["1", "2.5", "inf", "-inf", "1e400", "NaN", "-1e400", "1e31", "3", "4", "5", "6"]
    profile = looked("value,letter\n" + "".join(f"{cell},{'ab'[place % 2]}\n" for place, cell in enumerate(cells)))
    column = column_of(profile, "value")
    assert (column["kind"], column["missing"], column["min"], column["max"]) == ("number", 6, 1, 6)
    assert finding(profile, "found_too_large")["cells"] == 5


def test_a_few_words_among_numbers_count_as_missing_and_are_said() -> None:
    cells = [str(place) for place in range(99)] + ["broken"]
    profile = looked("value,letter\n" + "".join(f"{cell}.5,{'ab'[place % 2]}\n" for place, cell in enumerate(cells)))
    assert (column_of(profile, "value")["kind"], column_of(profile, "value")["missing"]) == ("number", 1)
    assert finding(profile, "found_not_numbers") == {"column": "value", "cells": 1, "words": "broken.5"}


@pytest.mark.parametrize("mark", ["NA", "n/a", "NULL", "?", "nan", "#N/A", "", "  ", "None", "<NA>"])
def test_marks_of_missing_values_are_known(mark: str) -> None:
    profile = looked("value,letter\n" + "1.5,a\n2.5,b\n" * 30 + f"{mark},b\n2.5,{mark}\n" * 5)
    assert [column["missing"] for column in profile["columns"]] == [5, 5]
    assert [column["kind"] for column in profile["columns"]] == ["number", "category"]


def test_codes_keep_their_zeros() -> None:
    profile = looked("zip,letter\n" + "00713,a\n10115,b\n" * 6)
    assert (column_of(profile, "zip")["kind"], column_of(profile, "zip")["reason"]) == ("category", "codes")
    assert column_of(profile, "zip")["top"] == [["00713", 6], ["10115", 6]]


# Dates


@pytest.mark.parametrize(
    "form",
    [
        "%Y-%m-%d",
        "%Y/%m/%d",
        "%d.%m.%Y",
        "%d/%m/%Y",
        "%m/%d/%Y",
        "%Y年%m月%d日",
        "%d %b %Y",
        "%B %d, %Y",
        "%m/%d/%y",
        "%d-%b-%Y",
    ],
)
def test_dates_are_found_in_the_usual_forms(form: str) -> None:
    days = [datetime.date(2023, 1, 5) + datetime.timedelta(days=3 * place) for place in range(20)]
    rows = "".join(f'"{day.strftime(form)}";{"ab"[place % 2]}\n' for place, day in enumerate(days))
    part, stored, _ = imported("day;letter\n" + rows)
    assert part["columns"][0]["kind"] == "date"
    assert stored.arrays["c0"].tolist() == [(day - datetime.date(1970, 1, 1)).days for day in days]


def test_the_time_of_day_and_its_zone_are_fractions_of_days() -> None:
    cells = ["2024-02-29 12:00", "2024-02-29T18:00:00Z", "2024-03-01T02:00:00+02:00", "1969-12-31 00:00:00.000"]
    _, stored, _ = imported(
        "day,letter\n" + "".join(f"{cell},{'ab'[place % 2]}\n" for place, cell in enumerate(cells * 3))
    )
    leap = (datetime.date(2024, 2, 29) - datetime.date(1970, 1, 1)).days
    assert stored.arrays["c0"][:4].tolist() == [leap + 0.5, leap + 0.75, leap + 1.0, -1.0]


def test_a_day_that_no_calendar_has_counts_as_missing_and_many_of_them_are_no_dates() -> None:
    days = [f"2023-03-{day:02}" for day in range(1, 31)] * 4
    rows = [*days, "2023-02-30"]
    profile = looked("day,letter\n" + "".join(f"{day},{'ab'[place % 2]}\n" for place, day in enumerate(rows)))
    assert (column_of(profile, "day")["kind"], column_of(profile, "day")["missing"]) == ("date", 1)
    assert finding(profile, "found_not_dates")["cells"] == 1
    wrong = looked("day,letter\n" + "".join(f"2023-13-{day:02},{'ab'[day % 2]}\n" for day in range(1, 29)))
    assert column_of(wrong, "day")["kind"] != "date"


def test_dates_that_do_not_tell_day_from_month_are_said_to_be_so() -> None:
    rows = "".join(f"0{place % 9 + 1}/05/2023,{'ab'[place % 2]}\n" for place in range(18))
    expected = {"column": "day", "text": "01/05/2023", "date": "2023-01-05"}
    assert finding(looked("day,letter\n" + rows), "found_ambiguous_dates") == expected
    assert column_of(looked("day,letter\n" + rows), "day")["max"] == "2023-09-05"


# Types


def kinds_of(content: str, **options: Any) -> dict[str, str]:
    return {column["name"]: column["kind"] for column in looked(content, **options)["columns"]}


def titanic(rows: int = 120) -> str:
    generator = np.random.default_rng(3)
    frame = pd.DataFrame(
        {
            "PassengerId": np.arange(1, rows + 1),
            "Survived": generator.integers(0, 2, rows),
            "Pclass": generator.integers(1, 4, rows),
            "Name": [f"Passenger the {place}th, Mr. {place * 7}" for place in range(rows)],
            "Sex": generator.choice(["male", "female"], rows),
            "Age": np.where(generator.random(rows) < 0.2, np.nan, generator.integers(1, 80, rows)),
            "Ticket": [f"PC{17_000 + 13 * place}" for place in range(rows)],
            "Fare": generator.gamma(2, 15, rows).round(4),
        }
    )
    return written(frame)


def test_types_target_task_and_inputs_of_a_table_like_the_titanics() -> None:
    profile = looked(titanic())
    assert {column["name"]: column["kind"] for column in profile["columns"]} == {
        "PassengerId": "id", "Survived": "number", "Pclass": "number", "Name": "text", "Sex": "category", "Age": "number",
        "Ticket": "id", "Fare": "number",
    }  # fmt: skip
    assert (profile["target"], profile["task"]) == ("Survived", "classification")
    assert profile["inputs"] == ["Pclass", "Sex", "Age", "Fare"]
    assert [each["name"] for each in profile["classes"]] == ["0", "1"]
    assert column_of(profile, "Age")["treatment"] == {"impute": "median", "scale": "standard"}
    assert column_of(profile, "Sex")["treatment"] == {"impute": "most_frequent"}


def test_what_its_owner_says_of_types_target_task_and_inputs_is_done() -> None:
    profile = looked(
        titanic(),
        types={"Pclass": "category", "PassengerId": "number"},
        target="Fare",
        inputs=["Sex", "Pclass", "PassengerId"],
    )
    assert column_of(profile, "Pclass")["top"] and column_of(profile, "Pclass")["reason"] == "chosen"
    assert (profile["target"], profile["task"], profile["inputs"]) == (
        "Fare",
        "regression",
        ["Sex", "Pclass", "PassengerId"],
    )
    assert profile["classes"] == []
    assert looked(titanic(), target="Pclass", task="regression")["task"] == "regression"


def test_the_playgrounds_two_columns_are_two_numbers_and_two_classes() -> None:
    generator = np.random.default_rng(0)
    X = generator.uniform(-6, 6, (200, 2))
    frame = pd.DataFrame({"x1": X[:, 0], "x2": X[:, 1], "label": np.where(X[:, 0] * X[:, 1] > 0, 1, -1)})
    profile = looked(written(frame))
    assert (profile["inputs"], profile["target"], profile["task"]) == (["x1", "x2"], "label", "classification")
    assert [each["name"] for each in profile["classes"]] == ["-1", "1"]


@pytest.mark.parametrize(
    ("last", "task"),
    [
        ([0, 1], "classification"),
        ([0.5, 1.5], "classification"),
        ([1, 2, 3, 4], "classification"),
        (list(range(11)), "regression"),
        ([0.5, 1.5, 2.5], "regression"),
        (["a", "b"], "classification"),
        (["2020-01-01", "2020-01-02", "2020-01-03"], "classification"),
    ],
)
def test_the_task_follows_from_the_values_of_the_target(last: list[Any], task: str) -> None:
    text = "value,last\n" + "".join(f"{place * 1.5},{last[place % len(last)]}\n" for place in range(44))
    assert looked(text, target="last", types={"last": "category"} if "2020" in str(last) else {})["task"] == task


def test_one_and_one_point_zero_are_the_same_category() -> None:
    part, _, _ = imported("value,level,letter\n" + "1.5,1,a\n2.5,1.0,b\n3.5,2,a\n" * 5, types={"level": "category"})
    assert part["columns"][1]["values"] == ["1", "2"]


def test_names_are_made_unique_and_nameless_columns_are_numbered() -> None:
    profile = looked("a,a,,a\n" + "1.5,2,3.5,x\n2.5,3,4.5,y\n" * 6)
    assert [column["name"] for column in profile["columns"]] == ["a", "a (2)", "column 3", "a (3)"]
    assert finding(profile, "found_repeated_names") == {"names": "a"}


# Import


def test_the_stored_rows_are_those_of_pandas() -> None:
    frame = people(80)
    frame.loc[[2, 9], "bought"] = None
    part, stored, dropped = imported(written(frame))
    kept = frame[frame["bought"].notna()]
    assert (part["rows"], dropped, part["target"], part["classes"]) == (78, 2, "bought", ["no", "yes"])
    assert [column["kind"] for column in part["columns"]] == ["number", "number", "category", "date"]
    arrays, facts = stored.arrays, stored.facts
    assert [facts["form"], facts["rows"], len(facts["columns"])] == ["table 1", 78, 5]
    np.testing.assert_array_equal(arrays["c0"], kept["größe"])
    np.testing.assert_array_equal(arrays["c1"], kept["earned"])
    towns = facts["columns"][2]["values"]
    assert towns == sorted(towns) == part["columns"][2]["values"]
    assert [towns[code] if code >= 0 else None for code in arrays["c2"]] == kept["town"].astype(object).where(
        kept["town"].notna(), None
    ).tolist()
    np.testing.assert_array_equal(arrays["c3"], (pd.to_datetime(kept["born"]) - pd.Timestamp(0)).dt.days)
    assert [["no", "yes"][code] for code in arrays["c4"]] == kept["bought"].tolist()
    assert (arrays["c2"].dtype, arrays["c4"].dtype, arrays["c0"].dtype) == (np.int32, np.int32, np.float64)


def test_a_number_as_target_is_stored_as_it_is() -> None:
    part, stored, _ = imported(written(people()), target="größe")
    assert part["classes"] == [] and part["rows"] == 59
    np.testing.assert_array_equal(stored.arrays["c4"], people()["größe"].dropna())


def test_of_many_categories_the_most_frequent_become_inputs() -> None:
    words = [f"w{place:02}" for place in range(40) for _ in range(40 - place)]
    text = "word,value\n" + "".join(f"{word},{place * 0.5}\n" for place, word in enumerate(words))
    part, stored, _ = imported(text)
    assert part["columns"][0]["values"] == [f"w{place:02}" for place in range(30)]
    assert len(stored.facts["columns"][0]["values"]) == 40
    assert finding(looked(text), "found_many_categories") == {"column": "word", "came": 40, "limit": 30}


def test_the_recipes_part_is_one_that_the_data_set_takes() -> None:
    from dlcore.component import kinds, validate
    from dlcore.datasets import Dataset

    part, _, _ = imported(written(people()))
    table = validate(kinds(Dataset)["table"], part)
    assert table.to_dict() == part
    assert (table.rows, table.num_classes, table.inputs) == (60, 2, 1 + 1 + 4 + 1)


# Excel and Parquet


def test_a_sheet_is_chosen_by_its_name() -> None:
    with io.BytesIO() as file:
        with pd.ExcelWriter(file, engine="openpyxl") as book:
            people().to_excel(book, sheet_name="people", index=False)
            load_iris(as_frame=True).frame.to_excel(book, sheet_name="flowers", index=False)
        content = file.getvalue()
    profile = looked(content)
    assert (profile["sheets"], profile["options"]["sheet"]) == (["people", "flowers"], "people")
    assert looked(content, sheet="flowers")["target"] == "target"
    with pytest.raises(Problem, match="sheet: expected people, flowers"):
        looked(content, sheet="cars")


def test_titles_above_a_sheets_table_and_empty_rows_are_skipped() -> None:
    profile = looked(as_excel(people(), startrow=3))
    assert [column["name"] for column in profile["columns"]] == list(people().columns)
    assert profile["rows"] == 60


def test_excels_own_values_become_numbers_dates_and_categories() -> None:
    frame = pd.DataFrame(
        {
            "flag": [True, False] * 10,
            "moment": [datetime.datetime(2024, 5, 1, 12) + datetime.timedelta(days=place) for place in range(20)],
            "mixed": [1.5, "2,5"] * 10,
            "y": range(20),
        }
    )
    part, stored, _ = imported(as_excel(frame), target="y", task="regression")
    assert [column["kind"] for column in part["columns"]] == ["category", "date", "number"]
    assert part["columns"][0]["values"] == ["false", "true"]
    assert stored.arrays["c1"][0] == (datetime.date(2024, 5, 1) - datetime.date(1970, 1, 1)).days + 0.5
    assert stored.arrays["c2"][:2].tolist() == [1.5, 2.5]


def test_columns_of_lists_in_parquet_are_left_out_and_that_is_said() -> None:
    frame = people().assign(tags=[["a", "b"]] * 60)
    profile = looked(as_parquet(frame))
    assert "tags" not in [column["name"] for column in profile["columns"]]
    assert finding(profile, "found_left_out")["column"] == "tags"


def test_types_of_parquet_become_ours() -> None:
    frame = pd.DataFrame(
        {
            "small": np.arange(30, dtype=np.int8) % 7,
            "half": np.arange(30, dtype=np.float32) / 3,
            "when": pd.date_range("2024-01-01", periods=30, tz="Europe/Berlin"),
            "kind": pd.Categorical(["a", "b", "c"] * 10),
            "flag": [True, False, None] * 10,
        }
    )
    profile = looked(as_parquet(frame), target="kind")
    assert [column["kind"] for column in profile["columns"]] == ["number", "number", "date", "category", "category"]
    assert column_of(profile, "when")["min"] == "2023-12-31T23:00:00"
    assert column_of(profile, "flag")["missing"] == 10


# Sampling and findings


def test_a_sample_is_drawn_from_a_table_past_the_limit_of_rows() -> None:
    text = "value,letter\n" + "".join(f"{place},{'ab'[place % 2]}\n" for place in range(100_001))
    with pytest.raises(Problem) as caught:
        looked(text)
    assert (caught.value.key, caught.value.values) == ("upload_too_many_rows", {"came": 100_001, "limit": 100_000})
    profile = looked(text, sample=500)
    assert (profile["rows"], profile["rows_in_file"]) == (500, 100_001)
    assert profile["options"]["sample"] == 500
    one, other = (imported(text, sample=500)[0] for _ in range(2))
    assert (one["rows"], one["digest"]) == (500, other["digest"])
    _, stored, _ = imported(text, sample=500, target="value", task="regression")
    drawn = stored.arrays["c1"]
    assert (np.diff(drawn) > 0).all() and 40_000 < drawn.mean() < 60_000


def test_a_column_that_alone_tells_the_target_is_found() -> None:
    generator = np.random.default_rng(0)
    rows = 300
    y = generator.integers(0, 2, rows)
    frame = pd.DataFrame(
        {
            "honest": y + generator.normal(size=rows),
            "after": np.where(y == 1, "refunded", "kept"),
            "score": y * 10 + generator.random(rows),
            "row": generator.random(rows),
            "target": y,
        }
    )
    found = [each["values"]["column"] for each in looked(written(frame))["findings"] if each["key"] == "found_leak"]
    assert found == ["after", "score"]
    frame = pd.DataFrame({"metres": frame["honest"], "noise": frame["row"], "feet": frame["honest"] * 3.28 + 7})
    leak = finding(looked(written(frame)), "found_leak")
    assert (leak["column"], leak["target"]) == ("metres", "feet")


def test_ids_as_inputs_rare_classes_constants_and_empty_columns_are_found() -> None:
    frame = people(60).assign(serial=np.arange(60) + 1000, always=3, never=None)
    frame["bought"] = ["rare"] * 4 + ["yes", "no"] * 28
    profile = looked(written(frame), target="bought", types={"serial": "id"}, inputs=["serial", "town", "größe"])
    assert finding(profile, "found_id_input") == {"column": "serial", "distinct": 60, "rows": 60}
    assert finding(profile, "found_rare_class") == {"name": "rare", "rows": 4, "column": "bought"}
    assert finding(profile, "found_constant") == {"names": "always", "count": 1}
    assert finding(profile, "found_empty_columns") == {"names": "never", "count": 1}
    assert looked(written(frame), target="bought")["inputs"] == ["größe", "earned", "town", "born", "serial"]


def test_ragged_rows_are_mended_and_that_is_said() -> None:
    text = "a,b,c\n" + "1.5,2,x\n" * 10 + "2.5,3\n" + "3.5,4,y,more\n" + "4.5,5,y\n" * 10
    profile = looked(text)
    assert finding(profile, "found_ragged") == {"rows": 2, "line": 12, "width": 3}
    assert (profile["rows"], column_of(profile, "c")["missing"], column_of(profile, "c")["distinct"]) == (22, 1, 2)


def test_mending_row_by_row_reads_the_good_rows_as_reading_at_once_does() -> None:
    text = written(people().assign(town='say "so", twice\nor more'))
    whole = looked(text)
    mended = looked(text + "1\n")
    assert whole["preview"] == mended["preview"]
    assert whole["columns"][0]["missing"] == 1


def test_rows_without_a_target_and_classes_of_one_row_are_left_out_and_that_is_said() -> None:
    text = "value,letter\n" + "".join(f"{place}.5,{'ab'[place % 2]}\n" for place in range(20)) + "1,only\n2,\n3,\n"
    profile = looked(text, target="letter")
    assert finding(profile, "found_no_target") == {"rows": 2, "of": 23, "column": "letter"}
    assert finding(profile, "found_classes_alone")["names"] == "only"
    part, _, dropped = imported(text, target="letter")
    assert (part["classes"], part["rows"], dropped) == (["a", "b"], 20, 3)


def test_the_preview_is_what_stands_in_the_file() -> None:
    profile = looked("price;day;word\n" + "1.234,50;31.12.2023;  two words \n" * 25 + "7;1.1.2024;x\n" * 5)
    assert profile["preview"][0] == ["1.234,50", "31.12.2023", "two words"]
    assert len(profile["preview"]) == 20


def test_every_finding_and_reason_has_a_sentence() -> None:
    profile = looked(titanic(), inputs=["Ticket", "Name", "Sex"])
    assert profile["findings"]
    for each in profile["findings"]:
        assert TEMPLATES[each["key"]].format(**each["values"])
        assert each["severity"] in ("warning", "notice")


# Cells for spreadsheets


@pytest.mark.parametrize(
    "text",
    [
        "=cmd()",
        "+SUM(A1)",
        "-cmd",
        "@SUM(A1)",
        "\tx",
        "\rx",
        "=1+1",
        "+inf and beyond",
        "-1_0",
        "\n3",
        "＝1",
        "＋3",
        "－x",
        "＠x",
    ],
)
def test_a_cell_that_a_spreadsheet_would_run_gets_an_apostrophe(text: str) -> None:
    assert safe_cell(text) == f"'{text}"


@pytest.mark.parametrize("text", ["-1.5", "+3", "-1e-5", "plain", "", "a=b", "'=x", "-inf"])
def test_numbers_and_plain_words_stay_as_they_are(text: str) -> None:
    assert safe_cell(text) == text
