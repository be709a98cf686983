"""Layers: what a network is stacked from. A new one is a class in a file here, its name in the union (in branches.py), and its texts."""

from __future__ import annotations

from dlcore.layers.attention import Attention, Positions
from dlcore.layers.base import (
    LIST,
    MOST_UNITS,
    PICTURE,
    SEQUENCE,
    LayerComponent,
    Shape,
    Tokens,
    Words,
    activation_in_words,
    all_layers,
    build_stack,
    reads_of,
    shape_in_words,
    shapes_through,
    unit_axis,
    values_of,
)
from dlcore.layers.branches import Layer, Parallel, Residual
from dlcore.layers.convolution import Conv1d, Conv2d
from dlcore.layers.dense import Dense, Output
from dlcore.layers.dropout import Dropout
from dlcore.layers.embedding import Embedding
from dlcore.layers.flatten import Flatten
from dlcore.layers.normalization import BatchNorm, LayerNorm
from dlcore.layers.pooling import AveragePool, GlobalAveragePool, MaxPool
from dlcore.layers.recurrent import GRU, LSTM, RNN

__all__ = [
    "GRU",
    "LIST",
    "LSTM",
    "MOST_UNITS",
    "PICTURE",
    "RNN",
    "SEQUENCE",
    "Attention",
    "AveragePool",
    "BatchNorm",
    "Conv1d",
    "Conv2d",
    "Dense",
    "Dropout",
    "Embedding",
    "Flatten",
    "GlobalAveragePool",
    "Layer",
    "LayerComponent",
    "LayerNorm",
    "MaxPool",
    "Output",
    "Parallel",
    "Positions",
    "Residual",
    "Shape",
    "Tokens",
    "Words",
    "activation_in_words",
    "all_layers",
    "build_stack",
    "reads_of",
    "shape_in_words",
    "shapes_through",
    "unit_axis",
    "values_of",
]  # fmt: skip
