"""Where seeds disagree: over the plane of two columns, or on which rows; an ensemble's spread (Lakshminarayanan et al., 2017).

S seeds, N rows or points, K classes.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch

from dlcore.evaluation import Judged
from dlcore.evaluation.examples import write_rows
from dlcore.experiment import Experiment
from dlcore.network import build_model
from dlcore.pictures.picture import Picture

MOST_POINTS = 400  # watched rows drawn on the plane
MOST_CONTESTED = 12
CONTESTED = 0.25  # share of the seeds that do not predict what most predict
ROWS_AT_ONCE = 8192

Weights = dict[str, np.ndarray]


def disagreement(judged: Judged, members: list[Weights]) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """What to draw, and its arrays: "plane" with the grid "spread" and the points, else "rows": the most contested watched rows.

    The spread is the share of seeds that do not predict what most predict, or the standard deviation of their values in the target's units.
    """
    if judged.experiment.dataset.surface == "plane":
        return _draw_plane(judged, members)
    return _choose_rows(judged, members), {}


def _draw_plane(judged: Judged, members: list[Weights]) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    surface = Picture(judged).output
    layout = surface.layout
    split = judged.watched.split
    spread_N, said_N = _measure_spread(judged, members, surface.inputs_DP.T.contiguous())
    shape = (layout["rows"], layout["columns"])
    points = surface.points(split.raw, split.X, split.y)[:MOST_POINTS]
    header = {
        "kind": "plane", "x_range": layout["x_range"], "y_range": layout["y_range"], "axes": layout["axes"],
        "contested": float((spread_N >= CONTESTED).mean()) if judged.data.class_names else None,
        "typical": float(np.median(spread_N)),
    }  # fmt: skip
    arrays = {
        "spread": spread_N.reshape(shape).astype(np.float32),
        "said": said_N.reshape(shape).astype(np.float32),
        "points": points.astype(np.float32),
        "targets": split.y[:MOST_POINTS].astype(np.float32),
    }
    return header, arrays


def _choose_rows(judged: Judged, members: list[Weights]) -> dict[str, Any]:
    split, names = judged.watched.split, judged.data.class_names
    spread_N, said_N = _measure_spread(judged, members, torch.from_numpy(split.X))
    chosen = np.argsort(-spread_N, kind="stable")[:MOST_CONTESTED]
    chosen = chosen[spread_N[chosen] > 0]
    return {
        "kind": "rows",
        "row_numbers": chosen.tolist(),
        "spread": spread_N[chosen].tolist(),
        "said": said_N[chosen].tolist(),
        "true": split.y[chosen].tolist(),
        "agreed": float((spread_N == 0).mean()) if names else None,
        "typical": float(np.median(spread_N)),
        **write_rows(judged, judged.watched, chosen),
    }


def _measure_spread(judged: Judged, members: list[Weights], X_ND: torch.Tensor) -> tuple[np.ndarray, np.ndarray]:
    """(N,) how far the seeds' predictions are apart, and the class that most of them predict, or the mean of their values."""
    objective = judged.experiment.objective
    told = predict_each(judged.experiment, members, X_ND)
    if objective.has_classes:
        votes_NK = np.zeros((len(X_ND), objective.num_classes), np.int32)
        for said in told:
            votes_NK[np.arange(len(said)), said.argmax(1)] += 1
        return 1 - votes_NK.max(1) / len(members), votes_NK.argmax(1)
    values_SN = np.stack([objective.in_units(said, judged.data.scaling) for said in told])
    return values_SN.std(axis=0, ddof=1), values_SN.mean(axis=0)


def predict_each(experiment: Experiment, members: list[Weights], X_ND: torch.Tensor) -> Iterator[np.ndarray]:
    """Each member's predictions: (N, K) probabilities, or (N,) scaled values, as the network learns them."""
    model = build_model(experiment)
    model.eval()
    for weights in members:
        model.load_state_dict({name: torch.from_numpy(value) for name, value in weights.items()})
        with torch.no_grad():
            parts = [experiment.coding.predict(model(rows)) for rows in X_ND.split(ROWS_AT_ONCE)]
        yield torch.cat(parts).numpy()
