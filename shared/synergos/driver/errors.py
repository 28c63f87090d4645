"""What goes wrong between the driver and an orchestrator.

SynergosError
├── DriverError             an error answer (with ``raise_errors``), or an answer that is not Synergos's
│   ├── ServerUnreachable   nobody answers at that address, or the connection broke
│   ├── ServerTimeout       connected, but no answer within the driver's time-out
│   └── WaitTimeout         the jobs waited for did not end in time
└── InvalidRequest
    └── UsageError          a call that cannot be turned into a request; nothing was sent
        └── UnknownKeyword  … as it does not take such an argument; a TypeError too, as of any function
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from synergos.errors import InvalidRequest, SynergosError, UnknownName


class DriverError(SynergosError):
    """An orchestrator did not do what was asked.

    Attributes:
        status: the HTTP status of the answer; None when there was no answer.
        message: what the orchestrator said, or what happened.
        field: the field of the request it concerns, when the orchestrator named one.
        body: the whole answer, as far as it was JSON.
    """

    def __init__(
        self,
        message: str,
        status: int | None = None,
        field: str | None = None,
        body: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.status = status
        self.field = field
        self.body = dict(body or {})

    def __str__(self) -> str:
        return self.message if self.status is None else f"{self.message} (status {self.status})"


class ServerUnreachable(DriverError):
    """Nobody answers at that address, or the connection broke before the answer was there."""


class ServerTimeout(DriverError):
    """The orchestrator took the request but gave no answer within the driver's time-out."""


class WaitTimeout(DriverError):
    """The jobs waited for did not end in time; they go on all the same."""


class UsageError(InvalidRequest, ValueError):
    """A call that cannot be turned into a request; nothing was sent."""


class UnknownKeyword(UnknownName, UsageError, TypeError):
    """A call was given an argument that it does not take; names the near misses, and nothing was sent."""
