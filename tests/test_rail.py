"""What the rail of settings is drawn from: judged by pydantic, plain torch and scikit-learn, and by the scripts that read it."""

from __future__ import annotations

import json
import re
from typing import Any

import numpy as np
import pytest
import torch
from pydantic import ValidationError, create_model
from sklearn import datasets as bundled
from sklearn.decomposition import PCA
from sklearn.preprocessing import StandardScaler

from dlcore.catalogue import FAMILIES
from dlcore.component import Component, kinds, list_fields
from dlcore.experiment import FEATURES, Experiment
from dlcore.thumbnails import EDGE, make_thumbnails
from tests.conftest import ROOT
from tests.test_assets import ask, quick_start
from tests.test_javascript import run
from ui.assets import asset_version
from ui.messages import LANGUAGES
from ui.rail.catalogue import SET_OF_OWN, make_catalogue
from ui.rail.scales import write_number

SCRIPTS = ROOT / "ui" / "canvas" / "rail"
CATALOGUES = {language: make_catalogue(language) for language in LANGUAGES}
ENGLISH = CATALOGUES["en"]
THUMBNAILS = ENGLISH["thumbnails"]
OWN = ("table", "images", "text")


def inputs(known: dict[str, Any] = ENGLISH) -> list[tuple[type[Component], dict[str, Any]]]:
    """Every input with the class whose field it sets."""
    found: list[tuple[type[Component], dict[str, Any]]] = [
        (Experiment, field) for section in known["sections"] for field in section["fields"] if field["name"] != "device"
    ]
    for family, described in known["families"].items():
        for kind, one in described.items():
            found += [(kinds(FAMILIES[family])[kind], field) for field in one["fields"]]
    return found


def test_every_setting_of_the_recipe_stands_in_one_section() -> None:
    named = [field["name"] for section in ENGLISH["sections"] for field in section["fields"]]
    assert sorted(named) == sorted({*Experiment.model_fields, "device"} - {"version", "journal"})


def test_every_field_of_every_kind_has_an_input_but_lists_of_points_and_what_describes_own_data() -> None:
    assert set(ENGLISH["families"]) == set(FAMILIES) - {"metric"}
    for family, described in ENGLISH["families"].items():
        assert list(described) == list(kinds(FAMILIES[family]))
        for kind, cls in kinds(FAMILIES[family]).items():
            expected = {name for name, info in list_fields(cls).items() if "tuple" not in str(info.annotation)}
            if kind in OWN:
                expected &= set(SET_OF_OWN)
            assert {field["name"] for field in described[kind]["fields"]} == expected, kind


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_input_says_what_it_is(language: str) -> None:
    for _, field in inputs(CATALOGUES[language]):
        assert field["label"].strip() and field["help"].strip(), field
        assert field["input"] in ("kind", "switch", "options", "slider", "ladder", "entry", "features", "layers")
        for option in field.get("options", ()):
            assert option["title"].strip()


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_setting_and_kind_says_what_it_is_for_in_plain_words_before_any_formula(language: str) -> None:
    known = CATALOGUES[language]
    said = [field["plain"] for section in known["sections"] for field in section["fields"]]
    said += [
        one["plain"] for described in known["families"].values() for kind, one in described.items() if kind not in OWN
    ]
    assert len(said) > 60 and len(set(said)) == len(said)
    for words in said:
        assert len(words) > 10 and 1 <= len(re.findall(r"[.。]", words)) <= 2, words
        assert not re.search(r"[=^*_]|\b(19|20)\d\d\b", words), words


def test_whatever_an_input_offers_is_a_value_of_its_field() -> None:
    """The judge is the field's own validator."""
    for cls, field in inputs():
        match field["input"]:
            case "slider":
                offered = [field["lower"], field["lower"] + field["step"], field["upper"]]
            case "ladder":
                offered = field["rungs"]
            case "entry":
                offered = [field["lower"], field["upper"]]
            case "options":
                offered = [option["value"] for option in field["options"]]
            case "switch":
                offered = [False, True]
            case _:
                continue
        for value in offered:
            if field.get("whole"):
                value = int(value)
            assert not refused(cls, field["name"], value), (cls.__name__, field["name"], value)


def test_what_lies_beyond_a_box_to_type_into_is_refused() -> None:
    for cls, field in inputs():
        if field["input"] == "entry":
            assert refused(cls, field["name"], field["lower"] - 1) and refused(cls, field["name"], field["upper"] + 1)


def refused(cls: type[Component], name: str, value: Any) -> bool:
    info = cls.model_fields[name]
    try:
        create_model("One", value=(info.annotation or object, info))(value=value)
    except ValidationError:
        return True
    return False


