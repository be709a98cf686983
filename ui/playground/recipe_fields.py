"""Widgets for single fields of the experiment, and the names of its choices."""

from __future__ import annotations

from typing import Any

from dlcore.editing.fitting import Draft
from dlcore.experiment import Experiment
from ui import forms
from ui.session import t

FIELDS = Experiment.model_fields


def draw_number(name: str, draft: Draft, scale: forms.Scale | None = None, zero: str = "0") -> Any:
    """A number of the experiment itself."""
    return forms.number_form(FIELDS[name], draft[name], name, f"experiment.{name}", scale, zero)


def draw_choice(family: str, draft: Draft, allowed: list[str] | None = None, tucked: tuple[str, ...] = ()) -> Draft:
    """A family of the experiment itself."""
    return forms.choice_form(family, draft[family], family, f"experiment.{family}", allowed, tucked)


def read_title(family: str, kind: str) -> str:
    return t(f"component.{family}.{kind}.title")
