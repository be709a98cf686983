"""Recurrent layers: a state that is carried from step to step.  B rows of a batch, T steps, D features, K units.

Names and order of the gates are torch's: i, f, g, o of an LSTM, r, z, n of a GRU.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pydantic import Field

from dlcore.layers.base import SEQUENCE, Axis, LayerComponent, Shape, Words

if TYPE_CHECKING:
    import torch
    from torch import nn

MOST_UNITS_IN_TIME = 128


class Recurrent(LayerComponent):
    """What all recurrent layers have."""

    units: int = Field(default=16, ge=1, le=MOST_UNITS_IN_TIME, description="Numbers in the state, in each direction.")
    returns: Literal["last", "all"] = Field(
        default="last", description="The state after the last step, or the states after all steps."
    )
    bidirectional: bool = Field(default=False, description="Whether a second one reads the steps from the end.")

    gates: ClassVar[int]  # Sums that a unit forms at each step.
    module: ClassVar[str]  # Its class among sequence_modules.

    example_shapes: ClassVar[tuple[Shape, ...]] = ((5, 1), (6, 3))
    reads: ClassVar[Literal["shape", "list", "either"]] = "shape"
    has_units: ClassVar[bool] = True
    width: ClassVar[str] = "units"
    most_units: ClassVar[int] = MOST_UNITS_IN_TIME

    def output_shape(self, input_shape: Shape) -> Shape:
        if len(input_shape) != SEQUENCE:
            self.refuse("layer_needs_sequence", input_shape)
        units = self.units * self._directions
        return (units,) if self.returns == "last" else (input_shape[0], units)

    def num_parameters(self, input_shape: Shape) -> int:
        return self._directions * self.gates * self.units * (input_shape[1] + self.units + 2)

    def build(self, input_shape: Shape, generator: torch.Generator, device: str) -> list[nn.Module]:
        """[subclass of torch's own]; (B, T, D) -> (B, K) or (B, T, K)."""
        from dlcore.engines import sequence_modules
        from dlcore.engines.building import allocate

        module = getattr(sequence_modules, self.module)(input_shape[1], **self._settings, device="meta")
        allocate(module, device, lambda: module.begin(generator))
        return [module]

    def script_modules(self, input_shape: Shape) -> list[str]:
        settings = ", ".join(f"{name}={value!r}" for name, value in self._settings.items())
        return [f"{self.module}({input_shape[1]}, {settings})"]

    def script_classes(self) -> list[type]:
        from dlcore.engines import sequence_modules

        return [getattr(sequence_modules, self.module)]

    @property
    def fills_itself(self) -> bool:
        return True

    def in_words(self, words: Words) -> str:
        key = f"report.recurrent_both.{self.returns}" if self.bidirectional else f"report.recurrent.{self.returns}"
        return words(key, units=self.units)

    @property
    def number(self) -> float:
        return self.units

    @property
    def _directions(self) -> int:
        return 2 if self.bidirectional else 1

    @property
    def _settings(self) -> dict[str, Any]:
        """Arguments of its module after the number of features."""
        return {"units": self.units, "returns": self.returns, "bidirectional": self.bidirectional}


def _axes(gates: int) -> dict[str, tuple[Axis, ...]]:
    """Of one direction: with two, the layer is kept whole or not at all."""
    units: Axis = (gates, "units") if gates > 1 else "units"
    return {
        "0.weight_ih_l0": (units, "sources"),
        "0.weight_hh_l0": (units, "units"),
        "0.bias_ih_l0": (units,),
        "0.bias_hh_l0": (units,),
    }


class RNN(Recurrent):
    """h_t = tanh(W x_t + U h_{t-1} + b): the state is mixed anew at each step (Elman, 1990)."""

    kind: Literal["rnn"] = "rnn"
    title: ClassVar[str] = "RNN"
    gates: ClassVar[int] = 1
    module: ClassVar[str] = "StepsRNN"
    axes: ClassVar[dict[str, tuple[Axis, ...]]] = _axes(1)


class LSTM(Recurrent):
    """c_t = f * c_{t-1} + i * g, h_t = o * tanh(c_t): gates say what is kept, written and shown (Hochreiter and Schmidhuber, 1997)."""

    kind: Literal["lstm"] = "lstm"
    title: ClassVar[str] = "LSTM"
    forget_bias: float = Field(
        default=0.0, ge=0, le=10, description="Where the forget gate's bias starts: with more, it forgets more slowly."
    )
    gates: ClassVar[int] = 4
    module: ClassVar[str] = "StepsLSTM"
    axes: ClassVar[dict[str, tuple[Axis, ...]]] = _axes(4)

    @property
    def _settings(self) -> dict[str, Any]:
        return {**super()._settings, "forget_bias": self.forget_bias}


class GRU(Recurrent):
    """h_t = (1 - z) * n + z * h_{t-1}: an LSTM with two gates and one state (Cho et al., 2014)."""

    kind: Literal["gru"] = "gru"
    title: ClassVar[str] = "GRU"
    gates: ClassVar[int] = 3
    module: ClassVar[str] = "StepsGRU"
    axes: ClassVar[dict[str, tuple[Axis, ...]]] = _axes(3)
