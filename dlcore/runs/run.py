"""A run: a learner that is told to play, pause, step, and is drawn as frames. It knows nothing of processes, nor what is learned.

Training happens in `advance(seconds)`, a slice at a time, so that one worker can train many runs in turn.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from dlcore.arrays import from_bytes, to_bytes
from dlcore.learning.acts import Acts
from dlcore.learning.learner import Diverged, Learner
from dlcore.learning.timeline import Timeline
from dlcore.problems import Problem
from dlcore.recipe import Recipe
from dlcore.recipes import recipe_from_json
from dlcore.runs.changing import change, go_to
from dlcore.runs.frames import Frames, Held
from dlcore.runs.kinds import Edited, Editor, Kind, kind_of_learning
from dlcore.runs.next_moment import NextMoment
from dlcore.runs.pace import NEVER, Pace
from dlcore.runs.standings import stand_at, stand_soundly, standing_at, standing_of


class Run:
    """A learner with the maker of its frames' contents, status and speed. `version` grows with every change that a viewer could see.

    Status is paused, playing, diverged, or why the learner has finished (early_stopped, epoch_limit). Updates are due by `clock`.
    """

    def __init__(
        self, recipe: str, device: str = "auto", life: int = 0, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.clock = clock
        # `life` counts how often the run was restored. Each life starts far above the numbers of the last one, so that no viewer
        # takes a frame of the restored run for one that it has drawn already.
        self.version = life * 1_000_000_000
        self.structure = life * 1_000_000
        self.status = "paused"
        self._pace, self.next_moment = Pace(clock), NextMoment(clock)
        self.leash: int | None = None  # The step beyond which a playing run does not train; None for no such limit.
        self.problem: Problem | None = None
        self.device = device
        self.timeline = Timeline(first=self.version)
        self.acts = Acts(first=self.version)
        self._frames = Frames()
        first = recipe_from_json(recipe)
        self.kind = kind_of_learning(first)
        self.editor: Editor = self.kind.editor()
        self.begin(first)

    def begin(self, recipe: Recipe, status: str = "paused") -> None:
        """Replace the learner by a new one of this recipe."""
        kind = kind_of_learning(recipe)
        self._go_on_with(kind.learner(recipe, self.device, None), kind, status)

    def _go_on_with(self, learner: Learner, kind: Kind, status: str = "paused") -> None:
        """Replace the learner by this one. The maker of its frames' contents is built first, so that a failure leaves the run as it was."""
        contents_maker = kind.contents_maker(learner)
        if kind is not self.kind:
            self.editor = kind.editor()
        self.kind, self.learner, self.contents_maker, self.coach = kind, learner, contents_maker, kind.coach()
        self.structure += 1
        self.start_over(status)

    def start_over(self, status: str = "paused") -> None:
        """Begin a new time line with the learner's present state."""
        self.stand_elsewhere(status)
        self.timeline.clear()
        self.keep_moment()

    def stand_elsewhere(self, status: str = "paused") -> None:
        """Forget what belonged to the learner's state before: the epoch under way, pace, and viewers' history rows."""
        self._last_epoch: int | None = None
        self._pace.stop()
        self.stand_still(status)
        self.history_since = self.version  # Viewers with an older frame must fetch the whole history again.

    def stand_still(self, status: str) -> None:
        """Clear any problem and set the status; a learner that has finished stays finished."""
        self.status = self.learner.finished or status
        self.problem = self.learner.ending
        self.version += 1

    # What it is told

    def play(self) -> None:
        """Train on, also after an early stop; a run that has diverged, or is at the limit of epochs, must be reset or changed first."""
        if self._can_train():
            self._resume("playing")

    def _can_train(self) -> bool:
        """Whether the run can train; a learner that has finished and can go on does so."""
        return self.status == "paused" or (self.status == self.learner.finished and self.learner.go_on())

    def pause(self) -> None:
        self.halt()
        self.keep_moment()

    def halt(self) -> None:
        """Train no further, without a moment that tells of it."""
        self._last_epoch = None
        if self.status == "playing":
            self.status = "paused"
            self.version += 1

    def step(self) -> None:
        """Take one update, then pause."""
        self.halt()
        if self._can_train():
            self._resume("paused")
            self._update(1, NEVER)
            self.keep_moment()

    def epoch(self) -> None:
        """Train to the end of the current epoch at full speed, then pause. Only asks for it: the following slices do it."""
        self.halt()
        if self._can_train():
            self._resume("paused")
            self._last_epoch = self.learner.epoch

    def reset(self) -> None:
        """Go back to step 0, with the same initial weights."""
        learner = self.learner
        before = standing_of(self) if learner.step or learner.journal else None
        learner.reset()
        self.start_over()
        if before is not None:
            self.acts.note("reset", before, self.clock())

    def set_speed(self, speed: object) -> None:
        """Set the updates a second, 1 or more; None for as fast as possible."""
        self._pace.set_speed(speed)
        self.version += 1

    def set_device(self, device: object) -> None:
        """Move the learner to another device."""
        self.tell_recipe_anew()  # Also if there is no such device.
        self.learner.move(str(device))
        self.device = str(device)

    def change(self, recipe: str, origins: dict[str, Any] | None = None, act: str = "change") -> dict[str, Any]:
        """Change to this recipe while training goes on, see changing.py; `act` is what people call it."""
        return change(self, recipe_from_json(recipe).without_journal(), origins, act)

    def edit(self, action: dict[str, Any]) -> dict[str, Any]:
        """Change one setting, layer or point of the recipe, as the kind of learning lets people do; returns the run's stand."""
        edited = self.find_edit(action)
        return self.stand if edited is None else self.take_edit(edited)

    def find_edit(self, action: dict[str, Any]) -> Edited | None:
        """What an edit would give; None if it is about nothing that there is. Viewers are told the recipe anew, even if it is refused."""
        self.tell_recipe_anew()
        return self.editor.edit(self.learner.recipe, action)

    def take_edit(self, edited: Edited) -> dict[str, Any]:
        """Change to the edited recipe; returns the run's stand."""
        change(self, edited.experiment, edited.origins, "change")
        self.learner.notices += edited.notices
        return self.stand

    def open(self, recipe: str, act: str, target: dict[str, Any] | None = None) -> dict[str, Any]:
        """Begin anew with this recipe, whatever was learned before. `target` is what the act names, such as an example."""
        before = standing_of(self)
        self.begin(recipe_from_json(recipe).without_journal())
        self.editor.propose(self.learner.recipe)
        self.acts.note(act, before, self.clock(), target)
        return self.stand

    def tell_recipe_anew(self) -> None:
        """Let viewers have the recipe with their next frame, even if it is what it was."""
        self._frames.forget_recipe()
        self.version += 1

    def load(self, data: bytes) -> None:
        """Go on from the recipe and state in this checkpoint."""
        before = standing_of(self)
        self._go_on_with(self.kind.load(data, self.device), self.kind)
        self.acts.note("load", before, self.clock())

    def set_leash(self, step: object) -> None:
        """Let a playing run train up to this step and wait there until the leash is set anew; None removes it."""
        self.leash = step if type(step) is int else None

    def intervene(self, do: str, value: dict[str, Any]) -> None:
        """Set, freeze or silence a weight, unit or layer; nothing happens if it no longer exists. Raises Problem for an invalid weight."""
        if value.get("structure") != self.structure:
            return
        series = value.get("stroke")  # All values of one drag are one act.
        before = None if self.acts.continues(series, self.clock()) else standing_of(self)
        if self.kind.intervene(do, value, self.learner):
            if self.status == "diverged":
                self.stand_still("paused")
            self.version += 1
            self.keep_moment(edited=True)
            target = {name: value.get(name) for name in ("address", "unit", "input", "on")}
            self.acts.note(do, before, self.clock(), target, series)

    def rewind(self, identifier: object) -> dict[str, Any]:
        """Go back to this moment, with its recipe; what came later is removed from history and time line."""
        moment, before = self.timeline.moment(identifier), standing_of(self)
        stand_at(self, standing_at(self, moment))
        self.acts.note("rewind", before, self.clock())
        return self.stand

    def undo(self) -> dict[str, Any]:
        """Take back the last act: the run stands where it stood before it, and is paused."""
        go_to(self, self.acts.position - 1)
        return self.stand

    def redo(self) -> dict[str, Any]:
        """Do again what was taken back last: the run stands where it stood when that was taken back, and is paused."""
        go_to(self, self.acts.position + 1)
        return self.stand

    def jump(self, act: object) -> dict[str, Any]:
        """Take back, or do again, all acts up to this one; 0 takes back all."""
        go_to(self, self.acts.position_after(act))
        return self.stand

    @property
    def stand(self) -> dict[str, Any]:
        """Recipe, step and epoch."""
        return {"recipe": self.learner.recipe.to_json(), "step": self.learner.step, "epoch": self.learner.epoch}

    @property
    def example(self) -> Any:
        """The id of the example that was opened last; None if none was, or its opening was taken back."""
        opened = self.acts.find_last("example")
        return None if opened is None else opened.target.get("id")

    def recover(self) -> dict[str, Any]:
        """Go back to the newest moment from which a run that has diverged can go on, else to the start."""
        before = standing_of(self)
        stand_soundly(self)
        self.acts.note("rewind", before, self.clock())
        return self.stand

    def fork(self, identifier: object) -> tuple[dict[str, Any], bytes]:
        """Recipe, step and state with which another run can go on from this moment (None: from now)."""
        if identifier is None:
            return self.stand, to_bytes(self.learner.state())
        moment = self.timeline.moment(identifier)
        state = moment.full_state(self.learner.history.view_rows())
        return {"recipe": moment.recipe.to_json(), "step": moment.step}, to_bytes(state)

    def fail(self, problem: Problem) -> None:
        """Pause after a failure, and show the problem."""
        self.halt()
        self.problem = problem
        self.version += 1

    # Training

    @property
    def finishing_epoch(self) -> bool:
        return self._last_epoch is not None

    @property
    def moving(self) -> bool:
        """Whether the run trains: it plays or finishes an epoch."""
        return self.status == "playing" or self.finishing_epoch

    @property
    def due(self) -> float:
        """When (by the clock) the next slice of training is due."""
        if self._last_epoch is not None:
            return 0.0
        if self.status != "playing" or self._room <= 0:
            return NEVER
        return self._pace.due

    @property
    def _room(self) -> float:
        """How many more updates the leash allows."""
        return NEVER if self.leash is None else self.leash - self.learner.step

    def advance(self, seconds: float) -> None:
        """Train for at most so many seconds, and no faster than the speed."""
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
        """Take updates until so many are taken, the deadline has passed, or the run ends; returns how many were taken.

        The deadline is a time of `time.monotonic`, which the learner uses, not of this run's `clock`.
        """
        learner = self.learner
        first = learner.step
        try:
            while learner.step - first < allowed:
                epochs = 1 if self._last_epoch is not None else max(1, self.next_moment.epoch - learner.epoch)
                learner.advance(allowed - (learner.step - first), deadline, epochs)
                if self.next_moment.is_due(learner.epoch):
                    self.keep_moment()
                if learner.finished is not None:
                    self._end(learner.finished, learner.ending)
                    break
                if self._last_epoch is not None and learner.epoch > self._last_epoch:
                    self._last_epoch = None
                    self.keep_moment()
                    break
                if time.monotonic() >= deadline:
                    break
        except Diverged as problem:
            self._end("diverged", problem)
        taken = learner.step - first
        if taken:
            self.version += 1
            self._pace.count(self.learner.step)
        return taken

    def _end(self, status: str, problem: Problem | None) -> None:
        self.status, self.problem = status, problem
        self._last_epoch = None
        self.version += 1
        self.keep_moment()

    def keep_moment(self, edited: bool = False) -> None:
        self.timeline.keep(self.learner, self.structure, edited)
        self.next_moment.note_kept(self.learner.epoch, self.timeline.next_epoch)

    @property
    def speed(self) -> float | None:
        """The updates a second that the run is to take; None for as fast as possible."""
        return self._pace.speed

    @property
    def updates_per_second(self) -> float:
        """The rate over about the last second; 0 if the run does not play."""
        return self._pace.updates_per_second if self.status == "playing" else 0.0

    # What viewers and downloads get

    def frame(
        self,
        version: int | None,
        structure: int | None,
        history: int,
        moments: int | None = None,
        wants: dict[str, Any] | None = None,
        recipe: int | None = None,
    ) -> bytes:
        """A frame of the run as it is now, or of the moment in `wants`, without what a viewer with these numbers has already."""
        return self.make_frame(Held(version, structure, history, moments, recipe), wants or {})

    def make_frame(self, held: Held, wants: dict[str, Any]) -> bytes:
        """The same for a viewer that has this."""
        return self._frames.encode(self, held, wants)

    def file(self, name: str) -> bytes:
        """The learner's file of this name; the kind of learning defines which there are."""
        return self.kind.files[name](self.learner)

    def history_csv(self, most: int | None = None) -> bytes:
        """The file history.csv with at most `most` rows, evenly spread."""
        return self.learner.history.to_csv(self.learner.recipe.history_names, most).encode()

    def notices(self) -> list[Problem]:
        """The learner's notices since the last call."""
        notices, self.learner.notices = self.learner.notices, []
        return notices

    # What survives the worker

    def kept(self) -> tuple[dict[str, Any], bytes]:
        """All that restores this run in another worker: its `facts`, and the learner's state as safetensors."""
        return self.facts, to_bytes(self.learner.state())

    @property
    def facts(self) -> dict[str, Any]:
        """The run's recipe, settings and progress, and what its editor remembers."""
        known = {"status": self.status, "speed": self.speed, "device": self.device, "editor": self.editor.memory}
        return {**self.stand, **known}

    def restore(self, state: bytes, status: str, speed: float | None, editor: dict[str, Any] | None = None) -> None:
        """Go on from a kept state, with the `editor` memory that was kept with it."""
        if editor:
            self.editor.recall(editor)
        if state:
            self.learner.restore(from_bytes(state))
            self.start_over()
        self.set_speed(speed)
        if status == "playing":
            self.play()
        elif status == "diverged":
            self.status = status
