"""The job "whatif": one row, moved by hand: what the network says of it, how it comes to that, and which rows are like it.

N rows, C raw columns, D inputs of the network, K output units, U and I units and inputs of a layer.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import torch

from dlcore.checkpoint import ROWS_AT_ONCE
from dlcore.datasets.base import Grey
from dlcore.evaluation import Judged, Part, choose_part, open_judged, watched_name
from dlcore.evaluation.examples import cells
from dlcore.evaluation.subset import category_names, column_kind, other_name
from dlcore.jobs import Answer, Progress
from dlcore.problems import Problem
from dlcore.stages import Network

NEAREST = 5
MOST_UNITS = 12  # of a layer that are drawn
MOST_LINKS = 24  # between two layers
POINTS = 9  # values of a column that are tried to measure its influence
STARTS = ("row", "wrong", "uncertain", "mean")


@dataclass(frozen=True)
class Column:
    """A raw column and what the training rows say of it."""

    name: str
    kind: str  # number, date or category
    values: tuple[str, ...]  # of a category
    other: str  # name for categories that the recipe does not list, coded -1
    low: float
    high: float
    deviation: float  # of numbers; 0 where all are the same
    whole: bool  # whether all numbers are whole ones
    middle: float  # mean, or the code of the most frequent category

    def show(self, raw: float) -> float | str | None:
        """A raw value as people and JSON know it: a number (days for a date), or the name of a category; None where it is missing."""
        if not np.isfinite(raw):
            return None
        return (*self.values, self.other)[int(raw)] if self.values else float(raw)

    def read(self, value: object) -> float:
        """The raw value of what `show` gives. Raises Problem."""
        if self.values and value is None:
            return np.nan
        if self.values and value in self.values:
            return float(self.values.index(str(value)))
        if self.values and value == self.other:
            return -1.0
        if not self.values and isinstance(value, int | float) and np.isfinite(value):
            return float(value)
        raise Problem("whatif_value", column=self.name, came=str(value))


@dataclass(frozen=True)
class Example:
    """The row that is moved."""

    split: str
    row: int | None  # its index in the split; None for the mean of all training rows
    raw_C: np.ndarray  # what is missing is filled as the network's preparation fills it
    y: float | None


def whatif(arguments: dict[str, Any], payload: bytes, progress: Progress) -> Answer:
    """Prediction, path and neighbours of the row "start" with "values" in place of its own; how it was before stands beside it.

    {"start": "row" | "wrong" | "uncertain" | "mean", "place": which one, "split", "values": {column: value},
    "cover": {"top", "left", "size"} of a picture}. Raises Problem.
    """
    judged = open_judged(payload)
    if judged.experiment.dataset.vocabulary:
        raise Problem("whatif_of_tokens")
    columns = columns_of(payload)
    example = choose_example(judged, columns, arguments)
    raw_C = move_row(judged, columns, example.raw_C, arguments)
    X_1D = prepare_inputs(judged, raw_C[None])
    if not np.isfinite(X_1D).all():
        raise Problem("whatif_out_of_range")
    picture = judged.experiment.dataset.picture
    found = {
        "task": judged.experiment.dataset.task,
        "class_names": list(judged.data.class_names),
        "example": {
            "split": example.split,
            "row": example.row,
            "rows": len(choose_part(judged, arguments).split.y),
            "true": example.y,
        },
        "before": describe_prediction(judged, example.raw_C),
        "now": describe_prediction(judged, raw_C),
        "target": describe_target(judged),
        "nearest": find_nearest(judged, X_1D[0]),
        "path": trace_path(judged, X_1D),
    }
    if picture is None:
        return found | {"columns": _describe_columns(judged, columns, example, raw_C)}, b""
    return found | {
        "columns": [],
        "height": picture.height,
        "width": picture.width,
        **_pictures(judged, picture, example, raw_C, found),
    }, b""


# The row


@lru_cache(maxsize=2)
def columns_of(payload: bytes) -> tuple[Column, ...]:
    """The raw columns of a checkpoint's data, as the training rows show them."""
    judged = open_judged(payload)
    return tuple(_column(judged, index, values_N) for index, values_N in enumerate(judged.train.split.raw.T))


