"""The settings at the side: each group draws its widgets and gives the part of the draft that they hold."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import streamlit as st

from dlcore.component import kinds, validated
from dlcore.datasets import Dataset
from dlcore.datasets.drawn import Drawn
from dlcore.experiment import FEATURES, MOST_LAYERS, Experiment, LayerPlan
from dlcore.layers import Layer
from dlcore.problems import Problem
from ui import forms, pages, session
from ui.differences import FEATURE_SIGNS
from ui.fitting import (
    OWN_KINDS,
    Draft,
    dataset_groups,
    fitted_loss,
    fitted_weights,
    fitting_losses,
    has_features,
    has_own_split,
    most_rows,
    new_layer,
    objective_of,
)  # fmt: skip
from ui.messages import escape
from ui.playground.memory import Playing
from ui.session import editing, label, standing, t, widgets
from ui.shaping import USUAL_FEATURES, drawn_from
from ui.takehome import take_home

TABS = ("data", "network", "learning", "home")
DEVICES = ("auto", "cpu", "cuda", "mps")
FIELDS = Experiment.model_fields
TWO_PARTS = {"validation_fraction": 0.0, "sealed": False}
# Parts of the recipe on which nothing depends that another tab shows; nor does it on the noise of the data.
OF_ONE_TAB = {
    "layers", "optimizer", "batch_size", "regularizer", "schedule", "gradient_clip", "early_stopping", "seed",
    "class_weights",
}  # fmt: skip


def number(name: str, draft: Draft, scale: forms.Scale | None = None, zero: str = "0") -> Any:
    """A number of the experiment itself."""
    return forms.number_form(FIELDS[name], draft[name], name, f"experiment.{name}", scale, zero)


def choice(family: str, draft: Draft, allowed: list[str] | None = None, tucked: tuple[str, ...] = ()) -> Draft:
    """A family of the experiment itself."""
    return forms.choice_form(family, draft[family], family, f"experiment.{family}", allowed, tucked)


# Data


def data_settings(draft: Draft) -> Draft:
    """Which rows, how many, how split; which inputs are made of them."""
    dataset = _dataset(draft["dataset"])
    chosen: Draft = {"dataset": dataset}
    if has_own_split(dataset):
        chosen |= _drawn_parts(draft, dataset)
    else:
        chosen |= _parts(draft)
    if has_features(dataset):
        chosen["features"] = _features(draft.get("features"))
    chosen["seed"] = _seed(draft)
    return chosen


def _drawn_parts(draft: Draft, dataset: Draft) -> Draft:
    """How many points each part has, which say themselves what they are for."""
    counts = {part: len(dataset[part]) for part in ("train", "validation", "test")}
    three = ".validation" if counts["validation"] else ""
    st.caption(label(f"points.on_the_map{three}", **counts))
    return {**TWO_PARTS, "sealed": _sealed(draft)} if three else TWO_PARTS


def _sealed(draft: Draft) -> bool:
    return forms.field_form(FIELDS["sealed"], "sealed", draft["sealed"], "sealed", "experiment.sealed")


def _parts(draft: Draft) -> Draft:
    """How the rows are split, in two parts or three."""
    test = number("test_fraction", draft)
    validation = number("validation_fraction", draft, forms.Slider(0.0, 0.5, 0.01))
    if not validation:
        return {"test_fraction": test, **TWO_PARTS}
    return {"test_fraction": test, "validation_fraction": validation, "sealed": _sealed(draft)}


def _dataset(values: Draft) -> Draft:
    kind = values["kind"]
    for group, options in dataset_groups().items():
        _group_of_datasets(group, {kind: _title("dataset", kind) for kind in options}, kind)
    _own_data(values)
    if kind in OWN_KINDS:
        return _own_form(values)
    st.caption(label(f"component.dataset.{kind}.help"))
    return forms.component_form(kinds(Dataset)[kind], "dataset", values, "dataset")


def _group_of_datasets(group: str, titles: dict[str, str], chosen: str) -> None:
    path = f"dataset/{group}"
    options = list(titles)
    here = widgets.seed(path, chosen if chosen in options else None, (chosen, *titles.values()))
    st.pills(
        label(f"dataset.{group}"),
        options,
        default=here,
        format_func=lambda kind: escape(titles[kind]),
        key=widgets.key_of(path),
        on_change=choose_dataset,
        args=(path,),
    )


def _own_data(values: Draft) -> None:
    """What somebody has brought, and the way to bring more."""
    state = session.current().memory(pages.DATA.memory)
    if values["kind"] in OWN_KINDS:
        state.own = values
    if state.own is not None:
        _group_of_datasets("own", {state.own["kind"]: state.own["name"]}, values["kind"])
    st.page_link(
        pages.DATA.script, label=label("own.bring"), icon=":material/table_chart:", query_params=st.query_params.to_dict(),
        help=label("own.bring.help"),
    )  # fmt: skip


def _own_form(values: Draft) -> Draft:
    """What a table of one's own is, in a sentence; of images, how many are used."""
    dataset = validated(kinds(Dataset)[values["kind"]], values)
    if values["kind"] == "images":
        facts = {name: values[name] for name in ("name", "height", "width")}
        st.caption(label("own.images", rows=f"{values['available']:,}", classes=dataset.num_classes, **facts))
        info = kinds(Dataset)["images"].model_fields["samples"]
        samples = forms.field_form(
            info, "samples", values["samples"], "dataset.images.samples", "component.dataset.images.samples"
        )
        return {**values, "samples": samples}
    facts = {
        "name": values["name"],
        "target": values["target"],
        "columns": len(values["columns"]),
        "inputs": dataset.inputs,
    }
    st.caption(label("own.table", rows=f"{values['rows']:,}", **facts))
    if dataset.surface == "plane":  # The features are made of x₁ and x₂, as those of the other planes.
        first, second = dataset.column_names
        st.caption(label("own.plane", first=first, second=second))
    return values


