"""The gallery: every entry does what its text says, its picture is the engine's, and a press opens it as one act."""

from __future__ import annotations

import io
import json
from typing import Any

import numpy as np
import pytest
from PIL import Image
from sklearn.linear_model import LogisticRegression

from dlcore.experiment import Experiment
from dlcore.frame import decode_frame
from dlcore.gallery import FOLDER, Entry, find_entry, list_entries, read_entry
from dlcore.gallery.painting import paint
from dlcore.learning.trainer import Trainer
from dlcore.problems import Problem
from dlcore.runs.run import Run
from tests.playground import RecordingPool, at_path, errors, open_page, speak_for, state
from ui import gallery, live, session
from ui.messages import LANGUAGES, catalogue
from ui.pages import GROUPS
from ui.session import standing

ENTRIES = list_entries()
Recipe = dict[str, Any]


@pytest.fixture
def pool(monkeypatch: pytest.MonkeyPatch) -> RecordingPool:
    """A pool that writes down what it is told."""
    recording = RecordingPool()
    monkeypatch.setattr(live, "pool", lambda: recording)
    return recording


def start_of(name: str, **changes: Any) -> Experiment:
    entry = find_entry(name)
    assert entry is not None
    return entry.start.replace(**changes)


def dense(*units: int, activation: str = "tanh") -> list[Recipe]:
    return [{"kind": "dense", "units": count, "activation": {"kind": activation}} for count in units]


def train(experiment: Experiment, epochs: int = 150) -> Trainer:
    trainer = Trainer(experiment)
    while trainer.epoch < epochs:
        trainer.advance()
    return trainer


def score(experiment: Experiment, epochs: int = 150, part: str = "train") -> float:
    trainer = train(experiment, epochs)
    return float(np.median(trainer.history.column(f"{part}_{experiment.metric}")[-10:]))


def advice(experiment: Experiment, epochs: int) -> str | None:
    run = Run(experiment.to_json(), "cpu")
    for _ in range(epochs):
        run.epoch()
        run.advance(60)
    found = decode_frame(run.frame(None, None, 0))[0]["advice"]
    return found["key"] if found else None


def with_rate(experiment: Experiment, rate: float) -> Experiment:
    return experiment.replace(optimizer=experiment.optimizer.replace(learning_rate=rate))


# What the entries are


def test_there_are_twelve_in_three_levels_each_with_texts_in_all_languages() -> None:
    assert len(ENTRIES) == 12
    assert [entry.order for entry in ENTRIES] == list(range(12))
    assert [entry.level for entry in ENTRIES] == sorted(entry.level for entry in ENTRIES)
    for language in LANGUAGES:
        texts = catalogue(language)
        assert {key for entry in ENTRIES for key in (entry.heading, entry.question)} <= set(texts)
        assert all(texts[entry.question].count("?") + texts[entry.question].count("？") == 1 for entry in ENTRIES)
    assert {file.stem for file in (FOLDER / "pictures").iterdir()} == {entry.id for entry in ENTRIES}


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.id)
def test_a_picture_is_what_the_engine_paints_of_a_trained_run(entry: Entry) -> None:
    known, painted = (
        np.asarray(Image.open(io.BytesIO(content)).convert("RGBA"), dtype=float)
        for content in (entry.picture.read_bytes(), paint(entry))
    )
    assert known.shape == painted.shape
    # Another processor rounds otherwise: a few pixels may differ, the picture may not. But where the rate is far too high, a difference
    # in the last digit grows with every step: that picture is one of many.
    assert np.abs(known - painted).mean() < (60 if entry.id == "rate" else 6)
    assert len(entry.picture.read_bytes()) < 20_000


