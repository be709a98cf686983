"""Sequences of symbols that belong to a class.  N rows, T steps."""

from __future__ import annotations

from collections.abc import Container
from functools import partial
from math import comb
from typing import Any, ClassVar, Literal

import numpy as np
from pydantic import Field

from dlcore.datasets.fitting import Fitting
from dlcore.datasets.rules import Rows
from dlcore.datasets.sequences.base import LETTERS, TokenData, distinct
from dlcore.datasets.sequences.stacks import recurrent
from dlcore.objectives import Classes, ObjectiveComponent, objective_of_classes


def recall(samples: int, length: int, symbols: int, generator: np.random.Generator) -> Rows:
    y = np.arange(samples) % symbols
    X = np.empty((samples, length))
    for label in range(symbols):
        # All rows of a class begin with the same symbol, so that rows of two classes differ.
        rest = distinct(int((y == label).sum()), lambda count: generator.integers(symbols, size=(count, length - 1)))
        X[y == label, 0], X[y == label, 1:] = label, rest
    return X + 2, y


def parity(samples: int, length: int, generator: np.random.Generator) -> Rows:
    X, y = np.empty((samples, length)), np.arange(samples) % 2
    for label in (0, 1):
        X[y == label] = distinct(int((y == label).sum()), partial(bits, label, length=length, generator=generator))
    return X, y


def bits(label: int, count: int, length: int, generator: np.random.Generator) -> np.ndarray:
    """(count, length): 2 for 0 and 3 for 1, from two of them to `length`, with an even or an odd number of ones."""
    number = generator.integers(2, length + 1, size=(count, 1))
    drawn = generator.integers(2, size=(count, length)) * (np.arange(length) >= length - number)
    drawn[:, -1] = (drawn[:, :-1].sum(axis=1) + label) % 2
    return np.where(np.arange(length) >= length - number, drawn + 2, 0)


