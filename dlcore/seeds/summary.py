"""What many seeds say together: the spread of their scores, and whether one run's score is skill or luck.  E moments, S seeds."""

from __future__ import annotations

from typing import Any

import numpy as np

BANDS = {"low": 0, "q1": 25, "median": 50, "q3": 75, "high": 100}  # percent of the seeds below
BEHIND = 0.05  # of the metric: a seed so far below the best has ended in another, worse minimum
ALIKE = 0.02  # of the metric, from the lowest seed to the highest: smaller differences do not matter
RARE = 1 / 8  # share of the seeds: a run was lucky if at most so many do as well
CONFIDENCE = 0.95


def find_bands(values_ES: np.ndarray) -> dict[str, list[float]]:
    """The lowest, the quartiles and the highest of the seeds at each moment."""
    found = np.percentile(values_ES, list(BANDS.values()), axis=1)
    return {name: values.tolist() for name, values in zip(BANDS, found, strict=True)}


def summarise(values_S: np.ndarray) -> dict[str, Any]:
    """One score of every seed in numbers: mean, standard deviation (n - 1), quartiles, and the interval of Student's t for the mean."""
    mean, count = float(values_S.mean()), len(values_S)
    deviation = float(values_S.std(ddof=1)) if count > 1 else 0.0
    facts = find_quartiles(values_S)
    behind = float((values_S < facts["high"] - BEHIND).mean())
    found = {"mean": mean, "deviation": deviation, "interval": find_interval(mean, deviation, count)}
    return {"count": count, **facts, **found, "behind": behind, "margin": BEHIND}


def find_quartiles(values_S: np.ndarray) -> dict[str, float]:
    """The lowest, the quartiles and the highest."""
    return dict(zip(BANDS, np.percentile(values_S, list(BANDS.values())).tolist(), strict=True))


def find_interval(mean: float, deviation: float, count: int) -> list[float] | None:
    """mean ± t s / sqrt(n): it holds the mean over all seeds in 95 of 100 such experiments (Student, 1908)."""
    if count < 2:
        return None
    from scipy.stats import t

    half = float(t.ppf((1 + CONFIDENCE) / 2, count - 1)) * deviation / count**0.5
    return [mean - half, mean + half]


def judge_score(values_S: list[float], present: float | None) -> dict[str, Any]:
    """Skill or luck? The kind of answer, and the numbers in it: where `present`, the score of one run, stands among the seeds'.

    alike: all seeds score the same, so it is not luck. typical: the score is in the middle half of the seeds'. lucky, unlucky: at most
    an eighth of the seeds do as well, or as badly. high, low: in between. apart: there is no present run, and the seeds differ.
    """
    values = np.array(values_S)
    facts: dict[str, Any] = {"count": len(values), **find_quartiles(values), "present": present}
    if facts["high"] - facts["low"] <= ALIKE:
        return {"kind": "alike", **facts}
    if present is None:
        return {"kind": "apart", **facts}
    below, above = float((values < present).mean()), float((values > present).mean())
    facts |= {"below": below, "above": above}
    if facts["q1"] <= present <= facts["q3"]:
        return {"kind": "typical", **facts}
    if present > facts["q3"]:
        return {"kind": "lucky" if 1 - below <= RARE else "high", **facts}
    return {"kind": "unlucky" if 1 - above <= RARE else "low", **facts}
