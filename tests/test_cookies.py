"""The cookie that says whose browser it is: nobody can make one up, and over https no other site can slip one in."""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
from concurrent.futures import ThreadPoolExecutor
from http.cookies import SimpleCookie
from pathlib import Path

import pytest
from starlette.requests import HTTPConnection

from dlcore.folders import keep_once
from dlcore.limits import Limits
from ui.door.cookies import COOKIE, KEY_FILE, SECURE_COOKIE, make_header, new_secret, owner_of, read_key, recognise

MINE, ANOTHERS = new_secret(), new_secret()


def behind(cookie: str, secure: bool = False) -> tuple[str, dict[str, str]]:
    """Whose browser sends this, and the cookies that are seen behind the door."""
    owner, scope = recognise({"type": "http", "headers": [(b"cookie", cookie.encode()), (b"accept", b"*/*")]}, secure)
    assert (b"accept", b"*/*") in scope["headers"]
    return owner, HTTPConnection(scope).cookies


def test_a_secret_is_random_and_known_again() -> None:
    assert MINE != ANOTHERS and len(MINE) > 80
    assert owner_of({COOKIE: MINE}) == MINE


def test_a_secret_is_signed_with_the_key_that_lies_beside_the_kept_runs() -> None:
    key = (Limits.from_environment().shelf / KEY_FILE).read_bytes()
    name, _, signature = MINE.partition(".")
    right = base64.urlsafe_b64encode(hmac.new(key, name.encode(), hashlib.sha256).digest()).decode().rstrip("=")
    assert signature == right and len(key) == 32


@pytest.mark.parametrize(
    "value",
    [
        "", "short", "m" * 43, "m" * 87, "é" * 40, MINE + ";", " " + MINE, MINE[:-1], MINE + "A", MINE.replace(".", ""),
        "m" * 43 + "." + MINE.partition(".")[2], MINE.partition(".")[0] + "." + "m" * 43,
        MINE.partition(".")[0] + "." + ANOTHERS.partition(".")[2],
        MINE.partition(".")[0] + "." + base64.urlsafe_b64encode(hashlib.sha256(MINE.encode()).digest()).decode().rstrip("="),
    ],
)  # fmt: skip
def test_what_was_not_made_here_is_nobody(value: str) -> None:
    assert owner_of({COOKIE: value}) == ""
    assert owner_of({}) == ""
    assert value.strip(" ;") == MINE or behind(f"{COOKIE}={value}")[0] == ""


def test_behind_the_door_there_is_one_cookie_of_ours_and_the_others_as_they_came() -> None:
    assert behind(f"a=1; {COOKIE}={MINE}; b=2") == (MINE, {"a": "1", "b": "2", COOKIE: MINE})
    assert behind(f"a=1; {COOKIE}=forged") == ("", {"a": "1"})
    assert behind("a=1") == ("", {"a": "1"})
    assert behind("") == ("", {})


def test_over_https_only_the_cookie_counts_that_no_other_site_can_set() -> None:
    assert behind(f"{SECURE_COOKIE}={MINE}", secure=True) == (MINE, {COOKIE: MINE})
    # A sibling domain can set a cookie for the whole domain, one of its own that is rightly signed too: it never counts.
    for tossed in (f"{COOKIE}={ANOTHERS}", f"{COOKIE}={ANOTHERS}; {COOKIE}={ANOTHERS}", f'{COOKIE}="{ANOTHERS}"'):
        assert behind(tossed, secure=True) == ("", {})
        assert behind(f"{tossed}; {SECURE_COOKIE}={MINE}", secure=True) == (MINE, {COOKIE: MINE})
        assert behind(f"{SECURE_COOKIE}={MINE}; {tossed}", secure=True) == (MINE, {COOKIE: MINE})
    assert behind(f"{COOKIE} ={ANOTHERS}; {SECURE_COOKIE}={MINE}", secure=True) == (MINE, {COOKIE: MINE})


def test_without_https_the_other_name_means_nothing() -> None:
    assert behind(f"{SECURE_COOKIE}={MINE}") == ("", {})


def test_several_lines_of_cookies_are_read_as_one() -> None:
    lines = [(b"cookie", b"a=1"), (b"cookie", f"{COOKIE}={MINE}".encode()), (b"cookie", b"b=2")]
    owner, scope = recognise({"type": "http", "headers": lines}, False)
    assert owner == MINE
    assert [value for name, value in scope["headers"]] == [f"a=1; b=2; {COOKIE}={MINE}".encode()]


def attributes(header: bytes) -> tuple[str, str, dict[str, object]]:
    """Name, value and attributes, as Python's own parser reads them."""
    ((name, morsel),) = SimpleCookie(header.decode()).items()
    return name, morsel.value, {key: value for key, value in morsel.items() if value}


def test_a_browser_keeps_it_for_thirty_days_for_no_script_and_no_other_site() -> None:
    common = {"max-age": str(30 * 24 * 3600), "httponly": True, "samesite": "Lax"}
    assert attributes(make_header(MINE, "/a/path", secure=False, claimed=False)) == (
        COOKIE, MINE, {"path": "/a/path", **common},
    )  # fmt: skip
    assert attributes(make_header(MINE, "/a/path", secure=False, claimed=True))[2] == {
        "path": "/a/path", "secure": True, **common,
    }  # fmt: skip
    # What the prefix __Host- asks for: Secure, Path=/, and no Domain.
    assert attributes(make_header(MINE, "/a/path", secure=True, claimed=False)) == (
        "__Host-playground_owner", MINE, {"path": "/", "secure": True, **common},
    )  # fmt: skip


# The key


def test_all_who_ask_at_once_get_the_same_key_in_a_file_that_is_theirs_alone(tmp_path: Path) -> None:
    folder = tmp_path / "shelf"
    with ThreadPoolExecutor(16) as threads:
        keys = set(threads.map(read_key, [folder] * 64))
    assert keys == {(folder / KEY_FILE).read_bytes()}
    assert (folder / KEY_FILE).stat().st_mode & 0o777 == 0o600
    assert folder.stat().st_mode & 0o777 == 0o700
    assert os.listdir(folder) == [KEY_FILE]


def test_a_file_that_is_there_is_not_written_again(tmp_path: Path) -> None:
    assert keep_once(tmp_path / "file", b"first") == b"first"
    assert keep_once(tmp_path / "file", b"second") == b"first"
    (tmp_path / "file").chmod(0o644)
    keep_once(tmp_path / "file", b"third")
    assert (tmp_path / "file").stat().st_mode & 0o777 == 0o600


def test_where_no_key_can_be_kept_the_process_has_one_of_its_own(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "a file").write_text("")
    (tmp_path / "damaged").mkdir(mode=0o700)
    (tmp_path / "damaged" / KEY_FILE).write_bytes(b"short")
    (tmp_path / "link").mkdir(mode=0o700)
    (tmp_path / "link" / KEY_FILE).symlink_to(tmp_path / "a file")
    for folder in (tmp_path / "a file", tmp_path / "damaged", tmp_path / "link"):
        one, other = read_key(folder), read_key(folder)
        assert len(one) == len(other) == 32 and one != other
        assert str(folder) in caplog.text


def test_a_worthless_cookie_of_the_same_name_does_not_stand_before_ours() -> None:
    # As another app of this host can set it, for a longer path or a shorter one.
    for line in (f"{COOKIE}=junk; {COOKIE}={MINE}", f"{COOKIE}={MINE}; {COOKIE}=junk"):
        assert recognise({"type": "http", "headers": [(b"cookie", line.encode())]}, secure=False)[0] == MINE
