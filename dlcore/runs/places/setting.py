"""Which kind of place the workers have: processes of this machine, threads of this process, or actors of a Ray cluster."""

from __future__ import annotations

import importlib.util
import re
from collections.abc import Mapping

from dlcore.problems import Problem
from dlcore.runs.places.inprocess import Threads
from dlcore.runs.places.links import Places
from dlcore.runs.places.process import Processes
from dlcore.runs.places.ray import LOCAL, Cluster

EXPECTED = "processes, inprocess, ray, or the address of a Ray cluster such as ray://head:10001"
ADDRESS = re.compile(r"(ray://)?[A-Za-z0-9_.-]+:[0-9]{1,5}")


def choose_places(environment: Mapping[str, str]) -> Places:
    """The kind that the variable DLCORE_RUNS names; processes if it is not set. Raises Problem for any other value."""
    setting = environment.get("DLCORE_RUNS", "").strip() or "processes"
    if setting == "processes":
        return Processes()
    if setting == "inprocess":
        return Threads()
    if setting != "ray" and not ADDRESS.fullmatch(setting):
        raise Problem("bad_setting", name="DLCORE_RUNS", expected=EXPECTED, came=setting)
    if importlib.util.find_spec("ray") is None:
        raise Problem("no_ray", came=setting)
    return Cluster(LOCAL if setting == "ray" else setting)
