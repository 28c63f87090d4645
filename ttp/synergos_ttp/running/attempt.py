"""One attempt at one job, from being taken up to how it ended; the same for a basic TTP and a cluster's."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeAlias

from synergos.domain.job import CANCELLED_ON_REQUEST, ErrorKind, Job, JobError, JobState
from synergos.domain.outputs import Outputs
from synergos.errors import JobCancelled, JobInterrupted, LeaseLost, TrialPruned, WorkerAwaitsApproval
from synergos_ttp.control import Control
from synergos_ttp.events import JobEnded, JobStarted, Subscriber
from synergos_ttp.holds import Hold, JobHeld, continued
from synergos_ttp.outcomes import Cancelled, Completed, Failed, Held, Interrupted, Lost, Outcome, Pruned
from synergos_ttp.running.failures import failure_of, may_pass


class Runner(Protocol):
    """Does what a job asks; see :class:`synergos_ttp.stages.jobs.JobRunner`."""

    def run(self, job: Job, control: Control) -> Outputs:
        """The job's outputs."""

    def kept(self) -> Sequence[str]:
        """The jobs of which something is kept, so that they can go on where they stopped."""

    def forget(self, job_id: str) -> None:
        """Remove what is kept of a job."""


@dataclass(frozen=True)
class Retries:
    """What becomes of a job whose failure may pass.

    Attributes:
        attempts: how often it is tried in all.
        delay: seconds before the second attempt; each later one waits twice as long as the one before.
    """

    attempts: int = 3
    delay: float = 5.0

    def after(self, attempts: int) -> float | None:
        """Seconds until the next attempt, None when there is none."""
        return None if attempts >= self.attempts else self.delay * 2 ** (attempts - 1)


RETRIES = Retries()
NO_RETRIES = Retries(attempts=1)

Followers: TypeAlias = Callable[[Job], Sequence[Subscriber]]
"""Makes those who follow a job, besides its progress."""


@dataclass(frozen=True)
class Attempt:
    """One attempt at a job that was taken up.

    Attributes:
        control: stops the job, and tells its subscribers what happens.
        is_resumed: whether there was an attempt before.
    """

    job: Job
    runner: Runner
    control: Control
    retries: Retries = NO_RETRIES
    is_resumed: bool = False

    def run(self) -> Outcome:
        """Do what the job asks, and tell everybody how it ended; what comes of it is the caller's to write down."""
        self.control.publish(JobStarted(self.job, self.is_resumed))
        outcome = self._outcome()
        self.control.publish(JobEnded(self.job, outcome))
        return outcome

    def _outcome(self) -> Outcome:
        try:
            return Completed(self.runner.run(self.job, self.control))
        except JobHeld as error:
            # Whoever has asked it to stop meanwhile does not mean later.
            return outcome_of(self.control.reason or error, self.job, self.retries)
        except Exception as error:
            return outcome_of(error, self.job, self.retries)


def outcome_of(error: Exception, job: Job, retries: Retries = NO_RETRIES) -> Outcome:
    """What an error makes of the job that it ended."""
    match error:
        case LeaseLost():
            return Lost(str(error))
        case JobHeld(holds=holds):
            return _held(continued(holds, job.progress))
        case JobInterrupted():
            return Interrupted(str(error))
        case TrialPruned():
            return Pruned(JobError(ErrorKind.PRUNED, str(error)))
        case JobCancelled():
            return Cancelled(JobError(ErrorKind.CANCELLED, str(error)))
        case _:
            retry_in = retries.after(job.attempts) if may_pass(error) else None
            return Failed(failure_of(error), retry_in)


def _held(holds: Sequence[Hold]) -> Held | Failed:
    """What holds make of a job: for one of them owners may have decided nothing for too long, though just now they were asked again."""
    over = next((hold for hold in holds if hold.is_over), None)
    if over is None:
        return Held(tuple(holds))
    who = over.participant
    return Failed(failure_of(WorkerAwaitsApproval(over.reason.removeprefix(f"{who}: "), who)))


def recorded(job: Job) -> Outcome:
    """How a job ended of which only the record is left.

    Args:
        job: in a final state.
    """
    error = job.error or JobError(ErrorKind.INTERNAL, f"the {job.stage} job was {job.state}")
    match job.state:
        case JobState.COMPLETED:
            return Completed(None)
        case JobState.CANCELLED:
            return Pruned(error) if job.is_pruned else Cancelled(job.error or CANCELLED_ON_REQUEST)
        case _:
            return Failed(error)
