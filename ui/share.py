"""The link that opens this run elsewhere, and the teacher's: the same with controls taken away."""

from __future__ import annotations

from urllib.parse import urlencode, urlsplit, urlunsplit

import streamlit as st

from dlcore.experiment import Experiment
from dlcore.problems import Problem
from dlcore.share import encode
from ui import live, session
from ui.messages import LANGUAGES, escape, sentence
from ui.session import label

#: Groups of controls that a link can take away: tabs at the side, menus above, parts of the canvas.
GROUPS = (
    "data", "network", "learning", "home", "share", "compare", "play", "speed", "seed", "edit", "points", "show", "timeline", "curves",
)  # fmt: skip

LONG = 300  # characters; a longer link gets a box that scrolls


def address(experiment: Experiment, **wishes: str) -> str:
    """The link that opens this recipe here. Raises Problem when it does not fit."""
    scheme, host, path, _, _ = urlsplit(st.context.url or "")
    query = {"run": encode(experiment), **{name: wish for name, wish in wishes.items() if wish}}
    return urlunsplit((scheme, host, path or "/", urlencode(query, safe=","), ""))


def share_menu(token: str) -> None:
    """A menu with both links; its content is made when it is opened."""
    if session.hides("share"):
        return
    menu = st.popover(
        label("share"), icon=":material/share:", key=session.widget_key("/share"), on_change="rerun", width="content"
    )
    if menu.open:
        with menu:
            _links(token)


def _links(token: str) -> None:
    state = session.current()
    experiment = state.experiment
    try:
        link = address(experiment)
    except Problem as problem:
        st.warning(escape(sentence(state.language, problem)), icon=":material/link_off:")
        return
    st.markdown(f"**{label('share.link')}**", help=label("share.link.help"))
    _code(link)
    if changed_by_hand(token):
        st.caption(label("share.by_hand"))
    st.markdown(f"**{label('share.teacher')}**", help=label("share.teacher.help"))
    _code(_teachers_link(experiment))


def _code(link: str) -> None:
    st.code(link, language=None, wrap_lines=True, height=120 if len(link) > LONG else "content")


def _teachers_link(experiment: Experiment) -> str:
    columns = [column.container(gap="xxsmall") for column in st.columns(2, gap="small")]
    hidden = [
        group
        for position, group in enumerate(GROUPS)
        if columns[position % 2].checkbox(label(f"share.hide.{group}"), key=f"share_hide_{group}")
    ]
    quiet = st.toggle(label("share.quiet"), key="share_quiet", help=label("share.quiet.help"))
    playing = st.toggle(label("share.playing"), key="share_playing")
    language = st.segmented_control(
        label("share.language"), list(LANGUAGES), format_func=LANGUAGES.__getitem__, key="share_language",
        help=label("share.language.help"),
    )  # fmt: skip
    return address(
        experiment,
        hide=",".join(hidden),
        text="off" if quiet else "",
        play="1" if playing else "",
        lang=language.split("_")[0] if language else "",
    )


def changed_by_hand(token: str) -> bool:
    """Whether the recipe alone does not give what this run is now."""
    try:
        return bool(live.pool().call(token, "standing")[0].get("interventions"))
    except Problem:
        return False