@session.guard
def choose_dataset(path: str) -> None:
    """Take the pressed data set; what means the same there stays as it is. A second press changes nothing."""
    state = session.current()
    before = state.draft["dataset"]
    kind = widgets.read(path, None) or before["kind"]
    classes = kinds(Dataset)
    if kind in OWN_KINDS:
        dataset = state.memory(pages.DATA.memory).own or before
    else:
        dataset = {"kind": kind, **forms.carried(before, classes[before["kind"]], classes[kind])}
    if classes[kind] is Drawn and kind != before["kind"]:
        dataset = _points_to_draw_on(dataset)
    loss = fitted_loss(state.draft["loss"], dataset, before)
    if loss != state.draft["loss"]:
        state.notices.append(t("adjusted.loss", dataset=_title("dataset", kind), loss=_title("loss", loss["kind"])))
    weights = fitted_weights(state.draft["class_weights"], dataset)
    if weights != state.draft["class_weights"]:
        state.notices.append(t("adjusted.class_weights", dataset=_title("dataset", kind)))
    parts = TWO_PARTS if has_own_split(dataset) or has_own_split(before) else {}
    if dataset.get("validation"):
        parts = {**TWO_PARTS, "sealed": state.draft["sealed"]}
    widgets.put({**state.draft, "dataset": dataset, "loss": loss, "class_weights": weights, **parts})


def _points_to_draw_on(otherwise: Draft) -> Draft:
    """The points there are, if somebody can draw on with them."""
    try:
        return drawn_from(session.current().experiment).to_dict()
    except Problem:
        return otherwise


def _title(family: str, kind: str) -> str:
    return t(f"component.{family}.{kind}.title")


def _features(features: list[str] | None) -> list[str] | None:
    usual = list(USUAL_FEATURES)
    chosen = widgets.seed("features", widgets.read("features", features or usual), FEATURES)
    held = st.pills(
        label("experiment.features"),
        FEATURES,
        default=chosen,
        selection_mode="multi",
        format_func=lambda feature: FEATURE_SIGNS[feature],
        key=widgets.key_of("features"),
        help=label("experiment.features.help"),
    )
    # The same inputs in the recipe's own order are the same experiment.
    if set(held) == set(features or usual) and len(held) == len(features or usual):
        return features
    return [feature for feature in FEATURES if feature in held]


def _seed(draft: Draft) -> int:
    left, right = st.columns([3, 2], vertical_alignment="bottom")
    with left:
        value = number("seed", draft)
    right.button(
        label("seed.new"), icon=":material/casino:", on_click=editing.new_seed, key="new_seed", width="stretch",
        help=label("seed.new.help"),
    )  # fmt: skip
    return value


