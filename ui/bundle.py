"""Joins our ES modules into one file: a browser fetches six files at a time, and forty small ones would delay Streamlit's own.

Knows only the forms used here: `import { a, b as c } from "../folder/x.js";` on one line, and `export` before a function, a class or a
const. Each module becomes a function, called at once, that returns its exports; imported modules come first. Its name is its path in
this folder: `canvas/network/links.js` is `module_canvas_network_links`. Comments are left out.
"""

from __future__ import annotations

import re
from pathlib import Path

from ui.comments import without_comments

FOLDER = Path(__file__).parent
_IMPORT = re.compile(r'^import \{ (?P<names>[^}]+) \} from "(?P<file>\.{1,2}/[\w./-]+\.js)";$', re.MULTILINE)
_EXPORT = re.compile(
    r"^export (?P<default>default )?(?=(?:async )?(?:function|class|const) (?P<name>\w+))", re.MULTILINE
)


def bundle(entry: Path) -> str:
    """The text of one module whose default export is that of `entry`."""
    parts: dict[str, str] = {}
    _add(entry, parts)
    return "\n".join([*parts.values(), f"export default {_name_module(entry)}.default;\n"])


def _add(path: Path, parts: dict[str, str]) -> None:
    name = _name_module(path)
    if name in parts:
        return
    text = without_comments(path.read_text(encoding="utf-8"))
    for found in _IMPORT.finditer(text):
        _add(path.parent / found["file"], parts)

    def take(found: re.Match[str]) -> str:
        return f"const {{ {found['names'].replace(' as ', ': ')} }} = {_name_module(path.parent / found['file'])};"

    exported = [f"default: {found['name']}" if found["default"] else found["name"] for found in _EXPORT.finditer(text)]
    body = _EXPORT.sub("", _IMPORT.sub(take, text))
    parts[name] = f"const {name} = (() => {{\n{body}\nreturn {{ {', '.join(exported)} }};\n}})();"


def _name_module(path: Path) -> str:
    path_here = path.resolve().relative_to(FOLDER.resolve()).with_suffix("")
    return f"module_{'_'.join(path_here.parts).replace('-', '_')}"
