"""Texts: what is bundled, how it is split into tokens, whose vocabulary it is, and that a network of texts can be taken home.

Judged by examples written by hand, by the files themselves, and by scikit-learn.
"""

from __future__ import annotations

import csv
import gzip
import io
import json
import re
import runpy
import unicodedata
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.naive_bayes import MultinomialNB

from dlcore import Experiment, Trainer
from dlcore.__main__ import main
from dlcore.checkpoint import checkpoint_of, open_checkpoint, predict
from dlcore.datasets import store
from dlcore.datasets.own_texts import TextData
from dlcore.datasets.texts import BUNDLED, Novelists, Poets, Surnames, TextDataset
from dlcore.datasets.tokens import LONGEST_TOKEN, is_token, learn_vocabulary, split_tokens
from dlcore.datasets.upload import import_table, look
from dlcore.evaluation.baselines import baselines
from dlcore.export import export
from dlcore.export.rows import data_csv
from dlcore.new_rows import cells_of, new_rows, table_of
from dlcore.predictions import predict_rows
from dlcore.rows import prepare
from dlcore.spreadsheet import plain_text, safe_cell, safe_text
from tests.judging import answer, saved, trained
from tests.test_checkpoint import changed, refused
from ui.data.brought import Brought, fit_recipe, with_treatments

SMALL = {"dataset": {"kind": "novelists", "samples": 300, "size": 200}, "test_fraction": 0.3, "batch_size": 16}
STACK = [{"kind": "embedding", "dimensions": 4, "spread": 0.05}, {"kind": "global_average_pool"}]
FILES = {
    "novelists/novelists.txt.gz": {"Austen": 3000, "Melville": 3000},
    "poets/tang.txt.gz": {"李白": 7121, "杜甫": 9636},
    "poets/song.txt.gz": {"辛弃疾": 4368, "柳永": 1661},
    "surnames/surnames.txt.gz": {
        "Irish": 2371, "Italian": 1151, "Dutch": 1022, "Spanish": 939, "Croatian": 795, "English": 763, "Estonian": 473, "Swedish": 434,
        "German": 375, "Finnish": 371, "French": 324,
    },
}  # fmt: skip


@pytest.fixture(autouse=True, scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A store of its own."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DLCORE_TABLES", str(tmp_path_factory.mktemp("tables")))
        yield


def lines_of(file: str) -> list[tuple[str, str]]:
    text = gzip.decompress((BUNDLED / file).read_bytes()).decode()
    return [(name, said) for name, said in (line.split("\t") for line in text.splitlines())]


def experiment_on(dataset: dict[str, Any], **more: Any) -> Experiment:
    return Experiment.from_dict({"dataset": dataset, "layers": STACK, **more})


# What is bundled


@pytest.mark.parametrize("file", FILES)
def test_a_bundled_file_holds_as_many_texts_of_each_class_as_it_says(file: str) -> None:
    assert Counter(name for name, _ in lines_of(file)) == FILES[file]


@pytest.mark.parametrize("file", FILES)
def test_no_text_stands_twice_whatever_its_capitals_and_marks(file: str) -> None:
    plain = Counter(
        "".join(letter for letter in unicodedata.normalize("NFKC", said).casefold() if letter.isalnum())
        for _, said in lines_of(file)
    )
    assert [said for said, count in plain.items() if count > 1] == []


@pytest.mark.parametrize("name", ["novelists", "poets", "surnames"])
def test_every_set_has_its_licence_and_the_script_that_made_it(name: str) -> None:
    licence = (BUNDLED / name / "LICENSE.md").read_text(encoding="utf-8")
    assert (
        "Permission is hereby granted, free of charge" in licence
        and "public domain" in licence + "public domain" * (name == "surnames")
    )
    assert (BUNDLED / name / "make.py").exists()


@pytest.mark.parametrize("dataset", [Novelists(), Poets(), Poets(dynasty="song"), Surnames(), TextData()])
def test_a_row_is_a_text_of_the_file_with_its_class(dataset: TextDataset) -> None:
    table = dataset.sample(np.random.default_rng(3))
    known = {(name, said) for file in FILES for name, said in lines_of(file)}
    texts = dataset.texts()
    assert len(table.y) == dataset.rows == len({*table.X[:, 0]})
    assert all((table.class_names[y], texts[int(code)]) in known for (code,), y in zip(table.X, table.y, strict=True))


