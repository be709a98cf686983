"""Streamlit's own files from memory, and what the first answer names: judged by Streamlit's folder and by the files' own addresses."""

from __future__ import annotations

import asyncio
import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from streamlit import config
from streamlit.file_util import get_static_dir

from ui import assets
from ui.bundle import bundle

STATIC = Path(get_static_dir())
BASE = "/under/a/path"
SCRIPTS = [path for folder in assets.FOLDERS for path in assets.scripts(folder)]


def page(_: object) -> PlainTextResponse:
    return PlainTextResponse("the page")


def quick_start() -> assets.QuickStart:
    inner = Starlette(routes=[*assets.routes(assets.base_path()), Route("/{path:path}", page, methods=["GET", "POST"])])
    return assets.QuickStart(inner)


def ask(app: assets.QuickStart, path: str, method: str = "GET") -> tuple[int, dict[str, str], bytes]:
    """Status, headers and body of one request."""
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {"type": "http", "method": method, "path": path, "headers": [], "query_string": b"", "root_path": ""}
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


def test_streamlits_own_files_are_those_of_its_folder_and_may_be_kept_for_ever(base: str) -> None:
    app = quick_start()
    for pattern, media_type in (("js/index.*.js", "text/javascript"), ("css/index.*.css", "text/css")):
        path = next((STATIC / "static").glob(pattern))
        for _ in range(2):  # the second time from memory
            status, headers, body = ask(app, f"{base}/{path.relative_to(STATIC)}")
            assert (status, body) == (200, path.read_bytes())
            assert headers["content-type"].startswith(media_type)
            assert "immutable" in headers["cache-control"]


@pytest.mark.parametrize(
    "path", ["/static/../index.html", "/static/js/", "/static/js/../../index.html", "/static/none.js"]
)
def test_everything_else_is_left_to_streamlit(path: str) -> None:
    assert ask(quick_start(), path)[2] == b"the page"
    known = next((STATIC / "static" / "js").glob("index.*.js")).relative_to(STATIC)
    assert ask(quick_start(), f"/{known}", method="POST")[2] == b"the page"


def test_the_page_names_the_scripts_that_it_will_need_and_each_of_them_is_there(base: str) -> None:
    app = quick_start()
    status, headers, body = ask(app, f"{base}/")
    assert (status, body) == (200, b"the page")
    addresses = re.findall(r"<([^>]+)>; rel=modulepreload", headers["link"])
    assert f"{base}/api/assets/{assets.asset_version()}/canvas/bundle.js" in addresses
    assert any("BidiComponent" in address for address in addresses)
    for address in addresses:
        status, headers, body = ask(app, address)
        assert status == 200 and body != b"the page" and headers["content-type"].startswith("text/javascript")
    assert "link" not in ask(app, f"{base}/elsewhere")[1]


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
