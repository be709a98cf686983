"""Three parts of the rows: those learned from, those watched, and those that judge in the end and are read by nothing before."""

from __future__ import annotations

import csv
import io
import json
import runpy
import sys
from collections.abc import Iterator
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from playwright.sync_api import Page, expect
from sklearn.metrics import accuracy_score, log_loss

import dlcore.learning.trainer
from dlcore import Experiment, Problem, Trainer
from dlcore.__main__ import main
from dlcore.datasets.drawn import Drawn
from dlcore.datasets.split import Data, Split
from dlcore.export.rows import data_csv
from dlcore.export.script import export_script
from dlcore.frame import decode_frame
from dlcore.network import build_model
from dlcore.rows import prepare
from dlcore.runs.run import Run
from tests.browser import canvas, move_slider, open_view, press, rail
from tests.strategies import experiments

IRIS = {"dataset": {"kind": "iris"}, "layers": [{"kind": "dense", "units": 5}], "test_fraction": 0.3, "batch_size": 20}
THREE = {**IRIS, "validation_fraction": 0.2}
SEALED = {**THREE, "sealed": True}


def rows_of(*splits: Split | None) -> list[bytes]:
    """Every row with its class or value, in an order of its own."""
    return sorted(
        row.tobytes() for split in splits if split is not None for row in np.column_stack([split.raw, split.y])
    )


def test_every_row_is_in_one_part_and_each_class_gives_its_share() -> None:
    two, three = prepare(Experiment.from_dict(IRIS)), prepare(Experiment.from_dict(THREE))
    assert three.final is not None
    assert two.final is None
    assert [len(part.y) for part in (three.train, three.watched, three.final)] == [75, 30, 45]
    assert [np.bincount(part.y).tolist() for part in (three.train, three.watched, three.final)] == [
        [25] * 3, [10] * 3, [15] * 3,
    ]  # fmt: skip
    assert rows_of(three.train, three.watched, three.final) == rows_of(two.train, two.watched)


def test_the_test_rows_are_the_same_with_and_without_validation_rows() -> None:
    two = prepare(Experiment.from_dict(IRIS))
    for share in (0.05, 0.2, 0.5):
        final = prepare(Experiment.from_dict({**IRIS, "validation_fraction": share})).final
        assert rows_of(final) == rows_of(two.watched)


@settings(max_examples=30, deadline=None)
@given(experiments())
def test_the_parts_have_as_many_rows_as_the_recipe_says(experiment: Experiment) -> None:
    data = prepare(experiment)
    final = 0 if data.final is None else len(data.final.y)
    assert len(data.train.y) == experiment.train_rows
    assert (len(data.watched.y), final) == {
        "test": (experiment.test_rows, 0), "validation": (experiment.validation_rows, experiment.test_rows),
    }[experiment.watched]  # fmt: skip
    assert len(data.train.y) + len(data.watched.y) + final == experiment.dataset.rows


def test_what_scales_the_rows_is_learned_from_training_rows_alone() -> None:
    data = prepare(Experiment.from_dict({**THREE, "dataset": {"kind": "wine"}}))
    mean, deviation = data.train.raw.mean(0), data.train.raw.std(0)
    for part in (data.train, data.watched, data.final):
        assert part is not None
        np.testing.assert_allclose(part.X, (part.raw - mean) / deviation, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    ("changes", "key"),
    [
        ({"validation_fraction": 0.6}, "out_of_bounds"),
        ({"validation_fraction": -0.1}, "out_of_bounds"),
        ({"validation_fraction": 0.5, "test_fraction": 0.5}, "too_few_rows_of_three"),
        ({"validation_fraction": 0.001}, "too_few_rows_of_three"),
        ({"sealed": True}, "sealed_without_validation"),
        ({"sealed": 2, "validation_fraction": 0.2}, "wrong_type"),
        ({"dataset": {"kind": "drawn"}, "validation_fraction": 0.2, "layers": []}, "validation_of_drawn"),
    ],
)
def test_shares_that_do_not_go_together_are_refused_in_one_sentence(changes: dict[str, Any], key: str) -> None:
    with pytest.raises(Problem) as caught:
        Experiment.from_dict({**IRIS, **changes})
    assert caught.value.key == key


def test_a_recipe_of_before_has_two_parts_and_none_sealed() -> None:
    experiment = Experiment.from_json(json.dumps(IRIS))
    assert (experiment.validation_fraction, experiment.sealed, experiment.watched) == (0.0, False, "test")


class Untouchable:
    """Rows that nobody may read."""

    def __getattribute__(self, name: str) -> Any:
        raise AssertionError(f"somebody reads the {name} of the test rows")


