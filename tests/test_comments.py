"""Scripts without their comments are the same scripts: by the tokens that Node's own parser finds, and by the scripts' own tests."""

from __future__ import annotations

import json
import random
import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import ROOT
from tests.test_javascript import JAVASCRIPT, run, run_tests
from ui import assets
from ui.bundle import bundle
from ui.comments import without_comments

SCRIPTS = [path for folder in assets.FOLDERS for path in assets.scripts(folder)]


def read(texts: list[str]) -> list[dict[str, Any]]:
    """Tokens and comments of each, or its error."""
    said = run("--expose-internals", str(JAVASCRIPT / "tokens.mjs"), given=json.dumps(texts).encode())
    return json.loads(said)


def test_every_script_has_the_same_tokens_without_its_comments_and_none_of_these() -> None:
    sources = [path.read_text(encoding="utf-8") for path in SCRIPTS]
    assert len(sources) > 50
    found = read([*sources, *(without_comments(source) for source in sources)])
    for path, one, other in zip(SCRIPTS, found[: len(sources)], found[len(sources) :], strict=True):
        assert one["comments"], path
        assert other == {"tokens": one["tokens"], "comments": []}, path


def test_each_bundle_is_a_script_without_comments() -> None:
    for found in read([bundle(assets.UI / folder / f"{folder}.js") for folder in assets.FOLDERS]):
        assert found["tokens"]
        assert found["comments"] == []


def test_the_scripts_pass_their_own_tests_without_their_comments(tmp_path: Path) -> None:
    shutil.copytree(
        ROOT / "ui", tmp_path / "ui", ignore=lambda _, names: [n for n in names if n.endswith((".py", "cache__"))]
    )
    for script in (tmp_path / "ui").rglob("*.js"):
        script.write_text(without_comments(script.read_text(encoding="utf-8")), encoding="utf-8")
    shutil.copytree(JAVASCRIPT, tmp_path / "tests" / "javascript", ignore=shutil.ignore_patterns("node_modules"))
    run_tests(tmp_path / "tests" / "javascript")


#: Pieces of code that could be mistaken for a comment, or a comment for them; each ends where another can begin.
STATEMENTS = [
    "a = b / c / 2;",
    "a = (b) / c;",
    "a[0] /= b[1] / 2;",
    "a++ / 2;",
    "--a;",
    "a = /\\/\\/[/*\"'`]+/g.test(b);",
    "if (a) /[\\]/]/.test(b);",
    "while (f(a, (b))) /'/.exec(c);",
    'for (const one of [/"/, /`/u]) f(one);',
    "a = typeof /x/;",
    "a = b.return / c.typeof / 2;",
    "a = '// no comment' + \"/* nor this */\";",
    "a = 'it\\\\' + 'it\\'s //';",
    "a = `// ${b / 2} /* ${`in ${c /d} it`} */ ${ {x: 1}.x }`;",
    "a = `\\`$ $${b}\\${ /* no */ ${c}`;",
    "a = `${b}` / 2;",
    "f(() => { b = `}${{}}{`; });",
    "a = b\n/c/ d;",
    "(class { #b = 1; c() { return this.#b / 2; } });",
    "a = 1.5 / .5 / 2e-3;",
    "a = b ? /c/ : [/d/];",
    "a = !/b/.test(c) && /d/;",
    "a = x => /b/;",
]
COMMENTS = [
    "// plain",
    "/* plain */",
    '/** @type {A<"b">} it\'s `so` */',
    "/*/ odd /*/",
    "/* two\n * lines */",
    "//",
    "/**/",
    "// a /* b",
]


def test_pieces_with_comments_between_them_have_the_same_tokens_without_these() -> None:
    chance = random.Random(7)
    sources = []
    for first in STATEMENTS:
        for second in STATEMENTS:
            before, between, after = (chance.choice(COMMENTS) for _ in range(3))
            sources.append(f"{before}\n{first} {between}\n{second}{after}")
    found = read([*sources, *(without_comments(source) for source in sources)])
    for source, one, other in zip(sources, found[: len(sources)], found[len(sources) :], strict=True):
        assert one["comments"], source
        assert other == {"tokens": one["tokens"], "comments": []}, source


def test_every_piece_is_a_script_of_its_own_and_is_kept_as_it_is() -> None:
    assert not [found["error"] for found in read([*STATEMENTS, *COMMENTS]) if "error" in found]
    for statement in STATEMENTS:
        assert without_comments(statement) == statement


@pytest.mark.parametrize(
    "source", ["a = {} / 2;", "f(); {} /b/.test(c);", "a = 'open", "a = `open ${b}", "a = (/open", "a /* open"]
)
def test_what_cannot_be_told_is_refused(source: str) -> None:
    with pytest.raises(ValueError, match=r"What|template"):
        without_comments(source)


def test_a_comment_between_two_words_leaves_a_blank_and_one_over_lines_leaves_its_line() -> None:
    assert without_comments("a/* b */in c") == "a in c"
    assert without_comments("return /* b\n */ c;\n\n\n  // d\n  e;") == "return\n c;\n  e;"
