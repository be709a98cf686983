"""Small tables, one of each kind that people bring, read as a knowledgeable person has written down beside each.

tests/readings/NAME holds the table, NAME.json what it says: rows, columns with their types, values and cells, target, task, classes,
inputs, how many rows are learned from, words that must stand together in one finding, and words that must not. Then the command line:
whatever `table` reads, `predict` reads in the same way, and says of it what `evaluate` has judged.
"""

from __future__ import annotations

import contextlib
import csv
import datetime
import io
import json
import runpy
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import openpyxl
import pandas as pd
import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st

from dlcore import Experiment
from dlcore.__main__ import main
from dlcore.checkpoint import open_checkpoint, predict
from dlcore.datasets import store
from dlcore.datasets.days import read_iso
from dlcore.datasets.reading import TextReading
from dlcore.datasets.upload import import_table, look, reading
from dlcore.datasets.upload.column import Column
from dlcore.datasets.upload.columns import find_types
from dlcore.problems import TEMPLATES
from dlcore.rows import prepare

pytestmark = pytest.mark.usefixtures("onnx_registered_once")
FOLDER = Path(__file__).parent / "readings"
FILES = sorted(path.name.removesuffix(".json") for path in FOLDER.glob("*.json"))


def right(name: str) -> dict[str, Any]:
    return json.loads((FOLDER / f"{name}.json").read_text())


def graph_of(name: str) -> tuple[object, ...]:
    """What decides on the nodes of an ONNX graph: the task, and kind and gaps of each input column."""
    said = right(name)
    inputs = [said["columns"][title] for title in said["inputs"]]
    return said["task"], len(said.get("classes", ())), *((one.get("kind"), bool(one.get("missing"))) for one in inputs)


#: One file of each, as the exporter takes its second or two for every graph.
GRAPHS = sorted({graph_of(name): name for name in FILES}.values())


