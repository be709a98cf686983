"""Generated sequences and the real series, each judged by a plain statement of what it is, written here once more."""

from __future__ import annotations

import csv
import re
import runpy
import subprocess
import sys
import textwrap
from collections import Counter
from datetime import date, timedelta
from itertools import groupby, product
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import r2_score

from dlcore import Experiment, Trainer
from dlcore.checkpoint import save_checkpoint
from dlcore.component import kinds, validate
from dlcore.datasets import Dataset, DatasetComponent
from dlcore.datasets.base import Table
from dlcore.datasets.sequences.births import BUNDLED, daily_births, say_as_last_week
from dlcore.datasets.sequences.symbols import balanced_word
from dlcore.editing.fitting import USUAL, with_fitting
from dlcore.evaluation.baselines import baselines
from dlcore.rows import prepare
from tests.patience import PATIENCE
from ui.messages import LANGUAGES, text

TOKENS = [kind for kind, cls in kinds(Dataset).items() if cls.group == "sequences" and cls().vocabulary]  # type: ignore[attr-defined]
ALL = [kind for kind, cls in kinds(Dataset).items() if cls.group == "sequences"]  # type: ignore[attr-defined]


def data_set(kind: str, **fields: Any) -> DatasetComponent:
    return validate(kinds(Dataset)[kind], {"kind": kind, **fields})  # type: ignore[return-value]


def made(kind: str, seed: int = 0, **fields: Any) -> Table:
    return data_set(kind, **fields).sample(np.random.default_rng(seed))


def texts(kind: str, **fields: Any) -> tuple[list[str], list[int]]:
    """The rows as they are written, without padding, and their classes."""
    dataset: Any = data_set(kind, **fields)
    signs = ["", "?", *dataset.symbol_names]
    table = dataset.sample(np.random.default_rng(0))
    return ["".join(signs[int(number)] for number in row) for row in table.X], table.y.tolist()


def recipe(kind: str, **fields: Any) -> Experiment:
    dataset = data_set(kind)
    usual = {**USUAL, "dataset": dataset.to_dict(), "loss": {"kind": dataset.objective.usual_loss}}
    return Experiment.from_dict(with_fitting({**usual, **fields}))


@pytest.mark.parametrize("kind", TOKENS)
def test_tokens_are_ids_below_the_vocabulary_and_padding_stands_on_the_left(kind: str) -> None:
    dataset, table = data_set(kind), made(kind)
    assert dataset.shape == (table.X.shape[1],)
    assert np.array_equal(table.X, table.X.round())
    assert set(np.unique(table.X)) - {0} == set(range(2, dataset.vocabulary))
    for row in table.X:
        first = int(np.argmax(row != 0))
        assert (row[:first] == 0).all() and (row[first:] != 0).all()
    # The network gets the ids as they are.
    assert np.array_equal(dataset.prepare(table.X, table.y).inputs(table.X), table.X)


@pytest.mark.parametrize("kind", TOKENS)
@pytest.mark.parametrize("length", [10, 12, 40])
def test_no_sequence_comes_twice_so_that_none_that_is_judged_was_learned(kind: str, length: int) -> None:
    for samples in (100, 5000):
        table = made(kind, length=length, samples=samples)
        assert (
            len({tuple(row) for row in table.X}) == len(table.X) == data_set(kind, length=length, samples=samples).rows
        )
    data = prepare(recipe(kind, test_fraction=0.3, validation_fraction=0.2))
    assert data.final is not None
    parts = [{tuple(row) for row in part.X} for part in (data.train, data.watched, data.final)]
    assert len(set.union(*parts)) == sum(map(len, parts))


def test_where_there_are_fewer_sequences_than_asked_for_there_are_all_of_them() -> None:
    rows, _ = texts("parity", length=4)
    assert sorted(rows) == sorted("".join(bits) for n in (2, 3, 4) for bits in product("01", repeat=n))
    assert len(made("recall", length=4, symbols=2).X) == 16
    assert len(made("anbn", length=8).X) == 70 + 28 + 1  # as many as there are right ones: C(8, 4) + C(8, 6) + C(8, 8)


