"""Whose pages may ask, and under which name."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from streamlit import config

from ui.door.origins import as_of_here, host_allowed, is_local_name, origin_allowed

HERE = "play.example:8501"


@pytest.fixture
def setting() -> Iterator[Any]:
    before: dict[str, Any] = {}

    def set_option(name: str, value: Any) -> None:
        before.setdefault(name, config.get_option(name))
        config.set_option(name, value)

    yield set_option
    for name, value in before.items():
        config.set_option(name, value)


@pytest.mark.parametrize(
    ("origin", "host"),
    [
        (None, HERE),  # no browser
        (None, None),
        ("http://play.example:8501", HERE),
        ("https://play.example:8501", HERE),
        ("http://PLAY.example:8501", "play.EXAMPLE:8501"),
        # A proxy speaks https and asks over http: the Host has a port, or not, as the browser's address has.
        ("https://play.example", "play.example"),
        ("https://play.example", "play.example:443"),
        ("https://play.example:443", "play.example"),
        ("http://play.example", "play.example:80"),
        ("http://[::1]:8501", "[::1]:8501"),
    ],
)
def test_a_page_of_this_server_may_ask(origin: str | None, host: str | None) -> None:
    assert origin_allowed(origin, host)


@pytest.mark.parametrize(
    ("origin", "host"),
    [
        ("http://evil.example", HERE),
        ("http://evil.example:8501", HERE),
        ("http://play.example:8502", HERE),
        ("http://play.example", HERE),
        ("https://play.example", "play.example:80"),
        ("http://localhost:3000", HERE),
        ("http://127.0.0.1", HERE),
        ("http://play.example:8501.evil.example", HERE),
        ("http://play.example:8501@evil.example", HERE),
        ("http://evil.example#play.example:8501", HERE),
        ("http://evil.example/play.example:8501", HERE),
        ("file://", HERE),
        ("null", HERE),
        ("", HERE),
        ("http://", HERE),
        ("http://[", HERE),
        ("http://play.example:port", HERE),
        ("chrome-extension://play.example:8501", HERE),
        ("http://play.example:8501", None),  # A browser says whom it asks.
        ("http://play.example:8501", ""),
        ("http://none", None),
        ("http://a", "a/b"),
    ],
)
def test_a_page_of_another_server_may_not(origin: str, host: str | None) -> None:
    assert not origin_allowed(origin, host)


def test_over_https_a_page_that_came_without_it_is_anothers() -> None:
    assert origin_allowed("https://play.example", "play.example", secure=True)
    assert not origin_allowed("http://play.example", "play.example", secure=True)
    assert not origin_allowed("http://play.example:443", "play.example:443", secure=True)


def test_the_settings_name_further_origins(setting: Any) -> None:
    setting("server.corsAllowedOrigins", ["https://lab.example", " https://PORT.example:8443 "])
    for origin in ("https://lab.example", "https://lab.example:443", "https://port.example:8443"):
        assert origin_allowed(origin, HERE)
    for origin in ("http://lab.example", "https://lab.example:444", "https://a.lab.example"):
        assert not origin_allowed(origin, HERE)
    setting("browser.serverAddress", "class.example")
    assert origin_allowed("https://class.example", HERE)
    setting("server.enableCORS", False)
    assert origin_allowed("https://anything.example", HERE)


@given(origin=st.text(max_size=40), host=st.text(max_size=40))
def test_nothing_that_a_client_can_write_makes_the_judge_fail(origin: str, host: str) -> None:
    assert origin_allowed(origin, host) in (True, False)
    assert host_allowed(host, "127.0.0.1", False) in (True, False)


@given(
    name=st.sampled_from(["play.example", "10.0.0.5", "[::1]", "localhost"]),
    port=st.sampled_from(["", ":80", ":443", ":8501"]),
    scheme=st.sampled_from(["http", "https"]),
    other=st.sampled_from(["", ":80", ":443", ":8501"]),
)
def test_whoever_may_come_in_is_let_in_by_streamlit_without_a_look_up(
    name: str, port: str, scheme: str, other: str
) -> None:
    origin, host = f"{scheme}://{name}{other}", f"{name}{port}"
    if origin_allowed(origin, host):
        seen = as_of_here({"headers": [(b"origin", origin.encode()), (b"host", host.encode())]})
        shown = {key.decode(): value.decode() for key, value in seen["headers"]}
        assert shown["host"] == host
        assert shown["origin"].partition("://")[2] == host  # What Streamlit compares before anything else.


@pytest.mark.parametrize(
    "host", ["localhost", "LOCALHOST:8501", "localhost.", "a.localhost:80", "127.0.0.1:8501", "127.8.8.8", "[::1]:8501"]
)
def test_the_machines_own_names(host: str) -> None:
    assert is_local_name(host)
    assert host_allowed(host, "127.0.0.1", False)


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "localhost.evil.example",
        "evil.example:8501",
        "127.0.0.1.evil.example",
        "10.0.0.5",
        "0.0.0.0:8501",
        "[",
        "a@localhost",
        "",
    ],
)
def test_a_server_for_its_own_machine_alone_answers_to_no_other_name(host: str, setting: Any) -> None:
    setting("server.address", "127.0.0.1")
    assert not is_local_name(host)
    assert not host_allowed(host, "127.0.0.1", False)
    assert host_allowed(host, "127.0.0.1", True)  # A proxy asks that a setting names: it knows what it passes on.
    setting("server.address", "localhost")
    assert not host_allowed(host, None, False)
    for listening in ("0.0.0.0", "::", "10.0.0.5", None):
        setting("server.address", listening)
        assert host_allowed(host, "127.0.0.1", False)


def test_a_server_that_another_program_made_listen_elsewhere_answers_there(setting: Any) -> None:
    setting("server.address", "127.0.0.1")
    assert host_allowed("lab.example", "10.0.0.5", False)


def test_the_settings_name_the_names(setting: Any) -> None:
    for address in ("127.0.0.1", "0.0.0.0"):
        setting("server.address", address)
        setting("server.allowedHosts", ["lab.example", "*.class.example"])
        assert host_allowed("lab.example:8501", "127.0.0.1", False)
        assert host_allowed("a.class.example", "127.0.0.1", False)
        for host in ("evil.example", "127.0.0.1:8501", "localhost", None):
            assert not host_allowed(host, "127.0.0.1", True)
