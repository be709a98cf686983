"""A table that somebody has brought, as the data of a recipe: judged by scikit-learn's pipelines, pandas and plain torch."""

from __future__ import annotations

import io
import json
import math
import runpy
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pandas as pd
import pytest
import safetensors.torch
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, MinMaxScaler, OneHotEncoder, StandardScaler

from dlcore import Experiment, Problem, Trainer, share
from dlcore.__main__ import main
from dlcore.checkpoint import Checkpoint, checkpoint_of, open_checkpoint, predict, save_checkpoint
from dlcore.component import validate
from dlcore.datasets import store
from dlcore.datasets.days import read_iso, write_iso
from dlcore.datasets.split import Data
from dlcore.datasets.table import LONGEST_TEXT, TableData
from dlcore.export import export
from dlcore.export.rows import data_csv
from dlcore.export.script import export_script
from dlcore.learning.carry import align
from dlcore.new_rows import NewRows, cells_of, new_rows
from dlcore.pictures.picture import Picture
from dlcore.rows import prepare
from dlcore.runs.run import Run
from tests.test_checkpoint import changed, refused
from tests.test_export import printed_rows, printed_scores, same_lines, trained

SCALERS = {"standard": StandardScaler, "minmax": MinMaxScaler, "none": FunctionTransformer}


