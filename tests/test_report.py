"""The report and the model card: whole without a network, inert whatever the columns are called, and true to the scores."""

from __future__ import annotations

import ast
import functools
import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dlcore import Experiment, Trainer
from dlcore.__main__ import main
from dlcore.checkpoint import save_checkpoint
from dlcore.datasets import store
from dlcore.evaluation.baselines import baselines
from dlcore.evaluation.scores import evaluate
from dlcore.export import svg
from dlcore.export.card import card
from dlcore.export.facts import read_history
from dlcore.export.findings import SENTENCES
from dlcore.export.report import report
from dlcore.export.words import ENGLISH, Words
from dlcore.learning.history import History
from tests.test_messages import CODE, key_patterns, tree_of
from ui.messages import catalogue

EPOCHS = 10
RECIPES: dict[str, dict[str, Any]] = {
    "a plane": {},
    "cars": {"dataset": {"kind": "table"}},
    "a number": {"dataset": {"kind": "diabetes"}, "loss": {"kind": "mse"}},
    "a line": {"dataset": {"kind": "sine"}, "loss": {"kind": "mse"}},
    "digits": {"dataset": {"kind": "digits"}, "layers": [{"kind": "dense", "units": 16}]},
    "five classes": {"dataset": {"kind": "blobs", "classes": 5}},
    "a plane of numbers": {"dataset": {"kind": "plane"}, "loss": {"kind": "mse"}},
}
HOSTILE = [
    "<img src=x onerror=alert(1)>", "</style><script>alert(2)</script>", '"><svg onload=alert(3)>', "[x](http://evil.example/a)",
    "![x](http://evil.example/p.png)", "| a | b |", "`code`", "&lt;b&gt;", "$x$", "=cmd()", "__proto__", "url(http://evil.example)",
]  # fmt: skip
LOADED = {"src", "srcset", "data", "poster", "action", "formaction", "background", "ping", "srcdoc"}


def silent(share: float, partial: dict[str, Any]) -> None:
    pass


@functools.cache
def run_of(recipe: str) -> tuple[bytes, str]:
    """The checkpoint and the history of a short run."""
    trainer = Trainer(Experiment.from_json(recipe), device="cpu")
    steps = trainer.steps()
    while trainer.epoch < EPOCHS and next(steps, None) is not None:
        pass
    return save_checkpoint(trainer.snapshot(), trainer.data), trainer.history.to_csv(trainer.experiment.history_names)


@functools.cache
def _made(do: Any, recipe: str, arguments: str) -> str:
    payload, history = run_of(recipe)
    return do({"history": history, **json.loads(arguments)}, payload, silent)[1].decode()


def made(do: Any, recipe: dict[str, Any], **arguments: Any) -> str:
    """The file; made once for all tests that look at it."""
    return _made(do, json.dumps(recipe), json.dumps(arguments))


class Tree(HTMLParser):
    """What a browser would see: elements with their attributes, and the text outside styles."""

    VOID = frozenset({"meta", "br", "hr", "img", "link", "input"})

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.open: list[str] = []
        self.text: list[str] = []
        self.ids: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {name: value or "" for name, value in attrs}))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {name: value or "" for name, value in attrs}))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if "style" not in self.open:
            self.text.append(data)


