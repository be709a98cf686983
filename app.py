"""The playground: `streamlit run app.py`."""

import sys

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
