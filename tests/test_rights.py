"""To whom a table belongs: its digest is no pass, whoever has brought it may read it, and a pass is good until it is withdrawn."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from dlcore import rights
from dlcore.datasets import sharing, store
from dlcore.datasets.room import TABLE, UPLOAD
from dlcore.datasets.upload import import_table, look
from dlcore.experiment import Experiment
from dlcore.export.rows import data_csv_job
from dlcore.problems import Problem
from dlcore.runs.server.entry import mark_of

ROOT = Path(__file__).parent.parent
ANN, BOB, EVE = (mark_of(name) for name in ("ann's secret", "bob's secret", "eve's secret"))
FACTS = {"form": "table 1", "name": "marks.csv", "rows": 3, "columns": [{"name": "x", "kind": "number"}]}
ARRAYS = {"c0": np.array([1.5, 2.5, 3.5])}
CSV = b"age,height,class\n" + b"".join(b"%d,%d,%s\n" % (n, n * n % 31, b"yes" if n % 3 else b"no") for n in range(60))


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("DLCORE_TABLES", str(tmp_path / "tables"))
    return tmp_path / "tables"


def put(mark: str, facts: dict = FACTS) -> str:
    with rights.working_for(mark):
        return store.put_table(facts, ARRAYS)


def refusal(mark: str, call: Callable, *arguments: object) -> str | None:
    """The key of the sentence that they read; None where they get what they ask for."""
    try:
        with rights.working_for(mark):
            call(*arguments)
    except Problem as problem:
        return problem.key
    return None


def ignored(share: float, partial: dict) -> None:
    pass


# Who may read


def test_a_table_opens_for_who_has_brought_it_and_for_nobody_who_knows_its_digest() -> None:
    digest = put(ANN)
    assert refusal(ANN, store.get_table, digest) is None
    for other in (BOB, rights.NOBODY, mark_of(ANN), digest, "*" * 64):
        assert refusal(other, store.get_table, digest) == "table_not_yours", other


def test_whoever_brings_the_same_bytes_owns_it_too_and_loses_nothing_when_the_other_one_goes() -> None:
    digest = put(ANN)
    assert put(BOB) == digest
    store.disown(digest, TABLE, ANN)
    assert (refusal(ANN, store.get_table, digest), refusal(BOB, store.get_table, digest)) == ("table_not_yours", None)
    store.disown(digest, TABLE, BOB)
    assert refusal(BOB, store.get_table, digest) == "table_gone"
    # The file is deleted; the table is still in memory.
    assert refusal(rights.MACHINE, store.get_table, digest) is None
    assert not store.is_kept(digest)


def test_the_machines_own_user_reads_everything_and_what_he_keeps_is_for_everyone() -> None:
    private, public = put(ANN), store.put_table({**FACTS, "name": "of the command line"}, ARRAYS)
    assert store.get_table(private).facts == FACTS
    assert [refusal(mark, store.get_table, public) for mark in (ANN, rights.NOBODY)] == [None, None]


def test_what_is_kept_for_nobody_opens_for_nobody() -> None:
    digest = put(rights.NOBODY)
    assert [refusal(mark, store.get_table, digest) for mark in (rights.NOBODY, ANN)] == ["table_not_yours"] * 2
    assert store.get_table(digest).facts == FACTS


def test_a_file_that_the_machines_own_user_takes_off_again_is_private_as_before(upload: str) -> None:
    assert store.keep_upload(CSV) == upload
    assert refusal(BOB, store.get_upload, upload) is None
    store.disown(upload, UPLOAD, rights.MACHINE)
    assert (refusal(ANN, store.get_upload, upload), refusal(BOB, store.get_upload, upload)) == (None, "upload_gone")


def test_more_owners_than_can_be_noted_down_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dlcore.datasets.ownership.MOST_OWNERS", 2)
    digest = put(ANN)
    put(BOB)
    assert refusal(EVE, store.put_table, FACTS, ARRAYS) == "store_full"
    assert (put(ANN), refusal(BOB, store.get_table, digest)) == (digest, None)


def test_work_for_nobody_in_a_process_for_others_reads_nothing_that_is_not_for_everyone() -> None:
    private, public = put(ANN), store.put_table({**FACTS, "name": "of the command line"}, ARRAYS)
    code = f"""
