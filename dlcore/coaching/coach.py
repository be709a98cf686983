"""The coach of one run: looks at it now and then, and holds on to what it said while that may still be so."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from dlcore.coaching.causes import Advice, find_advice
from dlcore.coaching.evidence import read_evidence
from dlcore.learning.trainer import Trainer

LOOKS_EVERY = 1.0  # seconds, while the run trains
PATIENCE = 3  # looks that must find nothing, or something else, before what was said is taken back


class Coach:
    """What is to be said of a run. A look costs about a millisecond, once a second, and changes nothing."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._looked: tuple[float, object] | None = None
        self._said: Advice | None = None
        self._doubts = 0

    def advise(self, trainer: Trainer, arrays: Mapping[str, np.ndarray], moving: bool) -> dict[str, Any] | None:
        """What goes wrong, as plain values (see Advice.to_dict); None where nothing does. `arrays` are those of the run's picture."""
        now, stands = self._clock(), (trainer, trainer.experiment, trainer.step, trainer.edits)
        if self._looked is not None:
            when, then = self._looked
            if then == stands or (moving and then[:2] == stands[:2] and now - when < LOOKS_EVERY):  # type: ignore[index]
                return self._tell()
        elsewhere = self._looked is None or self._looked[1][:2] != stands[:2]  # type: ignore[index]
        self._looked = (now, stands)
        evidence = None if trainer.finished else read_evidence(trainer, arrays)
        self._hear(None if evidence is None else find_advice(evidence), elsewhere or not moving)
        return self._tell()

    def _hear(self, found: Advice | None, at_once: bool) -> None:
        same = found is not None and self._said is not None and found.key == self._said.key
        if same or self._said is None or at_once:
            self._said, self._doubts = found, 0
            return
        self._doubts += 1
        if self._doubts >= PATIENCE:
            self._said, self._doubts = found, 0

    def _tell(self) -> dict[str, Any] | None:
        return None if self._said is None else self._said.to_dict()
