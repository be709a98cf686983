"""Budgets of desk time, judged by sums on paper."""

from __future__ import annotations

import pytest

from dlcore.desks.budgets import Budgets
from tests.clock import Clock


def test_what_is_used_is_missing_until_it_is_refilled() -> None:
    clock = Clock(0.0)
    budgets = Budgets(60.0, 0.1, clock)
    assert budgets.left("ann") == 60.0
    budgets.charge("ann", 45.0)
    assert budgets.left("ann") == 15.0
    clock.now = 100.0
    assert budgets.left("ann") == pytest.approx(25.0)
    budgets.charge("ann", 5.0)
    clock.now = 10_000.0
    assert budgets.left("ann") == 60.0, "no more than that is saved up"


def test_debts_end_where_they_can_be_paid() -> None:
    clock = Clock(0.0)
    budgets = Budgets(60.0, 0.1, clock)
    budgets.charge("ann", 1000.0)
    assert budgets.left("ann") == -60.0
    clock.now = 601.0
    assert budgets.left("ann") == pytest.approx(0.1)


def test_everybody_has_a_budget_and_nobody_in_particular_has_one_together() -> None:
    budgets = Budgets(60.0, 0.1, Clock(0.0))
    budgets.charge("ann", 30.0)
    budgets.charge("", 20.0)
    budgets.charge("", 20.0)
    assert [budgets.left(owner) for owner in ("ann", "bob", "")] == [30.0, 60.0, 20.0]
