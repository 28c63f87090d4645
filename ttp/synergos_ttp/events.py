"""What happens to a job, published once each and one after the other to those who follow it.

That is done in the job's own thread; but who waits for a participant says so in the thread that waits. A subscriber is a function of one event. It takes note and returns: a round waits for nobody's disk or network. Whoever
writes somewhere has a thread of its own for that, and has written all when its :class:`JobEnded` returns.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeAlias

from synergos.domain.job import Job
from synergos.domain.loss_history import LossHistory
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
    hyperparameters: Mapping[str, Any]
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


@dataclass(frozen=True)
class ParticipantLost:
    """A participant has no part in a round.

    Attributes:
        is_refused: whether it has answered, and its update cannot be right; else it did not answer in time, or with an error.
    """

    number: int
    participant: str
    reason: str
    is_refused: bool = False


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
    """

    participant: str
    since: datetime
    until: datetime
    purpose: str
    reason: str


@dataclass(frozen=True)
class ParticipantNotAwaited:
    """Nobody waits for a participant any more: it is back, or given up, or not needed."""

    participant: str


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
    | ParticipantLeftOut
    | ParticipantAwaited
    | ParticipantNotAwaited
    | JobEnded
)
Subscriber: TypeAlias = Callable[[Event], None]
