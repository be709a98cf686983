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

from dlcore.experiment import Experiment
from dlcore.export import figures
from dlcore.export.changes import list_changes, write_choice
from dlcore.export.descriptions import describe_split, describe_treatment, describe_values
from dlcore.export.facts import Facts, gather, list_versions
from dlcore.export.svg import choose_colour, draw_bar, draw_matrix, draw_whisker, escape, escape_long
from dlcore.export.words import Words, show_value
from dlcore.jobs import Answer, Progress
from dlcore.layers import activation_in_words
from dlcore.metrics import FORMS, number_text, score_text

STYLE = (Path(__file__).parent / "report.css").read_text(encoding="utf-8")
MOST_COLUMNS = 40  # in the table of the data
Section = tuple[str, str]  # message key of the title, HTML


def report(arguments: dict[str, Any], payload: bytes, progress: Progress) -> Answer:
    """{"words": messages in the reader's language, "language": its tag, and what `gather` takes} -> an HTML file. Raises Problem."""
    facts = gather(arguments, payload, progress)
    language = str(arguments.get("language", "en"))
    words = Words(arguments.get("words"))
    return {"sections": [key for key, _ in write_sections(facts, words)]}, write_report(facts, words, language).encode()


def write_report(facts: Facts, words: Words, language: str) -> str:
    """The whole file."""
    parts = write_sections(facts, words)
    digest = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
    policy = f"default-src 'none'; style-src 'sha256-{digest}'; img-src data:; base-uri 'none'; form-action 'none'"
    links = "".join(f'<a href="#{_anchor(key)}">{escape(words(key))}</a>' for key, _ in parts)
    body = "".join(
        f'<section id="{_anchor(key)}"><h2>{escape(words(key))}</h2>{content}</section>' for key, content in parts
    )
    tag = language if re.fullmatch(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{1,8})*", language) else "en"
    made = ", ".join(f"{name} {version}" for name, version in list_versions().items())
    return (
        f'<!doctype html>\n<html lang="{tag}">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n<meta name="referrer" content="no-referrer">\n'
        f"<title>{escape(facts.name(words))} – {escape(words('report.kind'))}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n"
        f'<header><p class="kind">{escape(words("report.kind"))}</p><h1>{escape(facts.name(words))}</h1>'
        f'<p class="at">{escape_long(describe_moment(facts, words))}</p>'
        f'<nav aria-label="{escape(words("report.contents"))}">{links}</nav></header>\n<main>\n{body}\n</main>\n'
        f"<footer>{escape(words('report.versions'))}: {escape_long(made)}. "
        f"{escape(words('report.seed'))}: {facts.experiment.seed}.</footer>\n"
        "</body>\n</html>\n"
    )


def write_sections(facts: Facts, words: Words) -> list[Section]:
    """What there is to say, in the order in which one asks."""
    classes = bool(facts.judged.data.class_names)
    found: list[Section] = [
        ("report.scores", _write_scores(facts, words)),
        ("report.warnings", _write_warnings(facts, words)),
    ]
    found.append(("report.curves", _write_curves(facts, words)))
    if classes:
        found.append(("report.classes", _write_classes(facts, words)))
    else:
        found.append(("report.residuals", _write_residuals(facts, words)))
    if drawn := figures.draw_surface(facts, words):
        found.append(drawn)
    found += [("report.baselines", _write_baselines(facts, words)), ("report.data", _write_data(facts, words))]
    if facts.experiment.journal:
        found.append(("report.journal", _write_journal(facts, words)))
    found.append(("report.recipe", _write_recipe(facts, words)))
    return found