def frames_of(run: Run) -> Iterator[tuple[dict[str, Any], dict[str, np.ndarray]]]:
    """All that a page can see of a run as it learns."""
    wants = {"gradients": True, "histograms": True, "probe": {"split": "test", "row": 3}, "moment": None}
    for _ in range(4):
        yield decode_frame(run.frame(None, None, 0, None, wants))
        run.epoch()
        while run.finishing_epoch:
            run.advance(1.0)


@pytest.mark.parametrize("dataset", ["circle", "iris", "diabetes"])
def test_nothing_that_learns_or_shows_reads_the_test_rows(monkeypatch: pytest.MonkeyPatch, dataset: str) -> None:
    loss = {"kind": "mse"} if dataset == "diabetes" else {"kind": "cross_entropy"}
    recipe = json.dumps({**SEALED, "dataset": {"kind": dataset}, "loss": loss, "early_stopping": 2})
    real = prepare(Experiment.from_json(recipe))

    def everything(data: Data) -> list[Any]:
        monkeypatch.setattr(dlcore.learning.trainer, "prepare", lambda _: data)
        run = Run(recipe, "cpu")
        seen: list[Any] = []
        for header, arrays in frames_of(run):
            seen.append({name: header[name] for name in ("step", "losses", "metrics", "watched", "history_columns")})
            seen.append({name: array.tobytes() for name, array in arrays.items()})
        run.rewind(run.timeline.moments[1].id)
        run.change(json.dumps({**json.loads(recipe), "batch_size": 10}))
        run.step()
        return [*seen, run.history_csv(), run.file("checkpoint"), run.file("script"), run.kept()[1]]

    as_it_is = everything(real)
    assert [seen["step"] for seen in as_it_is[:8:2]] == [epoch * -(-len(real.train.y) // 20) for epoch in range(4)]
    assert real.final is not None
    lost = {name: np.full_like(getattr(real.final, name), np.nan) for name in ("raw", "X")}
    assert everything(replace(real, final=replace(real.final, **lost))) == as_it_is
    assert everything(replace(real, final=Untouchable())) == as_it_is  # type: ignore[arg-type]


def test_early_stopping_judges_by_the_validation_rows() -> None:
    recipe = {**THREE, "early_stopping": 3, "optimizer": {"kind": "sgd", "learning_rate": 0.3}}
    recipe |= {"dataset": {"kind": "breast_cancer"}, "layers": [{"kind": "dense", "units": 16}]}
    trainer = Trainer(Experiment.from_dict(recipe), device="cpu", engine="autograd")
    for _ in islice(trainer.steps(), 30_000):
        pass
    assert trainer.finished == "early_stopped"
    model = build_model(trainer.experiment)
    model.load_state_dict(trainer.model.state_dict())
    with torch.no_grad():
        probabilities = torch.sigmoid(model(torch.from_numpy(trainer.data.watched.X))).double().numpy()[:, 0]
    watched = trainer.history.column("test_loss")
    assert log_loss(trainer.data.watched.y, probabilities) == pytest.approx(watched[-1], rel=1e-5)
    best = int(watched[1:].argmin()) + 1
    assert len(watched) - 1 == best + 3


def test_history_and_frames_name_what_is_watched() -> None:
    for recipe, name in ((IRIS, "test"), (THREE, "validation")):
        run = Run(json.dumps(recipe), "cpu")
        run.step()
        header, _ = decode_frame(run.frame(None, None, 0))
        assert header["watched"] == name
        columns = run.history_csv().decode().splitlines()[0].split(",")
        assert columns == ["epoch", "step", "train_loss", f"{name}_loss", "train_accuracy", f"{name}_accuracy"]
        assert run.learner.history.columns[3] == "test_loss", "a share of the rows can change while it learns"


def test_a_running_network_can_be_given_validation_rows() -> None:
    run = Run(json.dumps(IRIS), "cpu")
    run.step()
    weights = run.learner.engine.copy_of_weights()
    run.change(json.dumps(THREE))
    assert [len(part.y) for part in (run.learner.data.train, run.learner.data.watched)] == [75, 30]
    after = run.learner.engine.copy_of_weights()
    assert all(torch.equal(weights[name], after[name]) for name in weights)
    assert decode_frame(run.frame(None, None, 0))[0]["watched"] == "validation"
    rows = run.learner.data
    run.change(json.dumps(SEALED))
    assert run.learner.data is rows, "a seal changes no row"


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sealed")
    (folder / "recipe.json").write_text(json.dumps(SEALED))
    arguments = ["train", str(folder / "recipe.json"), "--epochs", "4", "--out", str(folder / "run"), "--device", "cpu"]
    assert main(arguments) == 0
    return folder / "run"


def test_a_sealed_test_is_printed_only_when_it_is_unsealed(directory: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["evaluate", str(directory)]) == 0
    told = json.loads(capsys.readouterr().out)
    assert list(told) == ["train", "validation"]
    last = list(csv.DictReader(io.StringIO((directory / "history.csv").read_text())))[-1]
    assert told["validation"]["loss"] == pytest.approx(float(last["validation_loss"]), rel=1e-6)
    assert main(["evaluate", str(directory), "--unseal"]) == 0
    unsealed = json.loads(capsys.readouterr().out)
    assert list(unsealed) == ["train", "validation", "test"]

    from dlcore.checkpoint import open_checkpoint, predict

    checkpoint = open_checkpoint((directory / "model.safetensors").read_bytes())
    final = prepare(checkpoint.experiment).final
    assert final is not None
    probabilities = predict(checkpoint, final.raw)
    assert unsealed["test"]["accuracy"] == accuracy_score(final.y, probabilities.argmax(1))
    assert unsealed["test"]["loss"] == pytest.approx(log_loss(final.y, probabilities), rel=1e-5)


def test_an_open_test_is_printed_at_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "recipe.json").write_text(json.dumps(THREE))
    main(["train", str(tmp_path / "recipe.json"), "--epochs", "1", "--out", str(tmp_path), "--device", "cpu"])
    capsys.readouterr()
    assert main(["evaluate", str(tmp_path)]) == 0
    assert list(json.loads(capsys.readouterr().out)) == ["train", "validation", "test"]


@pytest.mark.parametrize("unsealed", [False, True])
@pytest.mark.parametrize("dataset", ["moons", "diabetes", "drawn"])
def test_the_exported_script_watches_the_same_rows_and_keeps_the_seal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], dataset: str, unsealed: bool
) -> None:
    loss = {"kind": "mse"} if dataset == "diabetes" else {"kind": "cross_entropy"}
    made = {"kind": "moons" if dataset == "drawn" else dataset}
    experiment = Experiment.from_dict({**SEALED, "dataset": made, "loss": loss, "early_stopping": 2})
    if dataset == "drawn":
        points = Drawn.of(prepare(Experiment.from_dict({**SEALED, "dataset": {"kind": "moons", "samples": 200}})))
        experiment = experiment.replace(dataset=points, validation_fraction=0.0)
    script = tmp_path / "script.py"
    script.write_text(export_script(experiment, 4))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", [str(script), *["--unseal"] * unsealed])
    runpy.run_path(str(script))
    printed = capsys.readouterr().out
    told = dict(line.split(" ") for line in printed.splitlines() if " " in line)
    trainer = Trainer(experiment, device="cpu", engine="autograd")
    while trainer.epoch < 4 and trainer.finished is None:
        trainer.advance()
    assert trainer.data.final is not None
    scores = {"train": trainer.scores().train, "validation": trainer.scores().watched}
    scores |= {"test": trainer.scores_of(trainer.data.final)} if unsealed else {}
    expected = {f"{part}_{name}": value for part, found in scores.items() for name, value in found.items()}
    assert {name: float(value) for name, value in told.items()} == pytest.approx(expected, abs=2e-6)
    assert printed.startswith("epoch,step,train_loss,validation_loss,")


