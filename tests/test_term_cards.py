"""The cards of terms: each has its texts, a picture that is drawn from numbers that others confirm, and opens on every page."""

from __future__ import annotations

from xml.etree import ElementTree

import numpy as np
import pytest
import torch

from tests.playground import RecordingPool, open_page, speak_for, state
from ui import live
from ui.messages import LANGUAGES, catalogue
from ui.terms import TERMS, open_term
from ui.terms.terms import Z, descend, relu, sigmoid, softmax


@pytest.fixture
def pool(monkeypatch: pytest.MonkeyPatch) -> RecordingPool:
    pool = RecordingPool()
    monkeypatch.setattr(live, "pool", lambda: pool)
    return pool


@pytest.mark.parametrize("language", LANGUAGES)
def test_each_has_a_title_two_sentences_and_words_for_its_picture(language: str) -> None:
    messages = catalogue(language)
    for term in TERMS:
        assert messages[f"terms.{term}"] and messages[f"terms.{term}.picture"]
        assert sum(messages[f"terms.{term}.text"].count(end) for end in (". ", "。")) + (language == "en") == 2, term


def test_the_words_that_a_beginner_meets_first_are_there() -> None:
    asked = {
        "epoch", "batch", "learning_rate", "activation", "loss", "regularization", "dropout", "train_validation_test",
        "overfitting", "softmax", "momentum",
    }  # fmt: skip
    assert asked <= TERMS.keys()


@pytest.mark.parametrize("term", TERMS)
def test_a_picture_is_one_that_browsers_can_read_and_all_of_it_lies_inside(term: str) -> None:
    assert "text{" not in TERMS[term].formula  # It is the same in all languages.
    picture = ElementTree.fromstring(TERMS[term].picture())
    wide, high = float(picture.get("width", 0)), float(picture.get("height", 0))
    assert picture.tag.endswith("svg") and len(picture) > 1
    for part in picture.iter():
        points = [pair.split(",") for pair in part.get("points", "").split()]
        places = [(part.get(x), part.get(y)) for x, y in (("x", "y"), ("cx", "cy"), ("x1", "y1"), ("x2", "y2"))]
        for x, y in [*points, *(place for place in places if None not in place)]:
            assert 0 <= float(x or 0) <= wide and 0 <= float(y or 0) <= high


def test_what_is_drawn_is_what_torch_computes() -> None:
    z = torch.from_numpy(Z)
    np.testing.assert_allclose(relu(Z), torch.relu(z).numpy())
    np.testing.assert_allclose(sigmoid(Z), torch.sigmoid(z).numpy())
    np.testing.assert_allclose(softmax(Z), torch.softmax(z, 0).numpy())


@pytest.mark.parametrize("momentum", [0.0, 0.8])
def test_a_descent_is_that_of_torch(momentum: float) -> None:
    w = torch.nn.Parameter(torch.tensor(-3.0, dtype=torch.float64))
    optimizer = torch.optim.SGD([w], lr=0.1, momentum=momentum)
    visited = [w.item()]
    for _ in range(6):
        optimizer.zero_grad()
        (w**2 / 2).backward()
        optimizer.step()
        visited.append(w.item())
    np.testing.assert_allclose(descend(0.1, momentum, steps=6), visited)


def test_a_press_opens_the_cards_and_one_can_be_opened_by_its_name(
    pool: RecordingPool, monkeypatch: pytest.MonkeyPatch
) -> None:
    at = open_page()
    at.button(key="terms").click().run()
    assert at.selectbox[0].value == next(iter(TERMS))
    with monkeypatch.context() as within:
        speak_for(within, state(at))
        open_term("dropout")
        open_term("no such term")
    at.run()
    assert at.selectbox[0].value == "dropout"
    assert any(each.value == "Dropout" for each in at.subheader)
    assert not at.exception
