"""The playground: `streamlit run app.py`."""

import streamlit as st

from ui import live

app = st.App("ui/frame.py", routes=live.routes(), lifespan=live.lifespan)
