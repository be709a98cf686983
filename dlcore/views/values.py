"""The values of one column: a histogram of numbers, or bars of the most frequent values."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import plotly.graph_objects as go

from dlcore.views.theme import BACKGROUND, CLASSES, Numbers, Words, figure, plain

TITLE = "view.values"
ACCENT = CLASSES[2]
HEIGHT = 220
BAR = 24
ROOM = 1.3  # length of the axis in longest bars, to leave room for numbers


def draw(numbers: Numbers, words: Words) -> go.Figure:
    """`numbers`: a ColumnProfile: {"kind", "histogram": {"edges", "counts"}, "top": [[value, rows]]}."""
    histogram = numbers.get("histogram") or {}
    if histogram.get("counts"):
        said = _write_day if numbers["kind"] == "date" else _write_number
        return _draw_histogram(histogram, said, words)
    return _draw_bars(numbers.get("top") or [])


def _draw_histogram(histogram: Numbers, said: Callable[[float], str], words: Words) -> go.Figure:
    edges, counts = histogram["edges"], histogram["counts"]
    lows, highs = edges[:-1], edges[1:]
    fig = figure("", words("view.values.rows"), HEIGHT)
    fig.add_bar(
        x=[(low + high) / 2 for low, high in zip(lows, highs, strict=True)],
        y=counts,
        width=[high - low for low, high in zip(lows, highs, strict=True)],
        marker={"color": ACCENT, "line": {"width": 1, "color": BACKGROUND}},
        customdata=[[said(low), said(high)] for low, high in zip(lows, highs, strict=True)],
        hovertemplate="%{customdata[0]} – %{customdata[1]}: %{y:,}<extra></extra>",
    )
    if said is _write_day:
        fig.update_xaxes(tickvals=[edges[0], edges[-1]], ticktext=[said(edges[0]), said(edges[-1])])
    return fig


def _draw_bars(top: list[list]) -> go.Figure:
    fig = figure("", "", 48 + BAR * max(1, len(top)))
    fig.add_bar(
        y=list(range(len(top))),
        x=[rows for _, rows in top],
        orientation="h",
        marker={"color": ACCENT},
        text=[f"{rows:,}" for _, rows in top],
        textposition="outside",
        hovertemplate="%{x:,}<extra></extra>",
    )
    fig.update_xaxes(visible=False, range=[0, ROOM * max((rows for _, rows in top), default=1)])
    names = [_shorten(plain(str(value))) for value, _ in top]
    fig.update_yaxes(tickvals=list(range(len(top))), ticktext=names, autorange="reversed", showgrid=False)
    return fig


def _write_number(edge: float) -> str:
    return f"{edge:.5g}"


def _write_day(edge: float) -> str:
    """The date of a number of days since 1970."""
    return str(np.datetime64(round(edge), "D"))


def _shorten(name: str) -> str:
    return name if len(name) <= 20 else name[:19] + "…"
