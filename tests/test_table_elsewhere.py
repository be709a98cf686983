"""A table's network elsewhere: whoever has one of its files alone builds its inputs by what that file says, and gets what predict gives."""

from __future__ import annotations

import json
import re
import runpy
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pandas as pd
import pytest

from dlcore.__main__ import main
from dlcore.checkpoint import Checkpoint
from dlcore.export import export
from dlcore.export.onnx import CELLS
from tests.test_new_rows import csv_of, frame_of, network

pytestmark = [
    pytest.mark.xdist_group("table_elsewhere"),  # One network for all.
    pytest.mark.usefixtures("onnx_registered_once"),
]
LOAD = Path(__file__).parent / "load_table_with_plain_torch.py"
__all__ = ["home"]


@pytest.fixture(autouse=True, scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A store of its own."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DLCORE_TABLES", str(tmp_path_factory.mktemp("tables")))
        yield


@pytest.fixture(scope="module")
def pupils(home: None) -> Checkpoint:
    """A network of a table with a number, a category and a date."""
    return network(csv_of(frame_of(80, seed=2).rename(columns={"net  price": "price"})), "kind")


@pytest.fixture
def printed(pupils: Checkpoint, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> tuple[Any, Any]:
    """New rows, and what the command line predicts for them."""
    new = frame_of(20, seed=11).rename(columns={"net  price": "price"}).drop(columns="kind")
    new.loc[2:3, "home"] = ["Mars", None]
    new.loc[4, ["price", "born"]] = None
    new.to_csv(tmp_path / "new.csv", index=False)
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "model.safetensors").write_bytes(pupils.to_bytes())
    monkeypatch.chdir(tmp_path)
    capsys.readouterr()
    assert main(["predict", "run", "new.csv"]) == 0
    (tmp_path / "said.csv").write_text(capsys.readouterr().out)
    return new, pd.read_csv(tmp_path / "said.csv")


def test_onnx_with_its_metadata_alone(pupils: Checkpoint, printed: tuple[Any, Any]) -> None:
    new, said = printed
    session = onnxruntime.InferenceSession(export(pupils, "onnx"), providers=["CPUExecutionProvider"])
    about = session.get_modelmeta()
    facts = {name: json.loads(text) for name, text in about.custom_metadata_map.items()}
    columns = []
    for name, kind in zip(facts["column_names"], facts["column_kinds"], strict=True):
        cells = new[name]
        if kind == "category":
            places = {value: place for place, value in enumerate(facts["categories"][name])}
            columns.append([np.nan if pd.isna(cell) else places.get(cell, -1) for cell in cells])
        elif kind == "date":
            columns.append((pd.to_datetime(cells) - pd.Timestamp(0)) / pd.Timedelta(days=1))
        else:
            columns.append(cells)
    probabilities: Any = session.run(None, {"columns": np.column_stack(columns).astype(np.float64)})[0]
    names = [f"probability_{name}" for name in facts["class_names"]]
    np.testing.assert_allclose(probabilities, said[names], rtol=1e-5, atol=1e-6)
    for word in ("column_names", "column_kinds", "categories", "preparation", "NaN", "1970-01-01", "class_names"):
        assert word in about.description
    assert about.description.startswith("columns: (N, 3) float64")


def test_the_graph_does_what_its_preparation_says(pupils: Checkpoint) -> None:
    session = onnxruntime.InferenceSession(export(pupils, "onnx"), providers=["CPUExecutionProvider"])
    facts = session.get_modelmeta().custom_metadata_map
    preparation = json.loads(facts["preparation"])
    assert {part for learned in preparation for part in learned} <= {*re.findall(r"\w+", CELLS)}  # All is explained.
    of_holes: Any = session.run(None, {"columns": np.full((1, 3), np.nan)})[0]
    of_fills: Any = session.run(
        None, {"columns": np.array([[learned["fill"] for learned in preparation]], np.float64)}
    )[0]
    np.testing.assert_array_equal(of_holes, of_fills)


def test_plain_torch_with_a_checkpoint_alone(printed: tuple[Any, Any]) -> None:
    _, said = printed
    found = runpy.run_path(str(LOAD))
    np.testing.assert_allclose(found["probability_of_class_1"].detach()[:, 0], said["probability_yes"], rtol=1e-5)


def test_the_files_name_the_same_categories_in_the_same_order(pupils: Checkpoint) -> None:
    session = onnxruntime.InferenceSession(export(pupils, "onnx"), providers=["CPUExecutionProvider"])
    facts = session.get_modelmeta().custom_metadata_map
    content = pupils.to_bytes()
    saved = json.loads(content[8 : 8 + int.from_bytes(content[:8], "little")])["__metadata__"]
    columns = json.loads(saved["recipe"])["dataset"]["columns"]
    of_recipe = {column["name"]: column["values"] for column in columns if column["kind"] == "category"}
    assert json.loads(facts["categories"]) == of_recipe == {"home": ["=west", "north", "south"]}
    assert json.loads(facts["preparation"]) == json.loads(saved["preparation"])
    card = export(pupils, "card").decode().replace("\\", "")
    assert "for each of: =west, north, south." in card
    price = json.loads(saved["preparation"])[0]
    assert f"| price | {price['fill']:.6g} | (x - {price['shift']:.6g}) / {price['divisor']:.6g} |" in card
    assert "x in days since 1970-01-01: (x - " in card
