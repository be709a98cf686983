"""Files on their way in: which may come, how many at once, who waits and who gives way. Streamlit's own store is what holds them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from typing import Any

import pytest
from starlette.requests import Request
from streamlit.runtime.memory_uploaded_file_manager import MemoryUploadedFileManager
from streamlit.runtime.uploaded_file_manager import UploadedFileRec

from dlcore.problems import Problem
from tests.loops import run
from ui.door import uploads
from ui.door.uploads import MEGABYTE, Uploads

LARGEST = 16 * MEGABYTE


class House:
    """Room for so many megabytes, in time that passes only while somebody waits for it."""

    def __init__(self, megabytes: int = 64) -> None:
        self.now = 0.0
        self.manager = MemoryUploadedFileManager("/upload")
        self.gone: set[str] = set()  # sessions
        self.told = 0  # to wait
        self.uploads = Uploads(
            megabytes * MEGABYTE, lambda: LARGEST, lambda: self.manager, lambda session: session not in self.gone,
            lambda: self.now, self._pause,
        )  # fmt: skip

    async def _pause(self, seconds: float) -> None:
        self.now += seconds
        await asyncio.sleep(0)

    def asked(self, session: str = "s", owner: str = "me") -> str:
        """The id of a file that this page has asked for."""
        (info,) = self.uploads.hand_out(session, owner, ["a.csv"])
        return info.file_id

    async def bring(
        self, file_id: str, size: int, session: str = "s", owner: str = "me", says: int | None = -1, body: Any = None
    ) -> None:
        """Bring so many bytes. The request says how many there are (-1: rightly; None: not at all)."""
        length = [] if says is None else [(b"content-length", str(size if says == -1 else says).encode())]
        pieces = body or self._pieces(size)

        async def receive() -> dict[str, Any]:
            piece = await anext(pieces, b"")
            return {"type": "http.request", "body": piece, "more_body": bool(piece)}

        async def send(message: Any) -> None:
            pass

        async def app(scope: Any, receive: Any, send: Any) -> None:
            data = await Request(scope, receive).body()
            self.manager.add_file(session, UploadedFileRec(file_id, "a.csv", "text/csv", data))

        async def on_wait() -> None:
            self.told += 1

        request = (app, {"type": "http", "headers": length}, receive, send)
        await self.uploads.bring(file_id, session, owner, request, on_wait)

    async def _pieces(self, size: int) -> AsyncIterator[bytes]:
        for start in range(0, size, 1 << 16):
            yield bytes(min(1 << 16, size - start))

    def here(self, session: str = "s") -> list[str]:
        return list(self.manager.file_storage.get(session, {}))

    @asynccontextmanager
    async def coming(self, megabytes: int, session: str = "s", owner: str = "me") -> AsyncIterator[asyncio.Task[None]]:
        """An upload of which nothing more comes."""
        begun, end = asyncio.Event(), asyncio.Event()

        async def stalled() -> AsyncIterator[bytes]:
            begun.set()
            await end.wait()
            yield b""

        file_id = self.asked(session, owner)
        task = asyncio.create_task(self.bring(file_id, megabytes * MEGABYTE, session, owner, body=stalled()))
        await begun.wait()
        try:
            yield task
        finally:
            end.set()
            await asyncio.wait([task])


async def refused(attempt: Coroutine[Any, Any, None]) -> str:
    with pytest.raises(Problem) as found:
        await attempt
    return found.value.key


def test_a_file_that_a_page_has_asked_for_comes_in_once() -> None:
    async def lesson() -> None:
        house = House()
        file_id = house.asked()
        await house.bring(file_id, 100_000)
        assert house.here() == [file_id] and house.uploads.bytes == 100_000
        assert await refused(house.bring(file_id, 100)) == "upload_not_asked"

    run(lesson())


def test_an_id_that_was_made_up_or_is_anothers_opens_nothing() -> None:
    async def lesson() -> None:
        house = House()
        file_id = house.asked("s", "me")
        for attempt in (
            house.bring("made up", 10),
            house.bring(file_id, 10, owner="you"),
            house.bring(file_id, 10, owner=""),
            house.bring(file_id, 10, session="another"),
        ):
            assert await refused(attempt) == "upload_not_asked"
        assert not house.manager.file_storage.get("s") and house.uploads.bytes == 0
        assert house.uploads.may_delete(file_id, "s", "me") and not house.uploads.may_delete(file_id, "s", "you")
        await house.bring(file_id, 10)
        assert not house.uploads.may_delete(file_id, "s", "you") and not house.uploads.may_delete(file_id, "t", "me")

    run(lesson())


def test_what_failed_may_be_tried_again_and_the_same_at_once_may_not() -> None:
    async def lesson() -> None:
        house = House()

        async def cut() -> AsyncIterator[bytes]:
            yield b"beginning"
            raise ConnectionError

        file_id = house.asked()
        with pytest.raises(ConnectionError):
            await house.bring(file_id, 100, body=cut())
        assert house.uploads.bytes == 0
        await house.bring(file_id, 100)

        async with house.coming(1) as task:
            (twice,) = [file for file in house.uploads.coming if file.session == "s"]
            assert await refused(house.bring(twice.id, 100)) == "upload_not_asked"
            assert not task.done()

    run(lesson())


def test_what_a_page_takes_makes_room_and_every_file_counts_at_least_a_little() -> None:
    async def lesson() -> None:
        house = House()
        ids = [house.asked() for _ in range(3)]
        for file_id in ids:
            await house.bring(file_id, 10)
        assert house.uploads.bytes == 3 * uploads.SMALLEST
        for file_id in ids[:2]:
            house.manager.remove_file("s", file_id)  # as `session.uploads.taken` does
        await house.bring(house.asked(), 10)
        assert house.uploads.bytes == 2 * uploads.SMALLEST

    run(lesson())


def test_one_page_has_so_much_on_its_way_and_is_told_at_once() -> None:
    async def lesson() -> None:
        house = House(256)
        for _ in range(3):
            await house.bring(house.asked(), LARGEST)
        assert await refused(house.bring(house.asked(), 1)) == "uploads_of_session"
        assert house.now == 0
        await house.bring(house.asked("other", "me"), 1, "other", "me")

    run(lesson())


def test_the_next_one_waits_for_room_unread_and_comes_in_when_there_is_some() -> None:
    async def lesson() -> None:
        house = House(32)
        for session in "ab":
            await house.bring(house.asked(session, session), LARGEST, session, session)
        first = house.here("a")[0]
        waiting = asyncio.create_task(house.bring(house.asked("c", "c"), LARGEST, "c", "c"))
        while not house.told:
            await asyncio.sleep(0)
        assert not waiting.done() and house.uploads.bytes == 32 * MEGABYTE
        house.manager.remove_file("a", first)
        await waiting
        assert house.told == 1 and house.now < uploads.LONGEST_WAIT
        assert (len(house.here("b")), len(house.here("c"))) == (1, 1)

    run(lesson())


def test_when_there_is_no_room_for_long_it_is_told_and_may_try_again() -> None:
    async def lesson() -> None:
        house = House(32)
        for session in "ab":
            await house.bring(house.asked(session, session), LARGEST, session, session)
        file_id = house.asked("c", "c")
        assert await refused(house.bring(file_id, LARGEST, "c", "c")) == "uploads_full"
        assert uploads.LONGEST_WAIT <= house.now < uploads.LONGEST_WAIT + 1
        assert (len(house.here("a")), len(house.here("b")), house.here("c")) == (1, 1, [])  # Nobody held more.
        house.manager.remove_session_files("a")
        await house.bring(file_id, LARGEST, "c", "c")

    run(lesson())


def test_whoever_holds_most_gives_way_to_who_would_hold_less() -> None:
    async def lesson() -> None:
        house = House(64)
        for session in "abcd":  # One browser, four pages.
            await house.bring(house.asked(session, "greedy"), LARGEST, session, "greedy")
        await house.bring(house.asked("e", "honest"), LARGEST, "e", "honest")
        assert uploads.SOON <= house.now < uploads.SOON + 1
        assert [len(house.here(session)) for session in "abcde"] == [1, 1, 1, 0, 1]  # the newest of theirs

    run(lesson())


def test_the_room_that_was_made_for_somebody_is_not_taken_by_others_who_wait() -> None:
    async def lesson() -> None:
        house = House(64)
        for session in "abcd":
            await house.bring(house.asked(session, session), LARGEST, session, session)
        crowd = [asyncio.create_task(house.bring(house.asked(f"e{i}", "e"), LARGEST, f"e{i}", "e")) for i in range(20)]
        while house.told < 20:
            await asyncio.sleep(0)
        begun = house.now
        await house.bring(house.asked("honest", "honest"), MEGABYTE, "honest", "honest")
        assert house.here("honest") and house.now < begun + uploads.LONGEST_WAIT
        for task in crowd:
            task.cancel()
        await asyncio.gather(*crowd, return_exceptions=True)

    run(lesson())


def test_what_is_still_coming_gives_way_too_and_is_told() -> None:
    async def lesson() -> None:
        house = House(32)
        async with house.coming(16, "a", "greedy") as one, house.coming(16, "b", "greedy") as other:
            await house.bring(house.asked("c", "honest"), LARGEST, "c", "honest")
            assert not one.done()
            assert await refused(other) == "uploads_full"
        await one
        assert house.uploads.bytes == LARGEST + uploads.SMALLEST

    run(lesson())


def test_many_small_uploads_of_one_program_do_not_keep_a_class_out() -> None:
    async def lesson() -> None:
        house = House(32)
        for i in range(512):
            await house.bring(house.asked(f"s{i}", "greedy"), 1, f"s{i}", "greedy")
        assert house.uploads.bytes == 32 * MEGABYTE
        for i in range(30):
            house.now += 1
            file_id = house.asked(f"pupil {i}", f"pupil {i}")
            await house.bring(file_id, 200_000, f"pupil {i}", f"pupil {i}")
            house.manager.remove_file(f"pupil {i}", file_id)

    run(lesson())


@pytest.mark.parametrize("says", [None, 10, 100_000])
def test_no_more_is_held_than_was_counted_whatever_a_request_says_of_its_size(says: int | None) -> None:
    async def lesson() -> None:
        house = House(64)
        largest_seen = 0

        async def endless() -> AsyncIterator[bytes]:
            nonlocal largest_seen
            come = 0
            while True:
                come += 1 << 16
                largest_seen = max(largest_seen, come)
                assert come <= house.uploads.bytes + (1 << 16)
                yield bytes(1 << 16)

        assert await refused(house.bring(house.asked(), 0, says=says, body=endless())) == "upload_not_asked"
        assert house.uploads.bytes == 0 and largest_seen <= LARGEST + 2 * MEGABYTE

    run(lesson())


def test_an_upload_from_which_nothing_comes_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(uploads, "SILENCE", 0.05)

    async def lesson() -> None:
        house = House()
        async with house.coming(1) as task:
            assert await refused(asyncio.wait_for(task, 30)) == "upload_stalled"  # type: ignore[arg-type]
        assert house.uploads.bytes == 0

    run(lesson())


def test_what_no_page_takes_is_let_go_once_the_whole_choice_is_here() -> None:
    async def lesson() -> None:
        house = House()
        first = house.asked()
        await house.bring(first, 10)
        async with house.coming(1) as task:
            house.now += 2 * uploads.UNTAKEN
            house.uploads.let_go()
            assert house.here() == [first]  # The page takes both together, and the other is under way.
        await task
        house.now += uploads.UNTAKEN / 2
        house.uploads.let_go()
        assert len(house.here()) == 2
        house.now += uploads.UNTAKEN
        house.uploads.let_go()
        assert house.here() == [] and house.uploads.bytes == 0

    run(lesson())


def test_what_arrives_for_a_session_that_has_ended_is_not_kept() -> None:
    async def lesson() -> None:
        house = House()
        async with house.coming(1) as task:
            house.gone.add("s")
            house.uploads.forget("s")
        await task
        assert house.here() == [] and house.uploads.bytes == 0
        with pytest.raises(Problem):
            house.asked()

    run(lesson())


def test_a_page_may_ask_for_so_many_files_at_once_and_for_so_many_in_all() -> None:
    house = House()
    with pytest.raises(Problem, match=r"^101 files were chosen; at most 100"):
        house.uploads.hand_out("s", "me", ["a"] * 101)
    first = house.asked()
    for _ in range(10):
        house.uploads.hand_out("s", "me", ["a"] * 100)
    assert run(refused(house.bring(first, 10))) == "upload_not_asked"
