"""Component -> widgets -> Component. Generic: knows no layer, loss or data set by name.

A field's bounds choose its widget (`choose_scale`), its description is its help, and a union of components is a menu of kinds with the
fields of the chosen one below. Forms read and give plain recipe values; the whole recipe is checked once, as an Experiment.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, get_origin

import streamlit as st
from pydantic.fields import FieldInfo

from dlcore.catalogue import FAMILIES
from dlcore.component import Component, kind_of, kinds, list_fields, options_of
from dlcore.editing.carrying import Left
from ui.rail.scales import Entry as Entry
from ui.rail.scales import Ladder, Scale, Slider, choose_scale, find_limits, write_number
from ui.session import current, label, t, widgets


def component_form(
    cls: type[Component], family: str, values: Mapping[str, Any], path: str, tucked: Collection[str] = ()
) -> dict[str, Any]:
    """Draw widgets for the fields of one component, those named in `tucked` behind a button; returns their values."""
    kind = kind_of(cls)
    fields = {name: info for name, info in list_fields(cls).items() if has_widget(info)}
    hidden = [name for name in fields if name in tucked]

    def draw(names: list[str]) -> dict[str, Any]:
        prefix = f"component.{family}.{kind}"
        return {
            name: field_form(fields[name], name, values[name], f"{path}.{kind}.{name}", f"{prefix}.{name}")
            for name in names
        }

    chosen = draw([name for name in fields if name not in tucked])
    if hidden:
        name = f"component.{family}.{kind}.{hidden[0]}" if len(hidden) == 1 else "more"
        with st.popover(
            label(name), icon=":material/tune:", width="stretch", key=widgets.key_of(f"{path}.{kind}/more")
        ):
            chosen |= draw(hidden)
    return {"kind": kind} | {name: chosen.get(name, values[name]) for name in list_fields(cls)}


def has_widget(info: FieldInfo) -> bool:
    """Whether the field has a widget; a list of points has none, as it is edited on the canvas."""
    return get_origin(info.annotation) is not tuple


def field_form(info: FieldInfo, name: str, value: Any, path: str, key: str) -> Any:
    """Draw the widget of one field; returns its value."""
    if info.discriminator:
        return choice_form(name, value, path, key)
    if info.annotation is bool:
        held = widgets.seed(path, widgets.read(path, value), bool)
        return st.toggle(label(key), held, key=widgets.key_of(path), help=label(f"{key}.help"))
    if options := options_of(info.annotation):
        return option_form(options, value, path, key)
    return number_form(info, value, path, key)


def option_form(options: tuple[str, ...], value: str, path: str, key: str) -> str:
    """Draw a menu of a few words; returns the chosen one."""
    titles = {option: t(f"{key}.{option}") for option in options}
    held = widgets.seed(path, widgets.read(path, value), options)
    return st.selectbox(
        label(key), options, options.index(held), format_func=titles.__getitem__, key=widgets.key_of(path),
        help=label(f"{key}.help"),
    )  # fmt: skip


def choice_form(
    family: str,
    values: Mapping[str, Any],
    path: str,
    key: str,
    allowed: Collection[str] | None = None,
    tucked: Collection[str] = (),
) -> dict[str, Any]:
    """Draw a menu of the kinds of a family, and the fields of the chosen kind; returns their values."""
    chosen = kind_form(family, values, path, key, allowed)
    return component_form(kinds(FAMILIES[family])[chosen["kind"]], family, chosen, path, tucked)


def kind_form(
    family: str, values: Mapping[str, Any], path: str, key: str, allowed: Collection[str] | None = None
) -> dict[str, Any]:
    """Draw a menu of the kinds of a family; returns the chosen kind's values, with what the kind before it had in common."""
    classes = kinds(FAMILIES[family])
    options = [kind for kind in classes if allowed is None or kind in allowed]
    kind_path = f"{path}.kind"
    chosen = widgets.read(kind_path, values["kind"])
    chosen = chosen if chosen in options else options[0]
    widgets.seed(kind_path, chosen, tuple(options))
    titles = {kind: t(f"component.{family}.{kind}.title") for kind in options}
    kind = st.selectbox(
        label(key),
        options,
        options.index(chosen),
        format_func=titles.__getitem__,
        key=widgets.key_of(kind_path),
        help=label(f"component.{family}.{chosen}.help"),
    )
    if kind == values["kind"]:
        return dict(values)
    left = current().memory(Left)
    return {"kind": kind, **left.change_kind(path, values, classes[values["kind"]], classes[kind])}


def number_form(info: FieldInfo, value: float, path: str, key: str, scale: Scale | None = None, zero: str = "0") -> Any:
    """Draw the widget of a bounded number; returns its value. `scale` overrides the widget chosen by the bounds; `zero` is shown for 0."""
    scale = scale or choose_scale(info)
    arguments: dict[str, Any] = {"key": widgets.key_of(path), "help": _help(info, scale, key)}
    held = widgets.read(path, value)
    if isinstance(scale, Ladder):
        # A value from a file or an automatic repair may lie between the rungs: it becomes a rung.
        rungs = tuple(sorted({*scale.rungs, held}))
        widgets.seed(path, held, rungs)
        return st.select_slider(
            label(key), rungs, held, format_func=lambda rung: write_number(rung) if rung else zero, **arguments
        )
    if isinstance(scale, Slider):
        # A value from a file may be below the slider's first step: the slider is extended to it.
        lower = min(scale.lower, held)
        widgets.seed(path, held, (scale, lower))
        return st.slider(
            label(key), lower, scale.upper, held, step=scale.step, format=_choose_number_format(info), **arguments
        )
    held = widgets.seed(path, min(max(held, scale.lower), scale.upper), scale)
    return st.number_input(label(key), scale.lower, scale.upper, held, step=1, **arguments)


def _choose_number_format(info: FieldInfo) -> str:
    return "%d" if info.annotation is int else "%.2f"


def _help(info: FieldInfo, scale: Scale, key: str) -> str:
    which, lower, upper = find_limits(info, scale)
    return f"{label(f'{key}.help')} {label(which, lower=write_number(lower), upper=write_number(upper))}"
