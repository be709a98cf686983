"""What a desk can be asked to do: one line a job, its name, the function that does it and what it may take."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

#: Somebody waits and it takes a moment; somebody waits and it may take a minute; it goes on in the background for minutes.
Kind = Literal["quick", "slow", "long"]


@dataclass(frozen=True)
class Work:
    """The function of a job, of which kind it is, and after how much it is stopped."""

    function: str  # "module:name", so that the serving process, which lists them, imports none of them
    kind: Kind = "quick"
    processor: float = 20.0  # Seconds of a processor: a slow or busy machine does not make an honest job a long one.
    clock: float = 120.0  # Seconds in all, from its beginning.
    too_long: str = "job_too_long"  # Key of what is said then.
    waits: bool = (
        False  # For the internet, mostly: it costs its owner the time that it takes, not what it uses of a processor.
    )


JOBS: dict[str, Work] = {
    "look": Work("dlcore.datasets.upload:look", processor=5.0, clock=60.0, too_long="upload_too_long"),
    "look_long": Work("dlcore.datasets.upload:look_long", "slow", 60.0, 180.0, "upload_too_long"),
    "import": Work("dlcore.datasets.upload:import_table", "slow", 60.0, 180.0, "upload_too_long"),
    "images": Work("dlcore.datasets.upload.images:images", "slow", 60.0, 180.0, "upload_too_long"),
    "classic": Work("dlcore.datasets.classic:classic", "slow", 60.0, 300.0, waits=True),
    "export": Work("dlcore.export:export_job", "slow", 60.0),
    "data_csv": Work("dlcore.export.rows:data_csv_job"),
    "seeds": Work("dlcore.seeds.job:seeds", "long", 900.0, 900.0),
    "evaluate": Work("dlcore.evaluation.scores:evaluate"),
    "examples": Work("dlcore.evaluation.examples:examples"),
    "baselines": Work("dlcore.evaluation.baselines:baselines", "slow", 60.0),
    "learning_curve": Work("dlcore.evaluation.growth:learning_curve", "long", 900.0, 900.0),
    "capacity": Work("dlcore.evaluation.growth:capacity", "long", 900.0, 900.0),
    "guards": Work("dlcore.evaluation.guards:guards", "slow", 60.0),
    "whatif": Work("dlcore.evaluation.whatif:whatif"),
    "flip": Work("dlcore.evaluation.flip:flip", "slow", 60.0),
    "predict": Work("dlcore.predictions:look", processor=10.0, clock=60.0, too_long="upload_too_long"),
    "predict_long": Work("dlcore.predictions:look_long", "slow", 60.0, 180.0, "upload_too_long"),
    "predictions_csv": Work("dlcore.predictions:as_csv", "slow", 60.0, 180.0, "upload_too_long"),
    "report": Work("dlcore.export.report:report", "slow", 60.0),
    "card": Work("dlcore.export.card:card", "slow", 60.0),
}
