"""Objectives: what is asked of the outputs of a network, one file each."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from dlcore.objectives.base import Coding, ObjectiveComponent
from dlcore.objectives.classes import Classes, objective_of_classes
from dlcore.objectives.numbers import Numbers

__all__ = ["Classes", "Coding", "Numbers", "Objective", "ObjectiveComponent", "objective_of_classes"]

Objective = Annotated[Classes | Numbers, Field(discriminator="kind")]
