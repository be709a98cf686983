"""A stack of layers in a recipe, named by the path that leads to it: the recipe's own, or one inside of a layer. Pure functions.

The address of a layer is as in a frame: "2" is the third layer, "2.0.1" the second one in the first stack inside of that.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from dlcore.layers import LayerComponent

Stack = tuple[LayerComponent, ...]
Path = tuple[int, ...]


def read_path(address: Any) -> Path | None:
    """The numbers of an address; () for "", None for anything that is no address."""
    if not isinstance(address, str) or len(address) > 40:
        return None
    parts = address.split(".") if address else []
    return tuple(map(int, parts)) if all(part.isdecimal() and part.isascii() for part in parts) else None


def find_stack(layers: Sequence[LayerComponent], path: Path) -> Stack | None:
    """The stack to which this path leads, () to the whole; None if there is none."""
    stack = tuple(layers)
    for at, number in zip(path[::2], path[1::2], strict=False):
        inner = list(stack[at].inner.values()) if at < len(stack) else []
        if number >= len(inner):
            return None
        stack = inner[number]
    return None if len(path) % 2 else stack


def with_stack(layers: Sequence[LayerComponent], path: Path, changed: Stack) -> Stack:
    """The layers with another stack at this path, which exists. Raises Problem."""
    if not path:
        return changed
    at, number, *rest = path
    holder = layers[at]
    name = list(holder.inner)[number]
    inner = with_stack(holder.inner[name], tuple(rest), changed)
    return (*layers[:at], holder.with_inner(name, inner), *layers[at + 1 :])
