"""Warnings: reasons to doubt the scores, each with its evidence and what to try."""

from __future__ import annotations

from typing import Any

import streamlit as st

from ui.evaluating.asking import ask
from ui.messages import escape
from ui.session import label, t

ICONS = {"warning": ":material/warning:", "notice": ":material/info:", "fine": ":material/check_circle:"}
ORDER = list(ICONS)


def draw_section() -> None:
    """Draw all warnings of the guards (dlcore.evaluation.guards), the gravest first."""
    findings = ask("guards")[0]["findings"]
    st.caption(label("evaluate.warnings.see"))
    for index, finding in enumerate(sorted(findings, key=lambda one: ORDER.index(one["severity"]))):
        draw(finding, f"finding_{index}")
    if not findings:
        st.success(label("evaluate.warnings.none"), icon=ICONS["fine"])


def draw(finding: dict[str, Any], key: str) -> None:
    """Draw a finding, its evidence, and what to try."""
    words, values = f"finding.{finding['key']}", {**finding["values"]}
    if "split" in values:
        values["split"] = t(f"evaluate.split.{values['split']}").lower()
    with st.container(border=True, gap="xsmall", key=key):
        st.markdown(f"{ICONS[finding['severity']]} **{label(words, **values)}**")
        st.markdown(label(f"{words}.try", **values))
        table = _write_evidence(finding.get("evidence") or {})
        if table:
            with st.expander(label("evaluate.evidence")):
                st.table(table, hide_index=True, border="horizontal", width="content")


def _write_evidence(evidence: dict[str, Any]) -> dict[str, list[str]]:
    """Evidence that the sentence leaves out: rows that occur twice, the number of rows of each rare class."""
    twins, of_class = evidence.get("examples"), evidence.get("rows")
    if twins:
        return {
            label("evaluate.evidence.row", rows=t(f"evaluate.split.{split}")): [f"{pair[split]:,}" for pair in twins]
            for split in twins[0]
        }
    if isinstance(of_class, dict):
        names = [escape(name) for name in of_class]
        return {
            label("evaluate.class"): names,
            label("evaluate.rows_of_class"): [f"{rows:,}" for rows in of_class.values()],
        }
    return {}
