"""What-if: judged by plain torch, scikit-learn's neighbours, and a fine grid over the whole plane."""

from __future__ import annotations

import functools
import json
import time
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
import torch
from sklearn.neighbors import NearestNeighbors

from dlcore import Experiment, Problem, Trainer
from dlcore.checkpoint import open_checkpoint, predict, save_checkpoint
from dlcore.evaluation import Judged, open_judged
from dlcore.evaluation.flip import flip
from dlcore.evaluation.search import FINEST
from dlcore.evaluation.whatif import MOST_LINKS, MOST_UNITS, NEAREST, compute_outputs, whatif
from dlcore.views import claim, path

SPIRAL = {
    "dataset": {"kind": "spiral"},
    "features": ["x1", "x2", "sin_x1"],
    "layers": [{"kind": "dense", "units": 8}] * 2,
}
TABLE = {"dataset": {"kind": "table"}}
DIGITS = {"dataset": {"kind": "digits"}, "layers": [{"kind": "dense", "units": 24}]}
NUMBER = {"dataset": {"kind": "diabetes"}, "loss": {"kind": "mse"}}
BLOBS = {"dataset": {"kind": "blobs", "classes": 5}}


@functools.cache
def _trained(recipe: str, epochs: int) -> bytes:
    trainer = Trainer(Experiment.from_json(recipe), device="cpu")
    steps = trainer.steps()
    while trainer.epoch < epochs and next(steps, None) is not None:
        pass
    return save_checkpoint(trainer.snapshot(), trainer.data)


def trained(recipe: dict[str, Any], epochs: int = 30) -> bytes:
    return _trained(json.dumps(recipe), epochs)


def silent(share: float, partial: dict[str, Any]) -> None:
    pass


def asked(do: Any, payload: bytes, **arguments: Any) -> dict[str, Any]:
    header = do(arguments, payload, silent)[0]
    json.dumps(header, allow_nan=False)
    return header


def raw_row(judged: Judged, header: dict[str, Any]) -> np.ndarray:
    """The row that is shown now, as raw numbers, from what the page is told of it."""
    columns = header["columns"]
    return np.array([one["values"].index(one["value"]) if one["values"] else one["value"] for one in columns], float)


# What the network says


@pytest.mark.parametrize(
    "recipe", [{}, SPIRAL, TABLE, NUMBER, BLOBS], ids=["circle", "spiral", "table", "number", "blobs"]
)
def test_it_says_what_the_checkpoint_predicts(recipe: dict[str, Any]) -> None:
    payload = trained(recipe)
    header = asked(whatif, payload, split="test", place=3)
    expected = predict(open_checkpoint(payload), open_judged(payload).data.watched.raw[3:4])[0]
    said = header["now"].get("probabilities", header["now"]["predicted"])
    np.testing.assert_allclose(said, expected, rtol=1e-6)
    assert header["now"] == header["before"]


def test_a_moved_row_is_predicted_as_such_a_row_would_be() -> None:
    payload = trained(TABLE)
    header = asked(whatif, payload, split="train", place=2, values={"weight": 2.5, "cylinders": "8"})
    row = open_judged(payload).data.scaling.fill_missing(open_judged(payload).data.train.raw[2:3]).copy()
    names = list(open_judged(payload).data.raw_names)
    row[0, names.index("weight")], row[0, names.index("cylinders")] = 2.5, 2
    np.testing.assert_allclose(header["now"]["probabilities"], predict(open_checkpoint(payload), row)[0], rtol=1e-6)
    assert header["now"] != header["before"]
    np.testing.assert_array_equal(raw_row(open_judged(payload), header), row[0])


def test_the_path_is_what_plain_torch_computes_layer_by_layer() -> None:
    payload = trained(SPIRAL)
    header = asked(whatif, payload, split="test", place=5)
    judged = open_judged(payload)
    judged.model.requires_grad_(False)
    value = torch.from_numpy(judged.data.watched.X[5:6])
    values = [value[0]]
    for module in judged.model:
        value = module(value)
        if not isinstance(module, torch.nn.Linear):
            values.append(value[0])
    values.append(value[0])
    for layer, expected in zip(header["path"]["layers"], values, strict=True):
        np.testing.assert_allclose(layer["values"], expected.numpy(), rtol=1e-5)
    linears = [module for module in judged.model if isinstance(module, torch.nn.Linear)]
    for link in header["path"]["links"]:
        weight = linears[link["level"]].weight[link["to"], link["from"]]
        assert link["value"] == pytest.approx(float(weight * values[link["level"]][link["from"]]), rel=1e-5)


