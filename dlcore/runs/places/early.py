"""What a server starts first of all, so that its first worker is there soon."""

from __future__ import annotations

import os
from contextlib import suppress

from dlcore import children


def begin_early(places: str | None) -> None:
    """Start what workers are split off from, unless the variable DLCORE_RUNS, which has this value, names other places than processes.

    It imports side by side with the server, for longer than that.
    """
    if (places or "").strip() in ("", "processes") and (ours := children.nursery()) is not None:
        with suppress(OSError):  # It is told of when the first worker is opened.
            ours.begin(os.environ)
