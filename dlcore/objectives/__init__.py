"""Objectives: what is asked of the outputs of a network, one file each."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from dlcore.objectives.base import Coding, ObjectiveComponent
from dlcore.objectives.classes import Classes, objective_of_classes
from dlcore.objectives.numbers import Numbers
from dlcore.objectives.tokens import TokenAnswers, objective_of_tokens

__all__ = [
    "Classes",
    "Coding",
    "Numbers",
    "Objective",
    "ObjectiveComponent",
    "TokenAnswers",
    "objective_of_classes",
    "objective_of_tokens",
]

Objective = Annotated[Classes | Numbers | TokenAnswers, Field(discriminator="kind")]
