"""A link carries a recipe whole; whatever else it carries is refused in a sentence, and the default run opens."""

from __future__ import annotations

import base64
import json
import zlib
from itertools import islice
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st
from streamlit.testing.v1 import AppTest

from dlcore.datasets.drawn import Drawn
from dlcore.experiment import Experiment
from dlcore.layers import Dense
from dlcore.optimizers import SGD
from dlcore.problems import Problem
from dlcore.share import LONGEST_LINK, decode, encode
from tests.patience import PATIENCE
from tests.playground import ROOT, RecordingPool, errors, open_page, shown, state, widget
from tests.strategies import experiments
from ui import live, playground, settings, share
from ui.messages import text


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


@given(experiment=experiments())
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


@given(place=st.integers(0, len(LINK) - 1), sign=st.characters(codec="utf-8"))
def test_a_link_with_a_wrong_sign_is_refused_or_means_the_same(place: int, sign: str) -> None:
    garbled = LINK[:place] + sign + LINK[place + 1 :]
    try:
        assert decode(garbled) == decode(LINK)  # The last sign has bits to spare.
    except Problem as problem:
        assert problem.key in ("link_broken", "link_version")


@given(st.text(max_size=200))
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
    from dlcore.trainer import Trainer

    link, losses = encode(Experiment(seed=5, layers=(Dense(units=3),))), []
    for _ in range(2):
        trainer = Trainer(decode(link), device="cpu")
        for _ in islice(trainer.steps(), 100 * trainer.steps_per_epoch):
            pass
        losses.append(trainer.snapshot().scores.test["loss"])
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
    assert widget(at, "seed").value == 9
    assert not pool.calls
    assert not errors(at)


@pytest.mark.parametrize("link", [LINK[:-3], "9." + LINK[2:], link_of(b'{"seed": -1}'), "", "x" * 9000])
def test_a_bad_link_opens_the_default_run_with_one_sentence(pool: RecordingPool, link: str) -> None:
    at = visit(run=link)
    assert Experiment.from_json(pool.created[0][0]) == Experiment()
    try:
        decode(link)
    except Problem as problem:
        assert errors(at) == [shown(str(problem))]
    assert not errors(at.run())


def test_a_link_can_start_playing_once(pool: RecordingPool) -> None:
    at = visit(play="1")
    assert [do for _, do, _ in pool.calls] == ["play"]
    at.run()
    assert [do for _, do, _ in pool.calls] == ["play"]


@pytest.mark.parametrize("group", settings.TABS)
def test_a_link_hides_a_tab(pool: RecordingPool, group: str) -> None:
    at = visit(hide=group)
    assert [tab.label for tab in at.tabs] == [text("en", f"tab.{name}") for name in settings.TABS if name != group]
    assert not errors(at)


def test_a_link_can_hide_everything(pool: RecordingPool) -> None:
    at = visit(hide=",".join(share.GROUPS), text="off")
    assert not at.tabs
    assert not errors(at)
    assert playground.GROUPS == share.GROUPS


def test_names_of_groups_that_are_none_are_ignored(pool: RecordingPool, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[str] = []
    monkeypatch.setattr(playground, "network_canvas", lambda *_, hidden, **__: told.append(hidden))
    visit(hide="edit,,<script>,speed")
    visit(text="off")
    assert told == ["edit speed", "text"]


def test_the_style_sheet_knows_every_group_of_the_canvas() -> None:
    css = (ROOT / "ui" / "canvas" / "hide.css").read_text(encoding="utf-8")
    of_the_page = {*settings.TABS, "share", "compare"}
    for group in {*share.GROUPS} - of_the_page:
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


def test_a_run_that_was_changed_by_hand_is_told_of(pool: RecordingPool) -> None:
    said = shown(text("en", "share.by_hand"))
    assert said not in [caption.value for caption in open_share(Experiment()).caption]
    pool.answer = {"interventions": True}
    assert said in [caption.value for caption in open_share(Experiment()).caption]
