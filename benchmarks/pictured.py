"""Networks over pictures and sequences as they are seen live: frames in Chromium while they train, and what a frame holds and costs."""

from __future__ import annotations

from statistics import median
from time import process_time
from typing import Any

import torch
from playwright.sync_api import sync_playwright

from benchmarks.canvas import measure_frames
from benchmarks.page import FLAGS, browser_path, open_page
from benchmarks.server import served, wait_until_warm
from benchmarks.tables import Figure, at_least, at_most, goals
from dlcore.experiment import Experiment
from dlcore.frame import decode_frame
from dlcore.pictures.questions import Looks
from dlcore.runs.frames import Held
from dlcore.runs.run import Run

FRAMES, BYTES, COST = (
    30.0,
    25_000,
    10.0,
)  # a second; of a frame; milliseconds of what is predicted for the rows that are shown
ADAM = {"kind": "adam", "learning_rate": 0.003}
CNN: dict[str, Any] = {
    "dataset": {"kind": "mnist"}, "optimizer": ADAM, "batch_size": 10,
    "layers": [
        {"kind": "conv2d", "channels": 8, "padding": 1}, {"kind": "max_pool"},
        {"kind": "conv2d", "channels": 16, "padding": 1}, {"kind": "max_pool"}, {"kind": "flatten"},
    ],
}  # fmt: skip
LSTM: dict[str, Any] = {
    "dataset": {"kind": "recall", "length": 32}, "optimizer": ADAM, "batch_size": 10,
    "layers": [{"kind": "embedding", "dimensions": 8}, {"kind": "lstm", "units": 32, "returns": "all"}, {"kind": "lstm", "units": 16}],
}  # fmt: skip
NETWORKS = {"CNN 8-pool-16-pool on 28x28": CNN, "LSTM of 32 units over 32 steps": LSTM}


def run(quick: bool) -> str:
    """The table of goals."""
    seconds = 3.0 if quick else 10.0
    figures = [*(_weigh(name, recipe) for name, recipe in NETWORKS.items()), _time_predictions()]
    with sync_playwright() as playwright, served() as server:
        wait_until_warm(server)
        browser = playwright.chromium.launch(executable_path=browser_path(), args=FLAGS)
        for name, recipe in NETWORKS.items():
            page = open_page(browser, server, recipe)
            rate, late = measure_frames(page, seconds)
            page.context.close()
            said = f"{rate:.1f} (interval's p95 {late:.0f} ms)"
            figures.append(
                at_least(f"frames/s of {name}, headless Chromium, training", FRAMES, rate, f"{FRAMES:g}", said)
            )
        browser.close()
    return f"{goals(figures)}\n\nBytes: of the second of two frames of a light client, with an update between them; batch 10."


def _weigh(name: str, recipe: dict[str, Any]) -> Figure:
    """The bytes of a frame to a viewer that knows the one before."""
    one = Run(Experiment.from_dict(recipe).to_json(), "cpu")
    header, _ = decode_frame(one.make_frame(Held(None, None, 0, slim=True), {}))
    one.step()
    known = Held(header["version"], header["structure"], 1, header["moments_version"], slim=True, frame=header["frame"])
    size = len(one.make_frame(known, {}))
    return at_most(f"bytes of a frame of {name}", BYTES, size, f"{BYTES // 1000} kB", f"{size / 1000:.1f} kB")


def _time_predictions() -> Figure:
    """Processor time of what is predicted for the rows among which a person chooses, by one thread as in a worker."""
    torch.set_num_threads(1)
    one = Run(Experiment.from_dict(CNN).to_json(), "cpu")
    contents = one.contents_maker.make_now(one.learner, one.version, one.structure, False)
    looks, snapshot = contents.looks, contents.snapshot  # type: ignore[attr-defined]
    assert isinstance(looks, Looks)
    times = []
    for _ in range(15):
        before = process_time()
        looks.predicted_classes(looks.predictions(snapshot))
        times.append(1000 * (process_time() - before))
    spent = median(times)
    return at_most(
        "predictions for the rows to choose from, CNN on 28x28", COST, spent, f"{COST:g} ms", f"{spent:.1f} ms"
    )
