"""Which rows a recipe has: asked in one place, and answered the same whether one looks back, goes back, or forks."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dlcore import Experiment
from dlcore.component import kinds
from dlcore.datasets import Dataset
from dlcore.datasets.drawn import Drawn
from dlcore.datasets.split import Data, Split
from dlcore.frame import decode_frame
from dlcore.rows import digest_of_test_rows, prepare, same_rows
from dlcore.runs.run import Run
from tests.judging import table_of

RECIPE: dict[str, Any] = {
    "dataset": {"kind": "circle", "samples": 120},
    "test_fraction": 0.3,
    "validation_fraction": 0.2,
    "batch_size": 12,
}
#: Another value of every field of a recipe.
OTHERS: dict[str, dict[str, Any]] = {
    "dataset": {"dataset": {"kind": "circle", "samples": 120, "noise": 0.2}},
    "features": {"features": ["x1", "sin_x2"]},
    "test_fraction": {"test_fraction": 0.4},
    "validation_fraction": {"validation_fraction": 0.1},
    "sealed": {"sealed": True},
    "layers": {"layers": []},
    "loss": {"loss": {"kind": "hinge"}},
    "optimizer": {"optimizer": {"kind": "sgd"}},
    "schedule": {"schedule": {"kind": "cosine"}},
    "regularizer": {"regularizer": {"kind": "l2"}},
    "gradient_clip": {"gradient_clip": 1.0},
    "class_weights": {"class_weights": "balanced"},
    "early_stopping": {"early_stopping": 5},
    "batch_size": {"batch_size": 5},
    "seed": {"seed": 1},
    "restore_best": {"restore_best": True},
    "journal": {"journal": [{"step": 3, "set": {"batch_size": 6}}]},
}
SHARES = (0.0, 0.1, 0.2)


def recipe(**changes: Any) -> Experiment:
    return Experiment.from_dict({**RECIPE, **changes})


def arrays_of(data: Data) -> list[list[np.ndarray]]:
    parts = [part for part in (data.train, data.watched, data.final) if part is not None]
    return [[part.raw, part.X, part.y, part.target] for part in parts]


def same_arrays(one: Data, other: Data) -> bool:
    a, b = arrays_of(one), arrays_of(other)
    return len(a) == len(b) and all(
        len(x) == len(y) and np.array_equal(x, y, equal_nan=True)
        for part, its in zip(a, b, strict=True)
        for x, y in zip(part, its, strict=True)
    )


# The one answer


def test_every_field_of_a_recipe_is_asked_about() -> None:
    assert set(OTHERS) == set(Experiment.model_fields) - {"version"}


@pytest.mark.parametrize("field", OTHERS)
def test_recipes_have_the_same_rows_where_the_arrays_say_so(field: str) -> None:
    one, other = recipe(), recipe(**OTHERS[field])
    assert one != other
    assert same_rows(one, other) == same_rows(other, one) == same_arrays(prepare(one), prepare(other))
    assert same_rows(other, other.replace())


# Looking back, going back, going elsewhere


def train(run: Run, epochs: int = 0, steps: int = 0) -> None:
    for _ in range(epochs):
        run.epoch()
        while run.finishing_epoch:
            run.advance(0.01)
    for _ in range(steps):
        run.step()


def seen(run: Run, **wants: Any) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    return decode_frame(run.frame(None, None, 0, None, wants))


def newest(run: Run) -> int:
    return run.timeline.moments[-1].id


def rows_of(split: Split) -> set[bytes]:
    return {row.tobytes() for row in split.raw.astype(np.float32)}


@pytest.mark.parametrize("then", SHARES)
@pytest.mark.parametrize("now", SHARES)
def test_a_moment_from_before_another_validation_share_shows_the_rows_of_then(then: float, now: float) -> None:
    before = recipe(validation_fraction=then, sealed=then > 0)
    run, twin = Run(before.to_json(), "cpu"), Run(before.to_json(), "cpu")
    for each in (run, twin):
        train(each, epochs=1, steps=2)
    header, arrays = seen(twin, probe={"split": "test", "row": 3})
    moment = newest(run)  # No frame of this moment was made before, so nothing of its picture is cached.
    run.change(recipe(validation_fraction=now, sealed=now > 0).to_json())
    train(run, epochs=1)
    looked, past = seen(run, moment=moment, probe={"split": "test", "row": 3})
    for name in ("layout", "losses", "metrics", "watched", "probe"):
        assert looked[name] == header[name], name
    for name in set(arrays) - {"history", "moments"}:
        assert np.array_equal(past[name], arrays[name]), name
    fresh = prepare(before)
    assert np.array_equal(past["points/train"], fresh.train.raw.astype(np.float32))
    assert np.array_equal(past["points/test"], fresh.watched.raw.astype(np.float32))


@pytest.mark.parametrize("way", ["rewind", "fork"])
@pytest.mark.parametrize("then", SHARES)
@pytest.mark.parametrize("now", SHARES)
def test_a_run_goes_on_from_before_another_validation_share_as_one_that_never_had_it(
    then: float, now: float, way: str
) -> None:
    before = recipe(validation_fraction=then, layers=[{"kind": "dense", "units": 3}, {"kind": "dropout", "p": 0.2}])
    run, undisturbed = Run(before.to_json(), "cpu"), Run(before.to_json(), "cpu")
    for each in (run, undisturbed):
        train(each, epochs=1, steps=2)
    moment = newest(run)
    run.change(before.replace(validation_fraction=now).to_json())
    train(run, epochs=1, steps=1)
    if way == "rewind":
        run.rewind(moment)
    else:
        reply, state = run.fork(moment)
        run = Run(reply["recipe"], "cpu")
        run.restore(state, "paused", 100)
    assert run.learner.experiment == before
    assert same_arrays(run.learner.data, prepare(before))
    for each in (run, undisturbed):
        train(each, epochs=2, steps=2)
    mine, theirs = run.learner.state(), undisturbed.learner.state()
    assert all(np.array_equal(value, theirs[name]) for name, value in mine.items())
    assert run.learner.scores() == undisturbed.learner.scores()


@settings(max_examples=25)
@given(st.lists(st.tuples(st.sampled_from(SHARES), st.sampled_from([0.3, 0.5])), min_size=2, max_size=4), st.data())
def test_rows_that_are_sealed_at_a_moment_are_never_seen_there(
    shares: list[tuple[float, float]], data: st.DataObject
) -> None:
    run = Run(recipe().to_json(), "cpu")
    for validation, test in shares:
        run.change(recipe(validation_fraction=validation, test_fraction=test, sealed=validation > 0).to_json())
        train(run, steps=data.draw(st.integers(1, 3)))
        if data.draw(st.booleans()):
            run.rewind(data.draw(st.sampled_from(run.timeline.moments)).id)
    for moment in run.timeline.moments:
        arrays = seen(run, moment=moment.id)[1]
        fresh = prepare(moment.recipe)
        for name, split in (("train", fresh.train), ("test", fresh.watched)):
            assert np.array_equal(arrays[f"points/{name}"], split.raw.astype(np.float32))
            hidden = set() if fresh.final is None else rows_of(fresh.final)
            assert not hidden & {row.tobytes() for row in arrays[f"points/{name}"]}
    assert same_arrays(run.learner.data, prepare(run.learner.experiment))


# The same test rows


def own_table(**columns: Any) -> dict[str, Any]:
    """Sixty rows with a number of their own, and columns beside it."""
    generator = np.random.default_rng(0)
    y = generator.integers(0, 2, 60)
    every = {"id": np.arange(60.0), "a": generator.normal(size=60), "b": generator.normal(size=60)}
    described = table_of(y, ("no", "yes"), **every)
    chosen = [{**column, **columns.get(column["name"], {})} for column in described["columns"]]
    return {**described, "columns": [column for column in chosen if not column.get("left_out")]}


def table(**changes: Any) -> dict[str, Any]:
    return {**own_table(), **changes}


POINTS = [[0.5 * place, -0.25 * place, place % 2] for place in range(12)]
DRAWN = {"kind": "drawn", "train": POINTS, "test": POINTS[:6]}
#: Pairs of recipes that differ in one thing, for every kind of data that has something to differ in.
PAIRS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "a share of validation rows": ({}, {"validation_fraction": 0.1}),
    "no validation rows": ({}, {"validation_fraction": 0.0, "sealed": False}),
    "a share that gives as many test rows": ({"test_fraction": 0.3}, {"test_fraction": 0.301}),
    "a share of test rows": ({}, {"test_fraction": 0.4}),
    "another seed": ({}, {"seed": 1}),
    "the noise of made data": ({}, {"dataset": {"kind": "circle", "samples": 120, "noise": 0.3}}),
    "the number of made points": ({}, {"dataset": {"kind": "circle", "samples": 121}}),
    "another kind of made data": ({}, {"dataset": {"kind": "xor", "samples": 120}}),
    "classes of blobs": tuple({"dataset": {"kind": "blobs", "classes": classes}} for classes in (2, 3)),  # type: ignore[dict-item]
    "features": ({}, {"features": ["x1"]}),
    "how it learns": ({}, {"layers": [], "loss": {"kind": "mse"}, "batch_size": 3}),
    "the seal": ({"sealed": True}, {"sealed": False}),
    "the seed of a bundled table": tuple({"dataset": {"kind": "iris"}, "seed": seed} for seed in (0, 1)),  # type: ignore[dict-item]
    "the scaling of a column": ({"dataset": table()}, {"dataset": own_table(a={"scale": "minmax"})}),
    "what fills a column": ({"dataset": table()}, {"dataset": own_table(a={"impute": "mean"})}),
    "a column less": ({"dataset": table()}, {"dataset": own_table(b={"left_out": True})}),
    "the table's name": ({"dataset": table()}, {"dataset": table(name="again.csv")}),
    "another table": ({"dataset": table()}, {"dataset": {"kind": "table"}}),
    "the order of classes": ({"dataset": table()}, {"dataset": table(classes=["yes", "no"])}),
    "how many pictures": tuple({"dataset": {"kind": "images", "samples": many}} for many in (600, 700)),  # type: ignore[dict-item]
    "more pictures than there are": tuple({"dataset": {"kind": "images", "samples": n}} for n in (2000, 3000)),  # type: ignore[dict-item]
    "the pictures' name": tuple({"dataset": {"kind": "images", "name": name}} for name in "ab"),  # type: ignore[dict-item]
    "a drawn training point": ({"dataset": DRAWN}, {"dataset": {**DRAWN, "train": [[3, 3, 1], *POINTS]}}),
    "a drawn test point": ({"dataset": DRAWN}, {"dataset": {**DRAWN, "test": [[3, 3, 1], *POINTS]}}),
    "the seed of drawn points": ({"dataset": DRAWN}, {"dataset": DRAWN, "seed": 5}),
    "the share of drawn points": ({"dataset": DRAWN}, {"dataset": DRAWN, "test_fraction": 0.2}),
}


def those_that_judge(experiment: Experiment) -> list[tuple[float, ...]]:
    """The test rows, whatever stands beside them: a table's rows by their own number."""
    data = prepare(experiment)
    part = data.watched if data.final is None else data.final
    raw = part.raw[:, :1] if experiment.dataset.kind == "table" else part.raw
    return sorted(map(tuple, np.column_stack([raw, part.y]).tolist()))


