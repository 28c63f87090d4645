"""What happens to a job, published once each and one after the other to those who follow it.

That is done in the job's own thread; but who waits for a participant says so in the thread that waits. A subscriber is a function of one event. It takes note and returns: a round waits for nobody's disk or network. Whoever
writes somewhere has a thread of its own for that, and has written all when its :class:`JobEnded` returns.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import TypeAlias

from synergos.domain.job import Job
from synergos.domain.loss_history import LossHistory
from synergos.errors import Conflict, NotNeeded, SynergosError, WireFormatError, WorkerRefused, WorkerUnreachable
from synergos.learning.update_faults import Fault
from synergos_ttp.outcomes import Outcome


@dataclass(frozen=True)
class JobStarted:
    """A job was taken up; ``job.attempts`` counts this attempt.

    Attributes:
        is_resumed: whether somebody began with it before, and was interrupted, or died, or failed.
    """

    job: Job
    is_resumed: bool = False


@dataclass(frozen=True)
class WorkStarted:
    """What is not done in rounds, an alignment or a measurement, begins at these participants."""

    participants: tuple[str, ...]


@dataclass(frozen=True)
class TrainingStarted:
    """A training begins, or goes on after the rounds that an earlier attempt has committed.

    Attributes:
        rounds: how many it is to have.
        hyperparameters: of the run, defaults included.
        past: the losses of the rounds committed so far; it is nobody's to change.
    """

    rounds: int
    hyperparameters: Mapping[str, object]
    past: LossHistory


@dataclass(frozen=True)
class RoundSeconds:
    """Where the time of a round went; the first five add up to what it took.

    Attributes:
        training: of the participant that answered last, as it says itself.
        transfer: of its message, its answer, and the checks of both.
        waiting: for those who never answered.
        averaging: until answers were a model.
        commit: until the round was on disk, part of which is spent while participants are at the next round.
        participants: each one's training, and the rest of the time until its answer was there.
    """

    training: float
    transfer: float
    waiting: float
    averaging: float
    commit: float
    participants: Mapping[str, tuple[float, float]]


@dataclass(frozen=True)
class RoundDone:
    """A round was trained, averaged and committed: whatever happens now, it is not run again.

    Attributes:
        number: which round, counted from 0.
        rounds: how many there are to be.
        loss: the mean training loss over all rows, None where it is not finite.
        local: each participant's own training loss, of those that took part.
        absent: why the others did not, by participant.
        shortened: why less of an update counts than there was, by participant.
        seconds_left: until the last round is done; None while nobody can tell.
        seconds: what it took; None where an earlier process has run it.
    """

    number: int
    rounds: int
    loss: float | None
    local: Mapping[str, float | None]
    absent: Mapping[str, str]
    seconds_left: float | None
    shortened: Mapping[str, str] = field(default_factory=dict)
    seconds: RoundSeconds | None = field(default=None, compare=False)


@dataclass(frozen=True)
class RoundJudged:
    """It is known how good the model of a round is; its :class:`RoundDone` came before.

    Attributes:
        number: which round, counted from 0.
        loss: the mean evaluation loss over the evaluation rows of those who have measured it, None where it is not finite.
        missing: who has evaluation rows and has not measured it; it cannot be compared with rounds that they have.
    """

    number: int
    loss: float | None
    missing: tuple[str, ...] = ()


class LossCause(StrEnum):
    """Why a participant has no part in a round, of what kind; the last are the gate's, see :class:`~synergos.learning.update_faults.Fault`."""

    SILENT = "silent"
    UNNEEDED = "unneeded"
    DECLINED = "declined"
    MALFORMED = "malformed"
    IMPOSSIBLE = "impossible"
    ROWS = Fault.ROWS.value
    NOT_FINITE = Fault.NOT_FINITE.value
    LOSS = Fault.LOSS.value
    TOO_FAR = Fault.TOO_FAR.value

    @classmethod
    def of(cls, error: SynergosError) -> LossCause:
        """That of an exchange that has failed: no answer, none that is of use any more, none as things stand, one that is no message of ours, one that cannot be true."""
        match error:
            case WorkerUnreachable():
                return cls.SILENT
            case NotNeeded():
                return cls.UNNEEDED
            case WireFormatError():
                return cls.MALFORMED
            case WorkerRefused() | Conflict():
                return cls.DECLINED
            case _:
                return cls.IMPOSSIBLE

    @property
    def is_refusal(self) -> bool:
        """Whether there was an answer, and this orchestrator refused it."""
        return self not in (LossCause.SILENT, LossCause.UNNEEDED, LossCause.DECLINED)


