"""The gap of the scores on the training rows and on rows not learned from: does the network learn its rows by heart?"""

from __future__ import annotations

from typing import Any

import numpy as np

from dlcore.evaluation import Judged, Part
from dlcore.evaluation.comparing import MARGIN
from dlcore.evaluation.findings import skill
from dlcore.evaluation.intervals import interval, measure_of, resample_scores, score
from dlcore.evaluation.shape import HIGH_VARIANCE, constant_score


def find_gap(judged: Judged, part: Part) -> dict[str, Any]:
    """{"kind", "train", "score", "gap", "interval"}: training score minus the score of `part`, with the bootstrap's 95% interval.

    overfits: the interval is above 0, and more than HIGH_VARIANCE of the training rows' skill is lost; slightly: above 0, and less is
    lost; unsure: the gap may be chance, and may be larger than MARGIN; level: it is neither; unknown: one of the scores does not exist.
    """
    measure, parts = measure_of(judged.experiment), (judged.train, part)
    pairs = [(one.split.y, one.answers) for one in parts]
    train, other = (score(measure, *pair) for pair in pairs)
    if train is None or other is None:
        return {"kind": "unknown", "train": train, "score": other, "gap": None, "interval": None}
    # Other rows, so both are resampled by themselves.
    likely = interval(np.subtract(*(resample_scores(measure, *pair, seed=seed) for seed, pair in enumerate(pairs))))
    baseline = constant_score(judged, part)
    lost = skill(train, baseline) - skill(other, baseline)
    if likely is None:
        kind = "unknown"
    elif likely[0] <= 0:
        kind = "unsure" if train > other and likely[1] >= MARGIN else "level"
    else:
        kind = "overfits" if lost > HIGH_VARIANCE else "slightly"
    return {"kind": kind, "train": train, "score": other, "gap": train - other, "interval": likely}
