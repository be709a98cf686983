"""What every recipe is, of whatever kind of learning: one frozen value in JSON that says everything about a run."""

from __future__ import annotations

import json
from typing import Any, ClassVar, Self

from dlcore.component import Component, validate
from dlcore.problems import Problem


class Recipe(Component):
    """A recipe. Kinds of learning are siblings: they share the components that they are made of, and what stands here."""

    longest: ClassVar[int] = 200_000  # characters of its text

    @classmethod
    def from_dict(cls, values: Any) -> Self:
        """Check plain JSON values. Raises Problem with the path of what is wrong."""
        return validate(cls, values)

    @classmethod
    def from_json(cls, text: str | bytes) -> Self:
        """Check a recipe's text. Raises Problem."""
        return cls.from_dict(values_of_json(text, cls.longest))

    def to_dict(self) -> dict[str, Any]:
        return self.model_dump(mode="json", exclude_none=True)

    def to_json(self, indent: int | None = None) -> str:
        """The recipe's text; `from_json` gives an equal recipe."""
        return json.dumps(self.to_dict(), indent=indent, ensure_ascii=False)

    def without_journal(self) -> Self:
        """The recipe as a run can begin with it: nothing has been changed in it yet."""
        return self

    def same_start(self, other: Recipe) -> bool:
        """Whether a run of this can go on as a run of `other` and keep what it has learned."""
        return self == other

    def check_readable(self) -> None:
        """Raises Problem unless the person this process works for may see the recipe's rows, if it has any."""

    @property
    def num_parameters(self) -> int:
        """How many numbers are learned."""
        raise NotImplementedError

    @property
    def most_operations(self) -> int:
        """Operations of the longest thing that its learner or its picture does at one go, as far as the sizes tell."""
        raise NotImplementedError

    def history_names(self, columns: tuple[str, ...]) -> tuple[str, ...]:
        """The columns of its learner's history as people call them."""
        return columns


def values_of_json(text: str | bytes, longest: int) -> Any:
    """The plain JSON values of a text of at most so many characters. Raises Problem."""
    if len(text) > longest:
        raise Problem("too_long", came=len(text), limit=longest)
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        raise Problem("not_json", line=error.lineno, column=error.colno, detail=error.msg) from None
    except UnicodeDecodeError:
        raise Problem("not_json", line=1, column=1, detail="the text is not UTF-8") from None
    except (RecursionError, ValueError):
        raise Problem("not_json", line=1, column=1, detail="too deeply nested or too long a number") from None
