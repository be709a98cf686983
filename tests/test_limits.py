"""What the environment may say, and what it may not."""

from __future__ import annotations

import os
from dataclasses import fields
from pathlib import Path

import pytest

from dlcore.limits import Limits
from dlcore.problems import Problem


def test_nothing_said_means_the_defaults() -> None:
    limits = Limits.from_environment({})
    assert (limits.max_runs, limits.pause_after, limits.free_after) == (300, 60, 1800)
    cores = os.cpu_count() or 1
    assert limits.heavy_workers == (1 if cores <= 2 else 2)  # A core is left to small networks.
    assert 1 <= limits.workers <= 8
    assert 0 < limits.niceness < limits.low_niceness == 19  # As far back as they can, the large ones furthest.


def test_the_environment_says_otherwise() -> None:
    said = {"DLCORE_WORKERS": "3", "DLCORE_PAUSE_AFTER": "1.5", "DLCORE_MAX_RUNS": " 120 ", "DLCORE_SHELF": "/tmp/x"}
    limits = Limits.from_environment(said)
    assert (limits.workers, limits.pause_after, limits.max_runs, limits.shelf) == (3, 1.5, 120, Path("/tmp/x"))


@pytest.mark.parametrize("variable", [each.metadata["variable"] for each in fields(Limits) if each.metadata])
@pytest.mark.parametrize("value", ["many", "-1", "nan", "1e99", "3 4"])
def test_a_value_that_is_no_such_number_is_one_sentence(variable: str, value: str) -> None:
    with pytest.raises(Problem, match=rf"^{variable}: expected a .*number from .* to .*, but got '{value}'\."):
        Limits.from_environment({variable: value})


def test_the_shelf_is_below_the_cache_or_where_everybody_may_write(tmp_path: Path) -> None:
    assert Limits.from_environment({"XDG_CACHE_HOME": str(tmp_path)}).shelf == tmp_path / "dlcore" / "runs"
    assert Limits.from_environment({"HOME": str(tmp_path)}).shelf == tmp_path / ".cache" / "dlcore" / "runs"
    assert str(os.getuid()) in Limits.from_environment({}).shelf.name
