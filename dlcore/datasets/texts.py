"""Texts in classes, which the network reads as ids of their last tokens, and those of them that come with the program.

Every bundled set lies below `bundled/` with the script that made it and its licence. N texts, T tokens of each that the network sees.
"""

from __future__ import annotations

import gzip
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np
from pydantic import Field

from dlcore.datasets.base import DatasetComponent, Surface, Table
from dlcore.datasets.fitting import Fitting
from dlcore.datasets.preparation import Preparation, learn_text
from dlcore.datasets.tokens import Unit
from dlcore.objectives import ObjectiveComponent, objective_of_classes
from dlcore.problems import Problem

BUNDLED = Path(__file__).parent / "bundled"
MOST_TOKENS, MOST_SIZE = 256, 10_000
DIMENSIONS, CHANNELS, UNITS, BATCH = 16, 64, 32, 32  # of the ready networks
#: Spread of the vectors at the start, share dropped, learning rate: of words and Han characters, which are many and mostly rare, so that
#: they are learned by heart at once; and of letters, which are few.
MANY, FEW = (0.05, 0.5, 0.001), (0.3, 0.2, 0.003)
LETTERS = 1000  # the largest vocabulary that counts as few
RECURRENT = 3.0  # A network that reads step after step learns with so many times the rate.
LONGEST_VOCABULARY = 200_000  # bytes: it stands in every checkpoint

#: Texts and, for each, the name of its class.
Labelled = tuple[tuple[str, ...], tuple[str, ...]]


