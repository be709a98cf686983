"""A real Ray cluster on this machine: lost actors, other servers, and who can reach it. Skipped where Ray is not installed."""

from __future__ import annotations

import importlib.util
import os
import signal
import socket
import stat
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from dlcore.experiment import Experiment
from dlcore.limits import Limits
from dlcore.problems import Problem
from dlcore.runs.places.ray import LOCAL, NAMESPACE, Cluster, connect, private_folder
from dlcore.runs.server.pool import Pool, WorkerLost
from tests.patience import PATIENCE, eventually

# Not importorskip: what Ray is told must stand in the environment before it is imported.
pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("ray") is None, reason="Ray is not installed: pip install -r requirements-ray.txt"
)

ROOT = Path(__file__).parents[1]
LISTENING = "0A"
LOOPBACK = ("0100007F", "0000000000000000FFFF00000100007F", "00000000000000000000000001000000")
DASHBOARD_PORT = 8265
OTHER_SERVER = """
import sys
from dlcore.runs.server.pool import Pool
from dlcore.runs.places.ray import Cluster
pool = Pool(1, places=Cluster(sys.argv[1]))
pool.start()
print(pool.find(sys.argv[2]) and pool.call(sys.argv[2], "standing")[0]["step"])
pool.stop()
"""


@pytest.fixture(scope="module")
def ray() -> Any:
    return connect(LOCAL)


@pytest.fixture
def servers(ray: Any, tmp_path: Path) -> Iterator[tuple[Pool, ...]]:
    limits = replace(Limits(), workers=1, heavy_workers=0, shelf=tmp_path)
    two = tuple(Pool(places=Cluster(), timeout=PATIENCE, limits=limits) for _ in range(2))
    for pool in two:
        pool.start()
        assert eventually(lambda pool=pool: pool.warm)
    yield two
    for pool in two:
        pool.stop()


def stepped(pool: Pool, token: str) -> int:
    """Which step it is after one more, as soon as there is a worker to take it."""
    while True:
        try:
            return pool.call(token, "step")[0]["step"]
        except WorkerLost:
            pass


def actor(ray: Any) -> Any:
    return ray.get_actor(f"{NAMESPACE}-worker-0", namespace=NAMESPACE)


def run_with_3_steps(pool: Pool) -> str:
    token = pool.create(Experiment().to_json(), "cpu")
    for _ in range(3):
        stepped(pool, token)
    assert eventually(lambda: pool.facts(token).step == 3)
    return token


def test_the_runs_of_a_lost_actor_come_back(servers: tuple[Pool, ...], ray: Any) -> None:
    here, there = servers
    token = run_with_3_steps(here)
    assert there.find(token)
    told: list[Problem] = []
    with here.viewer(token, told.append):
        lost = here.link_of(token), there.link_of(token)
        ray.kill(actor(ray))
        assert eventually(lambda: here.link_of(token) is not lost[0] and there.link_of(token) is not lost[1])
        assert stepped(here, token) == 4
    assert stepped(there, token) == 5
    assert [(problem.key, problem.values) for problem in told] == [("worker_restarted", {"step": 3})]


def test_the_actor_outlives_its_worker(servers: tuple[Pool, ...], ray: Any) -> None:
    here, _ = servers
    token = run_with_3_steps(here)
    before = actor(ray)._actor_id
    lost = here.link_of(token)
    os.kill(lost.pid, signal.SIGKILL)
    assert eventually(lambda: here.link_of(token) is not lost)
    assert stepped(here, token) == 4
    assert actor(ray)._actor_id == before


def test_runs_outlive_the_server_that_made_them(servers: tuple[Pool, ...]) -> None:
    here, there = servers
    token = run_with_3_steps(here)
    here.stop()
    assert there.find(token)
    assert stepped(there, token) == 4


def test_a_server_in_another_process_finds_a_run_by_its_token(servers: tuple[Pool, ...], ray: Any) -> None:
    token = run_with_3_steps(servers[0])
    address = ray.get_runtime_context().gcs_address
    command = [sys.executable, "-c", OTHER_SERVER, address, token]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=PATIENCE, env=os.environ)
    assert done.stdout.split() == ["3"], done.stderr


def test_nobody_else_can_read_the_token(ray: Any) -> None:
    folder = private_folder()
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert stat.S_IMODE((folder / "token").stat().st_mode) == 0o600
    assert len((folder / "token").read_text()) == 64
    assert os.environ["RAY_AUTH_MODE"] == "token"


def test_without_the_token_there_is_no_way_in(ray: Any, tmp_path: Path) -> None:
    wrong = tmp_path / "token"
    wrong.write_text("0" * 64)
    wrong.chmod(0o600)
    address = ray.get_runtime_context().gcs_address
    code = f"import ray; ray.init(address={address!r}, namespace='dlcore'); print('in')"
    environment = {**os.environ, "RAY_AUTH_TOKEN_PATH": str(wrong)}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, timeout=PATIENCE, env=environment
    )
    assert done.returncode != 0
    assert "in" not in done.stdout.split()
    assert "token" in done.stderr.lower()


def test_nothing_of_the_cluster_listens_beyond_loopback(servers: tuple[Pool, ...]) -> None:
    listening = {address for pid in descendants(os.getpid()) for address in listens(pid)}
    assert len(listening) > 3
    assert {address.rpartition(":")[0] for address in listening} <= set(LOOPBACK)
    assert DASHBOARD_PORT not in {int(address.rpartition(":")[2], 16) for address in listening}


def test_there_is_no_dashboard(servers: tuple[Pool, ...], ray: Any) -> None:
    assert not ray._private.worker.get_dashboard_url()
    with socket.socket() as caller:
        assert caller.connect_ex(("127.0.0.1", DASHBOARD_PORT)) != 0


def descendants(pid: int) -> Iterator[int]:
    """The process and what it has started, directly or not."""
    yield pid
    for children in Path(f"/proc/{pid}/task").glob("*/children"):
        for child in children.read_text().split():
            yield from descendants(int(child))


def listens(pid: int) -> list[str]:
    """Addresses on which the process listens, as the kernel writes them: hexadecimal, with the port."""
    sockets = set()
    for descriptor in Path(f"/proc/{pid}/fd").glob("*"):
        try:
            sockets.add(os.readlink(descriptor).removeprefix("socket:[").removesuffix("]"))
        except OSError:
            continue  # Closed meanwhile.
    found = []
    for table in ("tcp", "tcp6"):
        for line in Path(f"/proc/{pid}/net/{table}").read_text().splitlines()[1:]:
            _, local, _, state, *rest = line.split()
            if state == LISTENING and rest[5] in sockets:
                found.append(local)
    return found
