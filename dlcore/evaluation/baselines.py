"""The job "baselines": what simpler models make of the same rows. A network is worth its trouble where it is better than these.

They learn from the same prepared training rows as the network, with the same class weights, and never see a sealed test. N rows.
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
from sklearn.dummy import DummyClassifier, DummyRegressor
from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor
from sklearn.exceptions import ConvergenceWarning
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.naive_bayes import MultinomialNB
from sklearn.pipeline import Pipeline, make_pipeline

from dlcore.datasets.preparation import Preparation
from dlcore.datasets.sequences.births import say_as_last_week
from dlcore.datasets.tokens import PADDING
from dlcore.evaluation import Judged, Part, name_open_parts, open_judged
from dlcore.evaluation.comparing import compare
from dlcore.evaluation.intervals import measure_of, score, score_interval
from dlcore.experiment import Experiment
from dlcore.jobs import Answer, Progress
from dlcore.metrics import Measure
from dlcore.randomness import derived_seed

MOST_ITERATIONS = 500
MARK, LONGEST_RUN = -1, 3
# Rows from which a tree is grown, drawn from the table: with all rows of a large one it would take minutes.
ROWS_OF_A_TREE = 10_000
#: Training rows x inputs (x classes of a linear model) up to which a model is fitted in a fraction of a second.
QUICK = {"logistic": 1_000_000, "linear": 1_000_000, "forest": 50_000, "naive_bayes": 200_000}


def baselines(arguments: dict[str, Any], payload: bytes, progress: Progress) -> Answer:
    """Score and interval of each model, and of the network, on every part that is open, simplest first; "unseal" opens a sealed test.

    Each model's "compared" says by part how the network compares with it (dlcore.evaluation.comparing).
    """
    judged = open_judged(payload)
    parts = name_open_parts(judged, arguments.get("unseal") is True)
    measure = measure_of(judged.experiment)
    found: dict[str, Any] = {
        "metric": measure,
        "splits": list(parts),
        "network": _score_parts(measure, parts, {name: part.answers for name, part in parts.items()}),
        "models": [],
    }
    models = baseline_models(judged)
    progress(0.0, found)
    for one in fit_models(judged, parts, models):
        found["models"].append(one)
        progress(len(found["models"]) / len(models), found)
    return found, b""


def fit_models(judged: Judged, parts: dict[str, Part], keys: Iterable[str]) -> Iterator[dict[str, Any]]:
    """Fit each of these models in turn: {"key", a score a part, "intervals", "compared", "seconds"}."""
    measure, models = measure_of(judged.experiment), baseline_models(judged)
    for key in keys:
        start = time.perf_counter()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)  # A model that has not converged is a baseline too.
            models[key].fit(judged.train.split.X, judged.train.split.y)
        seconds = time.perf_counter() - start
        predicted = {name: models[key].predict(part.split.X) for name, part in parts.items()}
        compared = {name: compare(measure, part.split.y, part.answers, predicted[name]) for name, part in parts.items()}
        yield {"key": key, **_score_parts(measure, parts, predicted), "compared": compared, "seconds": seconds}


def find_quick_models(judged: Judged) -> list[str]:
    """The models that are fitted in a fraction of a second on so many rows and inputs; the constant one always is."""
    cells = judged.train.split.X.size
    outputs = {"logistic": judged.experiment.objective.num_classes if judged.experiment.objective.has_classes else 1}
    return [key for key in baseline_models(judged) if cells * outputs.get(key, 1) <= QUICK.get(key, cells)]


def baseline_models(judged: Judged) -> dict[str, Any]:
    """By name: always the most frequent class or the mean (a constant), a linear model, a random forest (Breiman, 2001).

    Of tokens, with whose ids nothing can be calculated: the constant one and naive Bayes.
    """
    seed = derived_seed(judged.experiment.seed, "baselines") % 2**32
    rows = len(judged.train.split.y)
    forest: dict[str, Any] = {"random_state": seed, "max_samples": min(ROWS_OF_A_TREE, rows)}
    if judged.experiment.objective.has_classes:
        # sklearn's own words
        weights = None if judged.experiment.class_weights == "none" else judged.experiment.class_weights
        if judged.experiment.dataset.vocabulary:
            return {
                "majority": DummyClassifier(strategy="most_frequent"),
                "naive_bayes": make_naive_bayes(judged.experiment),
            }
        return {
            "majority": DummyClassifier(strategy="most_frequent"),
            "logistic": LogisticRegression(max_iter=MOST_ITERATIONS, class_weight=weights),
            "forest": RandomForestClassifier(**forest, class_weight=weights),
        }
    last_week = {"last_week": LastWeek(judged.data.scaling)} if judged.experiment.dataset.daily else {}
    return {
        "mean": DummyRegressor(),
        **last_week,
        "linear": LinearRegression(),
        "forest": RandomForestRegressor(**forest),
    }


class LastWeek:
    """What somebody says who only looks at the same day of the week before, as a model of scikit-learn's kind."""

    def __init__(self, scaling: Preparation) -> None:
        self.scaling = scaling

    def fit(self, X_ND: np.ndarray, y_N: np.ndarray) -> None:
        """Nothing is learned."""

    def predict(self, X_ND: np.ndarray) -> np.ndarray:
        """(N,) in the target's units: days are scaled as the target is."""
        return self.scaling.unscale_targets(say_as_last_week(X_ND).astype(np.float64))


def make_naive_bayes(experiment: Experiment) -> Pipeline:
    """Naive Bayes on how often each token stands in a text, or of characters each run of up to three (McCallum and Nigam, 1998)."""
    analyzer: Any = list_words if getattr(experiment.dataset, "tokens", "") == "words" else list_runs
    # With balanced weights all classes count the same, however frequent they are.
    bayes = MultinomialNB(fit_prior=experiment.class_weights == "none")
    return make_pipeline(CountVectorizer(analyzer=analyzer), bayes)


def list_words(ids: np.ndarray) -> list[int]:
    """The tokens of a row of ids, without padding."""
    return ids[ids != PADDING].astype(int).tolist()


def list_runs(ids: np.ndarray) -> list[tuple[int, ...]]:
    """All runs of one to three tokens, with a mark where the row begins and ends."""
    marked = [MARK, *list_words(ids), MARK]
    runs = range(1, LONGEST_RUN + 1)
    return [tuple(marked[place : place + length]) for length in runs for place in range(len(marked) - length + 1)]


def _score_parts(measure: Measure, parts: dict[str, Part], answers_of: dict[str, np.ndarray]) -> dict[str, Any]:
    pairs = {name: (part.split.y, answers_of[name]) for name, part in parts.items()}
    intervals = {name: score_interval(measure, *pair) for name, pair in pairs.items()}
    return {name: score(measure, *pair) for name, pair in pairs.items()} | {"intervals": intervals}
