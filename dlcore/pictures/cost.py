"""What a row costs a network, so that pictures of heavy networks are made of fewer rows."""

from __future__ import annotations

import math
from collections.abc import Iterable

from dlcore.layers import SEQUENCE
from dlcore.plan import LayerPlan, all_plans

TOUCH = 4  # multiply-adds in whose time a value is written and read again


def multiply_adds(plans: Iterable[LayerPlan]) -> int:
    """About how many multiply-adds one row takes: each weight once at every pixel or step at which it is used, each value once."""
    return sum(_of_layer(plan) for plan in all_plans(plans) if not plan.branches)


def _of_layer(plan: LayerPlan) -> int:
    steps = math.prod(plan.output_shape) // max(1, plan.units or plan.outputs)
    if len(plan.input_shape) == SEQUENCE:
        steps = max(steps, plan.input_shape[0])
    return plan.parameters * steps + TOUCH * plan.outputs


def affordable(cost: int, budget: int, least: int, most: int) -> int:
    """How many rows of this cost the budget pays for, between these bounds."""
    return min(most, max(least, budget // max(1, cost)))