def test_the_table_of_rows_says_which_part_each_belongs_to() -> None:
    experiment = Experiment.from_dict(SEALED)
    table = list(csv.DictReader(io.StringIO(data_csv(experiment).decode())))
    parts = [row["split"] for row in table]
    assert {part: parts.count(part) for part in parts} == {"train": 75, "validation": 30, "test": 45}


@pytest.mark.browser
def test_the_page_says_what_is_watched_and_offers_the_seal_where_there_is_something_to_seal(page: Page) -> None:
    seal = rail(page).get_by_role("switch", name="Seal the test rows", exact=True)
    expect(canvas(page)).to_contain_text("Validation loss")
    open_view(page, "output")
    expect(page.get_by_label("Validation points")).to_be_checked()
    expect(canvas(page)).not_to_contain_text("Test loss")
    press(page, "Epoch")
    page.locator(".nn-curve-loss .nn-plot-lines").hover()
    expect(page.locator(".nn-curve-loss .nn-tip")).to_contain_text("validation")
    seal.check()
    expect(seal).to_be_checked()
    move_slider(page, "Share of validation rows", "Home")
    expect(canvas(page)).to_contain_text("Test loss")
    expect(seal).to_be_hidden()
    move_slider(page, "Share of validation rows", "ArrowRight")
    expect(canvas(page)).to_contain_text("Validation loss")
    expect(seal).to_be_visible()