def _column(judged: Judged, index: int, values_N: np.ndarray) -> Column:
    names = category_names(judged, index)
    known = values_N[np.isfinite(values_N)]
    if not len(known):
        known = np.zeros(1)
    if names:
        middle = float(np.bincount(known[known >= 0].astype(int), minlength=len(names)).argmax())
    else:
        middle = float(known.mean())
    return Column(
        name=judged.data.raw_names[index],
        kind=column_kind(judged, index),
        values=names,
        other=other_name(judged, index),
        low=float(known.min()),
        high=float(known.max()),
        deviation=float(known.std()),
        whole=bool((known == known.round()).all()),
        middle=middle,
    )


def choose_example(judged: Judged, columns: tuple[Column, ...], arguments: dict[str, Any]) -> Example:
    """The row that "start" names. Raises Problem."""
    start, index = arguments.get("start", "row"), arguments.get("place", 0)
    split = arguments.get("split", watched_name(judged))
    part = choose_part(judged, {**arguments, "split": split})
    if start not in STARTS:
        raise Problem("whatif_start", expected=", ".join(STARTS), came=str(start))
    if start == "mean":
        return Example(split, None, np.array([column.middle for column in columns]), None)
    rows = _order_rows(judged, part, start)
    if not len(rows):
        raise Problem("whatif_none_wrong")
    if not isinstance(index, int) or not 0 <= index < len(rows):
        raise Problem("whatif_place", limit=len(rows), came=str(index + 1 if isinstance(index, int) else index))
    row = int(rows[index])
    return Example(split, row, fill_missing(judged, part.split.raw[row : row + 1])[0], float(part.split.y[row]))


def _order_rows(judged: Judged, part: Part, start: str) -> np.ndarray:
    """Indices into the part: all as they stand, the wrong ones by their loss, or those first whose two likeliest classes are close."""
    if start == "row":
        return np.arange(len(part.split.y))
    if not judged.experiment.objective.has_classes:
        return np.argsort(-part.losses, kind="stable")
    if start == "wrong":
        worst = np.argsort(-part.losses, kind="stable")
        return worst[part.predicted[worst].argmax(1) != part.split.y[worst]]
    ranked = np.sort(part.predicted, axis=1)
    return np.argsort(ranked[:, -1] - ranked[:, -2], kind="stable")


def move_row(judged: Judged, columns: tuple[Column, ...], raw_C: np.ndarray, arguments: dict[str, Any]) -> np.ndarray:
    """The row with other values, or with a square of its picture covered. Raises Problem."""
    values = arguments.get("values") or {}
    indices = {column.name: index for index, column in enumerate(columns)}
    changed = raw_C.copy()
    for name, value in values.items():
        if name not in indices:
            raise Problem("subset_column", came=str(name))
        changed[indices[name]] = columns[indices[name]].read(value)
    picture, cover = judged.experiment.dataset.picture, arguments.get("cover")
    if picture is not None and cover:
        rows, cols = (slice(cover[side], cover[side] + cover["size"]) for side in ("top", "left"))
        middle = np.array([column.middle for column in columns])
        changed.reshape(picture.shape)[:, rows, cols] = middle.reshape(picture.shape)[:, rows, cols]
    return changed


def fill_missing(judged: Judged, raw_NC: np.ndarray) -> np.ndarray:
    """Raw rows with their missing cells filled."""
    return judged.data.scaling.fill_missing(raw_NC)


def prepare_inputs(judged: Judged, raw_NC: np.ndarray) -> np.ndarray:
    """(N, D) float32: raw rows as the network sees them."""
    return judged.data.scaling.inputs(raw_NC)


# What the network says


