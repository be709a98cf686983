"""Images that people bring: NumPy's .npz, the IDX files of MNIST (LeCun et al., 1998), and a zip of PNG and JPEG files (folders.py), to
the store and a part of a recipe.  N images, C channels, H lines, W pixels in a line.

What a header claims is compared with what is there before anything of that size is made, and nothing is ever unpickled.
"""

from __future__ import annotations

import ast
import math
import zlib
from collections.abc import Sequence
from pathlib import PurePath
from typing import Any

import numpy as np

from dlcore.arrays import to_bytes
from dlcore.datasets import store
from dlcore.datasets.upload.archive import open_archive, unpack
from dlcore.datasets.upload.bounds import MOST_CLASSES, MOST_ROWS
from dlcore.datasets.upload.door import find_form
from dlcore.datasets.upload.folders import is_of_folders, read_folders
from dlcore.jobs import Answer, Progress
from dlcore.problems import Problem, clean

FORM = "images 1"
LARGEST = 128 << 20  # Bytes of one unpacked file.
LARGEST_SIDE = 64  # Pixels.
MOST_PIXELS = 10_000_000  # Of all images together that a recipe uses.
USED = 5000  # Images that a recipe uses, unless it says otherwise.
SHOWN = 40
LONGEST_HEADER = 1000  # Bytes of the header of an .npy file.
NPY = b"\x93NUMPY"
#: Pairs of names: of an array of images, and of the array of their labels.
WORDS = (("images", "labels"), ("image", "label"), ("data", "target"), ("x", "y"), ("X", "y"))

Arrays = dict[str, np.ndarray]


def images(arguments: dict[str, Any], payload: bytes, progress: Progress) -> Answer:
    """Job: {"uploads": digests, "names", "side": pixels of a zip's pictures} -> {"dataset": recipe's part, "classes", "rows", "findings"}
    and a few images. Raises Problem."""
    arrays: Arrays = {}
    names = [clean(PurePath(str(name)).name) for name in arguments.get("names") or []] or ["images"]
    public = all(map(store.upload_is_public, arguments["uploads"]))
    for index, digest in enumerate(arguments["uploads"]):
        name, content = names[index] if index < len(names) else str(index), store.get_upload(digest)
        if is_of_folders(content):
            found = read_folders(content, lambda share: progress(0.9 * share, {}), int(arguments.get("side") or 0))
            header, samples = keep_images(name, found.X, found.y, found.classes, public)
            return header | {"findings": list(found.findings)}, samples
        arrays |= {f"{name}/{each}": array for each, array in _read_arrays(content).items()}
    progress(0.5, {})
    X, y = join_images(arrays)
    return keep_images(names[0], X, y, public=public)


