"""Workers on a Ray cluster: worker number 3 is the actor `dlcore-worker-3`, which holds many runs for many servers.

An actor for each run would not scale (30 actors: 81 s to start, 7.4 GB); 2 actors with 15 runs each start in
5 s. The actor is a `Host` (see shared.py), which starts the usual worker process: so the limit of memory holds
there too, and after a crash of the worker the actor remains.

A cluster started here listens on loopback only, has no dashboard, and lets only clients with its token in.
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

LOCAL = "local"  # Address for a cluster that is started on this machine and ends with this process.
NAMESPACE = "dlcore"
MOST_CALLS = 64  # Calls that an actor serves at a time; each server's waiting call of `news` is one.
PATIENCE = 10.0  # Seconds that a call of `news` waits for some.
LONGEST_SILENCE = 30.0  # Seconds without an answer after which an actor is taken to be lost.
LONGEST_START = 60.0
# For a cluster started here; only messages of more than 100 kB go through the object store.
OBJECT_STORE_BYTES = 128 << 20

_log = logging.getLogger(__name__)
_connecting = threading.Lock()


@dataclass(frozen=True)
class Cluster:
    """The kind of place (`Places`) where each worker is an actor of the cluster at this address, shared with other servers."""

    address: str = LOCAL
    shared: bool = True

    def open(self, number: int) -> RemoteWorker:
        return RemoteWorker(self.address, number)


class RemoteWorker:
    """A worker in an actor, as one server reaches it. All waiting for the cluster happens in the two threads of the link."""

    def __init__(self, address: str, number: int) -> None:
        self.name = f"{NAMESPACE}-worker-{number}"
        self.pid = 0  # 0 until the worker is ready.
        self.in_hand = ""
        self.held_up = 0.0
        self._address = address
        self._server = secrets.token_hex(8)
        self._ray: Any = None
        self._actor: Any = None
        self._joined = threading.Event()  # Set once this server has joined the actor, or that has failed.
        self._over = threading.Event()
        self._mail = io.BytesIO()

    def send(self, *parts: bytes) -> None:
        self._joined.wait()
        if self._over.is_set():
            raise BrokenPipeError
        try:
            # Wait for each call, as calls of an actor that serves many at a time may overtake each other. What is queued
            # meanwhile is sent in one call.
            self._get(self._actor.post.remote(self._server, b"".join(parts)), LONGEST_SILENCE)
        except Exception as error:
            raise BrokenPipeError from error  # Ray's errors have no other common base class.

    def send_at_once(self, message: bytes) -> bool:
        return False  # A call is answered later.

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
        """Leave the actor, which goes on for other servers, and for this one if it joins again."""
        self._over.set()
        if self._actor is not None:
            with suppress(Exception):  # The actor or the cluster may be lost.
                self._actor.leave.remote(self._server)

    def step_back(self, niceness: int) -> None:
        """Do nothing: no server that answers people runs beside the actor."""

    def kill(self) -> None:
        """End the worker process; the actor too if it does not answer."""
        if self._actor is None:
            return
        try:
            self._get(self._actor.kill.remote(), 2.0)
        except Exception:
            with suppress(Exception):
                self._ray.kill(self._actor)

    def wait(self, seconds: float) -> None:
        """Wait until this server has left the actor, which is not ended, as other servers may share it."""
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
                # A lost actor keeps its name a little longer, or two servers created the actor at the same time: try again.
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
    """The actor of this name, created if there is none, with a share of a GPU if the cluster has some."""
    resources = ray.cluster_resources()
    # So many workers share a GPU as the cluster has processors for each GPU.
    share = min(1.0, resources.get("GPU", 0.0) / max(resources.get("CPU", 1.0), 1.0))
    return (
        ray.remote(Host)
        .options(
            name=name,
            namespace=NAMESPACE,
            lifetime="detached",
            get_if_exists=True,
            max_concurrency=MOST_CALLS,
            # On our own cluster the number of workers is limited by our own setting, not by Ray.
            num_cpus=0 if address == LOCAL else 1,
            num_gpus=math.floor(share * 10_000)
            / 10_000,  # Rounded down to Ray's precision: rounded up, the last worker would not fit.
            scheduling_strategy="SPREAD",
        )
        .remote()
    )


# The cluster

# Ray reads these variables when it is imported. Those already set in the environment are left as they are.
ENVIRONMENT = {"RAY_AUTH_MODE": "token", "RAY_USAGE_STATS_ENABLED": "0", "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0"}


def connect(address: str) -> Any:
    """The module `ray`, once it is connected to the cluster at this address, which is started here if that is LOCAL."""
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
            # Otherwise Ray replaces the loopback address by the machine's own and listens on all of them.
            os.environ["RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"] = "0"
            options |= {
                "include_dashboard": False,
                "object_store_memory": OBJECT_STORE_BYTES,
                "_node_ip_address": "127.0.0.1",
                # A folder of its own inside the private one, as Ray makes it readable for everybody.
                "_temp_dir": str(folder / "ray"),
            }
        ray = importlib.import_module("ray")
        if not ray.is_initialized():
            ray.shutdown()  # Clears what a lost connection may have left.
            _connect(ray, options).result(LONGEST_START)
        return ray


def _connect(ray: Any, options: dict[str, Any]) -> Future[None]:
    """Connect in a thread that never ends, as the processes of a local cluster end with the thread that started them."""
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
    """A folder that only this user can read, with a new token for a cluster started here; deleted when this process ends."""
    folder = Path(tempfile.mkdtemp(prefix="dlcore-"))  # `mkdtemp` gives it mode 0700.
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    descriptor = os.open(folder / "token", os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with open(descriptor, "w") as file:
        file.write(secrets.token_hex(32))
    return folder
