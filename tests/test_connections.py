"""The book of connections: who counts as one address, what the settings say, and what a server of this size may have open."""

from __future__ import annotations

import subprocess
import sys

import pytest

from dlcore.problems import Problem
from ui.door import descriptors
from ui.door.connections import Allowed, Connections, Why


class Client:
    """A connection that only remembers its end."""

    def __init__(self) -> None:
        self.ended: Why | None = None
        self.size = 0
        self.left = 0

    def end(self, why: Why) -> None:
        self.ended = why

    def holds(self) -> int:
        return self.size

    def unsent(self) -> int:
        return self.left

    def received(self) -> int | None:
        return 0


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("192.0.2.1", "192.0.2.1", True),
        ("192.0.2.1", "192.0.2.2", False),
        ("192.0.2.1", "::ffff:192.0.2.1", True),
        ("2001:db8::1", "2001:db8::ffff:2", True),  # A program in this network may use any of its addresses.
        ("2001:db8::1", "2001:db8:0:1::1", False),
        ("fe80::1%eth0", "fe80::2%eth1", True),
        ("no address", "no address", True),
        ("", "", False),  # A socket in the file system: there is no address to count by.
    ],
)
def test_an_address_is_counted_however_it_is_written(one: str, other: str, same: bool) -> None:
    connections = Connections(Allowed(most=10, per_address=1))
    first, second = Client(), Client()
    assert connections.join(first, one) == ""
    connections.works(first)
    assert connections.join(second, other) == ("connection.many" if same else "")


def test_a_school_of_three_hundred_is_one_address() -> None:
    limit = descriptors.MOST
    connections = Connections(Allowed.of_this_server(limit - descriptors.count_kept_free(limit), {}))
    clients = [Client() for _ in range(300 * (8 + 2))]  # What a browser opens at once, and its two sockets.
    assert not any(connections.join(client, "192.0.2.1") for client in clients)
    for client in clients:
        connections.works(client)
    assert connections.join(Client(), "192.0.2.1") == ""
    assert not any(client.ended for client in clients)


def test_settings_say_how_much_and_are_checked() -> None:
    allowed = Allowed.of_this_server(800, {"DLCORE_SOCKETS_MB": "32", "DLCORE_CONNECTIONS_PER_ADDRESS": "100"})
    assert (allowed.sockets_mb, allowed.of_one_address, allowed.most) == (32, 100, 800)
    assert Allowed.of_this_server(800, {}).of_one_address == 400
    assert Allowed.of_this_server(800, {"DLCORE_CONNECTIONS_PER_ADDRESS": "9999"}).of_one_address == 800
    for name, value in (
        ("DLCORE_SOCKETS_MB", "0"),
        ("DLCORE_SOCKETS_MB", "much"),
        ("DLCORE_CONNECTIONS_PER_ADDRESS", "-1"),
    ):
        with pytest.raises(Problem, match=name):
            Allowed.of_this_server(800, {name: value})


def test_who_has_left_leaves_nothing_behind() -> None:
    connections = Connections(Allowed(most=10))
    clients = [Client() for _ in range(4)]
    for number, client in enumerate(clients):
        assert connections.join(client, f"192.0.2.{number}") == ""
        client.size = 5000
        connections.holds(client, 5000)
    connections.receives(clients[0])
    connections.works(clients[1])
    connections.linger(clients[2])
    for client in clients:
        connections.leave(client)
        connections.leave(client)
        connections.holds(client, 9000)
        connections.waits(client)
        connections.receives(client)
    assert set(connections.figures().values()) == {0}


def test_what_was_read_meanwhile_is_not_held_against_anybody() -> None:
    connections = Connections(Allowed(most=10, sockets_mb=1))
    read, large = Client(), Client()
    for client in (read, large):
        connections.join(client, "192.0.2.1")
        client.size = 900_000
    connections.holds(read, 900_000)
    read.size = 0  # It has not said so yet.
    connections.holds(large, 900_000)
    assert read.ended is None and large.ended is None
    assert connections.figures()["held_bytes"] == 900_000


@pytest.mark.parametrize("limit", [256, 1024, 4096, 20_000, 65_536, 1 << 20])
def test_descriptors_are_kept_for_files_pipes_and_workers(limit: int) -> None:
    kept, accepted = descriptors.count_kept_free(limit), descriptors.count_accepted_a_turn(limit)
    assert limit // 8 <= kept <= limit // 4
    assert accepted >= 1 and 4 * accepted <= kept // 2  # While one is judged, three further turns may accept.
    assert limit < 1024 or kept >= 256


@pytest.mark.parametrize(("soft", "hard", "then"), [(256, 4096, 4096), (256, 100_000, 65_536), (4096, 4096, 4096)])
def test_the_limit_is_raised_as_far_as_it_goes(soft: int, hard: int, then: int) -> None:
    script = (
        "import resource, runpy\n"
        f"raise_limit = runpy.run_path({descriptors.__file__!r})['raise_limit']\n"
        f"resource.setrlimit(resource.RLIMIT_NOFILE, ({soft}, min({hard}, resource.getrlimit(resource.RLIMIT_NOFILE)[1])))\n"
        "hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]\n"
        f"assert raise_limit() == min({then}, hard)\n"
        f"assert resource.getrlimit(resource.RLIMIT_NOFILE) == (min({then}, hard), hard)\n"
    )
    subprocess.run([sys.executable, "-c", script], check=True)


def test_who_still_takes_the_last_answer_is_not_waited_for_and_has_to_take_it() -> None:
    now = [0.0]
    connections = Connections(Allowed(most=10), clock=lambda: now[0])
    slow, stuck, idle = Client(), Client(), Client()
    for client in (slow, stuck, idle):
        connections.join(client, "192.0.2.1")
    slow.left = stuck.left = 1_000_000

    def later(seconds: int) -> None:
        for _ in range(seconds):
            now[0] += 1.0
            slow.left = max(slow.left - 20_000, 0)
            connections.sweep()

    later(11)
    assert (slow.ended, stuck.ended, idle.ended) == (None, None, Why.SLOW_HEAD)
    later(35)
    assert (slow.ended, stuck.ended) == (None, Why.SLOW_HEAD)
    later(5)
    assert slow.left == 0 and slow.ended is None  # Its time begins now.
    later(8)
    assert slow.ended is None
    later(5)
    assert slow.ended is Why.SLOW_HEAD
