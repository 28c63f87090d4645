"""Checking a request's body against a JSON Schema, with an answer that names the field."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError
from jsonschema.validators import extend

from synergos.errors import InvalidRequest, UnknownName

_TYPE_NAMES = {
    "array": "a list",
    "boolean": "true or false",
    "integer": "a whole number",
    "null": "null",
    "number": "a number",
    "object": "an object",
    "string": "a string",
}
_BOUNDS = {
    "minimum": "at least {}",
    "maximum": "at most {}",
    "minItems": "at least {} items",
    "maxProperties": "at most {} entries",
    "minLength": "at least {} characters",
    "maxLength": "at most {} characters",
    "pattern": "a string that matches {}",
}


def _is_whole_number(_checker: object, value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


# JSON Schema also takes 2.0 for an integer; nothing behind it does.
_TYPES = Draft202012Validator.TYPE_CHECKER.redefine("integer", _is_whole_number)
_Validator: Any = extend(Draft202012Validator, type_checker=_TYPES)  # type: ignore[no-untyped-call]


class Schema:
    """A named JSON Schema of a body.

    Args:
        name: what the documentation calls it.
        definition: the schema; it is not copied and must not change.
    """

    def __init__(self, name: str, definition: Mapping[str, Any]) -> None:
        self.name = name
        self.definition = definition
        self._validator = _Validator(definition)

    @property
    def defaults(self) -> dict[str, Any]:
        """What fields are when they are left out, for those where the schema says."""
        properties: Mapping[str, Mapping[str, Any]] = self.definition["properties"]
        return {name: field["default"] for name, field in properties.items() if "default" in field}

    def check(self, body: object) -> None:
        """Refuse a body that does not fit.

        Raises:
            InvalidRequest: the first field that does not, and what was expected.
        """
        # Only the first: a body of a million wrong items would have a million errors.
        error = next(self._validator.iter_errors(body), None)
        if error is not None:
            raise _explained(error)


def path(steps: Iterable[str | int]) -> str:
    """Where a value stands, as ``model[2].l_type``."""
    text = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in steps)
    return text.removeprefix(".")


def _explained(error: ValidationError) -> InvalidRequest:
    place, keyword = list(error.absolute_path), str(error.validator)
    wanted: Any = error.validator_value
    schema: Any = error.schema
    instance: Any = error.instance
    if keyword == "required":
        missing = next(name for name in wanted if name not in instance)
        return InvalidRequest("is required", path([*place, missing]))
    if keyword == "additionalProperties":
        known, patterns = schema["properties"], schema.get("patternProperties", ())
        unknown = next(name for name in instance if name not in known and not any(re.search(p, name) for p in patterns))
        return UnknownName(_short(unknown), known, path([*place, _short(unknown)]), "a known field")
    if keyword == "enum":
        return UnknownName(_short(instance), wanted, path(place), f"one of {', '.join(wanted)}")
    if keyword == "type":
        names = [wanted] if isinstance(wanted, str) else wanted
        expected = " or ".join(_TYPE_NAMES[name] for name in names)
        return InvalidRequest(f"expected {expected}, got {_kind(instance)}", path(place) or "body")
    bound = _BOUNDS.get(keyword, "something else").format(wanted)
    return InvalidRequest(f"expected {bound}, got {_short(instance)!r}", path(place))


def _kind(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    kinds: dict[str, type] = {"an object": dict, "a list": list, "a string": str, "null": type(None)}
    return next((name for name, kind in kinds.items() if isinstance(value, kind)), f"{value!r:.40}")


def _short(value: object) -> str:
    text = str(value)
    return text if len(text) <= 80 else f"{text[:77]}..."
