"""The whole of a set of pictures of which a part is bundled: fetched from where its authors' files lie, checked, and kept in the cache.

Only a desk and the command line fetch, and only where DLCORE_DOWNLOADS=1 allows it:

DLCORE_DOWNLOADS=1 python -m dlcore train RECIPE.json --epochs 10 --out DIR
"""

from __future__ import annotations

import hashlib
import os
import urllib.request
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from urllib.error import URLError

import numpy as np

from dlcore.folders import cache_folder, make_own, write_own
from dlcore.problems import Problem

VARIABLE = "DLCORE_DOWNLOADS"
PATIENCE = 20.0  # Seconds to wait for a server that sends nothing.
LARGEST_PACKED = 64 << 20  # Bytes of one file as it is sent.
LARGEST = 64 << 20  # Bytes of one file, unpacked: the largest has 47 MB.
FILES = ("train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte")
HEADERS = {"images": 16, "labels": 8}  # bytes before the pixels and the classes
PIXELS = 28 * 28


@dataclass(frozen=True)
class Source:
    """Where the four files of MNIST's form lie, packed by gzip, and the SHA-256 of all of them, unpacked, one after the other."""

    address: str
    sha256: str


SOURCES = {
    # The copy that torchvision reads.
    "mnist": Source(
        "https://ossci-datasets.s3.amazonaws.com/mnist/",
        "b2d8f5bf39174ee5ffeefa97e42d673c35432b411bb5d1f74fbbeddae7f1690a",
    ),
    # As its authors name it. It is not encrypted; what came is checked all the same.
    "fashion_mnist": Source(
        "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
        "14410854cf7a289477dcfc7df3f8ec24741e281cdcc425ede0d9a748ca630214",
    ),
}

#: From an address to what lies there. Raises OSError.
Opener = Callable[[str], bytes]


def is_allowed() -> bool:
    """Whether whoever runs this program allowed it to fetch sets of pictures."""
    return os.environ.get(VARIABLE, "").strip() == "1"


def is_here(kind: str) -> bool:
    """Whether the whole set has been fetched."""
    return _path(kind).exists()


def fetch(kind: str, title: str, opened: Opener | None = None) -> None:
    """Fetch the whole set unless it is here. Raises Problem."""
    if is_here(kind):
        return
    if not is_allowed():
        raise Problem("pictures_not_allowed", name=title, variable=VARIABLE)
    source = SOURCES[kind]
    try:
        content = b"".join(_unpack((opened or _open)(f"{source.address}{name}.gz")) for name in FILES)
    except (URLError, OSError, zlib.error):
        raise Problem("pictures_offline", name=title) from None
    if hashlib.sha256(content).hexdigest() != source.sha256:
        raise Problem("pictures_changed", name=title)
    try:
        make_own(_path(kind).parent)
        write_own(_path(kind), content)
    except OSError:
        raise Problem("pictures_not_kept", name=title, path=str(_path(kind).parent)) from None


@lru_cache(maxsize=1)
def read(kind: str) -> tuple[np.ndarray, np.ndarray]:
    """(N, D) uint8 and (N,) uint8 of the whole set: training pictures, then test pictures. Raises Problem if it is not as fetched."""
    content = _path(kind).read_bytes()
    if hashlib.sha256(content).hexdigest() != SOURCES[kind].sha256:
        _path(kind).unlink(missing_ok=True)  # The next fetch brings it anew.
        raise Problem("pictures_changed", name=kind)
    found: dict[str, list[np.ndarray]] = {"images": [], "labels": []}
    at = 0
    for name in FILES:
        what = "images" if "images" in name else "labels"
        rows = int.from_bytes(content[at + 4 : at + 8], "big")
        begin = at + HEADERS[what]
        at = begin + rows * (PIXELS if what == "images" else 1)
        found[what].append(np.frombuffer(content[begin:at], np.uint8))
    return np.concatenate(found["images"]).reshape(-1, PIXELS), np.concatenate(found["labels"])


def _path(kind: str) -> Path:
    return cache_folder("pictures", os.environ) / kind


def _open(address: str) -> bytes:
    with urllib.request.urlopen(address, timeout=PATIENCE) as response:  # noqa: S310 (an address of SOURCES)
        return response.read(LARGEST_PACKED)


def _unpack(packed: bytes) -> bytes:
    return zlib.decompressobj(wbits=31).decompress(packed, LARGEST)
