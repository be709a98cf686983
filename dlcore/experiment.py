"""The recipe: one frozen value that says everything about a run. The same recipe gives the same numbers."""

from __future__ import annotations

import json
from functools import cache, cached_property
from typing import Any, ClassVar, Literal, get_args

from pydantic import ConfigDict, Field, ValidationError, create_model, field_validator, model_validator

from dlcore.class_weights import ClassWeights
from dlcore.component import Component, problem_of, validate
from dlcore.datasets import Dataset
from dlcore.datasets.toy import CircleData
from dlcore.initializers import GlorotUniform, Initializer
from dlcore.journal import LONGEST_JOURNAL, MOST_ENTRIES, Journal, check
from dlcore.layers import (
    Dense,
    Layer,
    LayerComponent,
    Output,
    Shape,
    Tokens,
    all_layers,
    reads_of,
)
from dlcore.losses import CrossEntropy, Loss
from dlcore.objectives import Coding, ObjectiveComponent
from dlcore.optimizers import Adam, Optimizer
from dlcore.plan import LayerPlan, all_plans, check_depth, plan_layers
from dlcore.problems import Problem
from dlcore.recipe import Recipe
from dlcore.regularizers import NoRegularizer, Regularizer
from dlcore.schedules import Constant, Schedule

Feature = Literal["x1", "x2", "x1_squared", "x2_squared", "x1_x2", "sin_x1", "sin_x2"]
FEATURES: tuple[str, ...] = get_args(Feature)

MOST_LAYERS = 12
MOST_PARAMETERS = 2_000_000
MOST_EPOCHS = 100_000
LONGEST_RECIPE = 200_000 + LONGEST_JOURNAL  # characters: as many drawn points as there may be, one number a line
FORWARD = 2  # operations for each parameter and row
PICTURE_POINTS = 100 * 100  # Points for which a picture computes the output and every neuron.
#: Fields that cannot be changed in a run that goes on, or that say nothing of how it is trained.
NOT_OF_THE_RUN = ("version", "sealed", "seed", "journal")


