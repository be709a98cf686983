"""Files made at a press: what needs no desk does not wait for what does, and what goes wrong is a sentence at the button."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from streamlit.proto.BackMsg_pb2 import BackendOperationRequest
from streamlit.runtime.media_file_manager import MediaFileManager
from streamlit.runtime.memory_media_file_storage import MemoryMediaFileStorage

from dlcore.problems import Problem
from tests.loops import run
from tests.patience import eventually
from ui import door, downloads, live, press, session
from ui.messages import sentence
from ui.press import Press, make_at_press

PATIENCE = 30.0


class Buttons:
    """Streamlit's own keeping of the files that buttons offer, and our answers to presses."""

    def __init__(self) -> None:
        self.storage = MemoryMediaFileStorage("/media")
        self.manager = MediaFileManager(self.storage)
        self._handler = downloads.OwnThreads(lambda: self.manager)

    def offer(self, make: Callable[[], bytes]) -> str:
        return self.manager.add_deferred(make, "text/plain", f"place {id(make)}")

    async def press(self, button: str) -> Any:
        request = BackendOperationRequest(request_id=f"of {button}")
        request.deferred_file.file_id = button
        answer = await asyncio.wait_for(self._handler.handle(request, "session"), PATIENCE)
        assert answer.request_id == f"of {button}"
        return answer

    def content(self, answer: Any) -> bytes:
        name = answer.deferred_file.url.rsplit("/", 1)[1]
        return self.storage.get_file(name).content


@pytest.fixture
def buttons() -> Buttons:
    return Buttons()


@pytest.fixture
def gate() -> Iterator[threading.Event]:
    """What waits for it goes on at the end of the test at the latest."""
    gate = threading.Event()
    yield gate
    gate.set()