from dlcore import rights
from dlcore.datasets import store
from dlcore.problems import Problem
rights.work_for_others()
store.get_table({public!r})
with rights.working_for({ANN!r}):
    store.get_table({private!r})
try:
    store.get_table({private!r})
except Problem as problem:
    print(problem.key)
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, env=dict(os.environ))
    assert done.stdout.strip() == "table_not_yours", done.stderr


def test_a_table_of_before_anything_had_owners_is_gone_on_the_pages_until_it_is_brought_again(home: Path) -> None:
    digest = put(ANN)
    (home / f"{digest}.table.owners").unlink()
    assert refusal(ANN, store.get_table, digest) == "table_gone"
    assert store.get_table(digest).facts == FACTS
    put(ANN)
    assert refusal(ANN, store.get_table, digest) is None


@pytest.mark.parametrize(
    "spoilt", [b"", b"{", b"[]", b"null", b'{"owners": 7}', b'{"owners": ["x"], "public": 1}', b"\xff"]
)
def test_where_it_cannot_be_read_whose_a_table_is_it_is_nobodys(home: Path, spoilt: bytes) -> None:
    digest = put(ANN)
    (home / f"{digest}.table.owners").write_bytes(spoilt)
    assert refusal(ANN, store.get_table, digest) == "table_gone"
    store.tidy()
    assert store.get_table(digest).facts == FACTS


def test_neither_secret_nor_pass_stands_on_the_disk(home: Path) -> None:
    digest = put(ANN)
    sharing.give_pass(digest, "ann's secret", ANN)
    given = sharing.find_pass(digest, "ann's secret", ANN)
    assert given is not None
    content = (home / f"{digest}.table.owners").read_text()
    assert ANN in content
    assert "ann's secret" not in content
    assert given not in content
    assert (home / f"{digest}.table.owners").stat().st_mode & 0o777 == 0o600


# The ways by which rows come out


@pytest.fixture
def upload() -> str:
    with rights.working_for(ANN):
        return store.keep_upload(CSV)


def imported(upload: str, mark: str = ANN) -> dict:
    with rights.working_for(mark):
        return import_table({"upload": upload, "name": "marks.csv", "target": "class"}, b"", ignored)[0]["dataset"]


def test_a_raw_file_is_looked_at_by_who_has_brought_it_also_once_it_was_read(upload: str) -> None:
    arguments = {"upload": upload, "name": "marks.csv"}
    for job in (look, import_table):
        assert refusal(ANN, job, arguments, b"", ignored) is None
        assert refusal(BOB, job, arguments, b"", ignored) == "upload_gone"
    assert refusal(BOB, store.get_upload, upload) == "upload_gone"


def test_what_is_made_of_a_file_belongs_to_who_made_it_and_of_a_file_for_everyone_to_everyone(upload: str) -> None:
    private = imported(upload)["digest"]
    assert (refusal(ANN, store.get_table, private), refusal(BOB, store.get_table, private)) == (None, "table_not_yours")
    with rights.working_for(BOB):
        fetched = store.keep_upload(CSV + b"1,1,no\n", public=True)
    public = imported(fetched, BOB)["digest"]
    assert (refusal(ANN, store.get_table, public), refusal(rights.NOBODY, store.get_table, public)) == (None, None)
    assert store.find_ownership(public).owners == (BOB,)  # Whose part of the store it takes.


def test_the_rows_are_given_as_csv_and_as_training_data_to_nobody_else(upload: str) -> None:
    from dlcore.learning.trainer import Trainer

    experiment = Experiment.from_dict({"dataset": imported(upload)})
    for mark, expected in ((ANN, None), (BOB, "table_not_yours"), (rights.NOBODY, "table_not_yours")):
        assert refusal(mark, data_csv_job, {}, experiment.to_json().encode(), ignored) == expected
        assert refusal(mark, Trainer, experiment) == expected


