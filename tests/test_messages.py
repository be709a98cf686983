"""Every sentence of the page exists in both languages, with the same places to fill."""

from __future__ import annotations

import ast
import re
import string
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from dlcore.coaching.causes import GROUPS as HANDLES
from dlcore.coaching.fixes import FIXES
from dlcore.component import kinds
from dlcore.datasets.classic import SETS
from dlcore.editing.fitting import group_datasets
from dlcore.experiment import Experiment
from dlcore.layers import Layer
from dlcore.problems import Problem, texts_in
from ui import canvas, exporting
from ui.messages import (
    LANGUAGES,
    catalogue,
    escape,
    find_language,
    locales,
    phrase,
    read_classes,
    sentence,
    text,
)
from ui.pages import GROUPS, PAGES, Page
from ui.rail.catalogue import DEVICES

ROOT = Path(__file__).parent.parent
SOURCES = sorted([*(ROOT / "ui").rglob("*.py"), *(ROOT / "pages").glob("*.py")])
CODE = sorted([*(ROOT / "dlcore").rglob("*.py"), *SOURCES])
SPOKEN = {"t", "label"}
#: Arguments of streamlit's calls that people read, by position or by name.
READ_FIRST = {
    "button", "caption", "checkbox", "download_button", "error", "expander", "file_uploader", "header", "info", "markdown",
    "metric", "multiselect", "number_input", "pills", "popover", "radio", "segmented_control", "select_slider", "selectbox",
    "slider", "spinner", "subheader", "success", "text", "text_input", "title", "toast", "toggle", "warning", "write",
}  # fmt: skip
SPLITS_AND_VERBS = {
    "train",
    "test",
    "play",
    "pause",
    "step",
    "epoch",
    "reset",
    "new_seed",
    "freeze",
    "silence",
    "remove",
}
READ_BY_NAME = {"label", "help", "placeholder", "page_title", "title", "body", "text"}
#: Signs that are the same in every language: an icon, a heading's marks.
SIGNS = re.compile(r":material/\w+:|[#*·\s\d{}]*")


@cache
def tree_of(path: Path) -> ast.Module:
    """What a module says, read once for all who ask."""
    return ast.parse(path.read_text(encoding="utf-8"))


def places(message: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(message) if name is not None}


@pytest.mark.parametrize("language", [language for language in LANGUAGES if language != "en"])
def test_every_message_exists_in_every_language_with_the_same_places(language: str) -> None:
    english, other = catalogue("en"), catalogue(language)
    assert sorted(set(english) - set(other)) == []
    assert sorted(set(other) - set(english)) == []
    assert {key for key in english if places(english[key]) != places(other[key])} == set()
    assert {key for key, message in other.items() if not message.strip()} == set()


def test_no_english_is_written_twice() -> None:
    written = [item for path in locales("en") for item in texts_in(path).items()]
    said = read_classes()
    assert {key for key, message in written if message == said.get(key)} == set()


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_message_stands_in_one_file(language: str) -> None:
    keys = [key for path in locales(language) for key in texts_in(path)]
    assert len(keys) == len(set(keys)) > 900


def test_a_room_brings_the_sentence_of_every_problem_that_is_raised_in_it_or_above() -> None:
    below = {package: set(sentences_of(ROOT / package, "**/")) for package in ("dlcore", "ui")}
    raised = [(path, key) for path in CODE for key in first_arguments(tree_of(path), {"Problem"})]
    assert len(raised) > 300
    for path, key in raised:
        known = below["dlcore"] if path.is_relative_to(ROOT / "dlcore") else below["dlcore"] | below["ui"]
        assert any(re.fullmatch(key, one) for one in known), f"{path.name}: {key}"


def test_no_room_keeps_a_sentence_that_only_others_need() -> None:
    for file in [file for package in ("dlcore", "ui") for file in (ROOT / package).rglob("locales/en.json")]:
        room = file.parent.parent
        code = "".join(path.read_text(encoding="utf-8") for path in CODE if path.is_relative_to(room))
        trees = [tree_of(path) for path in CODE if path.is_relative_to(room)]
        patterns = {key for tree in trees for key in first_arguments(tree, {"Problem", "finding"})}
        for key in sentences_of(room, ""):
            said = f'"{key}"' in code or any(re.fullmatch(pattern, key) for pattern in patterns)
            assert said, f"{room.name}: nobody says {key}"


def sentences_of(room: Path, depth: str) -> Iterator[str]:
    """The keys of the problems whose sentences stand in a room, or in all rooms below it."""
    for file in room.glob(f"{depth}locales/en.json"):
        yield from (key.removeprefix("problem.") for key in texts_in(file) if key.startswith("problem."))


