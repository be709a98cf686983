"""Sessions at the door: those that nobody shows make room for newcomers, those on somebody's screen never do."""

from __future__ import annotations

import html
from types import SimpleNamespace

import pytest
import streamlit as st

from tests.loops import run
from tests.test_door import House, Socket, rerun
from ui import door
from ui.door import descriptors
from ui.door.sessions import Sessions
from ui.messages import text


def test_sessions_without_a_socket_make_room_the_longest_gone_first() -> None:
    async def lesson() -> None:
        forgotten: list[str] = []
        sessions = Sessions(60.0, forgotten.append)
        for name in ("a", "b", "c"):
            sessions.enter(name, name)
        assert sessions.make_room(4) and not sessions.make_room(3)
        for name in ("b", "a"):
            sessions.leave(name, name)
        assert sessions.make_room(4) and forgotten == []
        assert sessions.make_room(3) and forgotten == ["b"]
        assert sessions.make_room(2) and forgotten == ["b", "a"]
        assert not sessions.make_room(1)
        assert "c" in sessions

    run(lesson())


def test_whoever_has_most_sessions_without_a_socket_loses_one_first_and_nobody_the_one_that_is_wanted() -> None:
    async def lesson() -> None:
        forgotten: list[str] = []
        sessions = Sessions(60.0, forgotten.append)
        for name in ("ann", "eve 1", "eve 2"):
            sessions.enter(name, name)
            sessions.leave(name, name, name.split()[0])
        assert sessions.make_room(3) and forgotten == ["eve 1"]
        assert sessions.make_room(1, "ann") and forgotten == ["eve 1"]
        sessions.enter("ann", "again")
        assert sessions.make_room(2) and forgotten == ["eve 1", "eve 2"]

    run(lesson())


def test_a_session_that_streamlit_has_forgotten_by_itself_is_forgotten_here_too_and_what_it_leased_is_released(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    released: list[str] = []
    monkeypatch.setattr("streamlit.runtime.caching.cache_resource_api.get_session_id_or_throw", lambda: "late")
    lease = st.cache_resource(lambda token: token, scope="session", on_release=released.append, show_spinner=False)
    assert lease("its run") == "its run"
    storage: dict[str, object] = {}
    serving = SimpleNamespace(is_active_session=storage.__contains__, close_session=storage.__delitem__)
    monkeypatch.setattr("ui.door.sessions.runtime", SimpleNamespace(exists=lambda: True, get_instance=lambda: serving))

    async def lesson() -> None:
        forgotten: list[str] = []
        sessions = Sessions(60.0, forgotten.append)
        sessions.enter("late", "late")
        sessions.leave("late", "late")
        assert sessions.make_room(0) is False
        assert forgotten == ["late"] and "late" not in sessions
        assert released == ["its run"]

    run(lesson())


def test_as_many_sessions_as_there_are_descriptors_for_and_then_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(descriptors, "read_limit", lambda: 0)
    answer = House().ask("/", accept="text/html")
    assert answer.status == 503
    assert html.escape(text("en", "problem.server_full", limit=0)) in answer.text
    assert Socket().knock(rerun()).sent[-1]["code"] == door.FULL


@pytest.mark.parametrize("limit", [256, 1024, 65_536])
def test_sessions_leave_descriptors_for_what_else_there_is(limit: int) -> None:
    kept = descriptors.count_kept_free(limit)
    assert 0 < descriptors.count_sessions(limit) * descriptors.OF_A_SESSION <= limit - kept
