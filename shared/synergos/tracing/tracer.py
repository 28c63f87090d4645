"""Whom spans are told."""

from __future__ import annotations

from typing import Protocol

from synergos.tracing.span import Span


class Tracer(Protocol):
    """Takes spans; its methods may be called by any thread, and none but ``close`` waits for anything."""

    @property
    def is_on(self) -> bool:
        """Whether spans are of any use: nobody needs to make them otherwise."""

    def put(self, span: Span) -> None:
        """Take a span; one whose trace is not to be recorded is passed over."""

    def close(self) -> None:
        """Send what waits, for a few seconds at most."""


class _Off:
    """Nobody is told."""

    is_on = False

    def put(self, span: Span) -> None:
        """Pass it over."""

    def close(self) -> None:
        """Nothing waits."""


OFF: Tracer = _Off()
