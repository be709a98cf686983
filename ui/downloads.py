"""How the server answers a press for a file: each on a thread of its own, and what goes wrong is a sentence at the button.

Streamlit makes such files in the threads that all of the server shares (6 on two cores): a few reports that wait for a desk would
hold up every other file, and whatever else is left to a thread. Of what goes wrong it says that there is no file, and not why.
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

MOST = 600  # Files in the making at once: more than may wait for desks.

_log = logging.getLogger(__name__)
_slots = threading.BoundedSemaphore(MOST)


class NotMade(Exception):
    """There is no file. Its text says why, in the reader's language."""


def install() -> None:
    """Let the sessions that begin from now on make their files so."""
    app_session.DeferredFileHandler = OwnThreads  # type: ignore[misc]


class OwnThreads(DeferredFileHandler):
    """Answers when the file is there, or when it is known that there is none."""

    async def handle(self, request: Any, session_id: str) -> BackendOperationResponse:
        """Streamlit's contract: the address of the file, or what to say at the button."""
        answer = BackendOperationResponse(request_id=request.request_id)
        try:
            file = begin(self._get_media_file_mgr().execute_deferred, request.deferred_file.file_id)
            answer.deferred_file.CopyFrom(DeferredFileResponsePayload(url=await asyncio.wrap_future(file)))
        except Exception as error:
            answer.error_msg = _explain(error, session_id)
        return answer


def begin(make: Callable[[str], str], file_id: str) -> Future[str]:
    """What this will return, once it has; made on a thread of its own. Raises Problem when there are too many."""
    future: Future[str] = Future()
    future.set_running_or_notify_cancel()  # What was begun is not taken back.
    context = copy_context()

    def run() -> None:
        try:
            url = context.run(make, file_id)
        except BaseException as error:
            _slots.release()  # Before the answer: whoever has it may press again.
            future.set_exception(error)
        else:
            _slots.release()
            future.set_result(url)

    if not _slots.acquire(blocking=False):
        raise Problem("downloads_full", limit=MOST)
    try:
        threading.Thread(target=run, name="download", daemon=True).start()
    except RuntimeError:  # The system has no thread left.
        _slots.release()
        raise Problem("downloads_full", limit=MOST) from None
    return future


def _explain(error: Exception, session_id: str) -> str:
    """Why there is no file."""
    if isinstance(error.__cause__, NotMade):
        return str(error.__cause__)
    if not isinstance(error, Problem):
        _log.log(logging.WARNING, "There is no file at this button any more: %s", error)
        error = Problem("download_stale")
    return messages.sentence(_find_language(session_id), error)


def _find_language(session_id: str) -> str:
    """The browser's: what its page speaks, the session alone knows."""
    client = runtime.get_instance().get_client(session_id) if runtime.exists() else None
    headers = () if client is None or client.client_context is None else client.client_context.headers
    wish = next((value for name, value in headers if name.lower() == "accept-language"), "")
    return messages.find_language(wish) or "en"
