"""The playground: settings at the side, the network in the middle; see DESIGN for the way of the data."""

from __future__ import annotations

import streamlit as st

from ui import playground, session, settings

token = session.ensure_run()
messages = playground.heading()
playground.canvas(token)
with st.sidebar:
    draft = settings.all_settings(session.current().draft, token)
problem = session.submit(draft)
playground.say(messages, problem)
