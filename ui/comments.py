"""Removes comments from JavaScript, as browsers need them not.

Recognises what can look like a comment: strings, templates with code in them, regular expressions. Whether a slash divides or begins a
regular expression depends on the token before it; if that takes a real parser to tell, it raises ValueError.
"""

from __future__ import annotations

import re

#: After these words a slash begins a regular expression; after any other word it divides.
BEFORE_REGEX = {
    "await", "case", "delete", "do", "else", "in", "instanceof", "new", "of", "return", "throw", "typeof", "void", "yield",
}  # fmt: skip
#: After these words come brackets, and after the brackets a statement, which may begin with a regular expression.
BEFORE_HEAD = {"for", "if", "while", "with"}
NAME = "name"  # stands for any token after which a slash divides
_TOKEN = re.compile(
    r"""
      (?P<gap>(?:\s|//[^\n\r\u2028\u2029]*|/\*.*?\*/)+)
    | (?P<word>[\w$\#]+)
    | (?P<string>"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*')
    | (?P<twice>\+\+|--)
    | (?P<sign>[^\w$\#\s"'`/])
    """,
    re.VERBOSE | re.DOTALL,
)
_REGEX = re.compile(r"/(?![*/])(?:[^/\\\[\n]|\\[^\n]|\[(?:[^\]\\\n]|\\[^\n])*\])+/[a-z]*")
_TEXT = re.compile(r"(?:[^`\\$]|\\.|\$(?!\{))*(?:`|\$\{)", re.DOTALL)


def without_comments(source: str) -> str:
    """The same source without comments; line ends between tokens are kept. Raises ValueError if it cannot tell what a slash means."""
    written: list[str] = []
    opened: list[str] = []  # brackets, and "${" for the code in a template
    before = ";"  # the last token, or what it counts as, to tell what a slash means
    offset = 0
    while offset < len(source):
        found = _TOKEN.match(source, offset)
        kind = found.lastgroup if found else "`" if source[offset] == "`" else "/"
        text = found[0] if found else ""
        if kind == "gap":
            written.append(_shorten_blank(text))
            offset += len(text)
            continue
        if kind == "/":
            text, before = _read_slash(source, offset, before)
        elif kind == "`" or (text == "}" and opened[-1:] == ["${"]):
            if kind != "`":
                opened.pop()
            text = _read_template(source, offset)
            before = "(" if text.endswith("${") else NAME
            if before == "(":
                opened.append("${")
        elif text in ("(", "{"):
            opened.append("head" if text == "(" and before in BEFORE_HEAD else text)
            before = text
        elif text in (")", "}"):
            # After the brackets of `if (...)` and the like a new statement begins.
            before = ";" if opened and opened.pop() == "head" else text
        elif kind == "string" or (kind == "word" and before == "."):  # After a dot even a keyword is a property's name.
            before = NAME
        else:
            before = text
        written.append(text)
        offset += len(text)
    return "".join(written)


def _read_slash(source: str, offset: int, before: str) -> tuple[str, str]:
    """The token that begins with this slash (division or regular expression), and what it counts as before the next slash."""
    is_word = re.fullmatch(r"[\w$#]+", before) is not None
    divides = before in (NAME, ")", "]", "++", "--") or (is_word and before not in BEFORE_REGEX)
    if source[offset] != "/" or source.startswith("/*", offset) or before == "}":
        raise ValueError(f"What is this, after {before!r}? {source[offset : offset + 40]!r}")
    if divides:
        return "/", "/"
    regex = _REGEX.match(source, offset)
    if regex is None:
        raise ValueError(f"What regular expression is this? {source[offset : offset + 40]!r}")
    return regex[0], NAME


def _read_template(source: str, offset: int) -> str:
    """A piece of a template literal: from ` or } to the closing ` or the next ${."""
    text = _TEXT.match(source, offset + 1)
    if text is None:
        raise ValueError(f"A template without an end: {source[offset : offset + 40]!r}")
    return source[offset] + text[0]


def _shorten_blank(gap: str) -> str:
    """What replaces blanks and comments: a line end with the next line's indentation if they hold one, else a blank."""
    lines = re.split(r"[\n\r\u2028\u2029]", gap)
    if len(lines) == 1:
        return " "
    indentation = re.match(r"[ \t]*", lines[-1])
    return "\n" + (indentation[0] if indentation else "")
