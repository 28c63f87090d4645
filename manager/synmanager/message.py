"""A message as text: a JSON object with sorted keys."""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable, Mapping
from typing import Any

from synmanager.errors import MessageTooLarge, NotAMessage

LARGEST = 2**24
"""Bytes of the largest message that is published or read."""

Callback = Callable[..., Any]
"""Takes a message as ``f(**message)`` or, when these are its parameters' names, as ``f(kwargs, host)``."""

_ENCODER = json.JSONEncoder(sort_keys=True, default=str)


def to_text(fields: Mapping[str, object]) -> str:
    """The message that says ``fields``; what JSON has no word for becomes a string.

    Raises:
        MessageTooLarge: nobody would read it.
    """
    text = _ENCODER.encode(fields)
    # All of it is ASCII.
    if len(text) > LARGEST:
        raise MessageTooLarge(f"a message has {len(text)} bytes, and at most {LARGEST} are read")
    return text


def from_text(text: str | bytes) -> dict[str, object]:
    """What a message says.

    Raises:
        NotAMessage: it is no JSON object in UTF-8, or too large.
    """
    check_size(text)
    try:
        fields = json.loads(text if isinstance(text, str) else text.decode())
    except (ValueError, RecursionError) as error:
        # Not what the parser says: it quotes what it read.
        raise NotAMessage("not JSON in UTF-8") from error
    if not isinstance(fields, dict):
        raise NotAMessage(f"expected a JSON object, not {type(fields).__name__}")
    return fields


def check_size(text: str | bytes) -> None:
    """Refuse what is larger than anybody should read.

    Raises:
        NotAMessage: it is.
    """
    if len(text) > LARGEST:
        raise NotAMessage(f"more than {LARGEST} bytes")


def caller_of(callback: Callback, host: str) -> Callable[[dict[str, object]], Any]:
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