def test_judged_rows_that_are_still_in_memory_are_given_to_nobody_else(upload: str) -> None:
    from dlcore.checkpoint import save_checkpoint
    from dlcore.evaluation.examples import examples
    from dlcore.learning.trainer import Trainer

    with rights.working_for(ANN):
        trainer = Trainer(Experiment.from_dict({"dataset": imported(upload)}), device="cpu")
    payload = save_checkpoint(trainer.snapshot(), trainer.data)
    assert refusal(ANN, examples, {}, payload, ignored) is None
    assert refusal(BOB, examples, {}, payload, ignored) == "table_not_yours"


def test_a_run_goes_on_in_memory_when_rows_are_withdrawn_but_shows_none(upload: str) -> None:
    from dlcore.frame import decode_frame
    from dlcore.runs.run import Run

    part = imported(upload)
    sharing.give_pass(part["digest"], "ann's secret", ANN)
    given = sharing.find_pass(part["digest"], "ann's secret", ANN) or ""
    assert sharing.enter(part["digest"], given, BOB) is None
    probe = {"probe": {"split": "train", "row": 0}}
    with rights.working_for(BOB):
        run = Run(Experiment.from_dict({"dataset": part}).to_json(), "cpu")
        header, arrays = decode_frame(run.frame(None, None, 0, wants=probe))
        assert len(arrays["points/train"]) == len(arrays["points/train_target"]) == 30
        assert header["probe"]["inputs"]
        sharing.withdraw_passes(part["digest"], ANN)
        run.step()
        header, arrays = decode_frame(run.frame(None, None, 0, wants=probe))
        assert header["step"] == 1
        assert [name for name in arrays if name.startswith("points/") and len(arrays[name])] == []
        assert "probe" not in header
        assert [notice.key for notice in run.notices()] == ["table_withdrawn"]
        with pytest.raises(Problem, match="no longer shared"):
            run.change(Experiment.from_dict({"dataset": part, "test_fraction": 0.3}).to_json())
        assert run.learner.step == 1


# Passes


@pytest.fixture
def shared() -> tuple[str, str]:
    """A table of Ann's, and the pass that she has given."""
    digest = put(ANN)
    sharing.give_pass(digest, "ann's secret", ANN)
    return digest, sharing.find_pass(digest, "ann's secret", ANN) or ""


def test_who_comes_with_the_pass_is_a_guest_from_then_on(shared: tuple[str, str]) -> None:
    digest, given = shared
    assert sharing.enter(digest, "", BOB) == "not_shared"
    assert sharing.enter(digest, given, BOB) is None
    assert sharing.enter(digest, "", BOB) is None
    assert refusal(BOB, store.get_table, digest) is None
    assert refusal(EVE, store.get_table, digest) == "table_not_yours"


def test_a_withdrawn_pass_opens_nothing_any_more_neither_for_guests_nor_for_others(shared: tuple[str, str]) -> None:
    digest, given = shared
    sharing.enter(digest, given, BOB)
    sharing.withdraw_passes(digest, ANN)
    assert refusal(BOB, store.get_table, digest) == "table_withdrawn"
    assert [sharing.enter(digest, given, mark) for mark in (BOB, EVE)] == ["withdrawn", "withdrawn"]
    assert sharing.enter(digest, "", BOB) == "withdrawn"
    assert refusal(ANN, store.get_table, digest) is None
    assert sharing.find_pass(digest, "ann's secret", ANN) is None
    sharing.give_pass(digest, "ann's secret", ANN)
    again = sharing.find_pass(digest, "ann's secret", ANN) or ""
    assert again != given
    # Bob's old pass is not valid any more; he needs the new one.
    assert refusal(BOB, store.get_table, digest) == "table_withdrawn"
    assert sharing.enter(digest, given, BOB) == "withdrawn"
    assert sharing.enter(digest, again, BOB) is None
    assert refusal(BOB, store.get_table, digest) is None


