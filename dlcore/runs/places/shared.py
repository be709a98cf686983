"""One worker for several servers: passes their requests on, replies to whoever asked, and news of a run to all servers that hold it.

    host = Host()                               runs where the worker is to run, in an actor (see ray.py)
    host.join("a"); host.post("a", messages); host.news("a", 10.0)

Messages are bytes in wire.py's format; each server fetches its own with `news`, which waits for some. The server that
last sent a request to a run leads it: another server, whose page the pupil has left, can neither pause nor end the run.
"""

from __future__ import annotations

import io
import logging
import threading
import time
from collections.abc import Iterable
from concurrent.futures import Future
from dataclasses import dataclass, field

from dlcore.problems import Problem
from dlcore.runs.places.links import Link, Places, Reply, WorkerLost
from dlcore.runs.places.process import Processes
from dlcore.wire import Header, pack, read_message

SILENCE = 30.0  # Seconds without a call from a server after which it is taken to have ended.
PAUSE_ORPHANS_AFTER = 60.0  # Seconds after which a run that no server holds is paused.
END_ORPHANS_AFTER = 1800.0
TEND_EVERY = 1.0

_log = logging.getLogger(__name__)


@dataclass
class Server:
    """A server that has joined: its unfetched messages, and its unanswered requests."""

    mail: list[bytes] = field(default_factory=list)
    asked: dict[int, Future[Reply]] = field(default_factory=dict)
    seen: float = field(default_factory=time.monotonic)


@dataclass
class SharedRun:
    """A run's last known state, and the servers that hold it."""

    life: int
    known: Header  # From the request that created it, updated by each state kept since.
    state: bytes
    leader: str
    servers: set[str]
    alone_since: float = 0.0  # When (`time.monotonic`) the last server let go of it.


class Host:
    """Holds a worker; starts another one if it has ended and a server joins again."""

    def __init__(self, places: Places | None = None) -> None:
        self._places: Places = places or Processes()
        self._lock = threading.Lock()
        self._worker: SharedWorker | None = None

    def join(self, server: str) -> None:
        """Collect messages for this server from now on. A server whose worker has ended must join again, under another name."""
        with self._lock:
            if self._worker is None or self._worker.ended:
                self._worker = SharedWorker(self._places)
            self._worker.join(server)

    def post(self, server: str, messages: bytes) -> None:
        """Take requests of this server, in their order."""
        if self._worker is not None:
            self._worker.post(server, messages)

    def news(self, server: str, patience: float) -> bytes:
        """The messages for this server since its last call; waits up to `patience` seconds for the first.

        The last message is {"ended": token in hand}: the worker has ended, or the server has left.
        """
        return _pack({"ended": ""}) if self._worker is None else self._worker.news(server, patience)

    def leave(self, server: str) -> None:
        """Collect no more messages for this server."""
        if self._worker is not None:
            self._worker.leave(server)

    def kill(self) -> None:
        """End the worker and all its runs at once; the servers restore the runs."""
        if self._worker is not None:
            self._worker.kill()


