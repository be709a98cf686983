"""Scores with their intervals and a trivial guess to compare with, for all parts of the rows side by side."""

from __future__ import annotations

from typing import Any

import streamlit as st

from dlcore.metrics import score_text
from dlcore.views import intervals
from ui.evaluating import rows
from ui.evaluating.asking import ask, judging
from ui.evaluating.drawing import draw_chart
from ui.messages import escape
from ui.session import label, t

Group = tuple[str, str, dict[str, Any]]  # name, split, the answer of the job "evaluate"


def draw_section() -> None:
    """Draw the scores of each part of the rows, their intervals, and the scores of each class."""
    asked = rows.choose()
    groups = _find_groups(asked)
    _draw_cards(groups)
    left, right = st.columns(2, gap="medium")
    with left:
        _describe_certainty(groups)
    with right:
        _draw_table(groups)
    if asked is not None:
        _draw_classes(groups[-1] if judging().subset else _score(groups, judging().split))


def list_groups(verdict: dict[str, Any]) -> dict[str, Any]:
    """The numbers of the view of intervals: those of a verdict, the judged rows above the training rows."""
    split = verdict["split"]
    groups = [
        {
            "name": t(f"evaluate.split.{name}"), "role": role, "value": verdict["network"][name],
            "interval": verdict["intervals"][name], "rows": verdict["rows"][name],
        }
        for name, role in ((split, "test"), ("train", "train"))
    ]  # fmt: skip
    return {
        "metric": f"views.{verdict['metric']}", "groups": groups, "reference": verdict["models"][0][split],
        "of_numbers": verdict["metric"] == "r2",
    }  # fmt: skip


def _find_groups(asked: dict[str, Any] | None) -> list[Group]:
    """Every part of the rows that is not sealed shut, and the chosen subset."""
    names = [split for split in rows.split_names() if not rows.is_shut(split)]
    groups = [(rows.name_rows(split), split, ask("evaluate", **rows.question(split))[0]) for split in names]
    if asked is not None and asked.get("subset"):
        part = t("evaluate.subset.of", rows=rows.describe_subset(), part=rows.name_rows(asked["split"]))
        groups.append((part, asked["split"], ask("evaluate", **asked)[0]))
    return groups


def _score(groups: list[Group], split: str) -> Group:
    return next(group for group in groups if group[1] == split)


def _draw_metric(found: dict[str, Any]) -> str:
    return found["scored_by"][0]


def _draw_cards(groups: list[Group]) -> None:
    watched = rows.find_watched()
    # First the score on the watched rows, last that on the training rows, which says little about new ones.
    with st.container(horizontal=True, gap="small", key="score_cards"):
        for name, _, found in sorted(groups, key=lambda group: (group[1] == "train", group[1] != watched)):
            metric = _draw_metric(found)
            st.metric(
                label("evaluate.metric.of", metric=t(f"evaluate.metric.{metric}"), rows=name), score_text(metric, found[metric]),
                border=True, width="content",
                delta=_write_interval(metric, found["interval"]), delta_arrow="off", delta_color="off",
                help=label(f"evaluate.metric.{metric}.help"), delta_description=t("evaluate.interval.rows", rows=f"{found['rows']:,}"),
            )  # fmt: skip


def _write_interval(metric: str, ends: list[float] | None) -> str | None:
    if ends is None:
        return None
    return t("evaluate.interval", low=score_text(metric, ends[0]), high=score_text(metric, ends[1]))


def _describe_certainty(groups: list[Group]) -> None:
    metric = _draw_metric(groups[0][2])
    numbers = {
        "metric": f"views.{metric}",
        "groups": [
            {
                "name": name, "role": "train" if split == "train" else "test", "value": found[metric],
                "interval": found["interval"], "rows": found["rows"],
            }
            for name, split, found in groups
        ],
        "reference": _find_guess(_score(groups, rows.find_watched())[2]),
        "of_numbers": metric == "r2",
    }  # fmt: skip
    draw_chart(intervals, numbers, "scores_intervals")


def _find_guess(found: dict[str, Any]) -> float:
    """The score of always predicting the same: the most frequent class, or the mean."""
    if "per_class" not in found:
        return 0.0
    return max(one["rows"] for one in found["per_class"]) / found["rows"]


def _draw_table(groups: list[Group]) -> None:
    found = groups[0][2]
    metrics, classes = found["scored_by"], "per_class" in found
    table = {
        escape(name): [score_text(metric, _write_value(found, metric)) for metric in metrics]
        for name, _, found in groups
    }
    st.markdown(
        f"**{label('evaluate.all_scores')}**", help=label(f"evaluate.all_scores.{'classes' if classes else 'numbers'}")
    )
    st.table(
        {label("evaluate.score"): [label(f"evaluate.metric.{metric}") for metric in metrics], **table},
        hide_index=True,
        border="horizontal",
    )


def _write_value(found: dict[str, Any], metric: str) -> float | None:
    return found[metric] if metric in found else found["macro"][metric]


def _draw_classes(group: Group) -> None:
    name, _, found = group
    if "per_class" not in found:
        return
    st.markdown(f"**{label('evaluate.per_class', rows=name)}**", help=label("evaluate.per_class.help"))
    per_class = found["per_class"]
    st.table(
        {
            label("evaluate.class"): [escape(one["name"]) for one in per_class],
            **{
                label(f"evaluate.metric.{metric}"): [score_text(metric, one[metric]) for one in per_class]
                for metric in ("precision", "recall", "f1")
            },
            label("evaluate.rows_of_class"): [f"{one['rows']:,}" for one in per_class],
        },
        hide_index=True,
        border="horizontal",
    )