def test_a_wrong_or_a_stale_pass_is_told_apart(shared: tuple[str, str]) -> None:
    digest, given = shared
    for wrong in (given[:-1], given + "A", "x" * 24, "\0", "🐧", given.swapcase()):
        assert sharing.enter(digest, wrong, EVE) == "wrong", wrong
    other = put(ANN, {**FACTS, "name": "another"})
    assert sharing.enter(other, given, EVE) == "wrong"
    store.disown(digest, TABLE, ANN)
    assert sharing.enter(digest, given, EVE) == "gone"
    assert sharing.enter("0" * 32, given, EVE) == "gone"
    assert sharing.enter("../../etc/passwd", given, EVE) == "gone"


def test_only_who_has_brought_it_can_share_it_and_each_withdraws_his_own_pass(shared: tuple[str, str]) -> None:
    digest, anns = shared
    sharing.enter(digest, anns, BOB)
    sharing.give_pass(digest, "bob's secret", BOB)  # A guest.
    assert sharing.find_pass(digest, "bob's secret", BOB) is None
    put(BOB)
    sharing.give_pass(digest, "bob's secret", BOB)
    bobs = sharing.find_pass(digest, "bob's secret", BOB) or ""
    assert sharing.enter(digest, bobs, EVE) is None
    sharing.withdraw_passes(digest, ANN)
    assert refusal(EVE, store.get_table, digest) is None
    assert refusal(BOB, store.get_table, digest) is None  # It is his own by now.
    store.disown(digest, TABLE, BOB)
    assert refusal(EVE, store.get_table, digest) == "table_withdrawn"


def test_a_pass_cannot_be_made_from_what_guests_and_the_disk_know(home: Path, shared: tuple[str, str]) -> None:
    digest, given = shared
    assert len(given) * 6 >= 128
    kept = json.loads((home / f"{digest}.table.owners").read_text())
    (nonce,) = [one["nonce"] for one in kept["passes"].values()]
    from dlcore.datasets.ownership import make_pass

    assert make_pass("ann's secret", digest, nonce) == given
    assert given not in (make_pass(known, digest, nonce) for known in ("", ANN, BOB, digest, nonce))


def test_guests_are_bounded_and_the_last_ones_stay(shared: tuple[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dlcore.datasets.ownership.MOST_GUESTS", 3)
    digest, given = shared
    marks = [mark_of(f"guest {number}") for number in range(5)]
    for mark in marks:
        assert sharing.enter(digest, given, mark) is None
    assert [refusal(mark, store.get_table, digest) is None for mark in marks] == [False, False, True, True, True]


def test_many_who_bring_the_same_table_at_once_all_own_it() -> None:
    marks = [mark_of(f"pupil {number}") for number in range(24)]
    threads = [threading.Thread(target=put, args=(mark,)) for mark in marks]
    code = """
from tests.test_rights import put, mark_of
for number in range(24, 36): put(mark_of(f"pupil {number}"))
"""
    processes = [
        subprocess.Popen([sys.executable, "-c", code], cwd=ROOT, env=dict(os.environ), stderr=subprocess.PIPE)
        for _ in range(2)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for process in processes:
        said = process.communicate()[1]
        assert process.returncode == 0, said
    digest = put(ANN)
    expected = {*marks, ANN, *(mark_of(f"pupil {number}") for number in range(24, 36))}
    assert set(store.find_ownership(digest).owners) == expected


def test_a_store_that_others_are_at_for_long_is_a_sentence(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from dlcore import folders

    digest = put(ANN)
    monkeypatch.setattr(store, "LONGEST_WAIT", 0.05)
    with folders.alone(home):
        assert refusal(BOB, store.put_table, FACTS, ARRAYS) == "store_busy"
        assert refusal(ANN, store.get_table, digest) is None  # Reading never waits.
    assert refusal(BOB, store.put_table, FACTS, ARRAYS) is None


def test_who_takes_a_raw_file_off_takes_it_from_nobody_else(upload: str) -> None:
    with rights.working_for(BOB):
        assert store.keep_upload(CSV) == upload
    store.disown(upload, UPLOAD, ANN)
    assert (refusal(ANN, store.get_upload, upload), refusal(BOB, store.get_upload, upload)) == ("upload_gone", None)
