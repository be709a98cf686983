"""Fast delivery of the files that a page needs: the canvas's scripts, Plotly, and Streamlit's own files.

A first visit asks for about a hundred small files. Streamlit reads each from disk in a thread (1.4 ms of processor time; four seconds
for 30 students at once), and the browser learns late which files the page's widgets need. Here the files are held in memory, and the
first answer already names the ones needed (`Link: rel=modulepreload`).
"""

from __future__ import annotations

import gzip
import hashlib
import re
import time
from base64 import b64encode
from collections.abc import MutableMapping
from functools import cache, lru_cache, partial
from importlib.metadata import distribution
from pathlib import Path
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp, Receive, Scope, Send
from streamlit import config
from streamlit.file_util import get_static_dir

from ui.bundle import bundle
from ui.messages import LANGUAGES
from ui.rail.catalogue import write_catalogue

UI = Path(__file__).parent
#: Folders of scripts. The script with the folder's name imports all others; the browser gets them as one file.
FOLDERS = ("canvas", "compare", "naming", "painter", "returning")
MEDIA_TYPES = {"js": "text/javascript", "css": "text/css", "woff2": "font/woff2"}
FOR_EVER = "public, max-age=31536000, immutable"
#: Beginnings of the names of Streamlit's script files that the playground's first picture needs.
FIRST_CHUNKS = ("BidiComponent", "Html", "Button", "ButtonGroup", "Slider", "NumberInput")
LOOK_AGAIN = 1.0  # seconds for which files are taken to be unchanged
_IMPORT = re.compile(r"""(?:from|import)\s*["']\./([\w.-]+\.js)["']""")


def base_path() -> str:
    """The path below which the app is served: "" or "/under/a/path"."""
    base = config.get_option("server.baseUrlPath").strip("/")
    return f"/{base}" if base else ""


def routes(prefix: str) -> list[BaseRoute]:
    """Routes of our own files and of Plotly, below `prefix`."""
    return [
        *(
            Route(f"{prefix}/api/assets/{{version}}/{folder}/bundle.js", partial(bundle_file, folder))
            for folder in FOLDERS
        ),
        *(
            Route(f"{prefix}/api/assets/{{version}}/rail/{language}.json", partial(rail_file, language))
            for language in LANGUAGES
        ),
        Route(f"{prefix}/api/assets/{{version}}/plotly.min.js", plotly_file),
    ]


def asset_version() -> str:
    """A short hash of our own files and of Plotly's version, for addresses that may be cached for ever.

    A change of the files is noticed within a second, not at once: checking a hundred files takes long in a busy server, since a thread
    gives up the interpreter at each system call.
    """
    return _version_at(int(time.monotonic() / LOOK_AGAIN))


@lru_cache(maxsize=2)
def _version_at(second: int) -> str:
    files = [path for folder in FOLDERS for path in scripts(folder)]
    return _asset_version(tuple((path, path.stat().st_mtime_ns) for path in files))


@cache
def style(name: str) -> str:
    """The text of a style sheet in this folder. `st.html` can read the file itself, but would at every run of the script."""
    return f"<style>{(UI / name).read_text(encoding='utf-8')}</style>"


@cache
def icon() -> str:
    """The page's icon as a data URL."""
    return f"data:image/svg+xml;base64,{b64encode((UI / 'icon.svg').read_bytes()).decode()}"


def scripts(folder: str) -> list[Path]:
    """All scripts of a folder."""
    return sorted((UI / folder).rglob("*.js"))


