"""The store: what is put comes back as it was, only this user can read it, and it never grows beyond its bound."""

from __future__ import annotations

import errno
import hashlib
import os
import stat
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from dlcore.datasets import store
from dlcore.problems import Problem

ROOT = Path(__file__).parent.parent
FACTS = {"form": "table 1", "name": "straße.csv", "rows": 3, "columns": [{"name": "🐧", "kind": "number"}]}
ARRAYS = {
    "c0": np.array([1.5, np.nan, -np.inf]),
    "c1": np.array([0, -1, 2], dtype=np.int32),
    "X": np.arange(12, dtype=np.uint8).reshape(3, 4),
    "y": np.array([2, 1, 0]),
    "none": np.empty((0, 3)),
}


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A store of its own, in a folder that is not there yet."""
    monkeypatch.setenv("DLCORE_TABLES", str(tmp_path / "below" / "tables"))
    store.empty_memory()
    return tmp_path / "below" / "tables"


def files(home: Path) -> list[Path]:
    """Tables and raw files, and what is half written; not the lock, and not to whom they belong."""
    found = sorted(home.iterdir()) if home.exists() else []
    return [path for path in found if path.name != "lock" and path.suffix != ".owners"]


def refusal(call, *arguments) -> Problem:
    with pytest.raises(Problem) as caught:
        call(*arguments)
    return caught.value


def test_a_table_comes_back_as_it_was_put(monkeypatch: pytest.MonkeyPatch) -> None:
    digest = store.put_table(FACTS, ARRAYS)
    store.empty_memory()
    found = store.get_table(digest)
    assert found.facts == FACTS
    assert list(found.arrays) == list(ARRAYS)
    for name, array in ARRAYS.items():
        assert found.arrays[name].dtype == array.dtype
        np.testing.assert_array_equal(found.arrays[name], array)


def test_another_process_finds_it(home: Path) -> None:
    digest = store.put_table(FACTS, ARRAYS)
    code = f"from dlcore.datasets import store; print(store.get_table({digest!r}).arrays['X'].sum())"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, env=dict(os.environ))
    assert done.stdout.strip() == "66", done.stderr


def test_the_same_content_is_kept_once_and_a_changed_number_is_another_table(home: Path) -> None:
    first = store.put_table(FACTS, ARRAYS)
    assert store.put_table(dict(FACTS), {name: array.copy() for name, array in ARRAYS.items()}) == first
    assert store.put_table(FACTS, ARRAYS | {"y": np.array([2, 1, 1])}) != first
    assert len(files(home)) == 2


def test_an_array_that_is_not_contiguous_is_kept_as_it_reads(monkeypatch: pytest.MonkeyPatch) -> None:
    array = np.arange(24.0).reshape(4, 6).T[::2]
    digest = store.put_table(FACTS, {"c0": array})
    store.empty_memory()
    np.testing.assert_array_equal(store.get_table(digest).arrays["c0"], array)


def test_nobody_changes_the_rows_of_others() -> None:
    with pytest.raises(ValueError, match="read-only"):
        store.get_table(store.put_table(FACTS, ARRAYS)).arrays["c0"][0] = 7


def test_it_is_opened_once_and_memory_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "MEMORY", 2500)
    digests = [store.put_table({"n": n}, {"c0": np.zeros(125)}) for n in range(4)]  # 1000 bytes each.
    kept = [store.get_table(digest) for digest in digests]
    assert store.get_table(digests[3]) is kept[3]
    assert store.get_table(digests[0]) is not kept[0]
    assert store.count_bytes_in_memory() <= 2500


def test_only_this_user_can_read_it(home: Path) -> None:
    store.put_table(FACTS, ARRAYS)
    assert stat.S_IMODE(home.stat().st_mode) == 0o700
    assert {path.suffix: stat.S_IMODE(path.stat().st_mode) for path in home.iterdir()} == {
        ".table": 0o600, ".owners": 0o600, "": 0o600,
    }  # fmt: skip


def test_an_upload_comes_back_under_half_its_sha256() -> None:
    content = bytes(range(256)) * 10
    digest = store.keep_upload(content)
    assert digest == hashlib.sha256(content).hexdigest()[:32]
    assert store.get_upload(digest) == content


@pytest.mark.parametrize(
    "digest", ["", "0" * 32, "../../etc/passwd", "/etc/passwd", "0" * 31 + "/", "A" * 32, "0" * 33]
)
def test_what_is_not_there_or_no_digest_is_said_in_one_sentence(digest: str) -> None:
    assert refusal(store.get_upload, digest).key == "upload_gone"
    gone = refusal(store.get_table, digest, "titanic.csv")
    assert (gone.key, gone.values) == ("table_gone", {"name": "titanic.csv"})


@pytest.mark.parametrize("spoil", [
    lambda data: data[:-1],
    lambda data: data[:-1] + bytes([data[-1] ^ 1]),
    lambda data: data + b"0",
    lambda data: b"",
])  # fmt: skip
def test_a_torn_file_is_never_read(home: Path, monkeypatch: pytest.MonkeyPatch, spoil) -> None:
    digest = store.put_table(FACTS, ARRAYS)
    store.empty_memory()
    (file,) = files(home)
    file.write_bytes(spoil(file.read_bytes()))
    assert refusal(store.get_table, digest).key == "table_gone"
    assert files(home) == []


def test_a_file_that_a_stranger_put_there_under_another_name_is_not_read(home: Path) -> None:
    digest = store.put_table(FACTS, ARRAYS)
    (file,) = files(home)
    file.rename(home / f"{'0' * 32}.table")
    assert refusal(store.get_table, "0" * 32).key == "table_gone"
    assert digest != "0" * 32


def test_what_is_too_large_is_refused_before_it_is_written(home: Path) -> None:
    problem = refusal(store.keep_upload, bytes(store.LARGEST_UPLOAD + 1))
    assert (problem.key, problem.values["limit"]) == ("upload_too_large", 16)
    assert files(home) == []


def used(home: Path, digest: str, seconds_ago: float) -> None:
    (path,) = [path for path in home.glob(f"{digest}.*") if path.suffix != ".owners"]
    os.utime(path, (time.time() - seconds_ago,) * 2)


def test_what_was_used_least_lately_goes_first(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DLCORE_TABLES_MB", "1")
    digests = [store.put_table({"n": n}, {"c0": np.zeros(40_000)}) for n in range(3)]  # A third of a megabyte each.
    for age, digest in zip((300, 200, 100), digests, strict=True):
        used(home, digest, age)
    store.get_table(digests[0])  # Read last: in use.
    store.put_table({"n": 3}, {"c0": np.zeros(40_000)})
    store.empty_memory()
    assert refusal(store.get_table, digests[1]).key == "table_gone"
    assert store.get_table(digests[0]).facts == {"n": 0}
    assert sum(file.stat().st_size for file in files(home)) <= 1 << 20


def test_a_table_in_use_from_memory_counts_as_used_too(home: Path) -> None:
    digest = store.put_table(FACTS, ARRAYS)
    store.get_table(digest)
    used(home, digest, 5000)
    store.get_table(digest)
    assert time.time() - files(home)[0].stat().st_mtime < 100


def test_a_table_larger_than_the_whole_store_is_refused(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DLCORE_TABLES_MB", "1")
    assert refusal(store.put_table, FACTS, {"c0": np.zeros(200_000)}).key == "store_too_small"
    assert files(home) == []


@pytest.mark.parametrize("setting", ["0", "-1", "many", "1e3", "²", str(10**9)])
def test_a_bound_that_is_none_is_refused(monkeypatch: pytest.MonkeyPatch, setting: str) -> None:
    monkeypatch.setenv("DLCORE_TABLES_MB", setting)
    problem = refusal(store.put_table, FACTS, ARRAYS)
    assert (problem.key, problem.values["name"]) == ("bad_setting", "DLCORE_TABLES_MB")


def test_an_upload_is_kept_for_a_day_and_a_table_for_as_long_as_there_is_room(home: Path) -> None:
    day = 86_400
    old, young = store.keep_upload(b"old"), store.keep_upload(b"young")
    table = store.put_table({"old": True}, ARRAYS)
    for digest, age in ((old, day + 60), (young, day - 60), (table, 300 * day)):
        used(home, digest, age)
    (home / ".half.table.123").write_bytes(b"half written by one that was killed")
    os.utime(home / ".half.table.123", (time.time() - 2 * 3600,) * 2)
    store.put_table(FACTS, ARRAYS)
    assert refusal(store.get_upload, old).key == "upload_gone"
    assert store.get_upload(young) == b"young"
    assert store.get_table(table).facts == {"old": True}
    assert len(files(home)) == 3


def test_a_full_disk_is_said_and_leaves_nothing_half_written(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(self: Path, target: Path) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    assert "no space left on device" in str(refusal(store.put_table, FACTS, ARRAYS))
    assert files(home) == []


def test_a_folder_of_somebody_else_is_not_used(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "getuid", lambda: 123_456)
    assert refusal(store.keep_upload, b"mine").key == "store_full"
    assert files(home) == []


def test_without_a_setting_it_stands_beside_the_shelf(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from dlcore.limits import Limits

    monkeypatch.delenv("DLCORE_TABLES")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert store.folder() == Limits.from_environment({"XDG_CACHE_HOME": str(tmp_path)}).shelf.with_name("tables")
