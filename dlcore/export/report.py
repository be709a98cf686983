"""The job "report": everything about one trained network in one HTML file that opens from disk, prints, and loads nothing.

Nothing in it runs: the policy in its head forbids scripts and every host, and allows the one style sheet by its digest (W3C,
Content Security Policy Level 3). All text that somebody has brought is escaped. The same run gives the same bytes: there is no date.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from dlcore.datasets.preparation import PreparedNumber
from dlcore.experiment import Experiment
from dlcore.export import figures
from dlcore.export.changes import changes, choice
from dlcore.export.facts import Facts, gather, versions
from dlcore.export.svg import bar, colour, esc, esc_long, matrix, whisker
from dlcore.export.words import Words, said
from dlcore.jobs import Answer, Progress
from dlcore.layers import activation_in_words
from dlcore.metrics import FORMS, score_text

STYLE = (Path(__file__).parent / "report.css").read_text(encoding="utf-8")
MOST_COLUMNS = 40  # in the table of the data
Section = tuple[str, str]  # message key of the title, HTML


def report(arguments: dict[str, Any], payload: bytes, progress: Progress) -> Answer:
    """{"words": messages in the reader's language, "language": its tag, and what `gather` takes} -> an HTML file. Raises Problem."""
    facts = gather(arguments, payload, progress)
    language = str(arguments.get("language", "en"))
    words = Words(arguments.get("words"))
    return {"sections": [key for key, _ in sections(facts, words)]}, written(facts, words, language).encode()


def written(facts: Facts, words: Words, language: str) -> str:
    """The whole file."""
    parts = sections(facts, words)
    digest = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
    policy = f"default-src 'none'; style-src 'sha256-{digest}'; img-src data:; base-uri 'none'; form-action 'none'"
    links = "".join(f'<a href="#{_anchor(key)}">{esc(words(key))}</a>' for key, _ in parts)
    body = "".join(
        f'<section id="{_anchor(key)}"><h2>{esc(words(key))}</h2>{content}</section>' for key, content in parts
    )
    tag = language if re.fullmatch(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{1,8})*", language) else "en"
    made = ", ".join(f"{name} {version}" for name, version in versions().items())
    return (
        f'<!doctype html>\n<html lang="{tag}">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n<meta name="referrer" content="no-referrer">\n'
        f"<title>{esc(facts.name(words))} – {esc(words('report.kind'))}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n"
        f'<header><p class="kind">{esc(words("report.kind"))}</p><h1>{esc(facts.name(words))}</h1>'
        f'<p class="at">{esc_long(at(facts, words))}</p>'
        f'<nav aria-label="{esc(words("report.contents"))}">{links}</nav></header>\n<main>\n{body}\n</main>\n'
        f"<footer>{esc(words('report.versions'))}: {esc_long(made)}. {esc(words('report.seed'))}: {facts.experiment.seed}.</footer>\n"
        "</body>\n</html>\n"
    )


def sections(facts: Facts, words: Words) -> list[Section]:
    """What there is to say, in the order in which one asks."""
    classes = bool(facts.judged.data.class_names)
    found: list[Section] = [("report.scores", _scores(facts, words)), ("report.warnings", _warnings(facts, words))]
    found.append(("report.curves", _curves(facts, words)))
    if classes:
        found.append(("report.classes", _classes(facts, words)))
    else:
        found.append(("report.residuals", _residuals(facts, words)))
    if drawn := figures.surface(facts, words):
        found.append(drawn)
    found += [("report.baselines", _baselines(facts, words)), ("report.data", _data(facts, words))]
    if facts.experiment.journal:
        found.append(("report.journal", _journal(facts, words)))
    found.append(("report.recipe", _recipe(facts, words)))
    return found


def at(facts: Facts, words: Words) -> str:
    """The network and the moment in one sentence."""
    experiment = facts.experiment
    units = " × ".join(str(plan.outputs) for plan in experiment.plan()[:-1] if plan.has_units)
    layers = words("report.hidden", units=units) if units else words("report.no_hidden")
    return words(
        "report.at", inputs=experiment.num_inputs, layers=layers, parameters=f"{experiment.num_parameters:,}",
        epochs=f"{facts.checkpoint.epoch:,}", steps=f"{facts.checkpoint.step:,}",
    )  # fmt: skip


def weight_of_class(weight: float) -> str:
    """What its rows count in the loss; a class without training rows has no weight."""
    return f"{weight:.4g}" if weight else "–"


def score_of(found: dict[str, Any], metric: str) -> float | None:
    """A score by its name; precision, recall and F1 are the mean over the classes."""
    return found[metric] if metric in found else found["macro"][metric]


def table(head: Iterable[tuple[str, str]], rows: Iterable[Iterable[str]], own: int = -1) -> str:
    """A table: head as (text, style class), rows of ready HTML, of which the first cell heads its row."""
    kinds = [kind for _, kind in head]
    top = "".join(f'<th scope="col" class="{kind}">{esc(text)}</th>' for text, kind in head)
    body = []
    for index, (first, *cells) in enumerate(rows):
        rest = "".join(f'<td class="{kind}">{cell}</td>' for cell, kind in zip(cells, kinds[1:], strict=True))
        row = '<tr class="own">' if index == own else "<tr>"
        body.append(f'{row}<th scope="row">{first}</th>{rest}</tr>')
    return f'<div class="scroll"><table><thead><tr>{top}</tr></thead><tbody>{"".join(body)}</tbody></table></div>'


def _anchor(key: str) -> str:
    return key.removeprefix("report.").replace(".", "-")


def _see(text: str) -> str:
    return f'<p class="see">{esc_long(text)}</p>'


# How good it is


def _scores(facts: Facts, words: Words) -> str:
    metrics = facts.experiment.objective.scores
    best = metrics[0]
    cards = []
    for name in sorted(facts.parts, key=lambda name: (name == "train", name != facts.shown)):
        found = facts.parts[name]
        ends = found["interval"]
        between = (
            f"{words('report.interval')} {score_text(best, ends[0])} – {score_text(best, ends[1])}" if ends else ""
        )
        rows = words("report.of_rows", metric=words(f"report.{best}"), rows=f"{found['rows']:,}")
        first = " first" if name == facts.shown else ""
        cards.append(
            f'<div class="card{first}"><p>{esc(words(f"report.{name}"))}</p><p class="number">{score_text(best, found[best])}</p>'
            f"<p>{esc(between)}</p><p>{esc(rows)}</p></div>"
        )
    head = [(words("report.part"), ""), (words("report.rows"), "number"), (words("report.loss"), "number")]
    head += [(words(f"report.{metric}"), "number") for metric in metrics]
    rows = [
        [
            esc(words(f"report.{name}")),
            f"{found['rows']:,}",
            f"{found['loss']:.4f}",
            *(score_text(metric, score_of(found, metric)) for metric in metrics),
        ]
        for name, found in facts.parts.items()
    ]
    sealed = ""
    if facts.sealed:
        sealed = f'<div class="finding"><p>{esc_long(words("report.sealed", looks=facts.looks))}</p></div>'
    elif facts.looks:
        sealed = f'<div class="finding"><p>{esc_long(words("report.looks", looks=facts.looks))}</p></div>'
    return _see(words("report.scores.see")) + f'<div class="cards">{"".join(cards)}</div>' + table(head, rows) + sealed


def _warnings(facts: Facts, words: Words) -> str:
    if not facts.findings:
        return f'<div class="finding fine"><p>{esc_long(words("report.warnings.none"))}</p></div>'
    return "".join(
        f'<div class="finding {finding["severity"]}"><p>{esc_long(sentence(finding, words))}</p>'
        f"<p>{esc_long(advice(finding, words))}</p></div>"
        for finding in facts.findings
    )


def sentence(finding: dict[str, Any], words: Words) -> str:
    """What a guard has found."""
    return words(f"finding.{finding['key']}", **_cleaned(finding["values"]))


def advice(finding: dict[str, Any], words: Words) -> str:
    """What to try."""
    return words(f"finding.{finding['key']}.try", **_cleaned(finding["values"]))


def _cleaned(values: dict[str, Any]) -> dict[str, Any]:
    return {name: said(value) if isinstance(value, str) else value for name, value in values.items()}


def _curves(facts: Facts, words: Words) -> str:
    if not facts.history:
        return _see(words("report.curves.missing"))
    return _see(words("report.curves.see")) + f'<div class="figures">{figures.history(facts, words)}</div>'


def _classes(facts: Facts, words: Words) -> str:
    found, names = facts.parts[facts.shown], facts.judged.data.class_names
    head = [(words("report.class"), "")]
    head += [(words(f"report.{metric}"), "number") for metric in ("precision", "recall", "f1")] + [
        (words("report.rows"), "number")
    ]
    rows = [
        [esc(one["name"]), *(f"{one[metric]:.1%}" for metric in ("precision", "recall", "f1")), f"{one['rows']:,}"]
        for one in found["per_class"]
    ]
    confusion = _figure(
        words("report.confusion"), matrix(found["confusion"], names, words("report.predicted"), words("report.true"))
    )
    return (
        _see(words("report.of_part", part=words(f"report.{facts.shown}")))
        + table(head, rows)
        + f'<div class="figures">{confusion}{figures.thresholds(facts, words)}</div>'
    )


def _residuals(facts: Facts, words: Words) -> str:
    return _see(words("report.of_part", part=words(f"report.{facts.shown}"))) + figures.predicted_true(facts, words)


def _figure(title: str, drawn: str) -> str:
    return f"<figure><figcaption>{esc(title)}</figcaption>{drawn}</figure>"


# Compared with what


def _baselines(facts: Facts, words: Words) -> str:
    found, metric = facts.baselines, facts.baselines["metric"]
    watched = found["splits"][1]
    models = [(words(f"report.{one['key']}"), one) for one in found["models"]] + [
        (words("report.network"), found["network"])
    ]
    scores = [one[name] for _, one in models for name in ("train", watched) if one[name] is not None]
    low = 0.0 if FORMS[metric] == "percent" else max(-1.0, min(0.0, *scores))
    scale = (low, 1.0)
    head = [
        (words("report.model"), ""),
        (words("report.train"), "number"),
        (words(f"report.{watched}"), "number"),
        (words("report.interval"), "wide"),
    ]
    rows = []
    for name, one in models:
        ends = (one.get("intervals") or {}).get(watched)
        value = one[watched]
        drawn = (
            ""
            if value is None
            else whisker(max(low, value), [max(low, end) for end in ends] if ends else None, scale, "test")
        )
        rows.append([esc(name), score_text(metric, one["train"]), score_text(metric, value), drawn])
    see = f"{words('report.baselines.see')} {words('report.baselines.metric', metric=words(f'report.{metric}'))}"
    return _see(see) + table(head, rows, own=len(models) - 1)


# The data and the recipe


def _data(facts: Facts, words: Words) -> str:
    data = facts.judged.data
    parts = [_see(_described(facts, words)), f"<p>{esc_long(split_sentence(facts, words))}</p>"]
    if facts.pixels:
        parts.append(f"<p>{esc(words('report.column.pixels', height=facts.pixels[0], width=facts.pixels[1]))}</p>")
    else:
        head = [
            (words("report.column"), ""),
            (words("report.column.kind"), ""),
            (words("report.column.missing"), "number"),
        ]
        head += [(words("report.column.values"), ""), (words("report.column.treatment"), "")]
        rows = [
            [
                esc(column.name), esc(words(f"report.column.{column.kind}")), f"{missing:,}",
                esc_long(column_values(column, words)), esc_long(treatment(facts, index, words)),
            ]
            for index, (column, missing) in enumerate(zip(facts.columns[:MOST_COLUMNS], facts.missing, strict=False))
        ]  # fmt: skip
        parts.append(table(head, rows))
        if len(facts.columns) > MOST_COLUMNS:
            parts.append(f"<p>{esc(words('report.column.more', count=len(facts.columns) - MOST_COLUMNS))}</p>")
    if facts.balance:
        largest = max(count for _, count in facts.balance)
        total = sum(count for _, count in facts.balance)
        rows = [
            [esc(name), f"{count:,}", f"{count / max(1, total):.1%}", bar(count / max(1, largest), colour(label))]
            for label, (name, count) in enumerate(facts.balance)
        ]
        head = [(words("report.class"), ""), (words("report.train"), "number"), ("", "number"), ("", "wide")]
        weighted = ""
        if facts.class_weights:
            rows = [[*row, weight_of_class(weight)] for row, weight in zip(rows, facts.class_weights, strict=True)]
            head.append((words("report.class_weight"), "number"))
            weighted = f"<p>{esc_long(words('report.class_weights'))}</p>"
        parts.append(f"<h3>{esc(words('report.balance'))}</h3>" + table(head, rows) + weighted)
    else:
        y = data.train.y
        sentence = words(
            "report.target.range",
            low=said(float(y.min())),
            high=said(float(y.max())),
            mean=said(float(y.mean())),
            deviation=said(float(y.std())),
        )
        parts.append(f"<dl><dt>{esc(words('report.target'))}</dt><dd>{esc_long(sentence)}</dd></dl>")
    return "".join(parts)


def _described(facts: Facts, words: Words) -> str:
    dataset = facts.experiment.dataset
    title = words.title(f"component.dataset.{dataset.kind}.title", dataset.title)
    return (
        title
        if hasattr(dataset, "digest")
        else words.title(f"component.dataset.{dataset.kind}.help", " ".join((type(dataset).__doc__ or title).split()))
    )


def split_sentence(facts: Facts, words: Words) -> str:
    """How many rows each part has."""
    data = facts.judged.data
    name = words(f"report.{facts.watched}")
    text = words(
        "report.data.split", train=f"{len(data.train.y):,}", watched=f"{len(data.watched.y):,}", name=name.lower()
    )
    final = data.final
    return text if final is None else f"{text} {words('report.data.final', final=f'{len(final.y):,}')}"


def column_values(column: Any, words: Words) -> str:
    """The range of a number, or the names of categories."""
    if column.values:
        return ", ".join(map(said, column.values[:12])) + (" …" if len(column.values) > 12 else "")
    return words("report.column.range", low=said(column.low), high=said(column.high), mean=said(column.middle))


def treatment(facts: Facts, index: int, words: Words) -> str:
    """What the preparation makes of a column."""
    described = getattr(facts.experiment.dataset, "columns", None)
    if described is None:
        prepared = facts.judged.data.scaling.columns[index]
        standard = isinstance(prepared, PreparedNumber) and (prepared.shift, prepared.divisor) != (0, 1)
        return words("report.column.standard") if standard else "–"
    column = described[index]
    steps = [getattr(column, name, "none") for name in ("impute", "scale")] + ["one_hot"] * (column.kind == "category")
    return ", ".join(words(f"report.column.{step}") for step in steps if step != "none") or "–"


def _journal(facts: Facts, words: Words) -> str:
    lines = "".join(f"<li>{esc_long(line)}</li>" for line in changes(facts.experiment, words))
    return f"{_see(words('report.journal.see'))}<ul>{lines}</ul>"


def _recipe(facts: Facts, words: Words) -> str:
    experiment = facts.experiment
    rows = layers(experiment, words)
    plan = experiment.plan()[-1]
    rows.append(
        (
            words("report.output"),
            words("report.units", units=plan.outputs, activation=activation_in_words(plan.activation, words)),
        )
    )
    for name in ("loss", "optimizer", "schedule", "regularizer"):
        rows.append((_field(name, words), choice(getattr(experiment, name), name, words)))
    if facts.judged.data.class_names:
        chosen = experiment.class_weights
        title = words.title(f"experiment.class_weights.{chosen}", chosen.capitalize())
        rows.append((_field("class_weights", words), title))
    for name in ("batch_size", "gradient_clip", "early_stopping", "test_fraction", "validation_fraction", "seed"):
        if hasattr(experiment, name):
            rows.append((_field(name, words), said(getattr(experiment, name))))
    listed = "".join(f"<dt>{esc(name)}</dt><dd>{esc_long(value)}</dd>" for name, value in rows)
    code = "".join(map(_as_it_is, experiment.to_json(indent=2)))
    recipe = f"<details><summary>recipe.json</summary><pre>{code}</pre></details>"
    command = f"python -m dlcore train recipe.json --epochs {facts.checkpoint.epoch} --out run"
    see = words("report.recipe.changed" if experiment.journal else "report.recipe.see")
    return f"<dl>{listed}</dl>{_see(see)}<pre>{command}</pre>{recipe}"


def layers(experiment: Experiment, words: Words) -> list[tuple[str, str]]:
    """The hidden layers, from input to output: (which, what it is)."""
    rows = []
    for number, layer in enumerate(experiment.layers, start=1):
        title = words.title(f"component.layer.{layer.kind}.title", layer.title)
        rows.append((words("report.layer", number=number), f"{title}: {layer.in_words(words)}"))
    return rows


def _as_it_is(sign: str) -> str:
    # What is no ASCII as JSON escapes it, which can turn no line around and hide nothing.
    plain = sign if sign.isascii() else json.dumps(sign)[1:-1]
    return {"<": "&lt;", ">": "&gt;", "&": "&amp;"}.get(plain, plain)


def _field(name: str, words: Words) -> str:
    return words.title(f"experiment.{name}", name.replace("_", " ").capitalize())
