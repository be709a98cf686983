"""Our ES modules as one file: a browser asks for six files at a time, and forty small ones stand in the way of what Streamlit asks for.

Understands the form in which the canvas is written, no more: `import { a, b as c } from "./x.js";` on one line, and `export` before
a function, a class or a const. Each module becomes a function that gives what it exports, in the order of the imports.
"""

from __future__ import annotations

import re
from pathlib import Path

_IMPORT = re.compile(r'^import \{ (?P<names>[^}]+) \} from "\./(?P<file>[\w-]+\.js)";$', re.MULTILINE)
_EXPORT = re.compile(
    r"^export (?P<default>default )?(?=(?:async )?(?:function|class|const) (?P<name>\w+))", re.MULTILINE
)


def bundle(entry: Path) -> str:
    """The text of one module that exports what `entry` does by default."""
    parts: dict[str, str] = {}
    _add(entry, parts)
    return "\n".join([*parts.values(), f"export default {_name(entry.name)}.default;\n"])


def _add(path: Path, parts: dict[str, str]) -> None:
    if path.name in parts:
        return
    text = path.read_text(encoding="utf-8")
    for found in _IMPORT.finditer(text):
        _add(path.with_name(found["file"]), parts)
    exported = [f"default: {found['name']}" if found["default"] else found["name"] for found in _EXPORT.finditer(text)]
    body = _EXPORT.sub("", _IMPORT.sub(_taken, text))
    parts[path.name] = f"const {_name(path.name)} = (() => {{\n{body}\nreturn {{ {', '.join(exported)} }};\n}})();"


def _taken(found: re.Match[str]) -> str:
    names = found["names"].replace(" as ", ": ")
    return f"const {{ {names} }} = {_name(found['file'])};"


def _name(file: str) -> str:
    return f"module_{file.removesuffix('.js').replace('-', '_')}"
