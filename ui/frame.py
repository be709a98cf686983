"""The frame around every page: title, language, navigation; and our own sentence for what nobody foresaw."""

from __future__ import annotations

import logging
from pathlib import Path

import streamlit as st

from dlcore.problems import Problem
from ui import session, waiting
from ui.assets import icon, style
from ui.messages import escape, sentence
from ui.naming import name_the_page
from ui.session import label, t

ROOT = Path(__file__).parent.parent
SIDEBAR_WIDTH = 320  # pixels

st.set_page_config(
    page_title=t("app.title"),
    page_icon=icon(),
    layout="wide",
    initial_sidebar_state=SIDEBAR_WIDTH,
)
st.html(style("frame.css"))
name_the_page()
if session.current().wishes.quiet:
    st.html(style("quiet.css"))
pages = [
    st.Page(ROOT / "pages" / "playground.py", title=t("page.playground"), icon=":material/hub:", default=True),
    st.Page(
        ROOT / "pages" / "data.py",
        title=t("page.data"),
        icon=":material/table_chart:",
        visibility="hidden" if session.hides("data") else "visible",
    ),
    st.Page(ROOT / "pages" / "evaluate.py", title=t("page.evaluate"), icon=":material/analytics:"),
    st.Page(
        ROOT / "pages" / "compare.py",
        title=t("page.compare"),
        icon=":material/compare:",
        visibility="hidden" if session.hides("compare") else "visible",
    ),
]
try:
    full = session.admission()
    page = st.navigation(pages, position="hidden" if full else "top")
    if session.follow_address(page.url_path):
        st.rerun()
    if full:
        waiting.waiting_room()
    else:
        page.run()
except Problem as problem:
    st.error(escape(sentence(session.current().language, problem)), icon=":material/error:")
except Exception:
    logging.getLogger(__name__).exception("The page failed.")
    st.error(label("page.failed"), icon=":material/error:")
