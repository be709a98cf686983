"""A desk under test: answers at once with a table that was made by hand, and writes down what it was asked."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np

from dlcore.arrays import to_bytes
from dlcore.problems import Problem

AGES = [22.0, 38.0, 26.0, 35.0, 35.0, 54.0, 2.0, 27.0, 14.0, 4.0]


def column(name: str, kind: str, **facts: Any) -> dict[str, Any]:
    """A column's profile; what is not said is nothing special."""
    usual: dict[str, Any] = {"missing": 0, "distinct": 10, "reason": None, "top": [], "histogram": None}
    treatment = {"number": {"impute": "median", "scale": "standard"}, "category": {"impute": "most_frequent"}}
    return {"name": name, "kind": kind, **usual, "treatment": treatment.get(kind), **facts}


def passengers() -> dict[str, Any]:
    """A profile as the job "look" gives it: ten passengers, two of them with holes."""
    histogram = {"edges": [0.0, 20.0, 40.0, 60.0], "counts": [3, 5, 1]}
    numbers = {"min": 2.0, "max": 54.0, "mean": 25.7, "deviation": 15.2}
    return {
        "name": "passengers.csv",
        "format": "csv",
        "options": {
            "separator": ",",
            "decimal": ".",
            "encoding": "utf-8",
            "quote": '"',
            "titles": 0,
            "header": True,
            "header_lines": 1,
        },
        "sheets": [],
        "rows": 10,
        "rows_in_file": 10,
        "trained": 10,
        "columns": [
            column("ticket", "id"),
            column("age", "number", missing=1, distinct=9, histogram=histogram, **numbers),
            column("port", "category", distinct=3, top=[["S", 6], ["C", 3], ["Q", 1]]),
            column("fare", "number", histogram=histogram, **numbers),
            column("survived", "category", distinct=2, top=[["no", 6], ["yes", 4]]),
        ],
        "preview": [[f"T{row}", f"{age:g}", "S", "7.25", "no"] for row, age in enumerate(AGES)],
        "target": "survived",
        "task": "classification",
        "inputs": ["age", "port", "fare"],
        "classes": [{"name": "no", "rows": 6}, {"name": "yes", "rows": 4}],
        "correlation": {"names": ["age", "fare"], "values": [[1.0, 0.3], [0.3, 1.0]]},
        "findings": [],
    }


class DoneJob:
    """A job whose end is known from the beginning."""

    ahead, share = 0, 1.0

    def __init__(self, header: dict[str, Any], payload: bytes = b"", problem: Problem | None = None) -> None:
        self.partial: dict[str, Any] = {}
        self.state = "failed" if problem else "done"
        self._answer, self._problem = (header, payload), problem

    def cancel(self) -> None:
        self.state = "cancelled"

    def result(self, timeout: float | None = None) -> tuple[dict[str, Any], bytes]:
        if self._problem is not None:
            raise self._problem
        return self._answer


class LateJob(DoneJob):
    """A job that is under way until it is told otherwise."""

    def __init__(self, header: dict[str, Any], ahead: int = 0) -> None:
        super().__init__(header)
        self.state, self.ahead, self.share = "waiting" if ahead else "working", ahead, 0.4

    def finish(self) -> None:
        self.state = "done"


class HandmadeDesks:
    """Takes every job; `answers` and `refusals` say what comes of it, by the name of the job."""

    def __init__(self, imported: dict[str, Any]) -> None:
        self.asked: list[tuple[str, dict[str, Any]]] = []
        self.profile = passengers()
        self.imported = imported
        self.refusals: dict[str, Problem] = {}
        self.late: list[LateJob] | None = None
        self.full: Problem | None = None
        self.large = False  # whether a quick look says that a longer one is needed

    def wake(self) -> None:
        pass

    def hold(self, page: str) -> None:
        """Nobody leaves."""

    def submit(
        self, do: str, payload: bytes = b"", owner: str = "", reader: str = "", page: str = "", **arguments: Any
    ) -> DoneJob:
        if self.full is not None:
            raise self.full
        self.asked.append((do, arguments))
        if do in self.refusals:
            return DoneJob({}, problem=self.refusals[do])
        if self.late is not None:
            job = LateJob(self._header(do, arguments), ahead=2)
            self.late.append(job)
            return job
        return DoneJob(self._header(do, arguments), self._payload(do))

    def _header(self, do: str, arguments: dict[str, Any]) -> dict[str, Any]:
        match do:
            case "look" if self.large:
                return {"form": "large"}
            case "look" | "look_long":
                return self._looked(arguments)
            case "import":
                return {"dataset": self.imported, "dropped": 1}
            case "classic" if arguments["name"] == "titanic":
                return {"upload": "0" * 32, "name": "titanic.csv", "options": {"target": "survived"}}
        return {"dataset": self.imported, "rows": 6, "classes": [{"name": "0", "rows": 3}, {"name": "1", "rows": 3}]}

    def _payload(self, do: str) -> bytes:
        return to_bytes({"X": np.zeros((6, 16), np.uint8)}) if do in ("images", "classic") else b""

    def _looked(self, arguments: dict[str, Any]) -> dict[str, Any]:
        """The same table, as it was asked to be read."""
        profile = copy.deepcopy(self.profile)
        profile["name"] = arguments["name"]
        profile["options"] |= {name: arguments[name] for name in profile["options"] if name in arguments}
        for one in profile["columns"]:
            one["kind"] = arguments.get("types", {}).get(one["name"], one["kind"])
        profile["target"] = arguments.get("target", profile["target"])
        profile["task"] = arguments.get("task", profile["task"])
        return profile