@pytest.fixture
def hostile(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """A table whose columns, categories, classes and name are all written to do harm."""
    monkeypatch.setenv("DLCORE_TABLES", str(tmp_path))
    generator = np.random.default_rng(0)
    rows, numbers = 80, HOSTILE[:6]
    classes, categories = HOSTILE[6:9], HOSTILE[9:]
    columns: list[dict[str, Any]] = [{"name": name, "kind": "number"} for name in numbers]
    columns.append({"name": "category <b>", "kind": "category", "values": categories})
    columns.append({"name": "target <i>", "kind": "category", "values": classes})
    arrays = {f"c{place}": generator.normal(size=rows) for place in range(len(numbers))}
    arrays["c6"] = generator.integers(0, len(categories), rows).astype(np.int32)
    arrays["c7"] = (np.arange(rows) % len(classes)).astype(np.int32)
    name = "<script>alert(4)</script>"
    digest = store.put_table({"form": "table 1", "name": name, "rows": rows, "columns": columns}, arrays)
    facts = {"kind": "table", "digest": digest, "name": name, "rows": rows, "target": "target <i>", "classes": classes}
    return {"dataset": facts | {"columns": columns[:-1]}}


# The report


@pytest.mark.parametrize("name", RECIPES)
def test_a_report_is_whole_and_loads_nothing(name: str) -> None:
    text = made(report, RECIPES[name])
    tree = Tree(text)
    assert tree.open == []
    tags = {tag for tag, _ in tree.elements}
    assert not tags & {"script", "iframe", "object", "embed", "link", "form", "img", "audio", "video", "base"}
    for tag, attributes in tree.elements:
        assert not set(attributes) & LOADED and not [
            one for one in attributes if one.startswith("on") or one == "style"
        ]
        target = attributes.get("href", "#")
        assert target.startswith(("#", "data:image/png;base64,")) and (tag in ("a", "image") or target == "#")
    assert not re.search(r"https?://|url\(|@import", text)
    assert "NaN" not in text and "nan" not in re.sub(r"[^\d.nai ]", " ", " ".join(tree.text)).split()
    links = [attributes["href"][1:] for tag, attributes in tree.elements if tag == "a"]
    assert links == [attributes["id"] for tag, attributes in tree.elements if tag == "section"]
    assert not list(re.findall(r"\b(?:report|card|finding)\.[a-z_.]+", " ".join(tree.text)))


def test_the_policy_forbids_all_but_the_one_style_sheet() -> None:
    import base64
    import hashlib

    text = made(report, {})
    (policy,) = [a["content"] for tag, a in Tree(text).elements if a.get("http-equiv") == "Content-Security-Policy"]
    style = re.search(r"<style>(.*)</style>", text, re.S)
    assert style is not None
    digest = base64.b64encode(hashlib.sha256(style[1].encode()).digest()).decode()
    assert policy.split("; ")[:3] == ["default-src 'none'", f"style-src 'sha256-{digest}'", "img-src data:"]


@pytest.mark.parametrize("name", ["a plane", "a number", "five classes"])
def test_its_numbers_are_those_of_evaluate(name: str) -> None:
    text = " ".join(Tree(made(report, RECIPES[name])).text)
    payload, _ = run_of(json.dumps(RECIPES[name]))
    for split in ("train", "test"):
        found = evaluate({"split": split}, payload, silent)[0]
        assert f"{found['loss']:.4f}" in text
        if "accuracy" in found:
            low, high = found["interval"]
            assert f"{found['accuracy']:.1%}" in text and f"{low:.1%} – {high:.1%}" in text
            assert f"{found['balanced_accuracy']:.1%}" in text
        else:
            low, high = found["interval"]
            assert f"{found['r2']:.3f}" in text and f"{low:.3f} – {high:.3f}" in text and f"{found['mae']:.4g}" in text
    if "accuracy" in found:
        for row in found["confusion"]:
            assert all(f"{count:,}" in text for count in row if count)


def test_the_same_run_gives_the_same_bytes() -> None:
    for do in (report, card):
        _made.cache_clear()
        before = made(do, RECIPES["cars"])
        run_of.cache_clear()
        _made.cache_clear()
        assert made(do, RECIPES["cars"]) == before


@pytest.mark.parametrize("language", ["en", "zh_CN"])
def test_it_speaks_the_readers_language(language: str) -> None:
    words = catalogue(language)
    text = made(report, {}, words=words, language=language.replace("_", "-"))
    assert f'<html lang="{language.replace("_", "-")}">' in text
    for key in ("report.scores", "report.curves", "report.data", "report.recipe", "component.dataset.circle.title"):
        assert words[key] in text
    if language != "en":
        told = " ".join(Tree(text).text)
        left = [
            ENGLISH[key]
            for key in ENGLISH
            if key.startswith("report.") and len(ENGLISH[key]) > 12 and ENGLISH[key] in told
        ]
        assert left == []


def test_hostile_names_are_text_and_nothing_else(hostile: dict[str, Any]) -> None:
    text = made(report, hostile)
    harmless = Tree(made(report, RECIPES["cars"]))
    tree = Tree(text)
    assert {tag for tag, _ in tree.elements} <= {tag for tag, _ in harmless.elements}
    assert not [one for _, attributes in tree.elements for one in attributes if one.startswith("on")]
    told = "".join(tree.text)
    assert "<script>alert(4)</script>" in told and all(name in told for name in HOSTILE[:6])
    assert not [a["href"] for tag, a in tree.elements if "evil" in a.get("href", "")]


def test_a_sealed_test_stays_shut_and_the_looks_are_said() -> None:
    recipe = {"dataset": {"kind": "wine"}, "validation_fraction": 0.2, "test_fraction": 0.2, "sealed": True}
    shut, seen = made(report, recipe, looks=3), made(report, recipe, looks=3, unseal=True)
    assert ENGLISH["report.sealed"].format(looks=3) in shut and ENGLISH["report.looks"].format(looks=3) in seen
    cards = [len(re.findall(r'class="card[ "]', text)) for text in (shut, seen)]
    assert cards == [2, 3]
    assert ENGLISH["report.sealed"].format(looks=0) in made(card, recipe)
    # The page keeps back what the recipe does not seal; the command line says what the recipe says.
    unsealed = recipe | {"sealed": False}
    for asked, shown in (({}, 3), ({"shut": True}, 2), ({"shut": True, "unseal": True}, 3)):
        assert len(re.findall(r'class="card[ "]', made(report, unsealed, **asked))) == shown


def test_without_a_history_it_says_so_and_with_a_broken_one_too() -> None:
    for broken in ("", "epoch,step\n1", "<b>", "epoch,step,train_loss\n1,2,x", "a\n" * 9):
        assert read_history(broken, EPOCHS) == {}
    assert ENGLISH["report.curves.missing"] in made(report, {}, history="")


def test_the_history_ends_where_the_checkpoint_stands() -> None:
    payload, history = run_of("{}")
    later = history + "\n".join(f"{epoch},{epoch * 25},9e9,9e9,0,0" for epoch in range(EPOCHS + 1, EPOCHS + 9))
    assert report({"history": later}, payload, silent) == report({"history": history}, payload, silent)


def test_a_long_history_is_thinned_evenly_from_its_first_row_to_its_last() -> None:
    history = History(
        ("epoch", "step", "train_loss", "test_loss", "train_accuracy", "test_accuracy"),
        np.arange(6 * 1001.0).reshape(1001, 6),
    )
    header, *rows = history.to_csv(most=11).splitlines()
    assert [header, *rows] == history.to_csv().splitlines()[:2] + history.to_csv().splitlines()[101::100]
    assert history.to_csv(most=1001) == history.to_csv()


def test_the_map_is_what_the_network_says() -> None:
    import base64
    import struct
    import zlib

    text = made(report, {})
    picture = re.search(r"data:image/png;base64,([^\"]+)", text)
    assert picture is not None
    content = base64.b64decode(picture[1])
    width, height = struct.unpack(">II", content[16:24])
    start = content.index(b"IDAT")
    length = struct.unpack(">I", content[start - 4 : start])[0]
    rows = np.frombuffer(zlib.decompress(content[start + 4 : start + 4 + length]), np.uint8).reshape(
        height, 1 + 4 * width
    )
    pixels = rows[:, 1:].reshape(height, width, 4)
    from dlcore.checkpoint import open_checkpoint, predict

    checkpoint = open_checkpoint(run_of("{}")[0])
    corners = {(0, 0): (-6, 6), (0, -1): (6, 6), (-1, 0): (-6, -6), (height // 2, width // 2): (0, 0)}
    for place, point in corners.items():
        said = predict(checkpoint, np.array([point], float))[0]
        assert tuple(pixels[place][:3]) == svg.RGB[said.argmax()]
        assert pixels[place][3] == pytest.approx(svg.FULLEST * (2 * said.max() - 1), abs=4)


def test_ticks_are_round_and_inside() -> None:
    assert svg.choose_ticks(0, 1) == [0, 0.2, 0.4, 0.6, 0.8, 1]
    assert svg.choose_ticks(-6, 6) == [-5, 0, 5]
    for low, high in ((0.0131, 0.0137), (-1e-9, 1e-9), (3, 1e6)):
        found = svg.choose_ticks(low, high)
        assert 2 <= len(found) <= 7 and low <= found[0] and found[-1] <= high
    assert svg.choose_ticks(1, 1) == [1] and svg.choose_ticks(float("nan"), 1) == []


def test_a_translation_with_other_places_falls_back_to_english() -> None:
    words = Words({"report.sealed": "{nobody}", "report.kind": "Bericht", "report.test": 5})
    assert words("report.sealed", looks=2) == ENGLISH["report.sealed"].format(looks=2)
    assert words("report.kind") == "Bericht" and words("report.test") == ENGLISH["report.test"]


def test_every_finding_has_its_sentence_and_its_advice() -> None:
    findings = {key for key in SENTENCES if not key.endswith(".try")}
    assert {f"{key}.try" for key in findings} == set(SENTENCES) - findings


def test_each_sentence_of_a_report_is_said_somewhere_and_none_names_a_function() -> None:
    trees = [tree_of(path) for path in CODE if path.parts[-2:] != ("export", "words.py")]
    nodes = [node for tree in trees for node in ast.walk(tree)]
    patterns = {
        pattern.replace(".+", r"[^.]+")  # No part of a key that is put together has a dot.
        for node in nodes
        if isinstance(node, ast.Constant | ast.JoinedStr)
        for pattern in key_patterns(node)
        if pattern.startswith(("report", "card"))
    }
    said = re.compile("|".join(patterns))
    assert [key for key in ENGLISH if not said.fullmatch(key)] == []
    functions = {node.name for node in nodes if isinstance(node, ast.FunctionDef) and "_" in node.name}
    for key, sentence in ENGLISH.items():
        assert not functions & set(re.findall(r"\w+", re.sub(r"\{\w+\}", "", sentence))), key


# The model card


SECTIONS = (
    "Model details", "Intended use", "Factors", "Metrics", "Evaluation data", "Training data", "Quantitative analyses",
    "Ethical considerations", "Caveats and recommendations",
)  # fmt: skip


@pytest.mark.parametrize("name", ["a plane", "cars", "a number", "five classes"])
def test_a_card_has_the_sections_of_mitchell_and_others(name: str) -> None:
    assert tuple(re.findall(r"^## (.+)$", made(card, RECIPES[name]), re.M)) == SECTIONS


def test_its_numbers_are_those_of_evaluate_and_the_baselines() -> None:
    text = made(card, RECIPES["five classes"])
    payload, _ = run_of(json.dumps(RECIPES["five classes"]))
    found = evaluate({"split": "test"}, payload, silent)[0]
    (row,) = [line for line in text.splitlines() if line.startswith("| Test |")]
    assert row.split(" | ")[2] == f"{found['accuracy']:.1%}"
    for one in baselines({}, payload, silent)[0]["models"]:
        assert f"| {one['train']:.1%} | {one['test']:.1%} |" in text


def test_no_name_in_a_card_becomes_markdown(hostile: dict[str, Any]) -> None:
    text = made(card, hostile)
    assert not re.search(r"(?<!\\)<|(?<!\\)\]\(|(?<!\\)`|(?<!\\)\$", text)
    rows = [re.split(r"(?<!\\)\|", line) for line in text.splitlines() if line.startswith("| ")]
    assert {len(row) for row in rows} <= {4, 5, 6, 7, 10}
    assert "\\<script\\>" in text


# The command line and a real browser


def test_the_command_line_writes_both(tmp_path: Path) -> None:
    (tmp_path / "recipe.json").write_text(json.dumps(RECIPES["cars"]))
    assert main(["train", str(tmp_path / "recipe.json"), "--epochs", "3", "--out", str(tmp_path / "run")]) == 0
    for form, beginning in (("report", "<!doctype html>"), ("card", "# Model card")):
        out = tmp_path / form
        assert main(["export", str(tmp_path / "run"), "--format", form, "--out", str(out)]) == 0
        assert out.read_text().startswith(beginning)
    assert "<polyline" in (tmp_path / "report").read_text()  # The curves of history.csv.


@pytest.mark.browser
def test_a_report_opens_from_disk_without_a_network(chromium: Any, tmp_path: Path, hostile: dict[str, Any]) -> None:
    path = tmp_path / "report.html"
    path.write_text(made(report, hostile))
    (tmp_path / "plane.html").write_text(made(report, {}))
    context = chromium.new_context(offline=True)
    page = context.new_page()
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("dialog", lambda dialog: said.append(dialog.message))
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    for name in ("report.html", "plane.html"):
        for width in (1440, 390):
            page.set_viewport_size({"width": width, "height": 900})
            page.goto((tmp_path / name).as_uri())
            assert page.evaluate("document.documentElement.scrollWidth") <= width
            assert (
                page.evaluate("getComputedStyle(document.querySelector('.card')).borderTopWidth") == "1px"
            )  # The style is in force.
    assert page.evaluate("document.querySelector('image').getBBox().width") > 100
    context.close()
    assert said == []
    assert [url for url in asked if not url.startswith(("file:", "data:"))] == []
