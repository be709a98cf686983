"""All texts of the page, in the reader's language.

The English texts about a component are in its class (title, docstring, descriptions); other English texts are in en.json, and all
Chinese ones in zh_CN.json. Each package, in dlcore too, has its problems, and each page its own texts, in a folder `locales/` of its
own. `session.t` gives plain text, `session.label` the same escaped for widgets that read markdown.
"""

from __future__ import annotations

import functools
import inspect
import re
from pathlib import Path

from pydantic.fields import FieldInfo

from dlcore.catalogue import FAMILIES
from dlcore.component import kinds, list_fields, options_of
from dlcore.experiment import Experiment
from dlcore.export.findings import SENTENCES
from dlcore.export.words import ENGLISH as REPORTED
from dlcore.problems import Problem, text_files, texts_in

LANGUAGES: dict[str, str] = {"en": "English", "zh_CN": "中文"}
ROOT = Path(__file__).parent.parent
PACKAGES = ("dlcore", "ui")  # packages searched for folders `locales/`

# Only signs with a meaning are escaped, as screen readers read the escapes in labels aloud: round brackets mean nothing without
# square ones, nor does a colon before a space.
_MARKDOWN = re.compile(r"([\\`*_{}\[\]<>#+\-.!|~$&^=@]|:(?!\s|$))")


def find_language(wish: str | None) -> str | None:
    """Our language for a tag like "zh-CN", "zh" or "en-GB"; None if there is none."""
    wish = (wish or "").lower()
    return next((language for language in LANGUAGES if wish[:2] == language[:2]), None)


@functools.cache
def catalogue(language: str) -> dict[str, str]:
    """Every message in this language, {key: text}."""
    written = {key: message for file in locales(language) for key, message in texts_in(file).items()}
    return {**read_classes(), **written} if language == "en" else written


def locales(language: str) -> list[Path]:
    """The files of this language: of the packages of dlcore, of what pages share, and of each page."""
    return [file for package in PACKAGES for file in text_files(ROOT / package, language)]


def read_classes() -> dict[str, str]:
    """The English texts in classes of components, and those of reports and of the validator."""
    messages = {**SENTENCES, **REPORTED}
    for name, info in Experiment.model_fields.items():
        messages |= _read_field(f"experiment.{name}", name, info)
    for family, union in FAMILIES.items():
        for kind, cls in kinds(union).items():
            prefix = f"component.{family}.{kind}"
            messages[f"{prefix}.title"] = cls.title
            messages[f"{prefix}.help"] = " ".join(inspect.getdoc(cls).split())  # type: ignore[union-attr]
            for name, info in list_fields(cls).items():
                messages |= _read_field(f"{prefix}.{name}", name, info)
    return messages


def _read_field(key: str, name: str, info: FieldInfo) -> dict[str, str]:
    options = {
        f"{key}.{option}": str(option).capitalize() for option in options_of(info.annotation) if name != "version"
    }
    return {key: name.replace("_", " ").capitalize(), f"{key}.help": info.description or "", **options}


def text(language: str, key: str, **values: str | int | float) -> str:
    """The message of this key, with values filled in."""
    message = catalogue(language)[key]
    return message.format(**values) if values else message


def sentence(language: str, problem: Problem) -> str:
    """The sentence for a problem in this language."""
    said = {"expected": phrase, "came": phrase, "neighbour": _find_title}
    if problem.key in ("classic_offline", "classic_changed"):
        said["name"] = _find_title
    values = {name: said[name](language, value) if name in said else value for name, value in problem.values.items()}
    for name, kind in problem.values.items():
        if name.endswith("_title"):  # The kind of a component of the recipe.
            values[name] = text(language, f"component.{name.removesuffix('_title')}.{kind}.title")
    return text(language, f"problem.{problem.key}", **values)


def phrase(language: str, value: str | int | float) -> str | int | float:
    """A phrase of the validator ("at most 5") in this language; any other text or number unchanged."""
    for key, pattern in _list_turns():
        if isinstance(value, str) and (match := pattern.fullmatch(value)):
            return text(language, key, **match.groupdict())
    return value


def _find_title(language: str, value: str | int | float) -> str | int | float:
    """The English title of a bundled or classic data set in this language; any other value unchanged."""
    titles = (key for key in catalogue("en") if re.fullmatch(r"component\.dataset\.\w+\.title|classic\.\w+", key))
    return next((text(language, key) for key in titles if text("en", key) == value), value)


@functools.cache
def _list_turns() -> list[tuple[str, re.Pattern[str]]]:
    turns = {key: template for key, template in catalogue("en").items() if key.startswith("turn.")}
    return [
        (key, re.compile(re.escape(template).replace(r"\{value\}", r"(?P<value>[^ ]+)")))
        for key, template in turns.items()
    ]


def escape(plain: str) -> str:
    """Plain text for a widget that reads markdown: every sign is shown as it is, and nothing becomes a link or an image."""
    return _MARKDOWN.sub(r"\\\1", plain)
