"""The list of somebody's runs: found in workers and on the shelf, after a restart too, with what was said about them and how they look."""

from __future__ import annotations

import base64
import io
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from dlcore.datasets.drawn import Drawn
from dlcore.datasets.tabular import Digits, Iris
from dlcore.datasets.toy import BlobsData, GaussData, SineData
from dlcore.experiment import Experiment
from dlcore.limits import Limits
from dlcore.losses import CrossEntropy, MeanSquaredError
from dlcore.optimizers import Adam
from dlcore.pictures.colours import CLASS_COLOURS
from dlcore.problems import Problem
from dlcore.runs.glance import SIDE, glance
from dlcore.runs.run import Run
from dlcore.runs.server.entry import mark_of
from dlcore.runs.server.listing import Listed
from dlcore.runs.server.pool import Pool
from tests.machine import Machine
from tests.patience import eventually
from tests.scripted import ScriptedPlaces

FAKE = (sys.executable, "-m", "tests.fake_worker")
ADA, BEA = "Ada's secret", "Bea's secret"


@pytest.fixture
def make_pool(tmp_path: Path) -> Iterator[Callable[..., Pool]]:
    pools: list[Pool] = []

    def make(clock: Machine | None = None, **settings: Any) -> Pool:
        limits = Limits(**{"workers": 1, "heavy_workers": 0, "shelf": tmp_path / "shelf", **settings})
        pools.append(Pool(command=FAKE, limits=limits, clock=clock.clock if clock else time.monotonic))
        pools[-1].start()
        return pools[-1]

    yield make
    for pool in pools:
        pool.stop()


def names(runs: list[Listed]) -> list[str]:
    return [run.label.name for run in runs]


def recipe(seed: int = 0) -> str:
    return Experiment(seed=seed).to_json()


def test_each_finds_the_own_runs_by_their_names_and_nobody_elses(make_pool: Callable[..., Pool]) -> None:
    pool = make_pool()
    for owner, name in ((ADA, "first"), (BEA, "Bea's"), (ADA, "second")):
        pool.listing.label(pool.create(recipe(), owner=owner), name=name)
    assert names(pool.listing.list_runs(mark_of(ADA))) == ["first", "second"]
    assert names(pool.listing.list_runs(mark_of(BEA))) == ["Bea's"]
    assert pool.listing.list_runs("") == []


def test_what_was_said_about_a_run_survives_the_server(make_pool: Callable[..., Pool]) -> None:
    first = make_pool()
    token = first.create(recipe(7), owner=ADA)
    first.call(token, "step")
    first.listing.label(token, name="The good one", kept=True)
    first.stop()
    second = make_pool()
    (run,) = second.listing.list_runs(mark_of(ADA))
    assert (run.token, run.recipe, run.step, run.awake) == (token, recipe(7), 1, False)
    assert (run.label.name, run.label.kept) == ("The good one", True)
    assert second.listing.list_runs(mark_of(BEA)) == []
    second.listing.label(token, name="Still the good one")  # While it is on the shelf.
    second.revive(token, ADA)
    assert second.listing.find(token).label.name == "Still the good one"
    assert second.listing.find(token).awake


def test_naming_a_run_leaves_what_its_editor_remembers_on_the_shelf(tmp_path: Path) -> None:
    places = ScriptedPlaces()
    pool = Pool(places=places, limits=Limits(workers=1, heavy_workers=0, shelf=tmp_path / "shelf"))
    pool.start()
    try:
        assert eventually(lambda: pool.ready)
        token = pool.create(recipe(), owner=ADA)
        facts = {"recipe": recipe(), "device": "auto", "status": "paused", "speed": 7, "step": 3}
        places.opened[0].say({"kept": token, **facts, "editor": {"own": "her table"}}, b"three")
        assert eventually(lambda: pool.facts(token).step == 3)
        pool.listing.label(token, name="The good one")
        kept = pool.shelf.find(token)
        assert kept is not None
        assert kept.header["label"]["name"] == "The good one"
        assert kept.header["editor"] == {"own": "her table"}
    finally:
        pool.stop()


