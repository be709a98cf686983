"""The one door to st.session_state: what one person has chosen, and the run that belongs to it.

`draft` is what the widgets say (plain recipe values), `experiment` the last one that was right and that the run has taken.
"""

from __future__ import annotations

import copy
import functools
import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import streamlit as st

from dlcore.experiment import Experiment
from dlcore.problems import Problem
from ui import live, messages

CANVAS = "canvas"
WIDGETS = "widget:"  # what the keys of all widgets that hold a part of the recipe begin with
LARGEST_SEED = 2**31 - 1

_log = logging.getLogger(__name__)


@dataclass
class Session:
    """All that is remembered of one person."""

    language: str
    experiment: Experiment = field(default_factory=Experiment)
    draft: dict[str, Any] = field(default_factory=lambda: Experiment().to_dict())
    token: str | None = None
    device: str = "auto"
    notices: list[str] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    signatures: dict[str, Any] = field(default_factory=dict)
    uploads: int = 0
    opened: set[str] = field(default_factory=set)  # the tabs of settings that have been looked at


def current() -> Session:
    """This person's session; made on the first look, in the language of the address or the browser."""
    if "session" not in st.session_state:
        wished = messages.language_of(st.query_params.get("lang"))
        st.session_state["session"] = Session(wished or messages.language_of(st.context.locale) or "en")
    return st.session_state["session"]


# Words


def t(key: str, **values: str | int | float) -> str:
    """A message in this person's language, as plain text."""
    return messages.text(current().language, key, **values)


def label(key: str, **values: str | int | float) -> str:
    """The same for a place that reads markdown."""
    return messages.escape(t(key, **values))


def speak(language: str) -> None:
    """Go on in this language; the address keeps it."""
    current().language = language
    st.query_params["lang"] = language.split("_")[0]


def guarded(callback: Callable[..., None]) -> Callable[..., None]:
    """A callback whose failure is a sentence on the page, and nothing else."""

    @functools.wraps(callback)
    def call(*arguments: Any) -> None:
        try:
            callback(*arguments)
        except Problem as problem:
            current().problems.append(problem)
        except Exception:
            _log.exception("A callback failed.")
            current().problems.append(Problem("internal"))

    return call


# The run


@st.cache_resource(scope="session", on_release=lambda token: live.pool().release(token), show_spinner=False)
def _lease(token: str) -> str:
    """Ends the run when the session ends."""
    return token


def ensure_run() -> str:
    """The token of this session's run. One that has ended is replaced by a new one of the same experiment."""
    session = current()
    if session.token is None:
        _new_run(session)
    else:
        try:
            live.pool().hold(session.token)
        except Problem:
            renew_run()
    return _lease(session.token)  # type: ignore[arg-type]


def renew_run() -> None:
    """A new run of the last good experiment, and a sentence about it."""
    session = current()
    _new_run(session)
    session.notices.append(t("page.renewed"))


def _new_run(session: Session) -> None:
    session.token = live.pool().create(session.experiment.to_json(), device=session.device)


def submit(draft: dict[str, Any]) -> Problem | None:
    """Send what the widgets say to the run if it is a new and right experiment; else what is wrong with it."""
    session = current()
    session.draft = draft
    try:
        experiment = Experiment.from_dict(draft)
        if experiment != session.experiment:
            _send(session, experiment)
            session.experiment = experiment
    except Problem as problem:
        return problem
    return None


def _send(session: Session, experiment: Experiment) -> None:
    try:
        live.pool().call(session.token, "change", recipe=experiment.to_json())  # type: ignore[arg-type]
    except Problem as problem:
        if problem.key != "run_gone":
            raise
        session.experiment = experiment
        renew_run()


def load(name: str, content: bytes) -> None:
    """Take a recipe or a checkpoint from a file. Raises Problem and changes nothing if it is not right."""
    session = current()
    if name.lower().endswith(".json"):
        experiment = Experiment.from_json(content)
        _send(session, experiment)
    else:
        header, _ = live.pool().call(session.token, "load", content)  # type: ignore[arg-type]
        experiment = Experiment.from_json(header["recipe"])
    session.experiment = experiment
    put(experiment.to_dict())


def uploaded(key: str) -> Any:
    """The file that was chosen, if there is one."""
    return st.session_state.get(key)


def choose_device(device: str) -> None:
    """Compute there from now on. Raises Problem and stays if there is no such device."""
    session = current()
    live.pool().call(session.token, "device", value=device)  # type: ignore[arg-type]
    session.device = device


# What the widgets say


def widget_key(path: str) -> str:
    """The key of the widget that holds this part of the recipe."""
    return WIDGETS + path


def held(path: str, value: Any) -> Any:
    """What the widget of this path shows; `value` if it has not been drawn yet."""
    return st.session_state.get(widget_key(path), value)


def seed(path: str, value: Any, signature: object) -> None:
    """Let the widget about to be drawn show this value, on its first time and whenever what it offers has changed.

    At other times the browser knows better: it may have moved on while this script runs.
    """
    session = current()
    key = widget_key(path)
    offers = (signature, session.language)
    if key not in st.session_state or session.signatures.get(key) != offers or st.session_state[key] != value:
        st.session_state[key] = value
    session.signatures[key] = offers


def put(draft: dict[str, Any]) -> None:
    """Let the widgets show these values from their next drawing on."""
    current().draft = draft
    forget_widgets("")


def forget_widgets(path: str) -> None:
    """Let the widgets below this path be seeded anew."""
    for key in [key for key in st.session_state if str(key).startswith(WIDGETS + path)]:
        del st.session_state[key]


@guarded
def new_seed() -> None:
    """Other data and other initial weights."""
    session = current()
    session.draft = {**session.draft, "seed": (session.draft["seed"] + 1) % LARGEST_SEED}
    forget_widgets("seed")


@guarded
def edit_layers(edit: Callable[..., None], *arguments: Any) -> None:
    """Change the list of layers: add, remove, move."""
    session = current()
    layers = copy.deepcopy(session.draft["layers"])
    edit(layers, *arguments)
    session.draft = {**session.draft, "layers": layers}
    forget_widgets("layers.")


def canvas_action() -> dict[str, Any]:
    """What was pressed on the canvas."""
    return st.session_state[CANVAS].action or {}


@guarded
def answer_canvas() -> None:
    """Do what a press on the canvas asks for."""
    action = canvas_action()
    experiment = current().experiment
    match action.get("do"):
        case "new_seed":
            new_seed()
        case "renew":
            token = current().token  # None in a new session: the page makes a run anyway.
            if token is not None and not live.pool().exists(token):
                renew_run()
        case "fix_learning_rate":
            third = float(f"{experiment.optimizer.learning_rate / 3:.3g}")
            _mend(experiment.replace(optimizer=experiment.optimizer.replace(learning_rate=third)))
        case "fix_gradient_clip":
            _mend(experiment.replace(gradient_clip=1.0))


def _mend(experiment: Experiment) -> None:
    """Start anew with a setting that should not diverge: the weights of a run that did are of no more use."""
    session = current()
    _send(session, experiment)
    session.experiment = experiment
    put(experiment.to_dict())
    for verb in ("reset", "play"):
        live.pool().call(session.token, verb)  # type: ignore[arg-type]
