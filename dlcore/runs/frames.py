"""Frames: the messages in which a viewer gets a run's picture and history, without what it has already."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from dlcore.devices import list_devices
from dlcore.frame import encode_frame
from dlcore.journal import Journal
from dlcore.learning.acts import Acts
from dlcore.learning.learner import Learner
from dlcore.learning.timeline import Timeline
from dlcore.problems import Problem
from dlcore.recipe import Recipe
from dlcore.runs.changes import Changes
from dlcore.runs.kinds import Coach, ContentsMaker, Editor, FrameContents


class Shown(Protocol):
    """What frames need of a run; see `Run` for what each attribute means."""

    learner: Learner
    contents_maker: ContentsMaker
    coach: Coach
    editor: Editor
    device: str
    acts: Acts
    timeline: Timeline
    version: int
    structure: int
    history_since: int
    status: str
    problem: Problem | None

    @property
    def moving(self) -> bool: ...

    @property
    def speed(self) -> float | None: ...

    @property
    def updates_per_second(self) -> float: ...


LONG = ("losses", "metrics", "progress")  # Entries whose numbers nobody sees with all their digits.


@dataclass(frozen=True)
class Held:
    """What a viewer has already, by version numbers; None for what it has not, and for a recipe that it does not want."""

    version: int | None
    structure: int | None
    history: int | None  # rows; None if it wants none now
    moments: int | None = None
    recipe: int | None = None
    slim: bool = False  # It paints by itself, and keeps what does not change.
    frame: int | None = None  # The number of its latest slim frame.


class Frames:
    """Makes the frames of one run. Remembers since which version journal and recipe are the same, and whether rows are withheld."""

    def __init__(self) -> None:
        self._seen_journal: tuple[Journal, int] = (), 0  # the journal, and the run's version when it became that
        self._seen_recipe: tuple[Recipe | None, int] = None, 0  # the recipe, and the run's version when it became that
        self._changes = Changes()
        self._withheld = ""  # Key of the Problem for which rows are not shown; "" while they are.

    def forget_recipe(self) -> None:
        """Count the recipe as changed with the run's next version."""
        self._seen_recipe = None, 0

    def encode(self, run: Shown, held: Held, wants: dict[str, Any]) -> bytes:
        """A frame of the run as it is now, or of the moment in `wants`, without what a viewer with these numbers has already."""
        learner = run.learner
        moment = run.timeline.find(wants.get("moment"))
        if moment is None:
            contents = run.contents_maker.make_now(learner, run.version, run.structure, run.moving)
        else:
            contents = run.contents_maker.make_at(moment, learner, run.structure)
        knows_layout = held.structure == contents.structure
        header, arrays = self._header(run, contents), contents.slim_arrays if held.slim else contents.arrays
        if moment is None:
            header["advice"] = run.coach.advise(learner, arrays, run.moving)
        rows = self._shows_rows(run, contents) if not knows_layout or contents.asks_for_rows(wants) else True
        tells_recipe = held.recipe not in (None, header["recipe_version"])
        if held.slim:
            header["history_stride"] = learner.history.stride()
        if held.slim and moment is None:
            header, arrays = self._without_known(header, arrays, held.frame if knows_layout else None)
        if tells_recipe:
            header["recipe"] = self._settings(run)
        if not knows_layout:
            layout, constants = contents.with_layout(rows, held.slim)
            header |= layout
            arrays = {**constants, **arrays}
        if moment is not None:
            header["moment"] = {
                "id": moment.id,
                "step": contents.step,
                "epoch": contents.epoch,
                "progress": contents.progress,
            }
            header["live"] = {"step": learner.step, "epoch": learner.epoch}
        more, rows_of_history = self._history(run, held)
        header |= more
        arrays = {**rows_of_history, **arrays}
        if held.moments != run.timeline.version:
            if held.slim:
                header["moments_from"], arrays["moments"] = run.timeline.table_since(held.moments)
            else:
                arrays["moments"] = run.timeline.table()
        more, wanted = contents.find(wants, rows)
        header |= more
        arrays |= wanted
        return encode_frame(header, arrays)

    def _without_known(
        self, header: dict[str, Any], arrays: dict[str, np.ndarray], known: int | None
    ) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
        """What has changed since the viewer's frame of this number. `frame` is this one's, `holds` names the arrays that still count."""
        told = {**header, **{name: _short(header[name]) for name in LONG if name in header}, "holds": list(arrays)}
        number = self._changes.note({**told, **arrays})
        changed = self._changes.since(known)
        header = {name: entry for name, entry in told.items() if name in changed}
        return header | {"frame": number}, {name: array for name, array in arrays.items() if name in changed}

    def _history(self, run: Shown, held: Held) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
        """Rows of the history that the viewer lacks; for a slim frame those that a curve needs, after the place of each."""
        history = run.learner.history
        # A version that this run has not reached yet is of another run, whose rows are not these.
        has_history = held.version is not None and run.history_since <= held.version <= run.version
        if held.history is None and has_history:
            return {}, {}
        known_rows = min(max(held.history or 0, 0), len(history)) if has_history else 0
        if not held.slim:
            return {"history_from": known_rows}, {"history": history.rows(known_rows)}
        stride = history.stride()
        begin = max(known_rows - 1, 0) // stride * stride
        places = history.thinned(begin)
        with np.errstate(over="ignore"):  # Beyond float32 a loss is drawn as infinite.
            rows = history.view_rows()[places].astype(np.float32)
        return {"history_from": begin}, {"history": np.column_stack([places.astype(np.float32), rows])}

    def _shows_rows(self, run: Shown, contents: FrameContents) -> bool:
        """Whether frames may contain rows of the data. If they are no longer shared, training goes on, but no row is sent."""
        try:
            contents.recipe.check_readable()
        except Problem as problem:
            if problem.key != self._withheld:
                run.learner.notices.append(problem)
            self._withheld = problem.key
            return False
        self._withheld = ""
        return True

    def _header(self, run: Shown, contents: FrameContents) -> dict[str, Any]:
        learner = run.learner
        best = run.timeline.find_best(learner.best)
        return {
            "type": "frame",
            "version": run.version,
            "structure": contents.structure,
            "status": run.status,
            "step": contents.step,
            "epoch": contents.epoch,
            "progress": contents.progress,
            "updates_per_second": round(run.updates_per_second, 1),
            "speed": run.speed,
            "device": learner.device_name,
            "engine": learner.engine_name,
            "problem": None if run.problem is None else run.problem.to_dict(),
            "best": None if best is None else best.id,
            "history_columns": list(learner.history.columns),
            "acts": run.acts.facts,
            "interventions": bool(learner.journal),
            "moments_version": run.timeline.version,
            "journal_version": self._journal_version(run),
            "recipe_version": self._recipe_version(run),
            **contents.facts,
        }

    def _journal_version(self, run: Shown) -> int | None:
        """The run's version when the journal last changed; None while the journal is empty."""
        journal = run.learner.journal
        if journal is not self._seen_journal[0]:
            self._seen_journal = journal, run.version
        return self._seen_journal[1] if journal else None

    def _recipe_version(self, run: Shown) -> int:
        """The run's version when its recipe last changed, or had to be told anew."""
        recipe = run.learner.recipe
        if recipe is not self._seen_recipe[0]:
            self._seen_recipe = recipe, run.version
        return self._seen_recipe[1]

    def _settings(self, run: Shown) -> dict[str, Any]:
        """The recipe as the page offers it for change."""
        told = run.editor.describe(run.learner.recipe)
        return {**told, "facts": {**told["facts"], "device": run.device, "devices": list_devices()}}


def _short(entry: Any) -> Any:
    """The same with seven digits, as many as float32 has."""
    if isinstance(entry, dict):
        return {name: _short(inner) for name, inner in entry.items()}
    return float(f"{entry:.7g}") if isinstance(entry, float) else entry
