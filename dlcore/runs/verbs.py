"""Verbs: commands and questions to a run, by their names in messages."""

from __future__ import annotations

from typing import Any

from dlcore.runs.glance import glance
from dlcore.runs.run import Run
from dlcore.runs.standings import describe_acts
from dlcore.runs.weight import is_heavy
from dlcore.wire import Header

Answer = tuple[dict[str, Any], bytes]

#: What `answer` answers.
QUESTIONS = frozenset(
    ("checkpoint", "script", "history", "standing", "stand", "journal", "acts", "fork", "sound", "glance")
)


def obey(run: Run, do: str, header: Header, payload: bytes) -> dict[str, Any]:
    """Carry out a command; returns what is answered: the run's standing, unless the command has an answer of its own."""
    match do:
        case "play":
            run.play()
        case "pause":
            run.pause()
        case "step":
            run.step()
        case "reset":
            run.reset()
        case "speed":
            run.set_speed(header["value"])
        case "device":
            run.set_device(header["value"])
        case "change" if header.get("anew"):
            return run.open(header["recipe"], header["act"], header.get("target"))
        case "change":
            return run.change(header["recipe"], header.get("origins"), header.get("act", "change"))
        case "edit":
            return _edit(run, header["value"], "weighed" in header)
        case "set" | "freeze" | "silence":
            run.intervene(do, header["value"])
        case "undo":
            return run.undo()
        case "redo":
            return run.redo()
        case "jump":
            return run.jump(header.get("value"))
        case "leash":
            run.set_leash(header.get("value"))
        case "rewind":
            return run.rewind(header.get("value"))
        case "recover":
            return run.recover()
        case "load":
            run.load(payload)
            return run.stand
        case _:
            raise ValueError(f"unknown verb {do!r}")
    return standing(run)


def _edit(run: Run, action: dict[str, Any], weighed: bool) -> dict[str, Any]:
    """Edit the recipe. What would make the run heavy is not done at first: the answer is {"heavy": the recipe that it would have}, with
    which the pool finds a worker for the run, and the edit is asked for again, of the recipe as it is then.
    """
    edited = run.find_edit(action)
    if edited is None:
        return run.stand
    if not weighed and is_heavy(edited.experiment) and not is_heavy(run.learner.recipe):
        return {"heavy": edited.experiment.to_json()}
    return run.take_edit(edited)


def answer(run: Run, do: str, header: Header) -> Answer:
    """The answer to a question, which leaves the run as it is."""
    match do:
        case "checkpoint" | "script":
            return {}, run.file(do)
        case "history":
            return {}, run.history_csv(header.get("most"))
        case "journal":
            learner = run.learner
            entries = [entry.to_dict() for entry in learner.journal]
            return {"journal": entries, "recipe": learner.recipe.to_json()}, b""
        case "sound":
            return {"moment": run.timeline.newest_sound(run.learner, run.kind.sound)}, b""
        case "acts":
            return describe_acts(run, header.get("since", 0)), b""
        case "stand":
            return {**run.stand, "device": run.device, "example": run.example}, b""
        case "glance":
            return glance(run), b""
        case "fork":
            return run.fork(header.get("moment"))
    return {**standing(run), "interventions": bool(run.learner.journal)}, b""


def standing(run: Run) -> dict[str, Any]:
    """The run's status, step and epoch."""
    return {"status": run.status, "step": run.learner.step, "epoch": run.learner.epoch}
