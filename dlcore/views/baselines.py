"""The network among simple models that were fitted on the same training rows.

numbers: {"metric": message key, "models": [{"name", "train", "test", "network": bool}...]}.
"""

from __future__ import annotations

import plotly.graph_objects as go

from dlcore.views.theme import QUIET, TEST, TRAIN, Numbers, Words, figure, plain

TITLE = "views.baselines"
ROW = 52  # pixels


def draw(numbers: Numbers, words: Words) -> go.Figure:
    """A bar for each model, its score on unseen rows, the best on top; a line marks the score on its training rows."""
    models = sorted((one for one in numbers["models"] if one["test"] is not None), key=lambda model: model["test"])
    # The score is written beside the name: on the bar it would cover the line.
    names = [f"{plain(model['name'])}  {model['test']:.3f}" for model in models]
    heights = list(range(len(models)))
    fig = figure(words(numbers["metric"]), "", 90 + ROW * len(models))
    fig.add_trace(
        go.Bar(
            x=[model["test"] for model in models],
            y=heights,
            orientation="h",
            width=0.56,
            marker={
                "color": [TEST if model["network"] else QUIET for model in models],
                "opacity": [1.0 if model["network"] else 0.5 for model in models],
            },
            hovertemplate=words("views.unseen") + ": %{x:.3f}<extra></extra>",
        )
    )  # fmt: skip
    fig.add_trace(
        go.Scatter(
            x=[model["train"] for model in models],
            y=heights,
            mode="markers",
            marker={"symbol": "line-ns-open", "size": 26, "color": TRAIN, "line": {"width": 2}},
            hovertemplate=words("views.train") + ": %{x:.3f}<extra></extra>",
        )
    )
    fig.update_yaxes(tickvals=heights, ticktext=names, showgrid=False, range=[-0.6, len(models) - 0.4])
    fig.update_xaxes(showgrid=True, zeroline=True)
    return fig
