"""What a call of the driver takes, as options of a command: read off its signature and its docstring."""

from __future__ import annotations

import inspect
import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from inspect import Parameter
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, Union, get_args, get_origin

import typer

from synergos.cli.command_signature import keyword
from synergos.errors import InvalidRequest

HELP: Mapping[str, str] = {
    "auto_align": "use the alignment that was agreed.",
    "verbose": "let the workers say more in their logs.",
    "log_msgs": "let the workers log messages.",
    "priority": "of the jobs, -100 to 100; in a cluster, those of a higher one start first.",
    "version": "the number of a training; that of the run's model without it.",
    "category": "what kind of organisation it is, for people to read.",
    "summary": "for people to read.",
    "phone": "for people to read.",
    "email": "for people to read.",
    "socials": "for people to read.",
}
"""Of parameters whose call does not say it in its docstring."""
WITHOUT_EFFECT = frozenset({"dockerised", "is_remote", "use_annotation"})
"""Parameters that only the original's notebooks have."""
TAGS = "Tags"
"""What the driver calls dataset folders, each a list of names, in its annotations."""
_JSON = "JSON, or a file of it."
_SINGULAR: Mapping[str, str] = {"names": "name", "run_ids": "run"}
"""Parameters that take several, which an option takes one after the other."""
_PATHS: Any = (str | Path, Path)
_SHAPES: Mapping[Any, type] = {Sequence: list, Mapping: dict}
_WORDS: Mapping[type, str] = {list: "a JSON list", dict: "a JSON object"}
_MOST_QUOTED = 40
"""Characters of what is refused that an error repeats."""
_SECTION = re.compile(r"^[A-Z][a-z]+:$")
_ROLE = re.compile(r":\w+:`~?(?:[\w.]*\.)?(\w+)`")


class Tagged:
    """Dataset folders, for :func:`_as_given`."""


@dataclass(frozen=True)
class Option:
    """A parameter of a call, as a command takes it.

    Attributes:
        name: of the parameter.
        parameter: as the command line takes it.
        read: from what was given to what the call takes.
    """

    name: str
    parameter: Parameter
    read: Callable[[Any], Any]


def parameters_of(call: Callable[..., Any]) -> list[Parameter]:
    """The parameters of a method, without the object itself, their types resolved as far as they can be."""
    found = list(inspect.signature(call).parameters.values())
    return [parameter.replace(annotation=_type_of(parameter, call)) for parameter in found if parameter.name != "self"]


def option_of(parameter: Parameter, documented: Mapping[str, str], *, optional: bool = False) -> Option:
    """A parameter as an option.

    Args:
        documented: what the call's docstring says, by parameter.
        optional: whether it can be left out even where the call needs it.
    """
    what = documented.get(parameter.name) or HELP.get(parameter.name, "see the driver's documentation.")
    is_required = parameter.default is Parameter.empty and not optional
    kind, read, more = _as_given(parameter)
    words = [_sentence(what), more, "" if optional or is_required else _default(parameter)]
    declarations = [_flag(parameter.name)]
    if kind is bool and parameter.default is not False:
        declarations = [f"{declarations[0]}/--no-{declarations[0][2:]}"]
    option = typer.Option(*declarations, help=" ".join(filter(None, words)), show_default=False)
    default = Parameter.empty if is_required else None
    shown = keyword(parameter.name, kind if is_required else kind | None, option, default)
    return Option(parameter.name, shown, read)


def documentation(call: Callable[..., Any]) -> tuple[str, dict[str, str]]:
    """What a docstring says: its first paragraph, and what each argument is."""
    lines = (inspect.getdoc(call) or "").splitlines()
    first = " ".join(lines[: lines.index("")] if "" in lines else lines)
    arguments: dict[str, str] = {}
    name = ""
    begin = lines.index("Args:") + 1 if "Args:" in lines else len(lines)
    for line in lines[begin:]:
        if _SECTION.match(line):
            break
        if named := re.match(r"^    (\w+): (.*)$", line):
            name = named[1]
            arguments[name] = named[2]
        elif name and line.strip():
            arguments[name] += f" {line.strip()}"
    return _plain(first), {name: _plain(text) for name, text in arguments.items()}