@pytest.mark.parametrize("kind", [kind for kind in TOKENS if data_set(kind).num_classes])
def test_classes_are_equally_likely(kind: str) -> None:
    counts = np.bincount(made(kind).y)
    assert counts.max() - counts.min() <= 1


def test_recall_asks_for_the_first_symbol() -> None:
    rows, y = texts("recall", length=9, symbols=5)
    assert all("abcde"[label] == row[0] and len(row) == 9 for row, label in zip(rows, y, strict=True))
    assert set(Counter("".join(row[1:] for row in rows))) == set("abcde")


def test_parity_is_the_sum_of_the_bits() -> None:
    rows, y = texts("parity", length=11)
    assert {len(row) for row in rows} == set(range(2, 12))
    assert [row.count("1") % 2 for row in rows] == y
    assert data_set("parity").sample(np.random.default_rng(0)).class_names == ("even", "odd")


def shrink(word: str) -> str:
    """What is left when pairs of brackets that stand side by side are taken away again and again."""
    shorter = re.sub(r"\(\)|\[\]|\{\}", "", word)
    return word if shorter == word else shrink(shorter)


@pytest.mark.parametrize("brackets", [1, 2, 3])
def test_brackets_are_balanced_where_nothing_is_left_of_them(brackets: int) -> None:
    rows, y = texts("brackets", length=14, kinds=brackets)
    assert [int(shrink(row) == "") for row in rows] == y


@pytest.mark.parametrize("brackets", [1, 2])
def test_neither_the_length_nor_the_counts_of_brackets_tell_the_class(brackets: int) -> None:
    rows, y = texts("brackets", kinds=brackets)
    signs = "()[]"[: 2 * brackets]
    by_class: list[Counter[tuple[int, ...]]] = [Counter(), Counter()]
    for row, label in zip(rows, y, strict=True):
        by_class[label][tuple(row.count(sign) for sign in signs)] += 1
    assert by_class[0] == by_class[1]
    assert len({len(row) for row in rows}) > 4


def test_there_are_as_many_rows_as_balanced_words_at_most() -> None:
    rows, _ = texts("brackets", length=8, samples=5000)
    assert len(rows) == 2 + 5 + 14  # Catalan's numbers
    rng = np.random.default_rng(0)
    drawn = Counter(balanced_word(4, 1, rng) for _ in range(14_000))
    assert (
        len(drawn) == 14 and max(drawn.values()) < 1200 and min(drawn.values()) > 800
    )  # Each is as likely as any other.


@pytest.mark.parametrize("others", [1, 3])
def test_anbn_is_one_run_and_another_of_the_same_length_when_the_others_are_left_out(others: int) -> None:
    rows, y = texts("anbn", length=14, others=others)
    for row, label in zip(rows, y, strict=True):
        counted = re.sub("[^ab]", "", row)
        runs = [(sign, len(list(group))) for sign, group in groupby(counted)]
        assert (len(runs) == 2 and runs[0] == ("a", runs[1][1])) == bool(label)
        assert len(row) == 14 and len(counted) % 2 == 0
    assert set("".join(rows)) == set("abcde"[: 2 + others])


def test_counts_alone_do_not_tell_anbn() -> None:
    rows, y = texts("anbn")
    found = np.mean([(row.count("a") == row.count("b")) == bool(label) for row, label in zip(rows, y, strict=True)])
    assert 0.75 < found < 0.9  # A third of the wrong ones have as many of both, in a wrong order.


def test_adding_is_the_sum_of_the_marked_numbers_and_always_saying_one_is_off_by_a_sixth() -> None:
    table = made("adding", length=12, samples=5000)
    for row, value in zip(table.X[:200], table.y, strict=False):
        steps = row.reshape(12, 2)
        marked = [number for number, mark in steps.tolist() if mark == 1]
        assert len(marked) == 2 and sum(marked) == pytest.approx(value)
    assert np.mean((table.y - 1) ** 2) == pytest.approx(1 / 6, rel=0.05)
    data = prepare(recipe("adding"))
    assert np.array_equal(data.train.target, data.train.y.astype(np.float32))  # The loss is in the same units.