def test_a_run_that_was_put_away_is_listed_once_and_shows_how_it_looked(make_pool: Callable[..., Pool]) -> None:
    machine = Machine()
    pool = make_pool(machine, max_runs=1)
    token = pool.create(recipe(), owner=ADA)
    pool.call(token, "step")
    pool.listing.label(token, name="away")
    pool.listing.look([token])
    machine.wait(20.0)
    pool.create(recipe(), owner=BEA)
    assert not pool.exists(token)
    assert eventually(lambda: [run.awake for run in pool.listing.list_runs(mark_of(ADA))] == [False])
    assert names(pool.listing.list_runs(mark_of(ADA))) == ["away"]


def test_a_deleted_run_is_not_listed_until_it_is_brought_back_and_a_closed_one_is_gone(
    make_pool: Callable[..., Pool],
) -> None:
    pool = make_pool()
    token = pool.create(recipe(), owner=ADA)
    pool.call(token, "step")
    pool.listing.label(token, deleted=True)
    assert pool.listing.list_runs(mark_of(ADA)) == []
    pool.listing.label(token, deleted=False)
    assert [run.token for run in pool.listing.list_runs(mark_of(ADA))] == [token]
    pool.close(token)
    assert eventually(lambda: pool.listing.list_runs(mark_of(ADA)) == [])
    with pytest.raises(Problem) as refused:
        pool.listing.label(token, name="gone")
    assert refused.value.key == "run_gone"


def test_the_token_of_a_run_without_an_owner_is_nowhere_on_disk(make_pool: Callable[..., Pool], tmp_path: Path) -> None:
    pool = make_pool()
    owned, free = pool.create(recipe(), owner=ADA), pool.create(recipe(), owner="")
    for token in (owned, free):
        pool.call(token, "step")
    pool.stop()
    written = b"".join(path.read_bytes() for path in (tmp_path / "shelf").iterdir())
    assert owned.encode() in written
    assert free.encode() not in written
    assert ADA.encode() not in written


# How a run looks


def read(picture: str) -> np.ndarray:
    image = Image.open(io.BytesIO(base64.b64decode(picture)))
    assert image.size == (SIDE, SIDE)
    return np.asarray(image.convert("RGB")).astype(float)


def test_a_glance_shows_what_the_network_answers_and_its_scores() -> None:
    run = Run(Experiment(dataset=GaussData(noise=0.0), optimizer=Adam(learning_rate=0.03)).to_json(), device="cpu")
    for _ in range(200):
        run.step()
    seen = glance(run)
    learner: Any = run.learner
    scores = learner.scores()
    assert (seen["step"], seen["status"]) == (200, "paused")
    assert seen["losses"] == {"train": scores.train["loss"], "test": scores.watched["loss"]}
    assert scores.train["accuracy"] == 1.0  # So the picture must be coloured as its points are.
    picture = read(seen["picture"])
    colours = np.array([[int(colour[at : at + 2], 16) for at in (1, 3, 5)] for colour in CLASS_COLOURS[:2]])
    points, targets = learner.data.train.X, learner.data.train.y.ravel()
    centres = [points[targets == label].mean(axis=0) for label in (0, 1)]
    low, high = run.contents_maker.make_now(learner, run.version, run.structure, False).with_layout(True, slim=False)[
        0
    ]["layout"]["output"]["x_range"]
    for label, centre in enumerate(centres):
        column, row = ((centre * (1, -1) - low) / (high - low) * SIDE).astype(int)
        found = picture[row - 4 : row + 4, column - 4 : column + 4].mean(axis=(0, 1))
        distances = np.linalg.norm(colours - found, axis=1)
        assert distances.argmin() == label


@pytest.mark.parametrize(
    "dataset", [BlobsData(classes=5), SineData(), Drawn(), Iris(), Digits()], ids=lambda data: data.kind
)
def test_every_kind_of_picture_can_be_seen_at_a_glance(dataset: Any) -> None:
    loss = CrossEntropy() if dataset.objective.has_classes else MeanSquaredError()
    seen = glance(Run(Experiment(dataset=dataset, loss=loss).to_json(), device="cpu"))
    assert np.ptp(read(seen["picture"])) > 0
    assert len(seen["picture"]) < 16_000
