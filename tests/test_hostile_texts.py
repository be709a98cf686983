"""Columns of texts that nobody would wish to get: every one is read, or refused in one clear sentence, in little time."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from dlcore import Experiment, Problem
from dlcore.datasets.own_texts import TextData
from dlcore.datasets.upload import import_table
from dlcore.learning.trainer import Trainer
from dlcore.rows import prepare
from tests.judging import saved
from tests.test_hostile_tables import keys, profile, refusal

STACK = [{"kind": "embedding", "dimensions": 2}, {"kind": "global_average_pool"}]
MARKS = "\u200f\u202e\u2067"  # of writing direction


@pytest.fixture(autouse=True, scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """A store of its own."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DLCORE_TABLES", str(tmp_path_factory.mktemp("tables")))
        yield


def table(texts: list[str], more: str = "") -> str:
    """A file of these texts in turn of two classes."""
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    writer.writerow(["said", "who"])
    writer.writerows([said, "ab"[place % 2]] for place, said in enumerate(texts))
    return out.getvalue() + more


def brought(texts: list[str], **options: Any) -> TextData:
    asked = {"target": "who", "types": {"said": "text"}, "inputs": ["said"], **options}
    found = profile(table(texts), import_table, **asked)
    return TextData.model_validate(found[0]["dataset"] if isinstance(found, tuple) else found["dataset"])


def learn(dataset: TextData) -> Trainer:
    """A run of one epoch, whose checkpoint can be opened."""
    trainer = Trainer(
        Experiment.from_dict({"dataset": dataset.to_dict(), "layers": STACK, "batch_size": 2}), device="cpu"
    )
    trainer.advance()
    assert np.isfinite(trainer.scores().train["loss"]) and saved(trainer)
    return trainer


def test_nothing_but_empty_cells() -> None:
    text = table([""] * 20, more="x,a\n")
    assert refusal(text.replace("x,a", ",a"), import_table, target="who", inputs=["said"]).key == "upload_no_inputs"


def test_some_empty_cells_are_said_and_learned_from() -> None:
    texts = [*(f"word{n} and more" for n in range(20)), *[""] * 20]
    found = profile(table(texts), target="who", types={"said": "text"}, inputs=["said"])
    assert "found_empty_texts" in keys(found)
    trainer = learn(brought(texts))
    assert (trainer.data.train.X == 0).all(axis=1).any()


def test_blanks_and_invisible_signs_alone_are_no_texts() -> None:
    texts = [" " * place + MARKS for place in range(20)]
    assert (
        refusal(table(texts), import_table, target="who", types={"said": "text"}, inputs=["said"]).key
        == "upload_no_tokens"
    )


def test_cells_of_100000_characters() -> None:
    texts = [("word " * 20_000)[: 100_000 - place] + f" end{place}" for place in range(20)]
    assert refusal(table(texts)).key == "upload_long_line"  # Where a table begins so, it is no table.
    texts = ["a short one first", "and another", *texts]
    found = profile(table(texts), target="who", types={"said": "text"}, inputs=["said"])
    assert "found_long_texts" in keys(found)
    trainer = learn(brought(texts))
    text = trainer.data.scaling.text
    assert text is not None and max(map(len, text.texts)) == 10_000
    assert all(text.split(place)[-2] == "end" for place, one in enumerate(text.texts) if "word" in one)


def test_more_text_than_can_be_read() -> None:
    texts = [f"{place} " + "ab cd " * 1700 for place in range(1100)]
    problem = refusal(table(texts), import_table, target="who", types={"said": "text"}, inputs=["said"])
    assert problem.key == "upload_too_much_text"


@pytest.mark.parametrize(
    "texts",
    [
        ["😀👍🏽 fine", "👨‍👩‍👧 🇨🇳 dull"],
        ["مرحبا بالعالم", "שלום עולם", "hello world"],
        ["我 love 机器学习", "ひらがな and カタカナ", "ไทย हिन्दी"],
        [f"safe{MARKS}gnp.exe", f"{MARKS}plain"],
        ["=1+1", "+SUM(A1)", "@cmd", "-2+3"],
        ["\\u202e", '{"a": 1}', "<script>alert(1)</script>", "![x](http://y)"],
    ],
    ids=["emoji", "right to left", "mixed scripts", "marks of direction", "formulas", "code"],
)
def test_odd_signs_are_read_and_come_home(texts: list[str]) -> None:
    trainer = learn(brought([f"{texts[place % len(texts)]} {place // 4}" for place in range(40)]))
    text = trainer.data.scaling.text
    assert text is not None
    assert not any(mark in token for token in text.vocabulary for mark in MARKS)


def test_a_vocabulary_of_one_token() -> None:
    trainer = learn(brought(["same " * (1 + place % 5) for place in range(40)]))
    text = trainer.data.scaling.text
    assert text is not None and text.vocabulary == ("same",)


def test_one_text_in_all_rows_is_read_as_any_other() -> None:
    assert learn(brought(["the same text"] * 20)).data.scaling.text


def test_the_smallest_vocabulary_knows_one_token() -> None:
    dataset = brought([f"a{' b' * (place % 3)}" for place in range(40)]).replace(size=3)
    data = prepare(Experiment.from_dict({"dataset": dataset.to_dict(), "layers": STACK, "batch_size": 2}))
    assert set(np.unique(data.train.X)) <= {0.0, 1.0, 2.0}


def test_a_vocabulary_that_no_file_has_room_for_is_one_sentence() -> None:
    letters = [chr(0x0E01 + place) for place in range(46)]
    words = ["".join(letters[place // 46**step % 46] for step in range(3)) + letters[0] * 35 for place in range(20_000)]
    texts = [" ".join(words[place * 20 : place * 20 + 20]) for place in range(1000)]
    dataset = brought([f"{one} {place}" for place, one in enumerate(texts)]).replace(size=10_000)
    with pytest.raises(Problem) as caught:
        prepare(Experiment.from_dict({"dataset": dataset.to_dict(), "layers": STACK, "batch_size": 2}))
    assert caught.value.key == "text_long_vocabulary"


def test_texts_for_a_number_are_refused_in_one_sentence() -> None:
    rows = "".join(f"word{place} here,{place * 1.5}\n" for place in range(30))
    asked = {"target": "size", "task": "regression", "types": {"said": "text"}, "inputs": ["said"]}
    assert refusal(f"said,size\n{rows}", import_table, **asked).key == "upload_text_needs_classes"
    assert "upload_text_needs_classes" in keys(profile(f"said,size\n{rows}", **asked))


def test_numbers_that_are_to_be_read_as_text_are() -> None:
    rows = [f"{place}{place}" for place in range(40)]
    dataset = brought(rows)
    assert dataset.tokens == "characters" and learn(dataset)


def test_a_digest_of_other_data_is_one_sentence() -> None:
    table_of_numbers = profile("a,b,c\n" + "".join(f"{n},{n % 3},{'xy'[n % 2]}\n" for n in range(30)), import_table)
    digest = (table_of_numbers[0] if isinstance(table_of_numbers, tuple) else table_of_numbers)["dataset"]["digest"]
    dataset = {"kind": "text", "digest": digest, "rows": 30, "classes": ["x", "y"]}
    with pytest.raises(Problem) as caught:
        prepare(Experiment.from_dict({"dataset": dataset, "layers": STACK, "batch_size": 2}))
    assert caught.value.key == "table_differs"