def test_the_contributions_of_a_unit_and_its_bias_are_its_sum() -> None:
    payload = trained({})
    found, judged = asked(whatif, payload, split="test", place=1)["path"], open_judged(payload)
    output = [link["value"] for link in found["links"] if link["level"] == 2]
    bias = judged.model[-1].bias[0].item()
    assert sum(output) + bias == pytest.approx(found["layers"][-1]["values"][0], rel=1e-5)
    assert found["carried"] == pytest.approx([1.0] * 3)


def test_of_wide_layers_the_strongest_are_drawn_and_the_rest_is_said() -> None:
    header = asked(whatif, trained(DIGITS, 3), split="test", place=0)
    found = header["path"]
    assert [layer["units"] for layer in found["layers"]] == [64, 24, 10]
    assert [len(layer["shown"]) for layer in found["layers"]] == [MOST_UNITS, MOST_UNITS, 10]
    assert all(0 < share < 1 for share in found["carried"])
    assert len(found["links"]) <= 2 * MOST_LINKS
    for level in (0, 1):
        sizes = [abs(link["value"]) for link in found["links"] if link["level"] == level]
        assert all(a <= b for a, b in pairwise(sizes))


def test_a_covered_square_of_a_picture_is_the_mean_of_the_training_pictures() -> None:
    payload = trained(DIGITS, 3)
    header = asked(whatif, payload, split="test", place=0, cover={"top": 2, "left": 3, "size": 4})
    before, after = (np.array(header[name]).reshape(8, 8) for name in ("start_pixels", "pixels"))
    mean = open_judged(payload).data.train.raw.mean(axis=0).reshape(8, 8) / 16
    np.testing.assert_allclose(after[2:6, 3:7], mean[2:6, 3:7], atol=1e-4)
    kept = np.ones((8, 8), bool)
    kept[2:6, 3:7] = False
    np.testing.assert_array_equal(after[kept], before[kept])


# Which row, and who is like it


@pytest.mark.parametrize("recipe", [{}, TABLE, NUMBER], ids=["plane", "table", "number"])
def test_the_nearest_rows_are_those_of_scikit_learn(recipe: dict[str, Any]) -> None:
    payload = trained(recipe)
    data = open_judged(payload).data
    neighbours = NearestNeighbors(n_neighbors=NEAREST).fit(data.train.X.astype(float))
    distances, rows = neighbours.kneighbors(data.watched.X[7:8].astype(float))
    found = asked(whatif, payload, split="test", place=7)["nearest"]
    np.testing.assert_allclose([one["distance"] for one in found], distances[0], rtol=1e-6, atol=1e-9)
    assert {one["row"] for one in found} == set(rows[0].tolist())
    assert [one["true"] for one in found] == data.train.y[[one["row"] for one in found]].tolist()