def test_sentences_have_6_to_30_words_and_no_two_ways_of_quoting() -> None:
    for _, said in lines_of("novelists/novelists.txt.gz"):
        assert 6 <= len(re.findall(r"[A-Za-z]+(?:'[A-Za-z]+)*", said)) <= 30
        assert not re.search(r"[“”‘’_]|--|  ", said), said


# Tokens


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Don't stop: it's 3.5 kg!", ["don't", "stop", ":", "it's", "3", ".", "5", "kg", "!"]),
        ("'Tis well—said he.", ["'", "tis", "well", "—", "said", "he", "."]),
        ("白日依山盡，黃河入海流", [*"白日依山盡，黃河入海流"]),
        ("我用Python3写code", ["我", "用", "python", "3", "写", "code"]),
        ("École e\u0301cole", ["école", "école"]),
        ("good\u200fmorning \u202eevil\u202c", ["goodmorning", "evil"]),
        ("😀👍 ok", ["😀", "👍", "ok"]),
        ("हिन्दी भाषा", ["हिन्दी", "भाषा"]),
        ("مُحَمَّد كتب", ["مُحَمَّد", "كتب"]),
        ("a_b", ["a", "_", "b"]),
        (" \t\n", []),
    ],
)
def test_words_as_one_would_split_them_by_hand(text: str, words: list[str]) -> None:
    assert split_tokens(text, "words") == words


@pytest.mark.parametrize(
    ("text", "characters"),
    [
        ("Ó Súile", ["Ó", " ", "S", "ú", "i", "l", "e"]),
        ("  a \n b ", ["a", " ", "b"]),
        ("牀前明月光", [*"牀前明月光"]),
        ("a\u200bb", ["a", "b"]),
        ("", []),
    ],
)
def test_characters_are_taken_as_they_are(text: str, characters: list[str]) -> None:
    assert split_tokens(text, "characters") == characters


@given(
    st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=200), st.sampled_from(["words", "characters"])
)
def test_every_token_of_any_text_is_a_token_that_a_checkpoint_may_hold(text: str, unit: Any) -> None:
    for token in split_tokens(text, unit):
        assert 1 <= len(token) <= LONGEST_TOKEN and is_token(token, unit), repr(token)


def test_a_run_of_letters_without_end_is_one_short_word() -> None:
    assert split_tokens("x" * 100_000, "words") == ["x" * LONGEST_TOKEN]


def test_the_vocabulary_has_the_most_frequent_tokens_and_of_equals_the_first() -> None:
    texts = [["b", "a"], ["a", "c", "d"], ["d"]]
    assert learn_vocabulary(texts, 3) == ("a", "d", "b")
    assert learn_vocabulary(texts, 1) == ("a",)


# Rows


def test_ids_are_those_that_one_writes_down_by_hand() -> None:
    dataset = own({"a b a": "x", "b a": "y", "a": "x", "c b": "y"}, times=4)
    data = prepare(experiment_on({**dataset, "tokens": "words", "length": 3, "size": 4}, test_fraction=0.25))
    text = data.scaling.text
    assert text is not None and set(text.vocabulary) <= {"a", "b"}
    ids = {token: float(number) for number, token in enumerate(text.vocabulary, start=2)} | {"c": 1.0}
    for raw, row in zip(data.train.raw[:, 0].astype(int), data.train.X, strict=True):
        tokens = text.texts[raw].split()
        assert row.tolist() == [0.0] * (3 - len(tokens)) + [ids[token] for token in tokens]


def test_of_a_long_text_the_last_tokens_are_read() -> None:
    data = prepare(experiment_on({"kind": "novelists", "samples": 100, "length": 4}))
    text = data.scaling.text
    assert text is not None
    for code, row in zip(data.train.raw[:, 0].astype(int), data.train.X, strict=True):
        assert [text.vocabulary[int(token) - 2] for token in row] == split_tokens(text.texts[code], "words")[-4:]


def test_a_word_that_stands_only_in_watched_rows_is_unknown() -> None:
    data = prepare(experiment_on({"kind": "novelists", "samples": 400, "size": 10_000}))
    text = data.scaling.text
    assert text is not None
    known = {token for code in data.train.raw[:, 0] for token in text.split(int(code))}
    assert set(text.vocabulary) == known
    strange = 0
    for code, row in zip(data.watched.raw[:, 0].astype(int), data.watched.X, strict=True):
        for token, number in zip(text.split(code)[::-1], row[::-1], strict=False):
            assert (number == 1) == (token not in known)
            strange += number == 1
    assert strange > 100


