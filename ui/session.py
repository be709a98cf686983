"""The one door to st.session_state: what one person has chosen, and the run that belongs to it.

`draft` is what the widgets say (plain recipe values), `experiment` the last one that was right and that the run has taken.
"""

from __future__ import annotations

import copy
import functools
import logging
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

import streamlit as st
from streamlit import runtime
from streamlit.runtime.memory_uploaded_file_manager import MemoryUploadedFileManager
from streamlit.runtime.scriptrunner import get_script_run_ctx

from dlcore.datasets import rights, store
from dlcore.experiment import Experiment
from dlcore.problems import Problem
from dlcore.runs.entry import mark_of
from ui import door, live, messages, opening
from ui.address import Address
from ui.fitting import dataset_groups

CANVAS = "canvas"
GENERATION = "~"
WIDGETS = "widget:"  # what the keys of all widgets that hold a part of the recipe begin with
LARGEST_SEED = 2**31 - 1
OWN_KINDS = ("table", "images")  # data that somebody has brought
FULL = ("class_full", "session_full", "visitors_full")  # Problems that pass by themselves.

Memory = TypeVar("Memory")

_log = logging.getLogger(__name__)


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
        st.session_state["session"] = _first_look()
    return st.session_state["session"]


def _first_look() -> Session:
    query = st.query_params
    language = _language_of_address()
    hidden = frozenset(filter(None, query.get("hide", "").split(",")))
    wishes = Wishes(hidden, query.get("text") == "off", query.get("play") == "1")
    session = Session(language, wishes=wishes)
    problems = [Problem("not_yours")] if _wanted_another() else []
    if "run" in query:
        whose = mark_of(owner() or session.secret)
        session.experiment, problem = opening.opened(query["run"], query.get(opening.QUERY, ""), whose)
        session.draft = session.experiment.to_dict()
        problems += [problem] if problem else []
    session.arrival = (session.experiment, tuple(problems)) if problems else None
    return session


def _language_of_address() -> str:
    return messages.language_of(st.query_params.get("lang")) or messages.language_of(st.context.locale) or "en"


def _wanted_another() -> bool:
    """Whether the browser came with the id of a session that goes on elsewhere: Streamlit did not give it, see door.py."""
    presented = st.context.headers.get("Sec-WebSocket-Protocol", "").split(",")[2:3]
    return bool(presented) and runtime.exists() and runtime.get_instance().is_active_session(presented[0].strip())


def owner() -> str:
    """The secret of this person's browser; "" where no cookies are kept."""
    return door.owner_of(st.context.cookies)


def bringer() -> str:
    """The secret by which it is known what this person has brought: the browser's; where no cookies are kept this session's own."""
    return owner() or current().secret


def mark() -> str:
    """What the store remembers of it."""
    return mark_of(bringer())


def hides(group: str) -> bool:
    """Whether the address has taken this group of controls away."""
    return group in current().wishes.hidden


def whose(page: str) -> dict[str, str]:
    """Whose a job of this page is, as desks ask it: whom it counts for, whose tables it may read, who waits for it."""
    return {"owner": owner(), "reader": mark(), "page": page}


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
    current().address.put("lang", language.split("_")[0])


def follow_address(page: str) -> bool:
    """Notice what Back and Forward have changed in the address of this page; whether all is to be drawn in another language."""
    session = current()
    session.address.look(page)
    if "lang" not in session.address.changed or session.language == _language_of_address():
        return False
    session.language = _language_of_address()
    return True


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
def lease(token: str) -> str:
    """Ends the run when the session ends."""
    return token


@st.cache_resource(scope="session", on_release=lambda visit: live.desks().release(visit), show_spinner=False)
def _presence(visit: str) -> str:
    """Tells the desks when the session ends, or its page is away for a moment."""
    return visit


def present() -> str:
    """The name under which desks work for this page, for as long as somebody is at it."""
    visit = _presence(current().visit)
    live.desks().hold(visit)
    return visit


