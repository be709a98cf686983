"""Whatever place the workers have, a run is the same: one suite over threads, processes, a Ray cluster and a fake of one."""

from __future__ import annotations

import importlib.util
import io
import json
import os
import sys
import threading
from collections.abc import Iterator
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.numpy
import torch

import dlcore.runs.places.ray
from dlcore.experiment import Experiment
from dlcore.frame import decode_frame
from dlcore.learning.trainer import Trainer
from dlcore.limits import Limits
from dlcore.problems import Problem
from dlcore.runs.places import shared
from dlcore.runs.places.inprocess import Threads
from dlcore.runs.places.links import Link, Places
from dlcore.runs.places.process import Processes
from dlcore.runs.places.ray import Cluster
from dlcore.runs.places.setting import choose_places
from dlcore.runs.server.pool import Pool, WorkerLost
from dlcore.wire import Header, pack, read_message
from tests.fake_ray import FakeRay
from tests.patience import PATIENCE, eventually
from tests.pools import FAKE, answered

KINDS = ("threads", "processes", "cluster", "ray")
pytestmark = pytest.mark.xdist_group("nursery")  # One process imports what workers need.
RECIPE: dict[str, Any] = {"dataset": {"kind": "gauss"}, "layers": [{"kind": "dense", "units": 3}]}


def recipe(seed: int = 0) -> str:
    return json.dumps({**RECIPE, "seed": seed})


class Recorded:
    """A place that notes what passes through it."""

    def __init__(self, place: Any, notes: list[tuple[object, object]]) -> None:
        self._place, self._notes = place, notes

    def __getattr__(self, name: str) -> Any:
        return getattr(self._place, name)

    def send(self, *parts: bytes) -> None:
        assert {type(part) for part in parts} == {bytes}
        self._notes.append((b"".join(parts), b""))
        self._place.send(*parts)

    def send_at_once(self, message: bytes) -> bool:
        sent = self._place.send_at_once(message)
        if sent:
            self._notes.append((message, b""))
        return sent

    def receive(self) -> tuple[Header, bytes] | None:
        message = self._place.receive()
        if message is not None:
            self._notes.append(message)
        return message


class RecordedPlaces:
    """Places whose traffic is noted."""

    def __init__(self, places: Places) -> None:
        self.places, self.notes = places, []
        self.shared = places.shared

    @property
    def came(self) -> list[tuple[Header, bytes]]:
        """What workers have said."""
        return [note for note in list(self.notes) if not isinstance(note[0], bytes)]

    @property
    def verbs(self) -> list[str]:
        """What workers were told, in order."""
        sent = io.BytesIO(b"".join(note[0] for note in list(self.notes) if isinstance(note[0], bytes)))
        return [message[0]["do"] for message in iter(lambda: read_message(sent), None)]

    def open(self, number: int) -> Any:
        return Recorded(self.places.open(number), self.notes)


@pytest.fixture(scope="module")
def fake_ray() -> Iterator[FakeRay]:
    """A cluster without Ray, which places of kind "cluster" are on."""
    ray = FakeRay(Processes())
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(dlcore.runs.places.ray, "connect", lambda address: ray)
        yield ray
        for actor in list(ray.actors.values()):
            ray.kill(actor)


@pytest.fixture(scope="module", params=KINDS)
def places(request: pytest.FixtureRequest) -> Places:
    if request.param == "cluster":
        request.getfixturevalue("fake_ray")
    elif request.param == "ray":
        if importlib.util.find_spec("ray") is None:
            pytest.skip("Ray is not installed: pip install -r requirements-ray.txt")
        return choose_places({"DLCORE_RUNS": "ray"})
    return {"threads": Threads(), "processes": Processes(), "cluster": Cluster("a fake")}[request.param]


@pytest.fixture(scope="module")
def traffic(places: Places) -> RecordedPlaces:
    return RecordedPlaces(places)


@pytest.fixture(scope="module")
def limits(tmp_path_factory: pytest.TempPathFactory) -> Limits:
    return replace(Limits(), workers=1, heavy_workers=0, shelf=tmp_path_factory.mktemp("shelf"))


@pytest.fixture(scope="module")
def pool(traffic: RecordedPlaces, limits: Limits) -> Iterator[Pool]:
    pool = Pool(places=traffic, timeout=PATIENCE, limits=limits)
    pool.start()
    yield pool
    pool.stop()


