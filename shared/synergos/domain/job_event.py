"""What happens to a job, in order: as it is kept beside the job, and told to whoever asks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum

from synergos.domain.job import Job


class JobEventKind(StrEnum):
    """The kinds there are; what each has ``about`` it besides."""

    ACCEPTED = "accepted"
    TAKEN_UP = "taken_up"
    """``ttp`` and ``grid`` where there are several, and ``is_resumed``: it begins an attempt."""
    WORK_BEGAN = "work_began"
    """What is not done in rounds, at these ``participants``."""
    TRAINING_BEGAN = "training_began"
    """``rounds`` there are to be, ``after`` how many that are done already."""
    SESSION_OPENED = "session_opened"
    """``rows`` that the participant brings, by purpose."""
    ROUND_DONE = "round_done"
    """Which ``round`` of how many ``rounds``, with the ``loss``; of few rounds, as :mod:`synergos.tuning.checkpoints` has them, and the last."""
    AWAITED = "awaited"
    """``until`` when, ``for`` what, and the ``reason``."""
    BACK = "back"
    """Who was waited for is there again, or what it was to do is done."""
    GIVEN_UP = "given_up"
    """Nobody waits for the participant any more, and it is not back."""
    ABSENT = "absent"
    """It has no part in ``round``, nor in those that follow, for this ``reason``."""
    PRESENT = "present"
    """It has a part again, in ``round``."""
    LEFT_OUT = "left_out"
    """It has no part in what is not done in rounds, for this ``reason``."""
    SHORTENED = "shortened"
    """Its update counts less than there is of it in ``round``, for the first time, for this ``reason``."""
    WEIGHT_LIMITED = "weight_limited"
    """Of its ``rows`` fewer are ``counted``."""
    UNSEALED = "unsealed"
    RETRIED = "retried"
    """It is tried again, after ``seconds``; the ``error``."""
    HELD = "held"
    """It makes room for others until the participant's owner has decided."""
    INTERRUPTED = "interrupted"
    """The program that ran it is being stopped."""
    OWNER_LOST = "owner_lost"
    """The program that ran it, a ``ttp`` where there are several, was not heard of any more."""
    CANCEL_ASKED = "cancel_asked"
    """``by`` whom, where there are accounts, and ``because`` of what, where nobody asked for just that."""
    MORE = "more"
    """More happened in this attempt than is kept."""
    ENDED = "ended"
    """In which ``state``, and with which ``error``."""

    @property
    def is_always_kept(self) -> bool:
        """Whether it is kept however much has happened."""
        return self in _ALWAYS


_ALWAYS = frozenset(
    {
        JobEventKind.ACCEPTED,
        JobEventKind.TAKEN_UP,
        JobEventKind.TRAINING_BEGAN,
        JobEventKind.RETRIED,
        JobEventKind.HELD,
        JobEventKind.INTERRUPTED,
        JobEventKind.OWNER_LOST,
        JobEventKind.CANCEL_ASKED,
        JobEventKind.ENDED,
    }
)
KEPT_BY_ATTEMPT = 1000
"""Events of one attempt that are kept, beside those that always are."""


@dataclass(frozen=True)
class JobEvent:
    """Something that happened to a job.

    Attributes:
        participant: whom it is about, when it is one.
        about: the rest, as the kind says; plain JSON.
        attempt: which taking-up of the job it happened in, from 1; 0 before the first. The record store says it.
        number: which event of the job it is, from 1; the record store says it.
    """

    kind: JobEventKind
    participant: str | None = None
    about: Mapping[str, object] = field(default_factory=dict)
    at: datetime = field(default_factory=lambda: datetime.now(UTC))
    attempt: int = 0
    number: int = 0


@dataclass(frozen=True)
class RoundLoss:
    """What one round of a training has lost.

    Attributes:
        number: which round, counted from 1 as a job's progress has it.
        train: over all participants; None where it is not finite.
        evaluate: of the model after the round; None where nobody has measured it yet, or it is not finite.
        participants: each one's own training loss, of those that took part.
        at: when it was done; None where only the losses were found.
        attempt: as of events.
    """

    number: int
    train: float | None
    evaluate: float | None
    participants: Mapping[str, float | None]
    at: datetime | None = None
    attempt: int = 0


@dataclass(frozen=True)
class JobNews:
    """What has become known of a job since it was last written down.

    Attributes:
        events: in order.
        rounds: new ones, and those of which the evaluation has become known.
        past: of earlier attempts, found where rounds are kept; what of them is not there yet is added.
    """

    events: tuple[JobEvent, ...] = ()
    rounds: tuple[RoundLoss, ...] = ()
    past: tuple[RoundLoss, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.events or self.rounds or self.past)


NO_NEWS = JobNews()


def owner_lost(job: Job) -> JobNews:
    """Whoever ran a job has ended, or was not heard of any more."""
    return JobNews((JobEvent(JobEventKind.OWNER_LOST, about={"ttp": job.ttp} if job.ttp else {}),))


def cancel_asked(by: str | None = None, because: str | None = None) -> JobNews:
    """Somebody wants a job to be cancelled.

    Args:
        by: their name, where they have one.
        because: of what, where nobody asked for just that.
    """
    told = {name: value for name, value in (("by", by), ("because", because)) if value is not None}
    return JobNews((JobEvent(JobEventKind.CANCEL_ASKED, about=told),))


MOST_KEPT = 10_000


def is_kept(number: int) -> bool:
    """Whether the losses of a round are kept beside the job: all of the first 10,000, every tenth until 100,000, and so on.

    All of them are in the files of a run.
    """
    step = 1
    while number > MOST_KEPT * step:
        step *= 10
    return number % step == 0
