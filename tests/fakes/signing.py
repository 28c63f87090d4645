"""Somebody who has seen what was signed, and shows it again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from synmanager.broker import Sign


class SignedOnce:
    """Signs the first message, and shows that signature with every later one."""

    def __init__(self, sign: Sign) -> None:
        self._sign = sign
        self._seen: Mapping[str, Any] | None = None

    def __call__(self, queue: str, body: bytes) -> Mapping[str, Any]:
        if self._seen is None:
            self._seen = self._sign(queue, body)
        return self._seen
