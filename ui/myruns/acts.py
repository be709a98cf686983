"""What one does with one's runs: keep a copy, fork, change one thing, open another, rename, take part in a comparison, delete."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress

from dlcore.experiment import Experiment
from dlcore.problems import Problem
from dlcore.runs.server.listing import Listed
from ui import live, session
from ui.myruns.memory import MyRuns
from ui.myruns.names import name_after_recipe, number_doubles, shorten
from ui.session import standing, t

MOST_KEPT = 12  # runs that one person may keep
MOST_OTHERS = 6  # further runs that the list shows: those of tabs that were closed
MOST_COMPARED = 4  # side by side


# The list


def list_own() -> list[Listed]:
    """This person's runs, the oldest first: the present one, the kept ones, and the newest that other tabs have trained."""
    present = session.current().token
    found = live.pool().listing.list_runs(session.mark())
    others = [run for run in found if not run.label.kept and run.token != present and run.step > 0]
    forgotten = {run.token for run in others[:-MOST_OTHERS]}
    return [
        run for run in found if run.token == present or run.label.kept or (run.step > 0 and run.token not in forgotten)
    ]


def list_compared() -> list[Listed]:
    """Those of them that are ticked."""
    return [run for run in list_own() if run.label.compared]


def find_own(token: object) -> Listed | None:
    """This person's run of this token; None if there is none."""
    return next((run for run in list_own() if run.token == token), None)


def name_run(run: Listed) -> str:
    """The name that the pupil gave the run, else one made of its recipe."""
    return run.label.name or name_after_recipe(Experiment.from_json(run.recipe), t)


def name_runs(runs: Sequence[Listed]) -> list[str]:
    """The names of these runs, no two the same."""
    return number_doubles([name_run(run) for run in runs])


def find_given_name() -> str:
    """The name that the pupil gave the present run; "" if none was."""
    token = session.current().token
    return live.pool().listing.find(token).label.name if token else ""


def name_present() -> str:
    """The name of the present run."""
    return find_given_name() or name_after_recipe(session.current().experiment, t)


# How a run joins the others


def keep() -> None:
    """Add a copy of the present run, as it is now, to the kept runs; the present run goes on."""
    _make_room(1)
    state = session.current()
    with _new_runs() as new:
        token, _ = _fork(None, new)
    _add_to_kept(token)
    _compare(str(state.token), token)


def fork(moment: int | None) -> None:
    """Start a new run from this moment of the present one (None: from now) and make it the present run; the old one joins the kept runs."""
    _make_room(1)
    before, name = str(session.current().token), name_present()
    with _new_runs() as new:
        token, experiment = _fork(moment, new)
        pause_and_keep()
    standing.stand_on(token, experiment)
    _compare(before, token)
    session.current().notices.append(t("run.forked", before=name))


def change_one(changed: Experiment | None = None) -> None:
    """Start two new runs, identical from step 0: one is kept, the other becomes the present run, to be changed.

    The old run joins the kept ones if it has trained at all; else it is closed. With `changed`, the kept run is one of that recipe, and
    a present run that has not trained stays where it is.
    """
    standing.follow_run()  # The canvas may have changed its recipe.
    state = session.current()
    _make_room(1)
    stood, _ = live.pool().call(str(state.token), "standing")
    learned = stood.get("step", 0) > 0
    _make_room(1 + learned)
    recipe = state.experiment.to_json()
    before = str(state.token)
    with _new_runs() as new:
        new.append(standing.begin(recipe if changed is None else changed.to_json()))
        live.pool().call(new[0], "pause")  # So that it is kept from its beginning.
        if learned or changed is None:
            new.append(standing.begin(recipe))
        if learned:
            pause_and_keep()
    _add_to_kept(new[0])
    if len(new) > 1:
        standing.stand_on(new[1], state.experiment)
        if not learned:
            live.pool().close(before)
    _compare(str(state.token), new[0])
    if changed is None:
        state.notices.append(t("run.change_one"))


@contextmanager
def _new_runs() -> Iterator[list[str]]:
    """A list for the tokens of runs that the block starts: if the block fails, all of them are closed, so they count against no limit."""
    tokens: list[str] = []
    try:
        yield tokens
    except BaseException:
        for token in tokens:
            with suppress(Problem):  # The error to report is the one that made the block fail.
                live.pool().close(token)
        raise


def _fork(moment: int | None, new: list[str]) -> tuple[str, Experiment]:
    """Start a run from this moment of the present one (None: from now), add its token to `new`; returns token and recipe."""
    header, content = live.pool().call(str(session.current().token), "fork", moment=moment)
    new.append(standing.begin(header["recipe"], content))
    return new[-1], Experiment.from_json(header["recipe"])


def pause_and_keep() -> None:
    """Pause the present run and add it to the kept ones."""
    token = str(session.current().token)
    live.pool().call(token, "pause")
    _add_to_kept(token)


def _add_to_kept(token: str) -> None:
    """Add this run to the kept ones. From now on it may wait on disk while nobody looks at it."""
    live.pool().listing.label(token, kept=True)
    standing.let_wait(token)


def _make_room(runs: int) -> None:
    if sum(run.label.kept for run in list_own()) + runs > MOST_KEPT:
        raise Problem("runs_full", limit=MOST_KEPT)


def _compare(*tokens: str) -> None:
    """Tick these runs, as far as there is room."""
    for token in tokens:
        ticked = {run.token for run in list_compared()}
        if token not in ticked and len(ticked) < MOST_COMPARED:
            live.pool().listing.label(token, compared=True)


# What is done with one of them


def open_run(token: str) -> None:
    """Make this the present run; the one before waits with the others, unless it has not learned anything."""
    state = session.current()
    with suppress(Problem):  # It has ended.
        live.pool().call(str(state.token), "pause")
    standing.resume(token)
    state.example = None


def rename(token: str, name: str) -> None:
    """Give the run a name, "" for none. Whatever has a name is kept."""
    if find_own(token) is not None:
        name = shorten(name.strip())
        live.pool().listing.label(token, name=name, **({"kept": True} if name else {}))


def tick(token: str, on: bool) -> None:
    """Let the run take part in comparisons, or no longer."""
    if on and len(list_compared()) >= MOST_COMPARED:
        raise Problem("compared_full", limit=MOST_COMPARED)
    if find_own(token) is not None:
        live.pool().listing.label(token, compared=on)


def delete(token: str) -> None:
    """Take a run that is not the present one from the list. It comes back with `undo_delete` until the next one is deleted."""
    run = find_own(token)
    if run is None or token == session.current().token:
        return
    forget_deleted()
    live.pool().listing.label(token, deleted=True, compared=False)
    standing.let_wait(token)
    memory = session.current().memory(MyRuns)
    memory.deleted, memory.deleted_name = run, name_run(run)


def undo_delete() -> None:
    """Bring back the run that was deleted last."""
    memory = session.current().memory(MyRuns)
    if memory.deleted:
        live.pool().listing.label(memory.deleted.token, deleted=False, compared=memory.deleted.label.compared)
        memory.deleted = None


def forget_deleted() -> None:
    """End the run that was deleted last, for good."""
    memory = session.current().memory(MyRuns)
    if memory.deleted:
        live.pool().close(memory.deleted.token)
        memory.deleted = None
