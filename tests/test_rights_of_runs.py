"""Whose tables a run may read: asked by real workers and desks, through every way that leads to the rows."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dlcore import rights
from dlcore.checkpoint import save_checkpoint
from dlcore.datasets import sharing, store
from dlcore.datasets.room import TABLE, check_unused
from dlcore.desks.desks import Desks
from dlcore.experiment import Experiment
from dlcore.learning.trainer import Trainer
from dlcore.limits import Limits
from dlcore.problems import Problem
from dlcore.runs.luggage import pack_run
from dlcore.runs.places.inprocess import Threads
from dlcore.runs.run import Run
from dlcore.runs.server.entry import mark_of
from dlcore.runs.server.pool import Pool
from tests.patience import eventually

COLUMNS = [{"name": name, "kind": "number"} for name in ("age", "height", "target")]
ROWS = {f"c{place}": np.random.default_rng(place).normal(size=60) for place in range(3)}
ANN, BOB = "ann's secret", "bob's secret"


@pytest.fixture
def make_pool(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[], Pool]]:
    """A server's pool; those that come after one another share shelf and store."""
    monkeypatch.setenv("DLCORE_TABLES", str(tmp_path / "tables"))
    monkeypatch.setenv("DLCORE_TABLES_MB", "1")
    pools = []

    def make() -> Pool:
        limits = Limits(workers=1, heavy_workers=0, hung_after=600.0, shelf=tmp_path / "runs")
        pools.append(Pool(places=Threads(), limits=limits, timeout=300.0))
        pools[-1].start()
        return pools[-1]

    yield make
    for pool in pools:
        pool.stop()


@pytest.fixture
def pool(make_pool: Callable[[], Pool]) -> Pool:
    return make_pool()


@pytest.fixture
def table(pool: Pool) -> Experiment:
    """A recipe on a table of Ann's."""
    return recipe(ANN)


def recipe(owner: str, name: str = "marks.csv") -> Experiment:
    with rights.working_for(mark_of(owner)):
        digest = store.put_table({"form": "table 1", "name": name, "rows": 60, "columns": COLUMNS}, ROWS)
    part = {"kind": "table", "digest": digest, "name": name, "rows": 60, "target": "target", "classes": [],
            "columns": COLUMNS[:2]}  # fmt: skip
    return Experiment.from_dict({"dataset": part, "loss": {"kind": "mse"}})


def digest_of(experiment: Experiment) -> str:
    return experiment.dataset.digest  # type: ignore[union-attr]


def refusal(call: Callable[..., Any], *arguments: Any, **named: Any) -> str | None:
    try:
        call(*arguments, **named)
    except Problem as problem:
        return problem.key
    return None


def test_a_run_reads_what_its_owner_may_read(pool: Pool, table: Experiment) -> None:
    mine, theirs, nobodys = (pool.create(table.to_json(), "cpu", owner=owner) for owner in (ANN, BOB, ""))
    assert refusal(pool.call, mine, "step") is None
    assert refusal(pool.call, theirs, "step") == "table_not_yours"
    assert refusal(pool.call, nobodys, "step") == "table_not_yours"
    without_cookies = pool.create(table.to_json(), "cpu", reader=mark_of(ANN))
    assert refusal(pool.call, without_cookies, "step") is None


def test_a_strangers_recipe_or_checkpoint_leaves_the_run_as_it_is(pool: Pool, table: Experiment) -> None:
    token = pool.create(Experiment().to_json(), "cpu", owner=BOB)
    pool.call(token, "step")
    with rights.working_for(mark_of(ANN)):
        trainer = Trainer(table, device="cpu")
    checkpoint = save_checkpoint(trainer.snapshot(), trainer.data)
    assert refusal(pool.call, token, "change", recipe=table.to_json()) == "table_not_yours"
    assert refusal(pool.call, token, "load", checkpoint) == "table_not_yours"
    assert pool.call(token, "standing")[0]["step"] == 1
    assert Experiment.from_json(pool.find_standing(token, BOB)["recipe"]) == Experiment()


def test_a_fork_belongs_to_who_makes_it(pool: Pool, table: Experiment) -> None:
    token = pool.create(table.to_json(), "cpu", owner=ANN)
    header, state = pool.call(token, "fork", moment=None)
    again, anothers = (pool.create(header["recipe"], "cpu", state, owner=owner) for owner in (ANN, BOB))
    assert refusal(pool.call, again, "step") is None
    assert refusal(pool.call, anothers, "step") == "table_not_yours"


