"""The recipe or the checkpoint in a file becomes the present run's."""

from __future__ import annotations

from dlcore.experiment import Experiment
from ui import live, messages, opening
from ui.session.standing import send, stand_on
from ui.session.state import current


def load(name: str, content: bytes) -> None:
    """Load a recipe or a checkpoint from a file. Raises Problem, and changes nothing, if the file is not valid."""
    session = current()
    if name.lower().endswith(".json"):
        experiment, told = opening.start_without_journal(Experiment.from_json(content))
        send(experiment, act="recipe")
        if told is not None:
            session.notices.append(messages.sentence(session.language, told))
    else:
        header, _ = live.pool().call(session.token, "load", content)  # type: ignore[arg-type]
        stand_on(session.token, Experiment.from_json(header["recipe"]))  # type: ignore[arg-type]
