"""What a page asks of its run in words: a worker answers in plain values, and the serving process writes them in the reader's language."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from dlcore.problems import Problem
from ui import assets, door, live
from ui.messages import find_language

MOST_ASKING = 100  # Pages that may wait for an answer; one thread writes them, so that a long one delays nothing else.

_writer = ThreadPoolExecutor(1, thread_name_prefix="writes in words")
_asking = 0


def routes(what: str, answer: Callable[[Request], Awaitable[Response]]) -> list[BaseRoute]:
    """The route of what is asked of a run, with and without the base path."""
    return [Route(f"{prefix}/api/live/{{token}}/{what}", answer) for prefix in dict.fromkeys(["", assets.base_path()])]


async def tell(request: Request, verb: str, write: Callable[[dict[str, Any], str], Any], **values: Any) -> Response:
    """Answer with what `write` makes of the worker's answer, in `?language=`; 204 for anyone but the run's owner, 503 if too many ask."""
    global _asking
    token, language = request.path_params["token"], find_language(request.query_params.get("language")) or "en"
    if _asking >= MOST_ASKING:
        return Response(status_code=503)
    _asking += 1
    try:
        live.pool().check_owner(token, door.owner_of(request.cookies))
        header, _ = await live.pool().call_async(token, verb, **values)
        written = await asyncio.get_running_loop().run_in_executor(_writer, write, header, language)
    except Problem:
        return Response(status_code=204)
    finally:
        _asking -= 1
    return JSONResponse(written, headers={"Cache-Control": "no-store"})
