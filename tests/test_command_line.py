"""The command line keeps its contract: status 0, or 2 with one clear line; never a traceback."""

from __future__ import annotations

import csv
import io
import json
import os
import subprocess
import sys
from pathlib import Path

import jsonschema
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings

from dlcore import Experiment
from dlcore.__main__ import main
from dlcore.catalogue import FAMILIES, catalogue, schema
from dlcore.checkpoint import open_checkpoint
from dlcore.checkpoint import predict as predicted
from dlcore.component import kinds
from tests.patience import PATIENCE
from tests.strategies import experiments

ROOT = Path(__file__).parent.parent
IRIS = {"dataset": {"kind": "iris"}, "layers": [{"kind": "dense", "units": 5, "activation": {"kind": "relu"}}]}


def command(*arguments: str, **settings) -> subprocess.CompletedProcess:
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    whole = [sys.executable, "-m", "dlcore", *arguments]
    return subprocess.run(
        whole, capture_output=True, text=True, timeout=PATIENCE, check=False, env=environment, **settings
    )


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a recipe, and with what `train` made of it."""
    folder = tmp_path_factory.mktemp("command line")
    (folder / "iris.json").write_text(json.dumps(IRIS))
    assert (
        main(["train", str(folder / "iris.json"), "--epochs", "5", "--out", str(folder / "run"), "--device", "cpu"])
        == 0
    )
    return folder / "run"


def refusal(capsys: pytest.CaptureFixture[str], *arguments: object) -> str:
    """The one line with which these arguments are refused."""
    capsys.readouterr()
    try:
        status = main([str(argument) for argument in arguments])
    except SystemExit as ended:  # argparse's own way
        status = ended.code
    out, err = capsys.readouterr()
    assert (status, out) == (2, "")
    assert err.count("\n") == 1
    return err


def read(text: str) -> list[dict[str, str]]:
    """CSV text as rows."""
    return list(csv.DictReader(io.StringIO(text)))


# Training


def test_train_is_quiet_and_writes_three_files(tmp_path: Path) -> None:
    (tmp_path / "recipe.json").write_text("{}")
    done = command("train", "recipe.json", "--epochs", "3", "--out", "out", cwd=tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    rows = read((tmp_path / "out" / "history.csv").read_text())
    assert [row["epoch"] for row in rows] == ["0", "1", "2", "3"]
    assert list(rows[0]) == ["epoch", "step", "train_loss", "test_loss", "train_accuracy", "test_accuracy"]
    assert rows[3]["step"] == "75"
    assert Experiment.from_json((tmp_path / "out" / "recipe.json").read_text()) == Experiment()
    assert sorted(os.listdir(tmp_path / "out")) == ["history.csv", "model.safetensors", "recipe.json"]


def test_the_same_recipe_gives_the_same_bytes(run: Path, tmp_path: Path) -> None:
    arguments = ["train", str(run.parent / "iris.json"), "--epochs", "5", "--device", "cpu", "--engine", "dense"]
    assert main([*arguments, "--out", str(tmp_path)]) == 0
    for name in os.listdir(run):
        assert (tmp_path / name).read_bytes() == (run / name).read_bytes()


def test_no_epochs_give_the_initial_weights(tmp_path: Path, run: Path) -> None:
    assert main(["train", str(run.parent / "iris.json"), "--epochs", "0", "--out", str(tmp_path)]) == 0
    assert len((tmp_path / "history.csv").read_text().splitlines()) == 2


def test_a_terminal_shows_progress(tmp_path: Path, run: Path, capsys: pytest.CaptureFixture[str], monkeypatch) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    assert main(["train", str(run.parent / "iris.json"), "--epochs", "2", "--out", str(tmp_path)]) == 0
    out, err = capsys.readouterr()
    assert out == ""
    assert "epoch 2/2  train_loss" in err


def test_training_that_diverges_overwrites_nothing(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    wild = {
        "dataset": {"kind": "plane"},
        "loss": {"kind": "mse"},
        "layers": [],
        "optimizer": {"kind": "sgd", "learning_rate": 100},
    }
    (tmp_path / "wild.json").write_text(json.dumps(wild))
    before = {path.name: path.read_bytes() for path in run.iterdir()}
    assert "no longer a finite number at step" in refusal(
        capsys, "train", tmp_path / "wild.json", "--epochs", 50, "--out", run
    )
    assert {path.name: path.read_bytes() for path in run.iterdir()} == before


# Evaluating and predicting


def test_evaluate_prints_the_last_row_of_the_history(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["evaluate", str(run)]) == 0
    scores = json.loads(capsys.readouterr().out)
    last = read((run / "history.csv").read_text())[-1]
    for split in ("train", "test"):
        assert set(scores[split]) == {"loss", "accuracy"}
        assert scores[split]["loss"] == pytest.approx(float(last[f"{split}_loss"]), abs=1e-7)
        assert scores[split]["accuracy"] == float(last[f"{split}_accuracy"])


def test_predict_finds_columns_by_name(run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    table = tmp_path / "flowers.csv"
    table.write_text(
        "\ufeffnote,petal width (cm),sepal width (cm),sepal length (cm),petal length (cm)\r\n"
        '"a, b",0.2,3.5,5.1,1.4\r\nc,2.1,3.0,7.1,5.9\r\n\r\n',
        encoding="utf-8",
    )
    assert main(["predict", str(run), str(table)]) == 0
    rows = read(capsys.readouterr().out)
    names = ("setosa", "versicolor", "virginica")
    assert list(rows[0]) == ["prediction", *(f"probability_{name}" for name in names)]
    printed = np.array([[float(row[f"probability_{name}"]) for name in names] for row in rows])
    checkpoint = open_checkpoint((run / "model.safetensors").read_bytes())
    np.testing.assert_allclose(
        printed, predicted(checkpoint, np.array([[5.1, 3.5, 1.4, 0.2], [7.1, 3.0, 5.9, 2.1]])), rtol=1e-6
    )
    assert [row["prediction"] for row in rows] == [names[index] for index in printed.argmax(1)]


def test_predict_gives_numbers_in_the_datas_own_units(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "recipe.json").write_text('{"dataset": {"kind": "sine"}, "loss": {"kind": "mse"}}')
    main(["train", str(tmp_path / "recipe.json"), "--epochs", "1", "--out", str(tmp_path / "run")])
    (tmp_path / "x.csv").write_text("x\n1\n-2.5e0\n")
    assert main(["predict", str(tmp_path / "run"), str(tmp_path / "x.csv")]) == 0
    header, *values = capsys.readouterr().out.split()
    checkpoint = open_checkpoint((tmp_path / "run" / "model.safetensors").read_bytes())
    assert header == "prediction"
    np.testing.assert_array_equal([float(value) for value in values], predicted(checkpoint, np.array([[1.0], [-2.5]])))


def test_predict_reads_what_a_spreadsheet_writes(run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    frame = pd.DataFrame(np.array([[5.1, 3.5, 1.4, 0.2], [7.1, 3.0, 5.9, 2.1]]), columns=HEADER.strip().split(","))
    frame.to_csv(tmp_path / "plain.csv", index=False)
    frame.to_csv(tmp_path / "german.csv", index=False, sep=";", decimal=",")
    frame.to_csv(tmp_path / "unicode.txt", index=False, sep="\t", encoding="utf-16")
    frame.to_excel(tmp_path / "book.xlsx", index=False)
    frame.to_parquet(tmp_path / "rows.parquet", index=False)
    said = []
    for name in ("plain.csv", "german.csv", "unicode.txt", "book.xlsx", "rows.parquet"):
        assert main(["predict", str(run), str(tmp_path / name)]) == 0
        out, err = capsys.readouterr()
        assert err == ""
        said.append(out)
    assert len(said[0].splitlines()) == 3
    assert said == said[:1] * 5


HEADER = "sepal length (cm),sepal width (cm),petal length (cm),petal width (cm)\n"


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "empty"),
        (HEADER.encode(), "no rows"),
        (b"a,b\n1,2\n", "'sepal length (cm)', 'sepal width (cm)', 'petal length (cm)', 'petal width (cm)'. Beside"),
        (b"petal width (cm),kind\n1,2\n", "'petal length (cm)'. Beside those that fit, the file has: kind"),
        (HEADER.replace("\n", ",petal width (cm)\n1,2,3,4,5\n").encode(), "stands twice"),
        (HEADER.encode() + b"1,2,3\n", "1 of the first 1 rows have another number of cells"),
        (HEADER.encode() + b"1,2,3\n1,2,3,4\n", "row 1 below the header, column 'petal width (cm)'"),
        (
            HEADER.encode() + b"1,2,3,4\n1,2,x,4\n",
            "row 2 below the header, column 'petal length (cm)': expected a finite number, but got 'x'",
        ),
        (HEADER.encode() + b"1,2,,4\n", "expected a finite number"),
        (HEADER.encode() + b"1,2,nan,4\n", "expected a finite number"),
        (HEADER.encode() + b"1,2,1e999,4\n", "expected a finite number"),
        (HEADER.encode() + b"1,2,3,4\n1,2,1e300,4\n", "row 2"),
        (HEADER.encode() + b'1,2,"3,4\n', "another number of cells"),
        (HEADER.encode() + b"1,2,\0,4\n", "no table but binary"),
        (b"x" * 200_000, "The first line is too long for a table"),
        (b"1\n" * (8 << 20) + b"1", "16 MB"),
    ],
)
def test_a_bad_table_is_refused(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], content: bytes, words: str
) -> None:
    (tmp_path / "table.csv").write_bytes(content)
    assert words in refusal(capsys, "predict", run, tmp_path / "table.csv")


# Exporting


def test_the_script_of_a_run_is_written(run: Path, tmp_path: Path) -> None:
    assert main(["export", str(run), "--format", "script", "--out", str(tmp_path / "deep" / "train.py")]) == 0
    assert "EPOCHS = 5\n" in (tmp_path / "deep" / "train.py").read_text()


# What is refused


def test_bad_arguments_are_refused_in_one_line(run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    recipe, out = run.parent / "iris.json", tmp_path / "out"
    assert "COMMAND" in refusal(capsys)
    assert "invalid choice: 'learn'" in refusal(capsys, "learn")
    assert "--epochs" in refusal(capsys, "train", recipe, "--out", out)
    assert "unrecognized arguments: --fast" in refusal(capsys, "train", recipe, "--epochs", 1, "--out", out, "--fast")
    for epochs in ("-1", "1.5", "many", "1e3", "100001", "9" * 5000, ""):
        assert "whole number from 0 to 100000" in refusal(capsys, "train", recipe, "--epochs", epochs, "--out", out)
    assert "expected auto, cpu" in refusal(capsys, "train", recipe, "--epochs", 1, "--out", out, "--device", "tpu")
    assert "invalid choice: 'fast'" in refusal(capsys, "train", recipe, "--epochs", 1, "--out", out, "--engine", "fast")
    assert "'fast'" in refusal(capsys, "train", recipe, "--epochs", 1, "--out", out, "--engine", "fast")
    assert "invalid choice: 'pickle'" in refusal(capsys, "export", run, "--format", "pickle", "--out", out)
    assert not out.exists()


def test_bad_files_are_refused_in_one_line(run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    recipe, out = run.parent / "iris.json", tmp_path / "out"
    bad = tmp_path / "bad.json"
    bad.write_text('{"layers": [{"kind": "dense", "unit": 3}]}')
    assert "layers.0.unit: unknown key" in refusal(capsys, "train", bad, "--epochs", 1, "--out", out)
    bad.write_bytes(b"\xff\xfe\xfa")
    assert "not valid JSON" in refusal(capsys, "train", bad, "--epochs", 1, "--out", out)
    bad.write_bytes(b" " * 1_000_000)
    assert "characters" in refusal(capsys, "train", bad, "--epochs", 1, "--out", out)
    assert "cannot be read" in refusal(capsys, "train", tmp_path / "none.json", "--epochs", 1, "--out", out)
    assert "cannot be read" in refusal(capsys, "train", tmp_path, "--epochs", 1, "--out", out)
    assert "cannot be written" in refusal(capsys, "train", recipe, "--epochs", 1, "--out", recipe)
    assert "cannot be read" in refusal(capsys, "evaluate", tmp_path)
    assert "cannot be read" in refusal(capsys, "predict", run, tmp_path / "none.csv")
    assert "cannot be written" in refusal(capsys, "export", run, "--format", "script", "--out", tmp_path)
    (tmp_path / "model.safetensors").write_bytes(b"PK\3\4 and so on")
    assert "pickle" in refusal(capsys, "evaluate", tmp_path)
    assert sorted(os.listdir(tmp_path)) == ["bad.json", "model.safetensors"]


def test_an_interruption_is_quiet(
    run: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("dlcore.learning.trainer.Trainer.advance", interrupted)
    assert main(["train", str(run.parent / "iris.json"), "--epochs", "1", "--out", str(run)]) == 130
    assert capsys.readouterr() == ("", "")


def test_a_broken_pipe_is_quiet() -> None:
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    whole = f"{sys.executable} -m dlcore catalogue | head -c 1"
    done = subprocess.run(
        whole, shell=True, capture_output=True, text=True, timeout=PATIENCE, check=False, env=environment
    )
    assert (done.stdout, done.stderr) == ("{", "")


# Catalogue and schema


def test_what_needs_no_torch_does_not_wait_for_it() -> None:
    code = "import sys; from dlcore.__main__ import main; main(['catalogue']); main(['schema']); sys.exit('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, timeout=PATIENCE, check=False)
    assert done.returncode == 0


def test_the_catalogue_names_every_kind_with_bounds_and_help(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["catalogue"]) == 0
    printed = json.loads(capsys.readouterr().out)
    assert printed == catalogue()
    for family, union in FAMILIES.items():
        assert list(printed[family]) == list(kinds(union))
        for described in printed[family].values():
            assert described["title"]
            assert described["help"]
            assert all(field["help"] and "default" in field for field in described["fields"].values())
    units = printed["layer"]["dense"]["fields"]["units"]
    assert (units["type"], units["minimum"], units["maximum"], units["default"]) == ("integer", 1, 512, 4)
    assert printed["layer"]["dense"]["fields"]["activation"]["family"] == "activation"
    assert printed["recipe"]["experiment"]["fields"]["batch_size"]["maximum"] == 5000


def test_the_schema_is_one(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["schema"]) == 0
    printed = json.loads(capsys.readouterr().out)
    jsonschema.Draft202012Validator.check_schema(printed)
    judge = jsonschema.Draft202012Validator(printed)
    assert judge.is_valid({})
    assert judge.is_valid(Experiment().to_dict())
    for bad in (
        {"layer": []},
        {"batch_size": 0},
        {"optimizer": {"learning_rate": 1}},
        {"loss": {"kind": "hinges"}},
        [],
    ):
        assert not judge.is_valid(bad)


@settings(max_examples=25)
@given(experiment=experiments())
def test_every_recipe_fits_the_schema(experiment: Experiment) -> None:
    _JUDGE.validate(experiment.to_dict())


_JUDGE = jsonschema.Draft202012Validator(schema())
