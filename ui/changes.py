"""The journal of a run, changes made while it trained, in the reader's language. The marks on the page's time line ask for it."""

from __future__ import annotations

from functools import partial
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from dlcore.experiment import Experiment, settings_of
from dlcore.journal import Entry
from dlcore.problems import Problem
from ui import telling
from ui.differences import MOST_NAMED, Say, compare_recipes, lower_first
from ui.messages import text


def routes() -> list[BaseRoute]:
    """Routes for `st.App`, beside those of the live channel."""
    return telling.routes("changes", answer_changes)


async def answer_changes(request: Request) -> Response:
    """Answer with the run's changes, [{"step", "words"}], in `?language=`; see `telling.tell` for who is answered."""
    return await telling.tell(request, "journal", _write)


def _write(header: dict[str, Any], language: str) -> list[dict[str, Any]]:
    experiment = Experiment.from_json(header["recipe"]).replace(journal=header["journal"])
    return [{"step": step, "words": words} for step, words in write_changes(experiment, partial(text, language))]


def write_changes(experiment: Experiment, say: Say) -> list[tuple[int, str]]:
    """(step, words) of each step at which something was changed: 3400, "step 3,400: learning rate 0.03 to 0.3"."""
    before: Experiment | None = experiment.without_journal()  # The recipe before the next entry; None if unknown.
    items: dict[int, list[str]] = {}
    for entry in experiment.journal:
        after = None if before is None else _apply(before, entry)
        # Changes at step 0 belong to the recipe with which training began.
        here = _write_settings(entry, before, after, say) if entry.step else []
        here += [
            say(f"change.{kind}")
            for kind in ("weights", "frozen", "silenced")
            if not entry.loaded and getattr(entry, kind)
        ]
        if entry.went_on:
            here.append(say("change.went_on"))
        if entry.loaded:
            here.append(say("change.loaded"))
        elif entry.left_out:
            here.append(say("change.left_out", count=f"{entry.left_out:,}"))
        if here:
            items.setdefault(entry.step, []).extend(here)
        before = None if entry.left_out else after
    return [
        (step, say("change.step", step=f"{step:,}", what=say("change.and").join(here))) for step, here in items.items()
    ]


def _apply(before: Experiment, entry: Entry) -> Experiment | None:
    try:
        return before.replace(**settings_of(entry.set)) if entry.set else before
    except Problem:  # A journal read from a file may contain changes that its recipe does not allow.
        return None


def _write_settings(entry: Entry, before: Experiment | None, after: Experiment | None, say: Say) -> list[str]:
    """Old and new value of each changed setting; only the names of the settings if the values are unknown or the same."""
    if not entry.set:
        return []
    rows = [] if before is None or after is None else compare_recipes((before, after), say)
    if not rows:
        names = [lower_first(say(f"experiment.{name}")) for name in entry.set]
        return [say("change.changed", settings=say("differ.comma").join(names))]
    items = [
        say("change.item", setting=lower_first(row.label), left=row.values[0], right=row.values[1])
        for row in rows[:MOST_NAMED]
    ]
    return items + ([say("change.more", count=len(rows) - MOST_NAMED)] if len(rows) > MOST_NAMED else [])