def describe_moment(facts: Facts, words: Words) -> str:
    """The network and the moment in one sentence."""
    experiment = facts.experiment
    units = " × ".join(str(plan.outputs) for plan in experiment.plan()[:-1] if plan.has_units)
    layers = words("report.hidden", units=units) if units else words("report.no_hidden")
    at = words(
        "report.at", inputs=experiment.num_inputs, layers=layers, parameters=f"{experiment.num_parameters:,}",
        epochs=f"{facts.checkpoint.epoch:,}", steps=f"{facts.checkpoint.step:,}",
    )  # fmt: skip
    best = facts.checkpoint.weights_of
    if best is None:
        return at
    return words(f"report.weights_of.{facts.watched}", at=at, epoch=f"{best:,}")


def find_class_weight(weight: float) -> str:
    """The weight of a class in the loss, as text; a dash for a class without training rows, which has none."""
    return f"{weight:.4g}" if weight else "–"


def find_score(found: dict[str, Any], metric: str) -> float | None:
    """A score by its name; precision, recall and F1 are the mean over the classes."""
    return found[metric] if metric in found else found["macro"][metric]


def write_table(head: Iterable[tuple[str, str]], rows: Iterable[Iterable[str]], own: int = -1) -> str:
    """A table: head as (text, style class), rows of ready HTML, of which the first cell heads its row."""
    kinds = [kind for _, kind in head]
    top = "".join(f'<th scope="col" class="{kind}">{escape(text)}</th>' for text, kind in head)
    body = []
    for index, (first, *cells) in enumerate(rows):
        rest = "".join(f'<td class="{kind}">{cell}</td>' for cell, kind in zip(cells, kinds[1:], strict=True))
        row = '<tr class="own">' if index == own else "<tr>"
        body.append(f'{row}<th scope="row">{first}</th>{rest}</tr>')
    return f'<div class="scroll"><table><thead><tr>{top}</tr></thead><tbody>{"".join(body)}</tbody></table></div>'


def _anchor(key: str) -> str:
    return key.removeprefix("report.").replace(".", "-")


def _refer(text: str) -> str:
    return f'<p class="see">{escape_long(text)}</p>'


# How good it is


def _write_scores(facts: Facts, words: Words) -> str:
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
            f'<div class="card{first}"><p>{escape(words(f"report.{name}"))}</p><p class="number">{score_text(best, found[best])}</p>'
            f"<p>{escape(between)}</p><p>{escape(rows)}</p></div>"
        )
    head = [(words("report.part"), ""), (words("report.rows"), "number"), (words("report.loss"), "number")]
    head += [(words(f"report.{metric}"), "number") for metric in metrics]
    rows = [
        [
            escape(words(f"report.{name}")),
            f"{found['rows']:,}",
            number_text(found["loss"], ".4f"),
            *(score_text(metric, find_score(found, metric)) for metric in metrics),
        ]
        for name, found in facts.parts.items()
    ]
    sealed = ""
    if facts.sealed:
        sealed = f'<div class="finding"><p>{escape_long(words("report.sealed", looks=facts.looks))}</p></div>'
    elif facts.looks:
        sealed = f'<div class="finding"><p>{escape_long(words("report.looks", looks=facts.looks))}</p></div>'
    return (
        _refer(words("report.scores.see"))
        + f'<div class="cards">{"".join(cards)}</div>'
        + write_table(head, rows)
        + sealed
    )


def _write_warnings(facts: Facts, words: Words) -> str:
    if not facts.findings:
        return f'<div class="finding fine"><p>{escape_long(words("report.warnings.none"))}</p></div>'
    return "".join(
        f'<div class="finding {finding["severity"]}"><p>{escape_long(write_sentence(finding, words))}</p>'
        f"<p>{escape_long(write_advice(finding, words))}</p></div>"
        for finding in facts.findings
    )


def write_sentence(finding: dict[str, Any], words: Words) -> str:
    """What a guard has found."""
    return words(f"finding.{finding['key']}", **_clean(finding["values"]))


def write_advice(finding: dict[str, Any], words: Words) -> str:
    """What to try."""
    return words(f"finding.{finding['key']}.try", **_clean(finding["values"]))


