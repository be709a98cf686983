"""What a person did to a run, by its name in the reader's language. The list from which one goes back asks for it."""

from __future__ import annotations

from functools import partial
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from dlcore.experiment import Experiment
from ui import telling
from ui.acts.words import write_act
from ui.messages import text


def routes() -> list[BaseRoute]:
    """Routes for `st.App`, beside those of the live channel."""
    return telling.routes("acts", answer_acts)


async def answer_acts(request: Request) -> Response:
    """Answer with the run's acts, in `?language=`, see `_write`; those up to `?since=` an id without their words."""
    since = request.query_params.get("since", "")
    return await telling.tell(request, "acts", _write, since=int(since) if since.isdecimal() and len(since) < 17 else 0)


def _write(header: dict[str, Any], language: str) -> dict[str, Any]:
    """{"position", "bare_start", "version", "acts": [{"id", "bare", "words"}]}, as `standings.describe_acts` says."""
    recipes = [Experiment.from_json(recipe) for recipe in header["recipes"]]
    say = partial(text, language)
    acts = [{name: act[name] for name in ("id", "bare")} | _words(act, recipes, say) for act in header["acts"]]
    return {**{name: header[name] for name in ("position", "bare_start", "version")}, "acts": acts}


def _words(act: dict[str, Any], recipes: list[Experiment], say: partial[str]) -> dict[str, str]:
    if "kind" not in act:
        return {}
    before, after = (recipes[number] for number in act["recipes"])
    what = write_act(act["kind"], act["target"], before, after, say)
    return {"words": say("act.at", what=what, epoch=f"{act['epoch']:,}")}
