"""A script that draws a whole page pauses while another script draws a part of a page (a fragment), so that a moved slider answers sooner.

Python runs one thread at a time: two scripts that compute side by side both end about when the second would have ended in turn. A
part takes some 15 ms, a whole page ten times as long.
"""

from __future__ import annotations

import threading
import time
from typing import Any

from streamlit.runtime import app_session
from streamlit.runtime.scriptrunner import ScriptRunner
from streamlit.runtime.scriptrunner_utils.script_run_context import get_script_run_ctx

LONGEST = 0.1  # Seconds that a whole page waits for a part at one go.
MOST = 0.5  # Seconds that it waits in all.


class StandsAside(ScriptRunner):
    """Streamlit's runner of the scripts of one session. After each message to the browser, a whole page's script waits for parts."""

    no_part = threading.Event()
    no_part.set()
    clock = staticmethod(time.monotonic)
    _waited = 0.0

    def _run_script_thread(self) -> None:
        try:
            super()._run_script_thread()
        finally:
            _count(time.thread_time())  # The thread runs scripts only, and ends now.

    def _enqueue_forward_msg(self, msg: Any) -> None:
        super()._enqueue_forward_msg(msg)
        if not self.no_part.is_set() and self._waited < MOST and _is_a_whole_page():
            began = self.clock()
            self.no_part.wait(LONGEST)
            self._waited += self.clock() - began


_counting = threading.Lock()
_spent = 0.0


def _count(seconds: float) -> None:
    global _spent
    with _counting:
        _spent += seconds


def seconds_of_scripts() -> float:
    """Processor time that the scripts of all pages have taken so far."""
    return _spent


def install(no_part: threading.Event) -> None:
    """Let scripts that begin from now on wait while this event is not set."""
    StandsAside.no_part = no_part
    app_session.ScriptRunner = StandsAside  # type: ignore[misc]


def _is_a_whole_page() -> bool:
    context = get_script_run_ctx(suppress_warning=True)
    return context is not None and not context.fragment_ids_this_run
