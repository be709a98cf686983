"""How many rows each class has. The longest bar is what always guessing the majority class would get right."""

from __future__ import annotations

import plotly.graph_objects as go

from dlcore.views.theme import CLASSES, Numbers, Words, figure, plain

TITLE = "view.balance"
BAR, EDGE = 26, 48  # pixels
ROOM = 1.4  # length of the axis in longest bars, to leave room for words


def draw(numbers: Numbers, words: Words) -> go.Figure:
    """`numbers`: {"classes": [{"name", "rows"}]}."""
    classes = numbers["classes"]
    percents = share_out([one["rows"] for one in classes])
    fig = figure("", "", EDGE + BAR * len(classes))
    fig.add_bar(
        y=list(range(len(classes))),
        x=[one["rows"] for one in classes],
        orientation="h",
        marker={"color": [CLASSES[index % len(CLASSES)] for index in range(len(classes))]},
        text=[f"{one['rows']:,} · {percent}%" for one, percent in zip(classes, percents, strict=True)],
        textposition="outside",  # On the bars, words would need a colour that suits each bar.
        hovertemplate="%{x:,}<extra></extra>",
    )
    fig.update_xaxes(visible=False, range=[0, ROOM * max((one["rows"] for one in classes), default=1)])
    names = [plain(one["name"]) for one in classes]
    fig.update_yaxes(tickvals=list(range(len(names))), ticktext=names, autorange="reversed", showgrid=False)
    return fig


def share_out(counts: list[int]) -> list[int]:
    """Whole percentages of these counts that add up to 100: the largest remainders are rounded up (Hamilton, 1792)."""
    total = sum(counts) or 1
    percents = [100 * count // total for count in counts]
    by_remainder = sorted(range(len(counts)), key=lambda index: -(100 * counts[index] % total))
    for index in by_remainder[: (100 if any(counts) else 0) - sum(percents)]:
        percents[index] += 1
    return percents
