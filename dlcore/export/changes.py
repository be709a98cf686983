"""What was changed in a run while it went on, a line a change: the same words in script, report, model card and on the page."""

from __future__ import annotations

from typing import Any

from dlcore.component import Component
from dlcore.datasets.drawn import Drawn
from dlcore.experiment import Experiment, settings_of
from dlcore.export.words import Words, show_value
from dlcore.journal import Entry

MOST_LINES = 20
OPTIONS = ("class_weights",)  # fields that take one of a few words


def list_changes(experiment: Experiment, words: Words) -> list[str]:
    """The lines of its journal, the oldest first; of a long one the first and the last. Empty where nothing was changed.

    They hold titles and numbers only, and no name from a table.
    """
    lines = [_write_line(entry, words) for entry in experiment.journal]
    if len(lines) <= MOST_LINES:
        return lines
    half = MOST_LINES // 2
    between = words("report.journal.more", count=f"{len(lines) - MOST_LINES:,}")
    return [*lines[:half], between, *lines[-half:]]


def _write_line(entry: Entry, words: Words) -> str:
    parts = [
        f"{_write_field(name, words)}: {_write_setting(name, value, words)}"
        for name, value in settings_of(entry.set or {}).items()
    ]
    for kind in ("weights", "frozen", "silenced"):
        if (names := getattr(entry, kind)) and not entry.loaded:
            parts.append(words(f"report.journal.{kind}", names=", ".join(names)))
    if entry.loaded:
        parts.append(words("report.journal.loaded"))
    if entry.went_on:
        parts.append(words("report.journal.went_on"))
    if entry.left_out and not entry.loaded:
        parts.append(words("report.journal.left_out", count=f"{entry.left_out:,}"))
    what = words("report.journal.and").join(parts)
    return words(
        "report.journal.start" if entry.step == 0 else "report.journal.step", step=f"{entry.step:,}", what=what
    )


def _write_setting(name: str, value: Any, words: Words) -> str:
    if name == "layers":
        return ", ".join(write_choice(layer, "layer", words) for layer in value) or words("report.no_hidden")
    if name == "features":
        return ", ".join(value or ("x1", "x2"))
    if isinstance(value, bool):
        return words("report.on" if value else "report.off")
    if name in OPTIONS:
        return words.title(f"experiment.{name}.{value}", str(value).capitalize())
    if isinstance(value, Drawn):
        return f"{write_choice(value, name, words)} ({value.rows:,})"
    return write_choice(value, name, words) if isinstance(value, Component) else show_value(value)


def write_choice(component: Any, family: str, words: Words) -> str:
    """A choice of the recipe with its fields: Adam (Learning rate 0.03)."""
    title = words.title(f"component.{family}.{component.kind}.title", component.title)
    fields = [
        f"{words.title(f'component.{family}.{component.kind}.{name}', name.replace('_', ' '))} {value:g}"
        for name in type(component).model_fields
        if name != "kind" and isinstance(value := getattr(component, name), int | float)
    ]
    return f"{title} ({', '.join(fields)})" if fields else title


def _write_field(name: str, words: Words) -> str:
    return words.title(f"experiment.{name}", name.replace("_", " ").capitalize())
