"""A link carries a recipe whole; whatever else it carries is refused in a sentence, and the default run opens."""

from __future__ import annotations

import base64
import json
import zlib
from collections.abc import Callable
from functools import partial
from itertools import islice
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import hypothesis
import numpy as np
import pytest
from hypothesis import strategies as st
from streamlit.testing.v1 import AppTest

from dlcore import rights
from dlcore.datasets import sharing, store
from dlcore.datasets.drawn import Drawn
from dlcore.editing.fitting import fit_to_data
from dlcore.experiment import Experiment
from dlcore.layers import Dense
from dlcore.optimizers import SGD
from dlcore.problems import Problem
from dlcore.runs.server.entry import mark_of
from dlcore.share import LONGEST_LINK, decode, encode
from tests.patience import PATIENCE
from tests.playground import ROOT, RecordingPool, come_with, errors, open_page, shown, speak_for, state
from tests.strategies import experiments
from ui import live
from ui.messages import text
from ui.opening import open_recipe
from ui.pages import GROUPS
from ui.playground import page
from ui.rail.catalogue import SECTIONS
from ui.session import standing


@pytest.fixture
def pool(monkeypatch: pytest.MonkeyPatch) -> RecordingPool:
    recording = RecordingPool()
    monkeypatch.setattr(live, "pool", lambda: recording)
    return recording


def link_of(plain: bytes) -> str:
    return "1." + base64.urlsafe_b64encode(zlib.compress(plain, 9)).decode().rstrip("=")


def refusal(link: str) -> str:
    with pytest.raises(Problem) as refused:
        decode(link)
    return refused.value.key


# The link itself


@hypothesis.given(experiment=experiments())
def test_a_recipe_comes_back_as_it_was(experiment: Experiment) -> None:
    link = encode(experiment)
    assert decode(link) == experiment
    assert len(link) <= LONGEST_LINK
    assert link == encode(Experiment.from_json(experiment.to_json()))


def test_the_default_run_has_a_short_link_and_what_is_as_usual_is_left_out() -> None:
    assert decode(encode(Experiment())) == Experiment()
    assert len(encode(Experiment())) < 20
    packed = encode(Experiment(seed=7, layers=(Dense(units=3),)))[2:]
    plain = json.loads(zlib.decompress(base64.urlsafe_b64decode(packed + "=" * (-len(packed) % 4))))
    assert plain == {"layers": [{"kind": "dense", "units": 3}], "seed": 7}


LINK = encode(Experiment(seed=12345, layers=(Dense(units=3), Dense(units=5)), optimizer=SGD(learning_rate=0.1)))


def test_a_link_cut_short_is_refused_at_every_length() -> None:
    for length in range(len(LINK)):
        assert refusal(LINK[:length]) == "link_broken", length


@hypothesis.given(place=st.integers(0, len(LINK) - 1), sign=st.characters(codec="utf-8"))
def test_a_link_with_a_wrong_sign_is_refused_or_means_the_same(place: int, sign: str) -> None:
    garbled = LINK[:place] + sign + LINK[place + 1 :]
    try:
        assert decode(garbled) == decode(LINK)  # The last sign has bits to spare.
    except Problem as problem:
        assert problem.key in ("link_broken", "link_version")


@hypothesis.given(st.text(max_size=200))
def test_a_link_of_anything_is_refused_in_a_sentence(anything: str) -> None:
    with pytest.raises(Problem):
        decode(anything)


