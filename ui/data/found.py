"""What was found in a file: its format, each part of which can be corrected, and remarkable facts (findings)."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import streamlit as st

from dlcore.datasets.reading import MOST_HEADER_LINES
from dlcore.problems import Problem
from ui import session
from ui.data import answering, asking
from ui.data.brought import Brought, Options, with_reading
from ui.messages import escape, sentence
from ui.session import label, t, widgets

TABLE = ":material/table_chart:"
SEPARATORS = {",": "comma", ";": "semicolon", "\t": "tab", "|": "bar", " ": "space"}
DECIMALS = {".": "point", ",": "comma"}
ENCODINGS = ("utf-8", "utf-8-sig", "utf-16", "gb18030", "latin-1")
QUOTES = {'"': "double", "'": "single"}
HEADERS = {True: "yes", False: "no"}
MOST_TITLES = 20  # lines above the table, to choose from
MOST_OPEN = 3  # findings shown without a press
ICONS = {"warning": ":material/warning:", "notice": ":material/info:"}


def draw_form(table: Brought) -> None:
    """Draw name, size and format of the file in a line, and a button to correct the format."""
    profile = table.profile
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="data_form"):
        st.markdown(f"{TABLE} **{escape(table.name)}**", width="content")
        drawn = profile["rows_in_file"] != profile["rows"]
        size = label(
            "data.size.sample" if drawn else "data.size",
            rows=f"{profile['rows']:,}",
            columns=len(table.columns),
            all=f"{profile['rows_in_file']:,}",
        )
        st.caption(size, width="content")
        for said in _describe_reading(profile["options"], profile["format"]):
            st.badge(escape(said), color="gray")
        if not profile["options"]:
            return  # This kind of file states its format itself: nothing to correct.
        with st.popover(label("data.correct"), icon=":material/tune:", key="data_correct"):
            _draw_corrections(table)


def _describe_reading(found: Options, file_format: str) -> list[str]:
    said = [t(f"data.format.{file_format}")]
    if "separator" in found:
        said.append(t("data.said.separator", value=t(f"data.separator.{SEPARATORS[found['separator']]}")))
    if "decimal" in found:
        said.append(t("data.said.decimal", value=t(f"data.decimal.{DECIMALS[found['decimal']]}")))
    if "encoding" in found:
        said.append(found["encoding"].upper())
    if "header" in found:
        said.append(t(f"data.said.header.{HEADERS[found['header']]}"))
    if found.get("quote") == "'":
        said.append(t("data.said.quote"))
    if found.get("titles"):
        said.append(t("data.said.titles", count=found["titles"]))
    if found.get("header_lines", 0) > 1:
        said.append(t("data.said.header_lines", count=found["header_lines"]))
    if found.get("sheet"):
        said.append(found["sheet"])
    return said


def _draw_corrections(table: Brought) -> None:
    """Draw a menu for each part of the format."""
    profile = table.profile
    found = profile["options"]
    if "separator" in found:
        _draw_menu(table, "separator", SEPARATORS)
    if "decimal" in found:
        _draw_menu(table, "decimal", DECIMALS)
    if "encoding" in found:
        _draw_plain_menu(
            table, "encoding", {name: name.upper() for name in dict.fromkeys([*ENCODINGS, found["encoding"]])}
        )
    if "quote" in found:
        _draw_menu(table, "quote", QUOTES)
    if "header" in found:
        _draw_menu(table, "header", HEADERS)
        lines = sorted({*range(MOST_TITLES + 1), found.get("titles", 0)})
        _draw_plain_menu(table, "titles", {count: str(count) for count in lines})
    if found.get("header"):
        _draw_plain_menu(table, "header_lines", {count: str(count) for count in range(1, MOST_HEADER_LINES + 1)})
    if len(profile.get("sheets") or ()) > 1:
        _draw_plain_menu(table, "sheet", {name: name for name in profile["sheets"]})
    st.caption(label("data.correct.caption"))


def _draw_menu(table: Brought, name: str, options: dict[Any, str]) -> None:
    """Draw a menu whose options have names in the catalogue of messages."""
    _draw_plain_menu(table, name, {value: t(f"data.{name}.{word}") for value, word in options.items()})


def _draw_plain_menu(table: Brought, name: str, titles: dict[Any, str]) -> None:
    path = f"/data/reading/{name}"
    options = list(titles)
    shown = widgets.seed(
        path, _find_wish(table, name, table.profile["options"].get(name, next(iter(titles)))), tuple(options)
    )
    st.selectbox(
        label(f"data.{name}"), options, widgets.find_position(options, shown), format_func=titles.__getitem__, key=widgets.key_of(path),
        on_change=correct, args=(name,),
    )  # fmt: skip


def _find_wish(table: Brought, name: str, found: Any) -> Any:
    """The value to show for this part: the wish with which a desk is reading the file now, else the table's, else the one found."""
    waiting = asking.bringing().waiting
    return (waiting.options if waiting else table.options).get(name, found)


@session.guard
def correct(name: str) -> None:
    """Callback: let a desk read the file anew with the chosen value for this part of the format."""
    table = asking.bringing().brought
    assert table is not None
    asking.profile_table(
        table.replace(options=with_reading(table.options, name, widgets.read(f"/data/reading/{name}", None)))
    )


# Findings


def draw_findings(table: Brought) -> None:
    """Draw the findings about this table."""
    say_findings(table.profile.get("findings") or (), "data_more_findings", answering.draw_answer)


def say_findings(
    found: Iterable[dict[str, Any]], key: str, answer: Callable[[dict[str, Any], int], None] | None = None
) -> None:
    """Draw each finding as a sentence with its evidence, warnings first. `answer` draws a control below those that ask something."""
    found = sorted(found, key=lambda finding: finding["severity"] != "warning")
    for index, finding in enumerate(found[:MOST_OPEN]):
        _say(finding, index, answer)
    if found[MOST_OPEN:]:
        with st.expander(label("data.more_findings", count=len(found) - MOST_OPEN), key=key):
            for index, finding in enumerate(found[MOST_OPEN:], start=MOST_OPEN):
                _say(finding, index, answer)


def _say(finding: dict[str, Any], index: int, answer: Callable[[dict[str, Any], int], None] | None) -> None:
    language = session.current().language
    show = st.warning if finding["severity"] == "warning" else st.info
    show(escape(sentence(language, Problem(finding["key"], **finding["values"]))), icon=ICONS[finding["severity"]])
    if answer is not None and finding["key"] in answering.ASKED:
        answer(finding, index)
