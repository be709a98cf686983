"""My runs in the heading: the present run's name, and the button that opens the list of all."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial
from pathlib import Path

import streamlit as st

from dlcore.experiment import Experiment
from dlcore.runs.server.listing import Listed, find_place
from ui import live, pages, session
from ui.messages import escape, sentence
from ui.myruns import acts
from ui.myruns.memory import MyRuns
from ui.myruns.names import LONGEST, describe_differences
from ui.press import Press, make_at_press
from ui.rail.scales import write_number
from ui.session import label, t, widgets

DIALOG = "my_runs"
PICTURE = 84  # pixels
_MARKS = re.compile(r"[\[\]<>!*_`$:\\#|~&@]")  # of markdown
BLANK = (
    "data:image/svg+xml;utf8,"
    "<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 8 8'><rect width='8' height='8' fill='%238884'/></svg>"
)


def draw_button() -> None:
    """Draw the present run's name and the button that opens the list."""
    if session.is_hidden("compare") or session.current().token is None:
        return
    with st.container(key="run_name", width="content"):
        st.caption(escape(_name_for_heading()))
    st.button(label("myruns"), key="my_runs", icon=":material/folder_special:", on_click=_open)
    if session.current().dialog == DIALOG:
        st.dialog(label("myruns.title"), width="large", icon=":material/folder_special:", on_dismiss=_close)(
            _draw_list
        )()


def _name_for_heading() -> str:
    """The present run's name; on the playground only one that was given, as one made of the recipe would not follow what is edited."""
    here = session.current().address.page == pages.PLAYGROUND.path
    return acts.find_given_name() if here else acts.name_present()


@session.guard
def _open() -> None:
    session.current().dialog = DIALOG
    acts.forget_deleted()


@session.guard
def _close(page: Path | None = None) -> None:
    """Close the list, and go to this page; None for the present one."""
    session.current().dialog = ""
    session.current().memory(MyRuns).next_page = page
    acts.forget_deleted()


def _leave() -> None:
    """Draw what a press in the list led to: another page, or the present one without the list."""
    memory = session.current().memory(MyRuns)
    page, memory.next_page = memory.next_page, None
    if page is not None:
        st.switch_page(page, query_params=st.query_params.to_dict())
    st.rerun()


def _draw_list() -> None:
    if session.current().dialog != DIALOG:
        _leave()
    runs = acts.list_own()
    live.pool().listing.look([run.token for run in runs])
    runs = acts.list_own()
    _draw_acts(sum(run.label.compared for run in runs))
    with st.container(key="my_runs_problems"):
        _say_problems()
    experiments = [Experiment.from_json(run.recipe) for run in runs]
    facts = zip(runs, acts.name_runs(runs), describe_differences(experiments, t), strict=True)
    rows = {run.token: partial(_draw_run, run, name, differs) for run, name, differs in facts}
    deleted = session.current().memory(MyRuns).deleted
    if deleted is not None:  # In the place where it stood: nothing moves under the pointer.
        rows[deleted.token] = partial(_draw_deleted, deleted)
        runs.append(deleted)
    for run in sorted(runs, key=find_place, reverse=True):
        rows[run.token]()
    st.caption(label("myruns.caption" if live.pool().keeps_runs else "myruns.caption.no_shelf", limit=acts.MOST_KEPT))


def _draw_acts(ticked: int) -> None:
    with st.container(horizontal=True, gap="small", key="my_runs_acts"):
        st.button(
            label("run.keep"), icon=":material/content_copy:", key="run_keep", on_click=session.guard(acts.keep),
            help=label("run.keep.help"),
        )  # fmt: skip
        st.button(
            label("run.change_one_thing"), icon=":material/difference:", key="run_change_one", on_click=_change_one,
            help=label("run.change_one_thing.help"),
        )  # fmt: skip
        st.button(
            label("myruns.compare", count=ticked), icon=":material/compare:", key="compare_ticked", type="primary",
            disabled=ticked < 2, help=label("myruns.compare.help"), on_click=_close, args=(pages.COMPARE.script,),
        )  # fmt: skip


