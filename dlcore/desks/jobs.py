"""What a desk can be asked to do: one line a job, its name, the function that does it and what it may take."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from dlcore.jobs import JobFunction

#: quick: somebody waits, and it takes a moment; slow: somebody waits, and it may take a minute; long: minutes in the background.
Kind = Literal["quick", "slow", "long"]


@dataclass(frozen=True)
class Work:
    """How to come by the function of a job, of which kind it is, and after how much it is stopped."""

    load: Callable[
        [], JobFunction
    ]  # Imports the function: the serving process lists all jobs, and imports none of them.
    kind: Kind = "quick"
    processor: float = 20.0  # Seconds of a processor: a slow or busy machine does not make an honest job a long one.
    clock: float = 120.0  # Seconds in all, from its beginning.
    too_long: str = "job_too_long"  # Key of the message when one of these limits is passed.
    # For the internet, mostly: it costs its owner the time that it takes, not what it uses of a processor.
    waits: bool = False


def _look() -> JobFunction:
    from dlcore.datasets.upload import look

    return look


def _look_long() -> JobFunction:
    from dlcore.datasets.upload import look_long

    return look_long


def _import() -> JobFunction:
    from dlcore.datasets.upload import import_table

    return import_table


def _images() -> JobFunction:
    from dlcore.datasets.upload.images import images

    return images


def _classic() -> JobFunction:
    from dlcore.datasets.classic import classic

    return classic


def _export() -> JobFunction:
    from dlcore.export import export_job

    return export_job


def _data_csv() -> JobFunction:
    from dlcore.export.rows import data_csv_job

    return data_csv_job


def _seeds() -> JobFunction:
    from dlcore.seeds.job import seeds

    return seeds


def _evaluate() -> JobFunction:
    from dlcore.evaluation.scores import evaluate

    return evaluate


def _examples() -> JobFunction:
    from dlcore.evaluation.examples import examples

    return examples


def _baselines() -> JobFunction:
    from dlcore.evaluation.baselines import baselines

    return baselines


def _learning_curve() -> JobFunction:
    from dlcore.evaluation.growth import learning_curve

    return learning_curve


def _capacity() -> JobFunction:
    from dlcore.evaluation.growth import capacity

    return capacity


def _guards() -> JobFunction:
    from dlcore.evaluation.guards import guards

    return guards


def _verdict() -> JobFunction:
    from dlcore.evaluation.verdict import verdict

    return verdict


def _whatif() -> JobFunction:
    from dlcore.evaluation.whatif import whatif

    return whatif


def _flip() -> JobFunction:
    from dlcore.evaluation.flip import flip

    return flip


def _predict() -> JobFunction:
    from dlcore.predictions import look

    return look


def _predict_long() -> JobFunction:
    from dlcore.predictions import look_long

    return look_long


def _predictions_csv() -> JobFunction:
    from dlcore.predictions import as_csv

    return as_csv


def _report() -> JobFunction:
    from dlcore.export.report import report

    return report


def _card() -> JobFunction:
    from dlcore.export.card import card

    return card


def _find_rate() -> JobFunction:
    from dlcore.evaluation.rate import find_rate

    return find_rate


JOBS: dict[str, Work] = {
    "look": Work(_look, processor=5.0, clock=60.0, too_long="upload_too_long"),
    "look_long": Work(_look_long, "slow", 60.0, 180.0, "upload_too_long"),
    "import": Work(_import, "slow", 60.0, 180.0, "upload_too_long"),
    "images": Work(_images, "slow", 60.0, 180.0, "upload_too_long"),
    "classic": Work(_classic, "slow", 60.0, 300.0, waits=True),
    "export": Work(_export, "slow", 60.0),
    "data_csv": Work(_data_csv),
    "find_rate": Work(_find_rate, processor=40.0),
    "seeds": Work(_seeds, "long", 900.0, 900.0),
    "evaluate": Work(_evaluate),
    "examples": Work(_examples),
    "verdict": Work(_verdict, "slow", 60.0),
    "baselines": Work(_baselines, "slow", 60.0),
    "learning_curve": Work(_learning_curve, "long", 900.0, 900.0),
    "capacity": Work(_capacity, "long", 900.0, 900.0),
    "guards": Work(_guards, "slow", 60.0),
    "whatif": Work(_whatif),
    "flip": Work(_flip, "slow", 60.0),
    "predict": Work(_predict, processor=10.0, clock=60.0, too_long="upload_too_long"),
    "predict_long": Work(_predict_long, "slow", 60.0, 180.0, "upload_too_long"),
    "predictions_csv": Work(_predictions_csv, "slow", 60.0, 180.0, "upload_too_long"),
    "report": Work(_report, "slow", 60.0),
    "card": Work(_card, "slow", 60.0),
}
