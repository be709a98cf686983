"""The compiled kernels as a process gets them: from the disk in half a second, or compiled once a machine, while nobody waits.

python -m dlcore.engines.compiled      compiles all that a run may wait for, now
"""

from __future__ import annotations

import fcntl
import hashlib
import importlib
import logging
import os
import platform
import stat
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from threading import Event, Lock, Thread
from types import ModuleType
from typing import NamedTuple

SOURCES = sorted(Path(__file__).with_name("kernels").glob("*.py"))
OF_CONVOLVING = sorted((Path(__file__).with_name("kernels") / "convolving").glob("*.py"))
OF_MANY = sorted((Path(__file__).with_name("kernels") / "many").glob("*.py"))
STACKS, CONVOLVING = (
    "stacks",
    "convolving",
)  # What is loaded apart: for dense stacks, and for those that make maps from pictures.
COMPLETE = "complete"  # A file of this name stands in the folder when all is compiled.
NICENESS = 19
BACKGROUND = "background"
LOOK_EVERY = 0.1  # Seconds until a compilation in the background notices that somebody waits for it.

_log = logging.getLogger(__name__)


class Loading(NamedTuple):
    """Kernels that are being loaded; `compiles` if this machine has not compiled them before, so that it takes a minute."""

    kernels: Future[ModuleType | None]
    compiles: bool
    awaited: Event  # Set once somebody waits for them.


def kernels(patient: bool = False, package: str = STACKS) -> ModuleType | None:
    """The kernels with the code of this package loaded; None where numba or a folder for the code is missing.

    While they are being compiled for the first time it is None too (the autograd engine takes the steps then); if `patient`, it waits.
    """
    on_their_way, compiles, awaited = begin(package)
    if patient:
        awaited.set()
    return on_their_way.result() if patient or not compiles or on_their_way.done() else None


def are_loaded(package: str = STACKS) -> bool:
    """Whether `kernels` would answer now, and with kernels."""
    on_their_way = begin(package).kernels
    return on_their_way.done() and on_their_way.result() is not None


def is_compiled() -> bool:
    """Whether the code for dense stacks lies on this machine's disk, so that loading it takes half a second."""
    folder = code_folder()
    return folder is not None and (folder / COMPLETE).exists()


def begin(package: str = STACKS) -> Loading:
    """Load the kernels in the background, once; further calls give the same."""
    return _begin(package)


@cache
def _begin(package: str) -> Loading:
    found: Future[ModuleType | None] = Future()
    awaited = Event()
    folder = code_folder(_sources(package))
    if folder is None:
        found.set_result(None)
    else:
        loading = found, folder, awaited, package
        Thread(target=_load, args=loading, name=f"loads the kernels: {package}", daemon=True).start()
    return Loading(found, folder is not None and not (folder / COMPLETE).exists(), awaited)


def _sources(package: str) -> list[Path]:
    return SOURCES if package == STACKS else [*SOURCES, *OF_CONVOLVING]


def _load(found: Future[ModuleType | None], folder: Path, awaited: Event, package: str) -> None:
    try:
        if package != STACKS and kernels(patient=True) is None:
            found.set_result(None)
            return
        if not (folder / COMPLETE).exists():
            _compile(awaited, package)
        found.set_result(_load_from(folder, _LOADERS[package]))
    except Exception:
        _log.warning("The kernels could not be loaded; the autograd engine takes all steps.", exc_info=True)
        found.set_result(None)


def _compile(awaited: Event, package: str) -> None:
    """In a process of its own: the compiler is pure Python and would take turns with everything here.

    While nobody waits for it, it has the lowest priority, and on a busy machine gets next to nothing. Only root may raise the
    priority of a process, so it is started anew when somebody waits; what was compiled by then is on the disk.
    """
    command, where = [sys.executable, "-m", __name__, package], Path(__file__).parents[2]
    with subprocess.Popen([*command, BACKGROUND], cwd=where, stdout=sys.stderr) as in_background:
        while in_background.poll() is None:
            if awaited.wait(LOOK_EVERY):
                in_background.terminate()
                break
    if in_background.returncode != 0:
        if not awaited.is_set():
            raise subprocess.CalledProcessError(in_background.returncode, command)
        subprocess.run(command, check=True, cwd=where, stdout=sys.stderr)


_one_at_a_time = Lock()  # numba has one folder for code in the whole process.


