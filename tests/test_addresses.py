"""From which address a request comes, and whom one believes about it."""

from __future__ import annotations

import pytest

from dlcore.problems import Problem
from ui.door.addresses import Proxies, home_of, is_loopback

NAMED = Proxies.from_environment({"DLCORE_PROXIES": " 10.0.0.5, 172.30.251.0/24 ,2001:db8::5,"})


def test_nobody_is_believed_unless_a_setting_names_them() -> None:
    for peer in ("127.0.0.1", "10.0.0.5", "::1"):
        assert peer not in Proxies.from_environment({})
        assert Proxies().client(peer, ["1.2.3.4"]) == peer


def test_a_named_proxy_is_believed_and_nobody_else() -> None:
    assert NAMED.client("10.0.0.5", ["1.2.3.4"]) == "1.2.3.4"
    assert NAMED.client("::ffff:10.0.0.5", ["1.2.3.4"]) == "1.2.3.4"
    assert NAMED.client("2001:db8::5", ["2001:db8:1::9"]) == "2001:db8:1::9"
    assert NAMED.client("10.0.0.6", ["1.2.3.4"]) == "10.0.0.6"


@pytest.mark.parametrize(
    ("forwarded", "client"),
    [
        (["6.6.6.6, 1.2.3.4"], "1.2.3.4"),  # The browser may have written the first.
        (["6.6.6.6", "1.2.3.4"], "1.2.3.4"),
        (["6.6.6.6, 1.2.3.4, 172.30.251.7"], "1.2.3.4"),  # through a second proxy that is named too
        (["172.30.251.9"], "172.30.251.9"),
        (["1.2.3.4:5678"], "1.2.3.4"),
        (["[2001:db8::9]:5678"], "2001:db8::9"),
        (["1.2.3.4, unknown"], "10.0.0.5"),
        (["1.2.3.4, "], "10.0.0.5"),
        (["x" * 10_000], "10.0.0.5"),
        ([""], "10.0.0.5"),
        ([], "10.0.0.5"),
    ],
)
def test_the_last_that_is_no_proxy_is_who_asks(forwarded: list[str], client: str) -> None:
    assert NAMED.client("10.0.0.5", forwarded) == client


@pytest.mark.parametrize("value", ["proxy", "10.0.0.0/8/8", "10.0.0.1/8", "300.1.1.1", "10.0.0.5;10.0.0.6"])
def test_a_setting_that_is_no_address_is_one_sentence(value: str) -> None:
    with pytest.raises(Problem, match=r"^DLCORE_PROXIES: expected addresses or networks .*, but got '.*'\. Correct"):
        Proxies.from_environment({"DLCORE_PROXIES": value})


def test_a_household_of_ipv6_is_one_address() -> None:
    assert home_of("2001:db8:0:1::1") == home_of("2001:db8:0:1:ffff::9") != home_of("2001:db8:0:2::1")
    assert home_of("::ffff:1.2.3.4") == home_of("1.2.3.4") != home_of("1.2.3.5")
    assert home_of("") == "" and home_of("unix") == "unix"


def test_this_machines_own_addresses() -> None:
    assert all(map(is_loopback, ("127.0.0.1", "127.8.8.8", "::1", "::ffff:127.0.0.1")))
    assert not any(map(is_loopback, ("10.0.0.7", "192.168.1.20", "2001:db8::1", "::ffff:10.0.0.7", "unix", "")))