def test_other_watched_rows_do_not_change_what_is_learned_of_the_training_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    experiment = experiment_on({"kind": "novelists", "samples": 200})
    honest = prepare(experiment)
    watched = {int(code) for code in honest.watched.raw[:, 0]}
    texts = tuple("zebra " * 9 if code in watched else said for code, said in enumerate(experiment.dataset.texts()))  # type: ignore[attr-defined]
    monkeypatch.setattr(Novelists, "texts", lambda self: texts)
    leaky = prepare(experiment)
    assert leaky.scaling == honest.scaling and np.array_equal(leaky.train.X, honest.train.X)
    assert (leaky.watched.X[:, -9:] == 1).all()


@pytest.mark.parametrize("kind", ["novelists", "poets", "surnames"])
def test_every_ready_network_is_a_recipe_and_learns(kind: str) -> None:
    dataset = {"kind": kind, "samples": 400}
    usual = Experiment.from_dict({"dataset": dataset, "layers": STACK})
    stacks = usual.dataset.stacks(usual.train_rows)
    assert list(stacks) == ["bag_of_words", "conv1d", "lstm", "attention_block"]
    for fitting in stacks.values():
        trainer = Trainer(Experiment.from_dict({"dataset": dataset, **fitting.parts()}), device="cpu")
        begin = trainer.scores().train["loss"]
        while trainer.epoch < 3:
            trainer.advance()
        assert trainer.scores().train["loss"] < begin


# Taken home


@pytest.fixture(scope="module")
def run() -> Trainer:
    return trained({**SMALL, "layers": STACK}, epochs=2)


def test_a_checkpoint_comes_back_with_its_vocabulary(run: Trainer) -> None:
    content = saved(run)
    checkpoint = open_checkpoint(content)
    assert checkpoint.to_bytes() == content
    assert checkpoint.scaling == run.data.scaling
    assert checkpoint.column_names == ("text",)
    text = checkpoint.scaling.text
    assert text is not None and len(text.vocabulary) == 198


@pytest.mark.parametrize(
    "vocabulary",
    [["a", "a"], ["A"], ["two words"], [""], [], ["\u202e"], [1], "ab", [f"w{'x' * place}" for place in range(250)]],
)
def test_a_vocabulary_that_no_run_has_learned_is_refused(run: Trainer, vocabulary: Any) -> None:
    assert refused(changed(saved(run), vocabulary=json.dumps(vocabulary))).key == "checkpoint_metadata"


def test_predictions_for_a_file_are_those_of_the_run(run: Trainer) -> None:
    checkpoint = checkpoint_of(run.snapshot(), run.data)
    whole = data_csv(run.experiment)
    opened = open_checkpoint(checkpoint.to_bytes())
    cells = cells_of(whole, opened.column_names, table_of(opened))
    said = predict_rows(opened, new_rows(opened, cells, "data.csv")).said
    np.testing.assert_allclose(
        said, np.concatenate([predict(checkpoint, part.raw) for part in (run.data.train, run.data.watched)]), atol=1e-6
    )


def test_the_command_line_predicts_one_column_of_texts(
    run: Trainer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "model.safetensors").write_bytes(saved(run))
    file = tmp_path / "new.csv"
    file.write_text(
        'text\nThe whale was harpooned.\n"It was a truth, universally acknowledged."\n=1+1\n', encoding="utf-8"
    )
    assert main(["predict", str(tmp_path), str(file)]) == 0
    out, told = capsys.readouterr()
    rows = list(csv.reader(io.StringIO(out)))
    assert rows[0] == ["prediction", "probability_Austen", "probability_Melville"] and len(rows) == 4
    assert all(row[0] in ("Austen", "Melville") and abs(float(row[1]) + float(row[2]) - 1) < 1e-6 for row in rows[1:])
    assert "unknown to the network" in told


def test_a_file_without_the_column_is_one_sentence(
    run: Trainer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "model.safetensors").write_bytes(saved(run))
    (tmp_path / "new.csv").write_text("said,other\na,b\n", encoding="utf-8")
    assert main(["predict", str(tmp_path), str(tmp_path / "new.csv")]) == 2
    assert "'text'" in capsys.readouterr().err