def _load_from(folder: Path, load: Callable[[], ModuleType]) -> ModuleType:
    """The package of kernels, whose code is read from this folder, or written there."""
    from numba.core import config

    with _one_at_a_time:
        config.CACHE_DIR = str(folder)  # type: ignore[attr-defined]
        return load()


def _stack_kernels() -> ModuleType:
    from dlcore.engines import kernels

    return kernels


def _convolving_kernels() -> ModuleType:
    from dlcore.engines import kernels
    from dlcore.engines.kernels import convolving  # noqa: F401 - found as an attribute of the package.

    return kernels


_LOADERS: dict[str, Callable[[], ModuleType]] = {STACKS: _stack_kernels, CONVOLVING: _convolving_kernels}


def _many_kernels() -> ModuleType:
    from dlcore.engines.kernels import many

    return many


@cache
def many() -> ModuleType | None:
    """The kernels that train many seeds in one pass, with their code; None where the others are missing too.

    The call waits for a compilation if `must_compile_many`, up to half a minute: only side processes should call it.
    """
    folder = code_folder([*SOURCES, *OF_MANY])
    if folder is None or kernels(patient=True) is None:
        return None
    try:
        with _lock_folder(folder):
            package = _load_from(folder, _many_kernels)
            (folder / COMPLETE).touch()
    except Exception:
        _log.warning(
            "The kernels for many seeds could not be loaded; they are trained one after the other.", exc_info=True
        )
        return None
    return package


def must_compile_many() -> bool:
    """Whether `many` will have to compile: half a minute or less, once a machine."""
    folder = code_folder([*SOURCES, *OF_MANY])
    return folder is not None and not (folder / COMPLETE).exists()


def import_numba_alone() -> None:
    """Import numba without scipy.linalg, for a process in which no other thread runs yet; nothing happens before all is compiled.

    numba imports it only to see whether there is BLAS, which takes as long as all the rest. Who needs BLAS calls `libraries.fetch_blas`.
    """
    if "scipy.linalg" in sys.modules or not is_compiled():
        return
    sys.modules["scipy.linalg"] = None  # type: ignore[assignment]
    try:
        importlib.import_module("numba.np.arraymath")
    finally:
        del sys.modules["scipy.linalg"]


def compile_now(package: str = STACKS) -> None:
    """Fill the disk's cache, once however many processes ask for it at the same time. OSError if there is no folder for it."""
    folder = code_folder(_sources(package))
    if folder is None:
        raise OSError("there is no private folder to keep compiled code in; set NUMBA_CACHE_DIR to one")
    if package != STACKS:
        compile_now()
        kernels(patient=True)  # These are made of those.
    with _lock_folder(folder):
        if not (folder / COMPLETE).exists():
            _load_from(folder, _LOADERS[package])
            (folder / COMPLETE).touch()


@contextmanager
def _lock_folder(folder: Path) -> Iterator[None]:
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def code_folder(sources: list[Path] = SOURCES) -> Path | None:
    """Where compiled code of these sources, libraries and this machine is kept: ours alone, as code is run from it.

    None if there is no such folder, or no numba.
    """
    try:
        facts = [version("numba"), version("numpy"), sys.version, platform.node(), *map(Path.read_bytes, sources)]
    except PackageNotFoundError:
        return None
    name = hashlib.sha256(repr([*map(str, sources), *facts]).encode()).hexdigest()[:16]
    told = os.environ.get("NUMBA_CACHE_DIR")
    home = Path(os.environ.get("XDG_CACHE_HOME") or Path("~/.cache").expanduser())
    folders = [Path(told)] if told else [home / "dlcore", Path(tempfile.gettempdir()) / f"dlcore-{os.getuid()}"]
    return next((folder / name for folder in folders if _is_ours(folder) and _is_ours(folder / name)), None)


def _is_ours(folder: Path) -> bool:
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        facts = folder.stat()
        return facts.st_uid == os.getuid() and not facts.st_mode & stat.S_IWOTH and os.access(folder, os.W_OK)
    except OSError:
        return False


if __name__ == "__main__":
    if BACKGROUND in sys.argv[1:]:
        os.setpriority(os.PRIO_PROCESS, 0, NICENESS)
    for package in [name for name in _LOADERS if name in sys.argv[1:]] or _LOADERS:
        compile_now(package)
