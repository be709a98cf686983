"""All figures side by side, small: each card opens large. Only what takes a moment is computed for them; the rest waits for a press."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from types import ModuleType
from typing import Any

import streamlit as st

from dlcore.views import bands, baselines, calibration, confusion, growth, intervals, predicted_true, residuals, roc
from ui import session
from ui.evaluating import rows
from ui.evaluating.asking import ask, find_done, moment, recall
from ui.evaluating.baselines import list_models
from ui.evaluating.drawing import draw_small
from ui.evaluating.growth import KINDS
from ui.evaluating.scores import list_groups
from ui.evaluating.sections import name_key
from ui.evaluating.seeds import DO as SEEDS
from ui.evaluating.seeds import METRIC
from ui.evaluating.verdict import find_verdict
from ui.session import label

Open = Callable[[str], None]
ICONS = {
    "warnings": ":material/warning:", "growth": ":material/trending_up:", "seeds": ":material/casino:",
    "examples": ":material/table_rows:", "whatif": ":material/tune:", "predict": ":material/upload_file:",
    "report": ":material/description:",
}  # fmt: skip
SECTIONS_IN_WORDS = tuple(ICONS)  # sections whose card has no figure, or none yet
LINE = 32  # pixels, of a model among the baselines
MOST_OF_A_ROW = 5
HIGH, LOW = 228, 150  # pixels, of figures in one row or in two: all of them fit on a screen


def draw_grid(press: Open) -> None:
    """Draw the cards with figures, then those that say in a line what a press brings."""
    found = ask("evaluate", **rows.question(rows.find_judged()))[0]
    drawn = _list_figures(found)
    many = len(drawn) > MOST_OF_A_ROW
    with st.container(key="figures_many" if many else "figures"):
        for section, view, numbers in drawn:
            with _begin_card(f"{section}_{view.TITLE.removeprefix('views.')}", section, view.TITLE, press):
                draw_small(view, numbers, f"small_{view.TITLE}", LOW if many else HIGH)
    shown = {section for section, _, _ in drawn}
    draw_cards(press, [section for section in SECTIONS_IN_WORDS if section not in shown])


def draw_cards(press: Open, sections: Sequence[str]) -> None:
    """Draw cards without figures for these sections."""
    with st.container(key="more"):
        for section in sections:
            key = name_key(section, bool(moment().class_names))
            with _begin_card(section, section, key, press, ICONS[section]):
                _say_what_is_known(section)


def _begin_card(name: str, section: str, key: str, press: Open, icon: str | None = None) -> Any:
    """A card with title and the same in plain words; its button, whose target is the whole card (evaluate.css), opens the section."""
    card = st.container(border=True, gap="xxsmall", key=f"card_{name}")
    with card:
        st.button(
            label(key), type="tertiary", key=f"open_{name}", icon=icon, on_click=session.guard(press), args=(section,)
        )
        st.caption(label(f"{key}.plain"))
    return card


def _say_what_is_known(section: str) -> None:
    """Say what the last press has found, if there was one."""
    if section == "warnings" and (known := recall("guards")) is not None:
        kinds = [finding["severity"] for finding in known[0]["findings"]]
        st.caption(label("grid.warnings", warnings=kinds.count("warning"), notices=kinds.count("notice")))


def _list_figures(found: dict[str, Any]) -> list[tuple[str, ModuleType, dict[str, Any]]]:
    """[(section, view, its numbers)...] of all that is known without a press, and of long jobs that are done."""
    verdict = find_verdict()
    figures: list[tuple[str, ModuleType, dict[str, Any]]] = [("scores", intervals, list_groups(verdict))]
    if "per_class" in found:
        figures.append(("examples", confusion, found))
        shown = next((index for index, one in enumerate(found["roc"]) if one["auc"] is not None), None)
        if shown is not None:
            figures += [("curves", view, {**found, "shown": shown}) for view in (roc, calibration)]
    else:
        figures += [("curves", predicted_true, found), ("curves", residuals, found)]
    figures.append(("baselines", baselines, {**list_models(verdict), "row": LINE}))
    for kind in KINDS:
        known = find_done(kind)
        if known is not None and known.get("points"):
            figures.append(("growth", growth, {**known, "metric": f"views.{known['metric']}"}))
            break
    seeds = find_done(SEEDS)
    if seeds is not None and seeds.get("bands"):
        numbers = {"epochs": seeds["epochs"], "band": seeds["bands"][METRIC], "score": f"views.{seeds['metric']}"}
        figures.append(("seeds", bands, {**numbers, "present": None}))
    return figures
