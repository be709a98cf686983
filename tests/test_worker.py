"""Many runs in a worker, which fail alone; and real worker processes, which come back when they are killed."""

from __future__ import annotations

import errno
import itertools
import json
import mmap
import os
import resource
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from dlcore import children
from dlcore.experiment import Experiment
from dlcore.frame import decode_frame
from dlcore.layers import Dense
from dlcore.problems import Problem
from dlcore.runs.server.pool import Pool, WorkerLost
from dlcore.runs.viewers import MOMENT_EVERY
from dlcore.runs.weight import HEAVY, is_heavy
from dlcore.runs.worker import Worker
from dlcore.side import as_problem
from dlcore.wire import Inbox, pack, read_message, write_all
from tests.patience import PATIENCE, eventually

SMALL = {"dataset": {"kind": "gauss"}, "layers": [{"kind": "dense", "units": 3}]}


def recipe(**changes: Any) -> str:
    return json.dumps({**SMALL, **changes})


class Client:
    """Talks to a worker that lives in a thread."""

    def __init__(self) -> None:
        source, to_worker = os.pipe()
        from_worker, output = os.pipe()
        self._to_worker, self._ends = to_worker, (source, output)
        self._from_worker = os.fdopen(from_worker, "rb")
        self._ids = itertools.count(1)
        self.news: list[dict[str, Any]] = []
        self.replies: dict[int, tuple[dict[str, Any], bytes]] = {}
        self.worker = Worker(Inbox(source), output, mmap.mmap(-1, 64))
        self._thread = threading.Thread(target=self.worker.serve)
        self._thread.start()

    def post(self, token: str, do: str, payload: bytes = b"", **arguments: Any) -> int:
        identifier = self.last = next(self._ids)
        write_all(self._to_worker, pack({"do": do, "id": identifier, "token": token, **arguments}, payload), payload)
        return identifier

    def reply(self, identifier: int) -> tuple[dict[str, Any], bytes]:
        while identifier not in self.replies:
            message = read_message(self._from_worker)
            assert message is not None
            if "id" in message[0]:
                self.replies[message[0]["id"]] = message
            else:
                self.news.append(message[0])
        return self.replies.pop(identifier)

    def ask(self, token: str, do: str, payload: bytes = b"", **arguments: Any) -> dict[str, Any]:
        return self.reply(self.post(token, do, payload, **arguments))[0]

    def create(self, token: str, text: str) -> dict[str, Any]:
        return self.ask(token, "create", recipe=text, device="cpu", life=0, status="paused", speed=1000)

    def close(self) -> None:
        os.close(self._to_worker)
        # Reads what the worker still sends, so that it does not block.
        drain = threading.Thread(target=self._from_worker.read)
        drain.start()
        self._thread.join()
        for descriptor in self._ends:
            os.close(descriptor)
        drain.join()
        self._from_worker.close()


@pytest.fixture
def client() -> Iterator[Client]:
    client = Client()
    yield client
    client.close()


