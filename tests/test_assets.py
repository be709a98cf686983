"""A quick first visit: judged by Streamlit's folder, by the files' own addresses, and by gzip and the configured themes."""

from __future__ import annotations

import asyncio
import gzip
import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.routing import Route
from streamlit import config
from streamlit.file_util import get_static_dir

from ui import assets
from ui.bundle import bundle
from ui.quickstart import QuickStart

STATIC = Path(get_static_dir())
BASE = "/under/a/path"
SCRIPTS = [path for folder in assets.FOLDERS for path in assets.scripts(folder)]


def page(request: Request) -> Response:
    """Streamlit's page as it is sent: whoever has it already is told only that it has not changed."""
    if "if-none-match" in request.headers or "if-modified-since" in request.headers:
        return Response(status_code=304)
    headers = {
        "etag": '"of-streamlits-file"',
        "last-modified": "Sat, 28 Nov 2026 12:00:00 GMT",
        "cache-control": "no-cache",
    }
    return HTMLResponse((STATIC / "index.html").read_text(), headers=headers)


def elsewhere(_: object) -> PlainTextResponse:
    return PlainTextResponse("elsewhere")


def quick_start() -> QuickStart:
    base = assets.base_path()
    pages = [Route(f"{base}{path}", page) for path in ("/", "/data")]
    others = Route("/{path:path}", elsewhere, methods=["GET", "POST"])
    compressing = [Middleware(GZipMiddleware)]  # As Streamlit's own does.
    return QuickStart(Starlette(routes=[*assets.routes(base), *pages, others], middleware=compressing))


def ask(app: QuickStart, path: str, method: str = "GET", **sent_along: str) -> tuple[int, dict[str, str], bytes]:
    """Status, headers and body of one request with these headers."""
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Any) -> None:
        sent.append(message)

    asked = [(name.replace("_", "-").encode(), value.encode()) for name, value in sent_along.items()]
    scope = {"type": "http", "method": method, "path": path, "headers": asked, "query_string": b"", "root_path": ""}
    with ThreadPoolExecutor(1) as thread:  # A browser test in this process may have a loop of its own running.
        thread.submit(asyncio.run, app(scope, receive, send)).result()
    headers = {name.decode(): value.decode() for name, value in sent[0]["headers"]}
    return sent[0]["status"], headers, b"".join(message.get("body", b"") for message in sent[1:])


@pytest.fixture(params=["", BASE])
def base(request: pytest.FixtureRequest) -> Any:
    before = config.get_option("server.baseUrlPath")
    config.set_option("server.baseUrlPath", request.param)
    yield request.param
    config.set_option("server.baseUrlPath", before)


@pytest.mark.parametrize(
    ("pattern", "media_type"), [("js/index.*.js", "text/javascript"), ("css/index.*.css", "text/css")]
)
def test_streamlits_own_files_are_those_of_its_folder_and_may_be_kept_for_ever(
    base: str, pattern: str, media_type: str
) -> None:
    app = quick_start()
    path = next((STATIC / "static").glob(pattern))
    for _ in range(2):  # the second time from memory
        status, headers, body = ask(app, f"{base}/{path.relative_to(STATIC)}")
        assert (status, body) == (200, path.read_bytes())
        assert headers["content-type"].startswith(media_type)
        assert (headers["cache-control"], headers["vary"]) == (assets.FOR_EVER, "Accept-Encoding")
        assert "content-encoding" not in headers
        _, headers, smaller = ask(app, f"{base}/{path.relative_to(STATIC)}", accept_encoding="gzip, br")
        assert (headers["content-encoding"], headers["vary"]) == ("gzip", "Accept-Encoding")
        assert gzip.decompress(smaller) == body
        assert len(smaller) < len(body) / 2


def test_a_typeface_is_sent_as_it_is() -> None:
    path = next((STATIC / "static" / "media").glob("*.woff2"))
    _, headers, body = ask(quick_start(), f"/{path.relative_to(STATIC)}", accept_encoding="gzip")
    assert (headers["content-type"], headers["cache-control"], body) == (
        "font/woff2",
        assets.FOR_EVER,
        path.read_bytes(),
    )
    assert "content-encoding" not in headers


@pytest.mark.parametrize(
    "name", [f"{folder}/bundle.js" for folder in assets.FOLDERS] + ["rail/en.json", "rail/zh_CN.json"]
)
def test_our_own_files_are_the_same_compressed_and_may_be_kept_for_ever_under_their_version(
    base: str, name: str
) -> None:
    app, path = quick_start(), f"{base}/api/assets/{assets.asset_version()}/{name}"
    _, _, plain = ask(app, path)
    _, headers, smaller = ask(app, path, accept_encoding="gzip")
    assert gzip.decompress(smaller) == plain
    assert (headers["content-encoding"], headers["vary"]) == ("gzip", "Accept-Encoding")
    assert headers["cache-control"] == "public, max-age=31536000, immutable"
    _, headers, _ = ask(app, f"{base}/api/assets/of-yesterday/{name}")
    assert headers["cache-control"] == "no-cache"


