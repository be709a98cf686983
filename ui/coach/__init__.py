"""What the coach offers, done: the buttons beside its sentences. What it says is found in the worker (dlcore/coaching)."""

from __future__ import annotations

from dlcore.coaching.fixes import apply_fix
from ui import session
from ui.session import editing


def mend(fix: str) -> None:
    """Change the run as this fix says: an act as any other. One that is unknown, or changes nothing by now, does nothing."""
    changed = apply_fix(fix, session.current().experiment)
    if changed is not None:
        editing.take(changed)
