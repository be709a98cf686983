"""Sharing a table: its owner gives a pass, which is carried beside a recipe and is valid until it is withdrawn.

Whoever used a pass is remembered as a guest, so that the page can be loaded again without it.
"""

from __future__ import annotations

import os

from dlcore.datasets import store
from dlcore.datasets.ownership import Ownership, Pass, hash_pass, make_pass
from dlcore.datasets.room import TABLE

NONCE_BYTES = 16


def give_pass(digest: str, secret: str, mark: str) -> None:
    """The owner with this secret and its mark gives a new pass to a table; the owner's earlier pass is withdrawn. Raises Problem."""
    nonce = os.urandom(NONCE_BYTES).hex()
    hashed = hash_pass(make_pass(secret, digest, nonce))

    def share(before: Ownership) -> Ownership:
        return before.with_pass(hashed, Pass(mark, nonce)) if mark in before.owners else before

    store.change_ownership(digest, TABLE, share)


def find_pass(digest: str, secret: str, mark: str) -> str | None:
    """The pass that this owner of a table has given; None if there is none."""
    nonce = store.find_ownership(digest).nonce_of(mark)
    return None if nonce is None else make_pass(secret, digest, nonce)


def withdraw_passes(digest: str, mark: str) -> None:
    """Withdraw this owner's pass: guests who came with it can no longer read the table. Raises Problem."""
    store.change_ownership(digest, TABLE, lambda before: before.without_passes_of(mark))


def enter(digest: str, given: str, mark: str) -> str | None:
    """Let the person with this mark in by a pass ("" for none). Returns None, or why not: gone, withdrawn, wrong or not_shared.

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