def test_a_run_learns_what_a_trainer_alone_learns(pool: Pool) -> None:
    token = pool.create(recipe(), "cpu")
    for _ in range(5):
        header, _ = pool.call(token, "step")
    pool.call(token, "play")
    assert eventually(lambda: pool.call(token, "standing")[0]["step"] > 20)
    taken = pool.call(token, "pause")[0]["step"]
    assert header["step"] == 5
    alone = Trainer(Experiment.from_json(recipe()))
    for _ in islice(alone.steps(), taken):
        pass
    shown, _ = decode_frame(pool.call(token, "frame")[1])
    assert (shown["step"], shown["status"]) == (taken, "paused")
    learnt = safetensors.numpy.load(pool.call(token, "checkpoint")[1])
    for name, weights in alone.model.state_dict().items():
        # The compiled engine rounds otherwise than the one that a trainer starts with.
        np.testing.assert_allclose(learnt[name], weights.numpy(), rtol=1e-4, atol=1e-5)


def test_the_pool_knows_on_which_devices_its_workers_compute(pool: Pool) -> None:
    pool.call(pool.create(recipe(), "cpu"), "standing")
    for device in ("cpu", "cuda", "mps"):
        there = device == "cpu" or (torch.cuda if device == "cuda" else torch.backends.mps).is_available()
        assert (device in pool.devices) == there


def test_two_runs_of_a_worker_do_not_touch_each_other(pool: Pool) -> None:
    still, moving = pool.create(recipe(), "cpu"), pool.create(recipe(1), "cpu")
    pool.call(still, "step")
    pool.call(moving, "play")
    assert eventually(lambda: pool.call(moving, "standing")[0]["step"] > 10)
    assert pool.call(still, "standing")[0]["step"] == 1
    pool.close(moving)


def test_a_lost_worker_gives_its_runs_back_as_kept_and_says_so(pool: Pool) -> None:
    paused, playing = pool.create(recipe(), "cpu"), pool.create(recipe(1), "cpu")
    for _ in range(3):
        pool.call(paused, "step")
    pool.call(playing, "play")
    # Every answered command was kept, but the news of it may not have arrived yet.
    assert eventually(lambda: (pool.facts(paused).step, pool.facts(playing).status) == (3, "playing"))
    told: list[Problem] = []
    with (
        pool.viewer(paused, told.append),
        pool.viewer(playing, lambda problem: None),
    ):  # Unwatched it would pause in the end.
        lost = pool.link_of(paused)
        lost.kill()
        assert eventually(lambda: pool.link_of(paused) is not lost)
        header = answered(pool, paused, "standing")
        assert (header["status"], header["step"]) == ("paused", 3)
        assert answered(pool, playing, "standing")["status"] == "playing"
    assert [problem.key for problem in told] == ["worker_restarted"]
    assert "goes on from step 3" in str(told[0])
    pool.close(playing)


def test_a_closed_run_is_no_longer_anywhere(pool: Pool) -> None:
    token = pool.create(recipe(), "cpu")
    link = pool.link_of(token)
    pool.call(token, "step")
    pool.close(token)
    assert not pool.exists(token)
    assert not pool.find(token)
    with pytest.raises(Problem) as refused:
        link.post({"do": "standing", "token": token}).result(PATIENCE)
    assert refused.value.key == "run_gone"


def test_frames_that_nobody_fetches_hold_up_nobody(pool: Pool) -> None:
    slow, other = pool.create(recipe(), "cpu"), pool.create(recipe(1), "cpu")
    pool.call(slow, "step")
    frames = [pool.ask(slow, "frame", now=True).future for _ in range(200)]
    assert pool.call(other, "step")[0]["step"] == 1
    assert all(decode_frame(frame.result(PATIENCE)[1])[0]["step"] == 1 for frame in frames)


def test_a_request_that_is_withdrawn_ends_as_such_and_the_next_one_is_answered(pool: Pool) -> None:
    token = pool.create(recipe(), "cpu")
    held = {"version": pool.call(token, "frame")[0]["version"], "structure": 1, "history": 1}
    waiting = pool.ask(token, "frame", **held)  # The run does not change, so the answer would never come.
    pool.withdraw(waiting)
    instead = pool.ask(token, "frame", **held, now=True)
    assert waiting.future.result(20)[0].get("withdrawn")
    assert decode_frame(instead.future.result(20)[1])[0]["version"] == held["version"]
    pool.withdraw(instead)  # Already answered: withdrawing it does no harm.
    assert pool.call(token, "step")[0]["step"] == 1


def test_a_problem_of_a_run_comes_back_as_itself(pool: Pool) -> None:
    token = pool.create(recipe(), "cpu")
    with pytest.raises(Problem) as refused:
        pool.call(token, "load", b"no checkpoint")
    assert str(refused.value)
    assert refused.value.key not in ("internal", "worker_lost")


def test_requests_are_obeyed_in_their_order(pool: Pool) -> None:
    token = pool.create(recipe(), "cpu")
    speeds = [pool.ask(token, "speed", value=speed).future for speed in range(1, 51)]
    for asked in speeds:
        asked.result(PATIENCE)
    assert decode_frame(pool.call(token, "frame")[1])[0]["speed"] == 50