@pytest.mark.parametrize(
    "dataset",
    [
        {"kind": "novelists", "samples": 200, "size": 120, "length": 12},
        {"kind": "surnames", "samples": 200},
        {"kind": "poets", "samples": 200, "tokens": "words"},
    ],
)
def test_the_script_comes_to_the_numbers_of_the_run(
    dataset: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    trainer = trained({"dataset": dataset, "layers": STACK, "batch_size": 8, "validation_fraction": 0.2}, epochs=2)
    (tmp_path / "script.py").write_bytes(export(checkpoint_of(trainer.snapshot(), trainer.data), "script"))
    (tmp_path / "data.csv").write_bytes(data_csv(trainer.experiment))
    monkeypatch.chdir(tmp_path)
    runpy.run_path("script.py", run_name="__main__")
    printed = dict(re.findall(r"^(\w+) (-?[\d.]+)$", capsys.readouterr().out, re.MULTILINE))
    scores = trainer.scores()
    assert float(printed["train_loss"]) == pytest.approx(scores.train["loss"], abs=2e-6)
    assert float(printed["validation_loss"]) == pytest.approx(scores.watched["loss"], abs=2e-6)
    assert float(printed["train_accuracy"]) == pytest.approx(scores.train["accuracy"], abs=1e-6)


def test_onnx_takes_ids_and_says_which(run: Trainer) -> None:
    checkpoint = checkpoint_of(run.snapshot(), run.data)
    session = onnxruntime.InferenceSession(export(checkpoint, "onnx"))
    X = run.data.watched.X
    for rows in (X, X[:1]):
        (said,) = session.run(None, {"tokens": rows})
        np.testing.assert_allclose(said, predict(checkpoint, run.data.watched.raw[: len(rows)]), atol=1e-6)
    facts = session.get_modelmeta().custom_metadata_map
    text = run.data.scaling.text
    assert text is not None and tuple(json.loads(facts["vocabulary"])) == text.vocabulary


@given(st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=20))
def test_a_text_comes_back_from_a_cell_in_which_no_spreadsheet_runs_it(text: str) -> None:
    cell = safe_text(text)
    assert plain_text(cell) == text
    assert safe_cell(cell) == cell


# One's own


def own(texts: dict[str, str], times: int = 1, **options: Any) -> dict[str, Any]:
    """The recipe's part for these texts and classes, each row so often."""
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    writer.writerow(["said", "kind"])
    for _ in range(times):
        writer.writerows(texts.items())
    digest = store.keep_upload(out.getvalue().encode())
    asked = {
        "upload": digest,
        "name": "own.csv",
        "target": "kind",
        "types": {"said": "text"},
        "inputs": ["said"],
        **options,
    }
    return import_table(asked, b"", lambda share, partial: None)[0]["dataset"]


REVIEWS = {
    f"a {word} film, seen {n} times": name for n in range(9) for word, name in (("fine", "good"), ("dull", "bad"))
}


def test_a_column_of_texts_becomes_the_data_of_a_recipe() -> None:
    dataset = TextData.model_validate(own(REVIEWS))
    assert (dataset.rows, dataset.text, dataset.target, dataset.classes) == (18, "said", "kind", ("bad", "good"))
    assert (dataset.tokens, dataset.length) == ("words", 8)
    table = dataset.sample(np.random.default_rng(0))
    texts = dataset.texts()
    assert {texts[int(code)]: table.class_names[y] for (code,), y in zip(table.X, table.y, strict=True)} == REVIEWS


def test_names_are_read_character_by_character() -> None:
    names = {f"Name{letter}": "ab"[place % 2] for place, letter in enumerate("abcdefghijkl")}
    part = own(names)
    assert (part["tokens"], part["length"]) == ("characters", 8)


def test_texts_alone_are_proposed_as_the_input() -> None:
    rows = "".join(
        f'"{said}",{name}\n' for said, name in {**REVIEWS, **{f"{s} again": n for s, n in REVIEWS.items()}}.items()
    )
    digest = store.keep_upload(f"said,label\n{rows}".encode())
    profile, _ = look({"upload": digest, "name": "own.csv"}, b"", lambda share, partial: None)
    assert (profile["target"], profile["inputs"]) == ("label", ["said"])
    assert "found_read_as_text" in {finding["key"] for finding in profile["findings"]}


