"""The journal: what was changed in a run while it kept its step, each change beside the step at which it was made.

    [{"step": 0, "set": {"optimizer": {...}}}, {"step": 3400, "set": {"optimizer": {...}}}, {"step": 5000, "weights": {name: values}}]

The recipe's fields say what the run is now. An entry at step 0 says what those of them were at the beginning that were changed later, so
that the run can be followed from there: begin with the fields, then at each step do what its entry says. Nothing here touches a run.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from functools import cached_property, lru_cache
from typing import Any

import numpy as np
from pydantic import Field, SerializerFunctionWrapHandler, model_serializer

from dlcore.component import Component
from dlcore.problems import Problem

MOST_ENTRIES = 200
LONGEST_JOURNAL = 60_000  # characters of its JSON: some 5,000 weights
LAST_ENTRY = 100  # of these characters, reserved for the entry that says that no more is kept
LARGEST_STEP = 2**53
LARGEST_WEIGHT = float(np.finfo(np.float32).max)
#: Settings that can be changed and changed back without effect if no step is taken between. Any other change begins something anew.
TRACELESS = frozenset({"optimizer", "schedule", "regularizer", "gradient_clip", "batch_size"})
SHAPING = frozenset({"layers", "features", "dataset"})  # settings with which the shape of the network may change
MOST_AXES = 8  # of a tensor
ON_NAMES = {
    "weights": "finite numbers",
    "frozen": "true or false",
    "silenced": "true or false",
    "buffers": "finite numbers",
}
# Names in the plain nn.Sequential: of tensors, as "0.weight" or "2.inner.0.bias", and of modules. Which there are, the network knows.
_TENSOR = re.compile(r"\d{1,3}(?:\.\w{1,40}){1,40}", re.ASCII)
_MODULE = re.compile(r"\d{1,3}(?:\.\w{1,40}){0,40}", re.ASCII)

Values = dict[str, Any]


class Entry(Component):
    """What was changed at one step: settings of the recipe, and what a hand did to the network. What is not named stayed as it was."""

    step: int = Field(ge=0, le=LARGEST_STEP, description="Updates taken before the change; 0: how the run began.")
    set: Values | None = Field(default=None, description="Settings of the recipe from here on.")
    origins: Values | None = Field(
        default=None,
        description="Which layers and units of the network were which before, where it took another shape.",
    )
    weights: Values | None = Field(
        default=None,
        description="All numbers of a weight or bias some of which were set, by its name in the plain nn.Sequential.",
    )
    frozen: Values | None = Field(default=None, description="Which numbers of a weight or bias no update moves.")
    silenced: Values | None = Field(
        default=None,
        description="Which units of a hidden layer count as 0, by the name of its first module in the plain nn.Sequential.",
    )
    loaded: bool = Field(
        default=False, description="Whether the run went on here from a file, with its weights and a fresh optimizer."
    )
    left_out: int = Field(
        default=0,
        ge=0,
        le=LARGEST_STEP,
        description="Changes up to this step that are known of, but were too much to be kept.",
    )
    buffers: Values | None = Field(
        default=None,
        description="The numbers that layers keep for themselves, which no update moves, where another network or a file brought them.",
    )

    went_on: bool = Field(
        default=False,
        description="Whether the run went on here after it had stopped early, with the patience counted anew.",
    )

    def __hash__(self) -> int:
        return hash(self.step)

    @cached_property
    def text(self) -> str:
        """Its JSON. Cached, as each later change measures how long the whole journal is."""
        return json.dumps(self.to_dict(), separators=(",", ":"))

    @model_serializer(mode="wrap")
    def _what_it_says(self, written: SerializerFunctionWrapHandler) -> dict[str, Any]:
        return {name: value for name, value in written(self).items() if name == "step" or value}


Journal = tuple[Entry, ...]


# Checking a journal


def check(journal: Journal) -> None:
    """Whether this can be a journal, but for its settings, which the recipe knows. Raises Problem with the path of what is wrong."""
    before = 0
    for number, entry in enumerate(journal):
        path = f"journal.{number}"
        if entry.step < before:
            raise Problem("journal_order", path=f"{path}.step", before=before, came=entry.step)
        before = entry.step
        if not (
            entry.set
            or entry.weights
            or entry.frozen
            or entry.silenced
            or entry.loaded
            or entry.left_out
            or entry.buffers
            or entry.went_on
        ):
            raise Problem("journal_empty", path=path)
        for kind in ON_NAMES:
            _check_values(f"{path}.{kind}", kind, getattr(entry, kind) or {})
        _check_origins(f"{path}.origins", entry.origins or {})
    if (length := _length(journal)) > LONGEST_JOURNAL:
        raise Problem("journal_too_long", came=length, limit=LONGEST_JOURNAL)


def _check_values(path: str, kind: str, named: Values) -> None:
    pattern = _MODULE if kind == "silenced" else _TENSOR
    right = _is_switch if kind in ("frozen", "silenced") else _is_number
    for name, values in named.items():
        if not pattern.fullmatch(name):
            raise Problem("unknown_key", path=f"{path}.{name[:80]}")
        shape = _shape_of(values, right)
        if shape is None or (shape == () and kind != "buffers"):  # A buffer may be a single number.
            listed = "lists of equal length, of" if name.endswith(".weight") else "a list of"
            raise Problem(
                "wrong_type", path=f"{path}.{name}", expected=f"{listed} {ON_NAMES[kind]}", came="something else"
            )


def _shape_of(values: Any, right: Callable[[Any], bool], axes: int = MOST_AXES) -> tuple[int, ...] | None:
    """The shape of a tensor as lists of lists of right values; None for anything else."""
    if not isinstance(values, list):
        return () if right(values) else None
    shapes = {_shape_of(value, right, axes - 1) for value in values} if axes else {None}
    inner = shapes.pop() if shapes else ()
    return None if shapes or inner is None else (len(values), *inner)


def _check_origins(path: str, origins: Values) -> None:
    for name, value in origins.items():
        if name not in ("layers", "units"):
            raise Problem("unknown_key", path=f"{path}.{name[:80]}")
        right = (
            _are_places(value)
            if name == "layers"
            else isinstance(value, dict) and all(map(_are_places, value.values()))
        )
        if not right:
            raise Problem("wrong_type", path=f"{path}.{name}", expected="a list of places", came="something else")


def _are_places(values: Any) -> bool:
    return isinstance(values, list) and all(map(_is_place, values))


def _is_number(value: Any) -> bool:
    return type(value) in (int, float) and abs(value) <= LARGEST_WEIGHT  # False for NaN.


def _is_switch(value: Any) -> bool:
    return type(value) is bool


def _is_place(value: Any) -> bool:
    return value is None or (type(value) is int and 0 <= value < LARGEST_STEP)


# Recording changes


def with_settings(
    journal: Journal, step: int, before: Mapping[str, Any], after: Mapping[str, Any], origins: Values | None = None
) -> Journal:
    """Record that settings changed from `before` to `after` at this step. Several changes at one step, as by a slider, become one.

    Before the first step nothing is recorded: the run begins with the new settings.
    """
    changed = {name: value for name, value in after.items() if value != before.get(name)}
    if not changed or step == 0:
        return journal
    start, entries = _split_start(journal)
    last = _open_entry(entries, step)
    if last is not None and _forgets((last.set or {}).get("optimizer"), changed.get("optimizer")):
        last = None
    if not any(entry.left_out for entry in entries):  # Else their values at the beginning are unknown.
        first = {name: before.get(name) for name in changed}
        start = Entry(**{**_fields(start), "step": 0, "set": {**first, **((start and start.set) or {})}})
    settings = {**((last and last.set) or {}), **changed}
    # When two changes of shape become one, `origins` no longer fit: `with_network` records the resulting weights instead.
    origins = origins if last is None or last.origins is None else None
    entry = Entry(**{**_fields(last), "step": step, "set": settings, "origins": origins or None})
    return _fit_in(journal, start, (*entries[:-1], entry) if last else (*entries, entry), step)


def with_values(journal: Journal, step: int, **values: Values) -> Journal:
    """Record what was set by hand at this step: weights, frozen weights, silenced units, each by name."""
    start, entries = _split_start(journal)
    if step == 0:
        return _fit_in(journal, _with(start, 0, values), entries, 0)
    last = _open_entry(entries, step)
    return _fit_in(journal, start, (*(entries[:-1] if last else entries), _with(last, step, values)), step)


def with_network(journal: Journal, step: int, **values: Values) -> Journal:
    """Record the values of a whole new network. Values of the network before it at this step are dropped, as they mean nothing now."""
    bare = tuple(
        Entry(**{**_fields(entry), **dict.fromkeys(ON_NAMES)}) if entry.step == step else entry for entry in journal
    )
    return with_values(bare, step, **values)


def record_going_on(journal: Journal, step: int) -> Journal:
    """Record that the run went on at this step after it had stopped early."""
    start, entries = _split_start(journal)
    last = _open_entry(entries, step)
    entry = Entry(**{**_fields(last), "step": step, "went_on": True})
    return _fit_in(journal, start, (*(entries[:-1] if last else entries), entry), step)


def record_loading(journal: Journal, step: int, weights: Values | None, buffers: Values | None) -> Journal:
    """Record that the run goes on from a file. `weights` and `buffers` are all that the file has; None if they are too many."""
    past = tuple(entry for entry in journal if entry.step <= step)
    whole = weights and buffers is not None
    brought: dict[str, Any] = {"weights": weights, "buffers": buffers or None} if whole else {"left_out": 1}
    entry = Entry(step=step, loaded=True, **brought)
    kept = (*past, entry)
    return kept if _fits(kept) else without_details(past, step)


def without_details(journal: Journal, step: int) -> Journal:
    """Record that something was changed at this step whose details are not kept."""
    last = journal[-1] if journal else None
    if last is None or not last.left_out or last.loaded:
        longer = (*journal, Entry(step=step, left_out=1))
        if len(longer) <= MOST_ENTRIES and _length(longer) <= LONGEST_JOURNAL:
            return longer
        return (*journal[:-1], Entry(step=step, left_out=2))  # There is no room beside the last entry.
    more = last.left_out + (last.step != step)  # Changes at the same step count as one.
    return (*journal[:-1], Entry(step=step, left_out=more))


def is_shaped(journal: Journal, step: int) -> bool:
    """Whether the network may have taken another shape at this very step, or values were set by hand."""
    if not journal or journal[-1].step != step:
        return False
    last = journal[-1]
    return bool(SHAPING & set(last.set or ()) or any(getattr(last, one) for one in ON_NAMES))


def find_unknown_from(journal: Journal, number: int) -> int:
    """The first step at which one of the changes that entry `number` has left out may have been made."""
    entry = journal[number]
    if entry.left_out == 1:
        return entry.step
    return journal[number - 1].step if number else 0


def number_lists(array: np.ndarray) -> Any:
    """A tensor as lists: true or false, whole numbers, others with eight digits (nine where eight would read back as another float32)."""
    if array.dtype != np.float32:
        return array.tolist()
    exact = array.ravel().tolist()
    short = [float(f"{value:.8g}") for value in exact]
    for place in np.flatnonzero(np.array(short, np.float32) != array.ravel()).tolist():
        short[place] = float(f"{exact[place]:.9g}")
    return np.array(short, object).reshape(array.shape).tolist()


@lru_cache(maxsize=16)
def pack_journal(journal: Journal) -> np.ndarray:
    """The journal as an array of bytes, to be kept in a learner's state."""
    array = np.frombuffer(_text(journal).encode(), np.uint8)
    array.flags.writeable = False
    return array