def ensure_run() -> str:
    """The token of this session's run. One that has ended is replaced by a new one of the same experiment."""
    session = current()
    if session.token is None:
        _new_run(session)
        if session.wishes.playing:
            live.pool().call(session.token, "play")  # type: ignore[arg-type]
    else:
        try:
            live.pool().hold(session.token)
        except Problem:
            renew_run()
    hold_kept_runs()
    return lease(session.token)  # type: ignore[arg-type]


def admission() -> Problem | None:
    """Why there is no room for this session; None when it has its run."""
    session = current()
    present()
    try:
        if session.token is None or not live.pool().exists(session.token):
            ensure_run()
    except Problem as problem:
        if problem.key not in FULL:
            raise
        return problem
    return None


def hold_kept_runs() -> None:
    """This session still wants the runs beside the present one. One that has ended comes back, or begins anew."""
    session = current()
    for run in session.kept:
        if not live.pool().exists(run.token):
            if _revive(session, run.token) is None:
                run.token = begin(run.experiment.to_json())
                session.notices.append(t("page.renewed"))
            else:
                run.life += 1
        live.pool().hold(run.token)
        lease(run.token)


def renew_run() -> None:
    """The run from where it was kept, else a new one of the last good experiment; and a sentence about it."""
    session = current()
    experiment = None if session.token is None else _revive(session, session.token)
    if experiment is None:
        _renew(session)
        return
    session.life += 1
    stand_on(session.token, experiment)  # type: ignore[arg-type]


def _revive(session: Session, token: str) -> Experiment | None:
    """What the run stands on that was put away while nobody looked; None if nothing was kept."""
    try:
        _check_rows(live.pool().kept(token, owner())["recipe"])
        standing = live.pool().revive(token, owner())
    except Problem as problem:
        if problem.key in FULL:
            raise
        return None
    session.notices.append(t("page.revived", epoch=standing["epoch"]))
    return Experiment.from_json(standing["recipe"])


def resume(token: str) -> None:
    """Stand on the run that this browser stood on before, in a session that is no more."""
    session = current()
    if token == session.token:
        return
    fresh = session.token
    _check_rows(
        live.pool().kept(token, owner())["recipe"]
    )  # Raises what there is to say, while the present run is whole.
    if fresh is not None and live.pool().exists(fresh):
        # As it was last kept, without asking its worker: the widgets of the old run must not speak up meanwhile.
        if live.pool().kept(fresh, owner())["step"] == 0:
            live.pool().close(fresh)  # First, so that there is room in a class that is full.
            session.token = None
        else:
            live.pool().release(fresh)
    found = live.pool().revive(token, owner())
    session.kept = [run for run in session.kept if run.token != token]
    stand_on(token, Experiment.from_json(found["recipe"]))
    session.device = found["device"]


def _check_rows(recipe: str) -> None:
    """Raises Problem where this person may no longer see the rows of a recipe."""
    refusal = opening.refusal(Experiment.from_json(recipe), mark())
    if refusal is not None:
        raise refusal


def begin(recipe: str, state: bytes = b"") -> str:
    """The token of a new run, which belongs to this person's browser."""
    return live.pool().create(recipe, current().device, state, owner(), mark())


def _renew(session: Session) -> None:
    _new_run(session)
    session.notices.append(t("page.renewed"))


def _new_run(session: Session) -> None:
    refusal = opening.refusal(session.experiment, mark())
    if refusal is not None:
        session.problems.append(refusal)
        session.experiment = opening.without_rows(session.experiment)
        put(session.experiment.to_dict())
    session.token = begin(session.experiment.to_json())


def submit(draft: dict[str, Any]) -> Problem | None:
    """Send what the widgets say to the run if it is a new and right experiment; else what is wrong with it."""
    session = current()
    session.draft = draft
    try:
        experiment = Experiment.from_dict(draft)
        if experiment != session.experiment:
            send(experiment, _origins_of_draft())
        session.moved = None
    except Problem as problem:
        return problem
    return None


