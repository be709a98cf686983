"""Report and model card, made by a desk when their button is pressed, in the language of the page."""

from __future__ import annotations

from collections.abc import Callable

from dlcore.desks.job import Job
from ui import live, session
from ui.evaluating.asking import moment_of
from ui.evaluating.judging import Judging, Moment
from ui.messages import catalogue
from ui.press import Press, make_at_press

# beginnings of the keys of messages that the files contain
SAID = ("report.", "card.", "finding.", "component.", "experiment.")


def make_reporter(
    state: session.Session,
    what: str,
    token: str,
    moment: Moment | None = None,
    follow: Callable[[Job], None] | None = None,
) -> Callable[[], bytes]:
    """The function that makes a "report" or a "card". It runs at the press, outside the script, so what it needs is captured here.

    Without a moment it describes the run as it is at the press. Where there are validation rows, test scores are left out unless
    they were opened for this moment. All its facts come from the checkpoint, since the run may have other data or another history by then.
    """
    language = state.language
    words = {key: message for key, message in catalogue(language).items() if key.startswith(SAID)}

    def make(press: Press) -> bytes:
        if moment is None:
            # Raises Problem before the checkpoint is fetched if no desk would take the job.
            live.desks().check(press.owner)
        now = moment or moment_of(token)
        said = {"words": words, "language": language.replace("_", "-"), "history": now.history}
        seal = {
            "looks": state.memory(Judging).looks.get(now.test_rows, 0),
            "unseal": now.unsealed,
            "shut": not now.unsealed,
        }
        return press.ask(what, now.content, **said, **seal)

    return make_at_press(state, make, follow)
