"""Which addresses there are, and for whom: Streamlit serves more than our pages use."""

from __future__ import annotations

import os
import re

from starlette.datastructures import Headers

from ui.door.addresses import Proxies, is_forwarded, is_loopback
from ui.door.origins import is_local_name

STREAM = "/_stcore/stream"
LIVE = re.compile(r"/api/live/[^/]+")
#: What only its own browser learns of a run.
TOLD_TO_ITS_OWNER = re.compile(r"/api/live/[^/]+/(kept|changes)")
UPLOAD = re.compile(r"/_stcore/upload_file/([^/]+)/([^/]+)")
#: For the machine's own instruments: health and figures, ours and Streamlit's.
INSTRUMENTS = ("/healthz", "/metrics", "/_stcore/metrics")
#: Streamlit's doors for agents, signing in, components of the first kind, and what else no page of ours asks for.
UNUSED = re.compile(
    r"/(_stcore/(agent|bidi-components|script-health-check)|auth|oauth2callback|component|app/static)(/.*)?"
)
REFUSAL = "Health and metrics are for programs of this machine: set DLCORE_METRICS=all to open them to others.\n"


def of_this_machine(headers: Headers, peer: str, proxies: Proxies) -> bool:
    """Whether a program of this machine asks, for itself; or everybody may know.

    A proxy on this machine that adds no header looks like any program: it is told by the name that it asks for, if it passes that on,
    or by a setting that names it.
    """
    if os.environ.get("DLCORE_METRICS") == "all":
        return True
    alone = is_loopback(peer) and peer not in proxies and not is_forwarded(headers)
    return alone and is_local_name(headers.get("host", "localhost"))