@pytest.mark.parametrize(
    "path", ["/static/../index.html", "/static/js/", "/static/js/../../index.html", "/static/none.js"]
)
def test_everything_else_is_left_to_streamlit(path: str) -> None:
    assert ask(quick_start(), path)[2] == b"elsewhere"
    known = next((STATIC / "static" / "js").glob("index.*.js")).relative_to(STATIC)
    assert ask(quick_start(), f"/{known}", method="POST")[2] == b"elsewhere"


def test_the_page_names_the_scripts_that_it_will_need_once_each_and_each_of_them_is_there(base: str) -> None:
    app = quick_start()
    status, headers, body = ask(app, f"{base}/")
    assert (status, int(headers["content-length"])) == (200, len(body))
    assert gzip.decompress(ask(app, f"{base}/", accept_encoding="gzip")[2]) == body
    addresses = re.findall(r'<link rel="modulepreload"[^>]* href="([^"]+)"', body.decode())
    files = [re.sub(r"^\./", f"{base}/", address) for address in addresses]
    assert len(files) == len(set(files))
    assert f"{base}/api/assets/{assets.asset_version()}/canvas/bundle.js" in files
    assert any("BidiComponent" in file for file in files)
    for file in files:
        status, headers, body = ask(app, file)
        assert status == 200 and body != b"elsewhere" and headers["content-type"].startswith("text/javascript")
    assert b"canvas/bundle.js" not in ask(app, f"{base}/data")[2]


def test_a_page_is_streamlits_and_has_the_ground_of_its_theme_before_any_script(base: str) -> None:
    app = quick_start()
    for theme, light, dark in (
        ("", True, True),
        ("light", True, False),
        ("dark", False, True),
        ("projector", True, False),
    ):
        _, headers, body = ask(app, f"{base}/data", cookie=f"playground_theme={theme}")
        style = re.search(r"<style>(body [^<]*)</style>", body.decode())
        assert style is not None
        for variant, shown in (("light", light), ("dark", dark)):
            assert (config.get_option(f"theme.{variant}.backgroundColor") in style[1]) == shown
        compressed = ask(app, f"{base}/data", cookie=f"playground_theme={theme}", accept_encoding="gzip")
        assert (compressed[1]["content-encoding"], gzip.decompress(compressed[2])) == ("gzip", body)
        assert body.decode().replace(style[0], "") == (STATIC / "index.html").read_text()
        assert headers["cache-control"] != assets.FOR_EVER


def test_a_page_of_another_theme_is_not_answered_with_the_one_that_the_browser_has() -> None:
    app = quick_start()
    since = "Sat, 28 Nov 2026 12:00:00 GMT"
    status, headers, _ = ask(app, "/data", if_none_match='"of-streamlits-file"', if_modified_since=since)
    assert (status, "etag" in headers, "last-modified" in headers) == (200, False, False)


@pytest.mark.parametrize("folder", assets.FOLDERS)
def test_the_bundle_holds_each_module_once_after_those_it_imports(folder: str) -> None:
    text = bundle(assets.UI / folder / f"{folder}.js")
    modules = re.findall(r"^const module_(\w+) = ", text, re.MULTILINE)
    scripts = {re.sub(r"\W", "_", str(path.relative_to(assets.UI).with_suffix(""))): path for path in SCRIPTS}
    assert len(modules) == len(set(modules))
    assert {name for name in scripts if name.startswith(f"{folder}_")} <= set(modules)
    assert modules[-1] == f"{folder}_{folder}"
    assert not re.search(rf"^import |^export (?!default module_{folder}_{folder}\.default;)", text, re.MULTILINE)
    by_path = {path.resolve(): name for name, path in scripts.items()}
    for place, name in enumerate(modules):
        source = scripts[name].read_text(encoding="utf-8")
        imported = re.findall(r'^import .* from "(.+)"', source, re.MULTILINE)
        assert {by_path[(scripts[name].parent / one).resolve()] for one in imported} <= set(modules[:place])
        exports = re.findall(r"^export (?:default )?(?:async )?\w+ (\w+)", source, re.MULTILINE)
        assert all(re.search(rf"return \{{.*\b{export}\b.*\}};\n\}}\)\(\);", text) for export in exports)
