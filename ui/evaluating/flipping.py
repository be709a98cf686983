"""The smallest change of a row after which the network predicts something else: one button searches for it, another applies it."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import numpy as np
import streamlit as st

from ui import session
from ui.evaluating.asking import ask, judging
from ui.messages import escape
from ui.session import label, t, widgets

TOWARD, AMOUNT = "/flip_toward", "/flip_amount"
ANY = -1
PICTURE = 112  # pixels
EPOCH = date(1970, 1, 1)


def draw_flip(question: dict[str, Any], now: dict[str, Any]) -> None:
    """Draw the wanted prediction, the button, and the change found for the row as the sliders set it."""
    memory = judging().whatif
    with st.container(border=True, key="flip"):
        st.markdown(f"**{label('flip.title')}**", help=label("flip.help"))
        with st.container(horizontal=True, vertical_alignment="bottom"):
            wish = _choose_class(now) if now["class_names"] else _choose_amount(now)
            asked = {**{name: value for name, value in question.items() if value}, **wish}
            st.button(
                label("flip.find"),
                icon=":material/search:",
                key="flip_find",
                on_click=session.guard(find),
                args=(asked,),
            )
        if memory.flip != asked:
            return
        found, _ = ask("flip", **asked)
        if found["found"]:
            _show(found, now)
        else:
            st.info(label("flip.none", tried=f"{found['tried']:,}"), icon=":material/info:")


def find(asked: dict[str, Any]) -> None:
    """Callback: search for the smallest change of this row."""
    judging().whatif.flip = asked


def take_changes(changes: list[dict[str, Any]]) -> None:
    """Callback: set the sliders to the row after these changes."""
    memory = judging().whatif
    memory.values = {**memory.values, **{change["name"]: change["to"] for change in changes}}
    for beginning in ("/whatif_value/", "/whatif_shown"):
        widgets.forget(beginning)


def _choose_class(now: dict[str, Any]) -> dict[str, Any]:
    names, said = now["class_names"], now["now"]["predicted"]
    options = [ANY, *(index for index in range(len(names)) if index != said)]
    if len(options) == 2:
        st.markdown(label("flip.two", before=names[said], after=names[options[1]]), width="content")
        return {}
    titles = {index: label("flip.any") if index == ANY else escape(names[index]) for index in options}
    held = widgets.read(TOWARD, ANY)
    shown = widgets.seed(TOWARD, held if held in options else ANY, (tuple(names), said))
    toward = st.selectbox(
        label("flip.toward"), options, widgets.find_position(options, shown), key=widgets.key_of(TOWARD), width=240,
        format_func=titles.__getitem__,
    )  # fmt: skip
    return {} if toward == ANY else {"toward": toward}


def _choose_amount(now: dict[str, Any]) -> dict[str, Any]:
    usual = float(f"{now['target']['deviation'] / 2:.2g}") or 1.0
    shown = widgets.seed(AMOUNT, widgets.read(AMOUNT, usual), now["target"])
    amount = st.number_input(
        label("flip.amount"),
        value=shown,
        key=widgets.key_of(AMOUNT),
        help=label("flip.amount.help"),
        width=200,
        format="%.4g",
    )
    return {"amount": amount if amount else usual}


def _show(found: dict[str, Any], now: dict[str, Any]) -> None:
    names = found["class_names"]
    before, after = (
        names[found[when]["predicted"]] if names else f"{found[when]['predicted']:.4g}" for when in ("before", "after")
    )
    st.markdown(
        label(
            "flip.found", before=before, after=after, distance=f"{found['distance']:.3g}", count=len(found["changes"])
        )
    )
    if "pixels" in found:
        draw_pictures([(t("whatif.now"), now["pixels"]), (t("flip.after"), found["pixels"])], now)
    else:
        for change in found["changes"]:
            values = {side: _write_value(change["kind"], change[side]) for side in ("from", "to")}
            said = t("flip.change", name=change["name"], before=values["from"], after=values["to"])
            st.markdown(f"**{escape(said)}**", help=label("flip.deviations", count=f"{change['deviations']:.3g}"))
        st.button(
            label("flip.take"),
            icon=":material/tune:",
            key="flip_take",
            on_click=session.guard(take_changes),
            args=(found["changes"],),
        )
    st.caption(label("flip.honest" if found["tight"] else "flip.loose", tried=f"{found['tried']:,}"))


def _write_value(kind: str, value: Any) -> str:
    if value is None:
        return t("whatif.missing")
    if kind == "date":
        return (EPOCH + timedelta(days=int(value))).isoformat()
    return value if isinstance(value, str) else f"{value:.6g}"


def draw_pictures(shown: list[tuple[str, list[float]]], now: dict[str, Any]) -> None:
    """Draw images side by side, each above its caption."""
    with st.container(horizontal=True, gap="small"):
        for said, pixels in shown:
            pixels_HW = np.array(pixels).reshape(now["height"], now["width"])
            times = max(1, PICTURE // max(pixels_HW.shape))
            ink = 255 - (255 * pixels_HW.clip(0, 1)).astype(np.uint8)
            with st.container(width=PICTURE + 16, gap="xxsmall"):
                st.image(ink.repeat(times, axis=0).repeat(times, axis=1), width=PICTURE, alt=said)
                st.caption(escape(said))
