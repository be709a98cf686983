"""The guess of how long a run's longest act will be: it follows from sizes alone, and tells the classroom's runs from the large ones."""

from __future__ import annotations

from typing import Any

import pytest

from dlcore import probes
from dlcore.experiment import Experiment
from dlcore.runs.weight import HEAVY, POINTS, longest_act


def guess(units: list[int], **more: Any) -> float:
    layers = [{"kind": "dense", "units": width} for width in units]
    return longest_act(Experiment.from_dict({"dataset": {"kind": "spiral", "samples": 5000}, "layers": layers, **more}))


def test_what_a_class_plays_with_is_light_and_the_largest_networks_are_heavy() -> None:
    assert guess([8, 8]) < guess([64] * 4) < HEAVY < guess([512] * 4) < guess([512] * 8)


@pytest.mark.parametrize("batch", [10, 2500])
def test_a_step_on_many_rows_counts_where_it_is_longer_than_a_picture(batch: int) -> None:
    parameters = Experiment.from_dict({"layers": [{"kind": "dense", "units": 512}] * 3}).num_parameters
    # 2 operations forward and 4 backward for each weight and row.
    operations = max(6 * batch, 2 * (POINTS + 5000)) * parameters
    assert guess([512] * 3, batch_size=batch) == pytest.approx(operations / 8e10)


def test_pictures_are_drawn_at_the_points_that_are_counted() -> None:
    assert POINTS == probes.FINE**2