class Experiment(Recipe):
    """The recipe of supervised learning. Every field has a default: `Experiment()` is the default run (circle, 2-4-2-1, tanh)."""

    longest: ClassVar[int] = LONGEST_RECIPE

    version: Literal[1] = Field(default=1, description="Version of the recipe's form.")
    dataset: Dataset = Field(default=CircleData(), description="Where the rows come from.")
    features: tuple[Feature, ...] | None = Field(
        default=None,
        max_length=7,
        description="Inputs made from x1 and x2; only for data with these two. Default: x1 and x2.",
    )
    test_fraction: float = Field(default=0.5, ge=0.1, le=0.9, description="Share of the rows kept for testing.")
    validation_fraction: float = Field(
        default=0.0,
        ge=0,
        le=0.5,
        description="Share of the rows to watch while it learns, so that the test rows judge in the end only; 0 = none.",
    )
    sealed: bool = Field(
        default=False, description="Whether test scores stay closed until somebody opens them; needs validation rows."
    )
    layers: tuple[Layer, ...] = Field(
        default=(Dense(units=4), Dense(units=2)),
        max_length=MOST_LAYERS,
        description="Hidden layers, from input to output.",
    )
    loss: Loss = Field(default=CrossEntropy(), description="What is descended.")
    optimizer: Optimizer = Field(default=Adam(), description="How a gradient becomes a step.")
    schedule: Schedule = Field(default=Constant(), description="The learning rate over time.")
    regularizer: Regularizer = Field(default=NoRegularizer(), description="Price on large weights.")
    gradient_clip: float = Field(
        default=0.0, ge=0, le=1000, description="Largest norm of the gradient; 0 = no clipping."
    )
    early_stopping: int = Field(
        default=0,
        ge=0,
        le=10_000,
        description="Epochs without a better loss on the validation rows, or without such rows on the test rows, after which the run stops;"
        " 0 = off.",
    )
    batch_size: int = Field(
        default=10, ge=1, le=5000, description="Rows in a step; 1 = stochastic, all rows = batch descent."
    )
    seed: int = Field(default=0, ge=0, le=2**31 - 1, description="Where all randomness starts.")
    class_weights: ClassWeights = Field(
        default="none",
        description="How much a row counts in the loss, by its class. none: all the same; balanced: n / (K n_k) in class k, with n_k of the"
        " n training rows in K classes, so that a rare class counts as much as a frequent one. Reported losses are not weighted.",
    )
    journal: Journal = Field(
        default=(),
        max_length=MOST_ENTRIES,
        description="What was changed in the run while it went on, and at which steps: the recipe alone does not give such a run.",
    )
    restore_best: bool = Field(
        default=False,
        description="Whether the network in the end gets back its weights of the epoch with the lowest watched loss.",
    )

    @field_validator("journal", mode="after")
    @classmethod
    def _is_a_journal(cls, journal: Journal) -> Journal:
        check(journal)
        for number, entry in enumerate(journal):
            if entry.set is not None:
                _check_settings(entry.set, f"journal.{number}.set")
        return journal

    @model_validator(mode="after")
    def _fits_together(self) -> Experiment:
        _check_features(self)
        check_depth(self.layers)
        self.objective.check_loss(self.loss, self.dataset.kind)
        if self.class_weights != "none" and not self.objective.has_classes:
            raise Problem("class_weights_need_classes", dataset=self.dataset.kind)
        if not self.dataset.own_split:  # A data set with a split of its own has checked its rows.
            _check_rows(self)
        elif self.validation_fraction:
            raise Problem("validation_of_drawn")
        if self.sealed and not self.validation_rows:
            raise Problem("sealed_without_validation")
        if self.batch_size > self.train_rows:
            raise Problem("batch_larger_than_rows", rows=self.train_rows, came=self.batch_size)
        if self.objective.answers_each_step and (steps := self.plan()[-1].output_shape[0]) != self.dataset.shape[0]:
            raise Problem("output_needs_every_step", steps=self.dataset.shape[0], came=steps)
        if self.num_parameters > MOST_PARAMETERS:
            raise Problem("too_many_parameters", came=self.num_parameters, limit=MOST_PARAMETERS)
        return self

    def to_json(self, indent: int | None = None) -> str:
        """The recipe's text; `from_json` gives an equal experiment. A journal, which holds many numbers, has one line an entry."""
        values = self.to_dict()
        if indent is None or not values["journal"]:
            return json.dumps(values, indent=indent, ensure_ascii=False)
        entries = [json.dumps(entry, separators=(",", ":"), ensure_ascii=False) for entry in values["journal"]]
        margin = " " * indent
        values.pop("journal")  # It comes last, as what follows it would be hard to find.
        text = json.dumps({**values, "journal": []}, indent=indent, ensure_ascii=False).removesuffix("[]\n}")
        return text + "[\n" + ",\n".join(f"{2 * margin}{entry}" for entry in entries) + f"\n{margin}]\n}}"

    def without_journal(self) -> Experiment:
        return self.replace(journal=()) if self.journal else self

    def settings(self) -> dict[str, Any]:
        """The settings whose changes a journal records, as plain JSON values; features by their names."""
        values = self.to_dict()
        values["features"] = list(self.input_features) or None
        return {name: value for name, value in values.items() if name not in NOT_OF_THE_RUN}

    def same_start(self, other: Recipe) -> bool:
        return isinstance(other, Experiment) and not self.changed_start_fields(other)

    def changed_start_fields(self, other: Experiment) -> list[str]:
        """The fields whose change to `other` needs a fresh start: another seed, or data that ask something else."""
        before, after = self.dataset, other.dataset
        # Drawn points began as the points of the data set before.
        other_rows = after.kind not in (before.kind, "drawn")
        asked = (before.objective.kind, self.num_outputs, before.question)
        other_question = asked != (after.objective.kind, other.num_outputs, after.question)
        return ["seed"] * (self.seed != other.seed) + ["dataset"] * (other_rows or other_question)

    @property
    def input_features(self) -> tuple[str, ...]:
        """The features in use; empty for data that has none."""
        return (self.features or ("x1", "x2")) if self.dataset.surface == "plane" else ()

    @property
    def num_inputs(self) -> int:
        """Numbers in a row as the first layer sees it."""
        return len(self.input_features) or self.dataset.inputs

    @property
    def row_shape(self) -> Shape:
        """The shape of a row as the first layer reads it: as the data have it, or a list."""
        if self.dataset.vocabulary:
            return Tokens(self.dataset.inputs, self.dataset.vocabulary)
        return self.dataset.shape if self._reads == "shape" else (self.num_inputs,)

    @property
    def unflattens(self) -> bool:
        """Whether the network begins by giving its rows, which come as lists, their shape."""
        return len(self.row_shape) > 1

    @cached_property
    def _reads(self) -> Literal["shape", "list"]:
        return reads_of(self.layers)

    @property
    def objective(self) -> ObjectiveComponent:
        """What is asked of the outputs."""
        return self.dataset.objective

    @cached_property
    def coding(self) -> Coding:
        """How targets and outputs are coded for the loss."""
        return self.objective.coding(self.loss)

    @property
    def num_outputs(self) -> int:
        """Units of the output layer."""
        return self.objective.num_outputs

    @property
    def test_rows(self) -> int:
        """Rows kept for testing."""
        return self.dataset.test_rows(self.test_fraction)

    @property
    def validation_rows(self) -> int:
        """Rows watched in place of the test rows; 0 in a two-way split."""
        return self.dataset.validation_rows(self.validation_fraction)

    @property
    def train_rows(self) -> int:
        """Rows learned from."""
        return self.dataset.rows - self.test_rows - self.validation_rows

    @property
    def watched(self) -> Literal["test", "validation"]:
        """Which rows are watched while it learns: by them a run stops early and people choose."""
        return "validation" if self.validation_rows else "test"

    @property
    def steps_per_epoch(self) -> int:
        """Updates in an epoch; the last batch may be smaller."""
        return -(-self.train_rows // self.batch_size)

    @property
    def metric(self) -> str:
        """The metric that is shown: accuracy or r2."""
        return self.objective.metric.kind

    @property
    def output_initializer(self) -> Initializer:
        """How the output layer starts: as the last layer that draws its weights does."""
        drawn = [initializer for layer in all_layers(self.layers) for initializer in layer.starts().values()]
        return drawn[-1] if drawn else GlorotUniform()

    @cached_property
    def stack(self) -> tuple[LayerComponent, ...]:
        """All layers, the implied output layer last."""
        claim = self.coding.link.name
        return (
            *self.layers,
            Output(
                units=self.num_outputs,
                claim=claim,
                initializer=self.output_initializer,
                each_step=self.objective.answers_each_step,
            ),
        )

    def plan(self) -> tuple[LayerPlan, ...]:
        """Every layer with its shapes, the implied output layer last."""
        return self._plan

    @cached_property
    def _plan(self) -> tuple[LayerPlan, ...]:
        return plan_layers(self.stack, self.row_shape, ())

    @property
    def hidden_units(self) -> dict[str, int]:
        """{address: how many} of every layer that has units of its own, those inside of others too, but for the output layer."""
        return {plan.address: plan.units for plan in all_plans(self.plan()[:-1]) if plan.has_units}

    @property
    def num_parameters(self) -> int:
        """Weights and biases of the whole network."""
        return sum(layer.parameters for layer in self.plan())

    @property
    def most_operations(self) -> int:
        """Operations of a picture, for which all rows are judged too. A step costs three times as much a row, but has few rows."""
        return FORWARD * (PICTURE_POINTS + self.dataset.rows) * self.num_parameters

    def learning_rate(self, progress: float) -> float:
        """The optimizer's learning rate times the schedule's factor, at this time in epochs."""
        return self.optimizer.learning_rate * self.schedule.factor(progress)

    def check_readable(self) -> None:
        self.dataset.check_readable()

    def history_names(self, columns: tuple[str, ...]) -> tuple[str, ...]:
        """The columns as people call them: "test" means the watched rows, so with validation rows test_loss becomes validation_loss."""
        return tuple(column.replace("test_", f"{self.watched}_") for column in columns)


class _Settings(Component):
    """Some settings of a recipe; what is not given was not said, so that it need not be right."""

    model_config = ConfigDict(validate_default=False)


@cache
def _settings() -> type[Component]:
    """The fields of a recipe that a journal may set, bound as they are there."""
    fields: dict[str, Any] = {
        name: (field.annotation, field) for name, field in Experiment.model_fields.items() if name not in NOT_OF_THE_RUN
    }
    return create_model("Settings", __base__=_Settings, **fields)


def settings_of(values: dict[str, Any]) -> dict[str, Any]:
    """The settings of a journal's entry, as the components they are."""
    found = validate(_settings(), values)
    return {name: getattr(found, name) for name in values}


def _check_settings(values: dict[str, Any], path: str) -> None:
    """Raises Problem, with its path, for a setting that cannot have its value."""
    try:
        _settings().model_validate(values)
    except ValidationError as error:
        problem = problem_of(error)
        if "path" in problem.values:
            problem = Problem(problem.key, **{**problem.values, "path": f"{path}.{problem.values['path']}"})
        raise problem from None


def _check_rows(experiment: Experiment) -> None:
    """Every part needs two rows and one a class (there may be none left at all)."""
    least = max(2, experiment.dataset.num_classes)
    rows = {
        "train": experiment.train_rows,
        "test": experiment.test_rows,
        "classes": max(1, experiment.dataset.num_classes),
    }
    if experiment.validation_fraction and min(rows["train"], rows["test"], experiment.validation_rows) < least:
        raise Problem("too_few_rows_of_three", validation=experiment.validation_rows, **rows)
    if min(rows["train"], rows["test"]) < least:
        raise Problem("too_few_rows", **rows)


def _check_features(experiment: Experiment) -> None:
    features = experiment.features
    if features is None:
        return
    dataset = experiment.dataset
    if dataset.surface != "plane":
        raise Problem("features_need_plane", dataset=dataset.kind, inputs=dataset.inputs)
    if not features:
        raise Problem("features_empty")
    for feature in features:
        if features.count(feature) > 1:
            raise Problem("features_repeated", came=feature)