@pytest.fixture(autouse=True, scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """A store of its own."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DLCORE_TABLES", str(tmp_path_factory.mktemp("tables")))
        yield


def form_faults(name: str) -> list[str]:
    """What differs in the form: which cells there are, under which names."""
    said = right(name)
    cells = reading.read_content((FOLDER / name).read_bytes(), {})
    faults = []
    if cells.rows != said["rows"]:
        faults.append(f"rows: {cells.rows}")
    if list(cells.names) != list(said["columns"]):
        faults.append(f"names: {cells.names}")
    return faults


def faults(name: str) -> list[str]:
    """What differs from the right reading."""
    said = right(name)
    content = (FOLDER / name).read_bytes()
    cells = reading.read_content(content, {})
    found = form_faults(name)
    columns = {column.name: column for column in find_types(cells, cells.kinds)}
    for title, wanted in said["columns"].items():
        if title in columns:
            found += [f"{title}: {fault}" for fault in column_faults(columns[title], wanted)]
    options = {"upload": store.keep_upload(content), "name": name}
    profile, _ = look(options, b"", lambda share, partial: None)
    for part in ("target", "task", "inputs"):
        if profile[part] != said[part]:
            found.append(f"{part}: {profile[part]}")
    classes = {one["name"]: one["rows"] for one in profile["classes"]}
    if "classes" in said and classes != said["classes"]:
        found.append(f"classes: {classes}")
    made, _ = import_table(options, b"", lambda share, partial: None)
    if made["dataset"]["rows"] != said["trained"]:
        found.append(f"trained: {made['dataset']['rows']}")
    sentences = [TEMPLATES[one["key"]].format(**one["values"]) for one in profile["findings"]]
    found += [f"not said: {words}" for words in said.get("says", ()) if not together(words, sentences)]
    found += [f"said: {words}" for words in said.get("silent", ()) if together(words, sentences)]
    return found


def column_faults(column: Column, wanted: dict[str, Any]) -> list[str]:
    found = []
    if "kind" in wanted and column.kind != wanted["kind"]:
        return [column.kind]
    if "missing" in wanted and column.missing.sum() != wanted["missing"]:
        found.append(f"missing: {column.missing.sum()}")
    for row, value in wanted.get("cells", {}).items():
        came = None if column.missing[int(row)] else column.numbers[int(row)]  # type: ignore[index]
        if came != (read_iso(value) if column.kind == "date" else value):
            found.append(f"row {row}: {came}")
    if "values" in wanted:
        counts = dict(zip(column.coded.values, column.coded.counts.tolist(), strict=True))
        if counts != wanted["values"]:
            found.append(f"values: {counts}")
    return found


def together(words: list[str], sentences: list[str]) -> bool:
    return any(all(word in sentence for word in words) for sentence in sentences)


@pytest.mark.parametrize("name", FILES)
def test_the_cells_and_their_names_are_those_of_the_right_reading(name: str) -> None:
    assert form_faults(name) == []


@pytest.mark.parametrize("name", FILES)
def test_a_table_is_read_as_a_knowledgeable_person_reads_it(name: str) -> None:
    assert faults(name) == []


# The command line


def run(*arguments: str | Path) -> tuple[int, str]:
    """Status and output."""
    with contextlib.redirect_stdout(io.StringIO()) as out, contextlib.redirect_stderr(io.StringIO()):
        return main([str(argument) for argument in arguments]), out.getvalue()


def predictions(printed: str) -> np.ndarray:
    """(N, outputs) of what `predict` has printed."""
    rows = list(csv.DictReader(io.StringIO(printed)))
    titles = [title for title in rows[0] if title.startswith("probability_")] or ["prediction"]
    return np.array([[float(row[title]) for title in titles] for row in rows])


def judged(directory: Path) -> np.ndarray:
    """(rows, outputs) of the rows that `evaluate` judges."""
    checkpoint = open_checkpoint((directory / "model.safetensors").read_bytes())
    data = prepare(checkpoint.experiment)
    rows = np.concatenate([data.train.raw, data.watched.raw])
    return predict(checkpoint, rows).reshape(len(rows), -1)


def in_order(rows: np.ndarray) -> np.ndarray:
    return rows[np.lexsort(rows.T)]


def trained(table: Path, directory: Path, *options: str) -> bool:
    """Whether `table` takes the file; a network that has learned from it is then in the directory."""
    status, _ = run("table", table, "--out", directory / "recipe.json", *options)
    if status == 0:
        training = ("--epochs", "1", "--engine", "autograd")
        assert run("train", directory / "recipe.json", *training, "--out", directory / "run")[0] == 0
    return status == 0


def reads_itself(table: Path, directory: Path, rows: int) -> None:
    """`predict` reads the very file, all its rows, and says of them what is said of those that are judged."""
    status, printed = run("predict", directory / "run", table)
    assert status == 0
    came, expected = predictions(printed), judged(directory / "run")
    assert len(came) == rows
    if len(expected) == rows:
        np.testing.assert_allclose(in_order(came), in_order(expected), rtol=1e-5, atol=1e-7)
    else:  # Rows without a target are predicted, too.
        nearest = np.abs(expected[:, None] - came[None]).max(axis=2).min(axis=1)
        assert nearest.max() < 1e-6


@pytest.mark.parametrize("name", FILES)
def test_predict_onnx_and_script_say_the_same_of_what_table_has_read(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert trained(FOLDER / name, tmp_path)
    reads_itself(FOLDER / name, tmp_path, right(name)["rows"])
    if name in GRAPHS:
        onnx_agrees(tmp_path)
    monkeypatch.chdir(tmp_path)
    capsys.readouterr()
    script_agrees(tmp_path, capsys)


def onnx_agrees(directory: Path) -> None:
    assert run("export", directory / "run", "--format", "onnx", "--out", directory / "model.onnx")[0] == 0
    checkpoint = open_checkpoint((directory / "run" / "model.safetensors").read_bytes())
    session = onnxruntime.InferenceSession(directory / "model.onnx", providers=["CPUExecutionProvider"])
    raw = prepare(checkpoint.experiment).train.raw
    expected = predict(checkpoint, raw)
    came: Any = session.run(None, {session.get_inputs()[0].name: raw})[0]
    np.testing.assert_allclose(came.reshape(expected.shape), expected, rtol=1e-4, atol=1e-5)


def script_agrees(directory: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """It trains anew, on the rows that `data` prints, to the losses that `evaluate` prints."""
    assert run("export", directory / "run", "--format", "script", "--out", directory / "train.py")[0] == 0
    (directory / "data.csv").write_text(run("data", directory / "run")[1])
    scores = json.loads(run("evaluate", directory / "run")[1])
    runpy.run_path("train.py")
    printed = dict(line.rsplit(" ", 1) for line in capsys.readouterr().out.splitlines() if line.count(" ") == 1)
    for part in ("train", "test"):
        assert float(printed[f"{part}_loss"]) == pytest.approx(scores[part]["loss"], abs=1.5e-6)


def test_the_command_line_takes_answers_to_what_it_asks(tmp_path: Path) -> None:
    def columns(name: str, *options: str) -> Any:
        assert run("table", FOLDER / name, "--out", tmp_path / "recipe.json", *options)[0] == 0
        return json.loads((tmp_path / "recipe.json").read_text())["dataset"]

    asked = columns("minus_999.csv", "--missing", "temperature=-999")
    assert asked["columns"][0]["missing"] == ["-999"]
    assert "missing" not in columns("minus_999.csv")["columns"][0]
    joined = columns("near_equal_labels.csv", "--target", "x", "--joined", "answer")
    words = next(column["values"] for column in joined["columns"] if column["name"] == "answer")
    assert {word.strip().lower() for word in words} == {"yes", "no"} and len(words) == 2
    for wrong in (("--missing", "temperature"), ("--missing", "none=-999"), ("--joined", "none")):
        assert run("table", FOLDER / "minus_999.csv", "--out", tmp_path / "recipe.json", *wrong)[0] == 2


@pytest.mark.parametrize(
    "name", ["decimal_commas.csv", "title_line.csv", "tabs.tsv", "latin_1.csv", "two_header_lines_and_units.csv"]
)
def test_rows_without_the_target_column_are_predicted_too(name: str, tmp_path: Path) -> None:
    assert trained(FOLDER / name, tmp_path)
    _, whole = run("predict", tmp_path / "run", FOLDER / name)
    encoding = "latin-1" if name.startswith("latin") else "utf-8"
    text = (FOLDER / name).read_bytes().decode(encoding)
    separator = next(sign for sign in (";", "\t", ",") if sign in text)
    lines = [line.rpartition(separator)[0] or line for line in text.splitlines()]
    (tmp_path / name).write_bytes("\n".join([*lines, ""]).encode(encoding))
    status, printed = run("predict", tmp_path / "run", tmp_path / name)
    assert status == 0
    np.testing.assert_array_equal(predictions(printed), predictions(whole))


NAMES = [
    "size",
    "net  price",
    "two\nlines",
    "2019",
    "a;b",
    "a, b",
    'the "best"',
    "größe",
    "温度",
    "x",
    "x",
    "order (kg)",
]
WORDS = ["red", "dark red", "red, dark", "a;b", 'say "so"', "O'Hara", "hell & grün", "-", "x|y", "é"]


@st.composite
def files(draw: st.DrawFn) -> tuple[str, bytes, int]:
    """The name of a file, its content, and its rows: a table of numbers, words and dates in one of the ways in which people keep them."""
    rows = draw(st.integers(12, 24))
    generator = np.random.default_rng(draw(st.integers(0, 2**20)))
    names = draw(st.lists(st.sampled_from(NAMES), min_size=1, max_size=4))
    decimal = draw(st.sampled_from([".", ","]))
    columns = [_column(draw(st.sampled_from(["decimals", "whole", "words", "dates"])), rows, generator) for _ in names]
    target = generator.permutation(np.arange(rows) % 2)
    table = pd.DataFrame(dict(enumerate([*columns, np.where(target == 1, "yes", "no")])), dtype=object)
    header = [*names, "kind"]
    form = draw(st.sampled_from(["text", "text", "text", "excel", "parquet"]))
    if form == "parquet":
        table.columns = [f"{place} {name}" for place, name in enumerate(header)]
        with io.BytesIO() as file:
            table.infer_objects().to_parquet(file)
            return "table.parquet", file.getvalue(), rows
    above = draw(st.sampled_from([[], [], ["Measured in May"], ["# group 4, lab 2"]]))
    names_too = draw(st.booleans()) or bool(above)
    if form == "excel":
        return "table.xlsx", _workbook(table, header if names_too else None, above, draw(st.booleans())), rows
    separator = draw(st.sampled_from([",", ";", "\t", "|"]))
    written = table.map(lambda cell: str(cell).replace(".", decimal) if isinstance(cell, float) else cell)
    end, line = draw(st.sampled_from(["", separator])), draw(st.sampled_from(["\n", "\r\n"]))
    quote, everywhere = draw(st.sampled_from([('"', False), ('"', True), ("'", True)]))
    quoting = csv.QUOTE_ALL if everywhere else csv.QUOTE_MINIMAL
    text = io.StringIO()
    writer = csv.writer(text, delimiter=separator, quotechar=quote, quoting=quoting, lineterminator=end + line)
    writer.writerows([*([header] if names_too else []), *written.to_numpy().tolist()])
    content = "".join(f"{title}{line}" for title in above) + text.getvalue()
    encoding = draw(st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "gb18030"]))
    return "table.csv", content.encode(encoding), rows


def _column(kind: str, rows: int, generator: np.random.Generator) -> list[Any]:
    match kind:
        case "decimals":
            return [float(number) for number in generator.normal(3, 2, rows).round(2)]
        case "whole":
            return generator.integers(0, 9, rows).tolist()
        case "words":
            words = generator.choice(WORDS, 3, replace=False)
            return [None if generator.random() < 0.1 else str(word) for word in generator.choice(words, rows)]
    first = datetime.date(2024, 1, 1)
    return [(first + datetime.timedelta(days=int(day))).isoformat() for day in generator.integers(0, 400, rows)]


def _workbook(table: pd.DataFrame, header: list[str] | None, above: list[str], is_first: bool) -> bytes:
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    if not is_first:
        sheet["A1"] = "See the other sheet."
        sheet = book.create_sheet("Values")
    for row in [*([title] for title in above), *([header] if header else []), *table.to_numpy().tolist()]:
        sheet.append(row)
    with io.BytesIO() as file:
        book.save(file)
        return file.getvalue()


@settings(max_examples=30)
@given(files())
def test_whatever_table_accepts_predict_accepts_and_gives_what_evaluate_gives(
    tmp_path_factory: pytest.TempPathFactory, file: tuple[str, bytes, int]
) -> None:
    name, content, rows = file
    folder = tmp_path_factory.mktemp("own")
    (folder / name).write_bytes(content)
    accepted = trained(folder / name, folder)
    event(f"accepted: {accepted}")
    if accepted:
        reads_itself(folder / name, folder, rows)


# What the command line is told, and says


def made(table: Path, directory: Path, *options: str) -> tuple[Any, list[str]]:
    """The data of the recipe, and what was printed."""
    status, printed = run("table", table, "--out", directory / "recipe.json", *options)
    assert status == 0
    return Experiment.from_json((directory / "recipe.json").read_bytes()).dataset, printed.splitlines()


def refused(table: Path, directory: Path, *options: str) -> str:
    with contextlib.redirect_stderr(io.StringIO()) as said, contextlib.redirect_stdout(io.StringIO()):
        try:
            status = main(["table", str(table), "--out", str(directory / "recipe.json"), *options])
        except SystemExit as ended:
            status = ended.code
    assert status == 2
    assert said.getvalue().count("\n") == 1
    return said.getvalue()


def test_the_command_line_says_how_a_table_was_read_what_was_guessed_and_what_is_left_out(tmp_path: Path) -> None:
    table = tmp_path / "t.csv"
    rows = "".join(f"code {place};{place},5;{place % 3};same;{'ab'[place % 2]}\n" for place in range(20))
    table.write_text(f"Measured in May\nserial;h;w;always;kind\n{rows}", encoding="utf-16")
    _, printed = made(table, tmp_path)
    assert printed[0] == (
        "Read as text in utf-16: cells separated by semicolon, double quotation marks, decimal sign comma."
        " Lines above the table: 1. Lines of names: 1."
    )
    assert {
        "Rows: 20. Columns: 5.",
        "Input 'h': number. Different values: 20. Missing: 0.",
        "Left out 'always': different values: 1.",
        "Target 'kind': 2 classes.",
        "Class 'a': 10 rows.",
    } <= {*printed}
    assert sum(line.startswith("Left out 'serial': ") for line in printed) == 1
    assert printed[-1] == "Rows for the network: 20. Columns: 2. Inputs of the network: 2."


def test_a_class_that_stands_alone_is_said_to(tmp_path: Path) -> None:
    dataset, printed = made(FOLDER / "class_that_stands_alone.csv", tmp_path)
    assert dataset.rows == 39
    assert sum("single row" in line and "once" in line for line in printed) == 1
    assert not any("without a value" in line for line in printed)


def test_what_is_told_of_a_text_goes_before_what_is_found(tmp_path: Path) -> None:
    table = tmp_path / "t.csv"
    rows = "".join(f"{place},5\t{place % 3}\t{'ab'[place % 2]}\n" for place in range(20))
    table.write_bytes(f"1\t2\t3\nh\tgröße\tk\n{rows}".encode("latin-1"))
    told = ("--separator", "tab", "--decimal", ",", "--encoding", "windows-1252", "--header", "2", "--target", "k")
    dataset, _ = made(table, tmp_path, *told)
    assert dataset.reading == TextReading(separator="\t", decimal=",", encoding="windows-1252", titles=1)
    assert (dataset.column_names, dataset.rows) == (("h", "größe"), 20)
    dataset, _ = made(table, tmp_path, "--header", "none", "--target", "column 3")
    assert (dataset.reading.header, dataset.target) == (0, "column 3")
    dataset, _ = made(table, tmp_path, "--header", "2", "--sample", "12", "--target", "k")
    assert dataset.rows == 12


def test_what_is_told_of_columns_goes_before_what_is_found(tmp_path: Path) -> None:
    table = tmp_path / "t.csv"
    table.write_text(
        "a=b,c,mark\n" + "".join(f"{place % 4},{place},{place % 5}\n" for place in range(40)), encoding="utf-8"
    )
    dataset, printed = made(table, tmp_path, "--types", "a=b=category,c=id", "--task", "numbers", "--target", "mark")
    assert dataset.classes == ()
    assert [(column.kind, column.name) for column in dataset.columns] == [("category", "a=b")]
    assert sum(line.startswith("Left out 'c': id ") for line in printed) == 1
    dataset, _ = made(table, tmp_path, "--task", "classes", "--target", "mark")
    assert len(dataset.classes) == 5


def test_a_sheet_is_told_by_its_name(tmp_path: Path) -> None:
    table = tmp_path / "t.xlsx"
    rows = pd.DataFrame({"h": np.arange(20) / 2, "k": ["a", "b"] * 10})
    with pd.ExcelWriter(table, engine="openpyxl") as book:
        rows.to_excel(book, sheet_name="first", index=False)
        rows.assign(w=rows["h"] % 3).to_excel(book, sheet_name="other", index=False)
    dataset, _ = made(table, tmp_path, "--sheet", "other", "--target", "k")
    assert (dataset.reading.sheet, dataset.column_names) == ("other", ("h", "w"))
    assert "expected first, other" in refused(table, tmp_path, "--sheet", "none")
    assert "--separator" in refused(table, tmp_path, "--separator", ";")


def test_digits_that_a_file_declares_as_categories_are_categories(tmp_path: Path) -> None:
    table = tmp_path / "t.arff"
    head = "@relation t\n@attribute h real\n@attribute level {0,1,2}\n@attribute kind {a,b}\n@data\n"
    table.write_text(head + "".join(f"{place / 2},{place % 3},{'ab'[place % 2]}\n" for place in range(20)))
    dataset, _ = made(table, tmp_path)
    assert [column.kind for column in dataset.columns] == ["number", "category"]
    assert dataset.columns[1].values == ("0", "1", "2")
    assert trained(table, tmp_path)
    reads_itself(table, tmp_path, 20)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--header", "0"), "--header: expected a whole number from 1"),
        (("--header", "two"), "--header"),
        (("--sample", "3"), "--sample: expected a whole number from 10"),
        (("--types", "h"), "--types: expected NAME="),
        (("--types", "h=price"), "--types: expected NAME="),
        (("--types", "nobody=number"), "no column 'nobody'"),
        (("--task", "guess"), "--task"),
        (("--separator", "::"), "separator"),
        (("--decimal", "x"), "decimal"),
        (("--encoding", "rot13"), "encoding"),
        (("--sheet", "first"), "--sheet: there is no such thing"),
        (("--target", "nobody"), "no column 'nobody'"),
    ],
)
def test_what_there_is_not_is_refused(options: tuple[str, str], words: str, tmp_path: Path) -> None:
    assert words in refused(FOLDER / "tabs.tsv", tmp_path, *options)
