"""Holds: an owner has something to decide before a job can go on, which may take people days, so the job makes room until then."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TypeAlias

from synergos.domain.job_progress import AwaitedWorker, awaited_owners
from synergos.errors import JobStopped

Check: TypeAlias = Callable[[], None]
"""Called while something takes its time; raises when it should stop."""
Ask: TypeAlias = Callable[[Check], None]
"""Asks a worker once more what its owner has to decide; raises :class:`~synergos.errors.WorkerAwaitsApproval` while it has not."""


@dataclass(frozen=True)
class Hold:
    """One worker whose owner has something to decide first.

    Attributes:
        since: when that was noticed.
        until: when it is given up.
        purpose: what is to be done as soon as it is decided.
        reason: whose decision it takes, and by which command.
    """

    participant: str
    since: datetime
    until: datetime
    purpose: str
    reason: str
    ask: Ask = field(compare=False, repr=False)

    @property
    def is_over(self) -> bool:
        """Whether it is to be given up."""
        return datetime.now(UTC) >= self.until

    def after(self, first: AwaitedWorker | None) -> Hold:
        """The same, since the time of an earlier one for the same worker, as a job's progress has it."""
        if first is None:
            return self
        since, until = map(datetime.fromisoformat, (first.since, first.until))
        return Hold(self.participant, since, until, self.purpose, self.reason, self.ask)


class JobHeld(JobStopped):
    """A job is to make room until owners have decided. Not a failure, and no end."""

    def __init__(self, holds: Sequence[Hold]) -> None:
        super().__init__("; ".join(hold.reason for hold in holds))
        self.holds = tuple(holds)

    @classmethod
    def together(cls, errors: Sequence[JobHeld]) -> JobHeld:
        """One for all that several participants are held by."""
        return cls([hold for error in errors for hold in error.holds])


def in_progress(holds: Sequence[Hold]) -> list[AwaitedWorker]:
    """Holds as a job's progress has them under ``waiting_for``."""
    return [
        AwaitedWorker(
            participant=hold.participant,
            since=hold.since.isoformat(timespec="seconds"),
            until=hold.until.isoformat(timespec="seconds"),
            purpose=hold.purpose,
            reason=hold.reason,
            approval=True,
        )
        for hold in holds
    ]


def continued(holds: Sequence[Hold], progress: Mapping[str, object]) -> tuple[Hold, ...]:
    """Holds, each since the first time that the job was held by the same worker; by its progress before."""
    earlier = {wait.participant: wait for wait in awaited_owners(progress)}
    return tuple(hold.after(earlier.get(hold.participant)) for hold in holds)
