"""Standings of a run: where it stands now, or stood at a moment, as its acts keep it; and how it stands there again."""

from __future__ import annotations

from typing import Any, Protocol

from dlcore.learning.acts import MOST_BYTES, Acts, Standing
from dlcore.learning.learner import Learner
from dlcore.learning.timeline import Moment, Timeline, unpack, unpack_text
from dlcore.problems import Problem
from dlcore.runs.kinds import ContentsMaker, Editor, Kind, kind_of_learning


class Stood(Protocol):
    """What a standing needs of a run; see `Run` for what each attribute means."""

    kind: Kind
    learner: Learner
    timeline: Timeline
    acts: Acts
    structure: int
    status: str
    device: str
    problem: Problem | None
    contents_maker: ContentsMaker
    editor: Editor

    def stand_elsewhere(self) -> None: ...
    def start_over(self) -> None: ...
    def keep_moment(self) -> None: ...


def standing_of(run: Stood) -> Standing:
    """Where the run stands; of a very large network only its settings."""
    learner, timeline = run.learner, run.timeline
    small = learner.standing_bytes <= MOST_BYTES // 2
    return Standing(
        packed_recipe=timeline.pack(learner.recipe),
        structure=run.structure,
        step=learner.step,
        epoch=learner.epoch,
        state=learner.standing() if small else None,
        history=learner.history.view_rows() if small else None,
        moments=timeline.moments if small else (),
        spacing=timeline.spacing if small else 1,
        diverged=run.status == "diverged",
        problem=run.problem if run.status == "diverged" else None,
    )


def standing_at(run: Stood, moment: Moment) -> Standing:
    """Where the run stood at this moment, with the moments before it."""
    return Standing(
        packed_recipe=moment.packed_recipe,
        structure=moment.structure,
        step=moment.step,
        epoch=moment.epoch,
        state=moment.state,
        history=moment.history(run.learner.history.view_rows()),
        moments=run.timeline.until(moment),
        spacing=run.timeline.spacing,
    )


def stand_at(run: Stood, standing: Standing) -> None:
    """Let the run stand where it has stood, with its rows where they are the same. A failure leaves it where it is."""
    old, packed = run.learner, standing.packed_recipe
    recipe = old.recipe if packed is run.timeline.pack(old.recipe) else unpack(packed)
    kind = kind_of_learning(recipe)
    learner = kind.learner(recipe, run.device, old if kind is run.kind else None)
    learner.restore(standing.full_state)
    learner.notices += old.notices
    if kind is not run.kind:
        run.contents_maker, run.editor = kind.contents_maker(learner), kind.editor()
    elif standing.structure != run.structure:
        run.contents_maker.switch_to(learner)
    # A new number, as viewers may know the old one for another network.
    run.structure += standing.structure != run.structure
    run.kind, run.learner = kind, learner
    run.timeline.bring_back(standing.moments, standing.spacing)
    run.stand_elsewhere()
    if standing.diverged:
        run.status, run.problem = "diverged", standing.problem
    run.keep_moment()


def stand_soundly(run: Stood) -> None:
    """Let the run stand at the newest moment from which one that has diverged can go on, else at the start."""
    moment = run.timeline.find(run.timeline.newest_sound(run.learner, run.kind.sound))
    if moment is not None:
        stand_at(run, standing_at(run, moment))
    else:
        run.learner.reset()
        run.start_over()


def describe_acts(run: Stood, since: int) -> dict[str, Any]:
    """The run's acts, oldest first, as plain JSON: {"id", "bare"}; of those with a higher id than `since` also what was done.

    `position` is the id of the act after which the run stands, 0 before the first. `bare`: going there brings back settings only; the
    first act has that of the beginning beside it, as `bare_start`. An act's recipes, before and after it, are numbers into `recipes`.
    """
    acts, now = run.acts, run.timeline.pack(run.learner.recipe)
    packed = [now if standing is None else standing.packed_recipe for standing in acts.standings]
    bare = [standing is not None and standing.state is None for standing in acts.standings]
    recipes: dict[bytes, int] = {}
    described = []
    for at, act in enumerate(acts.acts):
        known: dict[str, Any] = {"id": act.id, "bare": bare[at + 1]}
        if act.id > since:
            between = [recipes.setdefault(recipe, len(recipes)) for recipe in packed[at : at + 2]]
            known |= {"kind": act.kind, "epoch": act.epoch, "target": act.target, "recipes": between}
        described.append(known)
    return {
        "acts": described,
        "position": acts.acts[acts.position - 1].id if acts.position else 0,
        "bare_start": bare[0],
        "version": acts.version,
        "recipes": [unpack_text(recipe) for recipe in recipes],
    }
