"""What somebody types for an argument, and what is said of it: by its schema a choice, a switch, a number, a list or a text."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from synergos.foreign_json import objects, texts
from synergos_portal.orchestrator.vocabulary import Argument
from synergos_portal.pages.declaring import said, typed

TRUE, FALSE = "true", "false"


@dataclass(frozen=True)
class Input:
    """An argument as it is typed.

    Attributes:
        choices: words to choose from; none where it is typed.
        placeholder: what holds where nothing is typed.
        is_fitted: whether alignment sets it.
    """

    id: str
    name: str
    value: str
    about: str | None = None
    choices: Sequence[str] = ()
    placeholder: str = ""
    is_number: bool = False
    is_required: bool = False
    is_fitted: bool = False
    errors: Sequence[str] = ()


def input_of(
    place: str, argument: Argument, value: str, errors: Sequence[str] = (), *, is_fitted: bool = False
) -> Input:
    """The control of an argument, with what was typed there."""
    return Input(
        id=place,
        name=argument.name,
        value=value,
        about=argument.description,
        choices=choices_of(argument),
        placeholder="" if argument.is_required or argument.default is None else text_of(argument.default),
        is_number=is_number(argument),
        is_required=argument.is_required,
        is_fitted=is_fitted,
        errors=errors,
    )


def choices_of(argument: Argument) -> Sequence[str]:
    """The words that can be chosen for an argument; none where something is typed."""
    kinds = _kinds(argument.schema)
    for kind in kinds:
        if "enum" in kind:
            return texts(kind["enum"])
    return (TRUE, FALSE) if kinds and all(kind.get("type") in ("boolean", "null") for kind in kinds) else ()


def is_number(argument: Argument) -> bool:
    """Whether a number is typed for it, and nothing else."""
    kinds = [kind.get("type") for kind in _kinds(argument.schema)]
    return bool(kinds) and set(kinds) <= {"integer", "number", "null"}


def value_of(argument: Argument | None, text: str) -> Any:
    """What is said by a text: as the orchestrator takes it where it could be meant, else as it was typed."""
    schema = {} if argument is None else argument.schema
    types = {kind.get("type") for kind in _kinds(schema)}
    if text in (TRUE, FALSE) and (not types or "boolean" in types):
        return text == TRUE
    if text.startswith(("[", "{")):
        try:
            return json.loads(text)
        except (ValueError, RecursionError):
            return text
    if ("array" in types and "," in text) or types == {"array"}:
        return [said(each) for each in text.split(",") if each.strip()]
    if (types and types <= {"string"}) or any("enum" in kind for kind in _kinds(schema)):
        return text
    return said(text)


def text_of(value: object) -> str:
    """A value as somebody would have typed it; JSON where it is nested."""
    if isinstance(value, dict) or (isinstance(value, list) and any(isinstance(each, list | dict) for each in value)):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, list) and len(value) == 1:
        return json.dumps(value, ensure_ascii=False)
    return typed(value)


def _kinds(schema: Mapping[str, object]) -> list[Mapping[str, object]]:
    return [*objects(schema.get("anyOf")), *([schema] if "type" in schema or "enum" in schema else [])]
