"""A zip of pictures, PNG or JPEG, in a folder for each class: to pixels of one size.  N pictures, C channels, H lines, W pixels in a line.

Nothing is written to disk. A picture is judged by what its header claims before it is decoded, and no larger one is ever decoded.
"""

from __future__ import annotations

import io
import posixpath
import warnings
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from dlcore.datasets.upload.archive import open_archive, unpack
from dlcore.datasets.upload.bounds import MOST_CLASSES
from dlcore.datasets.upload.cells import Finding, finding
from dlcore.problems import Problem, clean

if TYPE_CHECKING:
    from PIL.Image import Image

MOST_PICTURES = 2000
MOST_ENTRIES = 2 * MOST_PICTURES  # of the zip: folders are entries too
LEAST_PICTURES = 20
MOST_MEGAPIXELS = 24  # of one picture: decoded, 24 million pixels in colour take 72 MB
SMALLEST, LARGEST = 8, 64  # pixels of a side, as a network sees it
USUAL = 32  # pixels of the longer side, where pictures have to be made smaller
READ = (".png", ".jpg", ".jpeg")
OTHERS = (".gif", ".webp", ".bmp", ".tif", ".tiff", ".heic", ".avif", ".svg", ".ico", ".jp2")
GREY = 16  # how far apart red, green and blue of a grey picture may be: JPEG rounds
UTF8 = 0x800  # the flag of a zip's entry whose name is in UTF-8

Progress = Callable[[float], None]


@dataclass(frozen=True)
class Folders:
    """The pictures of a zip."""

    X: np.ndarray  # (N, C, H, W) uint8
    y: np.ndarray  # (N,) the index of the class
    classes: tuple[str, ...]
    findings: tuple[Finding, ...]


def is_of_folders(content: bytes) -> bool:
    """Whether this is a zip that holds no arrays of NumPy's and no sheets of Excel's. Raises Problem for a zip that must not be opened."""
    if not content.startswith(b"PK\x03\x04"):
        return False
    names = _open(content).namelist()
    return not any(name.endswith(".npy") or name == "[Content_Types].xml" for name in names)


def read_folders(content: bytes, progress: Progress, side: int = 0) -> Folders:
    """The pictures, all of one size: the size that they have, or else `side` pixels (0: the usual number) on the longer side.

    Raises Problem.
    """
    archive = _open(content)
    entries = list(_list_pictures(archive))
    classes = _list_classes([folder for _, folder, _ in entries])
    counted: Counter[str] = Counter()
    sizes, codes, pictures = set[tuple[int, int]](), [], []
    for number, (entry, folder, name) in enumerate(entries):
        picture = _decode(unpack(archive, entry), name, counted)
        sizes.add((picture.height, picture.width))
        codes.append(classes.index(folder))
        # Kept a little larger than it will be seen, so that all of them fit into memory whatever their sizes are.
        pictures.append(_shrink(picture, 4 * LARGEST))
        progress((number + 1) / len(entries))
    height, width, resized = _choose_size(sizes, side)
    X = np.stack([_fit(picture, height, width) for picture in pictures])  # (N, H, W, 3)
    grey = bool((np.ptp(X.astype(np.int16), axis=3) <= GREY).all())
    X = X.mean(axis=3, keepdims=True).round().astype(np.uint8) if grey else X
    if resized:
        counted["found_resized"] = len(X)
    findings = [finding(key, count=count, height=height, width=width) for key, count in counted.items()]
    return Folders(np.moveaxis(X, 3, 1), np.array(codes), tuple(classes), tuple(findings))


# The zip


def _open(content: bytes) -> zipfile.ZipFile:
    try:
        return open_archive(content, entries=MOST_ENTRIES)
    except Problem as problem:
        if problem.key != "upload_bomb":
            raise
        raise Problem("upload_pictures_bomb", limit=MOST_PICTURES) from None


def _list_pictures(archive: zipfile.ZipFile) -> Iterator[tuple[str, str, str]]:
    """(entry, folder, name to show) of every picture. Raises Problem."""
    found = 0
    for entry in archive.infolist():
        path = _read_name(entry)
        shown = clean(path)
        parts = path.replace("\\", "/").split("/")
        if ".." in parts or path.startswith(("/", "\\")) or ":" in parts[0]:
            raise Problem("upload_zip_outside", name=shown)
        # What macOS and Windows put beside the pictures.
        if entry.is_dir() or "__MACOSX" in parts or parts[-1].startswith("."):
            continue
        kind = posixpath.splitext(parts[-1])[1].lower()
        if kind in OTHERS:
            raise Problem("upload_picture_kind", name=shown)
        if kind not in READ:
            continue
        if len(parts) < 2:
            raise Problem("upload_picture_without_folder", name=shown)
        found += 1
        if found > MOST_PICTURES:
            raise Problem("upload_pictures_many", limit=MOST_PICTURES)
        yield entry.filename, " ".join(clean(parts[-2]).split()) or "?", shown
    if not found:
        raise Problem("upload_no_pictures")


