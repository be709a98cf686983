"""Which addresses the server answers, and for whom: Streamlit serves more than our pages use."""

from __future__ import annotations

import os
import re

from starlette.datastructures import Headers

from ui.door.addresses import Proxies, is_forwarded, is_loopback
from ui.door.origins import is_local_name

STREAM = "/_stcore/stream"
LIVE = re.compile(r"/api/live/[^/]+")
#: What of a run is told only to the browser it belongs to.
TOLD_TO_ITS_OWNER = re.compile(r"/api/live/[^/]+/(kept|changes)")
UPLOAD = re.compile(r"/_stcore/upload_file/([^/]+)/([^/]+)")
#: Health and metrics, ours and Streamlit's: for monitoring programs on this machine.
INSTRUMENTS = ("/healthz", "/metrics", "/_stcore/metrics")
#: Streamlit's addresses for agents, signing in, custom components of version 1, and others that no page of ours uses.
UNUSED = re.compile(
    r"/(_stcore/(agent|bidi-components|script-health-check)|auth|oauth2callback|component|app/static)(/.*)?"
)
REFUSAL = "Health and metrics are for programs of this machine: set DLCORE_METRICS=all to open them to others.\n"


def of_this_machine(headers: Headers, peer: str, proxies: Proxies) -> bool:
    """Whether a program of this machine asks for itself (not a proxy for somebody else), or the settings allow everybody.

    A proxy on this machine that adds no header looks like any program: it is recognised by the Host that it passes on, if it does, or
    by being listed in DLCORE_PROXIES.
    """
    if os.environ.get("DLCORE_METRICS") == "all":
        return True
    alone = is_loopback(peer) and peer not in proxies and not is_forwarded(headers)
    return alone and is_local_name(headers.get("host", "localhost"))
