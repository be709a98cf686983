"""Arrays by name as bytes, in the safetensors format.

Not written by the library: its writer ends the whole process when there is not enough memory, and with it everybody's runs.
"""

from __future__ import annotations

import json

import numpy as np
import safetensors.numpy

TYPES = {
    "float32": "F32", "float64": "F64", "int64": "I64", "int32": "I32",
    "uint8": "U8", "uint16": "U16", "uint32": "U32", "bool": "BOOL",
}  # fmt: skip


def to_bytes(arrays: dict[str, np.ndarray]) -> bytes:
    """One file with all of them. Raises MemoryError."""
    header: dict[str, object] = {}
    end = 0
    for name, array in arrays.items():
        begin, end = end, end + array.nbytes
        header[name] = {"dtype": TYPES[array.dtype.name], "shape": list(array.shape), "data_offsets": [begin, end]}
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    return b"".join([len(text).to_bytes(8, "little"), text, *(array.tobytes() for array in arrays.values())])


def from_bytes(data: bytes) -> dict[str, np.ndarray]:
    """What `to_bytes` was given."""
    return safetensors.numpy.load(data)
