"""What goes wrong between the driver and an orchestrator.

SynergosError
├── DriverError             an error answer (with ``raise_errors``), or an answer that is not Synergos's
│   ├── ServerUnreachable   nobody answers at that address, or the connection broke
│   ├── WrongServer         somebody answers there, but no orchestrator
│   ├── ServerTimeout       connected, but no answer within the driver's time-out
│   ├── WaitTimeout         what was waited for did not end in time
│   └── JobFailed           … or ended, but not as completed
└── InvalidRequest
    └── UsageError          a call that cannot be turned into a request; nothing was sent
        └── UnknownKeyword  … as it does not take such an argument; a TypeError too, as of any function
KeyboardInterrupt
└── Interrupted             Ctrl-C while an orchestrator worked; says what goes on
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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


class WrongServer(DriverError):
    """Somebody answers at that address, but no orchestrator: a worker, or another program."""


class ServerTimeout(DriverError):
    """The orchestrator took the request but gave no answer within the driver's time-out.

    Attributes:
        jobs: the ids of the jobs that go on, as far as they are known; see the message.
    """

    def __init__(self, message: str, jobs: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.jobs = tuple(jobs)


class WaitTimeout(DriverError):
    """What was waited for did not end in time; it goes on all the same, and the message says how to look at it.

    Attributes:
        jobs: the ids of those that go on.
        study: the id of the study that does, if it was one.
    """

    def __init__(self, message: str, jobs: Sequence[str] = (), study: str | None = None) -> None:
        super().__init__(message)
        self.jobs = tuple(jobs)
        self.study = study


class JobFailed(DriverError):
    """Jobs, or a study, were waited for and did not end as completed.

    Attributes:
        jobs: those that did not, as they ended; each with its ``state`` and ``error``. Of a study, the study.
    """

    def __init__(self, message: str, jobs: Sequence[Mapping[str, Any]]) -> None:
        super().__init__(message, body={"jobs": [job["id"] for job in jobs]})
        self.jobs = tuple(jobs)


class Interrupted(KeyboardInterrupt):
    """Ctrl-C while an orchestrator was asked or waited for: nothing there has stopped, and the message says how to look at it.

    Attributes:
        jobs: the ids of the jobs that go on, as far as they are known.
        study: the id of the study that does, if one was waited for.
    """

    def __init__(self, message: str, jobs: Sequence[str] = (), study: str | None = None) -> None:
        super().__init__(message)
        self.jobs = tuple(jobs)
        self.study = study


class UsageError(InvalidRequest, ValueError):
    """A call that cannot be turned into a request; nothing was sent."""


class UnknownKeyword(UnknownName, UsageError, TypeError):
    """A call was given an argument that it does not take; names the near misses, and nothing was sent."""
