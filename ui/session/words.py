"""What is said to this person, and in which language."""

from __future__ import annotations

import functools
import logging
from collections.abc import Callable
from typing import Any

from dlcore.problems import Problem
from ui import messages
from ui.session.state import current, find_language

_log = logging.getLogger(__name__)


def t(key: str, **values: str | int | float) -> str:
    """A message in this person's language, as plain text."""
    return messages.text(current().language, key, **values)


def label(key: str, **values: str | int | float) -> str:
    """The same for a widget that reads markdown."""
    return messages.escape(t(key, **values))


def speak(language: str) -> None:
    """Go on in this language; the address keeps it."""
    current().language = language
    current().address.put("lang", language.split("_")[0])


def follow_address(page: str) -> bool:
    """Notice what Back and Forward have changed in the address of this page; whether all is to be drawn in another language."""
    session = current()
    session.address.look(page)
    if "lang" not in session.address.changed or session.language == find_language():
        return False
    session.language = find_language()
    return True


def guard(callback: Callable[..., None]) -> Callable[..., None]:
    """A callback whose failure is a sentence on the page, and nothing else."""

    @functools.wraps(callback)
    def call(*arguments: Any) -> None:
        try:
            callback(*arguments)
        except Problem as problem:
            current().problems.append(problem)
        except Exception:
            _log.exception("A callback failed.")
            current().problems.append(Problem("internal"))

    return call
