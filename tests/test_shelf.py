"""The shelf: what is kept on disk comes back as it was, whatever happens to the disk and the clock."""

from __future__ import annotations

import errno
import hashlib
import logging
import os
import stat
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from dlcore.runs.server.shelf import DAY, HOUR, Kept, Shelf, name_of
from tests.patience import eventually

TOKEN = "a-token-that-nobody-guesses"
KEPT = Kept(
    {"recipe": "{}", "device": "cpu", "status": "playing", "speed": 7, "step": 3, "epoch": 1}, bytes(range(256))
)
YEARS = 10 * 365 * DAY


@pytest.fixture
def make_shelf(tmp_path: Path) -> Iterator[Callable[..., Shelf]]:
    shelves = []

    def make(folder: Path = tmp_path / "runs", most_bytes: int = 1 << 20, **clocks: Clock) -> Shelf:
        shelves.append(Shelf(folder, most_bytes, **clocks))
        return shelves[-1]

    yield make
    for shelf in shelves:
        shelf.close()


class Clock:
    """A clock that goes when it is told to, and as the real one between."""

    def __init__(self, real: Callable[[], float]) -> None:
        self.real, self.ahead = real, 0.0

    def __call__(self) -> float:
        return self.real() + self.ahead


def files(folder: Path) -> list[Path]:
    return sorted(folder.iterdir()) if folder.exists() else []


def test_what_is_kept_comes_back_in_another_life_of_the_server(make_shelf: Callable[..., Shelf]) -> None:
    first = make_shelf()
    first.put(TOKEN, KEPT)
    first.close()
    found = make_shelf().find(TOKEN)
    assert found is not None
    assert (found.header.items() >= KEPT.header.items(), found.state) == (True, KEPT.state)


def test_it_is_found_before_it_is_written(make_shelf: Callable[..., Shelf], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Shelf, "_serve", lambda self: None)
    shelf = make_shelf()
    shelf.put(TOKEN, KEPT)
    assert shelf.find(TOKEN) is KEPT
    shelf.remove(TOKEN)
    assert shelf.find(TOKEN) is None


def test_only_this_user_can_read_it_and_nobody_learns_the_token(
    make_shelf: Callable[..., Shelf], tmp_path: Path
) -> None:
    shelf = make_shelf()
    shelf.put(TOKEN, KEPT)
    shelf.close()
    (file,) = files(shelf.folder)
    assert (stat.S_IMODE(shelf.folder.stat().st_mode), stat.S_IMODE(file.stat().st_mode)) == (0o700, 0o600)
    assert file.name == hashlib.sha256(TOKEN.encode()).hexdigest() + ".run"
    assert TOKEN.encode() not in file.read_bytes()


def test_a_folder_that_others_could_read_is_closed_to_them(make_shelf: Callable[..., Shelf], tmp_path: Path) -> None:
    folder = tmp_path / "open"
    folder.mkdir(mode=0o755)
    shelf = make_shelf(folder)
    shelf.put(TOKEN, KEPT)
    shelf.close()
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_a_folder_of_somebody_else_is_not_used(
    make_shelf: Callable[..., Shelf], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "getuid", lambda: 123_456)
    shelf = make_shelf()
    shelf.put(TOKEN, KEPT)
    shelf.close()
    assert (files(shelf.folder), shelf.failures) == ([], 1)


def test_a_run_that_is_closed_is_taken_off(make_shelf: Callable[..., Shelf]) -> None:
    shelf = make_shelf()
    shelf.put(TOKEN, KEPT)
    assert eventually(lambda: files(shelf.folder))
    shelf.remove(TOKEN)
    assert eventually(lambda: not files(shelf.folder))
    assert shelf.find(TOKEN) is None
    assert eventually(lambda: shelf.bytes == 0)


def test_a_run_that_plays_is_written_seldom_and_one_that_stands_at_once(
    make_shelf: Callable[..., Shelf], monkeypatch: pytest.MonkeyPatch
) -> None:
    written: list[int] = []
    monkeypatch.setattr(Shelf, "_write", lambda self, name, kept: written.append(kept.header["step"]))
    shelf = make_shelf()
    for step in range(50):
        shelf.put(TOKEN, Kept({"step": step}, b""))
        assert eventually(lambda: written)
    assert len(written) == 1
    shelf.put(TOKEN, Kept({"step": 50}, b""), now=True)
    assert eventually(lambda: len(written) == 2)
    shelf.put(TOKEN, Kept({"step": 51}, b""))
    shelf.close()
    assert written[1:] == [50, 51]


