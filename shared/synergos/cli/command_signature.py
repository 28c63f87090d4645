"""Parameters of commands that are made while the program runs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from inspect import Parameter, Signature, signature
from types import SimpleNamespace
from typing import Annotated, Any, get_type_hints


def keyword(name: str, kind: Any, info: Any, default: Any = None) -> Parameter:
    """A parameter as functions of commands have it.

    Args:
        kind: its type.
        info: an argument or option of Typer's.
        default: of the function; ``Parameter.empty`` where something must be given.
    """
    return Parameter(name, Parameter.KEYWORD_ONLY, default=default, annotation=Annotated[kind, info])


def taking(
    made: Callable[..., None], command: Callable[..., None], options: Mapping[str, object]
) -> Callable[..., None]:
    """Let a function take what a command takes but for its first parameter, and options besides.

    Args:
        options: their types by name; each is None unless it is said.
    """
    _, *own = signature(command).parameters.values()
    # The first is handed over and never read from a command line: its type may be of what is not installed.
    named = {parameter.name: parameter.annotation for parameter in own}
    where = getattr(command, "__globals__", {})
    kinds = get_type_hints(SimpleNamespace(__annotations__=named), where, include_extras=True)
    shown = [
        *(each.replace(kind=Parameter.KEYWORD_ONLY, annotation=kinds[each.name]) for each in own),
        *(Parameter(name, Parameter.KEYWORD_ONLY, default=None, annotation=kind) for name, kind in options.items()),
    ]
    # What reads the parameters of a command looks here.
    made.__signature__ = Signature(shown)  # type: ignore[attr-defined]
    made.__annotations__ = {parameter.name: parameter.annotation for parameter in shown}
    return made
