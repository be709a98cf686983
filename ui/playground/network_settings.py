"""The settings of the network: its stack of layers, from input to output."""

from __future__ import annotations

import streamlit as st

from dlcore.component import kinds
from dlcore.editing.fitting import Draft, make_layer
from dlcore.experiment import MOST_LAYERS, Experiment, LayerPlan
from dlcore.layers import Layer
from dlcore.problems import Problem
from ui import forms
from ui.messages import escape
from ui.playground.recipe_fields import read_title
from ui.session import editing, label, t


def draw_network_settings(draft: Draft) -> Draft:
    """The stack of layers, from input to output."""
    layers = draft["layers"]
    plan = _make_plan(draft)
    chosen = [_draw_layer(position, layer, len(layers), plan) for position, layer in enumerate(layers)]
    _draw_add_buttons(len(layers))
    if plan is not None:
        output = t("network.output", units=plan[-1].outputs, activation=read_title("activation", plan[-1].activation))
        st.caption(f"{escape(output)} · {_write_shapes(plan[-1])}")
        st.caption(label("network.total", parameters=f"{sum(layer.parameters for layer in plan):,}"))
    return {"layers": chosen}


def _make_plan(draft: Draft) -> tuple[LayerPlan, ...] | None:
    try:
        return Experiment.from_dict(draft).plan()
    except Problem:
        return None


def _draw_layer(position: int, values: Draft, count: int, plan: tuple[LayerPlan, ...] | None) -> Draft:
    cls = kinds(Layer)[values["kind"]]
    with st.container(border=True, gap="xsmall"):
        with st.container(horizontal=True, vertical_alignment="center", gap="xsmall"):
            heading = f"**{position + 1} · {escape(read_title('layer', values['kind']))}**"
            st.markdown(heading, help=label(f"component.layer.{values['kind']}.help"), width="stretch")
            _draw_move_button(position, "up", position == 0)
            _draw_move_button(position, "down", position == count - 1)
            _draw_move_button(position, "remove", False)
        chosen = forms.component_form(cls, "layer", values, f"layers.{position}", tucked=("initializer",))
        if plan is not None:
            st.caption(_write_shapes(plan[position]))
    return chosen


def _write_shapes(layer: LayerPlan) -> str:
    return label("network.shapes", inputs=layer.inputs, outputs=layer.outputs, parameters=f"{layer.parameters:,}")


def _draw_move_button(position: int, move: str, disabled: bool) -> None:
    icons = {"up": ":material/arrow_upward:", "down": ":material/arrow_downward:", "remove": ":material/close:"}
    st.button(
        icons[move], key=f"layer_{move}_{position}", type="tertiary", disabled=disabled, help=label(f"layer.{move}"),
        on_click=editing.edit_layers, args=(MOVES[move], position),
    )  # fmt: skip


def _move_up(layers: list[Draft], position: int) -> None:
    layers[position - 1 : position + 1] = reversed(layers[position - 1 : position + 1])


def _move_down(layers: list[Draft], position: int) -> None:
    _move_up(layers, position + 1)


def _remove(layers: list[Draft], position: int) -> None:
    del layers[position]


def _add(layers: list[Draft], kind: str) -> None:
    layers.append(make_layer(kind, layers))


MOVES = {"up": _move_up, "down": _move_down, "remove": _remove}


def _draw_add_buttons(count: int) -> None:
    full = count >= MOST_LAYERS
    with st.container(horizontal=True, gap="small"):
        for kind in kinds(Layer):
            st.button(
                label("layer.add", layer=read_title("layer", kind)), key=f"layer_add_{kind}", icon=":material/add:",
                disabled=full, help=label("layer.full", limit=MOST_LAYERS) if full else None, width="stretch",
                on_click=editing.edit_layers, args=(_add, kind),
            )  # fmt: skip
