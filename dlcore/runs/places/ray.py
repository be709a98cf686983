"""Workers on a Ray cluster: worker number 3 is the actor `dlcore-worker-3`, which holds many runs for many servers.

An actor of its own for each run does not scale (30 actors: 81 s to start, 7.4 GB); 2 actors with 15 runs each start in
5 s. In the actor stands a `Host` (see shared.py), and under it the usual worker process: so its limit of memory holds
there too, and a crash of it costs neither the actor nor the time to place one.

Nothing listens beyond loopback unless the cluster is elsewhere, there is no dashboard, and who wants to talk to the
cluster needs its token.
"""

from __future__ import annotations

import atexit
import functools
import importlib
import io
import logging
import math
import os
import secrets
import shutil
import tempfile
import threading
import time
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dlcore.runs.places.shared import Host
from dlcore.wire import Header, read_message

LOCAL = "local"  # The address of a cluster of our own: on this machine, as long as this process lives.
NAMESPACE = "dlcore"
MOST_CALLS = 64  # At a time, of an actor: each server's question for news is one.
PATIENCE = 10.0  # Seconds that a question for news waits.
LONGEST_SILENCE = 30.0  # Seconds without an answer until the actor is taken for lost.
LONGEST_START = 60.0
OBJECT_STORE_BYTES = 128 << 20  # Of our own cluster; only messages of more than 100 kB pass through it.

_log = logging.getLogger(__name__)
_connecting = threading.Lock()


@dataclass(frozen=True)
class Cluster:
    """Each worker is an actor of the cluster at this address; other servers may share it."""

    address: str = LOCAL
    shared: bool = True

    def open(self, number: int) -> RemoteWorker:
        return RemoteWorker(self.address, number)


class RemoteWorker:
    """An actor as one server reaches it. What must wait for the cluster waits in the link's two threads."""

    def __init__(self, address: str, number: int) -> None:
        self.name = f"{NAMESPACE}-worker-{number}"
        self.pid = 0  # Until it is ready.
        self.in_hand = ""
        self.held_up = 0.0
        self._address = address
        self._server = secrets.token_hex(8)
        self._ray: Any = None
        self._actor: Any = None
        self._joined = threading.Event()  # Set once it has joined, and when it has ended without.
        self._over = threading.Event()
        self._mail = io.BytesIO()

    def send(self, *parts: bytes) -> None:
        self._joined.wait()
        if self._over.is_set():
            raise BrokenPipeError
        try:
            # One call after the other: calls of an actor that takes many at a time may overtake each other. What is queued
            # meanwhile goes together.
            self._get(self._actor.post.remote(self._server, b"".join(parts)), LONGEST_SILENCE)
        except Exception as error:
            raise BrokenPipeError from error  # Ray's errors have no common ground but this.

    def receive(self) -> tuple[Header, bytes] | None:
        try:
            if not self._joined.is_set():
                self._join()
            while (message := read_message(self._mail)) is None:
                news = self._actor.news.remote(self._server, PATIENCE)
                self._mail = io.BytesIO(self._get(news, PATIENCE + LONGEST_SILENCE))
        except Exception as error:
            if not self._over.is_set():
                _log.warning("%s is lost: %s", self.name, str(error).partition("\n")[0])
            return self._end()
        if "ended" in message[0]:
            self.in_hand = message[0]["ended"]
            return self._end()
        self.pid = message[0].get("ready", self.pid)
        return message

    def leave(self) -> None:
        """The actor lives on for other servers, and for us when we come again."""
        self._over.set()
        if self._actor is not None:
            with suppress(Exception):  # It is lost, or the cluster is.
                self._actor.leave.remote(self._server)

    def step_back(self, niceness: int) -> None:
        """Do nothing: on the machine of the actor no server answers people."""

    def kill(self) -> None:
        """End the worker process; the actor with it only if that does not answer either."""
        if self._actor is None:
            return
        try:
            self._get(self._actor.kill.remote(), 2.0)
        except Exception:
            with suppress(Exception):
                self._ray.kill(self._actor)

    def wait(self, seconds: float) -> None:
        """Wait until we have left the actor. It is not ended, as other servers may share it."""
        self._over.wait(seconds)

    def _join(self) -> None:
        self._ray = connect(self._address)
        end = time.monotonic() + LONGEST_START
        while True:
            try:
                actor = actor_of(self._ray, self._address, self.name)
                self._get(actor.join.remote(self._server), LONGEST_START)
                break
            except self._ray.exceptions.GetTimeoutError:
                raise RuntimeError(f"the cluster had no room for it within {LONGEST_START:g} s") from None
            except (self._ray.exceptions.ActorDiedError, ValueError):
                # One that has just been lost holds its name a little longer; or two servers made it at the same time.
                if time.monotonic() > end:
                    raise
                time.sleep(0.1)
        self._actor = actor
        self._joined.set()
        if self._over.is_set():
            self.leave()

    def _end(self) -> None:
        self._over.set()
        self._joined.set()

    def _get(self, reference: Any, seconds: float) -> Any:
        return self._ray.get(reference, timeout=seconds)


