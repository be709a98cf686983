"""Baselines: simple models fitted on the same training rows. A network that does no better than they do is not needed."""

from __future__ import annotations

from typing import Any

import streamlit as st

from dlcore.metrics import score_text
from dlcore.views import baselines
from ui.evaluating import rows
from ui.evaluating.asking import ask
from ui.evaluating.drawing import draw_chart
from ui.evaluating.verdict import SHARES, find_verdict, write_difference
from ui.session import label, t


def list_models(found: dict[str, Any]) -> dict[str, Any]:
    """The numbers of the view: all models of a verdict, and the network."""
    split = found["split"]
    models = [
        {
            "name": t(f"evaluate.baseline.{model['key']}"), "train": model["train"], "test": model[split],
            "interval": model["intervals"][split], "network": False,
        }
        for model in found["models"]
    ]  # fmt: skip
    network = {
        "name": t("evaluate.baseline.network"), "train": found["network"]["train"], "test": found["network"][split],
        "interval": found["intervals"][split], "network": True,
    }  # fmt: skip
    metric = f"views.{found['metric']}"
    return {
        "metric": metric,
        "rows": t("views.rows_of", part=t(f"evaluate.split.{split}")),
        "models": [*models, network],
    }


def draw_section() -> None:
    """Draw the scores of all models, the network among them, as bars and as numbers with what they come to."""
    ask("baselines", **rows.open_all())  # The verdict speaks of all models from here on.
    found = find_verdict()
    left, right = st.columns([4, 7], gap="medium")
    with left:
        draw_chart(baselines, list_models(found), "baselines", "views.baselines.scores")
    with right:
        _draw_table(found)


def _draw_table(found: dict[str, Any]) -> None:
    metric, split = found["metric"], found["split"]
    st.markdown(f"**{label('evaluate.compared')}**", help=label(f"verdict.against.{metric}.help"))
    lines = [
        {
            "model": f"**{label('evaluate.baseline.network')}**", "train": score_text(metric, found["network"]["train"]),
            "judged": _write_score(metric, found["network"][split], found["intervals"][split]), "than": "–", "seconds": "–",
        },
        *(
            {
                "model": label(f"evaluate.baseline.{model['key']}.what"), "train": score_text(metric, model["train"]),
                "judged": _write_score(metric, model[split], model["intervals"][split]),
                "than": _write_comparison(metric, model["compared"][split]), "seconds": f"{model['seconds']:.2f}",
            }
            for model in found["models"]
        ),
    ]  # fmt: skip
    titles = {
        "model": "evaluate.model", "train": "evaluate.split.train", "judged": f"evaluate.split.{split}",
        "than": "evaluate.compared.network", "seconds": "evaluate.seconds",
    }  # fmt: skip
    st.table(
        {label(title): [line[name] for line in lines] for name, title in titles.items()},
        hide_index=True,
        border="horizontal",
    )
    st.caption(label("evaluate.compared.see"))


def _write_score(metric: str, score: float | None, ends: list[float] | None) -> str:
    if ends is None:
        return score_text(metric, score)
    low, high = (score_text(metric, end) for end in ends)
    return label("evaluate.compared.score", score=score_text(metric, score), low=low, high=high)


def _write_comparison(metric: str, compared: dict[str, Any]) -> str:
    kind = label(f"evaluate.compared.{compared['kind']}")
    if compared["interval"] is None:
        return kind
    difference, low, high = (write_difference(metric, one) for one in (compared["difference"], *compared["interval"]))
    unit = "points" if metric in SHARES else "number"
    return f"**{kind}** " + label(f"evaluate.compared.by.{unit}", difference=difference, low=low, high=high)