def _clean(values: dict[str, Any]) -> dict[str, Any]:
    return {name: show_value(value) if isinstance(value, str) else value for name, value in values.items()}


def _write_curves(facts: Facts, words: Words) -> str:
    if not facts.history:
        return _refer(words("report.curves.missing"))
    return _refer(words("report.curves.see")) + f'<div class="figures">{figures.draw_history(facts, words)}</div>'


def _write_classes(facts: Facts, words: Words) -> str:
    found, names = facts.parts[facts.shown], facts.judged.data.class_names
    head = [(words("report.class"), "")]
    head += [(words(f"report.{metric}"), "number") for metric in ("precision", "recall", "f1")] + [
        (words("report.rows"), "number")
    ]
    rows = [
        [escape(one["name"]), *(f"{one[metric]:.1%}" for metric in ("precision", "recall", "f1")), f"{one['rows']:,}"]
        for one in found["per_class"]
    ]
    confusion = _write_figure(
        words("report.confusion"),
        draw_matrix(found["confusion"], names, words("report.predicted"), words("report.true")),
    )
    return (
        _refer(words("report.of_part", part=words(f"report.{facts.shown}")))
        + write_table(head, rows)
        + f'<div class="figures">{confusion}{figures.draw_thresholds(facts, words)}</div>'
    )


def _write_residuals(facts: Facts, words: Words) -> str:
    return _refer(words("report.of_part", part=words(f"report.{facts.shown}"))) + figures.draw_predicted_true(
        facts, words
    )


def _write_figure(title: str, drawn: str) -> str:
    return f"<figure><figcaption>{escape(title)}</figcaption>{drawn}</figure>"


# Compared with what


def _write_baselines(facts: Facts, words: Words) -> str:
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
            else draw_whisker(max(low, value), [max(low, end) for end in ends] if ends else None, scale, "test")
        )
        rows.append([escape(name), score_text(metric, one["train"]), score_text(metric, value), drawn])
    see = f"{words('report.baselines.see')} {words('report.baselines.metric', metric=words(f'report.{metric}'))}"
    return _refer(see) + write_table(head, rows, own=len(models) - 1)


# The data and the recipe


def _write_data(facts: Facts, words: Words) -> str:
    data = facts.judged.data
    parts = [_refer(_describe_columns(facts, words)), f"<p>{escape_long(describe_split(facts, words))}</p>"]
    if facts.pixels:
        parts.append(f"<p>{escape(words('report.column.pixels', height=facts.pixels[0], width=facts.pixels[1]))}</p>")
    else:
        head = [
            (words("report.column"), ""),
            (words("report.column.kind"), ""),
            (words("report.column.missing"), "number"),
        ]
        head += [(words("report.column.values"), ""), (words("report.column.treatment"), "")]
        rows = [
            [
                escape(column.name), escape(words(f"report.column.{column.kind}")), f"{missing:,}",
                escape_long(describe_values(column, words)), escape_long(describe_treatment(facts, index, words)),
            ]
            for index, (column, missing) in enumerate(zip(facts.columns[:MOST_COLUMNS], facts.missing, strict=False))
        ]  # fmt: skip
        parts.append(write_table(head, rows))
        if len(facts.columns) > MOST_COLUMNS:
            parts.append(f"<p>{escape(words('report.column.more', count=len(facts.columns) - MOST_COLUMNS))}</p>")
    if facts.balance:
        largest = max(count for _, count in facts.balance)
        total = sum(count for _, count in facts.balance)
        rows = [
            [
                escape(name),
                f"{count:,}",
                f"{count / max(1, total):.1%}",
                draw_bar(count / max(1, largest), choose_colour(label)),
            ]
            for label, (name, count) in enumerate(facts.balance)
        ]
        head = [(words("report.class"), ""), (words("report.train"), "number"), ("", "number"), ("", "wide")]
        weighted = ""
        if facts.class_weights:
            rows = [[*row, find_class_weight(weight)] for row, weight in zip(rows, facts.class_weights, strict=True)]
            head.append((words("report.class_weight"), "number"))
            weighted = f"<p>{escape_long(words('report.class_weights'))}</p>"
        parts.append(f"<h3>{escape(words('report.balance'))}</h3>" + write_table(head, rows) + weighted)
    else:
        y = data.train.y
        sentence = words(
            "report.target.range",
            low=show_value(float(y.min())),
            high=show_value(float(y.max())),
            mean=show_value(float(y.mean())),
            deviation=show_value(float(y.std())),
        )
        parts.append(f"<dl><dt>{escape(words('report.target'))}</dt><dd>{escape_long(sentence)}</dd></dl>")
    return "".join(parts)