@lru_cache(maxsize=4)
def _asset_version(files: tuple[tuple[Path, int], ...]) -> str:
    digest = hashlib.blake2b(distribution("plotly").version.encode(), digest_size=8)
    for language in LANGUAGES:
        digest.update(write_catalogue(language))
    for path, _ in files:
        digest.update(path.relative_to(UI).as_posix().encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()


def bundle_file(folder: str, request: Request) -> Response:
    """Answer a request for all scripts of a folder, and what they import, as one file."""
    return _respond_compressed(request, *_bundle(folder, asset_version()))


def rail_file(language: str, request: Request) -> Response:
    """Answer a request for all that the rail of settings offers, in one language."""
    return _respond_compressed(request, *_rail(language), media_type="application/json")


def plotly_file(request: Request) -> Response:
    """Answer a request for Plotly's JavaScript, from the installed package."""
    return _respond_compressed(request, *_plotly())


def _respond_compressed(
    request: Request, plain: bytes, gzipped: bytes, media_type: str = MEDIA_TYPES["js"]
) -> Response:
    # Compressed once, as Streamlit's middleware would compress it again at each request.
    headers = {**_headers(request), "Vary": "Accept-Encoding"}
    if "gzip" not in request.headers.get("accept-encoding", ""):
        return Response(plain, headers=headers, media_type=media_type)
    return Response(gzipped, headers={**headers, "Content-Encoding": "gzip"}, media_type=media_type)


def _headers(request: Request) -> dict[str, str]:
    current = request.path_params["version"] == asset_version()
    return {"Cache-Control": FOR_EVER if current else "no-cache", "X-Content-Type-Options": "nosniff"}


@lru_cache(maxsize=2 * len(FOLDERS))
def _bundle(folder: str, version: str) -> tuple[bytes, bytes]:
    """A folder's bundle, plain and gzipped; cached by `version`, so it is made anew when a script has changed."""
    plain = bundle(UI / folder / f"{folder}.js").encode()
    return plain, gzip.compress(plain, mtime=0)


@cache
def _rail(language: str) -> tuple[bytes, bytes]:
    plain = write_catalogue(language)
    return plain, gzip.compress(plain, mtime=0)


@cache
def _plotly() -> tuple[bytes, bytes]:
    plain = Path(str(distribution("plotly").locate_file("plotly/package_data/plotly.min.js"))).read_bytes()
    return plain, gzip.compress(plain, compresslevel=6, mtime=0)


# Streamlit's own files


class QuickStart:
    """Middleware: answers requests for Streamlit's hashed files from memory, and adds to the page the names of files needed next."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._base = base_path()
        self._static = Path(get_static_dir())
        self._names = {
            f"{self._base}/{path.relative_to(self._static).as_posix()}": path
            for path in (self._static / "static").rglob("*")
            if path.suffix[1:] in MEDIA_TYPES
        }
        self._kept: dict[str, bytes] = {}
        self._chunks = _with_imports(self._static / "static" / "js", FIRST_CHUNKS)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer requests for known files; pass on all others."""
        path = scope.get("path", "")
        if scope["type"] != "http" or scope["method"] != "GET":
            await self._app(scope, receive, send)
        elif path in self._names:
            await self._static_file(path)(scope, receive, send)
        elif path.rstrip("/") == self._base:
            await self._app(scope, receive, self._naming_what_comes(send))
        else:
            await self._app(scope, receive, send)

    def _static_file(self, path: str) -> Response:
        if path not in self._kept:
            self._kept[path] = self._names[path].read_bytes()
        media_type = MEDIA_TYPES[self._names[path].suffix[1:]]
        return Response(self._kept[path], headers={"Cache-Control": FOR_EVER}, media_type=media_type)

    def _naming_what_comes(self, send: Send) -> Send:
        chunks = [f"<{self._base}/static/js/{name}>; rel=modulepreload; crossorigin" for name in self._chunks]
        scripts = f"<{self._base}/api/assets/{asset_version()}/canvas/bundle.js>; rel=modulepreload"
        link = (b"link", ", ".join([*chunks, scripts]).encode())

        async def send_with_link(message: MutableMapping[str, Any]) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], link]
            await send(message)

        return send_with_link


def _with_imports(folder: Path, beginnings: tuple[str, ...]) -> list[str]:
    """The script files whose names begin so, and all that they import; [] if this version of Streamlit has other names."""
    found: list[str] = []
    waiting = [path.name for beginning in beginnings for path in folder.glob(f"{beginning}.*.js")]
    while waiting:
        name = waiting.pop(0)
        if name not in found and (folder / name).is_file():
            found.append(name)
            waiting += _IMPORT.findall((folder / name).read_text(encoding="utf-8"))
    return found
