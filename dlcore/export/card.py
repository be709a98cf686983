"""The job "card": a model card in Markdown (Mitchell et al., Model Cards for Model Reporting, 2019): what the network is for, and what not.

What a program cannot know (where data come from, whom an error harms) is said to be unknown, not made up.
"""

from __future__ import annotations

import re
from typing import Any

from dlcore.datasets.columns import CategoryColumn, DateColumn
from dlcore.datasets.preparation import PreparedCategory, PreparedNumber
from dlcore.datasets.table import TableData
from dlcore.export.changes import list_changes, write_choice
from dlcore.export.descriptions import describe_split, describe_values
from dlcore.export.facts import Facts, gather, list_versions
from dlcore.export.report import (
    describe_moment,
    find_class_weight,
    find_score,
    write_advice,
    write_sentence,
)
from dlcore.export.words import Words, show_value
from dlcore.jobs import Answer, Progress
from dlcore.metrics import score_text

MOST_COLUMNS = 40
_MARKDOWN = re.compile(r"([\\`*_{}\[\]()<>#+\-!|~$:&^=@])")


def card(arguments: dict[str, Any], payload: bytes, progress: Progress) -> Answer:
    """{"words": messages in the reader's language, and what `gather` takes} -> a Markdown file. Raises Problem."""
    facts = gather(arguments, payload, progress)
    return {}, write_card(facts, Words(arguments.get("words"))).encode()


def write_card(facts: Facts, words: Words) -> str:
    """The whole file, section by section."""
    parts = (
        ("card.details", _write_details), ("card.use", _write_use), ("card.factors", _write_factors), ("card.metrics", _write_metrics),
        ("card.evaluation_data", _write_evaluation_data), ("card.training_data", _write_training_data), ("card.analyses", _write_analyses),
        ("card.ethics", _write_ethics), ("card.caveats", _write_caveats),
    )  # fmt: skip
    body = "\n\n".join(f"## {escape_all(words(key))}\n\n{content(facts, words)}" for key, content in parts)
    return f"# {words('card.title', name=escape_all(facts.name(words)))}\n\n{words('card.made')}\n\n{body}\n"


def escape_all(text: Any) -> str:
    """Untrusted text in Markdown: every sign stands for itself."""
    return _MARKDOWN.sub(r"\\\1", show_value(text))