@pytest.mark.parametrize(
    ("change", "path"),
    [
        ({"level": 9}, "level"),
        ({"start": {"layers": [{"kind": "sofa"}]}}, "start.layers.0.kind"),
        ({"nonsense": 1}, "nonsense"),
        ({"id": "../etc"}, "id"),
        ({"start": {"journal": [{"step": 3, "went_on": True}]}}, "start"),
    ],
)
def test_a_file_that_is_no_entry_is_refused_with_its_place(change: Recipe, path: str) -> None:
    good = json.loads((FOLDER / "entries" / "xor.json").read_text(encoding="utf-8"))
    assert read_entry(json.dumps(good)).id == "xor"
    with pytest.raises(Problem) as refused:
        read_entry(json.dumps({**good, **change}))
    assert path in str(refused.value)
    with pytest.raises(Problem):
        read_entry("no entry")


def test_groups_that_an_entry_hides_exist() -> None:
    assert {group for entry in ENTRIES for group in entry.hidden} <= set(GROUPS)


# What their texts say


def test_one_line_is_enough_until_the_noise_brings_mistakes_near_to_it() -> None:
    start = start_of("line")
    assert not start.layers and score(start, 30) > 0.95
    trainer = train(start.replace(dataset=start.dataset.replace(noise=0.6)), 30)
    predicted = trainer.predictions().numpy()[: len(trainer.data.train.y)]
    # The answer's certainty grows with the distance to the line.
    certain = np.abs(predicted[:, 1] - 0.5)
    wrong = predicted.argmax(1) != trainer.data.train.y
    assert 5 < wrong.sum() < 50 and np.median(certain[wrong]) < np.median(certain[~wrong])


@pytest.mark.parametrize(
    ("name", "does_not", "does", "epochs"),
    [
        ("xor", {}, {"layers": dense(4)}, 200),
        ("ring", {}, {"layers": dense(3)}, 200),
        ("features", {}, {"features": ("x1", "x2", "x1_squared", "x2_squared")}, 100),
        ("spiral", {"layers": dense(2)}, {}, 100),
        ("wave", {}, {"layers": dense(4)}, 300),
        ("dead", {}, {"layers": dense(8, 8, activation="leaky_relu")}, 100),
        ("vanishing", {}, {"layers": dense(8, 8, 8, 8, 8, activation="relu")}, 100),
    ],
)
def test_what_the_question_asks_for_is_what_it_takes(name: str, does_not: Recipe, does: Recipe, epochs: int) -> None:
    start = start_of(name)
    without, with_it = (Experiment.from_dict({**start.to_dict(), **change}) for change in (does_not, does))
    assert score(without, epochs) < 0.88
    assert score(with_it, epochs) > 0.93


@pytest.mark.parametrize(
    ("name", "epochs", "key"),
    [
        ("xor", 40, "no_hidden"),
        ("features", 40, "no_hidden"),
        ("overfitting", 150, "overfitting"),
        ("rate", 60, "rate_high"),
        ("dead", 30, "dead_layer"),
        ("vanishing", 60, "vanishing"),
    ],
)
def test_the_coach_finds_what_is_shown(name: str, epochs: int, key: str) -> None:
    assert advice(start_of(name), epochs) == key


def test_what_overfits_is_mended_by_a_price_on_the_weights() -> None:
    start = start_of("overfitting")
    plain, priced = (train(recipe) for recipe in (start, start.replace(regularizer={"kind": "l2", "rate": 0.01})))
    losses = plain.history.column("test_loss")
    assert losses[-1] > 1.3 * losses.min()
    assert plain.history.column("train_loss")[-1] < plain.history.column("train_loss")[losses.argmin()]
    assert priced.history.column("test_loss")[-1] < 0.8 * losses[-1]


def test_the_loss_settles_at_a_smaller_rate() -> None:
    start = start_of("rate")
    rises = [
        np.clip(np.diff(train(recipe, 60).history.column("train_loss")[-20:]), 0, None).sum()
        for recipe in (start, with_rate(start, 0.01))
    ]
    assert rises[1] < 0.2 * rises[0]


def test_adam_is_lower_than_sgd_at_the_same_rate_from_the_same_start() -> None:
    start = start_of("race")
    adam = Experiment.from_dict({**start.to_dict(), "optimizer": {"kind": "adam"}})
    assert start.optimizer.kind == "sgd"
    adam = with_rate(adam, start.optimizer.learning_rate)
    one, other = (train(recipe, 100).history.column("train_loss") for recipe in (start, adam))
    assert one[0] == other[0] and other[-1] < 0.8 * one[-1]