def keep_images(
    name: str, X: np.ndarray, y: np.ndarray, classes: Sequence[str] = (), public: bool = False
) -> tuple[dict[str, Any], bytes]:
    """Images (N, H, W), or in colour (N, 3, H, W), of classes y (N,) in the store, and what the job answers. Raises Problem."""
    height, width = X.shape[-2:]
    channels = X.shape[1] if X.ndim == 4 else 1
    if not 1 <= height <= LARGEST_SIDE or not 1 <= width <= LARGEST_SIDE:
        raise Problem("upload_images_size", height=height, width=width, limit=LARGEST_SIDE)
    if len(X) > MOST_ROWS:
        raise Problem("upload_too_many_images", came=len(X), limit=MOST_ROWS)
    values, codes, counts = np.unique(y, return_inverse=True, return_counts=True)
    if not 2 <= len(values) <= MOST_CLASSES or counts.min() < 2 or len(X) < 20:
        raise Problem("upload_images_classes", came=len(values), limit=MOST_CLASSES)
    names = list(classes) or [f"{value:g}" for value in values.tolist()]
    flat = np.ascontiguousarray(X.reshape(len(X), -1))
    facts = {"form": FORM, "name": name, "rows": len(X), "height": height, "width": width, "classes": names}
    if channels > 1:
        facts["channels"] = channels
    part = {
        "kind": "images",
        "digest": store.put_table(facts, {"X": flat, "y": codes.astype(np.int64)}, public),
        "name": name,
        "height": height,
        "width": width,
        "classes": names,
        "available": len(X),
        "samples": min(USED, MOST_PIXELS // flat.shape[1], len(X)),
        "channels": channels,
    }
    return describe_images(part, flat, codes)


def describe_images(part: dict[str, Any], X: np.ndarray, y: np.ndarray) -> tuple[dict[str, Any], bytes]:
    """What the page shows of them: how many of each class, and a few drawn from all."""
    rows = np.bincount(y, minlength=len(part["classes"])).tolist()
    shown = np.sort(np.random.default_rng(0).permutation(len(X))[:SHOWN])
    classes = [{"name": name, "rows": count} for name, count in zip(part["classes"], rows, strict=True)]
    return {"dataset": part, "classes": classes, "rows": len(X)}, to_bytes({"X": X[shown]})


def join_images(arrays: Arrays) -> tuple[np.ndarray, np.ndarray]:
    """All images that have labels, and their labels: (N, H, W) uint8 and (N,). Raises Problem."""
    pictures = {name: image for name, array in arrays.items() if (image := _to_images(array)) is not None}
    labels = {name: array.reshape(-1) for name, array in arrays.items() if _is_labels(array)}
    if not pictures:
        shapes = ", ".join(str(array.shape) for array in arrays.values())
        raise Problem("upload_no_images", came=shapes)
    pairs = [(image, _find_labels(name, len(image), labels)) for name, image in pictures.items()]
    if len({image.shape[1:] for image, _ in pairs}) > 1:
        raise Problem("upload_images_differ")
    return _to_bytes(np.concatenate([image for image, _ in pairs])), np.concatenate([label for _, label in pairs])


def _find_labels(name: str, rows: int, labels: Arrays) -> np.ndarray:
    """The labels whose name goes with that of the images, or the only ones of which there are as many as images. Raises Problem."""
    fitting = {other: array for other, array in labels.items() if len(array) == rows}
    for word, its in WORDS:
        found = name.replace(word, its)
        if found != name and found in fitting:
            return fitting[found]
    if len(fitting) != 1:
        raise Problem("upload_images_labels", rows=rows)
    return next(iter(fitting.values()))


def _to_images(array: np.ndarray) -> np.ndarray | None:
    """As images (N, H, W), also from (N, H, W, 1) and from flattened squares, or (N, 3, H, W) from (N, H, W, 3); None for anything else."""
    if array.ndim == 4:
        colours = array.shape[3]
        return array[..., 0] if colours == 1 else np.moveaxis(array, 3, 1) if colours == 3 else None
    if array.ndim == 2 and array.shape[1] > 1:
        side = math.isqrt(array.shape[1])
        return array.reshape(-1, side, side) if side * side == array.shape[1] else None
    return array if array.ndim == 3 else None


def _is_labels(array: np.ndarray) -> bool:
    plain = array.ndim == 1 or (array.ndim == 2 and array.shape[1] == 1)
    return plain and bool(np.isfinite(array).all())


def _to_bytes(X: np.ndarray) -> np.ndarray:
    """Bytes as they are; other numbers from 0 to their largest become 0 to 255."""
    if X.dtype == np.uint8:
        return X
    largest = np.abs(X).max(initial=0)
    if not np.isfinite(largest):
        raise Problem("upload_damaged")
    return np.rint(np.clip(X / (largest or 1), 0, 1) * 255).astype(np.uint8)


# Files


def _read_arrays(content: bytes) -> Arrays:
    """The arrays of a file by name. Raises Problem."""
    match find_form(content):
        case "idx":
            return {"idx": _read_idx(content)}
        case "zip":
            archive = open_archive(content, ratio=1000)
            names = [name for name in archive.namelist() if name.endswith(".npy")]
            if not names:
                raise Problem("upload_not_table", kind="zip")
            return {name.removesuffix(".npy"): _read_npy(unpack(archive, name)) for name in names}
        case _:
            raise Problem("upload_no_images", came="?")


def _read_idx(content: bytes) -> np.ndarray:
    """The format of MNIST: two zeros, the type, the number of dimensions, their sizes (four bytes each, most significant first)."""
    if content.startswith(b"\x1f\x8b"):
        try:
            content = zlib.decompressobj(wbits=31).decompress(content, LARGEST)
        except zlib.error:
            raise Problem("upload_damaged") from None
    dimensions = content[3]
    begin = 4 + 4 * dimensions
    shape = np.frombuffer(content[4:begin], ">u4").tolist() if len(content) >= begin else [-1]
    if content[2] != 0x08 or math.prod(shape) != len(content) - begin:
        raise Problem("upload_damaged")
    return np.frombuffer(content, np.uint8, offset=begin).reshape(shape)


def _read_npy(content: bytes) -> np.ndarray:
    """An array as NumPy writes it: plain numbers only. Raises Problem."""
    # Bytes of the number that gives the header's length; it depends on the version.
    wide = 4 if content[6:7] > b"\x01" else 2
    begin = 8 + wide
    length = int.from_bytes(content[8:begin], "little")
    try:
        if not content.startswith(NPY) or length > LONGEST_HEADER:
            raise ValueError("no header")
        header = ast.literal_eval(content[begin : begin + length].decode("latin-1").strip())
        kind, shape, by_columns = np.dtype(header["descr"]), tuple(header["shape"]), bool(header["fortran_order"])
        fits = all(type(size) is int and size >= 0 for size in shape) and kind.kind in "uif" and kind.names is None
        if not fits or math.prod(shape) * kind.itemsize != len(content) - begin - length:
            raise ValueError("the header claims what is not there")
    except (ValueError, TypeError, KeyError, SyntaxError, RecursionError):
        raise Problem("upload_damaged") from None
    return np.frombuffer(content, kind, offset=begin + length).reshape(shape, order="F" if by_columns else "C")