def test_nothing_but_plain_bytes_goes_to_a_worker_and_comes_from_it(pool: Pool, traffic: RecordedPlaces) -> None:
    pool.call(pool.create(recipe(), "cpu"), "step")
    for first, payload in list(traffic.notes):
        assert type(payload) is bytes
        if isinstance(first, bytes):
            assert read_message(io.BytesIO(first)) is not None
        else:
            assert json.loads(json.dumps(first)) == first


# Several servers on one cluster


@pytest.fixture
def servers(fake_ray: FakeRay, limits: Limits) -> Iterator[tuple[Pool, ...]]:
    two = tuple(Pool(places=Cluster("a fake"), timeout=PATIENCE, limits=limits) for _ in range(2))
    for pool in two:
        pool.start()
        assert eventually(lambda pool=pool: pool.warm)
    yield two
    for pool in two:
        pool.stop()


def test_a_student_who_lands_on_another_server_finds_the_run(servers: tuple[Pool, ...]) -> None:
    here, there = servers
    token = here.create(recipe(), "cpu", owner="a secret")
    here.call(token, "step")
    assert not there.exists(token)
    assert there.find(token)
    assert there.call(token, "standing")[0]["step"] == 1
    there.check_owner(token, "a secret")
    with pytest.raises(Problem) as refused:
        there.check_owner(token, "another")
    assert refused.value.key == "not_yours"


def test_a_token_that_nobody_has_given_out_is_nowhere(servers: tuple[Pool, ...]) -> None:
    assert not servers[0].find("guessed")


def test_a_run_of_two_servers_comes_back_once(servers: tuple[Pool, ...], fake_ray: FakeRay) -> None:
    here, there = servers
    token = here.create(recipe(), "cpu")
    for _ in range(3):
        here.call(token, "step")
    assert there.find(token)
    before = [pool.link_of(token) for pool in servers]
    fake_ray.kill(fake_ray.actors["dlcore-worker-0"])
    for pool, lost in zip(servers, before, strict=True):
        assert eventually(lambda pool=pool, lost=lost: pool.link_of(token) is not lost)
    assert answered(here, token, "step")["step"] == 4
    assert answered(there, token, "step")["step"] == 5  # The same run, not another one from step 3.


def test_a_server_that_has_lost_sight_of_a_run_leaves_it_to_the_other(servers: tuple[Pool, ...]) -> None:
    here, there = servers
    token = here.create(recipe(), "cpu")
    here.call(token, "step")
    assert there.find(token)
    there.call(token, "play")
    link = here.link_of(token)
    link.post({"do": "pause", "token": token, "unseen": True}).result(PATIENCE)
    assert there.call(token, "standing")[0]["status"] == "playing"
    forgotten = {"do": "close", "token": token, "unseen": True}
    link.post(forgotten).result(PATIENCE)
    assert there.call(token, "step")[0]["step"] > 0
    there.link_of(token).post(forgotten).result(PATIENCE)
    with pytest.raises(Problem) as gone:
        link.post({"do": "holds", "token": token}).result(PATIENCE)
    assert gone.value.key == "run_gone"


def test_a_run_whose_servers_are_gone_is_paused_and_then_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shared, "TEND_EVERY", 0.02)
    monkeypatch.setattr(shared, "PAUSE_ORPHANS_AFTER", 0.2)
    monkeypatch.setattr(shared, "END_ORPHANS_AFTER", 1e6)
    places = RecordedPlaces(Processes(FAKE))
    ray = FakeRay(places)
    monkeypatch.setattr(dlcore.runs.places.ray, "connect", lambda address: ray)
    messages: list[Header] = []

    def joined() -> Link:
        link = Link(Cluster("a fake").open(0), lambda link, header, payload: messages.append(header), lambda link: None)
        assert link.ready.wait(PATIENCE)
        return link

    link = joined()
    run = {"do": "create", "token": "t", "recipe": recipe(), "device": "cpu", "life": 0, "status": "paused"}
    link.post({**run, "speed": 1000}).result(PATIENCE)
    link.post({"do": "play", "token": "t"}).result(PATIENCE)
    link.close()
    assert eventually(lambda: any(message.get("kept") and message["status"] == "paused" for message, _ in places.came))
    link = joined()
    assert link.post({"do": "holds", "token": "t"}).result(PATIENCE)[0]["status"] == "paused"
    link.close()
    monkeypatch.setattr(shared, "END_ORPHANS_AFTER", 0.3)
    assert eventually(lambda: "close" in places.verbs)
    ray.kill(ray.actors["dlcore-worker-0"])