def _read_name(entry: zipfile.ZipInfo) -> str:
    """The name of an entry. One that does not say that it is in UTF-8 may be in the code of the computer that packed it."""
    if entry.flag_bits & UTF8:
        return entry.filename
    raw = entry.filename.encode("cp437", "replace")  # As `zipfile` read it.
    for encoding in ("utf-8", "gb18030"):
        try:
            return raw.decode(encoding)
        except UnicodeDecodeError:
            continue
    return entry.filename


def _list_classes(folders: list[str]) -> list[str]:
    """The folders' names, in order. Raises Problem if there are too few or too many, or too few pictures."""
    counts = Counter(folders)
    if not 2 <= len(counts) <= MOST_CLASSES:
        raise Problem("upload_folders", came=len(counts), limit=MOST_CLASSES)
    for name, count in counts.items():
        if count < 2:
            raise Problem("upload_folder_of_one", name=name)
    if len(folders) < LEAST_PICTURES:
        raise Problem("upload_pictures_few", came=len(folders), least=LEAST_PICTURES)
    return sorted(counts)


# A picture


def _decode(content: bytes, name: str, counted: Counter[str]) -> Image:
    """The picture in red, green and blue. Raises Problem."""
    from PIL import Image, ImageOps

    try:
        with warnings.catch_warnings():
            warnings.simplefilter(
                "ignore"
            )  # Pillow warns of sizes that are refused here, and of remarks in files that it cannot read.
            picture = Image.open(io.BytesIO(content), formats=("PNG", "JPEG"))
            millions = picture.width * picture.height / 1e6
            if millions > MOST_MEGAPIXELS:
                raise Problem("upload_picture_large", name=name, came=round(millions), limit=MOST_MEGAPIXELS)
            if picture.format == "PNG" and getattr(picture, "is_animated", False):
                raise Problem("upload_picture_moves", name=name)
            # A JPEG can be decoded at half, a quarter or an eighth of its size.
            picture.draft("RGB", (4 * LARGEST, 4 * LARGEST))
            picture.load()
            picture = ImageOps.exif_transpose(picture)
            return _lay_on_white(_to_8_bits(picture, counted), counted)
    except Image.DecompressionBombError:
        raise Problem("upload_picture_large", name=name, came="> 178", limit=MOST_MEGAPIXELS) from None
    except Problem:
        raise
    except (
        OSError,
        ValueError,
        SyntaxError,
        EOFError,
        IndexError,
        KeyError,
        TypeError,
        MemoryError,
    ):  # Whatever Pillow meets.
        raise Problem("upload_picture_damaged", name=name) from None


def _to_8_bits(picture: Image, counted: Counter[str]) -> Image:
    """A grey picture of 16 bits with 8, as its colours; any other as it is."""
    from PIL import Image

    if not picture.mode.startswith("I"):
        return picture
    counted["found_16_bits"] += 1
    return Image.fromarray((np.asarray(picture).astype(np.int64).clip(0, 65535) >> 8).astype(np.uint8))


def _lay_on_white(picture: Image, counted: Counter[str]) -> Image:
    from PIL import Image

    if not picture.has_transparency_data:
        return picture.convert("RGB")
    picture = picture.convert("RGBA")
    if picture.getextrema()[3][0] < 255:  # type: ignore[index]
        counted["found_transparent"] += 1
    white = Image.new("RGBA", picture.size, "white")
    return Image.alpha_composite(white, picture).convert("RGB")


# Its size


def _shrink(picture: Image, most: int) -> Image:
    longer = max(picture.size)
    if longer <= most:
        return picture
    return _resize(picture, *(max(1, round(length * most / longer)) for length in (picture.height, picture.width)))


def _choose_size(sizes: set[tuple[int, int]], side: int) -> tuple[int, int, bool]:
    """Height and width for all, and whether pictures of these sizes have to be changed for it."""
    if len(sizes) == 1:
        ((height, width),) = sizes
        if not side and min(height, width) >= SMALLEST and max(height, width) <= LARGEST:
            return height, width, False
    longer = side or USUAL
    shapes = {round(height / width, 2) for height, width in sizes}
    if len(shapes) > 1:
        return longer, longer, True
    ((height, width), *_) = sizes
    scale = longer / max(height, width)
    return max(SMALLEST, round(height * scale)), max(SMALLEST, round(width * scale)), True


def _fit(picture: Image, height: int, width: int) -> np.ndarray:
    """(H, W, 3) uint8: the whole picture, in the middle; where it has another shape, on the colour of its edge."""
    scale = min(height / picture.height, width / picture.width)
    inner = _resize(picture, max(1, round(picture.height * scale)), max(1, round(picture.width * scale)))
    pixels = np.asarray(inner)
    high, wide = pixels.shape[:2]
    if (high, wide) == (height, width):
        return pixels
    edge = np.concatenate([pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1]])
    whole = np.empty((height, width, 3), np.uint8)
    whole[:] = np.median(edge, axis=0)
    top, left = (height - high) // 2, (width - wide) // 2
    whole[top : top + high, left : left + wide] = pixels
    return whole


def _resize(picture: Image, height: int, width: int) -> Image:
    from PIL import Image

    if (picture.height, picture.width) == (height, width):
        return picture
    # Pillow weighs all pixels under the new one, so that nothing between them is lost.
    return picture.resize((width, height), Image.Resampling.BILINEAR)
