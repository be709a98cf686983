"""A kind of learning that lives in tests only: a bandit that finds the best of its arms by trying them (Sutton and Barto, chapter 2)."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np
from pydantic import Field

from dlcore.journal import Journal, pack_journal, unpack_journal
from dlcore.learning.history import History
from dlcore.learning.learner import Change
from dlcore.learning.timeline import Moment
from dlcore.problems import Problem
from dlcore.recipe import Recipe
from dlcore.runs.kinds import Kind

PULLS_AN_EPOCH = 50


class Bandit(Recipe):
    """Arms of unknown worth, of which mostly the one is pulled that has paid best so far, and else any."""

    learning: Literal["acting"] = "acting"
    arms: int = Field(default=5, ge=2, le=100)
    epsilon: float = Field(default=0.1, ge=0, le=1)
    seed: int = Field(default=0, ge=0)

    def same_start(self, other: Recipe) -> bool:
        return isinstance(other, Bandit) and (self.arms, self.seed) == (other.arms, other.seed)

    @property
    def num_parameters(self) -> int:
        return self.arms

    @property
    def most_operations(self) -> int:
        return self.arms

    @property
    def worth(self) -> np.ndarray:
        """What an arm pays in the mean: (arms,)."""
        return np.random.default_rng(self.seed).normal(size=self.arms)


def pull(recipe: Bandit, step: int, values: np.ndarray) -> tuple[int, float]:
    """The arm of this step, and what it pays; `values` is what each was found to be worth."""
    luck = np.random.default_rng([recipe.seed, step])
    arm = int(luck.integers(recipe.arms)) if luck.random() < recipe.epsilon else int(values.argmax())
    return arm, float(recipe.worth[arm] + luck.normal())


class BanditLearner:
    """Estimates what each arm is worth by the mean of what it has paid."""

    shown_column: ClassVar[str] = "regret"
    device_name = "CPU"
    engine_name = "numpy"
    best = None
    ending = None

    def __init__(self, recipe: Bandit, device: str) -> None:
        if device not in ("auto", "cpu"):
            raise Problem("no_device", expected="auto, cpu", came=device)
        self.recipe = recipe
        self.notices: list[Problem] = []
        self.reset()

    def reset(self) -> None:
        self.step = self.epoch = 0
        self.finished: str | None = None
        self.journal: Journal = ()
        self.values, self.pulls = np.zeros(self.recipe.arms), np.zeros(self.recipe.arms, np.int64)
        self.reward = self.regret = 0.0
        self.history = History(("epoch", "step", "reward", "regret"))
        self.history.append(self.row())

    @property
    def progress(self) -> float:
        return self.step / PULLS_AN_EPOCH

    def row(self) -> tuple[float, ...]:
        return self.epoch, self.step, self.reward, self.regret

    def advance(self, updates: float, deadline: float, epochs: int = 1) -> None:
        last, epoch = self.step + updates, self.epoch
        while self.step < last and self.epoch == epoch:
            arm, paid = pull(self.recipe, self.step, self.values)
            self.pulls[arm] += 1
            self.values[arm] += (paid - self.values[arm]) / self.pulls[arm]
            self.reward += paid
            self.regret += float(self.recipe.worth.max() - self.recipe.worth[arm])
            self.step += 1
            if self.step % PULLS_AN_EPOCH == 0:
                self.epoch += 1
                self.history.append(self.row())
            if time.monotonic() >= deadline:
                return

    def go_on(self) -> bool:
        return False

    @property
    def standing_bytes(self) -> int:
        return 16 * self.recipe.arms

    def state(self) -> dict[str, np.ndarray]:
        return self.standing() | {"history": self.history.rows()}

    def standing(self) -> dict[str, np.ndarray]:
        return {
            "values": self.values.copy(),
            "pulls": self.pulls.copy(),
            "sums": np.array([self.reward, self.regret]),
            "counters": np.array([self.step, self.epoch]),
            "journal": pack_journal(self.journal),
        }

    def restore(self, state: dict[str, np.ndarray]) -> None:
        self.reset()
        self.values, self.pulls = state["values"].copy(), state["pulls"].copy()
        self.reward, self.regret = state["sums"].tolist()
        self.step, self.epoch = state["counters"].tolist()
        self.journal = unpack_journal(state["journal"])
        self.history = History(self.history.columns, state["history"])

    def change(self, recipe: Bandit, origins: Any = None) -> Change:
        self.recipe = recipe
        return Change(recipe.arms, recipe.arms, reshaped=False, redrawn=False)

    @contextmanager
    def unchanged_on_failure(self) -> Iterator[None]:
        before = vars(self).copy()
        try:
            yield
        except BaseException:
            vars(self).update(before)
            raise

    def move(self, device: str) -> None:
        if device not in ("auto", "cpu"):
            raise Problem("no_device", expected="auto, cpu", came=device)


@dataclass(frozen=True)
class BanditContents:
    """What each arm was found to be worth, and how often it was pulled."""

    structure: int
    recipe: Bandit
    step: int
    epoch: int
    progress: float
    facts: dict[str, Any]
    arrays: dict[str, np.ndarray]

    @property
    def slim_arrays(self) -> dict[str, np.ndarray]:
        return self.arrays

    def with_layout(self, rows: bool, slim: bool) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
        return {"layout": {"arms": self.recipe.arms}}, {"worth": self.recipe.worth}

    def asks_for_rows(self, wants: dict[str, Any]) -> bool:
        return False

    def find(self, wants: dict[str, Any], rows: bool) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
        return {}, {"luck": self.arrays["values"] - self.recipe.worth} if wants.get("luck") else {}


class BanditContentsMaker:
    """What there is to see of a bandit."""

    def __init__(self, learner: BanditLearner) -> None: ...

    def switch_to(self, learner: BanditLearner) -> None: ...

    def make_now(self, learner: BanditLearner, version: int, structure: int, moving: bool) -> BanditContents:
        at = learner.step, learner.epoch, learner.progress
        return self._make(structure, learner.recipe, at, learner.row(), learner.standing())

    def make_at(self, moment: Moment, learner: BanditLearner, structure: int) -> BanditContents:
        at = moment.step, moment.epoch, moment.progress
        return self._make(moment.structure, moment.recipe, at, moment.row, moment.state)

    def _make(
        self, structure: int, recipe: Bandit, at: tuple[int, int, float], row: tuple[float, ...], state: dict[str, Any]
    ) -> BanditContents:
        facts = {"reward": row[2], "regret": row[3]}
        return BanditContents(structure, recipe, *at, facts, {name: state[name] for name in ("values", "pulls")})


def _load(data: bytes, device: str) -> BanditLearner:
    learner = BanditLearner(Bandit.from_json(data), device)
    return learner


KIND = Kind(
    learner=lambda recipe, device, before: BanditLearner(recipe, device),
    load=_load,
    contents_maker=BanditContentsMaker,
    files={"checkpoint": lambda learner: learner.recipe.to_json().encode()},
)


def best_known_course(recipe: Bandit, steps: int) -> tuple[np.ndarray, np.ndarray, float, float]:
    """The judge: values (arms,), pulls (arms,), sums of reward and regret, found from the list of all pulls by plain means."""
    paid: list[list[float]] = [[] for _ in range(recipe.arms)]
    for step in range(steps):
        arm, reward = pull(recipe, step, np.array([np.mean(one) if one else 0.0 for one in paid]))
        paid[arm].append(reward)
    pulls = np.array([len(one) for one in paid])
    regret = float(((recipe.worth.max() - recipe.worth) * pulls).sum())
    return np.array([np.mean(one) if one else 0.0 for one in paid]), pulls, sum(map(sum, paid)), regret
