"""Messages in this person's language."""

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
    """Switch to this language, and write it into the address."""
    current().language = language
    current().address.put("lang", language.split("_")[0])


def follow_address(page: str) -> bool:
    """Follow changes that Back and Forward made in the address of this page; True if the language changed, so all is to be redrawn."""
    session = current()
    session.address.look(page)
    if "lang" not in session.address.changed or session.language == find_language():
        return False
    session.language = find_language()
    return True


def guard(callback: Callable[..., None]) -> Callable[..., None]:
    """Wrap a callback so that any failure in it becomes a sentence on the page, not a traceback."""

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