class TextDataset(DatasetComponent):
    """Texts in classes. Raw rows have one column: a text's place among all texts of the set."""

    group: ClassVar[str] = "texts"
    tokens: Unit = Field(default="words", description="What a text is split into.")
    length: int = Field(default=32, ge=2, le=MOST_TOKENS, description="Tokens of a text that are read, the last ones.")
    size: int = Field(
        default=4000,
        ge=3,
        le=MOST_SIZE,
        description="Size of the vocabulary, with padding and the unknown token: the most frequent tokens of the training rows.",
    )

    @property
    def inputs(self) -> int:  # type: ignore[override]
        return self.length

    @property
    def num_columns(self) -> int:
        return 1

    @property
    def surface(self) -> Surface:
        return "space"

    @property
    def shape(self) -> tuple[int, ...]:
        return (self.length,)

    @property
    def vocabulary(self) -> int:
        return self.size

    if TYPE_CHECKING:  # Some have them as a field of the recipe.

        @property
        def classes(self) -> tuple[str, ...]:
            """The names of the classes."""
            ...

    @property
    def column(self) -> str:
        """The name of the column of texts."""
        return "text"

    @property
    def column_names(self) -> tuple[str, ...]:
        return (self.column,)

    def input_names(self, columns: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(f"token {number}" for number in range(1, self.length + 1))

    def input_keys(self) -> list[tuple[str, ...]]:
        # Counted from the end, where texts are aligned: with a longer text the last token is still the last one.
        return [(self.kind, self.tokens, str(place)) for place in range(-self.length, 0)]  # type: ignore[attr-defined]

    def row_facts(self) -> dict[str, Any]:
        return {name: value for name, value in self.to_dict().items() if name not in ("tokens", "length", "size")}

    def texts(self) -> tuple[str, ...]:
        """All texts that raw rows name by their places."""
        raise NotImplementedError

    def fitting(self, train_rows: int) -> Fitting:
        return self.stacks(train_rows)["bag_of_words" if self._has_rare_tokens else "conv1d"]

    @property
    def _has_rare_tokens(self) -> bool:
        return self.tokens == "words" or self.size > LETTERS

    def stacks(self, train_rows: int) -> dict[str, Fitting]:
        spread, dropped, rate = MANY if self._has_rare_tokens else FEW
        embedding = {"kind": "embedding", "dimensions": DIMENSIONS, "spread": spread}
        dropout, average = {"kind": "dropout", "p": dropped}, {"kind": "global_average_pool"}
        convolution = {"kind": "conv1d", "channels": CHANNELS, "kernel": 3, "padding": 1}
        attention = {"kind": "residual", "layers": [{"kind": "attention"}]}
        layers: dict[str, tuple[dict[str, Any], ...]] = {
            "bag_of_words": (embedding, dropout, average),
            "conv1d": (embedding, dropout, convolution, average),
            "lstm": (embedding, dropout, {"kind": "lstm", "units": UNITS}),
            "attention_block": (embedding, {"kind": "positions"}, attention, dropout, average),
        }
        batch_size = max(1, min(BATCH, train_rows))
        return {
            name: Fitting(
                layers=stack, learning_rate=rate * (RECURRENT if name == "lstm" else 1), batch_size=batch_size
            )
            for name, stack in layers.items()
        }

    def prepare(self, X: np.ndarray, y: np.ndarray) -> Preparation:
        found = learn_text(self.texts(), X[:, 0], self.tokens, self.length, self.size)
        assert found.text is not None
        if not found.text.vocabulary:
            raise Problem("text_no_tokens", column=self.column)
        length = sum(len(token.encode()) + len('\\"\\",') for token in found.text.vocabulary)
        if length > LONGEST_VOCABULARY:
            raise Problem("text_long_vocabulary", came=length, limit=LONGEST_VOCABULARY, size=self.size)
        return found


class BundledTexts(TextDataset):
    """Texts of one of the bundled files."""

    available: ClassVar[int]

    @property
    def file(self) -> Path:
        """Where they are."""
        raise NotImplementedError

    @property
    def rows(self) -> int:
        return min(self.samples, self.available)  # type: ignore[attr-defined]

    def texts(self) -> tuple[str, ...]:
        return read_bundled(self.file)[0]

    def row_facts(self) -> dict[str, Any]:
        facts = super().row_facts()
        return {**facts, "samples": self.rows}

    def sample(self, generator: np.random.Generator) -> Table:
        texts, names = read_bundled(self.file)
        chosen = np.sort(generator.permutation(len(texts))[: self.rows])
        code_of = {name: code for code, name in enumerate(self.classes)}
        y = np.array([code_of[names[place]] for place in chosen.tolist()], dtype=np.int64)
        return Table(chosen[:, None].astype(np.float64), y, self.column_names, self.classes)


class Novelists(BundledTexts):
    """6,000 sentences of Jane Austen's six novels (1811-1817) and Herman Melville's Moby-Dick (1851), of 6 to 30 words: who wrote it?"""

    kind: Literal["novelists"] = "novelists"
    title: ClassVar[str] = "Austen or Melville"
    classes: ClassVar[tuple[str, ...]] = ("Austen", "Melville")  # type: ignore[override]
    available: ClassVar[int] = 6000
    objective: ClassVar[ObjectiveComponent] = objective_of_classes(2)
    samples: int = Field(default=6000, ge=20, le=6000, description="How many sentences are used, drawn by the seed.")

    @property
    def file(self) -> Path:
        return BUNDLED / "novelists" / "novelists.txt.gz"


class Poets(BundledTexts):
    """Verses of Li Bai or Du Fu, or of Xin Qiji or Liu Yong (all Tang poems, 1705; chinese-poetry, 2016): whose is it?"""

    kind: Literal["poets"] = "poets"
    title: ClassVar[str] = "Chinese poets"
    objective: ClassVar[ObjectiveComponent] = objective_of_classes(2)
    dynasty: Literal["tang", "song"] = Field(
        default="tang",
        description="tang: Li Bai and Du Fu, in traditional characters; song: Xin Qiji and Liu Yong, in simplified ones.",
    )
    samples: int = Field(default=6000, ge=20, le=16_757, description="How many verses are used, drawn by the seed.")
    tokens: Unit = Field(default="characters", description="What a text is split into.")
    length: int = Field(default=16, ge=2, le=MOST_TOKENS, description="Tokens of a text that are read, the last ones.")

    @property
    def classes(self) -> tuple[str, ...]:
        return {"tang": ("李白", "杜甫"), "song": ("辛弃疾", "柳永")}[self.dynasty]

    @property
    def available(self) -> int:  # type: ignore[override]
        return {"tang": 16_757, "song": 6029}[self.dynasty]

    @property
    def question(self) -> tuple[Any, ...]:
        return (self.dynasty,)

    @property
    def file(self) -> Path:
        return BUNDLED / "poets" / f"{self.dynasty}.txt.gz"


class Surnames(BundledTexts):
    """9,018 surnames in eleven languages that are written in Latin letters (Faker, 2012): of which language is it?"""

    kind: Literal["surnames"] = "surnames"
    title: ClassVar[str] = "Surnames"
    classes: ClassVar[tuple[str, ...]] = (  # type: ignore[override]
        "English", "German", "Dutch", "Swedish", "Finnish", "Estonian", "French", "Italian", "Spanish", "Irish", "Croatian",
    )  # fmt: skip
    available: ClassVar[int] = 9018
    objective: ClassVar[ObjectiveComponent] = objective_of_classes(11)
    samples: int = Field(default=9018, ge=20, le=9018, description="How many names are used, drawn by the seed.")
    tokens: Unit = Field(default="characters", description="What a text is split into.")
    length: int = Field(default=16, ge=2, le=MOST_TOKENS, description="Tokens of a text that are read, the last ones.")
    size: int = Field(
        default=100,
        ge=3,
        le=MOST_SIZE,
        description="Size of the vocabulary, with padding and the unknown token: the most frequent tokens of the training rows.",
    )

    @property
    def file(self) -> Path:
        return BUNDLED / "surnames" / "surnames.txt.gz"


@lru_cache(maxsize=8)
def read_bundled(file: Path) -> Labelled:
    """The texts of a bundled file and their classes."""
    lines = gzip.decompress(file.read_bytes()).decode().splitlines()
    names, texts = zip(*(line.split("\t", 1) for line in lines), strict=True)
    return texts, names


Texts = Novelists | Poets | Surnames