def _describe_columns(facts: Facts, words: Words) -> str:
    dataset = facts.experiment.dataset
    title = words.title(f"component.dataset.{dataset.kind}.title", dataset.title)
    return (
        title
        if hasattr(dataset, "digest")
        else words.title(f"component.dataset.{dataset.kind}.help", " ".join((type(dataset).__doc__ or title).split()))
    )


def _write_journal(facts: Facts, words: Words) -> str:
    lines = "".join(f"<li>{escape_long(line)}</li>" for line in list_changes(facts.experiment, words))
    return f"{_refer(words('report.journal.see'))}<ul>{lines}</ul>"


def _write_recipe(facts: Facts, words: Words) -> str:
    experiment = facts.experiment
    rows = describe_layers(experiment, words)
    plan = experiment.plan()[-1]
    rows.append(
        (
            words("report.output"),
            words("report.units", units=plan.outputs, activation=activation_in_words(plan.activation, words)),
        )
    )
    for name in ("loss", "optimizer", "schedule", "regularizer"):
        rows.append((_write_field(name, words), write_choice(getattr(experiment, name), name, words)))
    if facts.judged.data.class_names:
        chosen = experiment.class_weights
        title = words.title(f"experiment.class_weights.{chosen}", chosen.capitalize())
        rows.append((_write_field("class_weights", words), title))
    for name in ("batch_size", "gradient_clip", "early_stopping", "test_fraction", "validation_fraction", "seed"):
        if hasattr(experiment, name):
            rows.append((_write_field(name, words), show_value(getattr(experiment, name))))
    if experiment.restore_best:
        rows.append((_write_field("restore_best", words), words("report.on")))
    listed = "".join(f"<dt>{escape(name)}</dt><dd>{escape_long(value)}</dd>" for name, value in rows)
    code = "".join(map(_quote, experiment.to_json(indent=2)))
    recipe = f"<details><summary>recipe.json</summary><pre>{code}</pre></details>"
    command = f"python -m dlcore train recipe.json --epochs {facts.checkpoint.epoch} --out run"
    see = words("report.recipe.changed" if experiment.journal else "report.recipe.see")
    return f"<dl>{listed}</dl>{_refer(see)}<pre>{command}</pre>{recipe}"


def describe_layers(experiment: Experiment, words: Words) -> list[tuple[str, str]]:
    """The hidden layers, from input to output: (which, what it is)."""
    rows = []
    for number, layer in enumerate(experiment.layers, start=1):
        title = words.title(f"component.layer.{layer.kind}.title", layer.title)
        rows.append((words("report.layer", number=number), f"{title}: {layer.in_words(words)}"))
    return rows


def _quote(sign: str) -> str:
    # Anything but ASCII is escaped as in JSON, so that no character can reverse a line or be invisible.
    plain = sign if sign.isascii() else json.dumps(sign)[1:-1]
    return {"<": "&lt;", ">": "&gt;", "&": "&amp;"}.get(plain, plain)


def _write_field(name: str, words: Words) -> str:
    return words.title(f"experiment.{name}", name.replace("_", " ").capitalize())
