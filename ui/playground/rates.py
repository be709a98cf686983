"""Another optimizer keeps the learning rate: what it usually wants is said under its menu, with a button that sets it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import streamlit as st

from dlcore.component import kinds
from dlcore.optimizers import Optimizer
from ui import session
from ui.forms import write_number
from ui.playground.recipe_fields import read_title
from ui.session import label, widgets

NAME = "learning_rate"
Values = Mapping[str, Any]


@dataclass
class Rates:
    """The learning rate that a person set for each optimizer, and the one that they took along to another optimizer."""

    chosen: dict[str, float] = field(default_factory=dict)  # {kind: rate}
    carried: tuple[str, float] | None = None  # (kind, rate) since the optimizer was changed

    def follow(self, before: Values, after: Values) -> None:
        """Remember what a change of the optimizer says: another kind took the rate along, or this kind was given a rate."""
        if before["kind"] != after["kind"]:
            self.carried = (after["kind"], after[NAME])
        elif before[NAME] != after[NAME]:
            self.chosen[after["kind"]] = after[NAME]

    def find_wanted(self, optimizer: Values) -> float | None:
        """The rate to offer: what the person last set for this optimizer, else its default. None unless another rate was taken along."""
        kind = optimizer["kind"]
        wanted = self.chosen.get(kind, kinds(Optimizer)[kind].model_fields[NAME].default)
        return wanted if self.carried == (kind, optimizer[NAME]) and wanted != optimizer[NAME] else None


def draw_offer(optimizer: Values) -> None:
    """Draw the line with the button, if there is a rate to offer."""
    rates = session.current().memory(Rates)
    wanted = rates.find_wanted(optimizer)
    if wanted is None:
        return
    kind = optimizer["kind"]
    key = "rate.own" if kind in rates.chosen else "rate.usual"
    facts = {"optimizer": read_title("optimizer", kind), "rate": write_number(wanted)}
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="rate_offer"):
        st.caption(label(key, **facts, present=write_number(optimizer[NAME])), width="stretch")
        st.button(
            label("rate.take", rate=facts["rate"]), key="rate_take", on_click=take_rate, args=(wanted,), width="content"
        )


@session.guard
def take_rate(rate: float) -> None:
    """Callback: give the present optimizer this learning rate."""
    state = session.current()
    before = state.draft["optimizer"]
    after = {**before, NAME: rate}
    state.memory(Rates).follow(before, after)
    state.draft = {**state.draft, "optimizer": after}
    widgets.forget(f"optimizer.{after['kind']}.{NAME}")
