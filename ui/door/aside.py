"""The script of a whole page stands aside while a part of a page is made.

The interpreter does one thing at a time: of two scripts that compute at once, both end when the second would have ended anyway. A part
is there in some 15 ms, a whole page in ten times that, and whoever moves a slider looks at it.
"""

from __future__ import annotations

import threading
import time
from typing import Any

from streamlit.runtime import app_session
from streamlit.runtime.scriptrunner import ScriptRunner
from streamlit.runtime.scriptrunner_utils.script_run_context import get_script_run_ctx

LONGEST = 0.1  # Seconds that a page waits at a time, ...
MOST = 0.5  # ... and in all.


class StandsAside(ScriptRunner):
    """Streamlit's, which passes on what the scripts of one session say. Between two of its sayings a page can wait."""

    no_part = threading.Event()
    no_part.set()
    clock = staticmethod(time.monotonic)
    _waited = 0.0

    def _enqueue_forward_msg(self, msg: Any) -> None:
        super()._enqueue_forward_msg(msg)
        if not self.no_part.is_set() and self._waited < MOST and _is_a_whole_page():
            began = self.clock()
            self.no_part.wait(LONGEST)
            self._waited += self.clock() - began


def install(no_part: threading.Event) -> None:
    """Let the scripts that begin from now on wait for this, where it is not set."""
    StandsAside.no_part = no_part
    app_session.ScriptRunner = StandsAside  # type: ignore[misc]


def _is_a_whole_page() -> bool:
    context = get_script_run_ctx(suppress_warning=True)
    return context is not None and not context.fragment_ids_this_run