def unpack_journal(array: np.ndarray) -> Journal:
    """The journal of what `pack_journal` gave."""
    return tuple(Entry.model_validate(values) for values in json.loads(array.tobytes()))


def _split_start(journal: Journal) -> tuple[Entry | None, Journal]:
    """The entry at step 0 (settings with which the run began that were changed later), None if there is none; and the later entries."""
    return (journal[0], journal[1:]) if journal and journal[0].step == 0 else (None, journal)


def _fields(entry: Entry | None) -> dict[str, Any]:
    return {} if entry is None else {name: getattr(entry, name) for name in Entry.model_fields}


def _open_entry(entries: Journal, step: int) -> Entry | None:
    """The last entry, if a change at this step can be added to it; else None."""
    last = entries[-1] if entries else None
    return last if last is not None and last.step == step and not (last.left_out or last.loaded) else None


def _forgets(before: Any, after: Any) -> bool:
    """Whether one of these optimizers does not take over the memory of the other, so that both have to be named."""
    return bool(before and after) and before["kind"] != after["kind"]


def _with(entry: Entry | None, step: int, values: Mapping[str, Values]) -> Entry:
    fields = _fields(entry)
    both = {kind: {**(fields.get(kind) or {}), **named} for kind, named in values.items() if named}
    return Entry(**{**fields, "step": step, **both})


