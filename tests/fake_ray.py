"""As much of Ray as `dlcore.runs.places.ray` uses, in threads of this process: named actors, whose calls overtake each other."""

from __future__ import annotations

import os
import random
import threading
from concurrent.futures import Future, InvalidStateError
from contextlib import suppress
from types import SimpleNamespace
from typing import Any

from dlcore.runs.places.links import Places


class ActorDiedError(Exception):
    pass


class FakeRay:
    """A cluster. What the module `ray` offers, it has as methods."""

    exceptions = SimpleNamespace(ActorDiedError=ActorDiedError, GetTimeoutError=TimeoutError)

    def __init__(self, places: Places, **resources: float) -> None:
        self._places = places  # Of the workers under its actors.
        self.resources = {"CPU": 4.0, **resources}
        self.actors: dict[str, Actor] = {}
        self.options_of: dict[str, dict[str, Any]] = {}

    def cluster_resources(self) -> dict[str, float]:
        return self.resources

    def remote(self, cls: type) -> SimpleNamespace:
        return SimpleNamespace(options=lambda **options: SimpleNamespace(remote=lambda: self._actor(cls, options)))

    def get(self, reference: Future[Any], timeout: float) -> Any:
        return reference.result(timeout)

    def kill(self, actor: Actor) -> None:
        """The actor is lost with its machine: nobody is told by it."""
        self.actors = {name: other for name, other in self.actors.items() if other is not actor}
        actor.die()

    def _actor(self, cls: type, options: dict[str, Any]) -> Actor:
        self.options_of[options["name"]] = options
        if options["name"] not in self.actors:
            self.actors[options["name"]] = Actor(cls(self._places))
        return self.actors[options["name"]]


class Actor:
    """`actor.verb.remote(...)` calls in a thread and gives a Future."""

    def __init__(self, made: Any) -> None:
        self.made = made
        self._dead = False
        self._open: set[Future[Any]] = set()

    def __getattr__(self, verb: str) -> SimpleNamespace:
        return SimpleNamespace(remote=lambda *arguments: self._call(verb, arguments))

    def die(self) -> None:
        self._dead = True
        for future in list(self._open):
            with suppress(InvalidStateError):
                future.set_exception(ActorDiedError("the actor died"))
        self.made.kill()

    def _call(self, verb: str, arguments: tuple[Any, ...]) -> Future[Any]:
        future: Future[Any] = Future()
        if self._dead:
            future.set_exception(ActorDiedError("the actor died"))
            return future
        self._open.add(future)
        threading.Thread(target=self._run, args=(future, verb, arguments), daemon=True).start()
        return future

    def _run(self, future: Future[Any], verb: str, arguments: tuple[Any, ...]) -> None:
        for _ in range(random.randrange(200)):  # Whoever comes later may be sooner.
            os.sched_yield()
        try:
            outcome = getattr(self.made, verb)(*arguments)
        except Exception as error:
            with suppress(InvalidStateError):
                future.set_exception(error)
        else:
            with suppress(InvalidStateError):
                future.set_result(outcome)
        self._open.discard(future)
