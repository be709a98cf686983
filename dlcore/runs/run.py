"""A run: a learner brought to life, told to play, pause, step; drawn as frames. It knows nothing of processes, nor what is learned.

`advance(seconds)` is where it trains, a slice at a time, so that one worker can hold many runs.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np

from dlcore.arrays import from_bytes, to_bytes
from dlcore.learning.learner import Diverged, Learner
from dlcore.learning.timeline import Moment, Timeline
from dlcore.problems import Problem
from dlcore.recipe import Recipe
from dlcore.recipes import recipe_from_json
from dlcore.runs.frames import Frames
from dlcore.runs.kinds import Kind, kind_of_learning
from dlcore.runs.pace import NEVER, Pace


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
        self._pace = Pace(clock)
        self.leash: int | None = None  # A playing run takes no update beyond this step.
        self.problem: Problem | None = None
        self.device = device
        self.timeline = Timeline(first=self.version)
        self._frames = Frames()
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
        self._pace.stop()
        self.interventions.clear()
        self._stand(status)
        self.history_since = self.version  # A viewer with an older frame holds rows that are no more.

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
        self._pace.set_speed(speed)
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
        return self._pace.due

    @property
    def _room(self) -> float:
        """Updates that the leash still allows."""
        return NEVER if self.leash is None else self.leash - self.learner.step

    def advance(self, seconds: float) -> None:
        """Train for at most so long, and no faster than the speed says."""
        deadline = time.monotonic() + seconds
        self._pace.tick()
        if self._last_epoch is not None:
            self._update(NEVER, deadline)
        elif self.status == "playing" and (allowed := min(self._pace.count_allowed(), self._room)) > 0:
            self._pace.spend(self._update(allowed, deadline))

    def _resume(self, status: str) -> None:
        self.status = status
        self.problem = None
        self._pace.resume()
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
            self._pace.count(self.learner.step)
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

    @property
    def speed(self) -> float | None:
        """Updates a second that it plays at; None is as fast as it goes."""
        return self._pace.speed

    @property
    def updates_per_second(self) -> float:
        """Measured over about the last second; 0 when it stands."""
        return self._pace.updates_per_second if self.status == "playing" else 0.0

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
        return self._frames.encode(self, version, structure, history, moments, wants or {})

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
            "history_since": self.history_since,
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
        self.history_since, self._keep_epoch = numbers["history_since"], numbers["keep_epoch"]
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
