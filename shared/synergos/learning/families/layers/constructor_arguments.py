"""Checking arguments from a request against the constructors of torch, so that what is wrong is named."""

from __future__ import annotations

import inspect
import re
import types
import typing
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, TypeVar

from synergos.errors import InvalidRequest, UnknownName

T = TypeVar("T")

LARGEST_NUMBER = 2**31 - 1
"""No size, count or index of a request may exceed it."""

_OURS = frozenset({"self", "device", "dtype"})
_JSON_TYPES: Mapping[object, str] = {
    float: "number",
    int: "integer",
    str: "string",
    bool: "boolean",
    type(None): "null",
}
_SCALARS: Mapping[object, tuple[type, ...]] = {float: (int, float), int: (int,), str: (str,), bool: (bool,)}


@dataclass(frozen=True)
class Parameter:
    """One argument of a constructor, as its signature declares it.

    Attributes:
        default: what holds where it is not said; nothing that can be said where it is required.
    """

    name: str
    required: bool
    hint: Any
    default: Any = None

    @property
    def json_schema(self) -> dict[str, object]:
        """What it takes, as JSON Schema; empty where its signature does not say, or says what JSON has not."""
        return _schema_of(self.hint)


def parameters_of(constructed: type) -> Mapping[str, Parameter]:
    """The arguments that a class takes by name, inherited ones included where it passes them on."""
    return _parameters_of(constructed)


@cache
def _parameters_of(constructed: type) -> Mapping[str, Parameter]:
    # Asked for in every round, and the longest part of making an optimizer.
    found: dict[str, Parameter] = {}
    for owner in constructed.__mro__:
        if "__init__" not in vars(owner):
            continue
        signature = inspect.signature(vars(owner)["__init__"])
        hints = _hints(vars(owner)["__init__"])
        for name, parameter in signature.parameters.items():
            if parameter.kind in {parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY} and name not in _OURS:
                required = parameter.default is parameter.empty
                found.setdefault(name, Parameter(name, required, hints.get(name, Any), parameter.default))
        if not any(parameter.kind is parameter.VAR_KEYWORD for parameter in signature.parameters.values()):
            break
    return found


def check_arguments(
    given: Mapping[str, object], parameters: Mapping[str, Parameter], what: str, place: Callable[[str], str]
) -> None:
    """Refuse arguments that are unknown, missing or of another type than the signature says.

    Raises:
        InvalidRequest: names the argument through ``place(name)`` and says what was expected.
    """
    for name, value in given.items():
        if name not in parameters:
            raise UnknownName(name, parameters, place(name), f"an argument of {what}")
        if not _matches(value, parameters[name].hint):
            expected = _describe(parameters[name].hint)
            raise InvalidRequest(f"expected {expected} for {what}, got {_describe_value(value)}", place(name))
    for parameter in parameters.values():
        if parameter.required and parameter.name not in given:
            raise InvalidRequest(f"{what} needs it ({_describe(parameter.hint)})", place(parameter.name))


def construct(build: Callable[[], T], what: str, names: Mapping[str, str], otherwise: str) -> T:
    """Build something of torch's; when torch refuses, name the argument that its message mentions.

    Args:
        names: argument name to the field it came from.
        otherwise: the field when the message mentions none.

    Raises:
        InvalidRequest: torch refused.
    """
    try:
        return build()
    except InvalidRequest:
        raise
    except Exception as error:  # torch has no error class of its own for a wrong argument
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        mentioned = [name for name in re.findall(r"\w+", reason.lower()) if name in names]
        field = names[mentioned[0]] if mentioned else otherwise
        raise InvalidRequest(f"{what} cannot be used like this: {reason}", field) from error


def sole(names: Mapping[str, str], otherwise: str) -> str:
    """The field of the only argument there is, which then must be the one at fault; else ``otherwise``."""
    return next(iter(names.values())) if len(names) == 1 else otherwise


def tuples(value: Any) -> Any:
    """Lists as the tuples that torch expects, at any depth."""
    return tuple(map(tuples, value)) if isinstance(value, list) else value


def _hints(function: Callable[..., object]) -> dict[str, object]:
    try:
        return typing.get_type_hints(function)
    except NameError:  # torch imports some names for type checkers only
        return {}


def _matches(value: object, hint: Any) -> bool:
    origin = typing.get_origin(hint)
    arguments = typing.get_args(hint)
    if hint is Any:
        return True
    if hint is None or hint is type(None):
        return value is None
    if hint in _SCALARS:
        return isinstance(value, _SCALARS[hint]) and (hint is bool or not isinstance(value, bool))
    if origin is typing.Union or origin is types.UnionType:
        return any(_matches(value, one) for one in arguments)
    if origin is typing.Literal:
        return value in arguments
    if origin in {list, tuple}:
        return isinstance(value, list | tuple) and _all_match(value, arguments)
    return isinstance(value, hint) if isinstance(hint, type) else True


def _all_match(values: list[object] | tuple[object, ...], hints: tuple[Any, ...]) -> bool:
    if len(hints) > 1 and Ellipsis not in hints:
        return len(values) == len(hints) and all(map(_matches, values, hints))
    return all(_matches(value, hints[0]) for value in values) if hints else True


def _describe(hint: Any) -> str:
    if typing.get_origin(hint) in {typing.Union, types.UnionType}:
        parts = [_describe(one) for one in typing.get_args(hint) if not isinstance(one, type) or one in _SCALARS]
        return " or ".join(dict.fromkeys(parts)) or str(hint)
    if hint is Any:
        return "a value"
    if typing.get_origin(hint) is typing.Literal:
        return "one of " + ", ".join(map(repr, typing.get_args(hint)))
    if typing.get_origin(hint) is None and isinstance(hint, type):
        return {float: "a number", int: "an integer", str: "a string", bool: "true or false"}.get(hint, hint.__name__)
    return str(hint).removeprefix("typing.")


def _schema_of(hint: Any) -> dict[str, object]:
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if hint in _JSON_TYPES:
        return {"type": _JSON_TYPES[hint]}
    if origin is typing.Literal:
        return {"enum": list(arguments)}
    if origin in {list, tuple}:
        items = [_schema_of(one) for one in arguments if one is not Ellipsis]
        return {"type": "array", **({"items": items[0]} if items and all(one == items[0] for one in items) else {})}
    if origin is typing.Union or origin is types.UnionType:
        # What is left out cannot be said in JSON, as a tensor.
        several = [found for one in arguments if (found := _schema_of(one))]
        unique = [one for index, one in enumerate(several) if one not in several[:index]]
        return unique[0] if len(unique) == 1 else {"anyOf": unique} if unique else {}
    return {}


def _describe_value(value: object) -> str:
    if value is None or isinstance(value, bool | int | float | str):
        return repr(value)[:80]
    return type(value).__name__
