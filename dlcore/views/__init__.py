"""Pictures of numbers: each module has TITLE (a message key) and draw(numbers, words) -> figure, which touches nothing else.

A module's first lines say which numbers it draws. A new view is one file and its name in VIEWS.
"""

from __future__ import annotations

from types import ModuleType

from dlcore.views import (
    bands,
    baselines,
    calibration,
    claim,
    confusion,
    disagreement,
    growth,
    intervals,
    path,
    precision_recall,
    predicted_true,
    residuals,
    roc,
    spread,
    threshold,
)

#: In the order in which the pages show them.
VIEWS: tuple[ModuleType, ...] = (
    intervals, confusion, threshold, roc, precision_recall, calibration, predicted_true, residuals, baselines, growth,
    bands, spread, disagreement, claim, path,
)  # fmt: skip
