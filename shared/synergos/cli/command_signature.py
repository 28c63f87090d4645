"""A parameter of a command that is made while the program runs."""

from __future__ import annotations

from inspect import Parameter
from typing import Annotated, Any


def keyword(name: str, kind: Any, info: Any, default: Any = None) -> Parameter:
    """A parameter as functions of commands have it.

    Args:
        kind: its type.
        info: an argument or option of Typer's.
        default: of the function; ``Parameter.empty`` where something must be given.
    """
    return Parameter(name, Parameter.KEYWORD_ONLY, default=default, annotation=Annotated[kind, info])