def test_the_features_are_those_of_the_recipe_and_the_data_sets_stand_in_groups() -> None:
    options = next(field["options"] for _, field in inputs() if field["name"] == "features")
    assert [option["value"] for option in options] == list(FEATURES)
    grouped = [kind for group in ENGLISH["groups"].values() for kind in group]
    assert sorted([*grouped, *OWN]) == sorted(kinds(FAMILIES["dataset"]))
    assert set(THUMBNAILS["dataset"]) == set(grouped)
    assert set(THUMBNAILS["activation"]) == set(kinds(FAMILIES["activation"]))


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_text_that_the_scripts_say_comes_with_the_catalogue(language: str) -> None:
    said: set[str] = set()
    for script in SCRIPTS.glob("*.js"):
        for key in re.findall(
            r"""\.say\(\s*(?:[^()"'`]*\? )?["'`]([^"'`]+)["'`]""", script.read_text(encoding="utf-8")
        ):
            said.add(re.sub(r"\$\{[^}]+\}", r"\\w+", key))
    assert len(said) > 25
    texts = CATALOGUES[language]["texts"]
    for key in said:
        assert any(re.fullmatch(key, known) for known in texts), key


def test_the_scripts_write_numbers_as_the_sentences_of_bounds_do() -> None:
    numbers = sorted({rung for _, field in inputs() for rung in field.get("rungs", ())})
    numbers += [0.00333, 2.5, 0.43522479035, 5e-170, 123456.0, 1 / 3]
    script = f"""
        import {{ writeNumber }} from "{(SCRIPTS / "numbers.js").as_uri()}";
        console.log(JSON.stringify({json.dumps(numbers)}.map(writeNumber)));
    """
    assert json.loads(run("--input-type=module", "--eval", script)) == [write_number(number) for number in numbers]


# The small pictures


def test_the_thumbnails_are_those_that_their_sources_give() -> None:
    made = make_thumbnails()
    assert {family: list(kinds) for family, kinds in made.items()} == {f: list(k) for f, k in THUMBNAILS.items()}
    for kind, picture in made["dataset"].items():
        kept = THUMBNAILS["dataset"][kind]
        if "points" not in picture:
            assert picture == kept
        else:
            # A point may fall on either side of a rounding, on another processor.
            assert np.abs(np.subtract(picture["points"], kept["points"])).max() <= 1, kind
            assert picture["numbers"] == kept["numbers"]
    for kind, values in made["activation"].items():
        assert values == pytest.approx(THUMBNAILS["activation"][kind], abs=0.002)


def test_the_curve_of_an_activation_is_that_of_plain_torch() -> None:
    z = torch.linspace(-3, 3, 49)
    plain = {
        "linear": z, "sigmoid": z.sigmoid(), "tanh": z.tanh(), "relu": z.relu(), "mish": torch.nn.functional.mish(z),
        "leaky_relu": torch.nn.functional.leaky_relu(z, 0.01), "elu": torch.nn.functional.elu(z), "selu": torch.nn.functional.selu(z),
        "gelu": torch.nn.functional.gelu(z), "silu": torch.nn.functional.silu(z), "softplus": torch.nn.functional.softplus(z),
    }  # fmt: skip
    assert set(plain) == set(THUMBNAILS["activation"])
    for kind, values in plain.items():
        assert THUMBNAILS["activation"][kind] == pytest.approx(values.tolist(), abs=0.001), kind


@pytest.mark.parametrize("kind", ["iris", "wine", "breast_cancer"])
def test_a_real_table_is_seen_on_its_first_two_principal_components(kind: str) -> None:
    bunch: Any = getattr(bundled, f"load_{kind}")()
    plane = PCA(2).fit_transform(StandardScaler().fit_transform(bunch.data))
    points = np.array(THUMBNAILS["dataset"][kind]["points"])
    rows = np.linspace(0, len(plane) - 1, len(points)).round().astype(int)
    assert (points[:, 2] == bunch.target[rows]).all()
    for axis in (0, 1):  # The sign of a component is free.
        assert abs(np.corrcoef(points[:, axis], plane[rows, axis])[0, 1]) > 0.999


def test_the_digits_are_real_ones_and_the_spiral_has_two_arms() -> None:
    pixels = bundled.load_digits().images[:3]  # type: ignore[union-attr]
    assert THUMBNAILS["dataset"]["digits"]["images"] == pixels.reshape(3, -1).astype(int).tolist()
    points = np.array(THUMBNAILS["dataset"]["spiral"]["points"])
    plane = (points[:, :2] / 100 * 2 - 1) * EDGE
    one, other = (plane[points[:, 2] == label] for label in (0, 1))
    assert len(one) == len(other)
    assert np.hypot(*(one + other).T).max() < 0.6  # Each point has its counterpart on the other side of the middle.


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_browser_gets_it_as_a_file_that_it_may_keep(language: str) -> None:
    status, headers, body = ask(quick_start(), f"/api/assets/{asset_version()}/rail/{language}.json")
    assert status == 200 and "immutable" in headers["cache-control"]
    assert headers["content-type"] == "application/json"
    assert json.loads(body) == json.loads(json.dumps(CATALOGUES[language]))