def test_a_logistic_regression_does_about_as_well_on_the_table() -> None:
    trainer = train(start_of("table"), 40)
    data = trainer.data
    rival = LogisticRegression(max_iter=1000).fit(data.train.X, data.train.y).score(data.watched.X, data.watched.y)
    own = trainer.history.column("test_accuracy")[-1]
    assert own > 0.85 and abs(own - rival) < 0.1


# Opening them


def test_a_press_opens_an_example_and_its_question_stands_until_it_is_put_away(
    pool: RecordingPool, monkeypatch: pytest.MonkeyPatch
) -> None:
    at = open_page()
    at.button(key="gallery").click().run()
    assert {f"gallery_open_{entry.id}" for entry in ENTRIES} <= {button.key for button in at.button}
    at.run()
    assert "gallery_open_xor" in {button.key for button in at.button}, "the script may run again beneath it"
    at.button(key="gallery_open_xor").click().run()
    assert "gallery_open_xor" not in {button.key for button in at.button}
    changes = [values for _, do, values in pool.calls if do == "change"]
    assert len(changes) == 1 and changes[0]["anew"] and changes[0]["act"] == "example"
    assert at_path(pool.recipes[0], "dataset.kind") == "xor" and at_path(pool.recipes[0], "layers") == []
    assert state(at).example == session.Example("xor", "xor")
    assert state(at).experiment == start_of("xor")
    assert not errors(at) and not at.exception


def test_what_an_example_hides_is_hidden_while_it_is_open(monkeypatch: pytest.MonkeyPatch) -> None:
    held = session.Session("en", experiment=start_of("xor"))
    held.example = session.Example("xor", "xor", frozenset({"speed"}))
    monkeypatch.setattr("ui.session.state.current", lambda: held)
    monkeypatch.setattr("ui.session.words.current", lambda: held)
    monkeypatch.setattr(session, "current", lambda: held)
    assert session.is_hidden("speed") and not session.is_hidden("seed")
    assert gallery.write_question() == {
        "id": "xor",
        "question": catalogue("en")["gallery.xor.question"],
        "dataset": "xor",
    }
    held.experiment = start_of("ring")
    assert not session.is_hidden("speed") and gallery.write_question() is None
    held.experiment = start_of("xor")
    gallery.close()
    assert not session.is_hidden("speed") and gallery.write_question() is None


def test_an_example_begins_anew_and_undo_brings_back_what_was_learned() -> None:
    run = Run(Experiment.from_dict({"dataset": {"kind": "circle"}}).to_json(), "cpu")
    for _ in range(5):
        run.epoch()
        run.advance(60)
    before, loss = run.learner.recipe, run.learner.history.column("train_loss")[-1]
    # The same data, so that a change of the recipe would go on.
    opened = start_of("ring")
    assert run.open(opened.to_json(), "example", {"id": "ring"})["step"] == 0
    assert (run.learner.recipe, run.learner.epoch, run.status) == (opened, 0, "paused")
    assert run.acts.facts["undo"] == "example"
    assert run.example == "ring"
    run.undo()
    assert (run.learner.recipe, run.learner.epoch) == (before, 5)
    assert run.example is None
    assert run.learner.history.column("train_loss")[-1] == loss
    run.redo()
    assert (run.learner.recipe, run.learner.epoch) == (opened, 0)
    assert run.example == "ring"


def test_a_question_goes_once_its_example_was_taken_back(pool: RecordingPool, monkeypatch: pytest.MonkeyPatch) -> None:
    at = open_page(start_of("ring"))
    at.button(key="gallery").click().run()
    at.button(key="gallery_open_ring").click().run()
    speak_for(monkeypatch, state(at))
    standing.follow_run()
    assert gallery.write_question() is not None
    pool.examples.clear()  # The data are the same as before.
    standing.follow_run()
    assert gallery.write_question() is None
