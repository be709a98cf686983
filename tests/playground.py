"""The playground under test: the real page with a pool that only writes down what it is told."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from dlcore.experiment import Experiment
from dlcore.problems import Problem
from dlcore.runs.server.label import Label
from dlcore.runs.server.listing import Listed
from tests.patience import PATIENCE
from ui import door, session
from ui.messages import escape
from ui.playground.memory import Playing
from ui.session import widgets

ROOT = Path(__file__).parent.parent


class RecordingListing:
    """The list of a recording pool's runs."""

    def __init__(self, pool: RecordingPool) -> None:
        self._pool = pool
        self.labels: dict[str, Label] = {}
        self.looked: list[str] = []

    def list_runs(self, mark: str) -> list[Listed]:
        runs = [self.find(token) for token in (*self._pool.alive, *(self._pool.shelf.keys() - self._pool.alive))]
        theirs = [run for run in runs if self._pool.reader_of(run.token) == mark and not run.label.deleted]
        return sorted(theirs, key=lambda run: int(run.token.split()[-1]))

    def list_awake(self, mark: str) -> list[Listed]:
        return [run for run in self.list_runs(mark) if run.awake]

    def find(self, token: str) -> Listed:
        pool = self._pool
        if token not in pool.alive and token not in pool.shelf:
            raise Problem("run_gone")
        stood = pool.shelf.get(token, {"step": pool.answer.get("step", 0), "epoch": pool.answer.get("epoch", 0)})
        recipe = stood.get("recipe") or pool.recipe_of(token)
        label = self.labels.get(token, Label(made=0.0))
        return Listed(token, recipe, stood["step"], stood["epoch"], label, {}, 0, token in pool.alive)

    def label(self, token: str, **changes: Any) -> None:
        self.find(token)
        self.labels[token] = replace(self.labels.get(token, Label(made=0.0)), **changes)

    def look(self, tokens: Iterable[str]) -> None:
        self.looked += tokens


