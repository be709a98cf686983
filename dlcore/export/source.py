"""Our own functions as text for an exported script, cut down to what one recipe uses.

A formula stands once, in the component that trains; a script carries that very source. What is decided by the recipe (`classes` is 3,
`y` is None) is decided in the text too, so that a reader meets no branch that is never taken.
"""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Callable, Mapping
from itertools import accumulate
from typing import Any

Edit = tuple[int, int, str]  # from, to (offsets into the text), replacement
INDENT = "    "
PRESENT = object()  # An argument of which only this is known: it is not None.


def function_text(
    function: Callable[..., Any],
    name: str,
    docstring: str,
    known: Mapping[str, Any] | None = None,
    defaults: Mapping[str, Any] | None = None,
) -> str:
    """The source of `function` as a plain function called `name`.

    Arguments in `known` are gone: their values stand in their place. Arguments (or fields of self) in `defaults` get default values.
    """
    known, defaults = known or {}, defaults or {}
    gone = {argument for argument, value in known.items() if value is not PRESENT} | {"self"} | set(defaults)
    text = textwrap.dedent(inspect.getsource(function))
    tree = ast.parse(text).body[0]
    assert isinstance(tree, ast.FunctionDef)
    arguments = [a.arg for a in tree.args.args if a.arg not in gone]
    arguments += [f"{argument}={value!r}" for argument, value in defaults.items()]
    body = _Specialiser(text, known, set(defaults)).body(tree)
    return f'def {name}({", ".join(arguments)}):\n{INDENT}"""{docstring}"""\n{textwrap.indent(body, INDENT)}\n'


def class_text(cls: type) -> str:
    """The source of a class, without type hints, as in the functions."""
    text = textwrap.dedent(inspect.getsource(cls))
    starts = _line_starts(text)
    hints: list[Edit] = []
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef):
            for argument in node.args.args:
                if argument.annotation:
                    begin = _offset(text, starts, argument.lineno, argument.col_offset) + len(argument.arg)
                    hints.append((begin, _end(text, starts, argument), ""))
            if node.returns:
                end = _end(text, starts, node.returns)
                hints.append((text.rindex(" ->", 0, end), end, ""))
    return _apply_edits(text, hints)


def called_functions(text: str, function: Callable[..., Any]) -> dict[str, Callable[..., Any]]:
    """{name: function} of what `text` calls in the module of `function`."""
    names = {node.id for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Name)}
    module = inspect.unwrap(function).__globals__
    return {name: module[name] for name in sorted(names) if inspect.isfunction(module.get(name))}


def expression_of_key(function: Callable[..., Any], key: str) -> str:
    """The text of the value that stands under `key` in the dict in the source of `function`."""
    text = textwrap.dedent(inspect.getsource(function))
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Dict):
            for name, value in zip(node.keys, node.values, strict=True):
                if isinstance(name, ast.Constant) and name.value == key:
                    return ast.get_source_segment(text, value) or ""
    raise KeyError(key)


def dedent(template: str) -> str:
    """A text that stands indented in our source, with one newline at its end."""
    return f"{textwrap.dedent(template).strip()}\n"


def first_line(documented: object) -> str:
    """The definition: the first line of a docstring."""
    return (inspect.getdoc(documented) or "").splitlines()[0]


class _Specialiser:
    """Collects the edits that put known values into a text; what is not touched keeps its form."""

    def __init__(self, text: str, known: Mapping[str, Any], fields: set[str]) -> None:
        self.text = text
        self.starts = _line_starts(text)
        self.known = known
        self.fields = fields

    def body(self, function: ast.FunctionDef) -> str:
        """The function's body without docstring, not indented."""
        statements = function.body[1:] if ast.get_docstring(function) else function.body
        return "\n".join(self._block(statements))

    def _block(self, statements: list[ast.stmt]) -> list[str]:
        texts: list[str] = []
        for statement in statements:
            if isinstance(statement, ast.ImportFrom | ast.Import):
                continue  # The script imports at its top.
            if isinstance(statement, ast.If) and (decided := self._decide(statement.test)) is not None:
                taken = statement.body if decided else statement.orelse
                texts += self._block(taken)
                if taken and isinstance(taken[-1], ast.Return):
                    break  # Nothing after it is reached.
            else:
                texts.append(self._edit(statement))
        return texts

    def _edit(self, statement: ast.stmt) -> str:
        begin, end = self.starts[statement.lineno - 1], _end(self.text, self.starts, statement)
        edits = [(start - begin, stop - begin, text) for start, stop, text in self._edits(statement)]
        return textwrap.dedent(_apply_edits(self.text[begin:end], edits))

    def _edits(self, node: ast.AST) -> list[Edit]:
        match node:
            case ast.IfExp() if (decided := self._decide(node.test)) is not None:
                chosen = node.body if decided else node.orelse
                before: Edit = (self._start(node), self._start(chosen), "")
                after: Edit = (self._end(chosen), self._end(node), "")
                return [before, *self._edits(chosen), after]
            case ast.Attribute(value=ast.Name(id="self"), attr=name) if name in self.fields:
                return [(self._start(node), self._end(node), name)]
            case ast.Name(id=name) if self.known.get(name, PRESENT) is not PRESENT:
                return [(self._start(node), self._end(node), repr(self.known[name]))]
        return [edit for child in ast.iter_child_nodes(node) for edit in self._edits(child)]

    def _decide(self, test: ast.expr) -> bool | None:
        """The truth of a condition on known values, else None."""
        names = {node.id for node in ast.walk(test) if isinstance(node, ast.Name)}
        if not names or not names <= set(self.known):
            return None
        condition = compile(ast.Expression(test), "a condition in our own source", "eval")
        return bool(eval(condition, {}, dict(self.known)))  # noqa: S307 - our own source, never a stranger's.

    def _start(self, node: Any) -> int:
        return _offset(self.text, self.starts, node.lineno, node.col_offset)

    def _end(self, node: ast.AST) -> int:
        return _end(self.text, self.starts, node)


def _line_starts(text: str) -> list[int]:
    return [0, *accumulate(len(line) for line in text.splitlines(keepends=True))]


def _end(text: str, starts: list[int], node: Any) -> int:
    return _offset(text, starts, node.end_lineno, node.end_col_offset)


def _offset(text: str, starts: list[int], line: int, column: int) -> int:
    # The syntax tree counts a line's bytes in UTF-8, not its characters.
    start, end = starts[line - 1], starts[line]
    return start + len(text[start:end].encode()[:column].decode())


def _apply_edits(text: str, edits: list[Edit]) -> str:
    for begin, end, replacement in sorted(edits, reverse=True):
        text = text[:begin] + replacement + text[end:]
    return text
