"""The job "flip": the smallest change of a row after which the network says something else, as far as a search can find it.

A counterfactual (Wachter, Mittelstadt and Russell, 2018): among the rows x' of which the network says what is wanted, the one
with the smallest sum of |x' - x| / deviation over the numbers, deviations of the training rows, plus 1 for each category that
is another one. Numbers stay in the training rows' range. Nothing proves that there is no smaller one: it is the smallest found.

C raw columns.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from dlcore.evaluation import Judged, open_judged
from dlcore.evaluation.search import Goal, Search
from dlcore.evaluation.whatif import choose_example, columns_of, describe_prediction, move_row
from dlcore.jobs import Answer, Progress
from dlcore.problems import Problem


def flip(arguments: dict[str, Any], payload: bytes, progress: Progress) -> Answer:
    """The smallest change found of the row that "whatif" shows for the same arguments.

    "toward": the class it should become (else any other one), or the "amount" by which a number should change. Raises Problem.
    """
    judged = open_judged(payload)
    if judged.experiment.dataset.vocabulary:
        raise Problem("whatif_of_tokens")
    columns = columns_of(payload)
    example = choose_example(judged, columns, arguments)
    row_C = move_row(judged, columns, example.raw_C, arguments)
    goal = read_goal(judged, row_C, arguments)
    search = Search(judged, columns, row_C, goal)
    found_C = search.run(progress)
    facts: dict[str, Any] = {
        "task": judged.experiment.dataset.task,
        "class_names": list(judged.data.class_names),
        "before": describe_prediction(judged, row_C),
        "tried": search.tried,
        "found": found_C is not None,
    }
    if found_C is None:
        return facts, b""
    changed = np.flatnonzero(search.differs(found_C)).tolist()
    facts |= {
        "after": describe_prediction(judged, found_C),
        "distance": float(search.cost(found_C[None])[0]),
        "changes": [_describe_change(search, column_index, found_C) for column_index in changed],
        "tight": search.is_tight(found_C),
    }
    if (picture := judged.experiment.dataset.picture) is not None:
        facts["pixels"] = picture.shades(found_C)
    return facts, b""


def read_goal(judged: Judged, row_C: np.ndarray, arguments: dict[str, Any]) -> Goal:
    """What "toward" or "amount" ask for. Raises Problem."""
    predicted = describe_prediction(judged, row_C)["predicted"]
    objective = judged.experiment.objective
    if objective.has_classes:
        toward = arguments.get("toward")
        others = tuple(label for label in range(objective.num_classes) if label != predicted)
        if toward is not None and toward not in others:
            raise Problem(
                "flip_toward", expected=", ".join(judged.data.class_names[label] for label in others), came=str(toward)
            )
        return Goal(others if toward is None else (toward,))
    amount = arguments.get("amount")
    if not isinstance(amount, int | float) or not np.isfinite(amount) or amount == 0:
        raise Problem("flip_amount", came=str(amount))
    return Goal(limit=predicted + amount, upwards=amount > 0)


def _describe_change(search: Search, column_index: int, found_C: np.ndarray) -> dict[str, Any]:
    column = search.columns[column_index]
    cost = search.cost(np.where(np.arange(len(found_C)) == column_index, found_C, search.row_C)[None])[0]
    return {
        "name": column.name,
        "kind": column.kind,
        "from": column.show(search.row_C[column_index]),
        "to": column.show(found_C[column_index]),
        "deviations": float(cost),
    }