@pytest.fixture(autouse=True, scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """A store of its own."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DLCORE_TABLES", str(tmp_path_factory.mktemp("tables")))
        yield


@dataclass
class Brought:
    """A table as pandas holds it, and as a recipe does. The column "row" numbers the rows and is an input like the others."""

    frame: pd.DataFrame
    dataset: dict[str, Any]

    def experiment(self, **more: Any) -> Experiment:
        loss = {} if self.dataset["classes"] else {"loss": {"kind": "mse"}}
        return Experiment.from_dict({"dataset": self.dataset, "batch_size": 1, **loss, **more})

    def rows_of(self, raw: np.ndarray) -> pd.DataFrame:
        """The same rows in the frame, found by their numbers."""
        place = [column["name"] for column in self.dataset["columns"]].index("row")
        return self.frame.iloc[raw[:, place].astype(int)]


def bring(
    frame: pd.DataFrame, columns: list[dict[str, Any]], target: str, classes: list[str], name: str = "t.csv"
) -> Brought:
    """Put it into the store as an import does. Text columns become codes, dates days; "row" is added."""
    texts = [title for title in frame if frame[title].dtype.kind not in "fM"]
    frame = frame.astype(dict.fromkeys(texts, object)).assign(row=np.arange(len(frame), dtype=float))
    described, arrays = [], {}
    for place, (title, cells) in enumerate(frame.items()):
        if cells.dtype.kind == "M":
            arrays[f"c{place}"] = (cells - pd.Timestamp(0)) / pd.Timedelta(days=1)
            described.append({"name": title, "kind": "date"})
        elif title in texts:
            codes, values = pd.factorize(cells)
            arrays[f"c{place}"] = codes.astype(np.int32)
            described.append({"name": title, "kind": "category", "values": list(values)})
        else:
            arrays[f"c{place}"] = cells
            described.append({"name": title, "kind": "number"})
    stored = {
        key: np.asarray(array, dtype=np.int32 if array.dtype == np.int32 else np.float64)
        for key, array in arrays.items()
    }
    facts = {"form": "table 1", "name": name, "rows": len(frame), "columns": described}
    dataset = {
        "kind": "table", "digest": store.put_table(facts, stored), "name": name, "rows": len(frame), "target": target,
        "classes": classes, "columns": [*columns, {"kind": "number", "name": "row", "scale": "none"}],
    }  # fmt: skip
    return Brought(frame, dataset)


def judged(brought: Brought, train: pd.DataFrame, *others: pd.DataFrame) -> list[np.ndarray]:
    """What a ColumnTransformer, fitted on these training rows alone, makes of them and of others; float32."""
    steps, columns = [], brought.dataset["columns"]
    known = {}
    for column in columns:
        name = column["name"]
        if column["kind"] != "category":
            imputer = SimpleImputer(strategy=column.get("impute", "median"), keep_empty_features=True)
            steps.append((name, make_pipeline(imputer, SCALERS[column.get("scale", "standard")]()), [name]))
            continue
        known[name] = sorted(set(train[name].dropna()))
        encoder = OneHotEncoder(categories=[known[name]], handle_unknown="ignore", sparse_output=False)
        imputers = [SimpleImputer(strategy="most_frequent")] if column["impute"] == "most_frequent" else []
        if known[name]:
            steps.append((name, make_pipeline(*imputers, encoder), [name]))
    judge = ColumnTransformer(steps).fit(train)
    found = []
    for frame in (train, *others):
        made = np.asarray(judge.transform(frame), dtype=np.float64)
        parts = []
        for column in columns:
            name = column["name"]
            part = made[:, judge.output_indices_[name]] if name in judge.output_indices_ else made[:, :0]
            if name in known:  # scikit-learn makes a column of each value it has seen, the recipe one of each it names.
                places = {value: part[:, place] for place, value in enumerate(known[name])}
                part = np.stack([places.get(value, np.zeros(len(made))) for value in column["values"]], axis=1)
            parts.append(part)
        found.append(np.hstack(parts).astype(np.float32))
    return found


def as_numbers(frame: pd.DataFrame) -> pd.DataFrame:
    """Dates as days: scikit-learn has no transformer for them."""
    dates = {
        name: (frame[name] - pd.Timestamp(0)) / pd.Timedelta(days=1) for name in frame if frame[name].dtype.kind == "M"
    }
    return frame.assign(**dates)


def passengers(rows: int = 120, seed: int = 0) -> Brought:
    """Numbers, dates and categories with missing cells; "port" has values that the recipe does not name."""
    draw = np.random.default_rng(seed)
    sex = draw.choice(["female", "male"], rows)
    frame = pd.DataFrame({
        "age": np.where(draw.random(rows) < 0.2, np.nan, draw.normal(30, 12, rows).round(1)),
        "sex": pd.Series(sex).mask(draw.random(rows) < 0.1),
        "fare": draw.exponential(30, rows).round(2),
        "port": draw.choice(["S", "C", "=cmd()", "Q", "Z"], rows),
        "boarded": pd.Timestamp("1912-04-01") + pd.to_timedelta(draw.integers(0, 14 * 24 * 60, rows), unit="min"),
        "survived": np.where((sex == "female") ^ (draw.random(rows) < 0.2), "yes", "no"),
    })  # fmt: skip
    columns = [
        {"kind": "number", "name": "age", "impute": "mean", "scale": "minmax"},
        {"kind": "category", "name": "sex", "values": ["male", "female"], "impute": "most_frequent"},
        {"kind": "number", "name": "fare"},
        {"kind": "category", "name": "port", "values": ["C", "Q", "S", "=cmd()"], "impute": "none"},
        {"kind": "date", "name": "boarded"},
    ]
    return bring(frame, columns, "survived", ["no", "yes"], "titanic.csv")


# Preparation


@st.composite
def brought_tables(draw: st.DrawFn) -> tuple[Brought, float, int]:
    """Any small table: missing cells, constant columns, categories in few rows or in none that learn, and a share of test rows."""
    rows = draw(st.integers(8, 40))
    generator = np.random.default_rng(draw(st.integers(0, 2**20)))
    cells: dict[str, Any] = {}
    columns: list[dict[str, Any]] = []
    for place in range(draw(st.integers(1, 4))):
        missing = generator.random(rows) < draw(st.sampled_from([0, 0.2, 0.9, 1]))
        if draw(st.booleans()):
            size = draw(st.sampled_from([0.0, 1e-9, 1.0, 1e12]))
            values = draw(st.sampled_from([0.0, 5.5, -1e9])) + size * generator.standard_normal(rows).round(2)
            cells[f"number {place}"] = np.where(missing, np.nan, values)
            impute = draw(st.sampled_from(["median", "mean", "most_frequent"]))
            scale = draw(st.sampled_from(list(SCALERS)))
            columns.append({"kind": "number", "name": f"number {place}", "impute": impute, "scale": scale})
        else:
            letters = draw(st.permutations("abcdefgh"))[: draw(st.integers(1, 8))]
            texts = generator.choice(
                list(letters), rows, p=np.arange(1, len(letters) + 1) / sum(range(len(letters) + 1))
            )
            named = draw(st.lists(st.sampled_from("abcdefgh"), min_size=1, unique=True))
            texts = np.where(np.isin(texts, named), texts, "(other)")
            cells[f"names {place}"] = pd.Series(texts, dtype=object).mask(missing)
            impute = draw(st.sampled_from(["most_frequent", "none"]))
            columns.append({"kind": "category", "name": f"names {place}", "values": named, "impute": impute})
    cells["y"] = generator.standard_normal(rows) * 1e3
    return bring(pd.DataFrame(cells), columns, "y", []), draw(st.floats(0.3, 0.7)), draw(st.integers(0, 99))


@settings(max_examples=60)
@given(brought_tables())
def test_preparation_is_scikit_learns_column_transformer_on_the_same_split_bit_for_bit(drawn: Any) -> None:
    brought, fraction, seed = drawn
    data = prepare(brought.experiment(test_fraction=fraction, seed=seed))
    train, test = brought.rows_of(data.train.raw), brought.rows_of(data.watched.raw)
    assert sorted([*train["row"], *test["row"]]) == list(range(len(brought.frame)))
    for ours, theirs in zip((data.train.X, data.watched.X), judged(brought, train, test), strict=True):
        np.testing.assert_array_equal(ours, theirs)
    scaler = StandardScaler().fit(train[["y"]])
    for split, frame in ((data.train, train), (data.watched, test)):
        np.testing.assert_array_equal(split.y, frame["y"])
        np.testing.assert_array_equal(split.target, scaler.transform(frame[["y"]])[:, 0].astype(np.float32))


def test_dates_and_all_other_columns_are_prepared_in_the_order_of_the_recipe() -> None:
    brought = passengers()
    data = prepare(brought.experiment(test_fraction=0.3))
    frames = [as_numbers(brought.rows_of(split.raw)) for split in (data.train, data.watched)]
    frames = [frame.assign(port=frame["port"].where(frame["port"] != "Z", "(other)")) for frame in frames]
    for ours, theirs in zip((data.train.X, data.watched.X), judged(brought, *frames), strict=True):
        np.testing.assert_array_equal(ours, theirs)
    assert data.input_names == (
        "age", "sex=male", "sex=female", "fare", "port=C", "port=Q", "port=S", "port==cmd()", "boarded", "row",
    )  # fmt: skip


def test_other_test_rows_do_not_move_the_preparation() -> None:
    brought = passengers()
    honest = prepare(brought.experiment())
    frame = brought.frame.copy()
    spoilt = brought.rows_of(honest.watched.raw).index
    frame.loc[spoilt, "age"] = 1e6
    frame.loc[spoilt, "port"] = "S"
    other = bring(frame.drop(columns="row"), brought.dataset["columns"][:-1], "survived", ["no", "yes"])
    leaky = prepare(other.experiment())
    assert leaky.scaling == honest.scaling
    np.testing.assert_array_equal(leaky.train.X, honest.train.X)
    assert not np.array_equal(leaky.watched.X, honest.watched.X)


def test_a_category_that_no_training_row_has_is_nothing_to_the_network() -> None:
    brought = passengers()
    data = prepare(brought.experiment())
    held_out = brought.rows_of(data.watched.raw).index[:5]
    frame = brought.frame.drop(columns="row")
    frame.loc[held_out, "sex"] = "diverse"
    columns = [dict(column) for column in brought.dataset["columns"][:-1]]
    columns[1]["values"] = ["male", "female", "diverse"]
    data = prepare(bring(frame, columns, "survived", ["no", "yes"]).experiment())
    assert (data.watched.raw[:, 1] == 2).sum() == 5
    assert not data.watched.X[data.watched.raw[:, 1] == 2, 1:4].any()


@pytest.mark.parametrize("classes", [True, False])
def test_the_first_rows_of_a_sorted_table_stand_for_all(classes: bool) -> None:
    frame = pd.DataFrame({"x": np.arange(400.0), "y": np.repeat([0.0, 1.0], 200)})
    if classes:
        frame["y"] = np.repeat(["a", "b"], 200)
    brought = bring(frame, [{"kind": "number", "name": "x"}], "y", ["a", "b"] if classes else [])
    data = prepare(brought.experiment())
    for split in (data.train, data.watched):
        assert 60 < split.raw[:100, 0].mean() < 340
        assert 0.3 < split.y[:100].mean() < 0.7


def test_numbers_too_far_apart_are_refused_with_the_name_of_their_column() -> None:
    for values in ([1e300, -1e300, 1.0, 2.0], [1.0, 2.0, 3.0, 1e300]):
        brought = bring(
            pd.DataFrame({"big": values * 5, "y": np.arange(20.0)}),
            [{"kind": "number", "name": "big", "scale": "none"}],
            "y",
            [],
        )
        with pytest.raises(Problem, match="'big'") as refusal:
            prepare(brought.experiment())
        assert refusal.value.key == "table_out_of_scale"


# Refusals


def categories(count: int, values: list[str]) -> list[dict[str, Any]]:
    """So many columns of these categories."""
    return [{"kind": "category", "name": str(place), "values": values} for place in range(count)]


@pytest.mark.parametrize(
    ("changes", "key"),
    [
        ({"digest": "../../etc/passwd"}, "wrong_type"),
        ({"target": "weight"}, "table_target_seen"),
        ({"classes": ["one"]}, "table_one_class"),
        ({"classes": ["one", "one"]}, "table_name_twice"),
        ({"columns": []}, "out_of_bounds"),
        ({"columns": [{"kind": "number", "name": "a"}, {"kind": "number", "name": "a"}]}, "table_name_twice"),
        ({"columns": [{"kind": "category", "name": "a", "values": ["b", "b"]}]}, "table_name_twice"),
        ({"columns": [{"kind": "category", "name": "a", "values": []}]}, "out_of_bounds"),
        ({"columns": [{"kind": "number", "name": "\u202e\n"}]}, "table_name_empty"),
        ({"columns": [{"kind": "text", "name": "a"}]}, "unknown_kind"),
        ({"columns": [{"kind": "number", "name": "a", "scale": "log"}]}, "unknown_kind"),
        ({"rows": 100_000, "columns": categories(30, list("abcdefghi"))}, "table_too_wide"),
        ({"columns": categories(20, [f"{place}{'x' * 40}" for place in range(30)])}, "table_long_names"),
    ],
)  # fmt: skip
def test_a_table_that_cannot_be_is_refused_with_a_sentence(changes: dict[str, Any], key: str) -> None:
    with pytest.raises(Problem) as refusal:
        validate(TableData, changes)
    assert refusal.value.key == key
    assert "\n" not in str(refusal.value)


def test_a_table_that_is_no_longer_there_or_another_one_is_refused_with_a_sentence() -> None:
    brought = passengers()
    for changes, key in (
        ({"digest": "0" * 32}, "table_gone"),
        ({"rows": 119}, "table_differs"),
        ({"target": "sex"}, "table_target_seen"),
        ({"target": "name"}, "table_differs"),
        ({"classes": ["no", "perhaps"]}, "table_differs"),
        ({"columns": [{"kind": "date", "name": "age"}]}, "table_differs"),
        ({"columns": [{"kind": "number", "name": "sex"}]}, "table_differs"),
    ):
        with pytest.raises(Problem) as refusal:
            prepare(Brought(brought.frame, {**brought.dataset, **changes}).experiment())
        assert refusal.value.key == key


def test_names_come_clean_and_a_recipe_reads_back_equal() -> None:
    column = {
        "kind": "category",
        "name": "<img src=x>\u202e",
        "values": ["__proto__", "$x$", "企鹅🐧"],
        "impute": "none",
    }
    dataset = validate(TableData, {"columns": [column], "target": "=cmd()"})
    assert dataset.columns[0].name == "<img src=x>"
    experiment = Experiment(dataset=dataset)
    assert "企鹅🐧" in experiment.to_json()
    assert Experiment.from_json(experiment.to_json()) == experiment
    assert share.decode(share.encode(experiment)) == experiment


# What is taken home


@pytest.fixture(scope="module")
def brought() -> Brought:
    return passengers()


@pytest.fixture(scope="module")
def trainer(brought: Brought) -> Trainer:
    return trained(brought.experiment(batch_size=10).to_dict(), 8)


def test_a_checkpoint_comes_back_with_its_preparation(trainer: Trainer) -> None:
    content = save_checkpoint(trainer.snapshot(), trainer.data)
    checkpoint = open_checkpoint(content)
    assert checkpoint.scaling == trainer.data.scaling
    assert checkpoint.column_names == trainer.data.raw_names
    assert checkpoint.input_names == trainer.data.input_names
    assert checkpoint.to_bytes() == content


@pytest.mark.parametrize(
    ("place", "learned"),
    [
        (0, {"fill": "Infinity"}), (0, {"divisor": 0}), (0, {"factor": -1}), (0, {"more": 1}), (0, None),
        (1, {"seen": [True]}), (1, {"fill": 2}), (1, {"fill": -2}), (1, {"fill": 0.5}), (1, {"seen": [1, 1]}),
    ],
)  # fmt: skip
def test_a_checkpoint_with_another_preparation_is_refused(trainer: Trainer, place: int, learned: Any) -> None:
    content = save_checkpoint(trainer.snapshot(), trainer.data)
    metadata = safetensors_metadata(content)
    preparation = json.loads(metadata["preparation"])
    if learned is None:
        del preparation[place]
    else:
        preparation[place] |= learned
    text = json.dumps(preparation).replace('"Infinity"', "Infinity")
    assert refused(changed(content, preparation=text)).key == "checkpoint_metadata"
    assert refused(changed(content, input_mean="[0]")).key == "checkpoint_metadata"


def safetensors_metadata(content: bytes) -> dict[str, str]:
    length = int.from_bytes(content[:8], "little")
    return json.loads(content[8 : 8 + length])["__metadata__"]


def test_the_largest_names_fit_into_a_checkpoint_and_its_recipe() -> None:
    values = [f"{i:02}{'企' * 31}" for i in range(30)]
    columns = [{"kind": "category", "name": f"{i:02}", "values": values} for i in range(19)]
    numbers = [{"kind": "number", "name": f"n{i}"} for i in range(181)]
    experiment = Experiment.from_dict({"dataset": {"kind": "table", "columns": columns + numbers}, "layers": []})
    assert sum(len(value) for column in columns for value in column["values"]) > 0.9 * LONGEST_TEXT
    rows = np.zeros((4, 200))
    scaling = experiment.dataset.prepare(rows, np.zeros(4))
    trainer = Trainer(Experiment(), "cpu")
    snapshot = trainer.snapshot()
    weights = {"0.weight": torch.zeros(1, experiment.num_inputs), "0.bias": torch.zeros(1)}
    vars(snapshot).update(experiment=experiment, weights=weights)
    splits = [trainer.data.train] * 2
    data = Data(*splits, scaling, experiment.dataset.column_names, (), experiment.dataset.classes)
    assert open_checkpoint(save_checkpoint(snapshot, data)).experiment == experiment


def test_plain_torch_and_scikit_learn_predict_what_the_command_line_predicts(
    brought: Brought, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    recipe = brought.experiment(batch_size=10)
    (tmp_path / "recipe.json").write_text(recipe.to_json(), encoding="utf-8")
    assert (
        main(
            ["train", str(tmp_path / "recipe.json"), "--epochs", "4", "--out", str(tmp_path / "run"), "--device", "cpu"]
        )
        == 0
    )
    new = passengers(30, seed=7).frame  # "Z" and missing cells among them.
    new.drop(columns="survived").to_csv(tmp_path / "new.csv", index=False)
    capsys.readouterr()
    assert main(["predict", str(tmp_path / "run"), str(tmp_path / "new.csv")]) == 0
    said = pd.read_csv(io.StringIO(capsys.readouterr().out))
    data = prepare(recipe)
    train = as_numbers(brought.rows_of(data.train.raw))
    _, X = judged(brought, train, as_numbers(new))
    model = torch.nn.Sequential(
        torch.nn.Linear(10, 4), torch.nn.Tanh(), torch.nn.Linear(4, 2), torch.nn.Tanh(), torch.nn.Linear(2, 1)
    )
    model.load_state_dict(safetensors.torch.load((tmp_path / "run" / "model.safetensors").read_bytes()))
    with torch.no_grad():
        expected = model(torch.from_numpy(X)).sigmoid()[:, 0].numpy()
    np.testing.assert_allclose(said["probability_yes"], expected, rtol=1e-6)
    assert list(said["prediction"]) == ["yes" if p > 0.5 else "no" for p in expected]


def test_a_file_becomes_a_recipe_on_the_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    frame = passengers().frame.drop(columns="row")
    frame.to_csv(tmp_path / "titanic.csv", index=False)
    out = tmp_path / "recipe.json"
    assert (
        main(["table", str(tmp_path / "titanic.csv"), "--target", "fare", "--inputs", "age,sex", "--out", str(out)])
        == 0
    )
    experiment = Experiment.from_json(out.read_bytes())
    dataset: Any = experiment.dataset
    assert (dataset.target, dataset.column_names, dataset.rows) == ("fare", ("age", "sex"), 120)
    assert experiment.loss.kind == "mse"
    assert prepare(experiment).train.X.shape == (60, 3)
    said = capsys.readouterr().out.splitlines()
    assert (
        f"Input 'age': number. Different values: {frame['age'].nunique()}. Missing: {frame['age'].isna().sum()}."
        in said
    )
    assert "Left out 'survived': it is not among the inputs that were asked for." in said
    assert said[-1] == "Rows for the network: 120. Columns: 2. Inputs of the network: 3."
    assert main(["table", str(tmp_path / "titanic.csv"), "--target", "nothing", "--out", str(out)]) == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_the_rows_go_home_as_a_table_that_a_spreadsheet_does_not_run(brought: Brought, trainer: Trainer) -> None:
    table = pd.read_csv(io.BytesIO(data_csv(trainer.experiment)), keep_default_na=False, dtype=str)
    assert list(table) == ["age", "sex", "fare", "port", "boarded", "row", "survived", "split"]
    frame = brought.frame.iloc[table["row"].astype(float).astype(int)]
    assert list(table["port"]) == [
        "'=cmd()" if port == "=cmd()" else "(other)" if port == "Z" else port for port in frame["port"]
    ]
    assert [float(age) if age else None for age in table["age"]] == [
        None if math.isnan(age) else age for age in frame["age"]
    ]
    assert list(pd.to_datetime(table["boarded"], format="ISO8601")) == list(frame["boarded"])
    assert list(table["survived"]) == list(frame["survived"])
    assert list(table["split"]) == ["train"] * 60 + ["test"] * 60


def test_the_rows_that_went_home_read_back_as_the_raw_rows(trainer: Trainer) -> None:
    checkpoint = checkpoint_of(trainer.snapshot(), trainer.data)
    rows = read_again(checkpoint, data_csv(trainer.experiment)).raw
    np.testing.assert_array_equal(rows, np.concatenate([trainer.data.train.raw, trainer.data.watched.raw]))


def read_again(checkpoint: Checkpoint, content: bytes) -> NewRows:
    return new_rows(checkpoint, cells_of(content, checkpoint.column_names), "data.csv")


@pytest.mark.parametrize(
    ("line", "key", "column"),
    [
        ("old,male,1,S,1912-04-10,3", "found_not_numbers", 0),
        ("1e999,male,1,S,1912-04-10,3", "found_too_large", 0),
        ("30,male,1,S,1912-04-31,3", "found_not_dates", 4),
        ("30,male,1,S,now,3", "found_not_dates", 4),
        ("30,male,1,Z,1912-04-10,3", "found_unknown_categories", 3),
    ],
)
def test_a_cell_of_a_table_that_cannot_be_read_counts_as_missing_and_that_is_said(
    trainer: Trainer, line: str, key: str, column: int
) -> None:
    content = f"age,sex,fare,port,boarded,row\n30,male,1,S,1912-04-10,3\n{line}\n".encode()
    rows = read_again(checkpoint_of(trainer.snapshot(), trainer.data), content)
    (found,) = rows.findings
    assert (found["key"], found["values"]["cells"]) == (key, 1)
    strange = rows.raw[1] == -1 if key == "found_unknown_categories" else np.isnan(rows.raw[1])
    assert np.flatnonzero(strange).tolist() == [column]
    assert np.isfinite(rows.raw[0]).all()


SCRIPTS: dict[str, dict[str, Any]] = {
    "all kinds of columns": {},
    "two columns with features": {"columns": [{"kind": "number", "name": "fare"}, {"kind": "date", "name": "boarded", "scale": "minmax"}]},
    "a number as target": {"target": "fare", "classes": []},
}  # fmt: skip


@pytest.mark.parametrize("name", SCRIPTS)
def test_the_script_reads_the_table_and_reproduces_the_history(
    name: str, brought: Brought, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    dataset = {**brought.dataset, **SCRIPTS[name]}
    dataset["columns"] = [column for column in dataset["columns"] if column["name"] != dataset["target"]]
    features = {"features": ["x1", "x1_x2"]} if len(dataset["columns"]) == 2 else {}
    trainer = trained(Brought(brought.frame, dataset).experiment(batch_size=10, **features).to_dict(), 6)
    runs_alike(trainer, 6, tmp_path, monkeypatch, capsys)


def test_the_script_of_pictures_reproduces_the_history(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    runs_alike(trained({"dataset": {"kind": "images", "samples": 60}}, 3), 3, tmp_path, monkeypatch, capsys)


def runs_alike(trainer: Trainer, epochs: int, folder: Path, monkeypatch: Any, capsys: Any) -> None:
    (folder / "train.py").write_text(export_script(trainer.experiment, epochs), encoding="utf-8")
    (folder / "data.csv").write_bytes(data_csv(trainer.experiment))
    monkeypatch.chdir(folder)
    runpy.run_path("train.py")
    assert same_lines(capsys.readouterr().out.splitlines(), [*printed_rows(trainer), *printed_scores(trainer)])


def test_a_script_quotes_whatever_stands_in_a_table() -> None:
    values = ['"""', "'; import os #", "\\", "{x}", "企鹅"]
    column = {"kind": "category", "name": '"""\\', "values": values}
    text = export_script(Experiment.from_dict({"dataset": {"kind": "table", "columns": [column], "target": "'''"}}), 3)
    compile(text, "train.py", "exec")
    assert "import os" in text
    assert "\nimport os" not in text


def test_onnx_runtime_predicts_the_same_with_missing_cells_and_unknown_categories(trainer: Trainer) -> None:
    checkpoint = checkpoint_of(trainer.snapshot(), trainer.data)
    session = onnxruntime.InferenceSession(export(checkpoint, "onnx"), providers=["CPUExecutionProvider"])
    raw = trainer.data.watched.raw.copy()
    raw[0] = np.nan
    raw[1, [1, 3]] = -1
    (said,) = session.run(None, {"columns": raw})
    np.testing.assert_allclose(said, predict(checkpoint, raw), rtol=1e-5, atol=1e-6)
    facts = session.get_modelmeta().custom_metadata_map
    assert json.loads(facts["categories"])["port"] == ["C", "Q", "S", "=cmd()"]


def test_a_table_on_the_same_server_opens_from_a_link_and_too_large_a_one_says_so(brought: Brought) -> None:
    experiment = brought.experiment()
    link = share.encode(experiment)
    assert prepare(share.decode(link)).holds_same_rows(prepare(experiment))
    draw = np.random.default_rng(0)
    names = ["".join(map(chr, draw.integers(0x4E00, 0x9000, 20))) for _ in range(200)]
    with pytest.raises(Problem) as refusal:
        share.encode(
            Experiment.from_dict(
                {"dataset": {"kind": "table", "columns": [{"kind": "number", "name": name} for name in names]}}
            )
        )
    assert refusal.value.key == "link_too_long"


# On the canvas


def two_columns(classes: bool) -> Brought:
    draw = np.random.default_rng(3)
    wide, high = draw.uniform(100, 900, 80), draw.uniform(0.001, 0.002, 80)
    wide[:9] = np.nan
    frame = pd.DataFrame({"wide": wide, "high": high, "y": high * 5 + draw.standard_normal(80)})
    if classes:
        frame["y"] = np.where(frame["high"] > 0.0015, "up", "down")
    columns = [{"kind": "number", "name": name} for name in ("wide", "high")]
    table = bring(frame, columns, "y", ["down", "up"] if classes else [])
    table.dataset["columns"] = columns
    return table


@pytest.mark.parametrize("classes", [True, False])
def test_two_number_columns_get_the_plane_with_their_own_ranges_and_names(classes: bool) -> None:
    table = two_columns(classes)
    trainer = Trainer(table.experiment(features=["x1", "x2", "x1_squared"]), "cpu")
    picture = Picture(trainer)
    layout, arrays = picture.layout, picture.constant_arrays
    assert layout["map"]["kind"] == layout["output"]["kind"] == "plane"
    assert layout["output"]["axes"] == ["wide", "high"]
    for axis, values in (("x_range", table.frame["wide"]), ("y_range", table.frame["high"])):
        low, high = layout["output"][axis]
        assert layout["map"][axis] == [low, high]
        assert low < values.min() and high > values.max()
        assert high - low == pytest.approx(1.2 * (values.max() - values.min()))
    assert np.isfinite(arrays["points/train"]).all()  # A missing cell lies where the network takes it to be.
    # The map at its corner is what the network says of that corner, in the table's own units.
    side = layout["output"]["columns"]
    (x0, x1), (_, y1) = layout["output"]["x_range"], layout["output"]["y_range"]
    low, high = table.experiment().dataset, side
    del low, high
    cell_x, cell_y = (x1 - x0) / side, (y1 - layout["output"]["y_range"][0]) / side
    corner = np.array([[x0 + cell_x / 2, y1 - cell_y / 2]])
    said = predict(checkpoint_of(trainer.snapshot(), trainer.data), corner)
    output = picture.arrays(trainer.snapshot())["output"][0, 0]
    if classes:
        assert output == pytest.approx(1 + 254 * said[0, 1], abs=1)
    else:
        bottom, top = layout["output"]["value_range"]
        assert output == pytest.approx(np.clip(1 + 254 * (said[0] - bottom) / (top - bottom), 1, 255), abs=1)


def test_two_categories_of_one_column_are_no_plane() -> None:
    column = {"kind": "category", "name": "cylinders", "values": ["4", "8"]}
    experiment = Experiment.from_dict({"dataset": {"kind": "table", "columns": [column]}})
    assert experiment.num_inputs == 2
    assert Picture(Trainer(experiment, "cpu")).layout["map"]["kind"] == "bars"
    with pytest.raises(Problem, match="features"):
        Experiment.from_dict({**experiment.to_dict(), "features": ["x1"]})


@pytest.mark.parametrize(
    ("classes", "kind", "axes"),
    [(["automatic", "manual"], "projection", ["weight", "transmission"]), ([], "line", ["weight", "horsepower"])],
)
def test_one_number_column_gets_a_line_or_a_row_of_points_for_each_class(
    classes: list[str], kind: str, axes: list[str]
) -> None:
    dataset = {
        "kind": "table",
        "classes": classes,
        "target": axes[1],
        "columns": [{"kind": "number", "name": "weight"}],
    }
    trainer = Trainer(Brought(pd.DataFrame(), dataset).experiment(), "cpu")
    picture = Picture(trainer)
    assert (picture.layout["output"]["kind"], picture.layout["output"]["axes"]) == (kind, axes)
    low, high = picture.layout["output"]["x_range"]
    assert low < 1.513 < 5.424 < high
    points = picture.constant_arrays["points/train"]
    np.testing.assert_allclose(
        points, np.stack([trainer.data.train.raw[:, 0], trainer.data.train.y], axis=1), rtol=1e-6
    )
    assert np.isfinite(list(picture.arrays(trainer.snapshot()).values())[-1]).all()


def test_a_table_of_constants_is_drawn_too() -> None:
    frame = pd.DataFrame({"a": np.ones(20), "b": np.ones(20), "c": np.ones(20), "y": np.arange(20.0)})
    table = bring(frame, [{"kind": "number", "name": name} for name in "abc"], "y", [])
    table.dataset["columns"].pop()
    for columns in (3, 2, 1):
        del table.dataset["columns"][columns:]
        picture = Picture(Trainer(table.experiment(), "cpu"))
        assert np.isfinite(picture.layout["output"].get("explained", [0.0])).all()
        assert all(np.isfinite(array).all() for array in picture.constant_arrays.values())


# A run that goes on


def column_weights(trainer: Trainer, name: str) -> np.ndarray:
    names = list(trainer.data.input_names)
    weight = next(iter(trainer.snapshot().weights.values())).numpy()
    return weight[:, [place for place, one in enumerate(names) if one.split("=")[0] == name]]


def test_a_column_more_keeps_the_weights_of_the_others(brought: Brought) -> None:
    without = {
        **brought.dataset,
        "columns": [column for column in brought.dataset["columns"] if column["name"] != "sex"],
    }
    trainer = Trainer(Brought(brought.frame, without).experiment(batch_size=10), "cpu")
    trainer.advance()
    before = {name: column_weights(trainer, name) for name in ("age", "fare", "port", "boarded")}
    change = trainer.change(brought.experiment(batch_size=10))
    assert (change.total - change.kept, change.reshaped) == (2 * 4, True)
    for name, weights in before.items():
        np.testing.assert_array_equal(column_weights(trainer, name), weights)
    assert np.abs(column_weights(trainer, "sex")).max() < 0.1
    trainer.advance()
    assert math.isfinite(trainer.scores().watched["loss"])


def test_columns_of_a_plane_stay_themselves_when_a_third_comes() -> None:
    columns = [{"kind": "number", "name": name} for name in ("weight", "horsepower", "displacement")]
    two, three = (Experiment.from_dict({"dataset": {"kind": "table", "columns": columns[:count]}}) for count in (2, 3))
    assert align(two, three).layers[0].sources.tolist() == [0, 1, -1]
    assert align(three, two).layers[0].sources.tolist() == [0, 1]


def test_another_target_needs_a_fresh_start(brought: Brought) -> None:
    before = brought.experiment()
    other = Brought(brought.frame, {**brought.dataset, "classes": ["yes", "no"]}).experiment()
    assert before.changed_start_fields(other) == ["dataset"]
    assert before.changed_start_fields(Experiment(dataset=TableData())) == ["dataset"]
    assert not before.changed_start_fields(before.replace(test_fraction=0.2))


def test_a_run_whose_table_is_gone_stays_as_it_is(brought: Brought) -> None:
    run = Run(brought.experiment(batch_size=10).to_json(), "cpu")
    run.step()
    gone = brought.experiment(batch_size=10).replace(dataset={**brought.dataset, "digest": "f" * 32})
    with pytest.raises(Problem, match="titanic") as refusal:
        run.change(gone.to_json())
    assert refusal.value.key == "table_gone"
    assert run.learner.experiment == brought.experiment(batch_size=10)
    run.step()
    assert run.learner.step == 2


def test_judging_many_rows_leaves_a_playing_run_time_to_learn(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    trainer = Trainer(Experiment(), "cpu", engine="autograd")
    trainer.judging.clock = lambda: now[0]
    judge = trainer.supervised.judge

    def slow() -> Any:
        now[0] += 0.1
        return judge()

    monkeypatch.setattr(trainer.supervised, "judge", slow)
    next(trainer.steps())
    first = trainer.passing_snapshot()
    next(trainer.steps())
    soon = trainer.passing_snapshot()
    assert (soon.step, soon.scores) == (2, first.scores)
    assert trainer.snapshot().scores != first.scores  # A paused run's snapshot is scored anew.
    next(trainer.steps())
    now[0] += 0.5
    assert trainer.passing_snapshot().scores == trainer.snapshot().scores != first.scores
    trainer.note_touch("weights", ("0.weight",))
    assert trainer.passing_snapshot().scores == trainer.scores()


# Pictures, and days


def test_pictures_are_divided_by_255_and_so_many_as_asked_for_are_drawn_by_the_seed() -> None:
    X = np.random.default_rng(0).integers(0, 256, (90, 6)).astype(np.uint8)
    facts = {"form": "images 1", "name": "dots", "rows": 90, "height": 2, "width": 3, "classes": ["a", "b"]}
    digest = store.put_table(facts, {"X": X, "y": np.arange(90) % 2})
    images = {"kind": "images", "digest": digest, "name": "dots", "height": 2, "width": 3, "classes": ["a", "b"]}
    experiment = Experiment.from_dict({"dataset": {**images, "available": 90, "samples": 40}})
    data = prepare(experiment)
    raw = np.concatenate([data.train.raw, data.watched.raw])
    seen = np.concatenate([data.train.X, data.watched.X])
    assert len(raw) == experiment.dataset.rows == 40
    np.testing.assert_array_equal(seen, (raw / 255).astype(np.float32))
    assert {row.tobytes() for row in raw.astype(np.uint8)} <= {row.tobytes() for row in X}
    assert not prepare(experiment.replace(seed=1)).holds_same_rows(data)
    with pytest.raises(Problem) as refusal:
        prepare(Experiment.from_dict({"dataset": {**images, "available": 91}}))
    assert refusal.value.key == "table_differs"


@given(st.datetimes())
def test_a_date_reads_back_as_the_very_same_number(moment: Any) -> None:
    days = read_iso(moment.isoformat())
    assert read_iso(write_iso(days)) == days
    assert abs(days - (moment - pd.Timestamp(0).to_pydatetime()).total_seconds() / 86400) < 1e-6


def test_dates_on_paper() -> None:
    assert [read_iso(text) for text in ("1970-01-01", "1970-01-02T12:00", "1969-12-31 18:00:00", "2000-03-01")] == [
        0,
        1.5,
        -0.25,
        11017,
    ]
    assert read_iso("1970-01-01T08:00+08:00") == read_iso("1970-01-01T00:00:00Z") == 0
    assert [write_iso(days) for days in (0.0, -0.25, 11017.0)] == ["1970-01-01", "1969-12-31T18:00:00", "2000-03-01"]
