"""Seeds: the same recipe trained from many seeds at once. Is a score skill or luck?"""

from __future__ import annotations

import csv
import io
from contextlib import suppress
from typing import Any

import numpy as np
import streamlit as st

from dlcore.arrays import from_bytes
from dlcore.metrics import number_text
from dlcore.problems import Problem
from dlcore.seeds.summary import judge_score
from dlcore.views import bands, disagreement, spread
from ui import live, session
from ui.evaluating.asking import UNDER_WAY, begin, find_job, moment, watch
from ui.evaluating.drawing import QUIET, draw_chart, draw_heading
from ui.evaluating.examples import PICTURE, enlarge
from ui.grids import add_columns
from ui.messages import escape
from ui.session import label, t, widgets

DO = "seeds"
COUNT, EPOCHS = "/seeds_count", "/seeds_epochs"
COUNTS, USUAL_COUNT = (8, 16, 32, 64), 32
MOST_EPOCHS, FEWEST_USUAL, MOST_USUAL = 2000, 50, 500
SCORES = ("low", "q1", "median", "q3", "high", "present")
LOSS, METRIC = "watched_loss", "watched_metric"
ICONS = {
    "alike": ":material/check_circle:", "typical": ":material/balance:", "lucky": ":material/casino:",
    "unlucky": ":material/casino:", "high": ":material/balance:", "low": ":material/balance:", "apart": ":material/balance:",
}  # fmt: skip


def draw_section() -> None:
    """Draw how many seeds, how long, and Start; then the bands while they are computed, and what the seeds show together."""
    st.caption(label("evaluate.seeds.about"))
    known = find_job(DO)
    under_way = known is not None and known.job.state in UNDER_WAY
    with st.container(horizontal=True, vertical_alignment="bottom"):
        shown = widgets.seed(COUNT, widgets.read(COUNT, USUAL_COUNT), COUNTS)
        count = st.segmented_control(
            label("evaluate.seeds.count"), COUNTS, default=shown, key=widgets.key_of(COUNT), required=True, width="content",
            help=label("evaluate.seeds.count.help"),
        ) or USUAL_COUNT  # fmt: skip
        usual = widgets.seed(EPOCHS, widgets.read(EPOCHS, min(MOST_USUAL, max(FEWEST_USUAL, moment().epoch))), None)
        epochs = st.number_input(
            label("evaluate.seeds.epochs"), 1, MOST_EPOCHS, usual, key=widgets.key_of(EPOCHS), width=180,
            help=label("evaluate.seeds.epochs.help"),
        )  # fmt: skip
        st.button(
            label("evaluate.seeds.start"), icon=":material/play_arrow:", key="start_seeds", type="primary",
            on_click=session.guard(start), args=(count, epochs), disabled=under_way,
        )  # fmt: skip
    watch(DO, _show)


def start(count: int, epochs: int) -> None:
    """Callback: start the job with so many seeds and epochs."""
    begin(DO, count=count, epochs=epochs)


def _show(header: dict[str, Any], payload: bytes) -> None:
    if header.get("stage") == "compiling":
        st.info(label("evaluate.seeds.compiling"), icon=":material/build:")
    if not header.get("bands"):
        return
    present = _present_curves(min(header["epochs"][-1], moment().epoch))
    if header["stage"] == "done":
        arrays = from_bytes(payload)
        standing = _judge_present(header, arrays["watched_metric"], present)
        _write_answer(header, standing)
        _draw_curves(header, present)
        left, right = st.columns(2, gap="medium")
        with left:
            _draw_spread(header, standing["present"])
        with right:
            _draw_disagreement(header, arrays)
    else:
        _draw_curves(header, present)


# The present run


def _present_curves(last: int) -> dict[str, dict[str, list[float]]]:
    """The present run's curves up to epoch `last`, the seeds' last: {score: {"epochs", "values"}}; {} before its first epoch."""
    with suppress(Problem):  # The run may be gone: the seeds' curves are shown all the same.
        _, content = live.pool().call(moment().token, "history")
        _, *rows = csv.reader(io.StringIO(content.decode()))
        known = [(float(row[0]), float(row[3]), float(row[5])) for row in rows if float(row[0]) <= last]
        if len(known) > 1:
            epochs, losses, metrics = (list(column) for column in zip(*known, strict=True))
            return {LOSS: {"epochs": epochs, "values": losses}, METRIC: {"epochs": epochs, "values": metrics}}
    return {}


def _judge_present(header: dict[str, Any], metric_ES: np.ndarray, present: dict[str, Any]) -> dict[str, Any]:
    """The verdict, comparing the present run with the seeds at the same epoch: {"kind", ..., "present", "epoch"}."""
    if not present:
        return {"epoch": header["epochs"][-1], **judge_score(header["final"], None)}
    epoch = present[METRIC]["epochs"][-1]
    index = int(np.searchsorted(header["epochs"], epoch, side="right")) - 1
    # Seeds are scored only at some epochs: compare at the last epoch that both have.
    at = int(np.searchsorted(present[METRIC]["epochs"], header["epochs"][index], side="right")) - 1
    return {"epoch": header["epochs"][index], **judge_score(metric_ES[index].tolist(), present[METRIC]["values"][at])}


# What the seeds say


def _write_score(header: dict[str, Any], value: float) -> str:
    return f"{value:.1%}" if header["metric"] == "accuracy" else number_text(value, ".3f")