# Network


def network_settings(draft: Draft) -> Draft:
    """The stack of layers, from input to output."""
    layers = draft["layers"]
    plan = _plan(draft)
    chosen = [_layer(position, layer, len(layers), plan) for position, layer in enumerate(layers)]
    _add_buttons(len(layers))
    if plan is not None:
        output = t("network.output", units=plan[-1].outputs, activation=_title("activation", plan[-1].activation))
        st.caption(f"{escape(output)} · {_shapes(plan[-1])}")
        st.caption(label("network.total", parameters=f"{sum(layer.parameters for layer in plan):,}"))
    return {"layers": chosen}


def _plan(draft: Draft) -> tuple[LayerPlan, ...] | None:
    try:
        return Experiment.from_dict(draft).plan()
    except Problem:
        return None


def _layer(position: int, values: Draft, count: int, plan: tuple[LayerPlan, ...] | None) -> Draft:
    cls = kinds(Layer)[values["kind"]]
    with st.container(border=True, gap="xsmall"):
        with st.container(horizontal=True, vertical_alignment="center", gap="xsmall"):
            heading = f"**{position + 1} · {escape(_title('layer', values['kind']))}**"
            st.markdown(heading, help=label(f"component.layer.{values['kind']}.help"), width="stretch")
            _move_button(position, "up", position == 0)
            _move_button(position, "down", position == count - 1)
            _move_button(position, "remove", False)
        chosen = forms.component_form(cls, "layer", values, f"layers.{position}", tucked=("initializer",))
        if plan is not None:
            st.caption(_shapes(plan[position]))
    return chosen


def _shapes(layer: LayerPlan) -> str:
    return label("network.shapes", inputs=layer.inputs, outputs=layer.outputs, parameters=f"{layer.parameters:,}")


def _move_button(position: int, move: str, disabled: bool) -> None:
    icons = {"up": ":material/arrow_upward:", "down": ":material/arrow_downward:", "remove": ":material/close:"}
    st.button(
        icons[move], key=f"layer_{move}_{position}", type="tertiary", disabled=disabled, help=label(f"layer.{move}"),
        on_click=editing.edit_layers, args=(MOVES[move], position),
    )  # fmt: skip


def _up(layers: list[Draft], position: int) -> None:
    layers[position - 1 : position + 1] = reversed(layers[position - 1 : position + 1])


def _down(layers: list[Draft], position: int) -> None:
    _up(layers, position + 1)


def _remove(layers: list[Draft], position: int) -> None:
    del layers[position]


def _add(layers: list[Draft], kind: str) -> None:
    layers.append(new_layer(kind, layers))


MOVES = {"up": _up, "down": _down, "remove": _remove}


def _add_buttons(count: int) -> None:
    full = count >= MOST_LAYERS
    with st.container(horizontal=True, gap="small"):
        for kind in kinds(Layer):
            st.button(
                label("layer.add", layer=_title("layer", kind)), key=f"layer_add_{kind}", icon=":material/add:",
                disabled=full, help=label("layer.full", limit=MOST_LAYERS) if full else None, width="stretch",
                on_click=editing.edit_layers, args=(_add, kind),
            )  # fmt: skip


# Learning


def learning_settings(draft: Draft) -> Draft:
    """How the network learns; all of it takes effect while it runs."""
    return {
        "optimizer": choice("optimizer", draft, tucked=("alpha", "beta1", "beta2")),
        "loss": choice("loss", draft, fitting_losses(draft["dataset"])),
        "class_weights": _class_weights(draft),
        "batch_size": _batch_size(draft),
        "regularizer": choice("regularizer", draft),
        "schedule": choice("schedule", draft),
        "gradient_clip": number("gradient_clip", draft, zero=t("off")),
        "early_stopping": number("early_stopping", draft, zero=t("off")),
    }


def _class_weights(draft: Draft) -> str:
    """Beside the loss, of which they are a part; where a number is the target there are none."""
    name = "class_weights"
    if not objective_of(draft["dataset"]).has_classes:
        return fitted_weights(draft[name], draft["dataset"])
    return forms.field_form(FIELDS[name], name, draft[name], name, f"experiment.{name}")