@dataclass(frozen=True)
class ParticipantLost:
    """A participant has no part in a round.

    Attributes:
        cause: of what kind the reason is.
    """

    number: int
    participant: str
    reason: str
    cause: LossCause = LossCause.SILENT


@dataclass(frozen=True)
class UpdateShortened:
    """A participant's update counts less than it would: alone it would decide the model."""

    number: int
    participant: str
    reason: str


@dataclass(frozen=True)
class WeightLimited:
    """A participant says that it has so many rows of all that it would decide the model alone; it counts as fewer.

    Attributes:
        rows: it says it has.
        counted: it counts as.
    """

    participant: str
    rows: int
    counted: int


@dataclass(frozen=True)
class SessionOpened:
    """A participant takes part from now on, or again after it was away.

    Attributes:
        rows: it brings, by purpose.
    """

    participant: str
    rows: Mapping[str, int]


@dataclass(frozen=True)
class ParticipantLeftOut:
    """A participant has no part in what is not done in rounds, and the others go on.

    Attributes:
        reason: what it lacks, or why its rows cannot be used.
    """

    participant: str
    reason: str


@dataclass(frozen=True)
class ParticipantAwaited:
    """A participant's worker is away, and is waited for.

    Attributes:
        since: when that was noticed.
        until: when it is given up.
        purpose: what is to be done as soon as it is back.
        reason: how it is known to be away.
        is_held: whether it is there, and its owner has something to decide first.
    """

    participant: str
    since: datetime
    until: datetime
    purpose: str
    reason: str
    is_held: bool = False


@dataclass(frozen=True)
class ParticipantNotAwaited:
    """Nobody waits for a participant any more: it is back, or given up, or not needed.

    Attributes:
        is_back: whether it is back.
    """

    participant: str
    is_back: bool = True


@dataclass(frozen=True)
class ParticipantTransfers:
    """A message to a participant's worker, or its answer, takes long to pass; published every few seconds meanwhile.

    Attributes:
        direction: ``sending`` to it or ``receiving`` from it.
        done: bytes that have passed, ``of`` how many.
        rate: bytes a second, since it began or went on after its line was cut.
    """

    participant: str
    direction: str
    done: int
    of: int
    rate: float


@dataclass(frozen=True)
class ParticipantTransferred:
    """What took long to pass has passed, or is given up."""

    participant: str


@dataclass(frozen=True)
class ParticipantUnsealed:
    """A participant's worker shows no identity, and what is asked of it goes unsealed."""

    participant: str


@dataclass(frozen=True)
class ParticipantNoted:
    """A participant's worker has told how far its ledger goes, for this orchestrator to keep.

    Attributes:
        head: number and digest of its last line.
    """

    participant: str
    head: str


@dataclass(frozen=True)
class JobEnded:
    """An attempt at a job is over. Its end is written down when all have heard of it."""

    job: Job
    outcome: Outcome


Event: TypeAlias = (
    JobStarted
    | WorkStarted
    | TrainingStarted
    | RoundDone
    | RoundJudged
    | ParticipantLost
    | UpdateShortened
    | WeightLimited
    | SessionOpened
    | ParticipantLeftOut
    | ParticipantAwaited
    | ParticipantNotAwaited
    | ParticipantTransfers
    | ParticipantTransferred
    | ParticipantUnsealed
    | ParticipantNoted
    | JobEnded
)
Subscriber: TypeAlias = Callable[[Event], None]
