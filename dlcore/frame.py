"""One frame of the live channel: a length-prefixed JSON header that names the arrays, then the arrays themselves.

uint32 LE length of the header | header, UTF-8, padded with spaces | arrays, little-endian, each at a multiple of 8 bytes.
"""

from __future__ import annotations

import json
import struct
from functools import cache
from typing import Any

import numpy as np

ALIGNMENT = 8


@cache
def _name(dtype: np.dtype[Any]) -> str:
    return dtype.name  # Cached, because NumPy builds the name anew each time.


def encode_frame(header: dict[str, Any], arrays: dict[str, np.ndarray]) -> bytes:
    """Header and arrays as one message; the header's "arrays" is filled in here."""
    described = []
    parts = []
    offset = 0
    for name, array in arrays.items():
        raw = np.asarray(array, order="C")
        described.append({"name": name, "dtype": _name(raw.dtype), "shape": list(raw.shape), "offset": offset})
        padding = -raw.nbytes % ALIGNMENT
        parts.append(raw.tobytes() + b"\0" * padding)
        offset += raw.nbytes + padding
    text = json.dumps({**header, "arrays": described}, allow_nan=False, separators=(",", ":")).encode()
    text += b" " * (-(len(text) + 4) % ALIGNMENT)
    return b"".join([struct.pack("<I", len(text)), text, *parts])


def decode_frame(message: bytes) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """The inverse of `encode_frame`, for tests and Python clients."""
    (length,) = struct.unpack_from("<I", message)
    header = json.loads(message[4 : 4 + length])
    start = 4 + length
    arrays = {}
    for entry in header["arrays"]:
        count = int(np.prod(entry["shape"], dtype=np.int64))
        flat = np.frombuffer(message, dtype=entry["dtype"], count=count, offset=start + entry["offset"])
        arrays[entry["name"]] = flat.reshape(entry["shape"])
    return header, arrays
