"""The link that opens this recipe in another browser, and the teacher's link, which also hides controls.

The rows of own data are not in the link. If their owner shares them here, the link contains a pass to them, beside the recipe.
"""

from __future__ import annotations

from urllib.parse import urlencode, urlsplit, urlunsplit

import streamlit as st

from dlcore.datasets import sharing, store
from dlcore.experiment import Experiment
from dlcore.export.changes import list_changes
from dlcore.export.words import Words
from dlcore.problems import Problem
from dlcore.share import encode
from ui import live, opening, session
from ui.messages import LANGUAGES, catalogue, escape, sentence
from ui.pages import GROUPS
from ui.session import label, t, widgets

SHARED = "/share/rows"  # path of the toggle that shares the rows


def make_link(experiment: Experiment, **wishes: str) -> str:
    """The link that opens this recipe on this server, and its rows if they are shared. Raises Problem if it would be too long."""
    scheme, host, path, _, _ = urlsplit(st.context.url or "")
    wishes = {**wishes, opening.QUERY: _find_pass(experiment)}
    query = {"run": encode(experiment), **{name: wish for name, wish in wishes.items() if wish}}
    return urlunsplit((scheme, host, path or "/", urlencode(query, safe=","), ""))


def share_menu(token: str) -> None:
    """Draw a menu with both links, which are made when the menu is opened."""
    if session.is_hidden("share"):
        return
    menu = st.popover(
        label("share"), icon=":material/share:", key=widgets.key_of("/share"), on_change="rerun", width="content"
    )
    if menu.open:
        with menu:
            _draw_links(token)


def _draw_links(token: str) -> None:
    state = session.current()
    experiment = read_recipe(token, state.experiment)
    told = list_changes(experiment, Words(catalogue(state.language)))
    try:
        experiment, link = _make_link(experiment)
    except Problem as problem:
        st.warning(escape(sentence(state.language, problem)), icon=":material/link_off:")
        return
    st.markdown(f"**{label('share.link')}**", help=label("share.link.help"))
    _draw_code("run", link)
    st.caption(label("share.link.begins"))
    if told:
        st.caption(label("share.changed" if experiment.journal else "share.changed.too_long"))
        with st.expander(label("share.changes", count=len(told))):
            st.markdown("\n".join(f"- {escape(line)}" for line in told))
    _draw_rows(experiment)
    st.markdown(f"**{label('share.teacher')}**", help=label("share.teacher.help"))
    _draw_code("teacher", _draw_teachers_link(experiment))


def _make_link(experiment: Experiment) -> tuple[Experiment, str]:
    """A recipe and the link to it; without its journal if the link would be too long with it. Raises Problem."""
    try:
        return experiment, make_link(experiment)
    except Problem:
        if not experiment.journal:
            raise
    bare = experiment.without_journal()
    return bare, make_link(bare)


# The rows


def _find_pass(experiment: Experiment) -> str:
    """The pass that this person gave for the rows of this recipe; "" if the rows are not shared."""
    dataset = opening.find_own_data(experiment)
    found = dataset and sharing.find_pass(dataset.digest, session.secret_of_bringer(), session.mark())
    return found or ""


def _draw_rows(experiment: Experiment) -> None:
    """Draw the toggle that shares the rows of own data, and what sharing reveals; nothing for other data."""
    dataset = opening.find_own_data(experiment)
    owned = store.find_ownership(dataset.digest) if dataset else None
    if dataset is None or owned is None or owned.everyone:
        return
    facts = {"name": dataset.name, "rows": f"{opening.count_kept_rows(dataset):,}"}
    if session.mark() not in owned.owners:
        st.caption(label("share.rows.guest", **facts))
        return
    shared = owned.nonce_of(session.mark()) is not None
    st.toggle(
        label("share.rows"), value=widgets.seed(SHARED, shared, dataset.digest), key=widgets.key_of(SHARED),
        on_change=share_or_withdraw, args=(dataset.digest, dataset.name), help=label("share.rows.help"),
    )  # fmt: skip
    st.caption(label("share.rows.given" if shared else "share.rows.caption", **facts))


@session.guard
def share_or_withdraw(digest: str, name: str) -> None:
    """Callback of the toggle: create a pass for the links, or make all passes given so far invalid."""
    if widgets.read(SHARED, False):
        sharing.give_pass(digest, session.secret_of_bringer(), session.mark())
    else:
        sharing.withdraw_passes(digest, session.mark())
        session.current().notices.append(t("share.rows.withdrawn", name=name))


# Links


def _draw_code(name: str, link: str) -> None:
    with st.container(key=f"share_link_{name}"):  # The style sheet makes a long link scroll.
        st.code(link, language=None, wrap_lines=True)


def _draw_teachers_link(experiment: Experiment) -> str:
    st.caption(label("share.hide"))
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
    return make_link(
        experiment,
        hide=",".join(hidden),
        text="off" if quiet else "",
        play="1" if playing else "",
        lang=language.split("_")[0] if language else "",
    )


def read_recipe(token: str, otherwise: Experiment) -> Experiment:
    """The recipe on which this run stands, with its journal, the changes made during training, without which it cannot be repeated.

    `otherwise` while the run cannot be asked.
    """
    try:
        header, _ = live.pool().call(token, "journal")
    except Problem:
        return otherwise
    return Experiment.from_json(header["recipe"]).replace(journal=header["journal"])