def test_a_sine_without_noise_follows_its_recurrence() -> None:
    table = made("noisy_sine", noise=0.0, length=20)
    series = np.column_stack([table.X, table.y])
    # x[t+1] = 2 cos(w) x[t] - x[t-1] with the w of each row, by least squares over its steps.
    middle, sums = series[:, 1:-1], series[:, 2:] + series[:, :-2]
    twice_cosine = (middle * sums).sum(1) / (middle**2).sum(1)
    np.testing.assert_allclose(sums, twice_cosine[:, None] * middle, atol=1e-9)
    periods = 2 * np.pi / np.arccos(twice_cosine / 2)
    assert periods.min() >= 8 and periods.max() <= 32
    noise = made("noisy_sine", noise=0.3, length=20).X - table.X
    assert noise.std() == pytest.approx(0.3, rel=0.05)


def test_digit_rows_are_the_digits_of_scikit_learn_line_by_line() -> None:
    dataset, table = data_set("digit_rows"), made("digit_rows")
    digits: Any = load_digits()
    assert dataset.shape == (8, 8)
    assert np.array_equal(table.X.reshape(-1, *dataset.shape)[:, 3], digits.images[:, 3])
    assert np.array_equal(table.y, digits.target)


@pytest.mark.parametrize(("kind", "chance"), [("recall", 0.25), ("parity", 0.5), ("brackets", 0.5), ("anbn", 0.5)])
def test_which_symbols_there_are_and_how_often_hardly_tells_the_class(kind: str, chance: float) -> None:
    table = made(kind, length=12, samples=2000)
    counts = np.stack([np.equal(table.X, number).sum(1) for number in range(data_set(kind).vocabulary)], axis=1)
    half = len(counts) // 2
    bag = LogisticRegression(max_iter=2000).fit(counts[:half], table.y[:half])
    assert bag.score(counts[half:], table.y[half:]) < chance + 0.2


# Births a day


def test_births_are_those_of_every_day_of_ten_years() -> None:
    series, days = daily_births(), [date(1994, 1, 1) + timedelta(number) for number in range(3652)]
    assert len(series) == len(days) and days[-1] == date(2003, 12, 31)
    assert series[0] == 8096 and series[1] == 7772  # the first lines of the file as it was published
    # As the National Vital Statistics Reports count them, which later took in a few late certificates.
    published = {1994: 3_952_767, 1997: 3_880_894, 2000: 4_058_814, 2003: 4_089_950}
    for year, births in published.items():
        own = series[[day.year == year for day in days]].sum()
        assert own == pytest.approx(births, rel=1e-3)
    by_weekday = [series[[day.weekday() == weekday for day in days]].mean() for weekday in range(7)]
    assert max(by_weekday[5:]) < 0.8 * min(by_weekday[:5])
    assert int(np.argmin(by_weekday)) == 6
    assert (BUNDLED.parent / "LICENSE").read_text().count("CC0") == 1


def test_the_bundled_file_is_what_its_script_makes(tmp_path: Path) -> None:
    lines: list[list[Any]] = [["year", "month", "date_of_month", "day_of_week", "births"]]
    days = [date(1999, 12, 30) + timedelta(number) for number in range(4)]
    lines += [[day.year, day.month, day.day, day.isoweekday(), 100 + day.day] for day in days]
    source = tmp_path / "data.csv"
    with source.open("w", newline="") as file:
        csv.writer(file).writerows(lines)
    script = tmp_path / "make.py"
    script.write_text((BUNDLED.parent / "make.py").read_text())
    exec_script(script, source)
    assert (
        tmp_path / "births.json"
    ).read_text() == '{"first":"1999-12-30","last":"2000-01-02","births":[130,131,101,102]}\n'


def exec_script(script: Path, source: Path) -> None:
    before, sys.argv = sys.argv, [str(script), str(source)]
    try:
        runpy.run_path(str(script))
    finally:
        sys.argv = before


def test_a_window_of_births_is_followed_by_the_next_day() -> None:
    table, series = made("births", length=10), daily_births()
    assert len(table.X) == 3652 - 10
    assert table.X[100].tolist() == series[100:110].tolist() and table.y[100] == series[110]
    assert np.array_equal(say_as_last_week(table.X)[100:], series[103:-7])


