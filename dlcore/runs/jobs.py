"""What a desk can be asked to do: one line a job, its name and the function that does it.

A job is `job(arguments, payload, progress) -> (header, payload)`: JSON and bytes in, JSON and bytes out. It may call
`progress(share, partial)` as often as it likes, and raises a Problem where the person can do something about it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

Progress = Callable[[float, dict[str, Any]], None]
Answer = tuple[dict[str, Any], bytes]

# Named by text, so that the serving process, which lists them, imports none of them.
JOBS: dict[str, str] = {
    "look": "dlcore.datasets.upload:look",
    "look_long": "dlcore.datasets.upload:look_long",
    "import": "dlcore.datasets.upload:import_table",
    "images": "dlcore.datasets.upload.images:images",
    "classic": "dlcore.datasets.classic:classic",
    "export": "dlcore.export:export_job",
    "data_csv": "dlcore.export.rows:data_csv_job",
    "seeds": "dlcore.seeds.job:seeds",
    "evaluate": "dlcore.evaluation.scores:evaluate",
    "examples": "dlcore.evaluation.examples:examples",
    "baselines": "dlcore.evaluation.baselines:baselines",
    "learning_curve": "dlcore.evaluation.growth:learning_curve",
    "capacity": "dlcore.evaluation.growth:capacity",
    "guards": "dlcore.evaluation.guards:guards",
    "whatif": "dlcore.evaluation.whatif:whatif",
    "flip": "dlcore.evaluation.flip:flip",
    "report": "dlcore.export.report:report",
    "card": "dlcore.export.card:card",
}
