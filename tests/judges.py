"""A desk under test: it answers at once, in this process, with the real jobs of judging."""

from __future__ import annotations

import copy
import json
from functools import lru_cache
from typing import Any

from dlcore.desks.jobs import JOBS
from dlcore.problems import Problem


class HastyJob:
    """A job that has been done before anybody could look."""

    share, ahead = 1.0, 0

    def __init__(self, do: str, payload: bytes, arguments: dict[str, Any]) -> None:
        self.partial: dict[str, Any] = {}
        self.problem: Problem | None = None
        self.answer: tuple[dict[str, Any], bytes] = {}, b""
        try:
            self.answer, self.partial = copy.deepcopy(answer_to(do, payload, json.dumps(arguments, sort_keys=True)))
        except Problem as problem:
            self.problem = problem

    @property
    def state(self) -> str:
        return "done" if self.problem is None else "failed"

    def cancel(self) -> None:
        self.problem = Problem("job_cancelled")

    def result(self, timeout: float | None = None) -> tuple[dict[str, Any], bytes]:
        if self.problem is not None:
            raise self.problem
        return self.answer


class HastyDesks:
    """Does every job at once and writes down what it was asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, dict[str, Any]]] = []
        self.refusal: Problem | None = None

    def wake(self) -> None:
        """It is awake."""

    def submit(
        self,
        do: str,
        payload: bytes = b"",
        owner: str = "",
        reader: str = "",
        page: str = "",
        **arguments: Any,
    ) -> HastyJob:
        self.asked.append((do, arguments))
        if self.refusal is not None:
            raise self.refusal
        return HastyJob(do, payload, arguments)

    def hold(self, page: str) -> None:
        """Nobody leaves."""

    def check(self, owner: str) -> None:
        """There is always room."""

    def ask(
        self, do: str, payload: bytes = b"", patience: float | None = None, **arguments: Any
    ) -> tuple[dict[str, Any], bytes]:
        return self.submit(do, payload, **arguments).result()


@lru_cache(maxsize=256)
def answer_to(do: str, payload: bytes, arguments: str) -> tuple[tuple[dict[str, Any], bytes], dict[str, Any]]:
    """The answer and what was told last on the way. Many tests ask the same of the same network, and fitting the baselines takes long."""
    told: dict[str, Any] = {}

    def tell(share: float, partial: dict[str, Any]) -> None:
        nonlocal told
        told = partial

    return JOBS[do].load()(json.loads(arguments), payload, tell), told
