"""Colours and style of all figures: quiet axes, direct labels, no background; each colour has one meaning, the same as on the canvas.

The colours are placeholders, which Streamlit's Plotly theme "streamlit" replaces by the colours of the reader's light or dark theme;
for a figure that goes elsewhere, `fix_colours` replaces them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

import plotly.graph_objects as go

from dlcore.pictures.colours import CLASS_COLOURS

Words = Callable[[str], str]
Numbers = dict[str, Any]

#: Class 0 or negative is orange, class 1 or positive is blue; after ten colours they repeat.
CLASSES = tuple(f"#0000{number:02d}" for number in range(1, 11))
NEGATIVE, POSITIVE = CLASSES[:2]
TRAIN, TEST = "#000036", CLASSES[2]  # Grey and a green, as the curves on the canvas.
WRONG = CLASSES[3]
QUIET, INK, LINE, BACKGROUND = "#000036", "#000037", "#000039", "#000038"
ON_COLOUR = "#11181b"  # text on a strong colour, in either theme
#: Colours for the placeholders where no page replaces them: those of the light theme.
LIGHT = dict(
    zip(
        (*CLASSES, QUIET, INK, LINE, BACKGROUND),
        (*CLASS_COLOURS, "#66757a", "#17262b", "#d5dfdd", "#ffffff"),
        strict=True,
    )
)
HEIGHT = 340  # pixels

_TAGS = re.compile(r"[<>&]")
_LOOKALIKES = {"<": "‹", ">": "›", "&": "＆"}


def plain(text: str) -> str:
    """Untrusted text for a figure: Plotly interprets tags and entities, so "<", ">" and "&" are replaced by signs that look alike."""
    return _TAGS.sub(lambda sign: _LOOKALIKES[sign[0]], text)


def figure(x: str, y: str, height: int = HEIGHT) -> go.Figure:
    """An empty figure with these titles of the axes."""
    fig = go.Figure()
    fig.update_layout(
        height=height,
        margin={"l": 8, "r": 8, "t": 24, "b": 8},
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
        font={"color": INK},
        showlegend=False,
        hovermode="closest",
        dragmode=False,
    )
    for axes, title in ((fig.update_xaxes, x), (fig.update_yaxes, y)):
        # The theme's grey is too pale for text.
        axes(
            title={"text": title, "standoff": 8, "font": {"color": INK}},
            tickfont={"color": INK},
            zeroline=False,
            fixedrange=True,
            automargin=True,
        )
    return fig


def say_at(fig: go.Figure, x: Any, y: Any, text: str, colour: str = INK, **where: Any) -> None:
    """Add a direct label: text beside the thing it names, in its colour."""
    options = {"showarrow": False, "xanchor": "left", "yanchor": "middle", "xshift": 6, **where}
    fig.add_annotation(x=x, y=y, text=text, font={"color": colour}, **options)


def class_colour(label: int) -> str:
    """The colour of this class, as on the canvas."""
    return CLASSES[label % len(CLASSES)]


def class_name(numbers: Numbers, label: int) -> str:
    """The name of this class from the numbers' "class_names", safe for Plotly."""
    return plain(numbers["class_names"][label])


def draw_curve(fig: go.Figure, x: Any, y: Any, colour: str, name: str, width: float = 2.5) -> None:
    """Add a line; a thin one is also paler, as background for the chosen one."""
    fig.add_trace(
        go.Scatter(
            x=x,
            y=y,
            mode="lines",
            line={"color": colour, "width": width},
            opacity=min(1.0, 0.2 + width / 3),
            hovertemplate=f"{name}<br>%{{x:.3f}}, %{{y:.3f}}<extra></extra>",
        )
    )


def draw_guess(fig: go.Figure, x: list[float], y: list[float], text: str) -> None:
    """Add a dotted line, what guessing would reach, with a label."""
    fig.add_trace(
        go.Scatter(x=x, y=y, mode="lines", line={"color": QUIET, "width": 1, "dash": "dot"}, hoverinfo="skip")
    )
    rises = y[1] > y[0]
    along = 0.6 if rises else 0.5
    x_along, y_along = (start + along * (end - start) for start, end in (x, y))
    say_at(fig, x_along, y_along, text, yanchor="top" if rises else "bottom", xanchor="left" if rises else "center")


def draw_mark(fig: go.Figure, x: float, y: float, colour: str, name: str) -> None:
    """Add a large marker at the chosen point."""
    fig.add_trace(
        go.Scatter(
            x=[x],
            y=[y],
            mode="markers",
            marker={"size": 15, "color": colour, "line": {"width": 3, "color": BACKGROUND}},
            hovertemplate=f"{name}<br>%{{x:.3f}}, %{{y:.3f}}<extra></extra>",
        )
    )


def fix_colours(fig: go.Figure) -> go.Figure:
    """The same figure with real colours, for a document without a theme (a report)."""
    # If Streamlit is loaded, figures are made with its template, which has placeholders of its own.
    text = str(go.Figure(fig).update_layout(template="plotly_white").to_json())
    for mark, colour in LIGHT.items():
        text = text.replace(mark, colour)
    return go.Figure(json.loads(text))
