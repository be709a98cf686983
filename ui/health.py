"""Monitoring: `/healthz` tells whether the server can take runs, `/metrics` counts what it does.

Neither contains a token, session or name. The door answers programs of this machine only, unless DLCORE_METRICS=all is set.
"""

from __future__ import annotations

import time
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import BaseRoute, Route
from streamlit import runtime
from streamlit.runtime.stats import ACTIVE_SESSIONS_FAMILY, GaugeStat

from dlcore.runs.figures import resident_bytes
from ui import live
from ui.assets import base_path
from ui.door.aside import seconds_of_scripts

#: Prometheus' text format 0.0.4.
TEXT_FORMAT = "text/plain; version=0.0.4; charset=utf-8"
#: Figure, name, type, help; what each figure means in full stands in dlcore.runs.figures, and for desks in dlcore.desks.desks.
METRICS = (
    ("sessions", "sessions", "gauge", "Pages that are open."),
    ("runs", "runs", "gauge", "Runs that are held in memory."),
    ("max_runs", "runs_limit", "gauge", "Runs that may be held at most."),
    ("playing", "runs_playing", "gauge", "Runs that are training."),
    ("viewers", "viewers", "gauge", "Live channels that are open."),
    ("updates_per_second", "updates_per_second", "gauge", "Optimization steps a second, of all runs."),
    ("frames_per_second", "frames_per_second", "gauge", "Pictures a second, to all viewers."),
    ("p95_frame_delay_seconds", "frame_delay_p95_seconds", "gauge", "Time within which 95% of the last pictures came."),
    ("training_share", "training_share", "gauge", "Share of the busy workers' time that went into training."),
    ("showing_share", "showing_share", "gauge", "Share of the busy workers' time that went into pictures."),
    ("server_seconds", "server_seconds_total", "counter", "Processor time of the server's process."),
    (
        "script_seconds",
        "script_seconds_total",
        "counter",
        "Of the server's, that of the pages' scripts that have ended.",
    ),
    ("training_seconds", "training_seconds_total", "counter", "Processor time of workers for training and its scores."),
    ("pictures_seconds", "pictures_seconds_total", "counter", "The same for the contents of frames."),
    ("changes_seconds", "changes_seconds_total", "counter", "The same for changes of recipes, commands and questions."),
    ("keeping_seconds", "keeping_seconds_total", "counter", "The same for states of runs that outlive the worker."),
    ("pipe_seconds", "pipe_seconds_total", "counter", "The same for reading requests and writing answers."),
    ("rest_seconds", "rest_seconds_total", "counter", "The same for all else, as whose turn it is."),
    ("workers", "workers", "gauge", "Worker processes that are ready."),
    ("desks", "desks", "gauge", "Processes that are open for reading tables and judging networks."),
    ("jobs_working", "jobs_working", "gauge", "Jobs that desks are working at."),
    ("jobs_waiting", "jobs_waiting", "gauge", "Jobs that wait for a desk."),
    ("memory_bytes", "memory_bytes", "gauge", "Resident memory of each process."),
    ("shelved_bytes", "shelf_bytes", "gauge", "States of runs that are kept on disk."),
    ("restarts", "worker_restarts_total", "counter", "Workers that ended unasked and were replaced."),
    ("moved", "runs_moved_total", "counter", "Runs that went to another worker."),
    ("jobs", "jobs_total", "counter", "Jobs that have ended, well or not."),
    ("desks_lost", "desks_lost_total", "counter", "Desks that ended while they worked at a job."),
    ("refused", "refused_total", "counter", "Runs for which there was no room."),
    ("made_room", "runs_put_away_total", "counter", "Runs that went to the shelf to make room for another one."),
    ("shelf_failures", "shelf_failures_total", "counter", "States that could not be written to disk."),
    ("stuck", "stuck_clients_total", "counter", "Live channels closed because nobody read them."),
)


def routes() -> list[BaseRoute]:
    """Routes for `st.App`, with and without the base path, which it leaves to us."""
    prefixes = dict.fromkeys(["", base_path()])
    return [Route(f"{prefix}/{answer.__name__}", answer) for prefix in prefixes for answer in (healthz, metrics)]


def healthz(request: Request) -> Response:
    """{"status": "ok"} and the number of workers once one is ready; status 503 before."""
    ready, known = live.pool().ready, count_figures()
    counts = {name: known[name] for name in ("sessions", "runs", "max_runs", "playing", "workers", "desks")}
    return _count_unkept(JSONResponse({"status": "ok" if ready else "starting", **counts}, 200 if ready else 503))


def metrics(request: Request) -> Response:
    """The figures in Prometheus' text format."""
    return _count_unkept(PlainTextResponse(write_exposition(count_figures()), media_type=TEXT_FORMAT))


def count_figures() -> dict[str, Any]:
    """What can be counted of the runs, the pages and this process."""
    known, desks = live.pool().figures(), live.desks().figures()
    memory = {"server": resident_bytes(), **known["memory_bytes"], **desks["memory_bytes"]}
    spent = {"server_seconds": time.process_time(), "script_seconds": seconds_of_scripts()}
    return {**known, **desks, **spent, "memory_bytes": memory, "sessions": count_sessions(), "stuck": live.stuck()}


def count_sessions() -> int:
    """The number of open pages, as Streamlit counts them."""
    if not runtime.exists():
        return 0
    found = runtime.get_instance().stats_mgr.get_stats([ACTIVE_SESSIONS_FAMILY])
    return sum(stat.value for stat in found.get(ACTIVE_SESSIONS_FAMILY, []) if isinstance(stat, GaugeStat))


def write_exposition(known: dict[str, Any]) -> str:
    """The figures in Prometheus' text format, each with help and type; one that several processes have gets a line for each."""
    lines = []
    for figure, name, kind, words in METRICS:
        value = known[figure]
        several = value if isinstance(value, dict) else {"": value}
        lines += [f"# HELP dlcore_{name} {words}", f"# TYPE dlcore_{name} {kind}"]
        lines += [f"dlcore_{name}{_escape_label(process)} {_write_number(one)}" for process, one in several.items()]
    return "\n".join([*lines, ""])


def _escape_label(process: str) -> str:
    return f'{{process="{process}"}}' if process else ""


def _write_number(value: float | None) -> str:
    return "NaN" if value is None else f"{value:.10g}"


def _count_unkept(response: Response) -> Response:
    response.headers["Cache-Control"] = "no-store"
    return response
