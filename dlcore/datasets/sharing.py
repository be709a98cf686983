"""Sharing a table: a pass that its owner gives, to be carried beside a recipe, and that is good until it is withdrawn.

Whoever comes with it is known again as a guest, so that a page can be loaded anew without it.
"""

from __future__ import annotations

import os

from dlcore.datasets import store
from dlcore.datasets.ownership import Ownership, Pass, hash_pass, make_pass
from dlcore.datasets.room import TABLE

NONCE_BYTES = 16


def give_pass(digest: str, secret: str, mark: str) -> None:
    """Its owner, by this secret and its mark, gives a new pass; one that was given before is withdrawn. Raises Problem."""
    nonce = os.urandom(NONCE_BYTES).hex()
    hashed = hash_pass(make_pass(secret, digest, nonce))

    def shared(before: Ownership) -> Ownership:
        return before.with_pass(hashed, Pass(mark, nonce)) if mark in before.owners else before

    store.change_ownership(digest, TABLE, shared)


def find_pass(digest: str, secret: str, mark: str) -> str | None:
    """The pass that its owner has given; None where there is none."""
    nonce = store.find_ownership(digest).nonce_of(mark)
    return None if nonce is None else make_pass(secret, digest, nonce)


def withdraw_passes(digest: str, mark: str) -> None:
    """What this owner has given is good no more: its guests read nothing from now on. Raises Problem."""
    store.change_ownership(digest, TABLE, lambda before: before.without_passes_of(mark))


def enter(digest: str, given: str, mark: str) -> str | None:
    """Let in whoever comes with this pass, "" for none. Why they stay out, if they do: gone, withdrawn, wrong or not_shared.

    Raises Problem where the store cannot be written to.
    """
    hashed = hash_pass(given)

    def with_guest(now: Ownership) -> Ownership:
        return now.with_guest(mark, hashed) if hashed in now.passes and now.refusal(mark) else now

    if hashed in store.find_ownership(digest).passes:
        store.change_ownership(digest, TABLE, with_guest)
    found = store.find_ownership(digest)
    refusal = found.refusal(mark) if store.is_kept(digest) else "table_gone"
    if refusal in (None, "table_gone"):
        return refusal and "gone"
    if refusal == "table_withdrawn" or hashed in found.withdrawn:
        return "withdrawn"
    return "wrong" if given else "not_shared"
