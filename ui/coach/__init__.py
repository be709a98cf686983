"""What the coach offers, done: the buttons beside its sentences. What it says is found in the worker (dlcore/coaching)."""

from __future__ import annotations

from dataclasses import dataclass

import streamlit as st

from dlcore.coaching.fixes import apply_fix
from ui import live, pages, session
from ui.session import standing


@dataclass
class Leaving:
    """The section of the page Evaluate to which somebody is led; "" for none."""

    section: str = ""


def mend(fix: str) -> None:
    """Do this: a change of the recipe is an act as any other. What is unknown, or changes nothing by now, does nothing."""
    if fix == "try_sizes":
        _try_sizes()
        return
    changed = apply_fix(fix, session.current().experiment)
    if changed is not None:
        standing.send(changed)


def make_way() -> None:
    """Switch to the page Evaluate once something was begun there."""
    memory = session.current().memory(Leaving)
    if memory.section:
        section, memory.section = memory.section, ""
        st.switch_page(pages.EVALUATE.script, query_params={**st.query_params.to_dict(), "section": section})


def _try_sizes() -> None:
    """Pause the run, and let networks of other sizes be trained on its data."""
    from ui.evaluating import growth  # The page's figures, which take a moment to import.

    live.pool().call(session.current().token, "pause")  # type: ignore[arg-type]
    growth.try_sizes()
    session.current().memory(Leaving).section = growth.SECTION
