"""What all tests share: one torch thread, reproducible properties, and a real browser for those that ask for one."""

from __future__ import annotations

import fcntl
import gc
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from benchmarks.server import served
from benchmarks.student import Student
from tests.patience import PATIENCE

TESTS = Path(__file__).parent
ROOT = TESTS.parent
READING = pytest.StashKey[int]()
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
BROWSER_FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--process-per-site",
]  # fmt: skip
#: Files whose browser tests take about as long as those of all others.
SECOND_BROWSER = ("test_access", "test_browser_class", "test_browser_evaluate", "test_browser_share")
# Tests keep their runs here, not on the shelf of whoever runs them.
SHELF = tempfile.TemporaryDirectory(prefix="dlcore-tests-")
#: The canvas is connected and has drawn.
SHOWN = """() => {
    const find = (root) => root.querySelector('.nn')
        ?? [...root.querySelectorAll('*')].map((e) => e.shadowRoot && find(e.shadowRoot)).find(Boolean);
    const canvas = find(document);
    return canvas?.dataset.connection === 'open' && canvas.dataset.frames > 0;
}"""
BROWSER_PATIENCE = 1000 * PATIENCE  # milliseconds

# The same examples every time, so that a red run is red again; HYPOTHESIS_PROFILE=search looks for new ones.
_COMMON = {"deadline": None, "print_blob": True, "suppress_health_check": [HealthCheck.too_slow]}
settings.register_profile("same", derandomize=True, max_examples=60, **_COMMON)
settings.register_profile("search", max_examples=1000, **_COMMON)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "same"))


def pytest_configure(config: pytest.Config) -> None:
    os.environ.setdefault("DLCORE_SHELF", SHELF.name)
    os.environ.setdefault("DLCORE_TABLES", f"{SHELF.name}/tables")
    # Workers that step back as far as they can get nothing done beside other programs that hold all cores.
    os.environ.setdefault("DLCORE_NICENESS", "0")
    Student.patience = PATIENCE
    if config.getoption("numprocesses", None):  # Other processes read the modules and run the tests, ...
        compiling = [sys.executable, "-m", "dlcore.engines.compiled"]  # ... and meanwhile the kernels are compiled.
        config.add_cleanup(subprocess.Popen(compiling, cwd=ROOT).wait)
    elif not any(TESTS.glob("__pycache__/test_*")):
        config.stash[READING] = begin_to_read()


def begin_to_read() -> int:
    """A lock to hold while modules are read for the first time: one process compiles them all, and the others wait for it.

    They read after it at the same time what it has compiled; else each of them would compile everything itself.
    """
    lock = os.open(__file__, os.O_RDONLY)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        fcntl.flock(lock, fcntl.LOCK_SH)
    return lock


def prepare_torch() -> None:
    """What a process needs before its first test."""
    import torch

    from dlcore.engines import compiled

    torch.set_num_threads(1)
    compiled.kernels(patient=True)  # Compile before any test, so that it is not left to timing which engine trains.
    compiled.kernels(patient=True, package=compiled.CONVOLVING)


@pytest.hookimpl(tryfirst=True)  # Must run before pytest-xdist reads the groups.
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    # All browser tests in two processes: each process that has some starts a server, a nursery and a Chromium.
    for item in items:
        if item.get_closest_marker("browser"):
            item.add_marker(pytest.mark.xdist_group(f"browser {1 + (item.path.stem in SECOND_BROWSER)}"))


def pytest_collection_finish(session: pytest.Session) -> None:
    if (reading := session.config.stash.get(READING, None)) is not None:
        os.close(reading)
    prepare_torch()
    # What is there now stays: the garbage collector would look through all of it at every turn, an eighth of all computing.
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session", autouse=True)
def scanned_once() -> Iterator[None]:
    """Let Streamlit look through the installed packages for components once: it does so for each AppTest, a tenth of a second each."""
    from streamlit.components.v2 import manifest_scanner

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(manifest_scanner, "scan_component_manifests", cache(manifest_scanner.scan_component_manifests))
        yield


@pytest.fixture(scope="session")
def onnx_registered_once() -> Iterator[None]:
    """Let torch gather the operators that it can export once, not at each export: it takes two thirds of an export's time."""
    from torch.onnx._internal.exporter import _registration

    with pytest.MonkeyPatch.context() as patch:
        registry = _registration.ONNXRegistry
        patch.setattr(registry, "from_torchlib", staticmethod(cache(registry.from_torchlib)))
        yield


def pytest_make_parametrize_id(val: object, argname: str) -> str | None:
    # A zip file holds the time of its making: as a name, it would differ from process to process.
    return f"{argname} of {len(val)}" if isinstance(val, (str, bytes)) and len(val) > 60 else None


@pytest.fixture(scope="session")
def app() -> Iterator[tuple[str, int]]:
    """The playground, served as `streamlit run app.py` serves it on a port of its own: its address and its process id."""
    with served() as server:
        yield server.url, server.pid


@pytest.fixture
def app_address(app: tuple[str, int]) -> str:
    """Where the playground is served."""
    return app[0]


@pytest.fixture
def app_process(app: tuple[str, int]) -> int:
    """The process id of its server."""
    return app[1]


@pytest.fixture(scope="session")
def playwright() -> Iterator[Any]:
    """What drives browsers. There can be but one."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        yield playwright


@pytest.fixture(scope="session")
def launch() -> dict[str, Any]:
    """How a browser is started: the Chromium or Chrome on the PATH."""
    found = next(filter(None, map(shutil.which, BROWSERS)), None)
    if found is None:
        pytest.fail(f"None of {', '.join(BROWSERS)} is on the PATH: `make chromium` installs one.")
    return {"executable_path": found, "args": BROWSER_FLAGS}


@pytest.fixture(scope="session")
def chromium(playwright: Any, launch: dict[str, Any]) -> Iterator[Any]:
    """A Playwright browser, for persons who share nothing."""
    browser = playwright.chromium.launch(**launch)
    yield browser
    browser.close()


@pytest.fixture(scope="session")
def kept_pages(chromium: Any, app: tuple[str, int]) -> Any:
    """The pages in which one visitor after another opens the playground."""
    from tests.visitors import Visitors

    return Visitors(chromium, app[0])


@pytest.fixture
def visitors(kept_pages: Any) -> Iterator[Any]:
    """Opens a page for a person who shares nothing with others; they leave when the test is done, with no error in any console."""
    from playwright.sync_api import expect

    expect.set_options(timeout=BROWSER_PATIENCE)
    try:
        yield kept_pages
        assert kept_pages.page_errors == kept_pages.console_errors == []
    finally:
        kept_pages.leave_all()


@pytest.fixture
def blank(visitors: Any, request: pytest.FixtureRequest) -> Any:
    """A page of an English reader where nothing is open yet.

    The reader asks for less motion, as drawing takes most of a browser's time; tests marked `moving` see every picture.
    """
    motion = "no-preference" if request.node.get_closest_marker("moving") else "reduce"
    return visitors.open(reduced_motion=motion)


@pytest.fixture
def page(blank: Any, app_address: str) -> Any:
    """The page as it opens for an English reader."""
    blank.goto(app_address)
    blank.wait_for_function(SHOWN)  # Checks at every frame, while `expect` comes down to once a second.
    return blank