def actor_of(ray: Any, address: str, name: str) -> Any:
    """The actor of this name, made if there is none, on a GPU if the cluster has some."""
    resources = ray.cluster_resources()
    # As many workers share a GPU as there are processors to each.
    share = min(1.0, resources.get("GPU", 0.0) / max(resources.get("CPU", 1.0), 1.0))
    return (
        ray.remote(Host)
        .options(
            name=name,
            namespace=NAMESPACE,
            lifetime="detached",
            get_if_exists=True,
            max_concurrency=MOST_CALLS,
            num_cpus=0 if address == LOCAL else 1,  # How many workers this machine bears is our own setting.
            num_gpus=math.floor(share * 10_000)
            / 10_000,  # As fine as Ray counts; rounded up, the last would find no room.
            scheduling_strategy="SPREAD",
        )
        .remote()
    )


# The cluster

# Ray reads these when it is imported. What the environment says itself stays as it is.
ENVIRONMENT = {"RAY_AUTH_MODE": "token", "RAY_USAGE_STATS_ENABLED": "0", "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0"}


def connect(address: str) -> Any:
    """The module `ray`, connected to the cluster at this address, or to one that is started here. Waits for it."""
    with _connecting:
        for name, value in ENVIRONMENT.items():
            os.environ.setdefault(name, value)
        options: dict[str, Any] = {
            "address": address,
            "namespace": NAMESPACE,
            "logging_level": logging.ERROR,
            "log_to_driver": False,
        }
        if address == LOCAL:
            folder = private_folder()
            os.environ["RAY_AUTH_TOKEN_PATH"] = str(folder / "token")
            # Else Ray replaces the loopback address by the machine's own and listens everywhere.
            os.environ["RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"] = "0"
            options |= {
                "include_dashboard": False,
                "object_store_memory": OBJECT_STORE_BYTES,
                "_node_ip_address": "127.0.0.1",
                "_temp_dir": str(folder / "ray"),  # Not the folder itself: Ray lets everybody into its own.
            }
        ray = importlib.import_module("ray")
        if not ray.is_initialized():
            ray.shutdown()  # What may be left of a lost connection.
            _connect(ray, options).result(LONGEST_START)
        return ray


def _connect(ray: Any, options: dict[str, Any]) -> Future[None]:
    """Connect in a thread that stays: the processes of a local cluster end with the thread that has started them."""
    done: Future[None] = Future()

    def keep() -> None:
        try:
            ray.init(**options)
        except BaseException as error:
            done.set_exception(error)
        else:
            done.set_result(None)
            threading.Event().wait()

    threading.Thread(target=keep, name="keeps the cluster", daemon=True).start()
    return done


@functools.cache
def private_folder() -> Path:
    """A folder that only we can read, with a new token for our own cluster; gone when this process ends."""
    folder = Path(tempfile.mkdtemp(prefix="dlcore-"))  # Made with mode 0700.
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    descriptor = os.open(folder / "token", os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with open(descriptor, "w") as file:
        file.write(secrets.token_hex(32))
    return folder
