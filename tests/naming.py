"""Recipes that may name layers which live in tests only."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Union

from pydantic import Field

from dlcore.experiment import Experiment
from dlcore.layers import Dense, Dropout, LayerComponent


@contextmanager
def recipes_may_name(*others: type[LayerComponent]) -> Iterator[None]:
    """Meanwhile the union of layers knows these as well."""
    field = Experiment.model_fields["layers"]
    union = field.annotation
    field.annotation = tuple[Annotated[Union[Dense, Dropout, *others], Field(discriminator="kind")], ...]
    Experiment.model_rebuild(force=True)
    try:
        yield
    finally:
        field.annotation = union
        Experiment.model_rebuild(force=True)
