"""Names of inputs as the canvas shows them."""

from __future__ import annotations

import re

_SUBSCRIPTS = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")
_TERM = r"x[0-9]"


def drawn_name(name: str) -> str:
    """A feature of the plane as mathematics (x1_squared as x₁²); any other name unchanged."""
    if re.fullmatch(_TERM, name):
        return name.translate(_SUBSCRIPTS)
    if square := re.fullmatch(f"({_TERM})_squared", name):
        return f"{drawn_name(square[1])}²"
    if product := re.fullmatch(f"({_TERM})_({_TERM})", name):
        return drawn_name(product[1]) + drawn_name(product[2])
    if sine := re.fullmatch(f"sin_({_TERM})", name):
        return f"sin {drawn_name(sine[1])}"
    return name