def _fit_in(journal: Journal, start: Entry | None, entries: Journal, step: int) -> Journal:
    start, entries = _without_moved_back(start, entries)
    changed = entries if start is None else (start, *entries)
    return changed if _fits(changed) else without_details(journal, step)


def _without_moved_back(start: Entry | None, entries: Journal) -> tuple[Entry | None, Journal]:
    """Without settings of the last entry that were moved back, and without a beginning of what was never changed."""
    if entries and entries[-1].set and not any(entry.left_out for entry in entries):
        now: dict[str, Any] = dict((start and start.set) or {})
        for entry in entries[:-1]:
            now |= entry.set or {}
        last = entries[-1]
        left = {
            name: value
            for name, value in (last.set or {}).items()
            if name not in TRACELESS or name not in now or now[name] != value
        }
        last = Entry(**{**_fields(last), "set": left or None, "origins": last.origins if left else None})
        entries = (*entries[:-1], last) if _says_something(last) else entries[:-1]
    if start is not None and start.set:
        later = {name for entry in entries for name in entry.set or {}}
        first = {name: value for name, value in start.set.items() if name in later}
        start = Entry(**{**_fields(start), "set": first or None})
    return (start if start is not None and _says_something(start) else None), entries


def _says_something(entry: Entry) -> bool:
    return len(entry.to_dict()) > 1


def _fits(journal: Journal) -> bool:
    return len(journal) < MOST_ENTRIES and _length(journal) <= LONGEST_JOURNAL - LAST_ENTRY


def _length(journal: Journal) -> int:
    return sum(len(entry.text) + 1 for entry in journal)


def _text(journal: Journal) -> str:
    return f"[{','.join(entry.text for entry in journal)}]"
