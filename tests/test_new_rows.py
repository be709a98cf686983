"""Rows of a new file mean to a network what the rows of its table meant: judged by pandas, and by the network itself."""

from __future__ import annotations

import io
import json
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import openpyxl
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dlcore import Experiment, Problem
from dlcore.__main__ import main
from dlcore.checkpoint import Checkpoint, checkpoint_of, predict
from dlcore.datasets import store
from dlcore.datasets.upload import import_table
from dlcore.datasets.upload.images import images
from dlcore.desks.jobs import JOBS
from dlcore.export.rows import data_csv
from dlcore.learning.trainer import Trainer
from dlcore.new_rows import NewRows, cells_of, new_rows, table_of
from dlcore.predictions import as_csv, look, predict_rows
from tests.judging import trained
from ui.messages import sentence


@pytest.fixture(autouse=True, scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A store of its own."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DLCORE_TABLES", str(tmp_path_factory.mktemp("tables")))
        yield


def ignored(share: float, partial: dict[str, Any]) -> None:
    """Progress that nobody watches."""


def brought(content: bytes, target: str, **options: Any) -> Experiment:
    """A recipe of this file."""
    options = {"upload": store.keep_upload(content), "name": "own.csv", "target": target, **options}
    dataset = import_table(options, b"", ignored)[0]["dataset"]
    loss = {} if dataset["classes"] else {"loss": {"kind": "mse"}}
    return Experiment.from_dict(
        {"dataset": dataset, "layers": [{"kind": "dense", "units": 3}], "batch_size": 5, **loss}
    )


def network(content: bytes, target: str, **options: Any) -> Checkpoint:
    trainer = trained(brought(content, target, **options).to_dict(), 3)
    return checkpoint_of(trainer.snapshot(), trainer.data)


def rows_of(checkpoint: Checkpoint, content: bytes | str) -> NewRows:
    raw = content.encode() if isinstance(content, str) else content
    return new_rows(checkpoint, cells_of(raw, checkpoint.column_names, table_of(checkpoint)), "new.csv")


def frame_of(rows: int = 40, seed: int = 0) -> pd.DataFrame:
    """Pupils: a number with holes, a category, a date and a class."""
    draw = np.random.default_rng(seed)
    hours = draw.integers(0, 50, rows) / 10
    return pd.DataFrame(
        {
            "net  price": np.where(draw.random(rows) < 0.1, np.nan, hours),
            "home": draw.choice(["north", "south", "=west"], rows),
            "born": pd.Timestamp("2009-01-15") + pd.to_timedelta(draw.integers(0, 900, rows), "D"),
            "kind": np.where(hours + draw.random(rows) > 3, "yes", "no"),
        }
    )


def csv_of(frame: pd.DataFrame, **settings: Any) -> bytes:
    return frame.to_csv(index=False, **settings).encode()


@pytest.fixture(scope="module")
def pupils() -> Checkpoint:
    return network(csv_of(frame_of()), "kind")


def raw_of(frame: pd.DataFrame) -> np.ndarray:
    """What pandas makes of it: numbers, places among the sorted categories, days since 1970."""
    homes = ["=west", "north", "south"]
    return np.column_stack(
        [
            frame["net  price"].astype(float),
            [homes.index(home) if home in homes else -1 for home in frame["home"]],
            (frame["born"] - pd.Timestamp(0)) / pd.Timedelta(days=1),
        ]
    )


# Finding columns


def test_a_column_is_found_however_many_blanks_its_name_has(pupils: Checkpoint) -> None:
    assert pupils.column_names == ("net price", "home", "born")
    new = frame_of(12, seed=5)
    for name in ("net  price", "net price", "  net \t price "):
        rows = rows_of(pupils, csv_of(new.rename(columns={"net  price": name}).iloc[:, [3, 1, 0, 2]]))
        np.testing.assert_array_equal(rows.raw, raw_of(new))
        assert (rows.missing, rows.unused, rows.target, rows.findings) == ((), (), "kind", ())


def test_a_single_row_without_the_target_is_enough(pupils: Checkpoint) -> None:
    rows = rows_of(pupils, "home,born,net price,teacher\nsouth,2010-02-03,1.5,Ada\n")
    assert (len(rows), rows.target, rows.unused) == (1, None, ("teacher",))
    np.testing.assert_array_equal(rows.raw, [[1.5, 2, 14643]])


