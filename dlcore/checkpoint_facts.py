"""What stands beside the weights in a checkpoint's file: the recipe, names, and what was learned of the training rows to prepare others."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from dlcore.datasets.columns import CategoryColumn
from dlcore.datasets.preparation import (
    Preparation,
    Prepared,
    PreparedCategory,
    PreparedNumber,
    PreparedText,
    make_scaling,
)
from dlcore.datasets.table import TableData
from dlcore.datasets.texts import TextDataset
from dlcore.datasets.tokens import FIRST, is_token
from dlcore.experiment import MOST_EPOCHS, Experiment
from dlcore.problems import Problem, clean

FORMAT = "dlcore 1"


class _Number(BaseModel):
    """What was learned of a column of numbers in a table."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False, strict=True)

    fill: float
    shift: float
    divisor: float = Field(gt=0)
    factor: float = Field(gt=0)
    offset: float

    def fits(self, column: Any) -> bool:
        return not isinstance(column, CategoryColumn)

    def build(self) -> PreparedNumber:
        return PreparedNumber(self.fill, self.shift, self.divisor, self.factor, self.offset)


class _Category(BaseModel):
    """What was learned of a column of categories."""

    model_config = ConfigDict(extra="forbid", strict=True)

    fill: int | None = Field(ge=-1)
    seen: tuple[bool, ...]

    def fits(self, column: Any) -> bool:
        known = isinstance(column, CategoryColumn) and len(self.seen) == len(column.values)
        return known and (self.fill is None or self.fill < len(self.seen))

    def build(self) -> PreparedCategory:
        return PreparedCategory(self.seen, self.fill)


class Facts(BaseModel):
    """The metadata beside the recipe, as JSON values. Names that stand in the recipe are not said again."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False, strict=True)

    column_names: tuple[str, ...] = ()
    input_names: tuple[str, ...] = ()
    class_names: tuple[str, ...]
    input_mean: tuple[float, ...] = ()
    input_deviation: tuple[float, ...] = ()
    preparation: tuple[_Number | _Category, ...] = ()  # of a table's columns, in the place of mean and deviation
    vocabulary: tuple[str, ...] | None = None  # of texts: the tokens of the ids from 2 on
    target_mean: float
    target_deviation: float = Field(gt=0)
    step: int = Field(ge=0, le=2**53)
    epoch: int = Field(ge=0, le=MOST_EPOCHS)
    weights_of: int | None = Field(default=None, ge=0, le=MOST_EPOCHS)

    def fits(self, experiment: Experiment) -> bool:
        """Whether these can be the facts of a run of this recipe."""
        dataset = experiment.dataset
        names = (*self.column_names, *self.input_names, *self.class_names)
        columns, inputs = (0, 0) if dataset.column_names else (dataset.inputs, experiment.num_inputs)
        return (
            len(self.column_names) == len(set(self.column_names)) == columns
            and len(self.input_names) == inputs
            and len(self.class_names) == dataset.num_classes
            and all(name == clean(name) for name in names)
            and self._fits_inputs(experiment)
        )

    def _fits_inputs(self, experiment: Experiment) -> bool:
        dataset = experiment.dataset
        if (self.vocabulary is not None) != isinstance(dataset, TextDataset):
            return False
        match dataset:
            case TableData():
                return self._fits_table(dataset)
            case TextDataset():
                return self._fits_texts(dataset)
        return self._fits_numbers(experiment)

    def _fits_texts(self, dataset: TextDataset) -> bool:
        if self.input_mean or self.input_deviation or self.preparation or self.vocabulary is None:
            return False
        tokens = self.vocabulary
        fewest, most = 1, dataset.size - FIRST
        return (
            fewest <= len(tokens) <= most
            and len({*tokens}) == len(tokens)
            and all(is_token(token, dataset.tokens) for token in tokens)
        )

    def _fits_table(self, dataset: TableData) -> bool:
        if self.input_mean or self.input_deviation or len(self.preparation) != len(dataset.columns):
            return False
        return all(learned.fits(column) for learned, column in zip(self.preparation, dataset.columns, strict=True))

    def _fits_numbers(self, experiment: Experiment) -> bool:
        sizes = {len(self.input_mean), len(self.input_deviation)}
        scaled = any(self.input_mean) or any(deviation != 1 for deviation in self.input_deviation)
        return (
            not self.preparation
            and sizes == {experiment.num_inputs}
            and all(deviation > 0 for deviation in self.input_deviation)
            and not (scaled and experiment.input_features)  # Features are made of numbers on a common scale.
        )

    def scaling(self, experiment: Experiment) -> Preparation:
        features = experiment.input_features
        columns: tuple[Prepared, ...]
        if isinstance(experiment.dataset, TextDataset):
            assert self.vocabulary is not None
            columns = (PreparedText(self.vocabulary, experiment.dataset.tokens, experiment.dataset.length),)
        elif self.preparation:
            columns = tuple(learned.build() for learned in self.preparation)
        elif features:
            columns = (PreparedNumber(),) * experiment.dataset.num_columns
        else:
            columns = make_scaling(self.input_mean, self.input_deviation)
        return Preparation(columns, features, self.target_mean, self.target_deviation)


def preparation_facts(scaling: Preparation) -> list[dict[str, Any]]:
    """What was learned of each column of a table, as the metadata of a file have it."""
    return [asdict(column) for column in scaling.columns]


def shifts_of(scaling: Preparation) -> tuple[list[float], list[float]]:
    """Mean and deviation of each input, where all columns are numbers; of each feature 0 and 1."""
    if scaling.features:
        return [0.0] * len(scaling.features), [1.0] * len(scaling.features)
    numbers = [column for column in scaling.columns if isinstance(column, PreparedNumber)]
    return [column.shift for column in numbers], [column.divisor for column in numbers]


def read_metadata(metadata: object) -> tuple[Facts, Experiment]:
    if not isinstance(metadata, dict) or not all(isinstance(value, str) for value in metadata.values()):
        raise Problem("checkpoint_foreign")
    if metadata.get("format") != FORMAT or "recipe" not in metadata:
        raise Problem("checkpoint_foreign")
    experiment = Experiment.from_json(metadata["recipe"])
    try:
        values = {name: json.loads(metadata[name]) for name in Facts.model_fields if name in metadata}
        facts = Facts.model_validate_json(json.dumps(values))
    except ValidationError as error:
        raise Problem("checkpoint_metadata", name=str(next(iter(error.errors()[0]["loc"]), "names"))) from None
    except (ValueError, RecursionError):
        raise Problem("checkpoint_foreign") from None
    if not facts.fits(experiment):
        raise Problem("checkpoint_metadata", name="names or scaling")
    return facts, experiment
