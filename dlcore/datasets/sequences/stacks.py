"""Ready networks for sequences: each reads all steps and says one thing at the end, or something at each step."""

from __future__ import annotations

from typing import Any

from dlcore.datasets.fitting import Fitting

Layers = tuple[dict[str, Any], ...]
DIMENSIONS = 8  # of a token's vector
UNITS = 16


def recurrent(kind: str, tokens: bool, units: int = UNITS, returns: str = "last", forget_bias: float = 0.0) -> Layers:
    """A layer that reads step after step: "rnn", "gru" or "lstm"."""
    layer: dict[str, Any] = {"kind": kind, "units": units, "returns": returns}
    if forget_bias and kind == "lstm":
        layer["forget_bias"] = forget_bias
    return (*(_first(True, DIMENSIONS) if tokens else ()), layer)


def attention_block(tokens: bool, dimensions: int = UNITS, units: int = 2 * UNITS, each_step: bool = False) -> Layers:
    """One block of a transformer, without norms: steps that look at each other, then a layer of each step by itself."""
    last: Layers = () if each_step else ({"kind": "global_average_pool"},)
    return (
        *_first(tokens, dimensions),
        {"kind": "positions"},
        {"kind": "residual", "layers": [{"kind": "attention"}]},
        {"kind": "dense", "units": units, "activation": {"kind": "relu"}},
        *last,
    )


def _first(tokens: bool, dimensions: int) -> Layers:
    """What makes vectors of tokens; numbers are read as they are, or by attention as vectors, too."""
    if tokens:
        return ({"kind": "embedding", "dimensions": dimensions},)
    return ({"kind": "conv1d", "channels": dimensions, "kernel": 1, "activation": {"kind": "linear"}},)


def to_compare(tokens: bool, units: int = UNITS, each_step: bool = False, **fields: Any) -> dict[str, Fitting]:
    """An LSTM, a GRU, an RNN and a block of a transformer; `fields` are those of the fitting."""
    returns = "all" if each_step else "last"
    return {
        **{kind: Fitting(layers=recurrent(kind, tokens, units, returns), **fields) for kind in ("lstm", "gru", "rnn")},
        "attention_block": Fitting(layers=attention_block(tokens, each_step=each_step), **fields),
    }