@pytest.mark.parametrize("spoil", [
    lambda data: data[: len(data) // 2],
    lambda data: data[:-1],
    lambda data: data[:40] + bytes([data[40] ^ 1]) + data[41:],
    lambda data: b"",
])  # fmt: skip
def test_a_torn_file_is_noticed_dropped_and_logged(
    make_shelf: Callable[..., Shelf], spoil: Callable[[bytes], bytes], caplog: pytest.LogCaptureFixture
) -> None:
    first = make_shelf()
    first.put(TOKEN, KEPT)
    first.close()
    (file,) = files(first.folder)
    file.write_bytes(spoil(file.read_bytes()))
    second = make_shelf()
    with caplog.at_level(logging.WARNING):
        assert second.find(TOKEN) is None
    assert "torn" in caplog.text
    assert eventually(lambda: not files(second.folder))


def test_a_file_that_is_whole_but_holds_no_message_is_dropped_too(
    make_shelf: Callable[..., Shelf], tmp_path: Path
) -> None:
    shelf = make_shelf()
    for body in (b"\x04\0\0\0nope", b"\x02\0\0\0[]", b"\xff\xff\xff\xff", b"\xd0\x07\0\0" + b"[" * 2000):
        assert Kept.from_bytes(hashlib.sha256(body).digest() + body) is None
        shelf.folder.mkdir(exist_ok=True)
        (shelf.folder / name_of("token")).write_bytes(hashlib.sha256(body).digest() + body)
        assert shelf.find("token") is None


def test_a_full_disk_is_said_once_and_counted_and_what_comes_after_is_kept(
    make_shelf: Callable[..., Shelf], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    shelf = make_shelf()
    with monkeypatch.context() as patch, caplog.at_level(logging.WARNING):

        def full(self: Path, target: Path) -> None:
            raise OSError(errno.ENOSPC, "No space left on device")

        patch.setattr(Path, "replace", full)
        for count in (1, 2, 3):
            shelf.put(TOKEN, KEPT, now=True)
            assert eventually(lambda count=count: shelf.failures == count)
    assert caplog.text.count("No space left on device") == 1
    assert files(shelf.folder) == []  # Nothing half written either.
    shelf.put(TOKEN, KEPT, now=True)
    assert eventually(lambda: files(shelf.folder))


def test_a_folder_that_cannot_be_made_costs_nothing_but_the_shelf(
    make_shelf: Callable[..., Shelf], tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("")
    shelf = make_shelf(tmp_path / "file" / "runs")
    shelf.put(TOKEN, KEPT)
    assert eventually(lambda: shelf.failures == 1)


def test_the_oldest_go_first_when_there_is_no_room(make_shelf: Callable[..., Shelf]) -> None:
    size = sum(map(len, KEPT.parts()))
    shelf = make_shelf(most_bytes=3 * size)
    for number in range(5):
        shelf.put(f"{TOKEN}{number}", KEPT, now=True)
        assert eventually(lambda number=number: (shelf.folder / _name(number)).exists())
    assert {file.name for file in files(shelf.folder)} == {_name(number) for number in (2, 3, 4)}
    assert eventually(lambda: shelf.bytes == 3 * size)
    shelf.put(f"{TOKEN}4", Kept({}, bytes(4 * size)), now=True)  # Too large alone: not even the old state stays.
    assert eventually(lambda: len(files(shelf.folder)) == 2)


def _name(number: int) -> str:
    return hashlib.sha256(f"{TOKEN}{number}".encode()).hexdigest() + ".run"


def test_no_bytes_means_no_shelf(make_shelf: Callable[..., Shelf]) -> None:
    shelf = make_shelf(most_bytes=0)
    shelf.put(TOKEN, KEPT, now=True)
    shelf.close()
    assert (files(shelf.folder), shelf.find(TOKEN)) == ([], None)


# Time


def aged(folder: Path, seconds: float) -> None:
    """The files were written so long ago, by the clock on the wall."""
    for file in files(folder):
        os.utime(file, (time.time() - seconds,) * 2)


def shelf_later(make_shelf: Callable[..., Shelf], seconds: float) -> Shelf:
    """A shelf that has looked at its folder, so many seconds ago on the monotonic clock."""
    clock = Clock(time.monotonic)
    shelf = make_shelf(clock=clock)
    shelf.remove("a run that was never there")  # Starts the thread, which first reads the folder.
    assert eventually(lambda: not shelf.waiting)
    clock.ahead = seconds
    return shelf


@pytest.mark.parametrize(
    ("age", "later", "stays"),
    [
        (0, DAY - HOUR, True),
        (0, DAY + HOUR, False),
        (DAY - HOUR / 2, HOUR / 4, True),
        (DAY - HOUR / 2, HOUR, False),
        (YEARS, HOUR / 2, True),  # Ten years: more likely the clock than the file.
        (YEARS, 2 * HOUR, False),
        (-YEARS, HOUR / 2, True),
        (-YEARS, 2 * HOUR, False),
    ],
)
def test_a_file_is_kept_for_a_day_and_one_of_an_absurd_age_for_an_hour(
    make_shelf: Callable[..., Shelf], age: float, later: float, stays: bool
) -> None:
    first = make_shelf()
    first.put(TOKEN, KEPT)
    first.close()
    aged(first.folder, age)
    shelf = shelf_later(make_shelf, later)
    assert (shelf.find(TOKEN) is not None) == stays
    shelf.remove("a run that was never there")
    assert eventually(lambda: not shelf.waiting)
    assert len(files(shelf.folder)) == stays


@pytest.mark.parametrize("jump", [YEARS, -YEARS])
def test_a_clock_that_jumps_while_the_server_runs_changes_nothing(
    make_shelf: Callable[..., Shelf], jump: float
) -> None:
    clock, wall_clock = Clock(time.monotonic), Clock(time.time)
    shelf = make_shelf(clock=clock, wall_clock=wall_clock)
    shelf.put(TOKEN, KEPT)
    assert eventually(lambda: shelf.bytes)
    wall_clock.ahead = jump
    clock.ahead = DAY - HOUR
    shelf.put("another run", KEPT)  # Before writing this, the thread checks the age of all files.
    assert eventually(lambda: len(files(shelf.folder)) == 2)
    assert shelf.find(TOKEN) is not None


def test_what_a_killed_server_left_half_written_goes(make_shelf: Callable[..., Shelf], tmp_path: Path) -> None:
    folder = tmp_path / "runs"
    folder.mkdir(mode=0o700)
    (folder / ".half.run.1234").write_bytes(b"half")
    aged(folder, 2 * HOUR)
    make_shelf().remove(TOKEN)
    assert eventually(lambda: files(folder) == [])


# Shares


SIZE = sum(map(len, Kept({"owner": "o" * 64}, bytes(1000)).parts()))


def put(shelf: Shelf, owner: str, number: int, size: int = 1000) -> str:
    """A run of this owner; its token, once the shelf has dealt with it."""
    token = f"{owner} {number}"
    shelf.put(token, Kept({"owner": owner[0] * 64 if owner else ""}, bytes(size)), now=True)
    assert eventually(lambda: not shelf.waiting)
    return token


def there(shelf: Shelf, tokens: list[str]) -> list[bool]:
    return [shelf.find(token) is not None for token in tokens]


def test_who_holds_most_gives_way_with_the_oldest_first_and_others_lose_nothing(
    make_shelf: Callable[..., Shelf],
) -> None:
    shelf = make_shelf(most_bytes=12 * SIZE)
    ann = [put(shelf, "ann", number) for number in range(2)]
    bob = [put(shelf, "bob", number) for number in range(3)]
    hog = [put(shelf, "hog", number) for number in range(24)]
    assert (there(shelf, ann), there(shelf, bob)) == ([True] * 2, [True] * 3)
    assert there(shelf, hog) == [False] * 17 + [True] * 7
    bob += [
        put(shelf, "bob", number) for number in range(3, 8)
    ]  # Until both hold the same; then bob gives way to himself.
    assert there(shelf, ann) == [True] * 2
    assert there(shelf, bob) == [False] * 3 + [True] * 5
    assert sum(there(shelf, hog)) == 5
    assert shelf.bytes <= shelf.most_bytes


def test_those_who_are_nobody_share_one_owners_part(make_shelf: Callable[..., Shelf]) -> None:
    shelf = make_shelf(most_bytes=6 * SIZE)
    nobodys = [put(shelf, "", number) for number in range(6)]
    ann = [put(shelf, "ann", number) for number in range(3)]
    assert (sum(there(shelf, nobodys)), there(shelf, ann)) == (3, [True] * 3)


def test_a_state_that_is_larger_than_what_anybody_else_holds_takes_nothing_from_them(
    make_shelf: Callable[..., Shelf],
) -> None:
    shelf = make_shelf(most_bytes=8 * SIZE)
    small = [put(shelf, name, 0) for name in "abcdefgh"]
    large = put(shelf, "large", 0, size=5000)
    assert (there(shelf, small), there(shelf, [large])) == ([True] * 8, [False])


def test_after_a_restart_it_is_known_whose_the_files_are_without_reading_them(
    make_shelf: Callable[..., Shelf], tmp_path: Path
) -> None:
    first = make_shelf(most_bytes=12 * SIZE)
    ann = [put(first, "ann", number) for number in range(2)]
    hog = [put(first, "hog", number) for number in range(10)]
    first.close()
    for file in files(first.folder):
        written = file.stat().st_mtime
        os.truncate(file, SIZE - 500)  # Half of each state is gone: who reads it all would find it torn, and drop it.
        os.utime(file, (written, written))
    second = make_shelf(most_bytes=12 * SIZE)
    tokens = [put(second, "hog", number) for number in range(10, 20)]
    named = {hashlib.sha256(token.encode()).hexdigest() + ".run" for token in ann}
    assert named <= {file.name for file in files(second.folder)}
    assert not {hashlib.sha256(hog[0].encode()).hexdigest() + ".run"} & {file.name for file in files(second.folder)}
    assert there(second, tokens)[-1]


def test_a_file_of_before_owners_were_known_comes_back_and_is_nobodys(make_shelf: Callable[..., Shelf]) -> None:
    shelf = make_shelf(most_bytes=6 * SIZE)
    shelf.put(TOKEN, Kept({"recipe": "{}", "step": 3}, bytes(1000)), now=True)
    assert eventually(lambda: not shelf.waiting)
    found = shelf.find(TOKEN)
    assert found is not None
    assert found.header["step"] == 3
