"""How a run changes to another recipe while it trains."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from dlcore.learning.acts import changed_settings
from dlcore.learning.learner import Change, tell_going_back
from dlcore.learning.timeline import unpack
from dlcore.problems import Problem
from dlcore.recipe import Recipe
from dlcore.runs.standings import Stood, stand_at, stand_soundly, standing_of


class Changing(Stood, Protocol):
    """What a change needs of a run; see `Run` for what each attribute means."""

    clock: Callable[[], float]
    version: int
    history_since: int

    def begin(self, recipe: Recipe, status: str = "paused") -> None: ...
    def stand_still(self, status: str) -> None: ...
    def halt(self) -> None: ...
    def keep_moment(self, edited: bool = False) -> None: ...


def change(run: Changing, changed: Recipe, origins: dict[str, Any] | None, act: str) -> dict[str, Any]:
    """Change to this recipe while training goes on; returns {"fresh_start", "kept", "total"}: how many of all parameters were kept.

    Only another seed, or other data, need a fresh start. `origins` tells what came from where (see carry.py), `act` what
    people call it.
    """
    settings = changed_settings(run.learner.recipe, changed)
    before = standing_of(run) if settings or run.status == "diverged" else None
    done = take_over(run, changed, origins)
    if before is not None:  # A network of another shape is an act each time.
        run.acts.note(act, before, run.clock(), series=settings if done and not done.reshaped else None)
    if done is None:
        if before is not None and before.step and settings != ("seed",):
            _tell_of_act(run, Problem("began_anew", epoch=before.epoch))
        return {"fresh_start": True, "kept": 0, "total": changed.num_parameters}
    if done.notice is not None:
        _tell_of_act(run, done.notice)
    return {"fresh_start": False, "kept": done.kept, "total": done.total}


def take_over(run: Changing, changed: Recipe, origins: dict[str, Any] | None = None) -> Change | None:
    """Change to this recipe; None if that needed a fresh start."""
    if run.status == "diverged" and run.learner.recipe.same_start(changed):
        stand_soundly(run)
        run.learner.notices.append(tell_going_back(run.learner.epoch, run.learner.step))
    status = "playing" if run.status == "playing" else "paused"
    learner = run.learner
    if not learner.recipe.same_start(changed):
        run.begin(changed, status)
        return None
    history = learner.history
    with learner.unchanged_on_failure():
        done = learner.change(changed, origins)
        if done.redrawn:
            run.contents_maker.switch_to(learner)
    if done.redrawn:
        run.structure += 1
    run.stand_still(status)
    if learner.history is not history:  # Before the first step its one row is that of the new rows and network.
        run.history_since = run.version
    if done.redrawn:
        run.keep_moment(edited=True)
    return done


def go_to(run: Changing, position: int) -> None:
    """Stand where the run stood after so many of its acts; of a very large network only the settings come back, which is told."""
    standing = run.acts.standing(position)
    if standing is None:
        return
    now = standing_of(run)
    if standing.state is not None:
        stand_at(run, standing)
    else:
        run.halt()
        take_over(run, unpack(standing.packed_recipe))
        run.learner.notices.append(Problem("settings_only", act=run.acts.version + 1))
    run.acts.move(position, now)


def _tell_of_act(run: Changing, notice: Problem) -> None:
    """Tell this of the last act; with the version of the acts, so that a page knows when it is no longer about the last one."""
    run.learner.notices.append(Problem(notice.key, **notice.values, act=run.acts.version))
