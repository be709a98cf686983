"""The learner: what a recipe builds to learn. A run calls nothing else, whatever the kind of learning."""

from __future__ import annotations

import math
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple, Protocol

import numpy as np

from dlcore.journal import Journal
from dlcore.problems import Problem

if TYPE_CHECKING:
    from dlcore.learning.history import History


class Moved(NamedTuple):
    """How far a learner's answers moved, in the mean and at most: probabilities, or numbers in the data's units."""

    mean: float
    most: float


class Change(NamedTuple):
    """What a change of the recipe did: of `total` learned numbers, `kept` stayed.

    `reshaped` says whether any came, went or moved, `redrawn` whether it needs another picture, `moved` how far that took the answers,
    where old and new ones can be compared, and `notice` what is to be told of it.
    """

    kept: int
    total: int
    reshaped: bool
    redrawn: bool
    moved: Moved | None = None
    notice: Problem | None = None


@dataclass(frozen=True)
class Best:
    """The epoch that a learner counts as its best, kept to go back to."""

    recipe: Any  # The Recipe that it had then.
    step: int
    epoch: int
    row: tuple[float, ...]  # The row of the history of that epoch.
    value: float  # The number of `row` that is shown for it.
    rows: int  # of the history, at that moment
    state: dict[str, np.ndarray]  # What `restore` takes, without the history.


class Diverged(Problem):
    """Nothing can be learned any more, as the loss is not finite; the learner holds the last numbers for which it was."""


def check_finite(loss: float, step: int) -> None:
    """Raises Diverged if the loss of the step after this one is not finite."""
    if not math.isfinite(loss):
        raise Diverged("diverged", step=step + 1, loss=str(loss))


def tell_going_back(epoch: int, step: int) -> Problem:
    """What is to be told of a learner that had diverged and went back to here."""
    return Problem("went_back", epoch=epoch, step=step) if step else Problem("went_back.start")


class Learner(Protocol):
    """Something that learns, step by step. The only mutable thing of a run that anybody can ask to go back.

    Time is counted in steps and epochs, which are of the learner's own making: a history has a row an epoch.
    """

    shown_column: ClassVar[str]  # Column of the history that is shown where a moment has room for one number.
    notices: list[Problem]  # What is to be told; whoever reads them empties the list.
    step: int
    epoch: int
    finished: str | None  # Why it has stopped, as a status of a run; None while it can go on.
    history: History  # Columns of its own, of which the first two are "epoch" and "step".
    journal: Journal  # What was changed since it began: the recipe alone does not reproduce such a learner.

    @property
    def recipe(self) -> Any:
        """The Recipe as it is now, without the journal."""

    @property
    def progress(self) -> float:
        """Time in epochs, fractions included."""
        ...

    @property
    def device_name(self) -> str:
        """The device on which it computes, by the name that people know."""
        ...

    @property
    def engine_name(self) -> str:
        """What takes its steps."""
        ...

    @property
    def best(self) -> Best | None:
        """The best epoch of a learner that has finished, where it can go back to it; None where it cannot or stands there."""
        ...

    @property
    def ending(self) -> Problem | None:
        """What is to be told of why it has finished, beside `finished`."""
        ...

    # Time

    def advance(self, updates: float, deadline: float, epochs: int = 1) -> None:
        """Take at most so many steps, at most to the end of so many epochs, until `time.monotonic()` says `deadline`; at least one.

        Raises Diverged.
        """
        ...

    def go_on(self) -> bool:
        """Go on though it has finished; False where it cannot."""
        ...

    def reset(self) -> None:
        """Back to the very beginning: the same recipe, the same numbers."""
        ...

    # State

    def state(self) -> dict[str, np.ndarray]:
        """Named arrays with which it goes on bit for bit, the history and the journal among them."""
        ...

    def standing(self) -> dict[str, np.ndarray]:
        """`state` without the history."""
        ...

    @property
    def standing_bytes(self) -> int:
        """About how many bytes `standing` gives, estimated without making it."""
        ...

    def restore(self, state: dict[str, np.ndarray]) -> None:
        """Go on from what `state` gave, for the same recipe."""
        ...

    def row(self) -> tuple[float, ...]:
        """The row that the history would get at this very step, in the order of its columns."""
        ...

    # What others do to it

    def change(self, recipe: Any, origins: Any = None, /) -> Change:
        """Take over another recipe of the same start, live; `origins` says what came from where, as the page's editor knows it."""
        ...

    def unchanged_on_failure(self) -> AbstractContextManager[None]:
        """If the `with` block raises, the learner is as it was before the block, even if its recipe was changed."""
        ...

    def move(self, device: str) -> None:
        """Go on on another device. Raises Problem for one that is not there."""
        ...


def nothing_to_reach(do: str, value: dict[str, Any], learner: Any) -> bool:
    """How people intervene in learners in which they can change nothing by hand."""
    return False
