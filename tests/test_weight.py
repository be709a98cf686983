"""The guess of how long a run's longest act will be: it follows from sizes alone, and tells the classroom's runs from the large ones."""

from __future__ import annotations

import pytest

from dlcore.experiment import FORWARD, PICTURE_POINTS, Experiment
from dlcore.pictures import picture
from dlcore.runs.weight import HEAVY, longest_act

ROWS = 5000


def large(units: list[int], rows: int = ROWS) -> Experiment:
    layers = [{"kind": "dense", "units": width} for width in units]
    return Experiment.from_dict({"dataset": {"kind": "spiral", "samples": rows}, "layers": layers})


def test_what_a_class_plays_with_is_light_and_the_largest_networks_are_heavy() -> None:
    light, wider, heavy, heaviest = (longest_act(large(units)) for units in ([8, 8], [64] * 4, [512] * 4, [512] * 8))
    assert light < wider < HEAVY < heavy < heaviest


def test_it_counts_two_operations_for_each_weight_and_point_or_row() -> None:
    experiment = large([512] * 3)
    operations = 2 * (PICTURE_POINTS + ROWS) * experiment.num_parameters
    assert longest_act(experiment) == pytest.approx(operations / 8e10)
    assert longest_act(large([512] * 3, 500)) < longest_act(experiment)


def test_pictures_are_drawn_at_the_points_that_are_counted() -> None:
    assert PICTURE_POINTS == picture.FINE**2


def test_no_step_is_longer_than_a_picture() -> None:
    (most,) = (bound.le for bound in Experiment.model_fields["batch_size"].metadata if hasattr(bound, "le"))
    assert 3 * FORWARD * most <= FORWARD * (
        PICTURE_POINTS + most
    )  # Forward once and backward twice as much; all its rows are judged too.
