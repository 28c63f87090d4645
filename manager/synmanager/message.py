"""A message as text: a JSON object with sorted keys."""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable, Mapping
from typing import Any

from synmanager.errors import NotAMessage

Callback = Callable[..., Any]
"""Takes a message as ``f(**message)`` or, when these are its parameters' names, as ``f(kwargs, host)``."""

_ENCODER = json.JSONEncoder(sort_keys=True, default=str)


def to_text(fields: Mapping[str, Any]) -> str:
    """The message that says ``fields``; what JSON has no word for becomes a string."""
    return _ENCODER.encode(fields)


def from_text(text: str | bytes) -> dict[str, Any]:
    """What a message says.

    Raises:
        NotAMessage: it is no JSON object in UTF-8.
    """
    try:
        fields = json.loads(text if isinstance(text, str) else text.decode())
    except (ValueError, RecursionError) as error:
        # Not what the parser says: it quotes what it read.
        raise NotAMessage("not JSON in UTF-8") from error
    if not isinstance(fields, dict):
        raise NotAMessage(f"expected a JSON object, not {type(fields).__name__}")
    return fields


def caller_of(callback: Callback, host: str) -> Callable[[dict[str, Any]], Any]:
    """How a message is handed to a callback.

    Args:
        host: of the broker, for callbacks that publish on.
    """
    try:
        names = tuple(inspect.signature(callback).parameters)
    except ValueError:  # built in
        names = ()
    if names == ("kwargs", "host"):
        return lambda fields: callback(fields, host)
    return lambda fields: callback(**fields)
