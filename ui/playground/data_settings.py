"""The settings of the data: which rows, how many, how split, and which inputs are made of them."""

from __future__ import annotations

import math

import streamlit as st

from dlcore.component import kinds, validated
from dlcore.datasets import Dataset
from dlcore.datasets.drawn import Drawn
from dlcore.editing.carrying import Left
from dlcore.editing.fitting import (
    OWN_KINDS,
    TWO_PARTS,
    USUAL_FEATURES,
    Draft,
    fit_loss,
    fit_split,
    fit_weights,
    group_datasets,
    has_features,
    has_own_split,
    objective_of,
)
from dlcore.editing.shaping import to_drawn
from dlcore.experiment import FEATURES
from dlcore.problems import Problem
from ui import forms, pages, session
from ui.differences import FEATURE_SIGNS
from ui.messages import escape, sentence
from ui.playground.proposing import draw_proposal, follow_data, has_own_settings
from ui.playground.recipe_fields import FIELDS, draw_number, read_title
from ui.session import editing, label, standing, t, widgets

FEW = 50  # rows with fewer than which a score says little


def draw_data_settings(draft: Draft) -> Draft:
    """Draw the data set, number of rows, split and input features; returns the draft of these parts."""
    dataset = _draw_dataset(draft["dataset"])
    chosen: Draft = {"dataset": dataset}
    under_the_data = st.container()
    if has_own_split(dataset):
        chosen |= _describe_parts(draft, dataset)
    else:
        chosen |= _draw_parts(draft, dataset)
    if has_features(dataset):
        chosen["features"] = _draw_features(draft.get("features"))
    chosen["seed"] = _draw_seed(draft)
    with under_the_data:
        draw_proposal({**draft, **chosen})  # Last, as features and split may just have been changed.
    return chosen


def _describe_parts(draft: Draft, dataset: Draft) -> Draft:
    """State how many drawn points are for training, validation and test: each point says which part it belongs to."""
    counts = {part: len(dataset[part]) for part in ("train", "validation", "test")}
    _say_if_few(counts, dataset)
    three = ".validation" if counts["validation"] else ""
    st.caption(label(f"points.on_the_map{three}", **counts))
    return {**TWO_PARTS, "sealed": _draw_sealed(draft)} if three else TWO_PARTS


def _draw_sealed(draft: Draft) -> bool:
    return forms.field_form(FIELDS["sealed"], "sealed", draft["sealed"], "sealed", "experiment.sealed")


def _draw_parts(draft: Draft, dataset: Draft) -> Draft:
    """Draw how the rows are split: train and test, or with validation rows between."""
    test = draw_number("test_fraction", draft)
    validation = draw_number("validation_fraction", draft, forms.Slider(0.0, 0.5, 0.01))
    sealed = _draw_sealed(draft) if validation else False
    source = validated(kinds(Dataset)[dataset["kind"]], dataset)
    counts = {"validation": source.validation_rows(validation), "test": source.test_rows(test)}
    _say_if_few(counts, dataset)
    return {"test_fraction": test, "validation_fraction": validation, "sealed": sealed}


def _say_if_few(counts: dict[str, int], dataset: Draft) -> None:
    """Say so if there are so few rows in a part that its score is mostly chance."""
    few = [(rows, part) for part in ("validation", "test") if 0 < (rows := counts[part]) < FEW]
    if not few:
        return
    rows, part = min(few)
    key = "classes" if objective_of(dataset).has_classes else "numbers"
    st.caption(label(f"few_rows.{key}", rows=rows, part=t(f"few_rows.{part}"), points=round(100 * find_margin(rows))))


def find_margin(rows: int) -> float:
    """By how much an accuracy of 0.8 on so many rows may be off: 1.96 standard errors of a share (Wald, 95%)."""
    return 1.96 * math.sqrt(0.8 * 0.2 / rows)


def _draw_dataset(values: Draft) -> Draft:
    kind = values["kind"]
    for group, options in group_datasets().items():
        _draw_group(group, {kind: read_title("dataset", kind) for kind in options}, kind)
    _draw_own_data(values)
    if kind in OWN_KINDS:
        return _draw_own_form(values)
    st.caption(label(f"component.dataset.{kind}.help"))
    return forms.component_form(kinds(Dataset)[kind], "dataset", values, "dataset")


def _draw_group(group: str, titles: dict[str, str], chosen: str) -> None:
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


def _draw_own_data(values: Draft) -> None:
    """Draw the data that the pupil brought, and the link to the page Data to bring more."""
    state = session.current().memory(pages.DATA.memory)
    if values["kind"] in OWN_KINDS:
        state.own = values
    if state.own is not None:
        _draw_group("own", {state.own["kind"]: state.own["name"]}, values["kind"])
    st.page_link(
        pages.DATA.script, label=label("own.bring"), icon=":material/table_chart:", query_params=st.query_params.to_dict(),
        help=label("own.bring.help"),
    )  # fmt: skip


def _draw_own_form(values: Draft) -> Draft:
    """Describe an own table in a sentence; for own images, draw how many are used."""
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
    if dataset.surface == "plane":  # Data on a plane have features made of x₁ and x₂, as the toy data have.
        first, second = dataset.column_names
        st.caption(label("own.plane", first=first, second=second))
    return values


@session.guard
def choose_dataset(path: str) -> None:
    """Switch to the pressed data set, keeping the values of fields that both have. A press on the present one changes nothing."""
    pressed = widgets.read(path, None)
    standing.follow_run()
    state = session.current()
    before = state.draft["dataset"]
    kind = pressed or before["kind"]
    classes = kinds(Dataset)
    if kind in OWN_KINDS:
        dataset = state.memory(pages.DATA.memory).own or before
    else:
        dataset = {
            "kind": kind,
            **state.memory(Left).change_kind("dataset", before, classes[before["kind"]], classes[kind]),
        }
    if classes[kind] is Drawn and kind != before["kind"]:
        dataset = _make_points(dataset)
    told: list[Problem] = []
    loss = fit_loss(state.draft["loss"], dataset, before)
    if loss != state.draft["loss"]:
        told.append(Problem("adjusted_loss", dataset_title=kind, loss_title=loss["kind"]))
    weights = fit_weights(state.draft["class_weights"], dataset)
    if weights != state.draft["class_weights"]:
        told.append(Problem("adjusted_class_weights", dataset_title=kind))
    state.notices += [sentence(state.language, problem) for problem in told]
    parts = fit_split(state.draft, dataset) if dataset != before else {}
    draft = {**state.draft, "dataset": dataset, "loss": loss, "class_weights": weights, **parts}
    widgets.put(follow_data(draft, has_own_settings(state.draft)))


def _make_points(otherwise: Draft) -> Draft:
    """The present points as drawn ones, which can be edited; `otherwise` where they do not lie on a plane or have no classes."""
    try:
        return to_drawn(session.current().experiment).to_dict()
    except Problem:
        return otherwise


def _draw_features(features: list[str] | None) -> list[str] | None:
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
    # The same features in another order: return the recipe's own order, so that the experiment counts as unchanged.
    if set(held) == set(features or usual) and len(held) == len(features or usual):
        return features
    return [feature for feature in FEATURES if feature in held]


def _draw_seed(draft: Draft) -> int:
    left, right = st.columns([3, 2], vertical_alignment="bottom")
    with left:
        value = draw_number("seed", draft)
    right.button(
        label("seed.new"), icon=":material/casino:", on_click=editing.new_seed, key="new_seed", width="stretch",
        help=label("seed.new.help"),
    )  # fmt: skip
    return value
