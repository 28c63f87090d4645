"""Why a value does not fit its JSON Schema: the field, what was expected there, and the names it may have meant."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any

import msgspec
from jsonschema import Draft202012Validator, FormatChecker
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
_MOST_LISTED = 16
"""So many names are said where none is a near miss."""
_BOUNDS = {
    "minimum": "at least {}",
    "maximum": "at most {}",
    "exclusiveMinimum": "more than {}",
    "exclusiveMaximum": "less than {}",
    "minItems": "at least {} items",
    "maxItems": "at most {} items",
    "minProperties": "at least {} entries",
    "maxProperties": "at most {} entries",
    "minLength": "at least {} characters",
    "maxLength": "at most {} characters",
    "pattern": "a string that matches {}",
    "format": "a {} as RFC 3339 writes it",
    "uniqueItems": "no item twice",
}


def _is_whole_number(_checker: object, value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


# JSON Schema also takes 2.0 for an integer; nothing behind it does. A value may have been made here, of tuples.
_TYPES = Draft202012Validator.TYPE_CHECKER.redefine_many(
    {
        "integer": _is_whole_number,
        "array": lambda _checker, value: isinstance(value, list | tuple),
        "object": lambda _checker, value: isinstance(value, Mapping),
    }
)
_FORMATS = FormatChecker(formats=())
_Validator: Any = extend(Draft202012Validator, type_checker=_TYPES)  # type: ignore[no-untyped-call]


@_FORMATS.checks("date-time", msgspec.ValidationError)
def _is_moment(value: object) -> bool:
    return not isinstance(value, str) or bool(msgspec.convert(value, datetime))


def explain(schema: Mapping[str, object], value: object, *, quotes: bool = True, at: str = "") -> InvalidRequest | None:
    """The first field that does not fit, and what was expected; None when all fit.

    Args:
        quotes: whether the value, and keys that the schema does not name, may be repeated.
        at: where the value itself stands.
    """
    # Only the first: a body of a million wrong items would have a million errors.
    error = next(_Validator(schema, format_checker=_FORMATS).iter_errors(value), None)
    if error is None:
        return None
    around: list[str | int] = [at] if at else []
    return _quoting(error, around) if quotes else _silent(error, around)


def path(steps: Iterable[str | int]) -> str:
    """Where a value stands, as ``model[2].l_type``."""
    text = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in steps)
    return text.removeprefix(".")


def _quoting(error: ValidationError, around: list[str | int]) -> InvalidRequest:
    place, keyword = around + list(error.absolute_path), str(error.validator)
    instance: Any = error.instance
    if keyword == "required":
        return InvalidRequest("is required", path([*place, _missing(error)]))
    if keyword == "additionalProperties":
        schema: Any = error.schema
        known, patterns = schema.get("properties", ()), schema.get("patternProperties", ())
        unknown = next(name for name in instance if name not in known and not any(re.search(p, name) for p in patterns))
        listed = sorted(known) if len(known) <= _MOST_LISTED else ()
        return UnknownName(_short(unknown), known, path([*place, _short(unknown)]), "a known field", listed=listed)
    if keyword == "enum":
        names = _choices(error)
        return UnknownName(_short(instance), names, path(place), f"one of {', '.join(names)}")
    if keyword == "type":
        return InvalidRequest(f"expected {_types(error)}, got {_kind(instance)}", path(place) or "body")
    bound = _bound(error)
    return InvalidRequest(f"expected {bound}, got {_short(instance)!r}", path(place))


def _silent(error: ValidationError, around: list[str | int]) -> InvalidRequest:
    place, keyword = path([*around, *_named(error)]), str(error.validator)
    if keyword == "required":
        return InvalidRequest("is required", f"{place}.{_missing(error)}".removeprefix("."))
    if keyword == "additionalProperties":
        return InvalidRequest("has a field that is not known", place or "body")
    if keyword == "enum":
        return InvalidRequest(f"expected one of {', '.join(_choices(error))}", place)
    if keyword == "type":
        return InvalidRequest(f"expected {_types(error)}", place or "body")
    return InvalidRequest(f"expected {_bound(error)}", place)


def _bound(error: ValidationError) -> str:
    keyword, schema = str(error.validator), error.schema
    # What a pattern is for says more than the pattern.
    if keyword == "pattern" and isinstance(schema, Mapping) and "description" in schema:
        return str(schema["description"])
    return _BOUNDS.get(keyword, "something else").format(error.validator_value)


def _named(error: ValidationError) -> Iterator[str | int]:
    """Where the value stands, by the names that are the schema's; keys that whoever sent it chose are left open."""
    keywords = iter(error.absolute_schema_path)
    for step in error.absolute_path:
        keyword = next(keywords)
        if keyword in {"properties", "patternProperties"}:
            next(keywords)
        yield step if keyword in {"properties", "items"} else "*"


def _missing(error: ValidationError) -> str:
    required: Any = error.validator_value
    instance: Any = error.instance
    return str(next(name for name in required if name not in instance))


def _choices(error: ValidationError) -> list[str]:
    choices: Any = error.validator_value
    return ["null" if choice is None else str(choice) for choice in choices]


def _types(error: ValidationError) -> str:
    wanted: Any = error.validator_value
    schema: Any = error.schema
    names = " or ".join(_TYPE_NAMES[name] for name in ([wanted] if isinstance(wanted, str) else wanted))
    return " such as ".join([names, *map(json.dumps, schema.get("examples", ())[:1])])


def _kind(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    kinds: dict[str, type] = {"an object": dict, "a list": list, "a string": str, "null": type(None)}
    return next((name for name, kind in kinds.items() if isinstance(value, kind)), f"{value!r:.40}")


def _short(value: object) -> str:
    text = str(value)
    return text if len(text) <= 80 else f"{text[:77]}..."
