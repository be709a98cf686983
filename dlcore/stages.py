"""The stages of a network: every layer in its place, with its modules and tensors; and the one way of a batch through them.

Stages form a tree, for a layer may hold layers. Whoever looks inside a network (pictures, looks, what-if) asks `Network.forward`, which
gives the values after each stage in turn, so that nobody else knows what a layer is made of. The compiled kernels do the same for dense
stacks, faster; tests hold them to it.

B rows of a batch. A stage is named by its address (see LayerPlan), a tensor by its name in the plain nn.Sequential.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING

import torch
from torch import nn

from dlcore.engines.modules import with_column_linears
from dlcore.layers import LayerComponent, unit_axis
from dlcore.network import build_model

if TYPE_CHECKING:
    from dlcore.experiment import Experiment
    from dlcore.plan import LayerPlan

Marks = Mapping[str, torch.Tensor]  # {address: which units of a stage, (units,) bool}


@dataclass(frozen=True)
class TensorFacts:
    """What a tensor of a network is: a parameter, which is learned, or a buffer, which a layer keeps for itself."""

    shape: tuple[int, ...]
    dtype: torch.dtype
    learned: bool


@dataclass(frozen=True)
class Stage:
    """A layer in its place, the names of its modules in the network, and its tensors (those of its branches are in `branches`)."""

    plan: LayerPlan
    layer: LayerComponent
    modules: tuple[str, ...]
    tensors: Mapping[str, TensorFacts]
    branches: tuple[tuple[Stage, ...], ...] = ()

    @cached_property
    def address(self) -> str:
        """The path of its layer, as text."""
        return self.plan.address

    @property
    def inside(self) -> bool:
        """Whether it stands inside another layer."""
        return len(self.plan.path) > 1

    @property
    def connections(self) -> tuple[str, str] | None:
        """The names of the weight (units, inputs) and the bias (units,) by which its units weigh what comes in; None for none."""
        if self.layer.connections is None:
            return None
        weight, bias = self.layer.connections
        return self._name_tensor(weight), self._name_tensor(bias)

    def _name_tensor(self, tensor: str) -> str:
        """The name in the network of a tensor that its layer names, as "0.weight" is the weight of its first module."""
        module, _, own = tensor.partition(".")
        return f"{self.modules[int(module)]}.{own}"

    def without(self, units: torch.Tensor, values: torch.Tensor) -> torch.Tensor:
        """Its values (B, *output_shape) with 0 for these units (units,), whatever they were: infinity times 0 would be no number."""
        shape = [1] * values.dim()
        shape[1 + unit_axis(self.plan.output_shape)] = -1
        return values.masked_fill(units.view(shape), 0.0)

    def by_unit(self, values: torch.Tensor) -> torch.Tensor:
        """(B, units): its values; of a unit that has several, their mean."""
        return (
            values if values.dim() == 2 else values.movedim(1 + unit_axis(self.plan.output_shape), 1).flatten(2).mean(2)
        )


def stages_of(experiment: Experiment) -> tuple[Stage, ...]:
    """The stages of this recipe, from input to output, the implied output layer last."""
    return _stages(experiment.stack, experiment.plan(), int(experiment.unflattens))


@lru_cache(maxsize=32)
def _stages(stack: tuple[LayerComponent, ...], plans: tuple[LayerPlan, ...], first: int) -> tuple[Stage, ...]:
    return _place_stages(stack, plans, "", first)


def _place_stages(
    layers: Sequence[LayerComponent], plans: Sequence[LayerPlan], prefix: str, first: int = 0
) -> tuple[Stage, ...]:
    """The stages of layers that follow one another in an nn.Sequential whose names begin with `prefix`, from its module `first` on."""
    stages: list[Stage] = []
    for layer, plan in zip(layers, plans, strict=True):
        modules = layer.build(plan.input_shape, torch.Generator(), "meta")  # Nothing is allocated, however large.
        names = [f"{prefix}{first + place}" for place in range(len(modules))]
        first += len(modules)
        branches = tuple(
            _place_stages(branch, inner, f"{names[0]}.{name}." if name else f"{names[0]}.")
            for (name, branch), inner in zip(layer.inner.items(), plan.branches, strict=True)
        )
        theirs = {name for branch in branches for stage in all_stages(branch) for name in stage.tensors}
        own = {
            f"{name}.{tensor}": facts
            for name, module in zip(names, modules, strict=True)
            for tensor, facts in _tensor_facts(module).items()
            if f"{name}.{tensor}" not in theirs
        }
        stages.append(Stage(plan, layer, tuple(names), own, branches))
    return tuple(stages)


def _tensor_facts(module: nn.Module) -> dict[str, TensorFacts]:
    """{name: what it is} of all that a module keeps in its state_dict."""
    learned = {name for name, _ in module.named_parameters()}
    return {
        name: TensorFacts(tuple(value.shape), value.dtype, name in learned)
        for name, value in module.state_dict().items()
    }


def tensors_of(experiment: Experiment) -> dict[str, TensorFacts]:
    """{name: what it is} of every tensor of the network; nothing is allocated, however large."""
    return {name: facts for stage in all_stages(stages_of(experiment)) for name, facts in stage.tensors.items()}


def all_stages(stages: Iterable[Stage]) -> Iterator[Stage]:
    """These stages and all stages inside them; each comes before those that it holds."""
    for stage in stages:
        yield stage
        for branch in stage.branches:
            yield from all_stages(branch)


def stages_as_passed(stages: Iterable[Stage]) -> Iterator[Stage]:
    """These stages and all stages inside them, in the order in which a batch passes them: each comes after those that it holds."""
    for stage in stages:
        for branch in stage.branches:
            yield from stages_as_passed(branch)
        yield stage


class Network:
    """The stages of a recipe and the modules that they run on: those of `model`, or modules of its own, in eval mode."""

    def __init__(self, experiment: Experiment, model: nn.Module | None = None) -> None:
        self.stages = stages_of(experiment)
        self._row_shape = experiment.row_shape
        found = model or with_column_linears(build_model(experiment)).eval().requires_grad_(False)
        self._tensors = found.state_dict(keep_vars=True)
        self._steps = {}
        for stage in all_stages(self.stages):
            modules = [found.get_submodule(name) for name in stage.modules]
            # Its own modules have no hooks, so `forward` is called directly: looking for hooks takes as long as a small layer.
            self._steps[stage.address] = [module.forward if model is None else module for module in modules]

    @property
    def tensors(self) -> tuple[str, ...]:
        """The names of its tensors, as the state of its modules has them."""
        return tuple(self._tensors)

    def with_tensors(self, tensors: Mapping[str, torch.Tensor]) -> Network:
        """This network with these numbers: all its tensors by name, which are not copied."""
        for name, own in self._tensors.items():
            own.data = tensors[name]
        return self

    def forward(
        self, values: torch.Tensor, silenced: Marks | None = None
    ) -> Generator[tuple[Stage, torch.Tensor], None, torch.Tensor]:
        """The values (B, *output_shape) after each stage, those inside of one before its own; plain sums of the output layer last.

        Units in `silenced` count as 0 from there on. Whether dropout drops depends on the modules' mode. What is handed out is not
        copied: it must not be written to.
        """
        return self._through(
            self.stages, values.unflatten(1, self._row_shape) if len(self._row_shape) > 1 else values, silenced or {}
        )

    @cached_property
    def connections(self) -> dict[str, tuple[str, str]]:
        """{address: names of weight and bias} of each stage whose units weigh what comes in, in the order of `forward`."""
        passed = stages_as_passed(self.stages)
        return {stage.address: stage.connections for stage in passed if stage.connections is not None}

    @cached_property
    def with_units(self) -> tuple[Stage, ...]:
        """The stages that have units, in the order of `forward`: the output layer is the last."""
        return tuple(stage for stage in stages_as_passed(self.stages) if stage.plan.has_units)

    def _through(
        self, stages: Sequence[Stage], values: torch.Tensor, silenced: Marks
    ) -> Generator[tuple[Stage, torch.Tensor], None, torch.Tensor]:
        for stage in stages:
            if stage.branches:
                outputs = []
                for branch in stage.branches:
                    outputs.append((yield from self._through(branch, values, silenced)))
                values = stage.layer.join_outputs(values, outputs)
            else:
                for step in self._steps[stage.address]:
                    values = step(values)
            if silenced and (units := silenced.get(stage.address)) is not None:
                values = stage.without(units, values)
            yield stage, values
        return values