@pytest.fixture(autouse=True)
def owner(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Whose page is drawn; the last one counts."""
    owners = ["ann"]
    monkeypatch.setattr(door, "owner_of", lambda cookies: owners[-1])
    return owners


def person(language: str = "en") -> session.Session:
    return session.Session(language)


def failing(problem: Exception) -> Callable[[Press], bytes]:
    def make(press: Press) -> bytes:
        raise problem

    return make


def test_a_file_does_not_wait_for_any_number_of_others(buttons: Buttons, gate: threading.Event) -> None:
    begun = threading.Semaphore(0)

    def slowly() -> bytes:
        begun.release()
        gate.wait(PATIENCE)
        return b"report"

    async def crowd() -> None:
        slow = [asyncio.create_task(buttons.press(buttons.offer(slowly))) for _ in range(60)]
        await asyncio.to_thread(lambda: [begun.acquire() for _ in slow])
        assert buttons.content(await buttons.press(buttons.offer(lambda: b"recipe"))) == b"recipe"
        assert not any(task.done() for task in slow)
        gate.set()
        assert {buttons.content(await task) for task in slow} == {b"report"}

    run(crowd())


@pytest.mark.parametrize("language", ["en", "zh_CN"])
def test_what_goes_wrong_is_said_at_the_button_in_the_readers_language(buttons: Buttons, language: str) -> None:
    problem = Problem("desk_busy", limit=2)
    answer = run(buttons.press(buttons.offer(make_at_press(person(language), failing(problem)))))
    assert answer.error_msg == sentence(language, problem)
    assert not answer.HasField("deferred_file")


def test_what_nobody_foresaw_is_our_sentence_and_stays_in_the_log(
    buttons: Buttons, caplog: pytest.LogCaptureFixture
) -> None:
    answer = run(buttons.press(buttons.offer(make_at_press(person(), failing(ValueError("/a/path"))))))
    assert answer.error_msg == sentence("en", Problem("internal"))
    assert "/a/path" in caplog.text


def test_a_button_that_is_offered_no_more_asks_for_another_press(buttons: Buttons) -> None:
    answer = run(buttons.press("of the page before"))
    assert answer.error_msg == sentence("en", Problem("download_stale"))


def test_nobody_has_many_files_in_the_making_and_others_do_not_notice(
    buttons: Buttons, gate: threading.Event, owner: list[str]
) -> None:
    begun = threading.Semaphore(0)

    def slowly(by: Press) -> bytes:
        begun.release()
        gate.wait(PATIENCE)
        return by.owner.encode()

    async def crowd() -> None:
        for name, most in (("ann", press.MOST_OF_AN_OWNER), ("", press.MOST_OF_NOBODY)):
            owner.append(name)
            slow = [
                asyncio.create_task(buttons.press(buttons.offer(make_at_press(person(), slowly)))) for _ in range(most)
            ]
            await asyncio.to_thread(lambda count: [begun.acquire() for _ in range(count)], most)
            refused = await buttons.press(buttons.offer(make_at_press(person(), slowly)))
            assert refused.error_msg == sentence("en", Problem("downloads_busy", limit=most))
            owner.append("bob")
            quick = await buttons.press(buttons.offer(make_at_press(person(), lambda by: by.owner.encode())))
            assert buttons.content(quick) == b"bob"
            gate.set()
            assert {buttons.content(await task) for task in slow} == {name.encode()}
            gate.clear()
        owner.append("ann")  # Who has room again.
        assert (
            buttons.content(await buttons.press(buttons.offer(make_at_press(person(), lambda by: b"more")))) == b"more"
        )

    run(crowd())


def test_all_together_have_an_end_and_it_is_said(
    buttons: Buttons, gate: threading.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(downloads, "_slots", threading.BoundedSemaphore(1))

    async def crowd() -> None:
        slow = asyncio.create_task(buttons.press(buttons.offer(lambda: (gate.wait(PATIENCE) and b"file") or b"")))
        await asyncio.sleep(0)
        refused = await buttons.press(buttons.offer(lambda: b"another"))
        assert refused.error_msg == sentence("en", Problem("downloads_full", limit=downloads.MOST))
        gate.set()
        assert buttons.content(await slow) == b"file"
        assert buttons.content(await buttons.press(buttons.offer(lambda: b"another"))) == b"another"

    run(crowd())


@pytest.mark.parametrize("goes_wrong", [False, True])
def test_whoever_has_the_answer_may_press_again(
    goes_wrong: bool, gate: threading.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(downloads, "_slots", threading.BoundedSemaphore(1))
    again: list[Any] = []

    def make(file_id: str) -> str:
        gate.wait(PATIENCE)
        if goes_wrong:
            raise KeyError(file_id)
        return file_id

    answer = downloads.begin(make, "file")
    answer.add_done_callback(lambda _: again.append(downloads.begin(str.upper, "next")))
    gate.set()
    assert (answer.exception(PATIENCE) is not None) is goes_wrong
    assert eventually(lambda: again)
    assert again[0].result(PATIENCE) == "NEXT"


def test_what_goes_wrong_late_is_said_on_the_page_too(buttons: Buttons, monkeypatch: pytest.MonkeyPatch) -> None:
    state, problem = person(), Problem("desk_late", limit=150)
    run(buttons.press(buttons.offer(make_at_press(state, failing(problem)))))
    assert state.problems == []
    monkeypatch.setattr(press, "NOTICED", -1.0)
    run(buttons.press(buttons.offer(make_at_press(state, failing(problem)))))
    assert state.problems == [problem]


def test_a_run_is_not_copied_for_a_desk_that_would_not_take_it(monkeypatch: pytest.MonkeyPatch) -> None:
    class Full:
        def check(self, owner: str) -> None:
            raise Problem("desk_busy", limit=2)

    monkeypatch.setattr(live, "desks", Full)
    monkeypatch.setattr(live, "pool", lambda: pytest.fail("The run was asked."))
    with pytest.raises(Problem, match="waiting already"):
        Press("ann", "", "page").checkpoint("token")


def test_streamlit_makes_its_sessions_answer_by_our_handler(monkeypatch: pytest.MonkeyPatch) -> None:
    # Fails when another version of Streamlit makes its handlers elsewhere: then they wait in the common threads again.
    from streamlit.runtime import app_session

    monkeypatch.setattr(app_session, "DeferredFileHandler", app_session.DeferredFileHandler)
    downloads.install()

    class Session:
        _script_data = None

    dispatcher = app_session.AppSession._create_backend_operation_dispatcher(Session())  # type: ignore[arg-type]
    answer = run(dispatcher.dispatch(_asking_for("no such file"), "session"))
    assert answer.error_msg == sentence("en", Problem("download_stale"))


def _asking_for(button: str) -> BackendOperationRequest:
    request = BackendOperationRequest(request_id="1")
    request.deferred_file.file_id = button
    return request