def test_names_that_look_like_numbers_are_a_header_when_they_are_asked_for() -> None:
    frame = pd.DataFrame(np.random.default_rng(0).random((30, 3)), columns=["2019", "2020", "y"])
    checkpoint = network(csv_of(frame), "y", header=True)
    rows = rows_of(checkpoint, "2019,2020\n0.25,0.5\n0.75,1\n")
    np.testing.assert_array_equal(rows.raw, [[0.25, 0.5], [0.75, 1.0]])


def test_a_name_that_a_spreadsheet_would_run_is_found_as_one_of_our_own_files_has_it() -> None:
    frame = pd.DataFrame(np.random.default_rng(0).random((30, 3)), columns=["=a", "-b", "@y"])
    checkpoint = network(csv_of(frame), "@y")
    own = frame.rename(columns={name: f"'{name}" for name in frame})
    for one in (frame, own):
        rows = rows_of(checkpoint, csv_of(one))
        np.testing.assert_array_equal(rows.raw, frame[["=a", "-b"]])
        assert predict_rows(checkpoint, rows).header == ["prediction", "'@y"]


def test_one_column_is_a_table_when_no_more_is_asked_for() -> None:
    frame = pd.DataFrame({"x": np.arange(30) / 4, "y": np.arange(30.0) ** 2})
    rows = rows_of(network(csv_of(frame), "y"), "x\n0.5\n\n-1e1\n")
    np.testing.assert_array_equal(rows.raw, [[0.5], [-10.0]])


def test_pictures_have_more_columns_than_a_table_may() -> None:
    draw, file = np.random.default_rng(0), io.BytesIO()
    np.savez(file, X=draw.integers(0, 256, (40, 15, 15), dtype=np.uint8), y=np.arange(40) % 2)
    asked = {"uploads": [store.keep_upload(file.getvalue())], "names": ["own.npz"]}
    trainer = Trainer(Experiment.from_dict({"dataset": images(asked, b"", ignored)[0]["dataset"]}), "cpu")
    checkpoint = checkpoint_of(trainer.snapshot(), trainer.data)
    assert len(checkpoint.column_names) == 225
    rows = rows_of(checkpoint, data_csv(trainer.experiment))
    np.testing.assert_array_equal(rows.raw, np.concatenate([trainer.data.train.raw, trainer.data.watched.raw]))
    assert rows.target == "class"
    with pytest.raises(Problem) as refusal:
        rows_of(checkpoint, "," * 5_000_000 + "\n1\n")
    assert refusal.value.key == "upload_too_many_columns"


def test_what_is_missing_and_what_there_is_instead_is_named(pupils: Checkpoint) -> None:
    rows = rows_of(pupils, "Home,born\nsouth,2010-02-03\n")
    assert (rows.missing, rows.unused) == (("net price", "home"), ("Home",))
    with pytest.raises(Problem, match=r"'net price', 'home'\. Beside those that fit, the file has: Home"):
        predict_rows(pupils, rows)


# Cells


