"""Baselines: simple models fitted on the same training rows. A network that does no better than they do is not needed."""

from __future__ import annotations

import streamlit as st

from dlcore.metrics import score_text
from dlcore.views import baselines
from ui.evaluating.asking import ask
from ui.evaluating.drawing import draw_chart
from ui.session import label, t


def draw_section() -> None:
    """Draw the scores of all models, the network among them, as bars and as numbers."""
    found = ask("baselines")[0]
    metric, watched = found["metric"], found["splits"][1]
    models = [
        {
            "name": t(f"evaluate.baseline.{model['key']}"),
            "train": model["train"],
            "test": model[watched],
            "network": False,
        }
        for model in found["models"]
    ]
    network = found["network"]
    models.append(
        {"name": t("evaluate.baseline.network"), "train": network["train"], "test": network[watched], "network": True}
    )
    draw_chart(baselines, {"metric": f"views.{metric}", "models": models}, "baselines")
    st.table(
        {
            label("evaluate.model"): [label(f"evaluate.baseline.{one['key']}.what") for one in found["models"]],
            label("evaluate.split.train"): [score_text(metric, one["train"]) for one in found["models"]],
            label(f"evaluate.split.{watched}"): [score_text(metric, one[watched]) for one in found["models"]],
            label("evaluate.seconds"): [f"{one['seconds']:.2f}" for one in found["models"]],
        },
        hide_index=True,
        border="horizontal",
    )
