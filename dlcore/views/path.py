"""One row's path through the network: the activation of each unit, and of each connection its weight times its input.

numbers: the "path" of an answer of "whatif": {"layers": [{"title", "units", "shown": [unit], "names", "values"}],
"links": [{"level", "from", "to", "value"}], "carried": [share a level]}.
"""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go

from dlcore.views.theme import BACKGROUND, INK, LINE, NEGATIVE, POSITIVE, Numbers, Words, figure, plain

TITLE = "views.path"
UNIT, SMALLEST_UNIT = 26, 16  # pixels
ROW, TALLEST = 44, 520
SIGN = 8  # pixels of the widest letter
WIDTHS = (0.8, 1.6, 2.8, 4.4, 6.4)  # pixels: from the faintest links to the strongest
BEND = 24  # points of a curve
LONGEST_NAME = 16


def draw(numbers: Numbers, words: Words) -> go.Figure:
    """Layers from left to right. Blue is positive and orange negative, stronger for larger values; wide links carry much."""
    layers, links = numbers["layers"], numbers["links"]
    tallest = max(len(layer["shown"]) for layer in layers)
    fig = figure("", "", min(TALLEST, 110 + ROW * tallest))
    heights = [_spread_heights(len(layer["shown"])) for layer in layers]
    _draw_links(fig, links, heights, layers, words)
    size = max(SMALLEST_UNIT, min(UNIT, TALLEST // (tallest + 2)))
    for level, layer in enumerate(layers):
        _draw_layer(fig, level, layer, heights[level], size, words)
    titles = [_make_title(layers, level, words) for level in range(len(layers))]
    # Names are in the margins, which keep their width on a narrow page.
    fig.update_layout(margin={"l": _measure_margin(layers[0], size), "r": _measure_margin(layers[-1], size)})
    fig.update_xaxes(
        tickvals=list(range(len(layers))), ticktext=titles, side="top", showgrid=False, range=[-0.15, len(layers) - 0.85],
        automargin="height",
    )  # fmt: skip
    fig.update_yaxes(visible=False, range=[-0.62, 0.62])
    return fig


def _measure_margin(layer: Numbers, size: int) -> int:
    longest = max(len(_shorten(plain(name))) for name in layer["names"])
    return size + SIGN * (longest + len("  -0.0001"))


def _spread_heights(count: int) -> np.ndarray:
    """Heights of a layer's units, evenly spaced around 0, the first on top."""
    return (np.arange(count)[::-1] - (count - 1) / 2) / max(4, count)


def _make_title(layers: list[Numbers], level: int, words: Words) -> str:
    layer = layers[level]
    title = words(f"views.path.{layer['title']}").format(number=level)
    hidden = layer["units"] - len(layer["shown"])
    return f"{title}<br>{words('views.path.more').format(count=hidden)}" if hidden else title


def _draw_layer(fig: go.Figure, level: int, layer: Numbers, heights: np.ndarray, size: int, words: Words) -> None:
    values = np.array(layer["values"])
    largest = max(float(np.abs(values).max()), 1e-12)
    names = [_name_unit(layer, unit, level, words) for unit in range(len(values))]
    says = words("views.path.says")
    fig.add_trace(
        go.Scatter(
            x=[level] * len(values),
            y=heights,
            mode="markers",
            cliponaxis=False,
            marker={
                "size": size,
                "color": values / largest,
                "cmin": -1,
                "cmax": 1,
                "colorscale": [[0, NEGATIVE], [0.5, BACKGROUND], [1, POSITIVE]],
                "line": {"width": 1.5, "color": LINE},
            },
            hovertext=[
                f"{name}<br>{says.format(value=f'{value:.4g}')}" for name, value in zip(names, values, strict=True)
            ],
            hoverinfo="text",
        )
    )
    if layer["title"] == "hidden":
        return
    right = layer["title"] == "output"
    for name, height, value in zip(layer["names"], heights, values, strict=True):
        short = _shorten(plain(name))
        fig.add_annotation(
            x=level, y=height, text=f"{short}  {value:.3g}".strip(), showarrow=False, xshift=(size / 2 + 6) * (1 if right else -1),
            xanchor="left" if right else "right", yanchor="middle", font={"color": INK, "size": 12},
        )  # fmt: skip


def _draw_links(
    fig: go.Figure, links: list[Numbers], heights: list[np.ndarray], layers: list[Numbers], words: Words
) -> None:
    """One trace for each sign and width, the faint ones below; hovering over a link's middle shows its value."""
    largest = max((abs(link["value"]) for link in links), default=1.0) or 1.0
    grades = [min(len(WIDTHS) - 1, int(len(WIDTHS) * abs(link["value"]) / largest)) for link in links]
    for grade, width in enumerate(WIDTHS):
        for colour, sign in ((NEGATIVE, -1), (POSITIVE, 1)):
            among = [link for link, of in zip(links, grades, strict=True) if of == grade and link["value"] * sign > 0]
            if not among:
                continue
            curves = [_bend(link, heights) for link in among]
            fig.add_trace(
                go.Scatter(
                    x=np.concatenate([[*x, None] for x, _ in curves]),
                    y=np.concatenate([[*y, None] for _, y in curves]),
                    mode="lines",
                    line={"color": colour, "width": width},
                    opacity=0.3 + 0.12 * grade,
                    hoverinfo="skip",
                )
            )
    if not links:
        return
    middles = [_bend(link, heights) for link in links]
    fig.add_trace(
        go.Scatter(
            x=[x[BEND // 2] for x, _ in middles],
            y=[y[BEND // 2] for _, y in middles],
            mode="markers",
            marker={"size": 14, "opacity": 0},
            hovertext=[_describe(link, layers, words) for link in links],
            hoverinfo="text",
        )
    )


def _bend(link: Numbers, heights: list[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """The points of an S-shaped curve between two units."""
    along = np.linspace(0, 1, BEND)
    start, end = heights[link["level"]][link["from"]], heights[link["level"] + 1][link["to"]]
    return link["level"] + along, start + (end - start) * along**2 * (3 - 2 * along)


def _describe(link: Numbers, layers: list[Numbers], words: Words) -> str:
    source = _name_unit(layers[link["level"]], link["from"], link["level"], words)
    target = _name_unit(layers[link["level"] + 1], link["to"], link["level"] + 1, words)
    carried = words("views.path.carries").format(value=f"{link['value']:+.4g}")
    return f"{source} → {target}<br>{carried}"


def _name_unit(layer: Numbers, unit: int, level: int, words: Words) -> str:
    if layer["names"][unit]:
        return plain(layer["names"][unit])
    if layer["title"] == "output":
        return words("views.path.output")
    return words("views.path.unit").format(layer=level, unit=layer["shown"][unit] + 1)


def _shorten(name: str) -> str:
    return name if len(name) <= LONGEST_NAME else name[: LONGEST_NAME - 1] + "…"
