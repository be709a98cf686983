"""What was found out about a network or its data: a key that names it, and the numbers that speak for it.

The sentence is `finding.<key>` of the message catalogue, with what to try as `finding.<key>.try`; `values` fill in their placeholders.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

Severity = Literal["warning", "notice", "fine"]

Finding = dict[str, Any]


def finding(key: str, severity: Severity, values: Mapping[str, str | int | float], **evidence: Any) -> Finding:
    """{"key", "values", "severity", "evidence"}."""
    shown = {name: f"{value:.3f}" if isinstance(value, float) else value for name, value in values.items()}
    return {"key": key, "values": shown, "severity": severity, "evidence": evidence}


def skill(score: float, baseline: float) -> float:
    """(score - baseline) / (1 - baseline): the share of the baseline's errors removed (Murphy, 1988). R² is skill against the mean."""
    return (score - baseline) / (1 - baseline) if baseline < 1 else 0.0