def test_the_failure_of_one_run_does_not_touch_another(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    for token in ("good", "bad"):
        client.create(token, recipe())
    bad = client.worker.runs["bad"]
    monkeypatch.setattr(bad.learner, "advance", lambda *arguments: 1 / 0)
    for token in ("good", "bad"):
        client.ask(token, "play")
    assert eventually(lambda: client.ask("bad", "standing")["status"] == "paused")
    assert eventually(lambda: client.ask("good", "standing")["step"] > 10)
    header, _ = decode_frame(client.reply(client.post("bad", "frame"))[1])
    assert (header["status"], header["problem"]["key"]) == ("paused", "internal")
    header, _ = decode_frame(client.reply(client.post("good", "frame"))[1])
    assert header["status"] == "playing"


def test_a_frame_that_fails_is_a_problem_of_its_viewer_alone(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    client.create("a", recipe())
    monkeypatch.setattr(client.worker.runs["a"].contents_maker.picture, "arrays", lambda snapshot: 1 / 0)
    assert client.ask("a", "frame")["problem"]["key"] == "internal"
    assert client.ask("a", "step")["step"] == 1


def test_a_run_that_is_too_long_at_what_fails_in_the_end_is_told_of_too(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dlcore.runs.worker.may_be_heavy", lambda experiment: True)
    client.create("a", recipe())

    def fails(*arguments: object) -> bytes:
        end = time.thread_time() + 2 * HEAVY
        while time.thread_time() < end:
            pass
        raise MemoryError

    monkeypatch.setattr(client.worker.runs["a"], "make_frame", fails)
    for _ in range(2):  # Twice: computing too long once is not reported.
        assert client.ask("a", "frame")["problem"]["key"] == "out_of_memory"
    client.ask("a", "ping")
    assert [news["heavy"] for news in client.news if "heavy" in news] == ["a"]


def test_a_run_that_could_not_be_made_says_why_until_its_recipe_changes(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr("dlcore.pictures.contents.Picture", lambda trainer: bytearray(1 << 62))
        assert client.create("a", recipe())["problem"]["key"] == "out_of_memory"
    assert client.ask("a", "frame")["problem"]["key"] == "out_of_memory"
    assert "problem" not in client.ask("a", "change", recipe=recipe())
    assert client.ask("a", "step")["step"] == 1


def test_a_run_that_failed_on_its_way_back_and_is_changed_has_no_number_of_its_lives_before(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    again = {"recipe": recipe(), "device": "cpu", "status": "paused", "speed": 1000}
    client.ask("a", "create", **again, life=1)
    before, _ = client.reply(client.post("a", "frame"))
    client.ask("a", "close")
    with monkeypatch.context() as patch:
        patch.setattr("dlcore.pictures.contents.Picture", lambda trainer: bytearray(1 << 62))
        assert client.ask("a", "create", **again, life=2)["problem"]["key"] == "out_of_memory"
    client.ask("a", "change", recipe=recipe(seed=1))
    after, payload = client.reply(client.post("a", "frame", version=before["version"], structure=1_000_001, history=1))
    assert after["version"] > before["version"]
    header, arrays = decode_frame(payload)
    assert "layout" in header
    assert (header["history_from"], len(arrays["history"])) == (0, 1)


def test_two_viewers_wait_for_one_run_and_both_are_answered(client: Client) -> None:
    client.create("a", recipe())
    version = client.ask("a", "frame")["version"]
    waiting = [client.post("a", "frame", version=version, structure=1, history=1) for _ in range(2)]
    client.ask("a", "pause")
    assert not client.replies
    client.ask("a", "step")
    assert [client.reply(identifier)[0]["version"] > version for identifier in waiting] == [True, True]


def test_a_viewer_that_wants_something_else_is_answered_at_once(client: Client) -> None:
    client.create("a", recipe())
    version = client.ask("a", "frame")["version"]
    held = {"version": version, "structure": 1, "history": 1}
    wants = {"gradients": True, "probe": {"split": "train", "row": 2}}
    header, arrays = decode_frame(client.reply(client.post("a", "frame", **held, moments=0, now=True, wants=wants))[1])
    assert header["probe"]["row"] == 2
    assert "gradient/0" in arrays


def test_a_viewer_of_the_past_hears_of_the_present_ten_times_a_second(client: Client) -> None:
    client.create("a", recipe())
    header, arrays = decode_frame(client.reply(client.post("a", "frame"))[1])
    client.ask("a", "speed", value=200)
    client.ask("a", "play")
    wants = {"moment": arrays["moments"][0, 0]}
    live: list[int] = []
    for _ in range(5):
        asked = time.monotonic()
        held = {name: header[name] for name in ("version", "structure")}
        header, arrays = decode_frame(client.reply(client.post("a", "frame", **held, history=1, wants=wants))[1])
        # The first frame of the moment comes at once, later ones at intervals.
        assert len(live) < 1 or time.monotonic() - asked >= MOMENT_EVERY
        live.append(header["live"]["step"])
        assert header["step"] == 0
    assert live == sorted(set(live))
    client.ask("a", "pause")
    client.reply(client.post("a", "frame", version=header["version"], structure=1, history=1, wants=wants))
    header, _ = decode_frame(client.reply(client.post("a", "frame", version=None, structure=1, wants=wants))[1])
    waiting = client.post("a", "frame", version=header["version"], structure=1, history=1, wants=wants)
    client.ask("a", "pause")
    assert waiting not in client.replies


def test_a_viewer_of_the_past_is_answered_though_the_run_has_come_to_rest(client: Client) -> None:
    client.create("a", recipe())
    header, arrays = decode_frame(client.reply(client.post("a", "frame"))[1])
    wants = {"moment": arrays["moments"][0, 0]}
    waiting = client.post("a", "frame", version=header["version"], structure=1, history=1, wants=wants)
    client.ask("a", "step")
    assert decode_frame(client.reply(waiting)[1])[0]["live"]["step"] == 1


def test_interventions_come_over_the_wire_and_are_kept_before_they_are_answered(client: Client) -> None:
    client.create("a", recipe())
    place = {"structure": 1, "address": "0", "unit": 0, "input": 0}
    client.ask("a", "set", value={**place, "value": 0.25})
    client.ask("a", "freeze", value={**place, "on": True})
    client.ask("a", "silence", value={**place, "on": True})
    header, arrays = decode_frame(client.reply(client.post("a", "frame"))[1])
    assert header["acts"] == {"undo": "silence", "redo": None, "version": 3}
    assert (arrays["weight/0"][0, 0], arrays["frozen/0"][0, 0], arrays["silenced/0"][0]) == (0.25, 1, 1)
    assert client.ask("a", "undo") == {"id": client.last, **_at_start(recipe()), "payload": 0}
    assert client.ask("a", "set", value={**place, "value": "abc"})["problem"]["key"] == "bad_weight"
    client.ask("a", "set", value={**place, "structure": 7, "value": 9})
    header, arrays = decode_frame(client.reply(client.post("a", "frame"))[1])
    assert (header["acts"]["undo"], header["acts"]["redo"], arrays["weight/0"][0, 0]) == ("freeze", "silence", 0.25)
    client.ask("a", "redo")
    client.ask("a", "jump", value=1)
    _, arrays = decode_frame(client.reply(client.post("a", "frame"))[1])
    assert (arrays["weight/0"][0, 0], "frozen/0" in arrays) == (0.25, False)
    assert client.ask("a", "jump", value=99)["problem"]["key"] == "act_gone"
    assert len([news for news in client.news if "kept" in news]) >= 7


def test_an_edit_over_the_wire_and_one_that_would_make_the_run_heavy(client: Client) -> None:
    client.create("a", recipe())
    stand = client.ask("a", "edit", value={"do": "add_unit", "address": "0"})
    assert json.loads(stand["recipe"])["layers"][0]["units"] == 1 + json.loads(recipe())["layers"][0]["units"]
    assert client.ask("a", "stand")["recipe"] == stand["recipe"]
    assert client.ask("a", "edit", value={"do": []})["recipe"] == stand["recipe"]
    light = Experiment(layers=(Dense(units=512), Dense(units=512)))
    assert not is_heavy(light)
    client.ask("a", "change", recipe=light.to_json())
    edit = {"do": "add_layer", "address": "2"}
    answer = client.ask("a", "edit", value=edit)["heavy"]
    assert (
        client.ask("a", "stand")["recipe"] == light.to_json()
    )  # The pool first looks for a worker where nobody waits for it.
    heavy = Experiment.from_json(answer)
    assert is_heavy(heavy) and len(heavy.layers) == 3
    client.ask("a", "edit", value=edit, weighed=answer)
    assert client.ask("a", "stand")["recipe"] == heavy.to_json()


def test_a_leash_holds_a_playing_run(client: Client) -> None:
    client.create("a", recipe())
    client.ask("a", "leash", value=3)
    client.ask("a", "speed", value=None)
    client.ask("a", "play")
    assert eventually(lambda: client.ask("a", "standing")["step"] >= 3)
    for _ in range(10):  # Between two answers others get their turn, and this one would.
        assert client.ask("a", "standing")["step"] == 3
    assert client.ask("a", "pause")["step"] == 3


def test_where_a_run_stands_is_asked_without_moving_it(client: Client) -> None:
    client.create("a", recipe())
    client.ask("a", "step")
    standing = {"status": "paused", "step": 1, "epoch": 0, "interventions": False}
    assert client.ask("a", "standing").items() >= standing.items()
    client.ask("a", "set", value={"structure": 1, "address": "0", "unit": 0, "input": 0, "value": 0.5})
    assert client.ask("a", "standing").items() >= {**standing, "interventions": True}.items()


def test_rewinding_and_forking_over_the_wire(client: Client) -> None:
    client.create("a", recipe())
    client.ask("a", "epoch")
    _, arrays = decode_frame(client.reply(client.post("a", "frame"))[1])
    first, last = (int(moment) for moment in arrays["moments"][:, 0])
    header, state = client.reply(client.post("a", "fork", moment=last))
    assert client.ask("a", "rewind", value=first) == {"id": client.last, **_at_start(recipe()), "payload": 0}
    assert client.news[-1]["step"] == 0
    made = {"recipe": header["recipe"], "device": "cpu", "life": 0, "status": "paused", "speed": 1000}
    client.ask("b", "create", state, **made)
    assert client.ask("b", "pause")["step"] == header["step"] > 0
    assert client.ask("a", "rewind", value=last)["problem"]["key"] == "moment_gone"


def _at_start(text: str) -> dict[str, Any]:
    return {"recipe": Experiment.from_json(text).to_json(), "step": 0, "epoch": 0}


def test_a_run_that_leaves_takes_its_place_along_and_sends_those_who_wait_after_it(client: Client) -> None:
    client.create("a", recipe())
    steps = [client.ask("a", "step")["step"] for _ in range(3)]
    version = client.ask("a", "frame")["version"]
    waiting = client.post("a", "frame", version=version, structure=1, history=1)
    header, luggage = client.reply(client.post("a", "leave", gently=True))
    assert client.reply(waiting)[0]["problem"]["key"] == "run_moved"
    assert client.ask("a", "step")["problem"]["key"] == "run_gone"
    there = {name: value for name, value in header.items() if name not in ("id", "payload")}
    assert "problem" not in client.ask("a", "create", luggage, **there, life=0)
    assert client.ask("a", "step")["step"] == steps[-1] + 1


def test_what_was_done_to_a_run_leaves_with_it_and_is_taken_back_there(client: Client) -> None:
    client.create("a", recipe())
    client.ask("a", "set", value={"structure": 1, "address": "0", "unit": 0, "input": 0, "value": 0.25})
    header, luggage = client.reply(client.post("a", "leave", gently=True))
    there = {name: value for name, value in header.items() if name not in ("id", "payload")}
    assert "problem" not in client.ask("a", "create", luggage, **there, life=0)
    client.ask("a", "undo")
    assert not client.ask("a", "standing")["interventions"]


def test_luggage_that_cannot_be_unpacked_is_a_run_that_could_not_be_made(client: Client) -> None:
    client.create("a", recipe())
    header, luggage = client.reply(client.post("a", "leave", gently=True))
    there = {name: value for name, value in header.items() if name not in ("id", "payload")}
    assert client.ask("a", "create", luggage[:-9], **there, life=0)["problem"]["key"] == "internal"
    assert client.ask("a", "step")["problem"]["key"] == "internal"
    # The pool then has it built from its kept state.
    again = {"recipe": recipe(), "device": "cpu", "status": "paused", "speed": 1000}
    assert "problem" not in client.ask("a", "create", **again, life=1)
    assert client.ask("a", "step")["step"] == 1


def test_epoch_is_answered_when_the_epoch_is_over(client: Client) -> None:
    client.create("a", recipe())
    assert client.ask("a", "epoch")["epoch"] == 1


def test_a_change_is_kept_before_it_is_answered(client: Client) -> None:
    client.create("a", recipe())
    changed = Experiment.from_json(recipe(layers=[])).to_json()
    client.ask("a", "change", recipe=changed)
    assert client.news[-1]["recipe"] == changed


def test_a_shortage_of_memory_is_told_as_such() -> None:
    assert as_problem(MemoryError()).key == "out_of_memory"
    assert as_problem(RuntimeError("DefaultCPUAllocator: can't allocate memory")).key == "out_of_memory"
    assert as_problem(RuntimeError("std::bad_alloc")).key == "out_of_memory"
    assert as_problem(OSError(errno.ENOMEM, "Cannot allocate memory")).key == "out_of_memory"
    assert as_problem(ImportError("x.so: failed to map segment from shared object")).key == "out_of_memory"
    assert as_problem(RuntimeError("anything else")).key == "internal"
    panic = type("PanicException", (BaseException,), {})
    assert as_problem(panic("PyObject pointer is null")).key == "out_of_memory"
    with pytest.raises(SystemExit):
        as_problem(SystemExit())


# Real worker processes: those of one nursery in one process, so that what they need is imported once


@pytest.fixture(scope="module")
def pool() -> Iterator[Pool]:
    pool = Pool(workers=1, timeout=PATIENCE)
    pool.start()
    yield pool
    pool.stop()


@pytest.mark.xdist_group("nursery")
def test_a_real_worker_plays_and_pauses(pool: Pool) -> None:
    token = pool.create(recipe(), "cpu")
    pool.call(token, "play")
    first, _ = decode_frame(pool.call(token, "frame", version=None)[1])
    second, _ = decode_frame(pool.call(token, "frame", version=first["version"], structure=1, history=1)[1])
    assert second["step"] > first["step"]
    step = pool.call(token, "pause")[0]["step"]
    assert [pool.call(token, "standing")[0]["step"] for _ in range(20)] == [step] * 20
    assert pool.call(token, "history")[1].startswith(b"epoch,step,train_loss")
    pool.close(token)


@pytest.fixture
def pool_without_libraries(monkeypatch: pytest.MonkeyPatch) -> Iterator[Pool]:
    """Its worker has imported nothing yet that only some runs need, as one has that is split off the nursery."""
    monkeypatch.setattr(children, "nursery", lambda: None)
    pool = Pool(workers=1, timeout=PATIENCE)
    pool.start()
    yield pool
    pool.stop()


def test_a_library_that_a_run_is_the_first_to_need_has_room_though_memory_has_an_end(
    pool_without_libraries: Pool,
) -> None:
    pool = pool_without_libraries
    large = pool.create(recipe(layers=[{"kind": "dense", "units": 128}] * 2, batch_size=100), "cpu")
    pool.call(large, "standing")
    pid = pool.link_of(large).pid
    before = resource.prlimit(pid, resource.RLIMIT_AS)
    assert b"scipy/linalg" not in Path(f"/proc/{pid}/maps").read_bytes()
    size = int(Path(f"/proc/{pid}/statm").read_text().split()[0]) * resource.getpagesize()
    resource.prlimit(pid, resource.RLIMIT_AS, (size + (30 << 20), before[1]))
    assert pool.call(large, "step")[0]["step"] == 1  # By BLAS.
    flowers = pool.create(recipe(dataset={"kind": "iris"}), "cpu")  # By scikit-learn.
    assert pool.call(flowers, "step")[0]["step"] == 1
    hungry = pool.create(recipe(layers=[{"kind": "dense", "units": 512}] * 5), "cpu")
    with pytest.raises(Problem) as refused:
        pool.call(hungry, "step")
    assert refused.value.key == "out_of_memory"
    resource.prlimit(pid, resource.RLIMIT_AS, before)
    assert (pool.link_of(large).pid, pool.figures()["restarts"]) == (pid, 0)


@pytest.mark.xdist_group("nursery")
def test_a_fork_lives_on_in_the_pool(pool: Pool) -> None:
    token = pool.create(recipe(), "cpu")
    step = [pool.call(token, "step")[0]["step"] for _ in range(3)][-1]
    header, state = pool.call(token, "fork", moment=None)
    fork = pool.create(header["recipe"], "cpu", state=state)
    pool.call(fork, "change", recipe=recipe(optimizer={"kind": "sgd"}))
    frame, arrays = decode_frame(pool.call(fork, "frame")[1])
    assert (frame["step"], header["step"]) == (step, step)
    assert arrays["moments"].shape == (1, 4)
    for each in (token, fork):
        pool.close(each)


@pytest.mark.xdist_group("nursery")
def test_a_killed_worker_is_back_with_its_runs_as_kept(pool: Pool) -> None:
    playing, paused = pool.create(recipe(), "cpu"), pool.create(recipe(seed=1), "cpu")
    step = [pool.call(paused, "step")[0]["step"] for _ in range(5)][-1]
    pool.call(playing, "speed", value=50)
    pool.call(playing, "play")
    told: list[Problem] = []
    assert eventually(lambda: pool.warm)
    with pool.viewer(paused, told.append):
        os.kill(pool.link_of(paused).pid, signal.SIGKILL)
        headers = []
        for token in (playing, paused):
            while len(headers) < 2:
                with suppress(WorkerLost):
                    headers.append(decode_frame(pool.call(token, "frame")[1])[0])
                    break
    assert headers[0]["status"] == "playing"
    assert headers[0]["speed"] == 50
    assert headers[0]["step"] > 0
    assert (headers[1]["status"], headers[1]["step"]) == ("paused", step)
    assert [problem.key for problem in told] == ["worker_restarted"]
