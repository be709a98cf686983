"""The job "verdict": how good a network is, in a few numbers: its score and how sure that is, whether simpler models do as well, and
whether it has learned its rows by heart.
"""

from __future__ import annotations

from typing import Any

from dlcore.evaluation import choose_part, open_judged, watched_name
from dlcore.evaluation.baselines import find_quick_models, fit_models
from dlcore.evaluation.gap import find_gap
from dlcore.evaluation.intervals import measure_of, name_method, score, score_interval
from dlcore.jobs import Answer, Progress


def verdict(arguments: dict[str, Any], payload: bytes, progress: Progress) -> Answer:
    """The verdict on the rows "split", by default the watched ones. Raises Problem for a sealed test without "unseal".

    "models" holds the baselines that are fitted in a fraction of a second, as the job "baselines" gives them; that job fits all.
    """
    judged = open_judged(payload)
    name = arguments.get("split", watched_name(judged))
    parts = {"train": judged.train, name: choose_part(judged, {**arguments, "split": name})}
    measure = measure_of(judged.experiment)
    pairs = {one: (part.split.y, part.answers) for one, part in parts.items()}
    found: dict[str, Any] = {
        "metric": measure,
        "method": name_method(measure),
        "split": name,
        "network": {one: score(measure, *pair) for one, pair in pairs.items()},
        "intervals": {one: score_interval(measure, *pair) for one, pair in pairs.items()},
        "rows": {one: len(y) for one, (y, _) in pairs.items()},
        "gap": find_gap(judged, parts[name]),
    }
    return found | {"models": list(fit_models(judged, parts, find_quick_models(judged)))}, b""