@pytest.mark.parametrize("page", PAGES, ids=[page.script.stem for page in PAGES])
def test_what_a_page_says_alone_is_said_nowhere_else(page: Page[object]) -> None:
    folder = folder_of(page)
    own = set(texts_in(folder / "locales" / "en.json"))
    for path in SOURCES:
        if path.parent != folder:
            for key in spoken_keys(tree_of(path)):
                if not key.startswith(".+"):  # It begins with what another module gives, and is said for that one.
                    assert not [one for one in own if re.fullmatch(key, one)], f"{path.name}: {key}"


def folder_of(page: Page[object]) -> Path:
    """Where what belongs to this page stands."""
    return ROOT.joinpath(*page.memory.__module__.split(".")[:-1])


def test_every_description_is_translated() -> None:
    english, chinese = catalogue("en"), catalogue("zh_CN")
    told = [key for key in english if key.endswith(".help") or key.startswith(("problem.", "page.", "canvas."))]
    speechless = {key for key in told if not re.search(r"[\u4e00-\u9fff]", chinese[key])}
    assert speechless <= {"canvas.metric", "canvas.r2", "canvas.mark_dropout"}


def test_help_keeps_its_year_of_source() -> None:
    english, chinese = catalogue("en"), catalogue("zh_CN")
    for key in english:
        if key.startswith("component.") and key.endswith(".help"):
            years = re.findall(r"\b(?:1[789]|20)\d\d\b", english[key])
            assert set(years) <= set(re.findall(r"(?:1[789]|20)\d\d", chinese[key])), key


def test_the_keys_of_all_calls_exist() -> None:
    known = set(catalogue("en"))
    for path in SOURCES:
        for key in spoken_keys(tree_of(path)):
            pattern = re.compile(key)
            assert any(pattern.fullmatch(one) for one in known), f"{path.name}: {key}"


def spoken_keys(tree: ast.AST) -> Iterator[str]:
    """The first argument of t(...) and label(...), as a pattern."""
    return first_arguments(tree, SPOKEN)


def first_arguments(tree: ast.AST, functions: set[str]) -> Iterator[str]:
    """The keys that calls of these functions begin with, as patterns."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in functions and node.args:
            yield from key_patterns(node.args[0])


def key_patterns(argument: ast.expr) -> Iterator[str]:
    """A literal key, or one made of parts, as a pattern."""
    match argument:
        case ast.Constant(value=str(key)):
            yield re.escape(key)
        case ast.IfExp(body=first, orelse=second):
            yield from (*key_patterns(first), *key_patterns(second))
        case ast.JoinedStr(values=parts):
            yield "".join(re.escape(part.value) if isinstance(part, ast.Constant) else ".+" for part in parts)


def test_keys_made_of_parts_exist() -> None:
    known = catalogue("en")
    keys = {f"export.{what}" for what in exporting.FILES} | {f"export.{what}.help" for what in exporting.FILES}
    keys |= {f"device.{device}" for device in DEVICES}
    keys |= {f"dataset.{group}" for group in group_datasets()}
    keys |= {page.title for page in PAGES} | {f"share.hide.{group}" for group in GROUPS}
    keys |= {f"experiment.{name}" for name in Experiment.model_fields}
    # The output layer's activation is named by the loss; not all of them stand on the menu of activations.
    keys |= {f"component.activation.{name}.title" for name in ("sigmoid", "softmax", "tanh", "linear")}
    keys |= {f"canvas.{key}" for key in marks() | advice()}
    assert keys <= set(known)


def marks() -> set[str]:
    """What the canvas says of layers without units: on their mark, to take one away, and where the picture is told in words."""
    kinds_of_marks = [kind for kind, layer in kinds(Layer).items() if not layer.has_units]
    return {f"{key}_{kind}" for kind in kinds_of_marks for key in ("mark", "remove_mark", "summary_mark")}


def advice() -> set[str]:
    """What the coach says, and the names of what helps, which come with the frames."""
    sentences = re.findall(
        r'Advice\(\s*"(\w+)"', (ROOT / "dlcore" / "coaching" / "causes.py").read_text(encoding="utf-8")
    )
    return {f"coach.{key}" for key in sentences} | {f"coach_{fix}" for fix in (*FIXES, *HANDLES)}


def test_the_canvas_says_each_of_its_texts() -> None:
    files = [path for path in canvas.FOLDER.rglob("*") if path.suffix in (".js", ".html", ".css")]
    scripts = "".join(path.read_text(encoding="utf-8") for path in files)
    words = set(re.findall(r"\w+", scripts))
    # A few are put together of two parts: a verb and "_help", a split and a score.
    parts = {f"{first}_{second}" for first in words & SPLITS_AND_VERBS for second in ("help", "loss", "accuracy", "r2")}
    parts |= {f"health_{code}" for code in (1, 2, 3)}
    parts |= marks() | advice()
    # The name of a metric comes with each frame.
    parts |= {
        Experiment.from_dict(recipe).metric for recipe in ({}, {"dataset": {"kind": "sine"}, "loss": {"kind": "mse"}})
    }
    # Of validation rows some are said in other words, which the scripts find by themselves (format.js).
    said = {re.sub(r"\.(validation|mixed)$", "", key.removeprefix("canvas.")) for key in canvas.STRINGS}
    assert said - words - parts == set()


def test_of_validation_rows_the_same_is_said_as_of_test_rows() -> None:
    for language, test, validation in (("en", "test", "validation"), ("zh_CN", "测试", "验证")):
        texts = catalogue(language)
        others = [key for key in texts if key.endswith(".validation") and key.startswith(("canvas.", "compare."))]
        assert len(others) > 20
        for key in others:
            said, usual = (re.sub(r"\{\w+\}", "", texts[one]).lower() for one in (key, key.removesuffix(".validation")))
            assert said == usual.replace(test, validation)
        silent = {key for key in canvas.STRINGS if test in re.sub(r"\{\w+\}", "", texts[key]).lower()}
        assert {key for key in silent if f"{key}.validation" not in texts and not key.endswith(".mixed")} <= {
            "canvas.fastest",
        }  # fmt: skip


def test_no_text_for_people_stands_in_the_code() -> None:
    found = [
        f"{path.relative_to(ROOT)}:{node.lineno}: {node.value!r}"
        for path in SOURCES
        for node in literal_texts(tree_of(path))
        if not SIGNS.fullmatch(node.value)
    ]
    assert found == []


def literal_texts(tree: ast.AST) -> Iterator[ast.Constant]:
    """Literal strings among what streamlit's calls show."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in READ_FIRST:
            if ast.unparse(node.func.value) in ("logger", "_log"):
                continue  # A log is for who runs the server.
            shown = [*node.args[:1], *(word.value for word in node.keywords if word.arg in READ_BY_NAME)]
            for argument in shown:
                yield from _literals(argument)