def test_a_run_whose_rows_were_taken_off_stays_where_it_is(table: Experiment) -> None:
    with rights.working_for(mark_of(ANN)):
        stays = Run(table.to_json(), "cpu")
        assert "luggage" in pack_run(stays, gently=False)[0]
        store.disown(digest_of(table), TABLE, mark_of(ANN))
        for gently in (True, False):
            assert pack_run(stays, gently=gently) == ({}, b"")


def test_after_a_restart_a_run_reads_for_whom_it_read_before(make_pool: Callable[[], Pool], table: Experiment) -> None:
    first = make_pool()
    mine = first.create(table.to_json(), "cpu", owner=ANN)
    without_cookies = first.create(table.to_json(), "cpu", reader=mark_of("a visit"))
    with rights.working_for(mark_of("a visit")):
        store.put_table({"form": "table 1", "name": "marks.csv", "rows": 60, "columns": COLUMNS}, ROWS)
    first.call(mine, "step")
    assert refusal(first.call, without_cookies, "change", recipe=table.replace(seed=1).to_json()) is None
    first.stop()
    second = make_pool()
    for token, owner in ((mine, ANN), (without_cookies, "")):
        second.revive(token, owner)
        assert refusal(second.call, token, "step") is None
    store.disown(digest_of(table), TABLE, mark_of("a visit"))
    assert refusal(second.call, without_cookies, "change", recipe=table.replace(seed=2).to_json()) == "table_not_yours"


def test_a_guests_run_trains_on_and_a_new_one_is_refused_when_the_rows_are_withdrawn(
    pool: Pool, table: Experiment
) -> None:
    digest, mark = digest_of(table), mark_of(BOB)
    sharing.give_pass(digest, ANN, mark_of(ANN))
    assert sharing.enter(digest, sharing.find_pass(digest, ANN, mark_of(ANN)) or "", mark) is None
    token = pool.create(table.to_json(), "cpu", owner=BOB)
    assert refusal(pool.call, token, "step") is None
    sharing.withdraw_passes(digest, mark_of(ANN))
    assert refusal(pool.call, token, "step") is None
    assert refusal(pool.call, token, "change", recipe=table.replace(test_fraction=0.3).to_json()) == "table_withdrawn"
    assert refusal(pool.call, pool.create(table.to_json(), "cpu", owner=BOB), "step") == "table_withdrawn"


def test_what_a_live_run_names_stays_in_the_store_until_it_names_other_data(pool: Pool, table: Experiment) -> None:
    """Ann fills her half of the store, and her run's table has not been used for long."""
    token = pool.create(table.to_json(), "cpu", owner=ANN)
    pool.call(token, "step")
    digest = digest_of(table)

    def filled() -> bool:
        """Whether the table has given way."""
        for path in store.folder().glob("*.table"):
            used(path, 5000 if path.stem == digest else 100)
        with rights.working_for(mark_of(ANN)):
            store.put_table({"filling": np.random.default_rng().integers(1 << 60).item()}, {"c0": np.zeros(12_000)})
        return not store.is_kept(digest)

    assert eventually(lambda: is_held(digest))
    assert not any(filled() for _ in range(12))
    pool.call(token, "change", recipe=Experiment().to_json())
    assert eventually(lambda: not is_held(digest))
    assert any(filled() for _ in range(12))


def used(path: Path, age: float) -> None:
    os.utime(path, (time.time() - age, time.time() - age))


def is_held(digest: str) -> bool:
    with check_unused(store.folder() / f"{digest}{TABLE}") as free:
        return not free


@pytest.mark.xdist_group("nursery")
def test_a_desk_works_for_who_asks(pool: Pool, table: Experiment) -> None:
    with rights.working_for(mark_of(ANN)):
        trainer = Trainer(table, device="cpu")
        upload = store.keep_upload(b"a,b,c\n" + b"1,2,3\n" * 30)
    checkpoint = save_checkpoint(trainer.snapshot(), trainer.data)
    desks = Desks(Limits(desks=1))
    jobs: list[tuple[str, bytes, dict[str, Any]]] = [
        ("data_csv", table.to_json().encode(), {}),
        ("examples", checkpoint, {}),
        ("evaluate", checkpoint, {}),
        ("whatif", checkpoint, {"start": "row", "row": 0}),
        ("report", checkpoint, {"words": {}, "language": "en"}),
        ("look", b"", {"upload": upload, "name": "abc.csv"}),
    ]
    try:
        for do, payload, arguments in jobs:
            assert refusal(desks.ask, do, payload, owner=ANN, seconds=600.0, **arguments) is None, do
            expected = "upload_gone" if do == "look" else "table_not_yours"
            for other in (BOB, ""):
                assert refusal(desks.ask, do, payload, owner=other, seconds=600.0, **arguments) == expected, do
    finally:
        desks.stop()