def test_bits_flipped_in_what_is_packed_are_found() -> None:
    body = LINK[2:]
    packed = bytearray(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
    for bit in range(8 * len(packed)):
        flipped = bytearray(packed)
        flipped[bit // 8] ^= 1 << (bit % 8)
        link = "1." + base64.urlsafe_b64encode(bytes(flipped)).decode().rstrip("=")
        try:
            assert decode(link) == decode(LINK)
        except Problem:
            continue


@pytest.mark.parametrize(
    ("link", "key"),
    [
        ("2." + LINK[2:], "link_version"),
        ("0." + LINK[2:], "link_version"),
        (LINK[2:], "link_broken"),
        ("1." + "A" * LONGEST_LINK, "link_too_long"),
        (link_of(b" " * 5_000_000), "link_broken"),  # 5 MB in 6,500 signs
        (link_of(b"[" * 90_000), "link_broken"),
        (link_of(b'{"seed": 1}') + "AAAA", "link_broken"),
        (link_of(b"\xff\xfe"), "link_broken"),
        (link_of(b'{"seed": -1}'), "out_of_bounds"),
        (link_of(b'{"sed": 1}'), "unknown_key"),
        (link_of(b'{"version": 2}'), "unknown_version"),
        (link_of(b'{"layers": [%s]}' % b",".join([b'{"kind": "dense", "units": 512}'] * 12)), "too_many_parameters"),
        (link_of(b'{"layers": [{"kind": "dense", "units": 10000000}]}'), "out_of_bounds"),
    ],
)
def test_what_is_wrong_with_a_link_is_said(link: str, key: str) -> None:
    assert refusal(link) == key


def test_drawn_points_that_do_not_fit_say_so() -> None:
    points = tuple(
        ((index * 7919 % 12001) / 1000 - 6, (index * 104729 % 12001) / 1000 - 6, index % 2) for index in range(1990)
    )
    with pytest.raises(Problem) as refused:
        encode(Experiment(dataset=Drawn(train=points, test=((0, 0, 0),))))
    assert refused.value.key == "link_too_long"
    few = Experiment(dataset=Drawn(train=points[:300], test=points[300:400]))
    assert decode(encode(few)) == few


def test_two_sessions_with_the_same_link_learn_the_same_to_the_last_digit() -> None:
    from dlcore.learning.trainer import Trainer

    link, losses = encode(Experiment(seed=5, layers=(Dense(units=3),))), []
    for _ in range(2):
        trainer = Trainer(decode(link), device="cpu")
        for _ in islice(trainer.steps(), 100 * trainer.steps_per_epoch):
            pass
        losses.append(trainer.snapshot().scores.watched["loss"])
    assert losses[0] == losses[1]


# The page that a link opens


def visit(**query: str) -> AppTest:
    at = AppTest.from_file(str(ROOT / "ui" / "frame.py"), default_timeout=PATIENCE)
    for name, value in query.items():
        at.query_params[name] = value
    at.run()
    assert not at.exception
    return at


def test_a_link_opens_its_run(pool: RecordingPool) -> None:
    experiment = Experiment(seed=9, layers=(Dense(units=7),))
    at = visit(run=encode(experiment), lang="zh")
    assert Experiment.from_json(pool.created[0][0]) == experiment
    assert state(at).language == "zh_CN"
    assert state(at).experiment == experiment
    assert not pool.calls
    assert not errors(at)


@pytest.mark.parametrize("link", [LINK[:-3], "9." + LINK[2:], link_of(b'{"seed": -1}'), "", "x" * 9000])
def test_a_bad_link_opens_the_default_run_with_one_sentence(pool: RecordingPool, link: str) -> None:
    at = visit(run=link)
    assert Experiment.from_json(pool.created[0][0]) == Experiment()
    try:
        decode(link)
    except Problem as problem:
        assert errors(at) == [shown(str(problem))] == errors(at.run())  # It stays: a page opens in several runs.
    pool.edit("run 0", state(at).experiment.replace(seed=4))
    at.run()
    assert not errors(at)


def test_a_link_can_start_playing_once(pool: RecordingPool) -> None:
    at = visit(play="1")
    assert [do for _, do, _ in pool.calls] == ["play"]
    at.run()
    assert [do for _, do, _ in pool.calls] == ["play"]


def test_a_link_can_hide_everything(pool: RecordingPool) -> None:
    at = visit(hide=",".join(GROUPS), text="off")
    assert not errors(at)
    assert not [button for button in at.button if button.key == "gallery"]


def test_names_of_groups_that_are_none_are_ignored(pool: RecordingPool, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[str] = []
    monkeypatch.setattr(page, "network_canvas", lambda *_, hidden, **__: told.append(hidden))
    visit(hide="edit,,<script>,speed")
    visit(text="off")
    assert told == ["edit speed", "text"]


def test_the_style_sheet_knows_every_group_of_the_canvas() -> None:
    css = (ROOT / "ui" / "canvas" / "hide.css").read_text(encoding="utf-8")
    assert {*SECTIONS} <= {*GROUPS}
    of_the_page = {"share", "compare", "gallery"}
    for group in {*GROUPS} - of_the_page:
        assert f'[data-hide~="{group}"]' in css


# The menu that makes links


def links(at: AppTest) -> list[str]:
    return [code.value for code in at.code]


def open_share(experiment: Experiment) -> AppTest:
    at = open_page(experiment)
    at.session_state["widget:/share"] = True
    return at.run()


def test_the_menu_gives_the_present_runs_link(pool: RecordingPool) -> None:
    experiment = Experiment(seed=3)
    at = open_share(experiment)
    assert not at.exception
    for link in links(at):
        assert decode(parse_qs(urlsplit(link).query)["run"][0]) == experiment
    assert len(links(at)) == 2


def test_the_teachers_link_says_what_is_ticked(pool: RecordingPool) -> None:
    at = open_share(Experiment())
    at.checkbox(key="share_hide_speed").check()
    at.checkbox(key="share_hide_data").check()
    at.toggle(key="share_quiet").set_value(True)
    at.toggle(key="share_playing").set_value(True)
    at.get_by_key("share_language").set_value("zh_CN")
    query = parse_qs(urlsplit(links(at.run())[1]).query)
    assert query["hide"] == ["data,speed"]
    assert (query["text"], query["play"], query["lang"]) == (["off"], ["1"], ["zh"])


# Rows of one's own


COLUMNS = [{"name": name, "kind": "number"} for name in ("age", "height", "target")]
ROWS = {f"c{place}": np.arange(60.0) * (place + 1) for place in range(3)}
ANN, BOB = "a" * 43, "b" * 43  # the secrets of two browsers


@pytest.fixture
def table(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Experiment:
    """A recipe of Ann's own, on a table that she has brought."""
    monkeypatch.setenv("DLCORE_TABLES", str(tmp_path))
    with rights.working_for(mark_of(ANN)):
        digest = store.put_table({"form": "table 1", "name": "marks.csv", "rows": 60, "columns": COLUMNS}, ROWS)
    part = {"kind": "table", "digest": digest, "name": "marks.csv", "rows": 60, "target": "target", "classes": [],
            "columns": COLUMNS[:2]}  # fmt: skip
    optimizer = {"kind": "sgd", "learning_rate": 0.07}
    recipe = {"dataset": part, "loss": {"kind": "mae"}, "seed": 9, "batch_size": 8, "optimizer": optimizer}
    return Experiment.from_dict({**recipe, "layers": [{"kind": "dense", "units": 7}], "test_fraction": 0.2})


@pytest.fixture
def browser(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Whoever speaks from now on."""
    return partial(come_with, monkeypatch)


def given(at: AppTest, link: int = 0) -> str:
    return parse_qs(urlsplit(links(at)[link]).query).get("pass", [""])[0]


def toggles(at: AppTest) -> list:
    return [toggle for toggle in at.toggle if toggle.label == text("en", "share.rows")]


def switch(at: AppTest, on: bool = True) -> AppTest:
    """Share the rows, or withdraw them."""
    (toggle,) = toggles(at)
    assert toggle.value is not on
    toggle.set_value(on).run()
    assert not at.exception
    assert not errors(at)
    assert [toggle.value for toggle in toggles(at)] == [on]
    return at


def captions(at: AppTest) -> list[str]:
    return [caption.value for caption in at.caption]


def said(key: str) -> str:
    return shown(text("en", key, name="marks.csv", rows="60"))


def test_the_rows_are_shared_when_somebody_says_so_and_until_it_is_taken_back(
    pool: RecordingPool, table: Experiment, browser: Callable[[str], None]
) -> None:
    browser(ANN)
    at = open_share(table)
    assert (given(at), given(at, 1)) == ("", "")
    assert said("share.rows.caption") in captions(at)
    switch(at)
    passed = given(at)
    assert len(passed) * 6 >= 128
    assert given(at, 1) == passed  # The teacher's link, too.
    assert said("share.rows.given") in captions(at)
    assert passed not in table.to_json()
    assert given(open_share(table)) == passed  # Another visit of the same browser.
    switch(at, False)
    assert (given(at), given(at, 1)) == ("", "")
    switch(at)
    assert given(at) not in ("", passed)


def test_a_guest_passes_no_rows_on_and_what_is_for_everyone_is_not_asked(
    pool: RecordingPool, table: Experiment, browser: Callable[[str], None]
) -> None:
    browser(ANN)
    passed = given(switch(open_share(table)))
    browser(BOB)
    at = visit(run=encode(table), **{"pass": passed})
    at.session_state["widget:/share"] = True
    at.run()
    assert state(at).experiment == table
    assert given(at) == ""
    assert said("share.rows.guest") in captions(at)
    assert not toggles(at)
    store.put_table(
        {"form": "table 1", "name": "marks.csv", "rows": 60, "columns": COLUMNS}, ROWS
    )  # On the command line.
    at = open_share(table)
    assert not {said("share.rows.guest"), said("share.rows.caption")} & {*captions(at)}


def test_a_strangers_link_opens_on_circle_with_the_settings_that_fit_and_one_sentence(
    pool: RecordingPool, table: Experiment, browser: Callable[[str], None]
) -> None:
    browser(BOB)
    at = visit(run=encode(table))
    found = Experiment.from_json(pool.created[0][0])
    assert errors(at) == [shown(str(Problem("link_rows_not_shared", name="marks.csv")))]
    assert (found.dataset.kind, found.loss.kind, found.seed) == ("circle", "cross_entropy", 9)
    assert (found.layers, found.optimizer) == (table.layers, table.optimizer)
    assert (found.batch_size, found.test_fraction) == (8, 0.2)
    assert pool.readers == [mark_of(BOB)]
    assert len(errors(at.run())) == 1
    pool.edit("run 0", state(at).experiment.replace(seed=4))
    at.run()
    assert not errors(at)


def test_a_link_with_the_pass_opens_for_who_comes_with_it_and_again_without(
    pool: RecordingPool, table: Experiment, browser: Callable[[str], None]
) -> None:
    browser(ANN)
    ann = switch(open_share(table))
    passed = given(ann)
    browser(BOB)
    for query in ({"pass": passed}, {}):
        assert state(visit(run=encode(table), **query)).experiment == table
    browser("c" * 43)
    assert state(visit(run=encode(table))).experiment.dataset.kind == "circle"
    browser(ANN)
    switch(ann, False)
    browser(BOB)
    for query in ({"pass": passed}, {}):
        at = visit(run=encode(table), **query)
        assert errors(at) == [shown(str(Problem("link_rows_withdrawn", name="marks.csv")))]
        assert state(at).experiment.dataset.kind == "circle"
    browser(ANN)
    assert state(visit(run=encode(table))).experiment == table


@pytest.mark.parametrize("wrong", ["x", "A" * 24, "../../..", "%00", "🐧" * 50])
def test_a_wrong_pass_is_one_sentence_and_so_is_a_table_that_is_gone(
    pool: RecordingPool, table: Experiment, browser: Callable[[str], None], wrong: str
) -> None:
    browser(BOB)
    at = visit(run=encode(table), **{"pass": wrong})
    assert errors(at) == [shown(str(Problem("link_rows_wrong", name="marks.csv")))]
    assert state(at).experiment.dataset.kind == "circle"
    store.disown(table.dataset.digest, ".table", mark_of(ANN))  # type: ignore[union-attr]
    at = visit(run=encode(table), **{"pass": wrong})
    assert errors(at) == [shown(str(Problem("link_rows_gone", name="marks.csv")))]


def test_who_may_not_see_the_rows_is_told_where_they_would_be_taken_home(
    pool: RecordingPool, table: Experiment, browser: Callable[[str], None]
) -> None:
    browser(ANN)
    owners = open_page(table)
    passed = given(switch(open_share(table)))
    browser(BOB)
    at = visit(run=encode(table), **{"pass": passed})
    for one in (at, owners):
        one.session_state["widget:/export"] = True
        one.run()
    files = ("data", "report", "card", "recipe", "checkpoint")
    assert [at.get_by_key(f"export_{what}").proto.disabled for what in files] == [False] * 5
    sharing.withdraw_passes(table.dataset.digest, mark_of(ANN))  # type: ignore[union-attr]
    at.run()
    assert [at.get_by_key(f"export_{what}").proto.disabled for what in files] == [True, True, True, False, False]
    assert shown(str(Problem("table_withdrawn", name="marks.csv"))) in captions(at)
    browser(ANN)
    assert not owners.run().get_by_key("export_data").proto.disabled


def test_a_guests_run_comes_back_until_the_rows_are_withdrawn(
    pool: RecordingPool, table: Experiment, browser: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    browser(ANN)
    passed = given(switch(open_share(table)))
    browser(BOB)
    at = visit(run=encode(table), **{"pass": passed})
    token = state(at).token or ""
    pool.shelf[token] = {"recipe": table.to_json(), "device": "cpu", "status": "paused", "step": 400, "epoch": 16}
    pool.alive.clear()
    assert (state(at.run()).token, state(at).life, errors(at)) == (token, 1, [])
    sharing.withdraw_passes(table.dataset.digest, mark_of(ANN))  # type: ignore[union-attr]
    pool.alive.clear()
    at.run()
    assert errors(at) == [shown(str(Problem("table_withdrawn", name="marks.csv")))]
    assert (state(at).token != token, state(at).experiment.dataset.kind) == (True, "circle")
    assert Experiment.from_json(pool.created[-1][0]) == state(at).experiment
    assert not errors(at.run())
    before = state(at).token
    speak_for(monkeypatch, state(at))
    with pytest.raises(Problem, match="no longer shared"):
        standing.resume(token)
    assert (state(at).token, before in pool.alive) == (before, True)


def test_without_cookies_a_table_belongs_to_the_session_alone(
    pool: RecordingPool, table: Experiment, browser: Callable[[str], None]
) -> None:
    browser("")
    at = open_page()
    mine = mark_of(state(at).secret)
    with rights.working_for(mine):
        store.put_table({"form": "table 1", "name": "marks.csv", "rows": 60, "columns": COLUMNS}, ROWS)
    assert pool.readers == [mine]
    assert pool.owners == [""]  # Whoever holds its token may still look at the run.
    assert state(visit(run=encode(table))).experiment.dataset.kind == "circle"


RECIPES = [
    {"loss": {"kind": "huber", "delta": 2.0}, "validation_fraction": 0.2, "sealed": True},
    {"batch_size": 40, "layers": []},
    {"layers": [{"kind": "dense", "units": 512}] * 8, "test_fraction": 0.1},
    {"features": ["x1", "x2_squared"]},
]


@pytest.mark.parametrize("part", RECIPES, ids=str)
def test_whatever_a_recipe_asks_of_a_table_it_can_be_opened_on_circle(table: Experiment, part: dict) -> None:
    before = Experiment.from_dict({**table.to_dict(), **part})
    after = fit_to_data(before, {"kind": "circle"})
    assert after.dataset.kind == "circle"
    assert after.to_dict()["layers"] == before.to_dict()["layers"]
    assert after.validation_fraction == before.validation_fraction
    assert after.features == before.features


def test_a_network_that_is_too_large_with_one_input_more_gives_way_itself(table: Experiment) -> None:
    line = table.to_dict()["dataset"]
    line["columns"] = line["columns"][:1]
    wide = [{"kind": "dense", "units": 512}] * 8
    largest = None
    for units in range(1, 512):
        try:
            layers = [*wide, {"kind": "dense", "units": units}]
            largest = Experiment.from_dict({**table.to_dict(), "dataset": line, "layers": layers})
        except Problem:
            break
    assert largest is not None
    after = fit_to_data(largest, {"kind": "circle"})
    assert (after.dataset.kind, after.seed, after.layers) == ("circle", 9, Experiment().layers)


JOURNAL = [
    {"step": 0, "set": {"optimizer": {"kind": "adam", "learning_rate": 0.03}}},
    {"step": 3400, "set": {"optimizer": {"kind": "adam", "learning_rate": 0.1}}},
    {"step": 5000, "weights": {"0.weight": [[0.5, 1], [2, 3]]}},
]


def test_a_run_that_was_changed_while_it_learned_is_told_of(pool: RecordingPool) -> None:
    said = shown(text("en", "share.changed"))
    assert said not in [caption.value for caption in open_share(Experiment()).caption]
    pool.answer = {"journal": JOURNAL}
    at = open_share(Experiment())
    assert said in [caption.value for caption in at.caption]
    lines = "\n".join(markdown.value for markdown in at.markdown).replace("\\", "")
    assert "Step 3,400: Optimizer: Adam (Learning rate 0.1" in lines
    assert "Step 5,000: weights set by hand, 0.weight." in lines
    (link,) = [code.value for code in at.code if "hide=" not in code.value][:1]
    assert decode(parse_qs(urlsplit(link).query)["run"][0]) == Experiment.from_dict({"journal": JOURNAL})


def test_a_link_that_has_no_room_for_what_was_changed_says_so_and_goes_without(pool: RecordingPool) -> None:
    pool.answer = {
        "journal": [{"step": 1, "weights": {"0.weight": np.random.default_rng(0).normal(size=(40, 50)).tolist()}}]
    }
    at = open_share(Experiment())
    assert shown(text("en", "share.changed.too_long")) in [caption.value for caption in at.caption]
    assert decode(parse_qs(urlsplit(at.code[0].value).query)["run"][0]) == Experiment()


def test_a_link_from_a_changed_run_opens_with_its_last_settings_and_says_that_it_begins_anew() -> None:
    recipe = Experiment.from_dict({"batch_size": 7, "journal": JOURNAL})
    experiment, told = open_recipe(encode(recipe), "", "")
    assert experiment == Experiment(batch_size=7)
    assert told is not None and told.key == "journal_not_repeated" and told.values == {"step": 3400}
    assert open_recipe(encode(Experiment()), "", "") == (Experiment(), None)