def compute_outputs(judged: Judged, raw_NC: np.ndarray) -> torch.Tensor:
    """(N, K) plain sums of the output layer, in bounded memory."""
    with torch.no_grad():
        pieces = [
            judged.model(torch.from_numpy(prepare_inputs(judged, raw_NC[start : start + ROWS_AT_ONCE])))
            for start in range(0, len(raw_NC), ROWS_AT_ONCE)
        ]
    return torch.cat(pieces)


def predict(judged: Judged, outputs_NK: torch.Tensor) -> np.ndarray:
    """(N, classes) probabilities, or (N,) values in the data's units."""
    experiment = judged.experiment
    return experiment.objective.in_units(experiment.coding.predict(outputs_NK).double().numpy(), judged.data.scaling)


def describe_prediction(judged: Judged, raw_C: np.ndarray) -> dict[str, Any]:
    """{"predicted": class, "probabilities"}, or {"predicted": value}."""
    claim = predict(judged, compute_outputs(judged, raw_C[None]))[0]
    if judged.experiment.objective.has_classes:
        return {"predicted": int(claim.argmax()), "probabilities": claim.tolist()}
    return {"predicted": float(claim)}


def describe_target(judged: Judged) -> dict[str, float] | None:
    """Range and deviation of a number as target, over the training rows."""
    y_N = judged.train.split.y
    if judged.experiment.objective.has_classes:
        return None
    return {"low": float(y_N.min()), "high": float(y_N.max()), "deviation": float(y_N.std())}


def _describe_columns(
    judged: Judged, columns: tuple[Column, ...], example: Example, raw_C: np.ndarray
) -> list[dict[str, Any]]:
    influence_C = measure_influence(judged, columns, raw_C)
    return [
        {
            "name": column.name,
            "kind": column.kind,
            "values": list(column.values),
            "low": column.low,
            "high": column.high,
            "whole": column.whole,
            "start": column.show(example.raw_C[index]),
            "value": column.show(raw_C[index]),
            "influence": float(influence_C[index]),
        }
        for index, column in enumerate(columns)
    ]


def measure_influence(judged: Judged, columns: tuple[Column, ...], raw_C: np.ndarray) -> np.ndarray:
    """(C,) how far the prediction moves while one column goes through the training rows' range (Goldstein et al., 2015), the rest held.

    Of classes: the probability of the predicted one.
    """
    tried = [
        np.arange(len(column.values)) if column.values else np.linspace(column.low, column.high, POINTS)
        for column in columns
    ]
    rows_NC = np.repeat(raw_C[None], 1 + sum(map(len, tried)), axis=0)
    ends = 1 + np.cumsum([len(values) for values in tried])
    for index, (values, end) in enumerate(zip(tried, ends, strict=True)):
        rows_NC[end - len(values) : end, index] = values
    claims = predict(judged, compute_outputs(judged, rows_NC))
    claims_N = claims[:, claims[0].argmax()] if claims.ndim == 2 else claims
    return np.array([np.ptp(claims_N[end - len(values) : end]) for values, end in zip(tried, ends, strict=True)])


# Rows that are like it


def find_nearest(judged: Judged, X_D: np.ndarray) -> list[dict[str, Any]]:
    """The training rows at the smallest Euclidean distance, as the network sees them (Cover and Hart, 1967)."""
    train = judged.train.split
    distance_N = np.concatenate(
        [
            np.sqrt(np.square(train.X[start : start + ROWS_AT_ONCE].astype(np.float64) - X_D).sum(axis=1))
            for start in range(0, len(train.X), ROWS_AT_ONCE)
        ]
    )
    rows = np.argsort(distance_N, kind="stable")[:NEAREST]
    found: list[dict[str, Any]] = [
        {"row": int(row), "distance": float(distance_N[row]), "true": float(train.y[row])} for row in rows
    ]
    if judged.experiment.dataset.picture is None:
        known = zip(*(cells(judged, index, raw) for index, raw in enumerate(train.raw[rows].T)), strict=True)
        found = [one | {"cells": list(row)} for one, row in zip(found, known, strict=True)]
    return found