def _literals(node: ast.expr) -> Iterator[ast.Constant]:
    match node:
        case ast.Constant(value=str()):
            yield node
        case ast.JoinedStr(values=parts):
            for part in parts:
                yield from _literals(part)
        case ast.BinOp(left=left, right=right):
            yield from _literals(left)
            yield from _literals(right)
        case ast.IfExp(body=body, orelse=orelse):
            yield from _literals(body)
            yield from _literals(orelse)


@pytest.mark.parametrize(
    ("wish", "expected"),
    [
        ("zh-CN", "zh_CN"),
        ("zh", "zh_CN"),
        ("zh_TW", "zh_CN"),
        ("en-GB", "en"),
        ("EN", "en"),
        ("fr", None),
        ("", None),
        (None, None),
    ],
)
def test_a_language_is_found_by_its_tag(wish: str | None, expected: str | None) -> None:
    assert find_language(wish) == expected


@pytest.mark.parametrize("wanted", SETS.values(), ids=list(SETS))
def test_a_set_out_of_reach_and_its_neighbour_are_named_in_the_language_of_the_sentence(wanted: Any) -> None:
    problem = Problem("classic_offline", name=wanted.title, neighbour=wanted.neighbour)
    assert wanted.title in sentence("en", problem) and wanted.neighbour in sentence("en", problem)
    named = [key for key, title in catalogue("en").items() if title in (wanted.title, wanted.neighbour)]
    names = {text("zh_CN", key) for key in named}
    assert sum(name in sentence("zh_CN", problem) for name in names) >= len({wanted.title, wanted.neighbour})
    assert wanted.neighbour in names or wanted.neighbour not in sentence(
        "zh_CN", problem
    )  # Some names are the same in both.


def test_a_problem_is_said_whole_in_both_languages() -> None:
    problem = Problem("out_of_bounds", path="batch_size", expected="at least 1", came="0")
    assert sentence("en", problem) == str(problem)
    assert sentence("zh_CN", problem) == text(
        "zh_CN", "problem.out_of_bounds", path="batch_size", expected="不小于 1", came="0"
    )


@pytest.mark.parametrize(
    ("said", "expected"),
    [("at most 5 entries", "至多 5 项"), ("a finite number", "有限的数"), ("relu, tanh", "relu, tanh")],
)
def test_turns_of_the_checker_are_translated_and_the_rest_left_alone(said: str, expected: str) -> None:
    assert phrase("zh_CN", said) == expected
    assert phrase("en", said) == said


@pytest.mark.parametrize(
    "hostile",
    ["![x](http://evil.example/a.png)", "[x](http://evil.example)", "<script>", ":red[x]", "www.evil.example", "$x^2$"],
)
def test_no_markdown_comes_alive_in_escaped_text(hostile: str) -> None:
    escaped = escape(hostile)
    assert re.sub(r"\\(.)", r"\1", escaped) == hostile
    assert not re.search(r"(?<!\\)(?:[\[\]<>$!.]|:(?=\S))", escaped)
