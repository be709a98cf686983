"""The playground: `streamlit run app.py`."""

# ruff: noqa: E402

import os
import sys

from dlcore.runs.places.early import begin_early

# Before the imports below, which take this process a second: the first worker is there so much sooner.
begin_early(os.environ.get("DLCORE_RUNS"))

import streamlit as st
from starlette.middleware import Middleware

from dlcore.problems import Problem
from ui import acts, changes, health, live
from ui.door import Door, check_settings
from ui.door.protocols import ProtocolGuard
from ui.quickstart import QuickStart

try:
    check_settings()
except Problem as problem:
    sys.exit(str(problem))

app = st.App(
    "ui/frame.py",
    routes=[*live.routes(), *changes.routes(), *acts.routes(), *health.routes()],
    middleware=[Middleware(ProtocolGuard), Middleware(Door), Middleware(QuickStart)],
    lifespan=live.lifespan,
)