def _pictures(
    judged: Judged, picture: Grey, example: Example, raw_C: np.ndarray, found: dict[str, Any]
) -> dict[str, Any]:
    """Pixels from 0 to 1 of the row, as it was and as it is, and of its neighbours."""
    neighbours = judged.train.split.raw[[one["row"] for one in found["nearest"]]]
    return {
        "pixels": picture.shades(raw_C),
        "start_pixels": picture.shades(example.raw_C),
        "nearest_pixels": picture.shades(neighbours),
    }


# The way through the network


def trace_path(judged: Judged, X_1D: np.ndarray) -> dict[str, Any] | None:
    """What every layer makes of this row, and which connections carry it: the contribution of one is its weight times what comes in.

    None where layers share weights over a picture or over time, so that a connection has no one contribution.
    Of wide layers the units that send or say the most are shown; "carried" is the share of all contributions (by size) that is drawn.
    """
    stack = judged.experiment.stack
    if any(layer.judged_as == "other" for layer in stack):
        return None
    values = [X_1D[0].astype(np.float64)]
    weights: list[np.ndarray] = []
    with torch.no_grad():
        for stage, value in Network(judged.experiment, judged.model).forward(torch.from_numpy(X_1D)):
            if stage.inside:
                continue
            if stage.connections is not None:
                weights.append(judged.weights[stage.connections[0]].astype(np.float64))
                values.append(value[0].double().numpy())
            else:  # No weights: its values are what the next layer weighs.
                values[-1] = value[0].double().numpy()
    sent = [W_UI * incoming for W_UI, incoming in zip(weights, values, strict=False)]
    shown = [_choose_strongest(np.abs(C_UI).sum(axis=0), MOST_UNITS) for C_UI in sent]
    shown.append(_choose_strongest(np.abs(values[-1]), max(MOST_UNITS, len(judged.data.class_names))))
    titles = ["input", *["hidden"] * (len(weights) - 1), "output"]
    layers = [
        {
            "title": title,
            "units": len(layer),
            "shown": units.tolist(),
            "names": _names(judged, title, units),
            "values": layer[units].tolist(),
        }
        for title, layer, units in zip(titles, values, shown, strict=True)
    ]
    links, carried = [], []
    for level, C_UI in enumerate(sent):
        drawn, share = _choose_links(level, C_UI, shown[level], shown[level + 1])
        links += drawn
        carried.append(share)
    return {"layers": layers, "links": links, "carried": carried}


def _choose_strongest(size: np.ndarray, most: int) -> np.ndarray:
    """The indices of the largest values, at most so many, in order."""
    return np.sort(np.argsort(-size, kind="stable")[:most])


def _names(judged: Judged, title: str, units: np.ndarray) -> list[str]:
    """Names of units: inputs and classes have some; "" elsewhere."""
    if title == "input":
        return [judged.data.input_names[unit] for unit in units]
    names = judged.data.class_names
    if title == "output" and names:
        return [names[1]] if len(names) == 2 else [names[unit] for unit in units]
    return [""] * len(units)


def _choose_links(
    level: int, C_UI: np.ndarray, sources: np.ndarray, targets: np.ndarray
) -> tuple[list[dict[str, Any]], float]:
    """The strongest contributions among the units that are shown, strongest last, and their share of all."""
    among = C_UI[np.ix_(targets, sources)]
    order = np.argsort(np.abs(among), axis=None)[::-1][:MOST_LINKS]
    total = float(np.abs(C_UI).sum())
    drawn = [
        {"level": level, "from": int(index % len(sources)), "to": int(index // len(sources)), "value": float(value)}
        for index, value in zip(order[::-1], among.ravel()[order[::-1]], strict=True)
        if value != 0
    ]
    return drawn, sum(abs(link["value"]) for link in drawn) / total if total else 1.0