def test_the_command_line_makes_a_recipe_of_a_column_of_texts(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file, recipe = tmp_path / "reviews.csv", tmp_path / "recipe.json"
    lines = "".join(f'"{said}",{len(said)},{name}\n' for said, name in REVIEWS.items())
    file.write_text(f"said,size,verdict\n{lines}", encoding="utf-8")
    asked = ["table", str(file), "--target", "verdict", "--types", "said=text", "--out", str(recipe)]
    assert main(asked) == 0
    assert "word by word" in capsys.readouterr().out
    assert main(["train", str(recipe), "--epochs", "300", "--out", str(tmp_path / "run")]) == 0
    assert main(["evaluate", str(tmp_path / "run")]) == 0
    assert json.loads(capsys.readouterr().out)["train"]["accuracy"] == 1.0
    (tmp_path / "new.csv").write_text("said\na dull film\na fine film\n", encoding="utf-8")
    assert main(["predict", str(tmp_path / "run"), str(tmp_path / "new.csv")]) == 0
    assert [row[0] for row in csv.reader(io.StringIO(capsys.readouterr().out))][1:] == ["bad", "good"]


# The page Data


def table_with_texts() -> Brought:
    lines = "".join(f'"{said}",{place}.5,{name}\n' for place, (said, name) in enumerate(REVIEWS.items()))
    options = {"types": {"said": "text"}}
    digest = store.keep_upload(f"said,size,verdict\n{lines}".encode())
    profile, _ = look({"upload": digest, "name": "own.csv", **options}, b"", lambda share, partial: None)
    return Brought(digest, "own.csv", profile, options)


def test_a_column_of_texts_that_is_chosen_is_the_only_input() -> None:
    table = table_with_texts()
    assert (table.inputs, table.text) == (["size"], None)
    chosen = table.with_input("said", True)
    assert (chosen.inputs, chosen.text) == (["said"], "said")
    assert chosen.with_input("size", True).inputs == ["size"]
    assert chosen.with_input("said", False).inputs == []


def test_own_texts_open_on_a_network_that_reads_them() -> None:
    part = own(REVIEWS)
    opened = fit_recipe(Experiment().to_dict(), with_treatments(part, table_with_texts()))
    assert [layer.kind for layer in opened.layers] == ["embedding", "dropout", "global_average_pool"]
    assert opened.dataset.to_dict() == TextData.model_validate(part).to_dict()


# What is to be beaten


@pytest.mark.parametrize(
    ("kind", "options", "least"),
    [
        ("novelists", {"analyzer": "word", "token_pattern": r"\S+"}, 0.9),
        ("surnames", {"analyzer": "char", "ngram_range": (1, 3), "lowercase": False}, 0.73),
        ("poets", {"analyzer": "char", "ngram_range": (1, 3)}, 0.75),
    ],
)
def test_naive_bayes_is_scikit_learns_on_what_the_network_reads(
    kind: str, options: dict[str, Any], least: float
) -> None:
    trainer = trained({"dataset": {"kind": kind}, "layers": STACK, "test_fraction": 0.2, "batch_size": 500}, epochs=0)
    data, unit = trainer.data, trainer.experiment.dataset.tokens  # type: ignore[attr-defined]

    def written(split: Any) -> list[str]:
        """What the network sees, as words of their own or as characters with a mark before and after them."""
        rows = [[int(number) for number in row if number] for row in split.X]
        if unit == "words":
            return [" ".join(f"w{number}" for number in row) for row in rows]
        return ["|" + "".join(chr(0x4E00 + number) for number in row) + "|" for row in rows]

    counts = CountVectorizer(**options)
    judge = MultinomialNB().fit(counts.fit_transform(written(data.train)), data.train.y)
    expected = judge.score(counts.transform(written(data.watched)), data.watched.y)
    found = answer(baselines, saved(trainer))
    assert [model["key"] for model in found["models"]] == ["majority", "naive_bayes"]
    assert found["models"][1]["test"] == pytest.approx(expected) and expected > least


# A run that goes on


@pytest.mark.parametrize("begun", [False, True])
def test_a_tokens_vector_follows_it_to_another_id(begun: bool) -> None:
    trainer = trained({**SMALL, "layers": STACK}, epochs=2 * begun)
    before = dict(zip(trainer.data.scaling.text.vocabulary, vectors(trainer)[2:], strict=False))  # type: ignore[union-attr]
    unknown = vectors(trainer)[1]
    trainer.change(trainer.experiment.replace(test_fraction=0.5))
    text = trainer.data.scaling.text
    assert text is not None and list(text.vocabulary) != list(before)
    news = 0
    for token, vector in zip(text.vocabulary, vectors(trainer)[2:], strict=False):
        assert np.array_equal(vector, before.get(token, unknown)), token
        news += token not in before
    assert news > 5
    assert not vectors(trainer)[0].any()  # padding


def vectors(trainer: Trainer) -> np.ndarray:
    return trainer.snapshot().weights["0.weight"].numpy()
