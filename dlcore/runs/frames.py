"""Frames: what a viewer gets of a run, as far as it lacks it."""

from __future__ import annotations

from typing import Any, Protocol

from dlcore.frame import encode_frame
from dlcore.journal import Journal
from dlcore.learning.learner import Interventions, Learner
from dlcore.learning.timeline import Timeline
from dlcore.problems import Problem
from dlcore.runs.kinds import Sight, Sights


class Shown(Protocol):
    """What a frame is made of: a run, which is said there."""

    learner: Learner
    sights: Sights
    interventions: Interventions
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


class Frames:
    """The frames of one run. It remembers what was told of the journal and of withheld rows."""

    def __init__(self) -> None:
        self._seen_journal: tuple[Journal, int] = (), 0  # and the version in which it came to be
        self._withheld = ""  # Why the rows are not shown, as the key of a Problem.

    def encode(
        self,
        run: Shown,
        version: int | None,
        structure: int | None,
        history: int,
        moments: int | None,
        wants: dict[str, Any],
    ) -> bytes:
        """The run at this moment, or at the kept one that is wanted, with what a viewer that holds that much lacks."""
        learner = run.learner
        moment = run.timeline.find(wants.get("moment"))
        if moment is None:
            sight = run.sights.now(learner, run.version, run.structure, run.moving)
        else:
            sight = run.sights.then(moment, learner, run.structure)
        knows_layout = structure == sight.structure
        has_history = knows_layout and version is not None and version >= run.history_since
        known_rows = min(max(history, 0), len(learner.history)) if has_history else 0
        header, arrays = self._header(run, sight), sight.arrays
        header["history_from"] = known_rows
        if moment is not None:
            header["moment"] = {"id": moment.id, "step": sight.step, "epoch": sight.epoch, "progress": sight.progress}
            header["live"] = {"step": learner.step, "epoch": learner.epoch}
        rows = self._shows_rows(run, sight) if not knows_layout or sight.asks_for_rows(wants) else True
        if not knows_layout:
            layout, arrays = sight.with_layout(rows)
            header |= layout
        arrays = {**arrays, "history": learner.history.rows(known_rows)}
        if moments != run.timeline.version:
            arrays["moments"] = run.timeline.table()
        if wants:
            more, wanted = sight.find(wants, rows)
            header |= more
            arrays |= wanted
        return encode_frame(header, arrays)

    def _shows_rows(self, run: Shown, sight: Sight) -> bool:
        """Whether its owner may see the rows: training goes on with those in memory when they are no longer shared, but none leave."""
        try:
            sight.recipe.check_readable()
        except Problem as problem:
            if problem.key != self._withheld:
                run.learner.notices.append(problem)
            self._withheld = problem.key
            return False
        self._withheld = ""
        return True

    def _header(self, run: Shown, sight: Sight) -> dict[str, Any]:
        learner = run.learner
        return {
            "type": "frame",
            "version": run.version,
            "structure": sight.structure,
            "status": run.status,
            "step": sight.step,
            "epoch": sight.epoch,
            "progress": sight.progress,
            "updates_per_second": round(run.updates_per_second, 1),
            "speed": run.speed,
            "device": learner.device_name,
            "engine": learner.engine_name,
            "problem": None if run.problem is None else run.problem.to_dict(),
            "history_columns": list(learner.history.columns),
            "undo": len(run.interventions),
            "interventions": bool(learner.journal),
            "moments_version": run.timeline.version,
            "journal_version": self._journal_version(run),
            **sight.facts,
        }

    def _journal_version(self, run: Shown) -> int | None:
        """The version since which the journal is what it is; None where nothing was changed."""
        journal = run.learner.journal
        if journal is not self._seen_journal[0]:
            self._seen_journal = journal, run.version
        return self._seen_journal[1] if journal else None
