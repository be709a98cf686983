"""Our own files that a page needs, from memory, compressed once: the scripts of each part of a page as one file, the rail, Plotly."""

from __future__ import annotations

import gzip
import hashlib
import time
from base64 import b64encode
from functools import cache, lru_cache, partial
from importlib.metadata import distribution
from pathlib import Path

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route
from streamlit import config

from ui.bundle import bundle
from ui.messages import LANGUAGES
from ui.rail.catalogue import write_catalogue

UI = Path(__file__).parent
#: Folders of scripts. The script with the folder's name imports all others; the browser gets them as one file.
FOLDERS = ("canvas", "compare", "naming", "painter", "returning")
MEDIA_TYPES = {"js": "text/javascript", "css": "text/css", "woff2": "font/woff2"}
FOR_EVER = "public, max-age=31536000, immutable"
LOOK_AGAIN = 1.0  # seconds for which files are taken to be unchanged


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
    return respond(request, _bundle(folder, asset_version()), _headers(request), MEDIA_TYPES["js"])


def rail_file(language: str, request: Request) -> Response:
    """Answer a request for all that the rail of settings offers, in one language."""
    return respond(request, _rail(language), _headers(request), "application/json")


def plotly_file(request: Request) -> Response:
    """Answer a request for Plotly's JavaScript, from the installed package."""
    return respond(request, _plotly(), _headers(request), MEDIA_TYPES["js"])


def respond(request: Request, gzipped: bytes, headers: dict[str, str], media_type: str) -> Response:
    """Answer with a file that is kept compressed: Streamlit's middleware would compress it again at each request."""
    headers = {**headers, "Vary": "Accept-Encoding"}
    if "gzip" not in request.headers.get("accept-encoding", ""):
        return Response(gzip.decompress(gzipped), headers=headers, media_type=media_type)
    return Response(gzipped, headers={**headers, "Content-Encoding": "gzip"}, media_type=media_type)


def compress(plain: bytes) -> bytes:
    """The same bytes for the same content, whenever it is compressed."""
    return gzip.compress(plain, compresslevel=6, mtime=0)


def prepare() -> None:
    """Make what a first visit asks for, so that the first visitor does not wait for it."""
    for folder in ("canvas", "naming", "painter"):
        _bundle(folder, asset_version())
    for language in LANGUAGES:
        _rail(language)


def _headers(request: Request) -> dict[str, str]:
    current = request.path_params["version"] == asset_version()
    return {"Cache-Control": FOR_EVER if current else "no-cache", "X-Content-Type-Options": "nosniff"}


@lru_cache(maxsize=2 * len(FOLDERS))
def _bundle(folder: str, version: str) -> bytes:
    """A folder's bundle; cached by `version`, so it is made anew when a script has changed."""
    return compress(bundle(UI / folder / f"{folder}.js").encode())


@cache
def _rail(language: str) -> bytes:
    return compress(write_catalogue(language))


@cache
def _plotly() -> bytes:
    return compress(Path(str(distribution("plotly").locate_file("plotly/package_data/plotly.min.js"))).read_bytes())
