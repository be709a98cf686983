"""A run: a learner brought to life, told to play, pause, step; drawn as frames. It knows nothing of processes, nor what is learned.

`advance(seconds)` is where it trains, a slice at a time, so that one worker can hold many runs.
"""

from __future__ import annotations

import math
import time
from collections import deque
from collections.abc import Callable
from typing import Any

import numpy as np

from dlcore.arrays import from_bytes, to_bytes
from dlcore.frame import encode_frame
from dlcore.journal import Journal
from dlcore.learning.learner import Diverged, Learner
from dlcore.learning.timeline import Moment, Timeline
from dlcore.problems import Problem
from dlcore.recipe import Recipe
from dlcore.recipes import recipe_from_json
from dlcore.runs import DEFAULT_SPEED
from dlcore.runs.kinds import Kind, Sight, kind_of_learning

FASTEST = 1_000_000.0
TICK = 0.005  # Fast runs take their updates in bunches, one a tick: a worker must not wake for each of them.
LONGEST_DEBT = 0.1  # Seconds of updates a run that was held up may catch up on; the rest is forgotten.
RATE_WINDOW = 1.0
NEVER = math.inf


class Run:
    """A learner with its sights, status and speed. Every change that a viewer could see gives a new `version`.

    Status is paused, playing, diverged, or why the learner has finished (early_stopped, epoch_limit). `clock` says when an update is due.
    """

    def __init__(
        self, recipe: str, device: str = "auto", life: int = 0, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._clock = clock
        # A later life (after a lost worker) starts far above the numbers of the last one, so that no viewer mistakes
        # the restored run for the one it has drawn.
        self.version = life * 1_000_000_000
        self.structure = life * 1_000_000
        self.status = "paused"
        self.speed: float | None = DEFAULT_SPEED
        self.leash: int | None = None  # A playing run takes no update beyond this step.
        self.problem: Problem | None = None
        self.device = device
        self.timeline = Timeline(first=self.version)
        self._seen_journal: tuple[Journal, int] = (), 0  # and the version in which it came to be
        self._withheld = ""  # Why the rows are not shown, as the key of a Problem.
        self._begin(recipe_from_json(recipe))

    def _begin(self, recipe: Recipe, status: str = "paused") -> None:
        """Build this recipe's learner, and go on with it."""
        kind = kind_of_learning(recipe)
        self._go_on_with(kind.learner(recipe, self.device, None), kind, status)

    def _go_on_with(self, learner: Learner, kind: Kind, status: str = "paused") -> None:
        """Be the run of this learner. What is to be seen of it is built first, so that a failure leaves the run as it was."""
        sights = kind.sights(learner)
        self.kind, self.learner, self.sights = kind, learner, sights
        self.interventions = kind.interventions()
        self.structure += 1
        self._start_over(status)

    def _start_over(self, status: str = "paused") -> None:
        """The learner stands at the beginning of what is known of it."""
        self._stand_elsewhere(status)
        self.timeline.clear()
        self._keep_moment()

    def _stand_elsewhere(self, status: str = "paused") -> None:
        """The learner stands at another point, with another history."""
        self._last_epoch: int | None = None
        self._next_update = self._ticked = self._clock()
        self._rate: deque[tuple[float, int]] = deque()
        self.interventions.clear()
        self._stand(status)
        self._history_since = self.version  # A viewer with an older frame holds rows that are no more.

    def _stand(self, status: str) -> None:
        """Nothing is wrong, and the learner may go on (unless it has reached its end)."""
        self.status = self.learner.finished or status
        self.problem = None
        self.version += 1

    # What it is told

    def play(self) -> None:
        """Go on training; a run that came to its end stays there until it is reset or changed."""
        if self.status == "paused":
            self._resume("playing")

    def pause(self) -> None:
        self._halt()
        self._keep_moment()

    def _halt(self) -> None:
        self._last_epoch = None
        if self.status == "playing":
            self.status = "paused"
            self.version += 1

    def step(self) -> None:
        """One update, then stand."""
        self._halt()
        if self.status == "paused":
            self._resume("paused")
            self._update(1, NEVER)
            self._keep_moment()

    def epoch(self) -> None:
        """On to the end of the current epoch at full speed, then stand. The slices that follow do it."""
        self._halt()
        if self.status == "paused":
            self._resume("paused")
            self._last_epoch = self.learner.epoch

    def reset(self) -> None:
        """Back to the very same initial weights."""
        self.learner.reset()
        self._start_over()

    def set_speed(self, speed: object) -> None:
        """Updates a second, 1 or more; None is as fast as it goes."""
        if speed is not None and (
            not isinstance(speed, (int, float)) or isinstance(speed, bool) or not 1 <= speed <= FASTEST
        ):
            raise Problem("bad_speed", limit=int(FASTEST), came=str(speed))
        self.speed = None if speed is None else float(speed)
        now = self._clock()
        self._next_update = now if speed is None else min(self._next_update, now + 1 / float(speed))
        self._rate.clear()
        self.version += 1

    def set_device(self, device: object) -> None:
        """From here on on another device."""
        self.learner.move(str(device))
        self.device = str(device)
        self.version += 1

    def change(self, recipe: str, origins: dict[str, Any] | None = None) -> dict[str, Any]:
        """Take this recipe, live; {"fresh_start", "kept", "total"}: of all numbers that are learned so many are those of before.

        Only another seed or other data that ask something else need a fresh start. `origins` says which layers and units
        were which (see carry.py).
        """
        changed = recipe_from_json(recipe).without_journal()
        status: str = "playing" if self.status == "playing" else "paused"
        learner = self.learner
        if not learner.recipe.same_start(changed):
            self._begin(changed, status)
            return {"fresh_start": True, "kept": 0, "total": changed.num_parameters}
        with learner.unchanged_on_failure():
            done = learner.change(changed, origins)
            if done.redrawn:
                self.sights.draw(learner)
        if done.redrawn:
            self.structure += 1
        if done.reshaped:
            self.interventions.clear()
        if done.notice is not None:
            learner.notices.append(done.notice)
        self._stand(status)
        if done.redrawn:
            self._keep_moment(edited=True)
        return {"fresh_start": False, "kept": done.kept, "total": done.total}

    def load(self, data: bytes) -> None:
        """Go on from this checkpoint: its recipe and its weights."""
        self._go_on_with(self.kind.load(data, self.device), self.kind)

    def set_leash(self, step: object) -> None:
        """While it plays, take no update beyond this step, and go on when it moves; None takes it off."""
        self.leash = step if type(step) is int else None

    def intervene(self, do: str, value: dict[str, Any]) -> None:
        """Set, freeze or silence what is named; nothing happens where that is gone. Raises Problem for a weight that is no number."""
        if value.get("structure") == self.structure and self.interventions.apply(do, value, self.learner):
            self._edited()

    def undo(self) -> None:
        """Take back the last intervention."""
        if self.interventions.undo(self.learner):
            self._edited()

    def _edited(self) -> None:
        if self.status == "diverged":
            self._stand("paused")
        self.version += 1
        self._keep_moment(edited=True)

    def rewind(self, identifier: object) -> dict[str, Any]:
        """Stand again where the run stood at this moment, with the recipe of then; what came later is cut."""
        moment, old = self.timeline.moment(identifier), self.learner
        recipe = old.recipe if moment.recipe == old.recipe else moment.recipe
        learner = self.kind.learner(recipe, self.device, old)
        learner.restore(moment.full_state(old.history.rows()))
        learner.notices += old.notices
        if moment.structure != self.structure:
            self.sights.draw(learner)
            self.structure += 1
        self.learner = learner
        self.timeline.cut(moment)
        self._stand_elsewhere()
        self._keep_epoch = self.timeline.next_epoch
        return {"recipe": recipe.to_json(), "step": learner.step, "epoch": learner.epoch}

    def fork(self, identifier: object) -> tuple[dict[str, Any], bytes]:
        """Recipe, step and state with which another run goes on from this moment (None: from now)."""
        learner = self.learner
        if identifier is None:
            return {"recipe": learner.recipe.to_json(), "step": learner.step}, to_bytes(learner.state())
        moment = self.timeline.moment(identifier)
        state = moment.full_state(learner.history.rows())
        return {"recipe": moment.recipe.to_json(), "step": moment.step}, to_bytes(state)

    def fail(self, problem: Problem) -> None:
        """Stand still after a failure, and say so."""
        self._halt()
        self.problem = problem
        self.version += 1

    # Training

    @property
    def finishing_epoch(self) -> bool:
        return self._last_epoch is not None

    @property
    def moving(self) -> bool:
        """Whether slices are taking it further."""
        return self.status == "playing" or self.finishing_epoch

    @property
    def due(self) -> float:
        """When (by the clock) the next slice has something to do."""
        if self._last_epoch is not None:
            return 0.0
        if self.status != "playing" or self._room <= 0:
            return NEVER
        return 0.0 if self.speed is None else max(self._next_update, self._ticked + TICK)

    @property
    def _room(self) -> float:
        """Updates that the leash still allows."""
        return NEVER if self.leash is None else self.leash - self.learner.step

    def advance(self, seconds: float) -> None:
        """Train for at most so long, and no faster than the speed says."""
        now, deadline = self._clock(), time.monotonic() + seconds
        self._ticked = now
        if self._last_epoch is not None:
            self._update(NEVER, deadline)
        elif self.speed is None:
            self._update(self._room, deadline)
        elif self.status == "playing" and now >= self._next_update:
            self._next_update = max(self._next_update, now - max(LONGEST_DEBT, 1 / self.speed))
            allowed = min(int((now - self._next_update) * self.speed) + 1, self._room)
            self._next_update += self._update(allowed, deadline) / self.speed

    def _resume(self, status: str) -> None:
        self.status = status
        self.problem = None
        self._next_update = self._clock()
        self._ticked = self._next_update - TICK
        self._rate.clear()
        self.version += 1

    def _update(self, allowed: float, deadline: float) -> int:
        """Take updates until one of the two is used up, or the run comes to an end; how many were taken.

        The deadline is on `time.monotonic`, by which the learner measures its steps.
        """
        learner = self.learner
        first = learner.step
        try:
            while learner.step - first < allowed:
                learner.advance(allowed - (learner.step - first), deadline)
                if learner.epoch >= self._keep_epoch:
                    self._keep_moment()
                if learner.finished is not None:
                    self._end(learner.finished)
                    break
                if self._last_epoch is not None and learner.epoch > self._last_epoch:
                    self._last_epoch = None
                    self._keep_moment()
                    break
                if time.monotonic() >= deadline:
                    break
        except Diverged as problem:
            self._end("diverged")
            self.problem = problem
        taken = learner.step - first
        if taken:
            self.version += 1
            self._count()
        return taken

    def _end(self, status: str) -> None:
        self.status = status
        self._last_epoch = None
        self.version += 1
        self._keep_moment()

    def _keep_moment(self, edited: bool = False) -> None:
        self.timeline.keep(self.learner, self.structure, edited)
        # A network too large for moments is asked about once an epoch, not once a step.
        self._keep_epoch = max(self.timeline.next_epoch, self.learner.epoch + 1)

    def _count(self) -> None:
        now = self._clock()
        self._rate.append((now, self.learner.step))
        while len(self._rate) > 2 and now - self._rate[1][0] > RATE_WINDOW:
            self._rate.popleft()

    @property
    def updates_per_second(self) -> float:
        """Measured over about the last second; 0 when it stands."""
        if self.status != "playing" or len(self._rate) < 2:
            return 0.0
        (start, first), (end, last) = self._rate[0], self._rate[-1]
        return (last - first) / max(end - start, 1e-6)

    # What leaves it

    def frame(
        self,
        version: int | None,
        structure: int | None,
        history: int,
        moments: int | None = None,
        wants: dict[str, Any] | None = None,
    ) -> bytes:
        """The picture of this moment, or of the kept one that is wanted, with what a viewer that holds that much lacks."""
        wants = wants or {}
        moment = self.timeline.find(wants.get("moment"))
        if moment is None:
            sight = self.sights.now(self.learner, self.version, self.structure, self.moving)
        else:
            sight = self.sights.then(moment, self.learner, self.structure)
        knows_layout = structure == sight.structure
        has_history = knows_layout and version is not None and version >= self._history_since
        known_rows = min(max(history, 0), len(self.learner.history)) if has_history else 0
        header, arrays = self._header(sight), sight.arrays
        header["history_from"] = known_rows
        if moment is not None:
            header["moment"] = {"id": moment.id, "step": sight.step, "epoch": sight.epoch, "progress": sight.progress}
            header["live"] = {"step": self.learner.step, "epoch": self.learner.epoch}
        rows = self._shows_rows(sight) if not knows_layout or sight.asks_for_rows(wants) else True
        if not knows_layout:
            layout, arrays = sight.with_layout(rows)
            header |= layout
        arrays = {**arrays, "history": self.learner.history.rows(known_rows)}
        if moments != self.timeline.version:
            arrays["moments"] = self.timeline.table()
        if wants:
            more, wanted = sight.find(wants, rows)
            header |= more
            arrays |= wanted
        return encode_frame(header, arrays)

    def _shows_rows(self, sight: Sight) -> bool:
        """Whether its owner may see the rows: training goes on with those in memory when they are no longer shared, but none leave."""
        try:
            sight.recipe.check_readable()
        except Problem as problem:
            if problem.key != self._withheld:
                self.learner.notices.append(problem)
            self._withheld = problem.key
            return False
        self._withheld = ""
        return True

    def _header(self, sight: Sight) -> dict[str, Any]:
        learner = self.learner
        return {
            "type": "frame",
            "version": self.version,
            "structure": sight.structure,
            "status": self.status,
            "step": sight.step,
            "epoch": sight.epoch,
            "progress": sight.progress,
            "updates_per_second": round(self.updates_per_second, 1),
            "speed": self.speed,
            "device": learner.device_name,
            "engine": learner.engine_name,
            "problem": None if self.problem is None else self.problem.to_dict(),
            "history_columns": list(learner.history.columns),
            "undo": len(self.interventions),
            "interventions": bool(learner.journal),
            "moments_version": self.timeline.version,
            "journal_version": self._journal_version(),
            **sight.facts,
        }

    def _journal_version(self) -> int | None:
        """The version since which the journal is what it is; None where nothing was changed."""
        journal = self.learner.journal
        if journal is not self._seen_journal[0]:
            self._seen_journal = journal, self.version
        return self._seen_journal[1] if journal else None

    def file(self, name: str) -> bytes:
        """What the learner leaves behind under this name; which names there are is its kind's."""
        return self.kind.files[name](self.learner)

    def history_csv(self, most: int | None = None) -> bytes:
        """history.csv; at most so many rows of it, evenly spread."""
        return self.learner.history.to_csv(self.learner.recipe.history_names, most).encode()

    def notices(self) -> list[Problem]:
        """What the learner had to say since the last time it was asked."""
        notices, self.learner.notices = self.learner.notices, []
        return notices

    # What outlives its worker

    def kept(self) -> tuple[dict[str, Any], bytes]:
        """What brings this run back elsewhere: recipe and settings, and the learner's state as safetensors."""
        return self.facts, to_bytes(self.learner.state())

    @property
    def facts(self) -> dict[str, Any]:
        """The same without the state."""
        return {
            "recipe": self.learner.recipe.to_json(),
            "status": self.status,
            "speed": self.speed,
            "device": self.device,
            "step": self.learner.step,
            "epoch": self.learner.epoch,
        }

    @property
    def numbers(self) -> dict[str, Any]:
        """What viewers know this run by, and what holds it."""
        return {
            "version": self.version,
            "structure": self.structure,
            "history_since": self._history_since,
            "keep_epoch": self._keep_epoch,
            "leash": self.leash,
            "timeline": self.timeline.numbers,
        }

    def stand_as(
        self,
        state: dict[str, np.ndarray],
        moments: list[Moment],
        numbers: dict[str, Any],
        status: str,
        speed: float | None,
        problem: Problem | None,
    ) -> None:
        """Be the run that had all this."""
        self.learner.restore(state)
        self._stand_elsewhere()
        self.timeline.adopt(moments, numbers["timeline"])
        self._history_since, self._keep_epoch = numbers["history_since"], numbers["keep_epoch"]
        self.leash, self.structure = numbers["leash"], numbers["structure"]
        self.set_speed(speed)
        self.status, self.problem = self.learner.finished or status, problem
        self.version = numbers["version"] + 1

    def restore(self, state: bytes, status: str, speed: float | None) -> None:
        """Go on from what was kept."""
        if state:
            self.learner.restore(from_bytes(state))
            self._start_over()
        self.set_speed(speed)
        if status == "playing":
            self.play()
