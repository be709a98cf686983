"""The verdict on top of the page: how good the network is, in one sentence and the numbers behind it.

It speaks of the watched rows until somebody opens the test rows, which is counted.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import streamlit as st

from dlcore.metrics import number_text, score_text
from ui import session
from ui.evaluating import rows
from ui.evaluating.asking import ask, count_openings, moment, recall, unseal
from ui.session import label, t

SHARES = ("accuracy", "balanced_accuracy")  # scores that are shares of rows, written in percent
COMPARED = {
    "better": ":material/trending_up:", "worse": ":material/trending_down:", "alike": ":material/balance:",
    "undecided": ":material/help:",
}  # fmt: skip
GAPS = {
    "overfits": ":material/warning:",
    "slightly": ":material/info:",
    "unsure": ":material/help:",
    "level": ":material/check_circle:",
}
TEST = {"watched": ":material/visibility:", "shut": ":material/lock:", "opened": ":material/lock_open:"}


def find_verdict() -> dict[str, Any]:
    """The verdict on the page's moment; where somebody has looked at all baselines, with all of them."""
    split = rows.find_judged()
    found = ask("verdict", **rows.question(split))[0]
    known = recall("baselines", **rows.open_all())
    return found if known is None else {**found, "models": known[0]["models"]}


def find_rival(found: dict[str, Any]) -> dict[str, Any] | None:
    """The baseline with the best score on the judged rows, the simplest of equals; None where none has a score."""
    scored = [model for model in found["models"] if model[found["split"]] is not None]
    return max(scored, key=lambda model: model[found["split"]], default=None)


def draw_sentence(found: dict[str, Any], draw_moment: Callable[[], None]) -> None:
    """Draw the verdict in one sentence, and which score of which moment it speaks of."""
    st.header(_write_sentence(found, find_rival(found)), anchor=False)
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="evaluate_moment"):
        st.caption(_describe_score(found), help=label(f"verdict.method.{found['method']}.help"), width="stretch")
        draw_moment()


def draw_facts(found: dict[str, Any]) -> None:
    """Draw what each part of the sentence rests on, and whether the test rows are open."""
    rival = find_rival(found)
    facts = [_draw_rival, _draw_gap, _draw_rows] if moment().step else [_draw_rows]
    for column, draw in zip(st.columns(3, gap="medium"), facts, strict=False):
        with column, st.container(gap="xxsmall"):
            draw(found, rival)


def _write_sentence(found: dict[str, Any], rival: dict[str, Any] | None) -> str:
    split = found["split"]
    score = write_score(found["metric"], found["network"][split], found["intervals"][split])
    said = {"score": score, "rows": t(f"verdict.rows.{_name_rows(split)}", count=f"{found['rows'][split]:,}")}
    if not moment().step:
        return label("verdict.untrained", **said)
    if rival is not None:
        kind = rival["compared"][split]["kind"]
        said["compared"] = t(f"verdict.compared.{kind}", model=t(f"verdict.model.{rival['key']}"))
    gap = found["gap"]["kind"]
    if gap in GAPS:
        said["gap"] = t(f"verdict.gap.{gap}")
    parts = [name for name in ("compared", "gap") if name in said]
    return label(".".join(["verdict.sentence", *parts]), **said)


def _name_rows(split: str) -> str:
    """test_only: there are no validation rows, so the test rows were watched while it learned."""
    return "test_only" if split == "test" and len(rows.split_names()) == 2 else split


def _describe_score(found: dict[str, Any]) -> str:
    metric, ends = found["metric"], found["intervals"][found["split"]]
    said = {
        "metric": t(f"evaluate.metric.{metric}"),
        "task": t(f"verdict.task.{'numbers' if metric == 'r2' else 'classes'}"),
    }
    if ends is None:
        return label("verdict.score", **said)
    low, high = (score_text(metric, end) for end in ends)
    return label("verdict.score.interval", **said, low=low, high=high, method=t(f"verdict.method.{found['method']}"))


def write_score(metric: str, value: float | None, ends: list[float] | None) -> str:
    """The score with half the width of its interval, as "96.0% ± 2.6"; with both ends where that would reach beyond 1."""
    score = score_text(metric, value)
    name = "verdict.share" if metric in SHARES else "verdict.number"
    if value is None or ends is None:
        return t(f"{name}.alone", score=score)
    half = (ends[1] - ends[0]) / 2
    if value + half > 1:
        return t(f"{name}.between", score=score, low=score_text(metric, ends[0]), high=score_text(metric, ends[1]))
    return t(f"{name}.about", score=score, half=f"{100 * half:.1f}" if metric in SHARES else number_text(half, ".3f"))


def write_difference(metric: str, value: float) -> str:
    """A difference of two scores with its sign: in percentage points, or as a number."""
    return (f"{100 * value:+.1f}" if metric in SHARES else number_text(value, "+.3f")).replace("-", "−")


def _describe_ends(metric: str, ends: list[float]) -> dict[str, str]:
    return dict(zip(("low", "high"), (write_difference(metric, end) for end in ends), strict=True))


# What it rests on


def _draw_rival(found: dict[str, Any], rival: dict[str, Any] | None) -> None:
    if rival is None:
        return
    metric, split, compared = found["metric"], found["split"], rival["compared"][found["split"]]
    st.markdown(
        f"{COMPARED[compared['kind']]} **{label('verdict.against')}**", help=label(f"verdict.against.{metric}.help")
    )
    said = {"model": t(f"evaluate.baseline.{rival['key']}"), "score": score_text(metric, rival[split])}
    if compared["interval"] is None:
        st.caption(label("verdict.rival", **said))
        return
    difference = write_difference(metric, compared["difference"])
    unit = "points" if metric in SHARES else "number"
    ends = _describe_ends(metric, compared["interval"])
    st.caption(label(f"verdict.rival.{unit}", **said, difference=difference, **ends))


def _draw_gap(found: dict[str, Any], rival: dict[str, Any] | None) -> None:
    gap, metric = found["gap"], found["metric"]
    if gap["kind"] not in GAPS:
        return
    st.markdown(f"{GAPS[gap['kind']]} **{label('verdict.gap')}**", help=label("verdict.gap.help"))
    unit = "points" if metric in SHARES else "number"
    scores = {name: score_text(metric, gap[name]) for name in ("train", "score")}
    part = t(f"evaluate.split.{found['split']}")
    difference = write_difference(metric, gap["gap"])
    st.caption(
        label(f"verdict.gap.{unit}", **scores, part=part, gap=difference, **_describe_ends(metric, gap["interval"]))
    )


def _draw_rows(found: dict[str, Any], rival: dict[str, Any] | None) -> None:
    """Draw whether the test rows are closed, how often they were opened, and the button that opens them."""
    if not rows.is_sealed("test"):
        st.markdown(f"{TEST['watched']} **{label('verdict.test')}**")
        st.caption(label("verdict.test.watched"))
        return
    shut = rows.is_shut("test")
    how = "shut" if shut else "opened"
    st.markdown(f"{TEST[how]} **{label('verdict.test')}**", help=label("verdict.test.help"))
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="verdict_test"):
        st.caption(label(f"verdict.test.{how}", looks=count_openings()), width="stretch")
        if shut:
            st.button(
                label("verdict.open"), key="open_test", on_click=session.guard(unseal), help=label("evaluate.unseal.help"),
            )  # fmt: skip