@pytest.mark.parametrize("pair", PAIRS)
def test_test_rows_are_known_again_by_themselves(pair: str) -> None:
    one, other = (Experiment.from_dict({**_fits(changes), **changes}) for changes in PAIRS[pair])
    same = those_that_judge(one) == those_that_judge(other)
    assert (digest_of_test_rows(one) == digest_of_test_rows(other)) == same


def _fits(changes: dict[str, Any]) -> dict[str, Any]:
    own = changes.get("dataset", {}).get("kind") == "drawn"
    return {**RECIPE, "batch_size": 1, "validation_fraction": 0.0 if own else 0.2}


def test_every_field_of_every_data_set_decides_which_rows_are_test_rows_unless_it_is_said_here() -> None:
    read = {"tokens", "length", "size"}
    beside = {"table": {"columns", "name", "reading"}, "images": {"name", "samples", "channels"}}
    beside |= {"novelists": read, "poets": read, "surnames": read, "text": read | {"name", "reading"}}
    added = {"images": {"rows"}}
    for kind, cls in kinds(Dataset).items():
        facts = set(cls().row_facts()) - added.get(kind, set())  # type: ignore[attr-defined]
        assert facts == set(cls.model_fields) - beside.get(kind, set()), kind


def test_points_drawn_beside_made_ones_leave_the_test_rows_the_same() -> None:
    made = recipe()
    drawn = made.replace(dataset=Drawn.of(prepare(made.replace(validation_fraction=0.0))), validation_fraction=0.0)
    assert digest_of_test_rows(drawn) == digest_of_test_rows(made)
    more = drawn.replace(dataset=drawn.dataset.replace(train=(*drawn.dataset.train, (1.0, 1.0, 0))))
    assert digest_of_test_rows(more) == digest_of_test_rows(made)