def _draw_run(run: Listed, name: str, differs: str) -> None:
    present = run.token == session.current().token
    key = run.token[:12]
    with st.container(border=True, horizontal=True, vertical_alignment="center", gap="small", key=f"my_run_{key}"):
        path = f"/compared/{key}"
        st.checkbox(
            _name_control("myruns.tick", name), value=widgets.seed(path, run.label.compared, None), key=widgets.key_of(path),
            on_change=_tick, args=(run.token, path), label_visibility="collapsed",
        )  # fmt: skip
        picture = run.glance.get("picture")
        st.image(
            f"data:image/png;base64,{picture}" if picture else BLANK, width=PICTURE,
            alt=t("myruns.picture" if picture else "myruns.no_picture", name=name),
        )  # fmt: skip
        with st.container(gap="xxsmall", width="stretch"):
            path = f"/named/{key}"
            st.text_input(
                _name_control("myruns.name", name), value=widgets.seed(path, name, None), key=widgets.key_of(path),
                max_chars=LONGEST, on_change=_rename, args=(run.token, path), label_visibility="collapsed",
            )  # fmt: skip
            st.caption(escape(_write_scores(run)))
            if differs:
                st.caption(escape(differs))
        with st.container(horizontal=True, gap="xsmall", width="content", vertical_alignment="center"):
            if present:
                st.caption(label("myruns.present"))
            else:
                st.button(
                    label("myruns.open"), key=f"open_{key}", on_click=_go_on, args=(run.token,),
                    help=label("myruns.open.help", name=name),
                )  # fmt: skip
            st.download_button(
                label("myruns.export"), make_at_press(session.current(), _make_checkpoint(run.token)),
                file_name="model.safetensors", key=f"take_{key}", icon=":material/download:", on_click="ignore",
                help=label("myruns.export.help", name=name),
            )  # fmt: skip
            if not present:
                st.button(
                    label("myruns.delete"), key=f"delete_{key}", icon=":material/delete:", on_click=session.guard(acts.delete),
                    args=(run.token,), help=label("myruns.delete.help", name=name),
                )  # fmt: skip


def _write_scores(run: Listed) -> str:
    """Epoch, loss and score of training and watched rows, as far as they are known."""
    seen = run.glance
    said = [t("myruns.epoch", epoch=f"{seen.get('epoch', run.epoch):,}")]
    if "metric" in seen:
        name, form = seen["metric"]["name"], seen["metric"]["form"]
        losses = [_write(seen["losses"][split], "") for split in ("train", "test")]
        scores = [_write(seen["metrics"][split][name], form) for split in ("train", "test")]
        said.append(t("myruns.score", name=t("canvas.loss"), train=losses[0], watched=losses[1]))
        said.append(t("myruns.score", name=t(f"canvas.{name}"), train=scores[0], watched=scores[1]))
        said[-1] += " " + t(f"myruns.rows.{seen['watched']}")
    return " · ".join(said)


def _write(value: float | None, form: str) -> str:
    if value is None:
        return "–"
    return f"{value:.1%}" if form == "percent" else write_number(float(f"{value:.3g}"))


def _say_problems() -> None:
    """What went wrong in the list is said in the list, which hides the page."""
    state = session.current()
    problems, state.problems = state.problems, []
    for problem in problems:
        st.error(escape(sentence(state.language, problem)), icon=":material/error:")


def _name_control(key: str, name: str) -> str:
    """A name for listeners. Streamlit shows it to nobody, as markdown, and says it as it is: so nothing in it is escaped."""
    return t(key, name=_MARKS.sub(" ", name))


def _draw_deleted(run: Listed) -> None:
    with st.container(
        border=True, horizontal=True, vertical_alignment="center", gap="small", key=f"my_run_{run.token[:12]}"
    ):
        st.markdown(label("myruns.deleted", name=session.current().memory(MyRuns).deleted_name))
        undo = session.guard(acts.undo_delete)
        st.button(label("myruns.undo"), key="undo_delete", icon=":material/undo:", on_click=undo)


@session.guard
def _go_on(token: str) -> None:
    acts.open_run(token)
    _close()  # Not if that could not be: the list says why.


@session.guard
def _change_one() -> None:
    acts.change_one()
    _close(pages.PLAYGROUND.script)


@session.guard
def _tick(token: str, path: str) -> None:
    on = bool(widgets.read(path, False))
    try:
        acts.tick(token, on)
    except Exception:
        widgets.show(path, not on)
        raise


@session.guard
def _rename(token: str, path: str) -> None:
    acts.rename(token, str(widgets.read(path, "")))


def _make_checkpoint(token: str) -> Callable[[Press], bytes]:
    def make(press: Press) -> bytes:
        live.pool().revive(token, press.owner)  # It may be on the shelf.
        return live.pool().call(token, "checkpoint")[1]

    return make
