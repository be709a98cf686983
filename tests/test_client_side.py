"""The browser's painter, run under Node, against the server's: every activation, loss and kind of data, silenced units, coarse maps."""

from __future__ import annotations

import re
from typing import get_args

import numpy as np
import pytest
import torch

from benchmarks.painting import Arrays, grey_levels_apart, painted_by_browser, painted_by_server, recipes, trained
from dlcore import Trainer
from dlcore.activations import Activation, Linear
from dlcore.component import kinds
from dlcore.losses import Loss
from dlcore.pictures.client_side import CURVE_END, MOST_NUMBERS, Curves, factor
from dlcore.pictures.picture import Picture
from dlcore.problems import Problem
from tests.conftest import ROOT
from tests.holding import branched, recipes_may_name_them
from tests.judging import table_of


def assert_alike(trainer: Trainer, found: Arrays) -> None:
    """At most one grey level apart on 99.9% of the pixels of all maps, nowhere more than two."""
    expected = painted_by_server(trainer)
    assert set(expected) == set(found)
    for name, array in expected.items():
        if name.startswith("scales"):
            assert found[name] == pytest.approx(array, rel=1e-3)
        elif name == "output_line":
            assert np.abs(found[name] - array).max() <= np.ptp(array) / 250
        elif name == "output_class":
            assert (found[name] == array.ravel()).mean() >= 0.999  # Two classes may be as likely at a pixel.
    levels = grey_levels_apart(expected, found)
    if len(levels):
        assert levels.max() <= 2
        assert (levels <= 1).mean() >= 0.999


def test_the_browser_paints_what_the_server_paints() -> None:
    trainers, names = [], []
    for name, recipe in recipes().items():
        try:
            trainers.append(trained(**recipe))
        except Problem as problem:
            assert "loss" in problem.key or problem.key == "tokens_need_embedding"  # No dense stack reads tokens.
            continue
        names.append(name)
    assert len(names) >= 60
    for name, trainer, found in zip(names, trainers, painted_by_browser(trainers), strict=True):
        try:
            assert_alike(trainer, found)
        except AssertionError as error:
            raise AssertionError(name) from error


def test_own_tables_are_painted_by_the_browser_too() -> None:
    """One column and classes, one column and a number, two columns, three: a strip, a line, a plane, and two principal components."""
    generator = np.random.default_rng(0)
    numbers = {name: generator.normal(3.0, 2.0, 80) for name in "abc"}
    classes, values = generator.integers(0, 2, 80), numbers["a"] ** 2
    tables = [
        table_of(classes, ("no", "yes"), a=numbers["a"]),
        table_of(values, (), a=numbers["a"]),
        table_of(values, (), a=numbers["a"], b=numbers["b"]),
        table_of(classes, ("no", "yes"), **numbers),
    ]
    trainers = [
        trained(dataset=table, loss={"kind": "cross_entropy" if table["classes"] else "mse"}) for table in tables
    ]
    assert len({Picture(trainer).output.layout["kind"] for trainer in trainers}) == 3
    for trainer, found in zip(trainers, painted_by_browser(trainers), strict=True):
        assert_alike(trainer, found)


def test_silenced_units_are_silent_in_the_browser_too() -> None:
    trainer = trained()
    trainer.silenced = {"0": torch.arange(8) < 3, "2": torch.arange(5) == 4}
    assert_alike(trainer, painted_by_browser([trainer])[0])
    loud = trained()
    assert (painted_by_server(loud)["output"] != painted_by_server(trainer)["output"]).any()