def brackets(samples: int, length: int, kinds: int, generator: np.random.Generator) -> Rows:
    X, y = np.zeros((samples, length)), np.arange(samples) % 2
    words: dict[tuple[int, ...], None] = {}
    while len(words) < samples:
        word = balanced_word(int(generator.integers(2, length // 2 + 1)), kinds, generator)
        if word not in words:
            # As many of every symbol as in a word that is balanced: neither length nor counts tell the class.
            words[spoiled_word(word, words, generator)] = words[word] = None
    for row, word in zip(X, words, strict=False):
        row[length - len(word) :] = np.array(word) + 2
    return X, y


def balanced_word(pairs: int, kinds: int, generator: np.random.Generator) -> tuple[int, ...]:
    """2 * pairs brackets, each closed by one of its kind: 2k opens kind k, 2k + 1 closes it (Arnold and Sleep, 1980)."""
    word: list[int] = []
    is_open: list[int] = []
    for left in range(2 * pairs, 0, -1):
        height = len(is_open)
        # The share of the words that go on with an opening bracket, so that all words of this length are equally likely.
        if generator.random() < (height + 2) * (left - height) / (2 * left * (height + 1)):
            is_open.append(int(generator.integers(kinds)))
            word.append(2 * is_open[-1])
        else:
            word.append(2 * is_open.pop() + 1)
    return tuple(word)


def spoiled_word(
    word: tuple[int, ...], known: Container[tuple[int, ...]], generator: np.random.Generator
) -> tuple[int, ...]:
    """The same brackets in an order that is not balanced and not known: two of them swapped, or after many trials all of them."""
    trials = 0
    while True:
        order = np.arange(len(word))
        one, other = generator.integers(len(word), size=2)
        order[[one, other]] = other, one
        if trials > 50:
            order = generator.permutation(len(word))
        spoiled = tuple(word[place] for place in order)
        if spoiled not in known and not is_balanced(spoiled):
            return spoiled
        trials += 1


def is_balanced(word: tuple[int, ...]) -> bool:
    """Whether each bracket is closed by one of its kind."""
    is_open: list[int] = []
    for symbol in word:
        if symbol % 2 == 0:
            is_open.append(symbol)
        elif not is_open or is_open.pop() != symbol - 1:
            return False
    return not is_open


def anbn(samples: int, length: int, others: int, generator: np.random.Generator) -> Rows:
    words: dict[tuple[int, ...], None] = {}
    while len(words) < samples:
        n = int(generator.integers(2, length // 2 + 1))
        # As long as the right one, so that its length tells nothing: one too many, one too few, or two that have changed places.
        nearly = [
            [0] * (n + 1) + [1] * (n - 1),
            [0] * (n - 1) + [1] * (n + 1),
            [0] * (n - 1) + [1, 0] + [1] * (n - 1),
        ]
        counted = [0] * n + [1] * n if len(words) % 2 == 1 else nearly[generator.integers(3)]
        row = generator.integers(2, 2 + others, size=length)
        row[np.sort(generator.choice(length, 2 * n, replace=False))] = counted
        words[tuple(row.tolist())] = None
    return np.array(list(words)) + 2.0, np.arange(samples) % 2


class RecallData(TokenData):
    """The class is the first symbol; all later ones mean nothing: how far back does a network remember? (Hochreiter, 1991)"""

    kind: Literal["recall"] = "recall"
    title: ClassVar[str] = "Recall the first"
    rule = staticmethod(recall)
    # With the usual start, which forgets half at each step, it learns ten symbols back, not twenty.
    tried: ClassVar[Fitting | None] = Fitting(layers=recurrent("lstm", tokens=True, forget_bias=2.0))
    length: int = Field(default=16, ge=4, le=64, description="Number of symbols in a sequence.")
    symbols: int = Field(default=4, ge=2, le=10, description="How many different symbols there are, one class each.")

    @property
    def objective(self) -> Classes:  # type: ignore[override]
        return objective_of_classes(self.symbols)

    @property
    def symbol_names(self) -> tuple[str, ...]:
        return tuple(LETTERS[: self.symbols])

    @property
    def class_names(self) -> tuple[str, ...]:
        return self.symbol_names

    @property
    def possible(self) -> int:
        return self.symbols**self.length

    def rule_arguments(self) -> dict[str, Any]:
        return {"samples": self.rows, "length": self.length, "symbols": self.symbols}


class TwoClasses(TokenData):
    """Sequences that have a property or not."""

    objective: ClassVar[ObjectiveComponent] = objective_of_classes(2)


class ParityData(TwoClasses):
    """Is the number of ones odd? Each bit changes the class, so every step counts; short rows teach it first (Minsky and Papert, 1969)."""

    kind: Literal["parity"] = "parity"
    title: ClassVar[str] = "Parity"
    rule = staticmethod(parity)
    length: int = Field(default=10, ge=4, le=64, description="Most bits in a sequence; shorter ones are padded.")

    @property
    def symbol_names(self) -> tuple[str, ...]:
        return ("0", "1")

    @property
    def class_names(self) -> tuple[str, ...]:
        return ("even", "odd")

    @property
    def possible(self) -> int:
        return 2 ** (self.length + 1) - 4

    def rule_arguments(self) -> dict[str, Any]:
        return {"samples": self.rows, "length": self.length}


class BracketsData(TwoClasses):
    """Is every bracket closed by one of its kind? In class 0 the same brackets stand in another order (Dyck words; Chomsky, 1959)."""

    kind: Literal["brackets"] = "brackets"
    title: ClassVar[str] = "Brackets"
    rule = staticmethod(brackets)
    length: int = Field(default=16, ge=8, le=64, description="Most brackets in a sequence; shorter ones are padded.")
    kinds: int = Field(default=1, ge=1, le=3, description="How many kinds of brackets there are: (), [] and {}.")

    @property
    def symbol_names(self) -> tuple[str, ...]:
        return tuple("()[]{}"[: 2 * self.kinds])

    @property
    def class_names(self) -> tuple[str, ...]:
        return ("not balanced", "balanced")

    @property
    def possible(self) -> int:
        # As many rows as there are balanced words: half of them are used, so that new ones are found soon.
        return sum(comb(2 * n, n) // (n + 1) * self.kinds**n for n in range(2, self.length // 2 + 1))

    def rule_arguments(self) -> dict[str, Any]:
        return {"samples": self.rows, "length": self.length, "kinds": self.kinds}


class AnBnData(TwoClasses):
    """a n times, then b as often, others between them that do not count? In class 0 nearly so (Gers and Schmidhuber, 2001)."""

    kind: Literal["anbn"] = "anbn"
    title: ClassVar[str] = "aⁿbⁿ"
    rule = staticmethod(anbn)
    length: int = Field(default=12, ge=8, le=64, description="Number of symbols in a sequence.")
    others: int = Field(
        default=1, ge=1, le=8, description="How many symbols there are beside a and b; they do not count."
    )

    @property
    def symbol_names(self) -> tuple[str, ...]:
        return tuple(LETTERS[: 2 + self.others])

    @property
    def class_names(self) -> tuple[str, ...]:
        return ("nearly", "aⁿbⁿ")

    @property
    def possible(self) -> int:
        # As many rows as there are right ones: half of them are used, so that new ones are found soon.
        halves = range(2, self.length // 2 + 1)
        return sum(comb(self.length, 2 * n) * self.others ** (self.length - 2 * n) for n in halves)

    def rule_arguments(self) -> dict[str, Any]:
        return {"samples": self.rows, "length": self.length, "others": self.others}
