"""What a run leaves behind: weights with their recipe in one safetensors file, and the door through which such a file comes back.

The weights have the names of the plain nn.Sequential; recipe, names and scaling are text in the file's metadata. A file from a
stranger is checked from the outside in (size, header, recipe, shapes, values) before a single tensor is made; nothing in it is code.
"""

from __future__ import annotations

import json
import math
import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from dlcore.arrays import TYPES
from dlcore.checkpoint_facts import FORMAT, preparation_facts, read_metadata, shifts_of
from dlcore.datasets.preparation import Preparation
from dlcore.datasets.split import Data
from dlcore.datasets.table import TableData
from dlcore.experiment import Experiment
from dlcore.network import build_model, list_own_modules
from dlcore.problems import Problem
from dlcore.stages import TensorFacts, tensors_of

if TYPE_CHECKING:
    from dlcore.learning.snapshot import Snapshot
    from dlcore.learning.trainer import Trainer

MODEL_FILE = "model.safetensors"
LARGEST_FILE = 16 << 20
LONGEST_HEADER = 384 << 10
MOST_TENSORS = 512
PICKLE_MARKS = (b"PK\3\4", b"\x80\2", b"\x80\3", b"\x80\4", b"\x80\5")  # torch.save's zip archive; pickle's protocols.
ROWS_AT_ONCE = 8192  # A long table is predicted in pieces: wide layers need memory for each row.


@dataclass(frozen=True)
class Checkpoint:
    """A trained network: all that is needed to predict, or to go on training."""

    experiment: Experiment
    weights: dict[str, np.ndarray]  # parameters (float32) and buffers, under the names of the plain nn.Sequential
    scaling: Preparation
    column_names: tuple[str, ...]  # the raw columns, as a table has them
    input_names: tuple[str, ...]  # what the network sees: the columns, or the features made from them
    class_names: tuple[str, ...]  # empty for a number as target
    step: int
    epoch: int
    weights_of: int | None = None  # the epoch whose weights these are, where `restore_best` brought them back

    def to_bytes(self) -> bytes:
        """The safetensors file. Written here, so that the same run gives the same bytes (the library's order of keys is random)."""
        header: dict[str, object] = {"__metadata__": _metadata(self)}
        end = 0
        for name, weight in self.weights.items():
            begin, end = end, end + weight.nbytes
            kind, shape = TYPES[weight.dtype.name], list(weight.shape)
            header[name] = {"dtype": kind, "shape": shape, "data_offsets": [begin, end]}
        text = json.dumps(header, separators=(",", ":"), ensure_ascii=False).encode()
        text += b" " * (-len(text) % 8)  # The tensors begin at a multiple of 8.
        tensors = (weight.astype(weight.dtype.newbyteorder("<")).tobytes() for weight in self.weights.values())
        return b"".join([len(text).to_bytes(8, "little"), text, *tensors])


def checkpoint_of(snapshot: Snapshot, data: Data) -> Checkpoint:
    """This moment of a run, with what is needed to use it elsewhere."""
    return Checkpoint(
        experiment=snapshot.recipe_with_journal,
        weights={name: weight.numpy() for name, weight in snapshot.plain_weights.items()},
        scaling=data.scaling,
        column_names=data.raw_names,
        input_names=data.input_names,
        class_names=data.class_names,
        step=snapshot.step,
        epoch=snapshot.epoch,
        weights_of=snapshot.weights_of,
    )


def save_checkpoint(snapshot: Snapshot, data: Data) -> bytes:
    """This moment of a run as a safetensors file."""
    return checkpoint_of(snapshot, data).to_bytes()


