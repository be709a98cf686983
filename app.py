"""The playground: `streamlit run app.py`."""

import streamlit as st
from starlette.middleware import Middleware

from ui import live
from ui.assets import QuickStart

app = st.App("ui/frame.py", routes=live.routes(), middleware=[Middleware(QuickStart)], lifespan=live.lifespan)