@pytest.mark.parametrize("step", [2, 4])
@pytest.mark.parametrize("kind", ["circle", "blobs", "sine", "diabetes"])
def test_a_coarse_map_has_the_values_of_some_points_for_those_around_them(kind: str, step: int) -> None:
    loss = {"kind": "mse" if kind in ("sine", "diabetes") else "cross_entropy"}
    trainer = trained(dataset={"kind": kind}, loss=loss)
    (fine,), (coarse,) = painted_by_browser([trainer]), painted_by_browser([trainer], step)
    picture = Picture(trainer)
    for name, array in fine.items():
        if name.startswith("scales"):
            continue
        units = name.startswith("maps")
        shape = (-1, *picture.units.shape) if units else (1, *picture.output.shape)
        each = max(1, step * picture.units.shape[-1] // picture.output.shape[-1]) if units else step
        expected = array.reshape(shape)
        for axis in (1, 2)[: expected.ndim - 1]:
            if expected.shape[axis] > 1:
                places = np.arange(expected.shape[axis]) // each * each
                expected = expected.take(places, axis=axis)
        apart = np.abs(coarse[name].reshape(expected.shape).astype(float) - expected.astype(float))
        assert (
            apart <= (1 if units else 0)
        ).all()  # A coarse map has its own scale, if its largest value is not among its points.


def test_what_the_browser_cannot_paint_is_painted_by_the_server() -> None:
    wide = trained(0, layers=[{"kind": "dense", "units": 128}, {"kind": "dense", "units": 128}])
    assert wide.experiment.num_parameters > MOST_NUMBERS
    assert Picture(wide).client_side is None
    assert Picture(wide).numbers(wide.snapshot()) is None
    with recipes_may_name_them():
        holding = Trainer(branched(), "cpu")
        assert Picture(holding).client_side is None


def test_marks_of_more_units_than_are_sent_are_left_to_the_server() -> None:
    trainer = trained(0, layers=[{"kind": "dense", "units": 40}])
    picture = Picture(trainer)
    assert picture.numbers(trainer.snapshot()) is not None
    trainer.silenced = {"0": torch.ones(40, dtype=torch.bool)}
    assert picture.numbers(trainer.snapshot()) is None


def test_of_a_wide_table_three_numbers_a_unit_are_painted_from() -> None:
    trainer = trained(dataset={"kind": "digits"}, layers=[{"kind": "dense", "units": 6}])
    client = Picture(trainer).client_side
    assert client is not None
    shapes = {tensor["name"]: tensor["shape"] for tensor in client.layout["tensors"]}
    assert shapes["painting/plane"] == [6, 3]
    assert shapes["weight/0"] == [6, 16]  # those that are drawn


def test_inputs_that_are_no_products_are_not_told_as_such() -> None:
    across, down = np.array([[1, -2, 3]], np.float32), np.array([[0.5, 4]], np.float32)
    product = np.outer(down, across).reshape(1, -1)
    factors = factor(product, 2, 3)
    assert factors is not None
    assert np.outer(factors[1], factors[0]) == pytest.approx(np.outer(down, across))
    assert factor(product + np.array([[0, 0, 0, 0, 0, 1]], np.float32), 2, 3) is None
    assert factor(np.zeros((1, 6), np.float32), 2, 3) is not None


def test_a_curve_between_its_points_is_nearer_than_a_grey_level() -> None:
    at = torch.linspace(-CURVE_END, CURVE_END, 50_001, dtype=torch.float64)
    for cls in get_args(get_args(Activation)[0]):
        curves = Curves()
        if curves.add(cls().build()) is None:
            assert cls is Linear
            continue
        table = curves.tables[0]
        between = np.interp(at.numpy(), np.linspace(-CURVE_END, CURVE_END, len(table)), table)
        exact = cls().build()(at).numpy()
        assert np.abs(between - exact).max() < 1 / 254 / 8


def test_where_nothing_bends_there_are_no_tables() -> None:
    curves = Curves()
    assert curves.add(Linear().build()) is None
    assert len(curves.tables) == 0


def test_no_script_names_an_activation_or_a_loss() -> None:
    """But "linear", which is a kind of axis to Plotly."""
    named = re.compile(rf"""["'`]({"|".join({*kinds(Activation), *kinds(Loss)} - {"linear"})})["'`]""")
    for path in (ROOT / "ui").rglob("*.js"):
        assert not named.search(path.read_text(encoding="utf-8")), path
