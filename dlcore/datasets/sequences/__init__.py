"""Sequences: rows whose numbers, or tokens, stand in an order. Generated from the seed, but for a real series and real digits."""

from __future__ import annotations

from dlcore.datasets.sequences.answers import CopyData, ReverseData
from dlcore.datasets.sequences.births import Births
from dlcore.datasets.sequences.numbers import AddingData, DigitRows, NoisySineData
from dlcore.datasets.sequences.symbols import AnBnData, BracketsData, ParityData, RecallData

Sequences = (
    RecallData | ParityData | BracketsData | AnBnData | AddingData | NoisySineData | CopyData | ReverseData | DigitRows | Births
)  # fmt: skip