class SharedWorker:
    """A worker and the servers that share it. Thread-safe."""

    def __init__(self, places: Places) -> None:
        self.ended = False
        self._changed = threading.Condition(threading.RLock())
        self._servers: dict[str, Server] = {}
        self._runs: dict[str, SharedRun] = {}
        self._ready: Header | None = None
        self._link = Link(places.open(0), self._on_message, self._on_end)
        threading.Thread(target=self._tend, name="tends orphans", daemon=True).start()

    def join(self, server: str) -> None:
        with self._changed:
            self._servers[server] = Server()
            if self._ready is not None:
                self._mail([server], self._ready)

    def post(self, server: str, messages: bytes) -> None:
        stream = io.BytesIO(messages)
        with self._changed:
            sender = self._servers.get(server)
            while sender is not None and (message := read_message(stream)) is not None:
                self._take(server, sender, *message)

    def news(self, server: str, patience: float) -> bytes:
        with self._changed:
            reader = self._servers.get(server)
            if reader is None:
                return _pack({"ended": ""})
            reader.seen = time.monotonic()
            self._changed.wait_for(lambda: reader.mail or self._servers.get(server) is not reader, patience)
            reader.seen = time.monotonic()
            mail, reader.mail = reader.mail, []
            return b"".join(mail if self._servers.get(server) is reader else [*mail, _pack({"ended": ""})])

    def leave(self, server: str) -> None:
        with self._changed:
            left = self._servers.pop(server, None)
            for run in self._runs.values():
                self._let_go(run, server)
            self._changed.notify_all()
        for future in list(left.asked.values()) if left else []:
            future.cancel()

    def kill(self) -> None:
        self._link.kill()

    # Requests

    def _take(self, server: str, sender: Server, header: Header, payload: bytes) -> None:
        """Handle one request: answer it here if it is about which server holds a run, else pass it on to the worker."""
        token, do = header.get("token", ""), header["do"]
        run = self._runs.get(token)
        if do == "forget":
            if forgotten := sender.asked.get(header["request"]):
                self._link.withdraw(forgotten)
            return
        if do == "holds":
            self._tell_who_holds(server, header["id"], run)
            return
        if run is not None and header.get("unseen") and run.leader != server:
            # "unseen": sent because no page of this server shows the run. The pupil uses the leading server now, so the run goes on.
            if do == "close":
                self._let_go(run, server)
            self._mail([server], {"id": header["id"]})
            return
        if do == "create":
            if run is not None and run.life >= header["life"]:
                run.servers.add(server)  # Another server was faster to restore it.
                self._mail([server], {"id": header["id"]})
                return
            others = run.servers if run else set()
            self._runs[token] = SharedRun(header["life"], header, payload, server, {server, *others})
        elif do == "close":
            self._runs.pop(token, None)
        elif run is not None:
            run.leader = server
            run.servers.add(server)
        self._pass_on(server, sender, header, payload)

    def _pass_on(self, server: str, sender: Server, header: Header, payload: bytes) -> None:
        identifier = header["id"]
        future = self._link.post(header, payload)
        sender.asked[identifier] = future
        future.add_done_callback(lambda done: self._reply(server, sender, identifier, done))

    def _reply(self, server: str, sender: Server, identifier: int, done: Future[Reply]) -> None:
        with self._changed:
            sender.asked.pop(identifier, None)
            problem = None if done.cancelled() else done.exception()
            if done.cancelled() or isinstance(problem, WorkerLost):
                return  # `_on_end` tells all servers.
            if isinstance(problem, Problem):
                self._mail([server], {"id": identifier, "problem": problem.to_dict()})
            else:
                header, payload = done.result()
                self._mail([server], {**header, "id": identifier}, payload)

    def _tell_who_holds(self, server: str, identifier: int, run: SharedRun | None) -> None:
        if run is None:
            self._mail([server], {"id": identifier, "problem": Problem("run_gone").to_dict()})
            return
        run.servers.add(server)
        run.leader = server
        self._mail([server], {"step": 0, **run.known, "life": run.life, "id": identifier}, run.state)

    # News

    def _on_message(self, link: Link, header: Header, payload: bytes) -> None:
        with self._changed:
            if "ready" in header:
                self._ready = header
            token = header.get("kept") or header.get("heavy") or header.get("token")
            if token is None:
                self._mail(self._servers, header, payload)
            elif run := self._runs.get(token):
                if "kept" in header:
                    is_same = header.get("same")
                    run.known |= {name: value for name, value in header.items() if name != "same"}
                    run.state = run.state if is_same else payload
                self._mail(run.servers, header, payload)

    def _on_end(self, link: Link) -> None:
        with self._changed:
            self.ended = True
            self._mail(self._servers, {"ended": link.in_hand})
            self._changed.notify_all()

    def _mail(self, servers: Iterable[str], header: Header, payload: bytes = b"") -> None:
        message = _pack(header, payload)
        with self._changed:
            for server in servers:
                if server in self._servers:
                    self._servers[server].mail.append(message)
            self._changed.notify_all()

    def _let_go(self, run: SharedRun, server: str) -> None:
        if server in run.servers:
            run.servers.discard(server)
            run.alone_since = time.monotonic()

    # Runs that no server holds

    def _tend(self) -> None:
        while not self.ended:
            time.sleep(TEND_EVERY)
            now = time.monotonic()
            with self._changed:
                silent = [name for name, server in self._servers.items() if now - server.seen > SILENCE]
                for name in silent:
                    _log.warning("A server has not been heard of for %g s; its runs wait for another one.", SILENCE)
                    self.leave(name)
                for token, run in [(token, run) for token, run in self._runs.items() if not run.servers]:
                    self._tend_orphan(token, run, now - run.alone_since)

    def _tend_orphan(self, token: str, run: SharedRun, alone: float) -> None:
        if alone > END_ORPHANS_AFTER:
            del self._runs[token]
            self._link.post({"do": "close", "token": token})
        elif alone > PAUSE_ORPHANS_AFTER and run.known["status"] == "playing":
            self._link.post({"do": "pause", "token": token})


def _pack(header: Header, payload: bytes = b"") -> bytes:
    return pack(header, payload) + payload
