"""Which numbers of a run become which figure of its report.  P points of a map."""

from __future__ import annotations

from typing import Any

import numpy as np

from dlcore.evaluation.whatif import compute_outputs, predict
from dlcore.export import svg
from dlcore.export.facts import Facts
from dlcore.export.svg import Line, escape, escape_long
from dlcore.export.words import Words, show_value
from dlcore.pictures.base import PLANE

SIDE = 160  # pixels of the map
MOST_POINTS = 300  # of a part
MOST_RESIDUALS = 800
MOST_CURVES = 6
ROOM = 0.08  # how far the map reaches beyond the rows, as a share of their range


def draw_history(facts: Facts, words: Words) -> str:
    """Loss and metric of both parts over the epochs."""
    metric = facts.experiment.metric
    drawn = []
    for name in ("loss", metric):
        curves = [
            Line(words(f"report.{part}"), style, facts.history["epoch"], facts.history[f"{part}_{name}"])
            for part, style in (("train", "train"), (facts.watched, "test"))
            if f"{part}_{name}" in facts.history
        ]
        title = words(f"report.{name}")
        drawn.append(_wrap(title, svg.draw_lines(curves, words("report.epoch"), title, title)))
    return "".join(drawn)


def draw_thresholds(facts: Facts, words: Words) -> str:
    """ROC, precision against recall, and calibration: one curve of two classes, else one a class."""
    found, names = facts.parts[facts.shown], facts.judged.data.class_names
    unit: dict[str, Any] = {"x": (0.0, 1.0), "y": (0.0, 1.0)}
    drawn = []
    for key, x, y, area, diagonal in (("roc", "fpr", "tpr", "auc", True), ("pr", "recall", "precision", "ap", False)):
        curves = [
            Line(
                _with_area(names[one["class"]], area.upper(), one[area], len(names)),
                svg.choose_colour(one["class"]),
                one[x],
                one[y],
            )
            for one in found[key][:MOST_CURVES]
            if one[area] is not None
        ]
        titles = (
            (words("report.roc.x"), words("report.roc.y"))
            if key == "roc"
            else (words("report.recall"), words("report.precision"))
        )
        title = _of_class(words(f"report.{key}"), names, words)
        drawn.append(_wrap(title, svg.draw_lines(curves, *titles, title, **unit, diagonal=diagonal)))
    curves = [
        Line(
            "" if len(names) == 2 else names[one["class"]],
            svg.choose_colour(one["class"]),
            one["mean_predicted"],
            one["share"],
        )
        for one in found["calibration"][:MOST_CURVES]
    ]
    title = _of_class(words("report.calibration"), names, words)
    body = svg.draw_lines(
        curves, words("report.calibration.x"), words("report.calibration.y"), title, **unit, diagonal=True
    )
    return "".join([*drawn, _wrap(title, body)])


def draw_predicted_true(facts: Facts, words: Words) -> str:
    """Each row as a point: its true value across, its predicted value up."""
    residuals = facts.parts[facts.shown]["residuals"]
    points = list(zip(residuals["true"], residuals["predicted"], strict=True))
    step = max(1, len(points) // MOST_RESIDUALS)
    return f"<figure>{svg.draw_dots(points[::step], words('report.true'), words('report.predicted'), words('report.residuals'))}</figure>"


def draw_surface(facts: Facts, words: Words) -> tuple[str, str] | None:
    """The network's prediction everywhere: a map over two inputs, a curve over one; None for more inputs."""
    match facts.experiment.dataset.surface:
        case "plane":
            return "report.map", f'<p class="see">{escape_long(words("report.map.see"))}</p>{_draw_map(facts, words)}'
        case "line":
            return "report.map.line", _draw_line(facts, words)
    return None


def _draw_map(facts: Facts, words: Words) -> str:
    judged = facts.judged
    toy = not hasattr(facts.experiment.dataset, "columns")
    x, y = (PLANE, PLANE) if toy else (_find_range(facts, 0), _find_range(facts, 1))
    across, down = np.linspace(*x, SIDE), np.linspace(y[1], y[0], SIDE)
    grid_P2 = np.stack(np.meshgrid(across, down), axis=-1).reshape(-1, 2)
    claims_P = predict(judged, compute_outputs(judged, grid_P2))
    low, high = (float(judged.data.train.y.min()), float(judged.data.train.y.max()))
    rgba = svg.choose_shades(claims_P, low, high).round().astype(np.uint8).reshape(SIDE, SIDE, 4)
    points = [
        point
        for part, kind in ((judged.train, "train"), (judged.watched, "test"))
        for point in _choose_points(facts, part, kind)
    ]
    names = judged.data.raw_names
    return f"<figure>{svg.draw_plane(x, y, rgba, points, (names[0], names[1]), words('report.map'))}</figure>"


def _choose_points(facts: Facts, part: Any, kind: str) -> list[tuple[float, float, str, str]]:
    raw, y = part.split.raw, part.split.y
    known = np.flatnonzero(np.isfinite(raw).all(axis=1))[:MOST_POINTS]
    classes = bool(facts.judged.data.class_names)
    middle = float(facts.judged.data.train.y.mean())
    return [
        (
            float(raw[row, 0]),
            float(raw[row, 1]),
            svg.choose_colour(int(y[row]) if classes else int(y[row] > middle)),
            kind,
        )
        for row in known
    ]


def _draw_line(facts: Facts, words: Words) -> str:
    judged = facts.judged
    low, high = _find_range(facts, 0)
    along = np.linspace(low, high, 200)
    values_P = predict(judged, compute_outputs(judged, along[:, None]))
    order = np.argsort(judged.train.split.raw[:, 0])[:: max(1, len(judged.train.split.y) // MOST_POINTS)]
    points = [(float(judged.train.split.raw[row, 0]), float(judged.train.split.y[row])) for row in order]
    values = [*values_P.tolist(), *(y for _, y in points)]
    plot = svg.Plot((low, high), (min(values), max(values)), width=560, height=340)
    body = [plot.axes(judged.data.raw_names[0], words("report.target"))]
    body += ['<circle class="dot train" cx="{}" cy="{}" r="3"/>'.format(*plot.to_pixels(*point)) for point in points]
    path = " ".join(
        "{},{}".format(*plot.to_pixels(x, y)) for x, y in zip(along.tolist(), values_P.tolist(), strict=True)
    )
    body.append(f'<polyline class="line test" points="{path}"/>')
    return f"<figure>{plot.picture(''.join(body), words('report.map.line'))}</figure>"


def _find_range(facts: Facts, index: int) -> tuple[float, float]:
    column = facts.columns[index]
    room = (column.high - column.low) * ROOM or 1.0
    return column.low - room, column.high + room


def _of_class(title: str, names: tuple[str, ...], words: Words) -> str:
    """The title with the class's name: of two classes only the curve of the second is drawn, as it says all."""
    return words("report.of_class", title=title, name=show_value(names[1])) if len(names) == 2 else title


def _with_area(name: str, measure: str, area: float, classes: int) -> str:
    return f"{measure} {area:.3f}" if classes == 2 else f"{name} {area:.2f}"


def _wrap(title: str, drawn: str) -> str:
    return f"<figure><figcaption>{escape(title)}</figcaption>{drawn}</figure>" if drawn else ""