def write_table(head: list[str], rows: list[list[str]]) -> str:
    """A table of GitHub's Markdown; cells are safe already."""
    lines = [head, ["---", *["---:"] * (len(head) - 1)], *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _write_details(facts: Facts, words: Words) -> str:
    experiment = facts.experiment
    task = words(f"card.{experiment.dataset.task}")
    rate = getattr(experiment.optimizer, "learning_rate", 0.0)
    lines = [
        words("card.details.architecture", task=task, at=describe_moment(facts, words)),
        words(
            "card.details.training", loss=write_choice(experiment.loss, "loss", words), batch=experiment.batch_size, seed=experiment.seed,
            optimizer=words.title(f"component.optimizer.{experiment.optimizer.kind}.title", experiment.optimizer.title), rate=f"{rate:g}",
        ),
        *([words("report.class_weights")] if facts.class_weights else []),
        *_write_changes(facts, words),
        f"{words('report.versions')}: {', '.join(f'{name} {version}' for name, version in list_versions().items())}",
    ]  # fmt: skip
    return "\n".join(line if line.startswith("  - ") else f"- {line}" for line in lines)


def _write_changes(facts: Facts, words: Words) -> list[str]:
    lines = [_escape(line) for line in list_changes(facts.experiment, words)]
    return [words("card.details.changed"), *(f"  - {line}" for line in lines)] if lines else []


def _write_use(facts: Facts, words: Words) -> str:
    return f"{words('card.use.text')}\n\n{words('card.use.out')}"


def _write_factors(facts: Facts, words: Words) -> str:
    if facts.pixels:
        return words("report.column.pixels", height=facts.pixels[0], width=facts.pixels[1])
    names = [escape_all(column.name) for column in facts.columns[:MOST_COLUMNS]]
    return words("card.factors.text", columns=", ".join(names) + (" …" if len(facts.columns) > MOST_COLUMNS else ""))


def _write_metrics(facts: Facts, words: Words) -> str:
    return words("card.metrics.classes" if facts.judged.data.class_names else "card.metrics.numbers")


def _write_evaluation_data(facts: Facts, words: Words) -> str:
    dataset = facts.experiment.dataset
    drawn = "stratified" if dataset.objective.has_classes else "random"
    how = "own" if dataset.own_split else "in_time" if dataset.split_in_time else drawn
    lines = [
        f"**{escape_all(facts.name(words))}**. {describe_split(facts, words)} {words('card.data.same', how=words(f'card.data.{how}'))}"
    ]
    if facts.sealed:
        lines.append(words("report.sealed", looks=facts.looks))
    elif facts.looks:
        lines.append(words("report.looks", looks=facts.looks))
    return "\n\n".join(lines)


def _write_training_data(facts: Facts, words: Words) -> str:
    lines = [words("card.preparation")]
    if not facts.pixels:
        head = [words(f"report.{key}") for key in ("column", "column.kind", "column.missing", "column.values")]
        rows = [
            [
                escape_all(column.name),
                words(f"report.column.{column.kind}"),
                f"{missing:,}",
                _write_values(column, words),
            ]
            for column, missing in zip(facts.columns[:MOST_COLUMNS], facts.missing, strict=False)
        ]
        lines.append(write_table(head, rows))
    if isinstance(facts.experiment.dataset, TableData):
        lines.append(_write_inputs(facts, facts.experiment.dataset, words))
    if facts.balance:
        head = [words("report.class"), words("report.rows")]
        rows = [[escape_all(name), f"{count:,}"] for name, count in facts.balance]
        if facts.class_weights:
            head.append(words("report.class_weight"))
            rows = [[*row, find_class_weight(weight)] for row, weight in zip(rows, facts.class_weights, strict=True)]
        lines.append(write_table(head, rows))
    return "\n\n".join(lines)


def _write_inputs(facts: Facts, dataset: TableData, words: Words) -> str:
    """How a row becomes inputs, column by column in the order of the network's inputs."""
    head = [words(key) for key in ("report.column", "card.inputs.missing", "card.inputs.then")]
    rows = []
    for column, learned in zip(dataset.columns[:MOST_COLUMNS], facts.checkpoint.scaling.columns, strict=False):
        if isinstance(learned, PreparedCategory) and isinstance(column, CategoryColumn):
            others = (*column.values, column.other)
            fill = words("card.inputs.none") if learned.fill is None else escape_all(others[learned.fill])
            then = words("card.inputs.categories", values=", ".join(map(escape_all, column.values)))
            if unseen := [value for value, seen in zip(column.values, learned.seen, strict=True) if not seen]:
                then = f"{then} {words('card.inputs.unseen', values=', '.join(map(escape_all, unseen)))}"
        else:
            assert isinstance(learned, PreparedNumber)
            fill, then = f"{learned.fill or 0.0:.6g}", escape_all(_write_formula(learned))
            if isinstance(column, DateColumn):
                then = f"{words('card.inputs.days')} {then}"
        rows.append([escape_all(column.name), escape_all(fill) if isinstance(learned, PreparedNumber) else fill, then])
    text = [words("card.inputs"), write_table(head, rows)]
    if len(dataset.columns) > MOST_COLUMNS:
        text.append(words("report.column.more", count=len(dataset.columns) - MOST_COLUMNS))
    return "\n\n".join(text)


def _write_formula(learned: PreparedNumber) -> str:
    """The formula by which a number x is prepared."""
    scaled = "x"
    if (learned.shift, learned.divisor) != (0, 1):
        scaled = f"(x - {learned.shift:.6g}) / {learned.divisor:.6g}"
    if (learned.factor, learned.offset) != (1, 0):
        scaled = f"{scaled} * {learned.factor:.6g} + {learned.offset:.6g}"
    return scaled


def _write_values(column: Any, words: Words) -> str:
    return ", ".join(map(escape_all, column.values)) if column.values else describe_values(column, words)


def _write_analyses(facts: Facts, words: Words) -> str:
    metrics = facts.experiment.objective.scores
    best = metrics[0]
    head = [
        words("report.part"),
        words("report.rows"),
        *(words(f"report.{metric}") for metric in metrics),
        words("report.interval"),
    ]
    rows = []
    for name, found in facts.parts.items():
        ends = found["interval"]
        between = f"{score_text(best, ends[0])} – {score_text(best, ends[1])}" if ends else "–"
        rows.append(
            [
                words(f"report.{name}"),
                f"{found['rows']:,}",
                *(score_text(metric, find_score(found, metric)) for metric in metrics),
                between,
            ]
        )
    lines = [write_table(head, rows)]
    if facts.judged.data.class_names:
        keys = ("precision", "recall", "f1")
        per_class = [
            [escape_all(one["name"]), *(f"{one[key]:.1%}" for key in keys), f"{one['rows']:,}"]
            for one in facts.parts[facts.shown]["per_class"]
        ]
        lines.append(words("report.of_part", part=words(f"report.{facts.shown}")))
        lines.append(
            write_table(
                [words("report.class"), *(words(f"report.{key}") for key in keys), words("report.rows")], per_class
            )
        )
    compared, metric = facts.baselines, facts.baselines["metric"]
    watched = compared["splits"][1]
    models = [(words(f"report.{one['key']}"), one) for one in compared["models"]] + [
        (words("report.network"), compared["network"])
    ]
    lines.append(words("report.baselines.metric", metric=words(f"report.{metric}")))
    lines.append(write_table(
        [words("report.model"), words("report.train"), words(f"report.{watched}")],
        [[name, score_text(metric, one["train"]), score_text(metric, one[watched])] for name, one in models],
    ))  # fmt: skip
    return "\n\n".join(lines)


def _write_ethics(facts: Facts, words: Words) -> str:
    return words("card.ethics.text")


def _write_caveats(facts: Facts, words: Words) -> str:
    if not facts.findings:
        return words("card.caveats.none")
    return "\n".join(
        f"- {_escape(write_sentence(one, words))} {_escape(write_advice(one, words))}" for one in facts.findings
    )


def _escape(text: str) -> str:
    """A sentence with the names of columns and classes in it: no sign of it is read as Markdown."""
    return _MARKDOWN.sub(r"\\\1", text)