class RecordingPool:
    """Takes every command, computes nothing."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, str, dict[str, Any]]] = []
        self.created: list[tuple[str, str]] = []
        self.alive: set[str] = set()
        self.refusal: Problem | None = None
        self.answer: dict[str, Any] = {}
        self.stands: dict[str, str] = {}  # the recipe of each run
        self.examples: dict[str, str | None] = {}  # as which example it stands
        self.states: dict[str, bytes] = {}
        self.shelf: dict[str, dict[str, Any]] = {}  # what was put away, and where it stood
        self.full: Problem | None = None  # what a newcomer is told ...
        self.limit = 0  # ... once there are so many runs
        self.owners: list[str] = []
        self.readers: list[str] = []  # marks of whose tables they may read
        self.devices = {"cpu"}  # of its workers
        self.started = threading.Event()  # its worker
        self.started.set()
        self.listing = RecordingListing(self)
        self.keeps_runs = True

    def create(self, recipe: str, device: str = "auto", state: bytes = b"", owner: str = "", reader: str = "") -> str:
        self._admit()
        self.owners.append(owner)
        self.readers.append(reader)
        token = f"run {len(self.created)}"
        self.created.append((recipe, device))
        self.states[token], self.stands[token] = state, recipe
        self.alive.add(token)
        return token

    def exists(self, token: str) -> bool:
        return token in self.alive

    def link_of(self, token: str) -> SimpleNamespace:
        self.hold(token)
        return SimpleNamespace(ready=self.started)

    def find_standing(self, token: str, owner: str = "") -> dict[str, Any]:
        if token not in self.shelf and token not in self.alive:
            raise Problem("run_gone")
        return self.shelf.get(token) or {"recipe": self.stands[token], "device": "auto", "step": 0, "epoch": 0}

    def revive(self, token: str, owner: str = "") -> dict[str, Any]:
        standing = self.find_standing(token, owner)
        if token not in self.alive:
            self._admit()
        self.alive.add(token)
        return standing

    def expect_tables(self) -> None:
        pass

    def _admit(self) -> None:
        if self.full is not None and len(self.alive) >= self.limit:
            raise self.full

    def hold(self, token: str) -> None:
        if token not in self.alive:
            raise Problem("run_gone")

    def release(self, token: str) -> None:
        self.shelf.setdefault(token, {**self.listing.find(token).__dict__, "device": "cpu", "status": "paused"})
        self.alive.discard(token)

    def close(self, token: str) -> None:
        self.alive.discard(token)

    def call(self, token: str, do: str, payload: bytes = b"", **values: Any) -> tuple[dict[str, Any], bytes]:
        self.hold(token)
        if self.refusal is not None:
            raise self.refusal
        if do in ("stand", "journal"):  # Questions, asked again and again.
            told = {"recipe": self.stands[token], "device": "auto", "example": self.examples.get(token)}
            return {**told, "journal": self.answer.get("journal", [])}, b""
        self.calls.append((token, do, values))
        if do in ("change", "load"):
            self.stands[token] = {**self.answer, **values}["recipe"]
            if values.get("act") == "example":
                self.examples[token] = values["target"]["id"]
        return self.answer, b"bytes of " + do.encode()

    def reader_of(self, token: str) -> str:
        """The mark of whose run it is."""
        return self.readers[int(token.split()[-1])] if token.startswith("run ") else ""

    def recipe_of(self, token: str) -> str:
        """The recipe on which the run stands."""
        return self.stands[token]

    def edit(self, token: str, experiment: Experiment) -> None:
        """Let the run stand on this recipe, as if somebody had edited it on the canvas."""
        self.stands[token] = experiment.to_json()

    async def call_async(
        self, token: str, do: str, payload: bytes = b"", **values: Any
    ) -> tuple[dict[str, Any], bytes]:
        return self.call(token, do, payload, **values)

    @property
    def recipes(self) -> list[dict[str, Any]]:
        """The recipes that were sent as changes."""
        return [json.loads(values["recipe"]) for _, do, values in self.calls if do == "change"]


def open_page(experiment: Experiment | None = None, language: str = "en") -> AppTest:
    """The page after its first run, standing on this experiment."""
    at = AppTest.from_file(str(ROOT / "ui" / "frame.py"), default_timeout=PATIENCE)
    at.session_state["session"] = session.Session(language, experiment or Experiment())
    return at.run()


def first_visit(locale: str | None = None) -> AppTest:
    """The page as somebody new sees it."""
    at = AppTest.from_file(str(ROOT / "ui" / "frame.py"), default_timeout=PATIENCE)
    if locale is not None:
        at.context = {"locale": locale}
    return at.run()


def speak_for(monkeypatch: pytest.MonkeyPatch, person: session.Session, **widgets: Any) -> None:
    """From now on what is called outside a script is called for this person, whose widgets say this."""
    monkeypatch.setattr(st, "session_state", {"session": person, **widgets})


def come_with(monkeypatch: pytest.MonkeyPatch, secret: str) -> None:
    """From now on the browser's cookie holds this secret; "" for none."""
    monkeypatch.setattr(door, "owner_of", lambda cookies: secret)


def widget(at: AppTest, path: str) -> Any:
    """The widget that holds this part of the recipe."""
    generation = state(at).generations.get(path, 0)
    return at.get_by_key(f"{widgets.WIDGETS}{path}" + (f"{widgets.GENERATION}{generation}" if generation else ""))


def state(at: AppTest) -> session.Session:
    return at.session_state["session"]


def notices(at: AppTest) -> list[str]:
    """What the canvas's status line was told last."""
    return [notice["words"] for notice in state(at).memory(Playing).notices]


def errors(at: AppTest) -> list[str]:
    return [error.value for error in at.error]


def shown(plain: str) -> str:
    """How a plain text stands in a place that reads markdown."""
    return escape(plain)


def at_path(recipe: dict[str, Any], path: str) -> Any:
    """What stands at this dotted path of a recipe."""
    value: Any = recipe
    for part in path.split("."):
        value = value[int(part)] if part.isdigit() else value[part]
    return value
