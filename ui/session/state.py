"""What is remembered of one person, in st.session_state, and who that is.

`experiment` is the recipe of the present run as this process last heard of it: the canvas changes it without a script, see
`standing.follow_run`.
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
from ui.theming import THEMES, find_theme

Memory = TypeVar("Memory")
COOKIE = "playground_language"  # In which a browser keeps the language that somebody has chosen.


@dataclass(frozen=True)
class Wishes:
    """Settings of the page that its address carries."""

    hidden: frozenset[str] = frozenset()  # groups of controls that are not shown
    quiet: bool = False  # no captions, no help
    playing: bool = False  # the run starts training at once


@dataclass(frozen=True)
class Example:
    """An example of the gallery that is open: its name, the kind of data that its question is about, what is hidden with it."""

    id: str
    dataset: str
    hidden: frozenset[str] = frozenset()


@dataclass
class Session:
    """All that is remembered of one person."""

    language: str
    experiment: Experiment = field(default_factory=Experiment)
    token: str | None = None
    life: int = 0  # how often the present run was restored
    secret: str = field(default_factory=lambda: secrets.token_urlsafe(32))  # used if the browser keeps no cookies
    visit: str = field(default_factory=lambda: secrets.token_urlsafe(16))  # by which a page recognises this session
    device: str = "auto"
    notices: list[str] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    # experiment that the address opened, and problems to show until it is changed
    arrival: tuple[Experiment, tuple[Problem, ...]] | None = None
    signatures: dict[str, Any] = field(default_factory=dict)
    generations: dict[str, int] = field(default_factory=dict)  # how often each widget's value was set by code
    uploads: int = 0
    wishes: Wishes = field(default_factory=Wishes)
    theme: str = THEMES[0]
    theme_is_new: bool = False  # until the browser is told
    dialog: str = ""  # the one that is open, as Streamlit draws one at a time; the script may run again beneath it
    example: Example | None = None
    address: Address = field(default_factory=Address)
    memories: dict[type, Any] = field(default_factory=dict)  # what each page remembers, see `memory`

    def memory(self, of: type[Memory]) -> Memory:
        """What a page remembers of this person; created at the first call. `of` is the page's own type, see ui/pages.py."""
        if of not in self.memories:
            self.memories[of] = of()
        return self.memories[of]


def current() -> Session:
    """This person's session; created at the first call, from the page's address and the browser's language."""
    if "session" not in st.session_state:
        st.session_state["session"] = _make_session()
    return st.session_state["session"]


def _make_session() -> Session:
    query = st.query_params
    language = find_language()
    hidden = frozenset(filter(None, query.get("hide", "").split(",")))
    wishes = Wishes(hidden, query.get("text") == "off", query.get("play") == "1")
    session = Session(language, wishes=wishes, theme=find_theme(st.context.cookies))
    problems = [Problem("not_yours")] if _has_other_session() else []
    if "run" in query:
        whose = mark_of(owner() or session.secret)
        session.experiment, problem = opening.open_recipe(query["run"], query.get(opening.QUERY, ""), whose)
        problems += [problem] if problem else []
    else:
        session.experiment = opening.begin()
    session.arrival = (session.experiment, tuple(problems)) if problems else None
    return session


def find_language() -> str:
    """The language named in the address, else the one chosen last in this browser, else the browser's own."""
    chosen = st.context.cookies.get(
        COOKIE
    )  # In Streamlit's AppTest, `cookies` is a mock that gives something else than text.
    wishes = (st.query_params.get("lang"), chosen if isinstance(chosen, str) else None, st.context.locale)
    return next(filter(None, map(messages.find_language, wishes)), "en")


def _has_other_session() -> bool:
    """Whether the browser asked for a session that another socket shows, so that Streamlit began a new one; see ui/door/sessions.py."""
    presented = st.context.headers.get("Sec-WebSocket-Protocol", "").split(",")[2:3]
    return bool(presented) and runtime.exists() and runtime.get_instance().is_active_session(presented[0].strip())


def owner() -> str:
    """The secret of this person's browser; "" if it accepts no cookies."""
    return door.owner_of(st.context.cookies)


def secret_of_bringer() -> str:
    """The secret that owns this person's uploads: the browser's, or the session's own if the browser accepts no cookies."""
    return owner() or current().secret


def mark() -> str:
    """The hash of `secret_of_bringer`, by which the store knows the owner of uploads."""
    return mark_of(secret_of_bringer())


def name_owner(page: str) -> dict[str, str]:
    """Arguments that tell a desk whose limits a job counts against, whose tables it may read, and which page waits for it."""
    return {"owner": owner(), "reader": mark(), "page": page}


def is_hidden(group: str) -> bool:
    """Whether the address, or the example that is open, hides this group of controls."""
    return group in find_hidden()


def find_hidden() -> frozenset[str]:
    """All groups of controls that are hidden."""
    session, example = current(), find_example()
    return session.wishes.hidden | (example.hidden if example else frozenset())


def find_example() -> Example | None:
    """The example that is open; None once other data are in use, of which its question does not speak."""
    session = current()
    example = session.example
    return example if example and example.dataset == session.experiment.dataset.kind else None
