"""The frame around every page: title, language, navigation; and a sentence in place of Streamlit's for an unexpected exception."""

from __future__ import annotations

import logging
from contextlib import suppress

import streamlit as st

from dlcore.problems import Problem
from ui import returning, session, waiting
from ui.assets import icon, style
from ui.heading import draw_tabs
from ui.messages import escape, sentence
from ui.naming import name_the_page
from ui.pages import PAGES, PLAYGROUND
from ui.session import label, standing, t

st.set_page_config(
    page_title=t("app.title"),
    page_icon=icon(),
    layout="wide",
)
st.html(style("frame.css"))
name_the_page()
if session.current().wishes.quiet:
    st.html(style("quiet.css"))
pages = [
    st.Page(
        page.script,
        title=t(page.title),
        icon=page.icon,
        url_path=page.path or None,
        default=not page.path,
        visibility="hidden" if session.is_hidden(page.hidden_by) else "visible",
    )
    for page in PAGES
]
try:
    full = standing.find_refusal()
    page = st.navigation(pages, position="hidden" if full else "top")
    if page.url_path == PLAYGROUND.path or session.current().address.page != page.url_path:
        with suppress(Problem):  # A worker that is busy, or lost, keeps no page from opening.
            standing.follow_run()
    if session.follow_address(page.url_path):
        st.rerun()
    if full:
        waiting.show_waiting_room()
    else:
        if page.url_path != PLAYGROUND.path:
            returning.offer_way_back()
        draw_tabs(pages)
        page.run()
except Problem as problem:
    st.error(escape(sentence(session.current().language, problem)), icon=":material/error:")
except Exception:
    logging.getLogger(__name__).exception("The page failed.")
    st.error(label("page.failed"), icon=":material/error:")