def test_births_are_split_in_time() -> None:
    """No window of the training rows, its target included, reaches to a target of the watched rows or of the test rows."""
    data = prepare(recipe("births", test_fraction=0.3, validation_fraction=0.2))
    assert data.final is not None
    assert (len(data.train.y), len(data.watched.y), len(data.final.y)) == (1819, 728, 1091)
    said = [*data.train.y, *data.watched.y, *data.final.y]
    assert said == daily_births()[14:].tolist()
    last_learned = 14 + len(data.train.y) - 1  # the day of the last target
    assert data.train.raw[-1].tolist() == daily_births()[last_learned - 14 : last_learned].tolist()
    two = prepare(recipe("births", test_fraction=0.3))
    assert two.final is None and np.array_equal(two.watched.X.shape, (1091, 14))
    again = prepare(recipe("births", test_fraction=0.3, validation_fraction=0.2, seed=7))
    assert np.array_equal(again.train.X, data.train.X)


def test_births_are_scaled_by_the_training_rows_alone_and_alike_in_every_place() -> None:
    data = prepare(recipe("births", test_fraction=0.3))
    mean, deviation = data.train.raw.mean(), data.train.raw.std()
    np.testing.assert_allclose(data.watched.X, (data.watched.raw - mean) / deviation, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(data.watched.target, (data.watched.y - mean) / deviation, rtol=1e-5, atol=1e-6)
    assert data.scaling.unscale_targets(data.watched.target.astype(float)) == pytest.approx(data.watched.y, rel=1e-5)


def test_the_same_day_of_last_week_is_a_baseline_that_the_mean_does_not_reach() -> None:
    data = prepare(recipe("births", test_fraction=0.3, validation_fraction=0.2))
    y = data.watched.y
    errors = np.abs(say_as_last_week(data.watched.raw) - y).mean()
    assert errors < np.abs(data.train.y.mean() - y).mean() / 3
    assert 300 < errors < 500


# Ready networks


@pytest.mark.parametrize("kind", ALL)
def test_every_ready_network_fits_the_rows_and_takes_a_step(kind: str) -> None:
    usual = recipe(kind)
    stacks = usual.dataset.stacks(usual.train_rows)
    assert set(stacks) == {"lstm", "gru", "rnn", "attention_block"}
    for name, fitting in stacks.items():
        trainer = Trainer(Experiment.from_dict({**usual.to_dict(), **fitting.parts()}), "cpu")
        assert np.isfinite(next(trainer.steps()).loss), name
        for language in LANGUAGES:
            assert text(language, f"stack.{name}")


def test_planning_and_building_these_networks_does_not_import_torchs_compiler() -> None:
    """It takes seconds and hundreds of megabytes, in every worker."""
    script = """
        import sys
        from dlcore import Experiment
        from dlcore.editing.fitting import USUAL, with_fitting
        from dlcore.network import build_model
        from dlcore.stages import Network
        for kind in sys.argv[1:]:
            loss = {"kind": "mse" if kind in ("adding", "births") else "cross_entropy"}
            usual = Experiment.from_dict(with_fitting({**USUAL, "dataset": {"kind": kind}, "loss": loss}))
            for fitting in usual.dataset.stacks(100).values():
                experiment = Experiment.from_dict({**usual.to_dict(), **fitting.parts()})
                build_model(experiment)
                Network(experiment)
        print([name for name in ("torch._dynamo", "sympy") if name in sys.modules])
    """
    command = [sys.executable, "-c", textwrap.dedent(script), "recall", "reverse", "adding", "births"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=10 * PATIENCE, check=True)
    assert done.stdout.strip() == "[]"


def test_evaluate_shows_what_the_same_day_of_last_week_would_have_said() -> None:
    experiment = recipe("births", test_fraction=0.3, validation_fraction=0.2)
    trainer = Trainer(experiment, "cpu")
    payload = save_checkpoint(trainer.snapshot(), trainer.data)
    found, _ = baselines({}, payload, lambda *_: None)
    names = [model["key"] for model in found["models"]]
    assert names == ["mean", "last_week", "linear", "forest"]
    told = found["models"][1]
    for split, part in (("train", trainer.data.train), ("validation", trainer.data.watched)):
        assert told[split] == pytest.approx(r2_score(part.y, part.raw[:, -7]), abs=1e-6)