def _batch_size(draft: Draft) -> int:
    most = most_rows(draft)
    left, right = st.columns([3, 2], vertical_alignment="bottom")
    with left:
        value = number("batch_size", draft, forms.Entry(1, most))
    right.button(
        label("batch.all"), key="batch_all", on_click=take_all_rows, args=(most,), width="stretch",
        help=label("batch.all.help"), disabled=value == most,
    )  # fmt: skip
    return value


@session.guard
def take_all_rows(most: int) -> None:
    """Batch gradient descent."""
    state = session.current()
    state.draft = {**state.draft, "batch_size": most}
    widgets.forget("batch_size")


def _learning_and_device(draft: Draft) -> Draft:
    chosen = learning_settings(draft)
    device_settings()
    return chosen


GROUPS: dict[str, Callable[[Draft], Draft]] = {
    "data": data_settings,
    "network": network_settings,
    "learning": _learning_and_device,
}


def device_settings() -> None:
    """Where the run computes."""
    names = {device: t(f"device.{device}") for device in DEVICES}
    chosen = widgets.seed("/device", session.current().device, DEVICES)
    st.segmented_control(
        label("device"),
        DEVICES,
        default=chosen,
        format_func=names.__getitem__,
        key=widgets.key_of("/device"),
        help=label("device.help"),
        on_change=choose_device,
    )


@session.guard
def choose_device() -> None:
    """Compute there, if there is such a device here."""
    chosen = widgets.read("/device", None)
    if chosen is not None:
        standing.choose_device(chosen)


def sidebar(draft: Draft, token: str) -> Draft:
    """All settings at the side, unless the address has taken every one of them away."""
    if not shown_tabs():
        return draft
    with st.sidebar:
        return all_settings(draft, token)


def shown_tabs() -> tuple[str, ...]:
    """The groups of settings that the address leaves."""
    return tuple(name for name in TABS if not session.hides(name))


def all_settings(draft: Draft, token: str) -> Draft:
    """The whole recipe as the widgets say it.

    The first run of a session draws the first tab alone, so that the page opens sooner; the canvas asks for the rest once its
    picture stands. Not when a tab is opened: Streamlit's tabs that tell the script so fall back when two are pressed quickly.
    """
    state = session.current()
    shown = shown_tabs()
    tabs = dict(zip(shown, st.tabs([label(f"tab.{name}") for name in shown]), strict=True))
    memory = state.memory(Playing)
    drawn = shown if memory.furnished else shown[:1]
    memory.furnished = memory.drawing = True
    state.draft = draft
    try:
        for name, settings in GROUPS.items():
            if name in drawn:
                with tabs[name]:
                    _group(settings)
            if name == "data":
                state.draft = _with_fitting_batch(state.draft)
    finally:
        memory.drawing = False
    if "home" in drawn:
        with tabs["home"]:
            take_home(token)
    return state.draft


@st.fragment
def _group(settings: Callable[[Draft], Draft]) -> None:
    """The settings of a tab. A fragment: what concerns no other tab runs this one alone, a third of the work of the page."""
    state = session.current()
    draft = {**state.draft, **settings(state.draft)}
    if not has_features(draft["dataset"]):
        draft.pop("features", None)
    if state.memory(Playing).drawing:
        state.draft = draft
        return
    elsewhere = state.complained or state.problems or concerns_other_tabs(state.experiment.to_dict(), draft)
    if elsewhere or editing.submit(draft) or state.notices:
        st.rerun()


def concerns_other_tabs(before: Draft, after: Draft) -> bool:
    """Whether what another tab or the page shows depends on what has changed."""
    return any(
        _without_noise(before.get(name)) != _without_noise(after.get(name)) for name in {*before, *after} - OF_ONE_TAB
    )


def _without_noise(part: Any) -> Any:
    return {name: value for name, value in part.items() if name != "noise"} if isinstance(part, dict) else part


def _with_fitting_batch(draft: Draft) -> Draft:
    most = most_rows(draft)
    if draft["batch_size"] <= most:
        return draft
    session.current().notices.append(t("adjusted.batch", rows=most))
    widgets.forget("batch_size")
    return {**draft, "batch_size": most}