def _origins_of_draft() -> dict[str, Any] | None:
    session = current()
    fits = session.moved is not None and len(session.moved) == len(session.draft["layers"])
    return {"layers": session.moved} if fits else None


def send(experiment: Experiment, origins: dict[str, Any] | None = None) -> None:
    """Let the run go on as this experiment. `origins` says which of its layers and units were which."""
    session = current()
    arguments: dict[str, Any] = {"recipe": experiment.to_json()}
    if origins is not None:
        arguments["origins"] = origins
    try:
        live.pool().call(session.token, "change", **arguments)  # type: ignore[arg-type]
    except Problem as problem:
        if problem.key != "run_gone":
            raise
        if _revive(session, session.token) is None:  # type: ignore[arg-type]
            session.experiment = experiment
            _renew(session)
        else:
            session.life += 1
            live.pool().call(session.token, "change", **arguments)  # type: ignore[arg-type]
    session.experiment = experiment


def take(experiment: Experiment, origins: dict[str, Any] | None = None) -> None:
    """The same at once, ahead of the widgets; they follow."""
    send(experiment, origins)
    put(experiment.to_dict())


def stand_on(token: str, experiment: Experiment) -> None:
    """Look at this run from now on; the widgets follow."""
    session = current()
    session.token, session.experiment = token, experiment
    put(experiment.to_dict())


def load(name: str, content: bytes) -> None:
    """Take a recipe or a checkpoint from a file. Raises Problem and changes nothing if it is not right."""
    session = current()
    if name.lower().endswith(".json"):
        experiment, told = opening.begun_anew(Experiment.from_json(content))
        take(experiment)
        if told is not None:
            session.notices.append(messages.sentence(session.language, told))
    else:
        header, _ = live.pool().call(session.token, "load", content)  # type: ignore[arg-type]
        stand_on(session.token, Experiment.from_json(header["recipe"]))  # type: ignore[arg-type]


def uploaded(key: str) -> Any:
    """The file that was chosen, if there is one."""
    return st.session_state.get(key)


def taken(key: str) -> list[tuple[str, bytes]]:
    """Names and bytes of the files that were chosen. Streamlit lets go of them, and the next uploader is a new one.

    It would keep them in memory until the session ends, as the uploader is not told that its widget is gone.
    """
    current().uploads += 1
    files = [file for file in st.session_state.get(key) or () if hasattr(file, "getvalue")]
    contents = [(file.name, file.getvalue()) for file in files]
    context = get_script_run_ctx()
    for file in files:
        if context is not None and isinstance(context.uploaded_file_mgr, MemoryUploadedFileManager):
            context.uploaded_file_mgr.remove_file(context.session_id, file.file_id)
    return contents


def keep_upload(content: bytes) -> str:
    """The digest of a raw file, which is in the store now and belongs to whom this page belongs. Raises Problem."""
    with rights.working_for(mark()):
        return store.keep_upload(content)


def pasted(key: str) -> str:
    """The text that stands in this field; the field is empty from now on."""
    text = st.session_state.get(key) or ""
    st.session_state[key] = ""
    return text


def grid_edits(key: str) -> dict[int, dict[str, Any]]:
    """What was typed into a grid: {row: {column: value}}."""
    return st.session_state[key]["edited_rows"]


def choose_device(device: str) -> None:
    """Compute there from now on. Raises Problem and stays if there is no such device."""
    session = current()
    live.pool().call(session.token, "device", value=device)  # type: ignore[arg-type]
    session.device = device


# What the widgets say


def widget_key(path: str) -> str:
    """The key of the widget that holds this part of the recipe; another one each time its value was set from elsewhere."""
    generation = current().generations.get(path, 0)
    return WIDGETS + path + (f"{GENERATION}{generation}" if generation else "")


