"""The network among simple models that were fitted on the same training rows.

numbers: {"metric": message key, "rows": name of the judged rows, "models": [{"name", "train", "test", "interval": [low, high] or None,
"network": bool}...], "row": height of a line in pixels, default ROW}; "test" is the score on the judged rows.
"""

from __future__ import annotations

import plotly.graph_objects as go

from dlcore.views.theme import INK, QUIET, TEST, TRAIN, Numbers, Words, figure, plain

TITLE = "views.baselines"
ROW = 52  # pixels


def draw(numbers: Numbers, words: Words) -> go.Figure:
    """A bar with a whisker for each model's score on the judged rows, the best on top; a tick marks the score on its training rows."""
    models = sorted((one for one in numbers["models"] if one["test"] is not None), key=lambda model: model["test"])
    # The score is written beside the name: on the bar it would cover the tick.
    names = [f"{plain(model['name'])}  {model['test']:.3f}" for model in models]
    heights = list(range(len(models)))
    rows, row = plain(numbers["rows"]), numbers.get("row", ROW)
    fig = figure(words(numbers["metric"]), "", 110 + row * len(models))
    ends = [model["interval"] or (model["test"],) * 2 for model in models]
    fig.add_trace(
        go.Bar(
            name=rows,
            x=[model["test"] for model in models],
            y=heights,
            orientation="h",
            width=0.56,
            marker={
                "color": [TEST if model["network"] else QUIET for model in models],
                "opacity": [1.0 if model["network"] else 0.5 for model in models],
            },
            error_x={
                "array": [max(0.0, high - model["test"]) for model, (_, high) in zip(models, ends, strict=True)],
                "arrayminus": [max(0.0, model["test"] - low) for model, (low, _) in zip(models, ends, strict=True)],
                "color": INK,
                "thickness": 1.5,
                "width": 5,
            },
            customdata=ends,
            hovertemplate=rows + ": %{x:.3f} (%{customdata[0]:.3f} – %{customdata[1]:.3f})<extra></extra>",
        )
    )  # fmt: skip
    fig.add_trace(
        go.Scatter(
            name=words("views.train"),
            x=[model["train"] for model in models],
            y=heights,
            mode="markers",
            marker={"symbol": "line-ns-open", "size": row // 2, "color": TRAIN, "line": {"width": 3}},
            hovertemplate=words("views.train") + ": %{x:.3f}<extra></extra>",
        )
    )
    fig.update_yaxes(tickvals=heights, ticktext=names, showgrid=False, range=[-0.6, len(models) - 0.4])
    fig.update_xaxes(showgrid=True, zeroline=True)
    fig.update_layout(
        showlegend=True,
        # The legend's sign of a bar is that of its first row, a grey one: what is told apart is bar and tick.
        legend={"orientation": "h", "x": 0, "y": 1.02, "yanchor": "bottom", "font": {"color": INK}, "itemclick": False,
                "itemdoubleclick": False},
    )  # fmt: skip
    return fig