def open_checkpoint(data: bytes) -> Checkpoint:
    """The checkpoint in these bytes, from whomever they come. Raises Problem, with one sentence, for everything else."""
    header, start = _header(data)
    facts, experiment = read_metadata(header.pop("__metadata__", None))
    tensors = tensors_of(experiment)  # On the meta device: nothing is allocated yet.
    _check_tensors(header, tensors, len(data) - start)
    weights = {
        name: np.frombuffer(
            data, _dtype_of(facts).newbyteorder("<"), math.prod(facts.shape), start + header[name]["data_offsets"][0]
        ).reshape(facts.shape)
        for name, facts in tensors.items()
    }
    for name, weight in weights.items():
        if not np.isfinite(weight).all():
            raise Problem("checkpoint_not_finite", name=name)
    columns = facts.column_names or experiment.dataset.column_names
    return Checkpoint(
        experiment=experiment,
        weights=weights,
        scaling=facts.scaling(experiment),
        column_names=columns,
        input_names=facts.input_names or experiment.input_features or experiment.dataset.input_names(columns),
        class_names=facts.class_names,
        step=facts.step,
        epoch=facts.epoch,
        weights_of=facts.weights_of,
    )


def predict(checkpoint: Checkpoint, X: np.ndarray) -> np.ndarray:
    """Raw columns (N, D) to probabilities (N, classes), or to values (N,) in the data's own units."""
    experiment = checkpoint.experiment
    model = build_model(experiment)
    model.load_state_dict({name: torch.from_numpy(np.array(weight)) for name, weight in checkpoint.weights.items()})
    model.eval()
    pieces = []
    with torch.no_grad(), np.errstate(over="ignore", invalid="ignore"):
        for start in range(0, max(len(X), 1), ROWS_AT_ONCE):
            outputs_BK = model(torch.from_numpy(checkpoint.scaling.inputs(X[start : start + ROWS_AT_ONCE])))
            pieces.append(experiment.coding.predict(outputs_BK).numpy())
    return experiment.objective.in_units(np.concatenate(pieces), checkpoint.scaling)


def write_run(directory: Path, trainer: Trainer) -> None:
    """model.safetensors, recipe.json and history.csv: all three or, when the disk is full, none. Raises Problem."""
    write_files(
        {
            directory / MODEL_FILE: save_checkpoint(trainer.snapshot(), trainer.data),
            directory / "recipe.json": f"{trainer.recipe_with_journal.to_json(indent=2)}\n".encode(),
            directory / "history.csv": trainer.history.to_csv(trainer.experiment.history_names).encode(),
        }
    )


def check_writable(directory: Path) -> None:
    """Raises Problem if files could not be written to this directory, so that it is known before hours of training. Creates nothing."""
    place = directory.absolute()
    while not place.exists() and place != place.parent:
        place = place.parent
    if not place.is_dir():
        raise Problem("cannot_write", path=str(directory), detail="not a directory")
    if not os.access(place, os.W_OK | os.X_OK):
        raise Problem("cannot_write", path=str(directory), detail="permission denied")


def write_files(contents: Mapping[Path, bytes]) -> None:
    """Each under a temporary name first, then renamed: old files stay until all new ones are whole. Raises Problem."""
    written: dict[Path, Path] = {}
    path = Path()
    try:
        for path, content in contents.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            temporary = path.with_name(f".{path.name}.{os.getpid()}")
            written[path] = temporary
            temporary.write_bytes(content)
        for path, temporary in written.items():
            temporary.replace(path)
    except OSError as error:
        raise Problem("cannot_write", path=str(path), detail=(error.strerror or "failed").lower()) from None
    finally:
        for temporary in written.values():
            with suppress(OSError):
                temporary.unlink(missing_ok=True)