def test_unknown_categories_are_told_with_counts_and_count_as_none(
    pupils: Checkpoint, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    new = frame_of(9, seed=3).drop(columns="kind")
    new["home"] = ["north", "Mars", "Mars", "", " south ", "'=west", "=west", "[x](evil)\u202e", "Mars"]
    rows = rows_of(pupils, csv_of(new))
    assert rows.raw[:, 1].tolist()[:3] == [1, -1, -1] and rows.raw[4:, 1].tolist() == [2, 0, 0, -1, -1]
    assert np.isnan(rows.raw[3, 1])
    (found,) = rows.findings
    assert found["key"] == "found_unknown_categories"
    assert found["values"] == {"cells": 4, "column": "home", "names": "Mars (3), [x](evil) (1)"}
    folder = tmp_path / "run"
    folder.mkdir()
    (folder / "model.safetensors").write_bytes(pupils.to_bytes())
    (tmp_path / "new.csv").write_bytes(csv_of(new))
    capsys.readouterr()
    assert main(["predict", str(folder), str(tmp_path / "new.csv")]) == 0
    out, err = capsys.readouterr()
    assert len(out.splitlines()) == 10 and "Mars" not in out
    assert err.count("\n") == 1 and "4 cells of 'home'" in err and "Mars (3)" in err


def test_a_category_that_no_training_row_has_is_unknown_to_the_network() -> None:
    frame = frame_of(200, seed=1)
    checkpoint = network(csv_of(frame), "kind")
    learned = checkpoint.scaling.columns[1]
    columns = list(checkpoint.scaling.columns)
    columns[1] = replace(learned, seen=(True, False, True))  # type: ignore[call-arg]
    checkpoint = replace(checkpoint, scaling=replace(checkpoint.scaling, columns=tuple(columns)))
    rows = rows_of(checkpoint, "home,born,net price\nnorth,2010-02-03,1\nsouth,2010-02-03,1\n")
    assert [found["values"]["names"] for found in rows.findings] == ["north (1)"]


@pytest.mark.parametrize("cells", [["1", "2", "3"], ["1.0", "2.00", "3"], [" 1", "2 ", "3e0"]])
def test_a_number_that_names_a_category_keeps_its_value(cells: list[str]) -> None:
    draw = np.random.default_rng(0)
    frame = pd.DataFrame({"grade": draw.integers(1, 4, 40), "x": draw.random(40), "y": draw.choice(["a", "b"], 40)})
    checkpoint = network(csv_of(frame), "y", types={"grade": "category"})
    rows = rows_of(checkpoint, "grade,x\n" + "".join(f"{cell},0.5\n" for cell in cells))
    assert rows.raw[:, 0].tolist() == [0, 1, 2] and not rows.findings


def test_a_workbook_and_its_text_are_the_same_rows(pupils: Checkpoint) -> None:
    new = frame_of(15, seed=8)
    new["home"] = new["home"].replace("=west", "north")  # Which a workbook would compute.
    book, parquet = io.BytesIO(), io.BytesIO()
    new.to_excel(book, index=False)
    new.to_parquet(parquet, index=False)
    expected = raw_of(new)
    for content in (
        csv_of(new), csv_of(new, sep=";", decimal=","), csv_of(new, sep="\t", encoding=None), book.getvalue(),
        parquet.getvalue(), new.to_csv(index=False).encode("utf-16"), f"Class 4b\n\n{new.to_csv(index=False)}".encode(),
    ):  # fmt: skip
        np.testing.assert_array_equal(rows_of(pupils, content).raw, expected)


def test_empty_rows_are_skipped_as_when_a_table_is_brought(pupils: Checkpoint) -> None:
    rows = rows_of(pupils, "net price,home,born\n1,north,2010-02-03\n,,\n\n2,,2010-02-03\n")
    np.testing.assert_array_equal(rows.raw[:, 0], [1, 2])
    assert [found["key"] for found in rows.findings] == ["found_empty_rows"]


def test_a_column_without_any_value_is_said_and_filled(pupils: Checkpoint) -> None:
    rows = rows_of(pupils, "net price,home,born\n,north,2010-02-03\n,south,\n")
    assert [(found["key"], found["values"]["names"]) for found in rows.findings] == [
        ("found_empty_columns", "net price")
    ]
    assert predict_rows(pupils, rows).finite.all()


# What comes of them


def test_predictions_are_those_of_the_checkpoint_and_the_target_stands_beside_them(pupils: Checkpoint) -> None:
    new = frame_of(25, seed=9)
    new["kind"] = ["=1+1", "", *new["kind"][2:]]
    out = io.StringIO()
    predict_rows(pupils, rows_of(pupils, csv_of(new))).write(out)
    said = pd.read_csv(io.StringIO(out.getvalue()), keep_default_na=False)
    assert list(said) == ["prediction", "kind", "probability_no", "probability_yes"]
    expected = predict(pupils, raw_of(new))
    np.testing.assert_allclose(said[["probability_no", "probability_yes"]], expected, rtol=1e-6)
    assert list(said["prediction"]) == [("no", "yes")[place] for place in expected.argmax(1)]
    assert list(said["kind"]) == ["'=1+1", "", *new["kind"][2:]]


def test_a_target_called_prediction_keeps_a_column_of_its_own() -> None:
    frame = pd.DataFrame({"x": np.arange(30) / 4, "z": 1.5, "prediction": np.arange(30.0) ** 2})
    out = io.StringIO()
    checkpoint = network(csv_of(frame), "prediction")
    predict_rows(checkpoint, rows_of(checkpoint, csv_of(frame))).write(out)
    said = pd.read_csv(io.StringIO(out.getvalue()))
    assert list(said) == ["prediction", "(prediction)"]
    np.testing.assert_array_equal(said["(prediction)"], frame["prediction"])


def test_a_row_that_no_number_can_come_of_has_no_prediction() -> None:
    trainer = Trainer(Experiment.from_dict({"dataset": {"kind": "iris"}}), "cpu")
    checkpoint = checkpoint_of(trainer.snapshot(), trainer.data)
    head = "sepal length (cm),sepal width (cm),petal length (cm),petal width (cm)\n"
    whole = predict_rows(checkpoint, rows_of(checkpoint, f"{head}1,2,3,4\n1,two,3,4\n1,2,3,4\n"))
    assert whole.finite.tolist() == [True, False, True]
    lines = list(whole.lines())
    assert lines[1] == ["", "", "", ""] and lines[0] == lines[2] != lines[1]
    assert "column 'sepal width (cm)': expected a finite number, but got 'two'" in str(whole.refusal())


def test_jobs_say_what_the_csv_holds(pupils: Checkpoint) -> None:
    new = frame_of(70, seed=4)
    asked = {"upload": store.keep_upload(csv_of(new)), "name": "new.csv"}
    found = json.loads(json.dumps(look(asked, pupils.to_bytes(), ignored)[0], allow_nan=False))
    assert (found["rows"], found["predicted"], found["target"]) == (70, 70, "kind")
    assert len(found["first"]) == 50
    said = pd.read_csv(io.BytesIO(as_csv(asked, pupils.to_bytes(), ignored)[1]))
    assert [row["prediction"] for row in found["first"]] == list(said["prediction"])[:50]
    assert [row["true"] for row in found["first"]] == list(said["kind"])[:50]
    with pytest.raises(Problem):
        as_csv({"upload": store.keep_upload(b"a,b\n1,2\n"), "name": "x"}, pupils.to_bytes(), ignored)


# Whatever a table is

WORDS = st.text(st.sampled_from("ab =-'é企\t"), min_size=1, max_size=5)
NUMBERS = st.floats(-1e6, 1e6, allow_nan=False).map(lambda value: f"{value:.6g}")


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.data())
def test_what_table_accepts_predict_accepts_and_gives_the_same_rows(data: st.DataObject) -> None:
    rows = data.draw(st.integers(12, 30))
    names = data.draw(st.lists(WORDS.filter(str.strip), min_size=1, max_size=3))
    words = data.draw(st.lists(WORDS, min_size=2, max_size=4))
    columns = [
        data.draw(st.lists(data.draw(st.sampled_from([NUMBERS, st.sampled_from(words)])), min_size=rows, max_size=rows))
        for _ in names
    ]
    frame = pd.DataFrame(dict(enumerate(columns)))
    frame.columns = names
    frame["target"] = [("p", "q")[place % 2] for place in range(rows)]
    content = csv_of(frame, sep=data.draw(st.sampled_from([",", ";"])))
    try:
        experiment = brought(content, "target")
    except Problem:
        return
    trainer = Trainer(experiment, "cpu")
    checkpoint = checkpoint_of(trainer.snapshot(), trainer.data)
    whole = predict_rows(checkpoint, rows_of(checkpoint, content))
    dataset: Any = experiment.dataset
    table = dataset.sample(np.random.default_rng(0))
    np.testing.assert_array_equal(whole.rows.raw, table.X)
    np.testing.assert_array_equal(whole.said, predict(checkpoint, table.X))