def read_json(text: str, field: str) -> Any:
    """A value that is given as JSON, or as the name of a file with it.

    Raises:
        InvalidRequest: it is neither.
    """
    try:
        return json.loads(text)
    except ValueError as error:
        if text.lstrip()[:1] in {"{", "["}:
            raise InvalidRequest(f"is not JSON: {error}", field) from None
    try:
        return json.loads(Path(text).read_text(encoding="utf-8"))
    except OSError as error:
        raise InvalidRequest(f"{text} is neither JSON nor a file that can be read: {error.strerror}", field) from None
    except ValueError as error:
        raise InvalidRequest(f"{text} is not JSON: {error}", field) from None


def read_named(given: Sequence[str] | None, field: str) -> dict[str, str]:
    """Texts by name, each given as ``name=text``.

    Raises:
        InvalidRequest: one is not given so, or a name twice.
    """
    found: dict[str, str] = {}
    for each in given or ():
        name, separator, text = each.partition("=")
        if not separator or not name.isidentifier():
            raise InvalidRequest(f"expected name=value, got {each!r}", field)
        if name in found:
            raise InvalidRequest(f"{name} is given already", field)
        found[name] = text
    return found


def read_settings(given: Sequence[str] | None, field: str) -> dict[str, object]:
    """Values by name, likewise; a value that is no JSON is a text."""
    return {name: _json_or_text(text) for name, text in read_named(given, field).items()}


def _json_or_text(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text


def _as_given(parameter: Parameter) -> tuple[Any, Callable[[Any], Any], str]:
    """How a parameter is given, how that is read, and what is said about it."""
    kind = without_none(parameter.annotation)
    field = _flag(parameter.name)
    if kind in {str, int, float, bool}:
        return kind, lambda given: given, ""
    if kind in _PATHS:
        return Path, lambda given: given, ""
    if kind is Tagged:
        return list[str], lambda given: [tag.strip("/").split("/") for tag in given], "A folder as a/b; repeatable."
    if kind == Sequence[str]:
        return list[str], list, "Repeatable."
    shape = _SHAPES.get(get_origin(kind))
    return str, lambda given: _shaped(read_json(given, field), shape, field), _JSON


def _shaped(value: Any, shape: type | None, field: str) -> Any:
    if shape is not None and not isinstance(value, shape):
        raise InvalidRequest(f"expected {_WORDS[shape]}, got {json.dumps(value)[:_MOST_QUOTED]}", field)
    return value


def _flag(name: str) -> str:
    return f"--{_SINGULAR.get(name, name).replace('_', '-')}"


def _type_of(parameter: Parameter, call: Callable[..., Any]) -> Any:
    """The type that an annotation names; ``object`` for what only type checkers know."""
    if not isinstance(parameter.annotation, str):
        return parameter.annotation
    if parameter.annotation.removesuffix(" | None") == TAGS:
        return Tagged
    try:
        return eval(parameter.annotation, getattr(call, "__globals__", {}))  # noqa: S307 an annotation of this package
    except NameError:
        return object


def without_none(kind: Any) -> Any:
    """A type without the possibility of None."""
    if get_origin(kind) not in {Union, UnionType} or NoneType not in get_args(kind):
        return kind
    left = [each for each in get_args(kind) if each is not NoneType]
    return left[0] if len(left) == 1 else Union[tuple(left)]  # noqa: UP007 of a list


def _default(parameter: Parameter) -> str:
    value = parameter.default
    if value is None or value in ("", ()) or isinstance(value, bool):
        return ""
    return f"Default: {value}."


def _sentence(text: str) -> str:
    ended = text if text.endswith((".", "…")) else f"{text}."
    return ended[:1].upper() + ended[1:]


def _plain(text: str) -> str:
    return _ROLE.sub(r"`\1`", text).replace("``", "`")
