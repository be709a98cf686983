"""Classic data sets from OpenML (Vanschoren et al., 2014), fetched once and then kept: job "classic".

Tables are fetched by scikit-learn and then handled like an uploaded table. The two sets of images would take a gigabyte of memory
that way, so their rows are parsed while they arrive. Whoever fetched a set, everyone on this machine may read it.
"""

from __future__ import annotations

import gzip
import io
import json
import socket
import urllib.request
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, cast
from urllib.error import URLError
from urllib.parse import urlparse

import numpy as np

from dlcore.datasets import store
from dlcore.datasets.upload.images import describe_images, keep_images
from dlcore.folders import make_own, write_own
from dlcore.jobs import Answer, Progress
from dlcore.problems import Problem

PATIENCE = 20.0  # Seconds to wait for a server that sends nothing.
SIDE = 28  # Pixels of both sets of images.
LARGEST = 512 << 20  # Most bytes of a file, unpacked.
BLOCK = 4 << 20
OPENML = "openml.org"


@dataclass(frozen=True)
class TableSet:
    """A table: its number at OpenML, target and input columns, and a bundled data set (`neighbour`) that can stand in for it offline."""

    title: str
    number: int
    target: str
    neighbour: str
    inputs: tuple[str, ...] | None = None


@dataclass(frozen=True)
class ImageSet:
    """70,000 images of 28x28 pixels in ten classes."""

    title: str
    number: int
    classes: tuple[str, ...]
    neighbour: str  # a part of it


