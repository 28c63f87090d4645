"""A search space as rows of a form, and as ``ranges.json`` has it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isfinite
from typing import Any

MOST_ROWS = 100
"""Of a file: each becomes a row of the form."""
TYPE, VALUE = "_type", "_value"
LISTED = ("choice", "grid_search")
"""The forms whose values are tried as they are; all others have a fixed count of numbers."""


class NotASearchSpace(ValueError):
    """A file or a row that is none.

    Attributes:
        where: the dimension it is about; empty for the whole.
    """

    def __init__(self, message: str, where: str = "") -> None:
        super().__init__(message)
        self.where = where


@dataclass(frozen=True)
class Dimension:
    """One hyperparameter that is searched, as it stands in a form.

    Attributes:
        kind: how it is drawn, ``loguniform`` for example.
        values: from what, with commas between.
    """

    name: str = ""
    kind: str = ""
    values: str = ""

    @property
    def is_empty(self) -> bool:
        """Whether nothing was filled in."""
        return not (self.name.strip() or self.values.strip())

    @classmethod
    def of(cls, name: str, asked: Mapping[str, Any]) -> Dimension:
        """As it stands in a study or a file."""
        return cls(name, str(asked[TYPE]), ", ".join(json.dumps(each, ensure_ascii=False) for each in asked[VALUE]))

    def asked(self) -> dict[str, Any]:
        """What a request says of it.

        Raises:
            NotASearchSpace: its values cannot be read.
        """
        return {TYPE: self.kind, VALUE: _values(self.values, self.name.strip())}


def to_request(dimensions: Sequence[Dimension]) -> dict[str, dict[str, Any]]:
    """The search space that filled-in rows are.

    Raises:
        NotASearchSpace: a row says nothing of what to draw, or a name is there twice; names the dimension.
    """
    found: dict[str, dict[str, Any]] = {}
    for dimension in dimensions:
        name = dimension.name.strip()
        if dimension.is_empty:
            continue
        if not name:
            raise NotASearchSpace("say which hyperparameter these values are of")
        if name in found:
            raise NotASearchSpace(f"{name} is there twice", name)
        found[name] = dimension.asked()
    return found


def from_file(content: Any) -> tuple[list[Dimension], dict[str, Any]]:
    """What a file of ranges says: the dimensions, and whatever else of a request.

    It is the search space alone, as ``ranges.json`` has it, or a request that has it under ``search_space``.

    Raises:
        NotASearchSpace: it is neither; names the dimension.
    """
    if not isinstance(content, Mapping) or not content:
        raise NotASearchSpace("expected an object with a hyperparameter for each name")
    is_request = isinstance(content.get("search_space"), Mapping) and TYPE not in content["search_space"]
    space = content["search_space"] if is_request else content
    if len(space) > MOST_ROWS:
        raise NotASearchSpace(f"expected at most {MOST_ROWS} hyperparameters, got {len(space)}")
    for name, asked in space.items():
        if not isinstance(asked, Mapping) or not isinstance(asked.get(TYPE), str):
            raise NotASearchSpace(f'{name}: expected {{"{TYPE}": how to draw, "{VALUE}": [from what]}}', name)
        if not isinstance(asked.get(VALUE), list):
            raise NotASearchSpace(f"{name}.{VALUE}: expected a list", name)
        if unknown := sorted(set(asked) - {TYPE, VALUE}):
            raise NotASearchSpace(f"{name}: {unknown[0]} is not known; expected {TYPE} and {VALUE}", name)
    others = {name: value for name, value in content.items() if name != "search_space"} if is_request else {}
    return [Dimension.of(name, asked) for name, asked in space.items()], others


def _values(text: str, name: str) -> list[Any]:
    """What stands between commas: numbers, true, false and null as JSON has them, and words without quotes."""
    try:
        read = _read(f"[{text}]")
    except ValueError:
        read = [_word(part.strip()) for part in text.split(",")]
    if not read or "" in read:
        raise NotASearchSpace(f"{name}: expected values with commas between, for example 0.001, 0.1", name)
    return list(read)


def _word(text: str) -> Any:
    try:
        return _read(text)
    except ValueError:
        return text


def _read(text: str) -> Any:
    """A value of JSON, which has no number that is not finite.

    Raises:
        ValueError: it is none.
    """
    return json.loads(text, parse_constant=_finite, parse_float=_finite)


def _finite(text: str) -> float:
    number = float(text)
    if not isfinite(number):
        raise ValueError(f"{text} is not finite")
    return number
