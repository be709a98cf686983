"""A recipe as a link can carry it, and back: "1." + base64url(zlib(JSON of what differs from the defaults)).

    decode(encode(recipe)) == recipe

A link comes from a stranger: its length is bounded, what it unfolds to is bounded, and the recipe is checked like any other.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
import zlib
from typing import Any

from dlcore.component import Component
from dlcore.problems import Problem
from dlcore.recipe import Recipe
from dlcore.recipes import recipe_from_json

VERSION = "1"
LONGEST_LINK = 8000  # characters
LONGEST_TEXT = 100_000  # bytes of the recipe that a link unfolds to
_LINK = re.compile(r"(\d{1,9})\.([A-Za-z0-9_-]*)")


def encode(recipe: Recipe) -> str:
    """The recipe's text for a link. Raises Problem when it does not fit, as many drawn points do not."""
    text = json.dumps(_unlike_default(recipe), separators=(",", ":"), ensure_ascii=False).encode()
    packed = zlib.compress(text, level=9)
    link = f"{VERSION}.{base64.urlsafe_b64encode(packed).decode().rstrip('=')}"
    # A text that repeats itself makes a short link which nobody could open.
    if len(link) > LONGEST_LINK or len(text) > LONGEST_TEXT:
        raise Problem("link_too_long", came=max(len(link), LONGEST_LINK + 1), limit=LONGEST_LINK)
    return link


def decode(link: str) -> Any:
    """The Recipe that a link names. Raises Problem."""
    if len(link) > LONGEST_LINK:
        raise Problem("link_too_long", came=len(link), limit=LONGEST_LINK)
    match = _LINK.fullmatch(link)
    if match is None:
        raise Problem("link_broken")
    version, body = match.groups()
    if version != VERSION:
        raise Problem("link_version", came=version, expected=VERSION)
    try:
        packed = base64.urlsafe_b64decode(body + "=" * (-len(body) % 4))
        text = _unfold(packed)
    except (binascii.Error, zlib.error):
        raise Problem("link_broken") from None
    try:
        return recipe_from_json(text)
    except Problem as problem:
        raise (Problem("link_broken") if problem.key == "not_json" else problem) from None


def _unfold(packed: bytes) -> bytes:
    """The unpacked text. At most LONGEST_TEXT bytes are ever made, however many the link claims."""
    unfolding = zlib.decompressobj()
    text = unfolding.decompress(packed, LONGEST_TEXT)
    if not unfolding.eof or unfolding.unused_data:
        raise Problem("link_broken")
    return text


def _unlike_default(component: Component) -> dict[str, Any]:
    """The kind, and the fields that differ from the class's defaults."""
    found: dict[str, Any] = {}
    for name, info in type(component).model_fields.items():
        value = getattr(component, name)
        if name in ("kind", "learning") or value != info.default:
            found[name] = _plain(value)
    return found


def _plain(value: Any) -> Any:
    if isinstance(value, Component):
        return _unlike_default(value)
    if isinstance(value, tuple):
        return [_plain(one) for one in value]
    return value
