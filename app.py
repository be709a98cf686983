"""The playground: `streamlit run app.py`."""

import streamlit as st
from starlette.middleware import Middleware

from ui import health, live
from ui.assets import QuickStart
from ui.door import Door
from ui.door.protocols import ProtocolGuard

app = st.App(
    "ui/frame.py",
    routes=[*live.routes(), *health.routes()],
    middleware=[Middleware(ProtocolGuard), Middleware(Door), Middleware(QuickStart)],
    lifespan=live.lifespan,
)