def _metadata(checkpoint: Checkpoint) -> dict[str, str]:
    # A float's JSON form is its repr, which reads back as the very same number.
    experiment, scaling = checkpoint.experiment, checkpoint.scaling
    facts: dict[str, Any] = {}
    if not experiment.dataset.column_names:
        facts |= {"column_names": checkpoint.column_names, "input_names": checkpoint.input_names}
    facts["class_names"] = checkpoint.class_names
    if isinstance(experiment.dataset, TableData):
        facts["preparation"] = preparation_facts(scaling)
    elif scaling.text is not None:
        facts["vocabulary"] = scaling.text.vocabulary
    else:
        mean, deviation = shifts_of(scaling)
        facts |= {"input_mean": mean, "input_deviation": deviation}
    facts |= {
        "target_mean": scaling.target_mean,
        "target_deviation": scaling.target_deviation,
        "step": checkpoint.step,
        "epoch": checkpoint.epoch,
    }
    if own := list_own_modules(experiment):
        facts["needs_code"] = own  # For whoever loads the weights by hand; nothing here reads it.
    if checkpoint.weights_of is not None:
        facts["weights_of"] = checkpoint.weights_of
    texts = {name: json.dumps(value, ensure_ascii=False) for name, value in facts.items()}
    return {"format": FORMAT, "recipe": experiment.to_json(), **texts}


def _header(data: bytes) -> tuple[dict[str, Any], int]:
    """The JSON header and where the tensors begin."""
    if len(data) > LARGEST_FILE:
        raise Problem("checkpoint_too_large", size=f"{len(data) / 2**20:.1f}", limit=LARGEST_FILE >> 20)
    if data[8:9] != b"{":
        raise Problem(_why_foreign(data))
    length = int.from_bytes(data[:8], "little")
    if length > LONGEST_HEADER:
        raise Problem("checkpoint_header_too_long", came=length, limit=LONGEST_HEADER)
    if 8 + length > len(data):
        raise Problem("checkpoint_truncated")
    try:
        header = json.loads(data[8 : 8 + length].decode(), object_pairs_hook=_unique_keys)
    except (ValueError, RecursionError):
        raise Problem("checkpoint_foreign") from None
    if not isinstance(header, dict):
        raise Problem("checkpoint_foreign")
    if len(header) > MOST_TENSORS + 1:
        raise Problem("checkpoint_too_many_tensors", came=len(header) - 1, limit=MOST_TENSORS)
    return header, 8 + length


def _why_foreign(data: bytes) -> str:
    if data.startswith(PICKLE_MARKS):
        return "checkpoint_pickle"
    return "checkpoint_foreign" if len(data) > 8 else "checkpoint_truncated"


def _unique_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    values = dict(pairs)
    if len(values) != len(pairs):
        raise ValueError("a key stands twice")
    return values


def _dtype_of(facts: TensorFacts) -> np.dtype:
    return np.dtype(str(facts.dtype).removeprefix("torch."))


def _check_tensors(header: dict[str, Any], tensors: dict[str, TensorFacts], size: int) -> None:
    """Names, types and shapes as the recipe says, one tensor after another, to the last byte."""
    for name in header:
        if name not in tensors:
            raise Problem("checkpoint_shapes", name=name, expected="no tensor of this name", came="one")
    ranges = []
    for name, facts in tensors.items():
        came = header.get(name, {})
        described = f"{came['dtype']} {came['shape']}" if _is_tensor(came) else "none"
        expected = f"{TYPES[_dtype_of(facts).name]} {list(facts.shape)}"
        if described != expected:
            raise Problem("checkpoint_shapes", name=name, expected=expected, came=described)
        ranges.append((*came["data_offsets"], _dtype_of(facts).itemsize * math.prod(facts.shape)))
    end = 0
    for begin, stop, length in sorted(ranges):
        if begin != end or stop - begin != length:
            raise Problem("checkpoint_offsets")
        end = stop
    if end > size:
        raise Problem("checkpoint_truncated")
    if end < size:
        raise Problem("checkpoint_offsets")


def _is_tensor(value: Any) -> bool:
    return (
        isinstance(value, dict)
        and set(value) == {"dtype", "shape", "data_offsets"}
        and isinstance(value["dtype"], str)
        and _whole_numbers(value["shape"])
        and _whole_numbers(value["data_offsets"])
        and len(value["data_offsets"]) == 2
    )


def _whole_numbers(value: Any) -> bool:
    return isinstance(value, list) and all(type(number) is int for number in value)
