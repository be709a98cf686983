"""A report and a model card, made in a desk when somebody presses for one: in the language of the page."""

from __future__ import annotations

from collections.abc import Callable

from ui import live, session
from ui.evaluating.asking import moment_of
from ui.evaluating.judging import Judging, Moment
from ui.messages import catalogue
from ui.press import Press, make_at_press

SAID = ("report.", "card.", "finding.", "component.", "experiment.")  # beginnings of the messages that the files need


def make_reporter(state: session.Session, what: str, token: str, moment: Moment | None = None) -> Callable[[], bytes]:
    """What makes a "report" or a "card". It runs at the press, outside the script: all that it needs is captured here.

    Without a moment it speaks of the run as it stands then. A sealed test stays shut unless it was opened at this moment.
    Whatever it says is of the checkpoint: the run may have other rows, or another past, by then.
    """
    language = state.language
    words = {key: message for key, message in catalogue(language).items() if key.startswith(SAID)}

    def make(press: Press) -> bytes:
        if moment is None:
            live.desks().check(press.owner)  # Before the run is copied for a desk that would not take it.
        now = moment or moment_of(token)
        said = {"words": words, "language": language.replace("_", "-"), "history": now.history}
        seal = {
            "looks": state.memory(Judging).looks.get(now.test_rows, 0),
            "unseal": now.experiment.sealed and now.unsealed,
        }
        return press.ask(what, now.content, **said, **seal)

    return make_at_press(state, make)
