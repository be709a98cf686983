"""A vocabulary is that of the training rows: with other rows the same token may have another id. Its vector then moves along with it.

V entries of the vocabulary, D numbers of a token's vector.
"""

from __future__ import annotations

import torch

from dlcore.datasets.preparation import PreparedText
from dlcore.datasets.tokens import FIRST, UNKNOWN
from dlcore.engines.autograd import AutogradEngine
from dlcore.learning.alignment import NEW


def find_moved(before: PreparedText | None, after: PreparedText | None, size: int) -> torch.Tensor | None:
    """(V,) under which id each entry was known before, NEW for a token that was unknown; None where no token has another id."""
    if before is None or after is None or before.vocabulary == after.vocabulary:
        return None
    known = {token: number for number, token in enumerate(before.vocabulary, FIRST)}
    found = torch.full((size,), NEW)
    found[:FIRST] = torch.arange(FIRST)
    found[FIRST : FIRST + len(after.vocabulary)] = torch.tensor([known.get(token, NEW) for token in after.vocabulary])
    return found


def move_vectors(engine: AutogradEngine, moved: torch.Tensor) -> None:
    """Give each token of the network's embedding the vector that it had; one that was unknown begins with the vector of those.

    What an optimizer remembers of a vector moves with it.
    """
    name = next(name for name in engine.split_by_name(engine.flat) if name.endswith(".weight"))
    was_known = (moved != NEW).unsqueeze(1).to(engine.flat.device)
    source = torch.where(moved == NEW, UNKNOWN, moved).to(engine.flat.device)
    with torch.no_grad():
        for values in (engine.flat, engine.previous, engine.flat.grad, engine.frozen, *engine.memory.values()):
            if values is None or not values.dim():
                continue
            vectors_VD = engine.split_by_name(values)[name]
            followed = vectors_VD[source]
            vectors_VD.copy_(followed if values is engine.flat else followed * was_known)