def _write_answer(header: dict[str, Any], standing: dict[str, Any]) -> None:
    """Write whether the score is skill or luck, in one sentence, and the numbers to quote."""
    summary = header["summary"]
    scores = {name: _write_score(header, standing[name]) for name in SCORES if standing.get(name) is not None}
    scores |= {name: f"{standing[name]:.0%}" for name in ("below", "above") if name in standing}
    with st.container(border=True, key="seeds_verdict"):
        said = label(
            f"evaluate.seeds.verdict.{standing['kind']}",
            count=standing["count"],
            epoch=f"{standing['epoch']:,}",
            **scores,
        )
        st.markdown(f"{ICONS[standing['kind']]} **{label('evaluate.seeds.question')}** {said}")
        if header["diverged"]:
            st.markdown(label("evaluate.seeds.diverged", lost=header["diverged"], count=header["count"]))
        if header["epochs"][-1] < header["asked"]:
            st.markdown(label("evaluate.seeds.ended", epochs=f"{header['epochs'][-1]:,}", asked=f"{header['asked']:,}"))
    low, high = summary["interval"]
    cards = {
        "mean": f"{_write_score(header, summary['mean'])} ± {_write_score(header, summary['deviation'])}",
        "interval": t("evaluate.seeds.between", low=_write_score(header, low), high=_write_score(header, high)),
        "range": t(
            "evaluate.seeds.between",
            low=_write_score(header, summary["low"]),
            high=_write_score(header, summary["high"]),
        ),
        "behind": f"{summary['behind']:.0%}",
    }
    with st.container(horizontal=True, key="seeds_numbers"):
        for name, value in cards.items():
            st.metric(label(f"evaluate.seeds.{name}"), value, border=True, help=label(f"evaluate.seeds.{name}.help"))


def _draw_curves(header: dict[str, Any], present: dict[str, Any]) -> None:
    draw_heading(bands)
    for column, (name, score) in zip(
        st.columns(2), ((METRIC, f"views.{header['metric']}"), (LOSS, "views.loss")), strict=True
    ):
        numbers = {
            "epochs": header["epochs"],
            "band": header["bands"][name],
            "score": score,
            "present": present.get(name),
        }
        column.plotly_chart(bands.draw(numbers, t), key=f"seeds_bands_{name}", config=QUIET, alt=t(bands.TITLE))
    st.caption(label(f"{bands.TITLE}.see"))


def _draw_spread(header: dict[str, Any], present: float | None) -> None:
    numbers = {name: header[name] for name in ("seeds", "summary")}
    score = f"views.{header['metric']}"
    draw_chart(spread, {**numbers, "values": header["final"], "score": score, "present": present}, "seeds_spread")


# Where they disagree


def _draw_disagreement(header: dict[str, Any], arrays: dict[str, np.ndarray]) -> None:
    apart = header["disagreement"]
    if apart["kind"] == "plane":
        kind = "classes" if header["class_names"] else "numbers"
        share = "" if apart["contested"] is None else f"{apart['contested']:.1%}"
        draw_chart(disagreement, {**apart, **arrays, "class_names": header["class_names"]}, "seeds_disagreement")
        st.caption(label(f"evaluate.seeds.contested.{kind}", share=share, typical=f"{apart['typical']:.3g}"))
        return
    st.markdown(f"**{label('evaluate.seeds.rows')}**", help=label("evaluate.seeds.rows.help"))
    if not apart["row_numbers"]:
        st.info(label("evaluate.seeds.agreed"), icon=":material/check_circle:")
        return
    if header["class_names"]:
        st.caption(label("evaluate.seeds.rows.classes", share=f"{apart['agreed']:.1%}"))
    else:
        st.caption(label("evaluate.seeds.rows.numbers", typical=f"{apart['typical']:.3g}"))
    if "pixels" in apart:
        _draw_pictures(header, apart)
    else:
        _draw_table(header, apart)


def _name_value(header: dict[str, Any], value: float) -> str:
    names = header["class_names"]
    return names[int(value)] if names else f"{value:.4g}"


def _write_spread(header: dict[str, Any], value: float) -> str:
    return f"{value:.0%}" if header["class_names"] else f"{value:.3g}"


def _draw_table(header: dict[str, Any], apart: dict[str, Any]) -> None:
    columns: dict[str, list[Any]] = {
        t("evaluate.row"): apart["row_numbers"],
        t("evaluate.seeds.apart"): [_write_spread(header, value) for value in apart["spread"]],
        t("evaluate.seeds.said"): [_name_value(header, value) for value in apart["said"]],
        t("evaluate.true"): [_name_value(header, value) for value in apart["true"]],
    }
    table = add_columns(columns, apart["columns"], apart["rows"])
    st.dataframe(table, hide_index=True, alt=t("evaluate.seeds.rows"))


def _draw_pictures(header: dict[str, Any], apart: dict[str, Any]) -> None:
    with st.container(horizontal=True, gap="small", key="seeds_pictures"):
        for index, pixels in enumerate(apart["pixels"]):
            true, said = (_name_value(header, apart[name][index]) for name in ("true", "said"))
            words = t(
                "evaluate.seeds.picture", true=true, said=said, share=_write_spread(header, apart["spread"][index])
            )
            with st.container(width=PICTURE + 40, gap="xxsmall"):
                st.image(enlarge(np.array(pixels).reshape(apart["height"], apart["width"])), width=PICTURE, alt=words)
                st.caption(escape(words))
