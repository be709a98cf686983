"""Makes each file behind a download button in a thread of its own, and shows at the button why one could not be made.

Streamlit makes such files in the few threads that the whole server shares (6 on two cores): some reports that wait for a desk would
hold up every other file and whatever else uses these threads. If one fails, it only says that there is no file.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable
from concurrent.futures import Future
from contextvars import copy_context
from typing import Any

from streamlit import runtime
from streamlit.proto.ForwardMsg_pb2 import BackendOperationResponse, DeferredFileResponsePayload
from streamlit.runtime import app_session
from streamlit.runtime.backend_operation_handler import DeferredFileHandler

from dlcore.problems import Problem
from ui import messages

MOST = 600  # Files being made at once; more than may wait for desks.

_log = logging.getLogger(__name__)
_slots = threading.BoundedSemaphore(MOST)


class NotMade(Exception):
    """The file could not be made. The text says why, in the reader's language."""


def install() -> None:
    """Replace Streamlit's handler for the sessions that begin from now on."""
    app_session.DeferredFileHandler = OwnThreads  # type: ignore[misc]


class OwnThreads(DeferredFileHandler):
    """Answers a press on a download button once the file is made or has failed."""

    async def handle(self, request: Any, session_id: str) -> BackendOperationResponse:
        """Answer with the file's address, or the sentence to show at the button."""
        answer = BackendOperationResponse(request_id=request.request_id)
        try:
            file = begin(self._get_media_file_mgr().execute_deferred, request.deferred_file.file_id)
            answer.deferred_file.CopyFrom(DeferredFileResponsePayload(url=await asyncio.wrap_future(file)))
        except Exception as error:
            answer.error_msg = _explain(error, session_id)
        return answer


def begin(make: Callable[[str], str], file_id: str) -> Future[str]:
    """Call `make(file_id)` in a new thread; a future of its result. Raises Problem if too many files are being made."""
    future: Future[str] = Future()
    future.set_running_or_notify_cancel()  # A thread cannot be stopped, so the future is not to be cancelled.
    context = copy_context()

    def run() -> None:
        try:
            url = context.run(make, file_id)
        except BaseException as error:
            _slots.release()  # Before the result is set: after that another file may be asked for at once.
            future.set_exception(error)
        else:
            _slots.release()
            future.set_result(url)

    if not _slots.acquire(blocking=False):
        raise Problem("downloads_full", limit=MOST)
    try:
        threading.Thread(target=run, name="download", daemon=True).start()
    except RuntimeError:  # No further thread can be started.
        _slots.release()
        raise Problem("downloads_full", limit=MOST) from None
    return future


def _explain(error: Exception, session_id: str) -> str:
    """The sentence that says why the file could not be made."""
    if isinstance(error.__cause__, NotMade):
        return str(error.__cause__)
    if not isinstance(error, Problem):
        _log.log(logging.WARNING, "There is no file at this button any more: %s", error)
        error = Problem("download_stale")
    return messages.sentence(_find_language(session_id), error)


def _find_language(session_id: str) -> str:
    """The language that the browser asks for; the page may show another one, but only the session's script knows that."""
    client = runtime.get_instance().get_client(session_id) if runtime.exists() else None
    headers = () if client is None or client.client_context is None else client.client_context.headers
    wish = next((value for name, value in headers if name.lower() == "accept-language"), "")
    return messages.find_language(wish) or "en"