def test_a_wrong_row_is_wrong_an_uncertain_one_is_uncertain_and_the_mean_is_the_mean() -> None:
    payload = trained(BLOBS, 5)
    wrong = asked(whatif, payload, start="wrong", place=0)
    assert wrong["now"]["predicted"] != wrong["example"]["true"]
    said = predict(open_checkpoint(payload), open_judged(payload).data.watched.raw)
    ranked = np.sort(said, axis=1)
    assert asked(whatif, payload, start="uncertain")["example"]["row"] == int((ranked[:, -1] - ranked[:, -2]).argmin())
    mean = asked(whatif, payload, start="mean")
    np.testing.assert_allclose(
        [one["value"] for one in mean["columns"]], open_judged(payload).data.train.raw.mean(axis=0)
    )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"start": "best"}, "row, wrong, uncertain, mean"),
        ({"place": 10**9}, "250 such rows"),
        ({"place": "x"}, "250 such rows"),
        ({"values": {"nobody": 1}}, "nobody"),
        ({"values": {"x1": "<img>"}}, "cannot be"),
        ({"values": {"x1": 1e300}}, "too large"),
        ({"split": "later"}, "train, test"),
    ],
)  # fmt: skip
def test_what_cannot_be_shown_is_one_sentence(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(Problem, match=message):
        asked(whatif, trained({}), **arguments)


def test_a_warm_answer_is_quick() -> None:
    payload = trained({})
    asked(whatif, payload, place=0)
    spent = []
    for place in range(1, 8):
        start = time.process_time()
        asked(whatif, payload, place=place)
        spent.append(time.process_time() - start)
    assert min(spent) < 0.05


# The smallest change


def best_of_grid(judged: Judged, row: np.ndarray, reached: Any, side: int = 301) -> float:
    """The smallest distance on a grid over the training rows' range, and on finer ones around the best point."""
    train = judged.data.train.raw
    deviation = train.std(axis=0)
    low, high = np.minimum(train.min(axis=0), row), np.maximum(train.max(axis=0), row)
    best = np.inf
    lower, upper = low, high
    for _ in range(3):
        # The row's own values among them: the nearest point often changes one number only.
        axes = [
            np.append(np.linspace(a, b, side), value) if a <= value <= b else np.linspace(a, b, side)
            for a, b, value in zip(lower, upper, row, strict=True)
        ]
        grid = np.stack(np.meshgrid(*axes), axis=-1).reshape(-1, 2)
        distance = np.where(reached(grid), (np.abs(grid - row) / deviation).sum(axis=1), np.inf)
        if distance.min() < best:
            best, point = distance.min(), grid[distance.argmin()]
        width = (upper - lower) / side * 4
        lower, upper = np.maximum(low, point - width), np.minimum(high, point + width)
    return float(best)


@pytest.mark.parametrize("recipe", [{}, SPIRAL, BLOBS], ids=["circle", "spiral", "blobs"])
@pytest.mark.parametrize("place", [2, 30])
def test_the_change_is_as_small_as_the_best_of_a_fine_grid(recipe: dict[str, Any], place: int) -> None:
    payload = trained(recipe)
    judged, checkpoint = open_judged(payload), open_checkpoint(payload)
    row = judged.data.watched.raw[place]
    found = asked(flip, payload, place=place)
    was = predict(checkpoint, row[None])[0].argmax()
    grids = best_of_grid(judged, row, lambda grid: predict(checkpoint, grid).argmax(axis=1) != was)
    assert found["distance"] <= 1.05 * grids


@pytest.mark.parametrize(
    "recipe", [{}, TABLE, {"dataset": {"kind": "wine"}}, DIGITS], ids=["circle", "table", "wine", "digits"]
)
def test_the_change_flips_and_nothing_of_it_can_be_spared(recipe: dict[str, Any]) -> None:
    payload = trained(recipe, 20)
    judged, checkpoint = open_judged(payload), open_checkpoint(payload)
    found = asked(flip, payload, split="test", place=4)
    assert found["found"] and found["tight"]
    row = judged.data.scaling.fill_missing(judged.data.watched.raw[4:5])[0]
    names = list(judged.data.raw_names)
    described = getattr(judged.experiment.dataset, "columns", None)

    def with_changes(changes: list[dict[str, Any]]) -> int:
        moved = row.copy()
        for change in changes:
            place = names.index(change["name"])
            moved[place] = described[place].values.index(change["to"]) if change["kind"] == "category" else change["to"]
        return int(predict(checkpoint, moved[None])[0].argmax())

    before, after = found["before"]["predicted"], found["after"]["predicted"]
    assert (with_changes([]), with_changes(found["changes"])) == (before, after)
    assert before != after
    whole = (judged.data.train.raw == judged.data.train.raw.round()).all(axis=0)
    for spared in found["changes"]:
        others = [change for change in found["changes"] if change is not spared]
        assert with_changes(others) == before
        if spared["kind"] != "category":
            change = spared["to"] - spared["from"]
            less = np.sign(change) if whole[names.index(spared["name"])] else FINEST * change
            assert with_changes([*others, {**spared, "to": spared["to"] - less}]) == before


def test_numbers_stay_in_the_training_range_and_whole_ones_stay_whole() -> None:
    payload = trained(DIGITS, 3)
    raw = open_judged(payload).data.train.raw
    names = open_judged(payload).data.raw_names
    for change in asked(flip, payload, split="test", place=0)["changes"]:
        column = raw[:, names.index(change["name"])]
        assert column.min() <= change["to"] <= column.max()
        assert change["to"] == round(change["to"])


def test_it_becomes_the_class_that_was_asked_for() -> None:
    payload = trained(BLOBS)
    raw = open_judged(payload).data.train.raw
    said = asked(whatif, payload, place=0)["now"]["predicted"]
    axes = (np.linspace(*ends, 200) for ends in zip(raw.min(axis=0), raw.max(axis=0), strict=True))
    grid = np.stack(np.meshgrid(*axes), axis=-1).reshape(-1, 2)
    somewhere = set(predict(open_checkpoint(payload), grid).argmax(axis=1).tolist())
    distances = []
    for toward in {0, 1, 2, 3, 4} - {said}:
        found = asked(flip, payload, place=0, toward=toward)
        assert found["found"] == (toward in somewhere)
        if found["found"]:
            assert found["after"]["predicted"] == toward
            distances.append(found["distance"])
    assert asked(flip, payload, place=0)["distance"] == pytest.approx(min(distances), rel=0.02)


@pytest.mark.parametrize("amount", [40.0, -40.0])
def test_a_number_moves_by_the_amount_that_was_asked_for(amount: float) -> None:
    found = asked(flip, trained(NUMBER, 20), place=3, amount=amount)
    moved = found["after"]["predicted"] - found["before"]["predicted"]
    assert abs(amount) <= abs(moved) < 1.1 * abs(amount) and moved * amount > 0


def test_the_same_question_has_the_same_answer() -> None:
    payload = trained({})
    assert asked(flip, payload, place=9) == asked(flip, payload, place=9)


def unsteady(digit: float) -> Any:
    """Outputs that depend on what else is asked at the same time: in a batch every second row lies a little lower, the others higher."""

    def outputs(judged: Judged, points: np.ndarray) -> torch.Tensor:
        found = compute_outputs(judged, points)
        return found if len(points) == 1 else found + digit * (-1.0) ** torch.arange(len(points))[:, None]

    return outputs


@pytest.mark.parametrize("digit", [1e-6, 1e-4, 1e-2])
@pytest.mark.parametrize("recipe", [{}, TABLE, NUMBER], ids=["circle", "table", "number"])
def test_on_the_border_the_answer_holds_for_the_row_by_itself(
    monkeypatch: pytest.MonkeyPatch, recipe: dict[str, Any], digit: float
) -> None:
    monkeypatch.setattr("dlcore.evaluation.search.compute_outputs", unsteady(digit))
    payload = trained(recipe, 20)
    wish = {"amount": 40.0} if recipe is NUMBER else {}
    flipped = 0
    for place in range(4):
        found = asked(flip, payload, place=place, **wish)
        if found["found"]:
            before, after = found["before"]["predicted"], found["after"]["predicted"]
            assert after - before >= 40 if wish else after != before
            flipped += 1
    assert flipped >= 3


def test_where_nothing_flips_it_says_so() -> None:
    recipe = {"layers": [], "dataset": {"kind": "circle"}}
    trainer = Trainer(Experiment.from_dict(recipe), device="cpu")
    snapshot = trainer.snapshot()
    for weight in snapshot.weights.values():  # Class 1 everywhere.
        weight.zero_()
    snapshot.weights["0.bias"].fill_(5.0)
    found = asked(flip, save_checkpoint(snapshot, trainer.data), place=0)
    assert not found["found"] and found["tried"] > 1000


@pytest.mark.parametrize(
    ("recipe", "arguments"), [({}, {"toward": 7}), (NUMBER, {"amount": 0}), (NUMBER, {}), (NUMBER, {"amount": "much"})]
)
def test_a_wish_that_makes_no_sense_is_one_sentence(recipe: dict[str, Any], arguments: dict[str, Any]) -> None:
    with pytest.raises(Problem, match="expected"):
        asked(flip, trained(recipe, 20 if recipe else 30), place=0, **arguments)


# The pictures


@pytest.mark.parametrize("recipe", [{}, DIGITS, NUMBER], ids=["plane", "digits", "number"])
def test_the_views_draw_what_they_are_given(recipe: dict[str, Any]) -> None:
    header = asked(whatif, trained(recipe, 20 if recipe else 30), place=0)
    drawn = path.draw(header["path"], str)
    units = [trace for trace in drawn.data if trace.marker.colorscale]
    assert [len(trace.x) for trace in units] == [len(layer["shown"]) for layer in header["path"]["layers"]]
    for trace, layer in zip(units, header["path"]["layers"], strict=True):
        np.testing.assert_allclose(np.sign(np.array(trace.marker.color)), np.sign(layer["values"]))
    bars = claim.draw(header, str).data[0]
    if header["class_names"]:
        assert max(bars.x) == pytest.approx(max(header["now"]["probabilities"]))
    else:
        assert list(bars.x) == [header["before"]["predicted"], header["now"]["predicted"]]
