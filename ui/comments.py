"""JavaScript without its comments, which say to readers and to the type checker what no browser needs.

Knows what a comment can be mistaken for: strings, templates with code in them, regular expressions. Whether a slash divides or begins a
regular expression depends on what stands before it; where that cannot be told without parsing, it refuses.
"""

from __future__ import annotations

import re

#: A regular expression may follow these words; after any other a slash divides.
BEFORE_REGEX = {
    "await", "case", "delete", "do", "else", "in", "instanceof", "new", "of", "return", "throw", "typeof", "void", "yield",
}  # fmt: skip
#: The head of a statement follows these, and after that another statement.
BEFORE_HEAD = {"for", "if", "while", "with"}
NAME = "name"  # stands for whatever a slash divides
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
    """The same tokens, each on a line of its own where it had one. Raises ValueError where it cannot tell what a slash is."""
    written: list[str] = []
    opened: list[str] = []  # brackets, and "${" for the code in a template
    before = ";"  # the last token, as far as it tells what a slash is
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
            # After the head of a statement another one begins.
            before = ";" if opened and opened.pop() == "head" else text
        elif kind == "string" or (kind == "word" and before == "."):  # A property may be called as a keyword is.
            before = NAME
        else:
            before = text
        written.append(text)
        offset += len(text)
    return "".join(written)


def _read_slash(source: str, offset: int, before: str) -> tuple[str, str]:
    """What begins here with a slash, and what it counts as for the next slash."""
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
    """A template's text with what opens it, to its end or to the next code in it."""
    text = _TEXT.match(source, offset + 1)
    if text is None:
        raise ValueError(f"A template without an end: {source[offset : offset + 40]!r}")
    return source[offset] + text[0]


def _shorten_blank(gap: str) -> str:
    """What is left of blanks and comments: one end of a line with the next line's indentation, or one blank."""
    lines = re.split(r"[\n\r\u2028\u2029]", gap)
    if len(lines) == 1:
        return " "
    indentation = re.match(r"[ \t]*", lines[-1])
    return "\n" + (indentation[0] if indentation else "")
