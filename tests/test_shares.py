"""Who is next, and what each may spend: properties of sharing, whatever things cost and whenever somebody comes."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dlcore.runs.orders import Order, Orders
from dlcore.runs.owntime import OwnTime
from dlcore.runs.shares import HEAD_START, Credit, Turns
from tests.machine import Machine

COSTS = st.floats(0.0001, 0.5)


@given(st.lists(COSTS, min_size=2, max_size=6), st.integers(50, 400))
def test_all_who_want_have_had_the_same_but_for_what_was_taken_at_one_go(costs: list[float], times: int) -> None:
    turns, had = Turns(), Counter[str]()
    price = {str(who): cost for who, cost in enumerate(costs)}
    for _ in range(times):
        turns.update(list(price))
        who = turns.choose_least(list(price))
        turns.spend(who, price[who])
        had[who] += price[who]  # type: ignore[assignment]
    assert max(had[who] for who in price) - min(had[who] for who in price) <= max(costs) + HEAD_START + 1e-9


@given(st.floats(0.0, 100.0), COSTS)
def test_who_was_away_comes_first_and_does_not_keep_the_others_out(alone: float, cost: float) -> None:
    turns = Turns()
    turns.update(["here"])
    turns.spend("here", alone)
    turns.update(["here"])
    had = 0.0
    both = ["here", "back"]
    turns.update(both)
    while turns.choose_least(both) == "back":
        turns.spend("back", cost)
        had += cost
    assert had <= HEAD_START + cost + 1e-9


def test_nobody_is_ahead_but_of_the_one_of_the_others_that_has_had_least() -> None:
    turns = Turns()
    for who, seconds in (("a", 3.0), ("b", 1.0), ("c", 2.0)):
        turns.spend(who, seconds)
    assert turns.drop_those_ahead("ac", "abc", 1.5) == ["c"]
    assert turns.drop_those_ahead("a", "a", 0.0) == ["a"]
    assert turns.drop_those_ahead("a", "", 0.0) == ["a"]


@given(st.lists(st.tuples(st.sampled_from("abc"), COSTS, st.floats(0.0, 1.0)), min_size=1, max_size=60))
def test_owners_never_spend_more_than_the_share_of_the_clock_and_what_they_had(
    events: list[tuple[str, float, float]],
) -> None:
    machine = Machine()
    credit = Credit(0.4, 0.02, 1.0, machine.clock)
    spent = 0.0
    for owner, cost, pause in events:
        machine.wait(pause)
        assert -1.0 <= credit.of(owner) <= 0.02
        if credit.of(owner) >= 0:
            credit.spend(owner, cost)
            spent += cost
    longest = max(cost for _, cost, _ in events)
    assert spent <= 0.4 * (machine.now - 1000.0) + 3 * (0.02 + longest) + 1e-6


def test_one_owner_alone_earns_all_and_several_as_much_each() -> None:
    machine = Machine()
    credit = Credit(0.4, 0.02, 1.0, machine.clock)
    credit.spend("a", 0.52)
    machine.wait(1.0)
    assert credit.of("a") == pytest.approx(-0.1)
    credit.spend("b", 0.12)
    machine.wait(0.1)
    assert (credit.of("a"), credit.of("b")) == (pytest.approx(-0.08), pytest.approx(-0.08))


def test_what_one_cannot_save_is_earned_by_the_others() -> None:
    machine = Machine()
    credit = Credit(0.4, 0.02, 1.0, machine.clock)
    credit.spend("modest", 0.01)
    credit.spend("greedy", 0.5)
    machine.wait(1.0)
    assert credit.of("modest") == 0.02
    assert credit.of("greedy") == pytest.approx(0.02 - 0.5 + 0.4 - 0.01)
    assert credit.wait("greedy", 0.0) == pytest.approx(0.09 / 0.4)


# Own time


def test_own_time_goes_on_while_nothing_is_to_be_done_and_stands_still_while_others_have_the_processor() -> None:
    machine = Machine()
    own = OwnTime(machine.clock, machine.processor)
    begin = own()
    machine.wait(2.0)  # Nothing to do.
    assert own() == begin + 2.0
    with own.working():
        machine.work(0.5)
        machine.wait(10.0)  # Somebody else has it.
        assert own() == pytest.approx(begin + 2.5)
        machine.work(0.25)
    assert own() == pytest.approx(begin + 2.75)
    machine.wait(1.0)
    assert own() == pytest.approx(begin + 3.75)


# Orders


def order(identifier: int, token: str = "run") -> Order:
    return Order({"do": "step", "id": identifier, "token": token}, b"")


@given(st.lists(st.sampled_from("abc"), max_size=30))
def test_orders_of_an_owner_stay_in_their_order(owners: list[str]) -> None:
    orders = Orders()
    for identifier, owner in enumerate(owners):
        orders.add(owner, order(identifier))
    assert set(orders.owners) == set(owners)
    for owner in sorted(set(owners)):
        taken = []
        while owner in orders.owners:
            taken.append(orders.take(owner).header["id"])
        assert taken == [identifier for identifier, other in enumerate(owners) if other == owner]


def test_what_nobody_waits_for_is_not_done() -> None:
    orders = Orders()
    for identifier, token in enumerate(("one", "other", "one")):
        orders.add("a", order(identifier, token))
    assert orders.forget(2) and not orders.forget(2)
    assert orders.has_order_for("a", "one") and not orders.has_order_for("b", "one")
    assert [each.header["id"] for each in orders.drop("a", "one")] == [0]
    assert not orders.has_order_for("a", "one") and orders.take("a").header["id"] == 1
    assert orders.owners == []
