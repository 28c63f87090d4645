"""A job: one stage request for one combination, from the moment it is accepted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from enum import StrEnum
from uuid import uuid4

from synergos.domain.job_options import JobOptions
from synergos.domain.keys import JobKey
from synergos.domain.trace_context import TraceContext, span_id_of, trace_id_of


class Stage(StrEnum):
    """What a job does."""

    CHECK = "check"
    """A dry run of an alignment: what would be agreed is in the job's progress, and nothing else is stored."""
    PREPROCESS = "preprocess"
    TRAIN = "train"
    VALIDATE = "validate"
    PREDICT = "predict"


class JobState(StrEnum):
    """Where a job stands."""

    WAITING = "waiting"
    """Accepted, but something it depends on is not there yet."""
    QUEUED = "queued"
    """Ready; other jobs of its grid come first."""
    RUNNING = "running"
    ARCHIVING = "archiving"
    """Done; what came out of it is on its way into the records."""
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def is_final(self) -> bool:
        """Whether nothing more will happen to the job."""
        return self in {JobState.COMPLETED, JobState.FAILED, JobState.CANCELLED}


FINAL_STATES = frozenset(state for state in JobState if state.is_final)
UNFINISHED = frozenset(JobState) - FINAL_STATES
"""The states of jobs to which something more will happen."""


class ErrorKind(StrEnum):
    """The kinds of errors that something depends on; all others are names for people to read."""

    CANCELLED = "JobCancelled"
    """Somebody asked the job to stop."""
    PRUNED = "TrialPruned"
    """Its study's other trials left it no hope."""
    INTERRUPTED = "JobInterrupted"
    """It ended whoever ran it, again and again."""
    OUTPUT = "OutputError"
    """What came out of it could not be written."""
    INTERNAL = "InternalError"
    """Nobody foresaw it."""


@dataclass(frozen=True)
class JobError:
    """Why a job failed, for the person who asked for it; never a traceback, never data.

    Attributes:
        kind: an :class:`ErrorKind`, or the name of the error's class in :mod:`synergos.errors`.
        message: what happened and what was expected.
        participant: whose worker it concerns, when it is one participant's.
        field: which field, column or file it concerns, when known.
    """

    kind: str
    message: str
    participant: str | None = None
    field: str | None = None


MAXIMUM_ATTEMPTS = 5
"""How often a job may be taken up before it is given up as one that brings its owners down."""

CANCELLED_ON_REQUEST = JobError(ErrorKind.CANCELLED, "cancelled on request")
GIVEN_UP = JobError(
    ErrorKind.INTERRUPTED,
    f"given up: it was started {MAXIMUM_ATTEMPTS} times, and each time its TTP ended while it ran",
)


@dataclass(frozen=True)
class Job:
    """One stage request for one combination.

    Attributes:
        keys: the key of what it works on.
        parameters: what the request's body said (``auto_align``, ``tags``, …).
        progress: how far it is, as JSON has :class:`synergos.domain.job_progress.JobProgress` while it runs; then perhaps what came
            of it. It is as it is stored: most of those who have a job never look at it.
        attempts: how many times it was started.
        grid: the sub-grid it runs on, or ran on last; None where there is but one.
        ttp: the TTP that runs it, or ran it last; None where there is but one.
        not_before: when it may be started again after a failure that may pass.
        trace: the span, of another's, in which it was asked for; None where the request said nothing of one.
    """

    stage: Stage
    keys: JobKey
    parameters: JobOptions = field(default_factory=JobOptions)
    id: str = field(default_factory=lambda: uuid4().hex)
    state: JobState = JobState.QUEUED
    progress: Mapping[str, object] = field(default_factory=dict)
    attempts: int = 0
    error: JobError | None = None
    created_at: datetime = field(default_factory=lambda: datetime.now(UTC))
    started_at: datetime | None = None
    finished_at: datetime | None = None
    grid: int | None = None
    ttp: str | None = None
    not_before: datetime | None = None
    trace: TraceContext | None = None

    @property
    def span(self) -> TraceContext:
        """What everybody who has a part in it records it as, in all attempts."""
        if self.trace is None:
            return TraceContext(trace_id_of(self.id), span_id_of(self.id))
        return self.trace.beneath(span_id_of(self.id))

    @property
    def priority(self) -> int:
        """How urgent it is: of the jobs that may start, the highest comes first."""
        return int(self.parameters.get("priority", 0))

    @property
    def is_pruned(self) -> bool:
        """Whether it is a trial's training that was ended because the other trials were better."""
        return self.error is not None and self.error.kind == ErrorKind.PRUNED

    def started(self) -> Job:
        """The job as it is when somebody takes it up."""
        return replace(
            self, state=JobState.RUNNING, attempts=self.attempts + 1, started_at=datetime.now(UTC), error=None
        )

    def ended(self, state: JobState, error: JobError | None = None) -> Job:
        """The job as it is when nothing more will happen to it."""
        return replace(self, state=state, error=error, finished_at=datetime.now(UTC))