def test_formulas_of_a_workbook_are_cells_without_a_value(pupils: Checkpoint) -> None:
    book = openpyxl.Workbook()
    sheet: Any = book.active
    for line in (["net price", "home", "born"], ["=1+1", "north", "2010-02-03"], [2, "south", "2010-02-03"]):
        sheet.append(line)
    out = io.BytesIO()
    book.save(out)
    np.testing.assert_array_equal(rows_of(pupils, out.getvalue()).raw[:, 0], [np.nan, 2])


# Hostile files

HEAD = b"net price,home,born\n"
HOSTILE = {
    "nothing": b"",
    "a header alone": HEAD,
    "commas": b"," * 4_000_000,
    "commas below the header": HEAD + b"," * 4_000_000,
    "lines": b"\n" * 4_000_000,
    "quotation marks": b'"' * 4_000_000,
    "an open quotation mark": HEAD + b'1,"north,' + b"x" * 4_000_000,
    "names that are all the same": b"a," * 190 + b"net price,home,born\n" + b"1," * 192 + b"1\n",
    "one cell": b"x" * 4_000_000,
    "as many categories as rows": HEAD + b"".join(b"1,c%d,2010-02-03\n" % place for place in range(90_000)),
    "numbers without end": HEAD + b"9" * 2_000_000 + b",north,2010-02-03\n",
    "a workbook that is none": b"PK\3\4" + b"\0" * 100_000,
    "a parquet file that is none": b"PAR1" + b"\xff" * 100_000 + b"PAR1",
    "a web page": b"<!doctype html><table>",
    "control signs": HEAD + b"\x01\x02\x03,\x04,\x05\n" * 1000,
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_file_is_a_sentence_or_an_answer_soon(pupils: Checkpoint, name: str) -> None:
    answers(pupils, HOSTILE[name])


def test_one_column_without_end_is_not_read_line_by_line() -> None:
    frame = pd.DataFrame({"x": np.arange(30) / 4, "y": np.arange(30.0) ** 2})
    checkpoint = network(csv_of(frame), "y")
    asked = {"upload": store.keep_upload(b"x\n" + b"1\n" * 1_100_000), "name": "new.csv"}
    begin = time.process_time()
    with pytest.raises(Problem, match="1100000 rows; at most"):
        look(asked, checkpoint.to_bytes(), ignored)
    assert time.process_time() - begin < JOBS["predict"].processor


@settings(max_examples=80)
@given(st.binary(max_size=200), st.sampled_from([b"", HEAD, b"PK\3\4", b"PAR1", b"\xff\xfe"]))
def test_no_bytes_are_more_than_a_sentence_or_an_answer(pupils: Checkpoint, content: bytes, head: bytes) -> None:
    answers(pupils, head + content)


def answers(checkpoint: Checkpoint, content: bytes) -> None:
    """A problem of the file, or facts in JSON with a CSV of as many lines; within the seconds that a quick job may take."""
    asked = {"upload": store.keep_upload(content), "name": "new.csv"}
    begin = time.process_time()
    try:
        found = json.loads(json.dumps(look(asked, checkpoint.to_bytes(), ignored)[0], allow_nan=False))
        if found.get("predicted"):
            assert as_csv(asked, checkpoint.to_bytes(), ignored)[1].count(b"\n") == found["rows"] + 1
    except Problem as problem:
        assert problem.key.startswith(("upload_", "table_", "predict_"))
        assert all(10 < len(sentence(language, problem)) < 400 for language in ("en", "zh_CN"))
    assert time.process_time() - begin < JOBS["predict"].processor


# Other signs, columns that are not there, files without columns


def test_the_other_decimal_sign_is_found_out_and_not_taken_for_thousands() -> None:
    with_commas = "a;b;y\n" + "".join(f"{row / 8:g};{row / 4:g};{'uv'[row % 2]}\n" for row in range(40)).replace(
        ".", ","
    )
    checkpoint = network(with_commas.encode(), "y")
    rows = new_rows(
        checkpoint, cells_of(b"a;b\n0.125;0.250\n0.375;0.500\n", ("a", "b"), table_of(checkpoint)), "new.csv"
    )
    np.testing.assert_array_equal(rows.raw, [[0.125, 0.25], [0.375, 0.5]])


def test_what_may_be_thousands_is_said() -> None:
    frame = pd.DataFrame({"a": np.arange(30.0), "b": np.arange(30) % 7, "y": np.arange(30) % 2})
    checkpoint = network(csv_of(frame), "y")
    content = b'a,b\n"1,234",2\n"2,500",3\n'
    rows = new_rows(checkpoint, cells_of(content, ("a", "b"), table_of(checkpoint)), "new.csv")
    assert rows.raw[:, 0].tolist() == [1234.0, 2500.0]
    assert "found_grouped" in [found["key"] for found in rows.findings]


def test_one_column_that_is_not_there_is_named_alone() -> None:
    frame = pd.DataFrame({"a": np.arange(30) / 4, "b": np.arange(30) % 7, "y": np.arange(30) % 2})
    text = frame.to_csv(index=False, sep=";", decimal=",").encode()
    checkpoint = network(text, "y")
    rows = new_rows(checkpoint, cells_of(b"a,x\n1.5,2\n2.5,3\n", ("a", "b"), table_of(checkpoint)), "new.csv")
    assert rows.missing == ("b",)


def test_a_parquet_file_without_a_usable_column_is_a_sentence() -> None:
    frame = pd.DataFrame({"a": np.arange(30) / 4, "b": np.arange(30) % 7, "y": np.arange(30) % 2})
    checkpoint = network(csv_of(frame), "y")
    file = io.BytesIO()
    pq.write_table(pa.table({"a": [[1], [2]]}), file)
    answers(checkpoint, file.getvalue())


def test_a_column_without_name_is_there_though_all_its_cells_are_missing() -> None:
    text = "".join(f"{row % 9},{row / 4:g},{'uv'[row % 2]}\n" for row in range(40)).encode()
    checkpoint = network(text, "column 3")
    rows = new_rows(checkpoint, cells_of(b"1,,u\n3,,v\n", checkpoint.column_names, table_of(checkpoint)), "new.csv")
    assert rows.missing == ()
    assert np.isnan(rows.raw[:, 1]).all() and rows.raw[:, 0].tolist() == [1, 3]