SETS: dict[str, TableSet | ImageSet] = {
    # Without the columns boat and body: known only after the disaster, they give the target away.
    "titanic": TableSet(
        "Titanic", 40945, "survived", "Breast cancer", ("pclass", "sex", "age", "sibsp", "parch", "fare", "embarked")
    ),
    "penguins": TableSet("Penguins", 42585, "species", "Iris"),
    "california": TableSet("California housing", 0, "MedHouseVal", "Diabetes"),
    # Without column B: it was made on the premise that segregation raises the price of houses; for it scikit-learn withdrew the set.
    "boston": TableSet(
        "Boston housing", 531, "MEDV", "Diabetes",
        ("CRIM", "ZN", "INDUS", "CHAS", "NOX", "RM", "AGE", "DIS", "RAD", "TAX", "PTRATIO", "LSTAT"),
    ),
    "mnist": ImageSet("MNIST", 554, tuple("0123456789"), "MNIST"),
    "fashion_mnist": ImageSet(
        "Fashion-MNIST", 40996,
        ("T-shirt", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"),
        "Fashion-MNIST",
    ),
}  # fmt: skip


def classic(arguments: dict[str, Any], payload: bytes, progress: Progress) -> Answer:
    """{"name"} -> a table as {"upload", "name", "options"} for the job "look", or images as the job "images" answers. Raises Problem."""
    name = str(arguments.get("name"))
    wanted = SETS.get(name)
    match wanted:
        case None:
            raise Problem("classic_unknown", expected=", ".join(SETS), came=name)
        case TableSet():
            return _table(name, wanted), b""
        case ImageSet():
            known = _find_images(name)
            return _images(name, wanted, progress) if known is None else known


# Tables


def _table(name: str, wanted: TableSet) -> dict[str, Any]:
    with translate_failures(wanted):
        frame = _california() if not wanted.number else _openml(wanted.number)
    there = set(frame.columns)
    if wanted.target not in there or not there.issuperset(wanted.inputs or ()):
        raise Problem("classic_changed", name=wanted.title, neighbour=wanted.neighbour)
    options: dict[str, Any] = {"target": wanted.target}
    if wanted.inputs:
        options["inputs"] = list(wanted.inputs)
    digest = store.keep_upload(frame.to_csv(index=False).encode(), public=True)
    return {"upload": digest, "name": f"{name}.csv", "options": options}


def _openml(number: int) -> Any:
    from sklearn.datasets import fetch_openml

    found: Any = fetch_openml(data_id=number, as_frame=True, parser="pandas", data_home=_find_home(), n_retries=1)
    return found.frame


def _california() -> Any:
    from sklearn.datasets import fetch_california_housing

    found: Any = fetch_california_housing(as_frame=True, data_home=_find_home(), n_retries=1)
    return found.frame


def _find_home() -> str:
    """Where scikit-learn keeps what it has fetched: a folder of this user's own."""
    home = store.folder() / "fetched"
    make_own(store.folder())
    make_own(home)
    return str(home)


# Images


def _find_images(name: str) -> Answer | None:
    """The answer for images fetched before, if the store still has them; else None."""
    with suppress(OSError, ValueError, KeyError, Problem):
        part = json.loads(_note_images(name).read_text())
        stored = store.get_table(part["digest"])
        return describe_images(part, stored.arrays["X"], stored.arrays["y"])
    return None


def _images(name: str, wanted: ImageSet, progress: Progress) -> Answer:
    with translate_failures(wanted):
        rows = np.concatenate(list(_read_rows(wanted, progress)))
    if rows.shape[1] != SIDE * SIDE + 1 or rows[:, -1].max() >= len(wanted.classes):
        raise Problem("classic_changed", name=wanted.title, neighbour=wanted.neighbour)
    header, samples = keep_images(
        wanted.title, rows[:, :-1].reshape(-1, SIDE, SIDE), rows[:, -1], wanted.classes, public=True
    )
    with suppress(OSError):
        write_own(_note_images(name), json.dumps(header["dataset"]).encode())
    return header, samples


def _read_rows(wanted: ImageSet, progress: Progress) -> Iterator[np.ndarray]:
    """Blocks of (N, pixels and class) uint8 from an ARFF file, as it arrives."""
    with _open_stream(_find_address(wanted.number)) as stream:
        for line in stream:
            if line.strip().lower() == b"@data":
                break
        rest, taken = b"", 0
        while block := stream.read(BLOCK):
            taken += len(block)
            if taken > LARGEST:
                raise ValueError("longer than any of these sets")
            whole, _, rest = (rest + block).rpartition(b"\n")
            if whole.strip():
                yield _parse_numbers(whole)
            progress(min(0.95, taken / (130 << 20)), {})
        if rest.strip():
            yield _parse_numbers(rest)


def _parse_numbers(lines: bytes) -> np.ndarray:
    text = lines.replace(b"'", b"").replace(b"\r\n", b"\n").strip(b"\n")
    rows = text.count(b"\n") + 1
    # Parsed as floats first: some files write 0.0 for 0.
    numbers = np.fromstring(text.replace(b"\n", b","), dtype=np.float32, sep=",")
    if numbers.size % rows or numbers.min(initial=0) < 0 or numbers.max(initial=0) > 255:
        raise ValueError("not rows of bytes")
    return numbers.reshape(rows, -1).astype(np.uint8)


def _find_address(number: int) -> str:
    """The address of this data set's file, as OpenML gives it."""
    with urllib.request.urlopen(f"https://www.openml.org/api/v1/json/data/{number:d}", timeout=PATIENCE) as told:
        address = urlparse(json.loads(told.read(1 << 20))["data_set_description"]["url"])
    if address.hostname is None or not f".{address.hostname}".endswith(f".{OPENML}"):
        raise ValueError("not at OpenML")
    return address.path


@contextmanager
def _open_stream(path: str) -> Iterator[IO[bytes]]:
    asking = urllib.request.build_opener()
    asking.addheaders = [("Accept-Encoding", "gzip")]
    with asking.open(f"https://www.{OPENML}{path}", timeout=PATIENCE) as response:
        packed = response.headers.get("Content-Encoding") == "gzip"
        yield cast("IO[bytes]", gzip.GzipFile(fileobj=response) if packed else io.BufferedReader(response))


def _note_images(name: str) -> Path:
    """The file that notes under which digest the store keeps this set."""
    return store.folder() / f"{name}.fetched"


@contextmanager
def translate_failures(wanted: TableSet | ImageSet) -> Iterator[None]:
    """Limit the wait for a silent server, and raise lost connections and unreadable answers as Problems."""
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(PATIENCE)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Retries warn; if all of them fail, the Problem below says so.
            yield
    except (URLError, ConnectionError, TimeoutError, socket.gaierror, EOFError):
        raise Problem("classic_offline", name=wanted.title, neighbour=wanted.neighbour) from None
    except (ValueError, KeyError, TypeError, OSError):
        raise Problem("classic_changed", name=wanted.title, neighbour=wanted.neighbour) from None
    finally:
        socket.setdefaulttimeout(before)
