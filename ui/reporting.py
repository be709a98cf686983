"""A report and a model card, made in a desk when somebody presses for one: in the language of the page."""

from __future__ import annotations

from collections.abc import Callable

from dlcore.problems import Problem
from ui import live, session
from ui.evaluating.judging import data_digest
from ui.messages import catalogue

SAID = ("report.", "card.", "finding.", "component.", "experiment.")  # beginnings of the messages that the files need
LONGEST = 300.0  # seconds


def reporter(
    state: session.Session, what: str, token: str, content: bytes | None = None, unseal: bool = False
) -> Callable[[], bytes]:
    """What makes a "report" or a "card". It runs at the press, outside the script: all that it needs is captured here.

    Without the `content` of a checkpoint it speaks of the run as it stands then. A sealed test stays shut unless it was opened.
    """
    language, owner = state.language, session.bringer()
    words = {key: message for key, message in catalogue(language).items() if key.startswith(SAID)}

    def make() -> bytes:
        checkpoint = content or live.pool().call(token, "checkpoint")[1]
        looks = state.looks.get(data_digest(state.experiment), 0)
        said = {"words": words, "language": language.replace("_", "-"), "looks": looks, "unseal": unseal}
        return live.desks().ask(what, checkpoint, owner=owner, seconds=LONGEST, history=_history(token), **said)[1]

    return make


def _history(token: str) -> str:
    try:
        return live.pool().call(token, "history")[1].decode()
    except Problem:
        return ""  # The report says that it had none.