def test_messages_come_in_the_order_in_which_they_were_posted_however_they_are_sent() -> None:
    """Small ones are written by whoever posts them, while the pipe has room and nothing waits; others by a thread."""
    counts = """if True:
        import sys
        from dlcore.wire import pack, read_message
        came = 0
        while (message := read_message(sys.stdin.buffer)) is not None:
            came += 1
            sys.stdout.buffer.write(pack({"id": message[0]["id"], "came": came, "bytes": len(message[1])}))
            sys.stdout.flush()
    """
    link = Link(Processes((sys.executable, "-c", counts)).open(0), lambda *_: None, lambda _: None)
    sizes = [200_000 if place % 40 == 7 else 3000 if place % 3 else 0 for place in range(400)]
    asked = [link.post({"do": "ping"}, bytes(size)) for size in sizes]
    told = [future.result(PATIENCE)[0] for future in asked]
    assert [header["came"] for header in told] == list(range(1, 401))
    assert [header["bytes"] for header in told] == sizes
    link.close()


# A worker that talks nonsense

NONSENSE = {
    "no JSON": b"\x04\0\0\0nope",
    "deep": b"\xa0\x86\x01\0" + b"[" * 100_000,
    "a list": b"\x02\0\0\0[]",
    "no size of its payload": b"\x0a\0\0\0" + b'{"id": 1}\n',
    "a payload of less than nothing": b"\x16\0\0\0" + b'{"id":1,"payload":-50}',
    "a header without end": b"garbage in place of a header",
    "an answer without words": pack({"id": 1, "problem": {"why": "none"}}),
    "news that is none": pack({"ready": 1, "token": "x", "notice": 5}),
}


@pytest.mark.parametrize("name", NONSENSE)
def test_a_worker_that_sends_no_message_is_ended_and_whoever_waits_for_it_is_told(name: str) -> None:
    says = f"import sys; sys.stdin.buffer.read(1); sys.stdout.buffer.write({NONSENSE[name]!r}); sys.stdout.flush(); sys.stdin.read()"
    heard: list[Header] = []
    ended = threading.Event()

    def hear(link: Link, header: Header, payload: bytes) -> None:
        heard.append(header)
        if "notice" in header:
            raise KeyError(header["notice"])

    place = Processes((sys.executable, "-c", says)).open(0)
    link = Link(place, hear, lambda link: ended.set())
    asked = link.post({"do": "ping"})
    with pytest.raises(Problem) as told:
        asked.result(PATIENCE)
    assert told.value.key == "worker_lost"
    assert ended.is_set() and link.ended
    with pytest.raises(ProcessLookupError):
        os.kill(place.pid, 0)
    with pytest.raises(WorkerLost):
        link.post({"do": "ping"}).result(PATIENCE)
    link.close()


def test_a_thread_that_sends_no_message_is_ended_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dlcore.runs.worker.Worker.serve", lambda worker: worker.send({"payload": -1}))
    monkeypatch.setattr("dlcore.wire.pack", lambda header, payload=b"": NONSENSE["no JSON"])
    ended = threading.Event()
    link = Link(Threads().open(0), lambda *news: None, lambda link: ended.set())
    assert ended.wait(PATIENCE)
    link.close()


def test_workers_are_placed_on_gpus_where_there_are() -> None:
    ray = FakeRay(Processes(FAKE), CPU=16.0, GPU=2.0)
    dlcore.runs.places.ray.actor_of(ray, "head:10001", "dlcore-worker-0")
    options = ray.options_of["dlcore-worker-0"]
    assert (options["num_cpus"], options["num_gpus"], options["lifetime"]) == (1, 0.125, "detached")


# The setting


@pytest.mark.parametrize(
    ("setting", "kind"), [("", Processes), ("processes", Processes), ("inprocess", Threads), (" inprocess ", Threads)]
)
def test_the_setting_names_the_kind(setting: str, kind: type) -> None:
    assert type(choose_places({"DLCORE_RUNS": setting})) is kind
    assert type(choose_places({})) is Processes


@pytest.mark.parametrize("setting", ["thread", "ray://", "ray://head", "head", "http://head:1", "Ray", "head:123456"])
def test_a_setting_that_names_none_is_one_clear_sentence(setting: str) -> None:
    with pytest.raises(Problem) as refused:
        choose_places({"DLCORE_RUNS": setting})
    assert str(refused.value).startswith("DLCORE_RUNS: expected processes, inprocess, ray, or the address")


@pytest.mark.parametrize("setting", ["ray", "ray://head:10001", "10.0.0.5:6379"])
def test_a_cluster_needs_ray(setting: str, monkeypatch: pytest.MonkeyPatch) -> None:
    find = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "ray" else find(name))
    with pytest.raises(Problem, match="requirements-ray"):
        choose_places({"DLCORE_RUNS": setting})
    assert Path("requirements-ray.txt").read_text().startswith("ray[client]==")
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: object())
    assert choose_places({"DLCORE_RUNS": setting}) == Cluster("local" if setting == "ray" else setting)
