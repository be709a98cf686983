"""What is remembered of one person, in st.session_state, and who that is.

`draft` is what the widgets say (plain recipe values), `experiment` the last one that was right and that the run has taken.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from typing import Any, TypeVar

import streamlit as st
from streamlit import runtime

from dlcore.experiment import Experiment
from dlcore.problems import Problem
from dlcore.runs.server.entry import mark_of
from ui import door, messages, opening
from ui.address import Address

Memory = TypeVar("Memory")


@dataclass
class KeptRun:
    """A run that stands beside the present one."""

    token: str
    experiment: Experiment
    number: int
    name: str = ""  # as somebody has called it
    life: int = 0  # how often it was brought back


@dataclass(frozen=True)
class Wishes:
    """What the address asks the page to be."""

    hidden: frozenset[str] = frozenset()  # groups of controls
    quiet: bool = False  # no captions, no help
    playing: bool = False  # from the start


@dataclass
class Session:
    """All that is remembered of one person."""

    language: str
    experiment: Experiment = field(default_factory=Experiment)
    draft: dict[str, Any] = field(default_factory=lambda: Experiment().to_dict())
    token: str | None = None
    life: int = 0  # how often the present run was brought back
    secret: str = field(default_factory=lambda: secrets.token_urlsafe(32))  # by which who keeps no cookies is known
    visit: str = field(default_factory=lambda: secrets.token_urlsafe(16))  # by which a page knows it again
    device: str = "auto"
    notices: list[str] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    arrival: tuple[Experiment, tuple[Problem, ...]] | None = (
        None  # what there is to say while the run is as the address opened it
    )
    signatures: dict[str, Any] = field(default_factory=dict)
    generations: dict[str, int] = field(default_factory=dict)  # how often a widget's value was set from elsewhere
    uploads: int = 0
    moved: list[int | None] | None = (
        None  # where the draft's layers come from, when the list was edited since the last change
    )
    wishes: Wishes = field(default_factory=Wishes)
    number: int = 1  # of the present run
    name: str = ""
    numbered: int = 1  # runs so far
    kept: list[KeptRun] = field(default_factory=list)
    complained: bool = False  # whether the page says what is wrong
    address: Address = field(default_factory=Address)
    memories: dict[type, Any] = field(default_factory=dict)  # what single pages remember, see `memory`

    def memory(self, of: type[Memory]) -> Memory:
        """What a page remembers of this person, made when it is first asked for. The type is the page's own, see ui/pages.py."""
        if of not in self.memories:
            self.memories[of] = of()
        return self.memories[of]


def current() -> Session:
    """This person's session; made on the first look, as the address or the browser says."""
    if "session" not in st.session_state:
        st.session_state["session"] = _make_session()
    return st.session_state["session"]


def _make_session() -> Session:
    query = st.query_params
    language = find_language()
    hidden = frozenset(filter(None, query.get("hide", "").split(",")))
    wishes = Wishes(hidden, query.get("text") == "off", query.get("play") == "1")
    session = Session(language, wishes=wishes)
    problems = [Problem("not_yours")] if _has_other_session() else []
    if "run" in query:
        whose = mark_of(owner() or session.secret)
        session.experiment, problem = opening.open_recipe(query["run"], query.get(opening.QUERY, ""), whose)
        session.draft = session.experiment.to_dict()
        problems += [problem] if problem else []
    session.arrival = (session.experiment, tuple(problems)) if problems else None
    return session


def find_language() -> str:
    """The language that the address asks for, else the browser's."""
    return messages.find_language(st.query_params.get("lang")) or messages.find_language(st.context.locale) or "en"


def _has_other_session() -> bool:
    """Whether the browser came with the id of a session that goes on elsewhere: Streamlit did not give it, see ui/door/sessions.py."""
    presented = st.context.headers.get("Sec-WebSocket-Protocol", "").split(",")[2:3]
    return bool(presented) and runtime.exists() and runtime.get_instance().is_active_session(presented[0].strip())


def owner() -> str:
    """The secret of this person's browser; "" where no cookies are kept."""
    return door.owner_of(st.context.cookies)


def secret_of_bringer() -> str:
    """The secret by which it is known what this person has brought: the browser's; where no cookies are kept this session's own."""
    return owner() or current().secret


def mark() -> str:
    """What the store remembers of it."""
    return mark_of(secret_of_bringer())


def name_owner(page: str) -> dict[str, str]:
    """Whose a job of this page is, as desks ask it: whom it counts for, whose tables it may read, who waits for it."""
    return {"owner": owner(), "reader": mark(), "page": page}


def is_hidden(group: str) -> bool:
    """Whether the address has taken this group of controls away."""
    return group in current().wishes.hidden
