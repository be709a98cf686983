"""What a teacher's instruments are told, and who may ask: judged by a parser of Prometheus' text format of our own."""

from __future__ import annotations

import asyncio
import json
import math
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from starlette.applications import Starlette

from dlcore.experiment import Experiment
from dlcore.runs.server.pool import Pool
from tests.patience import PATIENCE, eventually
from tests.pools import FAKE
from ui import health, live

SAMPLE = re.compile(
    r'([a-zA-Z_:][\w:]*)(?:\{([a-zA-Z_]\w*)="((?:[^"\\\n]|\\["\\n])*)"\})? ([-+]?[\d.]+(?:e[-+]?\d+)?|NaN)'
)


@pytest.fixture
def pool(monkeypatch: pytest.MonkeyPatch) -> Iterator[Pool]:
    made = Pool(workers=1, command=FAKE, timeout=PATIENCE)
    monkeypatch.setattr(live, "pool", lambda: made)
    yield made
    made.stop()


def ask(path: str) -> tuple[int, dict[str, str], str]:
    """Status, headers and text of one request."""
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {
        "type": "http", "method": "GET", "path": path, "query_string": b"", "root_path": "", "headers": [],
    }  # fmt: skip
    with ThreadPoolExecutor(1) as thread:  # A browser test in this process may have a loop of its own running.
        thread.submit(asyncio.run, Starlette(routes=health.routes())(scope, receive, send)).result()
    found = {name.decode(): value.decode() for name, value in sent[0]["headers"]}
    return sent[0]["status"], found, b"".join(message.get("body", b"") for message in sent[1:]).decode()


def parsed(text: str) -> dict[str, dict[str, float]]:
    """Metrics by name, their samples by label ("" without); fails where the text is not as the format says."""
    assert text.endswith("\n")
    found: dict[str, dict[str, float]] = {}
    described: set[str] = set()
    name = kind = ""
    for line in text.splitlines():
        if line.startswith("# HELP "):
            name = line.split(" ", 3)[2]
            assert name not in described and line.split(" ", 3)[3]
            described.add(name)
        elif line.startswith("# TYPE "):
            assert line.split(" ")[2] == name
            kind = line.split(" ")[3]
            assert kind in ("counter", "gauge")
            assert (kind == "counter") == name.endswith("_total")
        else:
            sample = SAMPLE.fullmatch(line)
            assert sample is not None and sample[1] == name, line
            assert (sample[3] or "") not in found.setdefault(name, {})
            found[name][sample[3] or ""] = float(sample[4])
            assert kind == "gauge" or float(sample[4]) >= 0
    return found


def test_metrics_are_text_that_prometheus_reads_and_count_what_there_is(pool: Pool) -> None:
    tokens = [pool.create(Experiment(seed=seed).to_json(), owner="a secret of somebody") for seed in range(3)]
    pool.call(tokens[0], "play")
    status, headers, text = ask("/metrics")
    assert status == 200
    assert headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    found = parsed(text)
    assert found["dlcore_runs"] == {"": 3}
    assert found["dlcore_runs_limit"] == {"": pool.limits.max_runs}
    assert found["dlcore_viewers"] == {"": 0}
    assert found["dlcore_memory_bytes"]["server"] > 10_000_000
    assert math.isnan(found["dlcore_frame_delay_p95_seconds"][""])  # Nobody has looked yet.
    assert 0.0 <= found["dlcore_script_seconds_total"][""] < found["dlcore_server_seconds_total"][""]
    for name in ("sessions", "updates_per_second", "frames_per_second", "worker_restarts_total", "refused_total"):
        assert f"dlcore_{name}" in found


def test_neither_answer_holds_a_secret(pool: Pool) -> None:
    token = pool.create(Experiment().to_json(), owner="a secret of somebody")
    told = ask("/metrics")[2] + ask("/healthz")[2]
    assert token not in told and "secret" not in told
    assert not re.search(r"[\w-]{20,}", re.sub(r"dlcore_\w+", "", told))  # nothing that could be one


def test_health_is_503_until_a_worker_is_ready(pool: Pool) -> None:
    status, _, text = ask("/healthz")  # The pool has not been started.
    assert (status, json.loads(text)["status"]) == (503, "starting")
    pool.start()
    assert eventually(lambda: ask("/healthz")[0] == 200)
    status, _, text = ask("/healthz")
    known = json.loads(text)
    assert (status, known["status"], known["runs"]) == (200, "ok", 0)
    assert known["workers"] >= 1