def held(path: str, value: Any) -> Any:
    """What the widget of this path shows; `value` if it has not been drawn yet."""
    return st.session_state.get(widget_key(path), value)


def seed(path: str, value: Any, signature: object) -> Any:
    """Let the widget about to be drawn show this value, on its first time and whenever what it offers has changed.

    At other times the browser knows better: it may have moved on while this script runs. Returns the value, for the widget's default:
    what a run of the script says is lost when the next one begins before it was sent, and a browser that has not heard of the value
    shows the default, and sends it back as if somebody had chosen it.
    """
    session = current()
    key = widget_key(path)
    offers = (signature, session.language)
    if key not in st.session_state or session.signatures.get(key) != offers or st.session_state[key] != value:
        st.session_state[key] = value
    session.signatures[key] = offers
    return value


def seed_anew(path: str, value: Any, signature: object) -> Any:
    """As `seed`, for what is found out while the browser goes on: a widget that shows another value makes way for a new one.

    A value that is given to a widget which stands is lost with the run of the script that gave it, if the next one begins before it was
    sent; the browser then says the old one again, as if somebody had chosen it.
    """
    if held(path, value) != value:
        _forget(path)
    return seed(path, value, signature)


def place(options: Sequence[Any], value: Any) -> int:
    """Where the value stands in a menu; the first place if what is offered has changed and it is there no more."""
    return options.index(value) if value in options else 0


def put(draft: dict[str, Any]) -> None:
    """Let the widgets show these values from their next drawing on; those that show them already are left as they are."""
    session = current()
    before = session.draft
    session.draft, session.moved = draft, None
    for name in before.keys() | draft.keys():
        if before.get(name) != draft.get(name):
            for path in _drawn(name):
                if _shown(draft, path) != held(path, None):
                    _forget(path)


def show(path: str, value: Any) -> None:
    """Let the widget of this path show this value. For callbacks, which come before any widget is drawn."""
    st.session_state[widget_key(path)] = value


def selected(key: str) -> list[dict[str, Any]]:
    """The points that were chosen in the figure of this key."""
    return st.session_state[key].selection.points


def forget_widgets(beginning: str) -> None:
    """Let the widgets whose path begins so be seeded anew."""
    for path in _drawn(beginning):
        _forget(path)


def _forget(path: str) -> None:
    # The browser sends what it shows with every run of the script, and what it shows may be of before: a new key does not listen to that.
    generations = current().generations
    del st.session_state[widget_key(path)]
    generations[path] = generations.get(path, 0) + 1


def _drawn(beginning: str) -> list[str]:
    """The paths that begin so and have a widget."""
    keys = [str(key) for key in st.session_state if str(key).startswith(WIDGETS + beginning)]
    paths = {key.removeprefix(WIDGETS).split(GENERATION)[0] for key in keys}
    return [path for path in paths if widget_key(path) in st.session_state]


def _shown(draft: dict[str, Any], path: str) -> Any:
    """What the widget of this path should show."""
    name, _, group = path.partition("/")
    if name == "dataset":
        kind = draft["dataset"]["kind"]
        return kind if kind in dataset_groups().get(group, OWN_KINDS) else None
    return held(path, None) if group else _value_at(draft, path)


def _value_at(draft: Any, path: str) -> Any:
    """The part of the recipe at a widget's path, in which the kind stands before the fields that only it has; None where there is none."""
    for name in path.split("."):
        if isinstance(draft, list):
            draft = draft[int(name)] if name.isdecimal() and int(name) < len(draft) else None
        elif not isinstance(draft, dict):
            return None
        elif name in draft or draft.get("kind") != name:
            draft = draft.get(name)
    return draft


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
    before = list(layers)
    origins = session.moved or list(range(len(layers)))
    known = {id(layer): origin for layer, origin in zip(before, origins, strict=True)}
    edit(layers, *arguments)
    session.moved = [known.get(id(layer)) for layer in layers]
    session.draft = {**session.draft, "layers": layers}
    forget_widgets("layers.")
