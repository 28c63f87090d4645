"""A cluster's job in hand: its lease, the message that it was taken up on, and how its outcome reaches the director."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import partial

import structlog

from synergos.domain.job import ErrorKind, Job, JobError, JobState
from synergos.domain.job_event import JobNews
from synergos.domain.messages import Outcome as OutcomeMessage
from synergos.domain.messages import job_message
from synergos.domain.outputs import write_outputs
from synergos.errors import InvalidRequest, LeaseLost
from synergos.records.leases import Claim, Leases
from synergos.records.plain import plain
from synergos_ttp.control import Control
from synergos_ttp.holds import in_progress
from synergos_ttp.outcomes import Cancelled, Completed, Failed, Held, Interrupted, Lost, Outcome, Pruned
from synergos_ttp.running.attempt import Runner
from synergos_ttp.running.holding import Holding, PutBack
from synergos_ttp.running.job_queue import Queue
from synergos_ttp.running.lease_keeper import LeaseKeeper
from synergos_ttp.running.settled_messages import InHand

log = structlog.get_logger(__name__)

HELD_SECONDS = 60.0
"""For how long a job that is held stays so when the TTP that asks for it is gone."""
STOPPING = "the TTP is being stopped; the job goes on elsewhere, or when it is started again"


@dataclass(frozen=True)
class LeasedJob:
    """A job in hand; see :class:`~synergos_ttp.running.source.JobInHand`.

    Attributes:
        delivery: the message on which it was taken up, which may be another job's; None without one.
        holding: asks for it when it is put back.
        stopping: set when this TTP is being stopped.
    """

    claim: Claim
    delivery: InHand | None
    control: Control
    cluster: str
    leases: Leases
    keeper: LeaseKeeper
    queue: Queue
    runner: Runner
    holding: Holding
    stopping: threading.Event

    @property
    def job(self) -> Job:
        """As it was taken up."""
        return self.claim.job

    @property
    def is_resumed(self) -> bool:
        """See :class:`~synergos_ttp.running.source.JobInHand`."""
        return self.claim.fence > 1

    def report(self, progress: Mapping[str, object] | None, news: JobNews) -> None:
        """See :class:`~synergos_ttp.running.source.JobInHand`."""
        self.leases.report(self.claim, progress, news)

    def kept(self) -> AbstractContextManager[None]:
        """See :class:`~synergos_ttp.running.source.JobInHand`."""
        return self.keeper.keeping(self.claim, self.control)

    def deliver(self, outcome: Outcome) -> Outcome:
        """Send an outcome to the director, however long the broker stays away; a job that is given up is dead-lettered first."""
        made = partial(OutcomeMessage, self.job, self.cluster, self.claim.lease)
        match outcome:
            case Completed(outputs) if outputs is not None:
                try:
                    return self._sent(made(JobState.COMPLETED, plain(write_outputs(outputs))), outcome)
                except InvalidRequest as error:
                    # Another attempt would leave as much.
                    return self.deliver(Failed(JobError(ErrorKind.OUTPUT, f"what it leaves cannot be sent: {error}")))
            case Cancelled(error) | Pruned(error):
                return self._sent(made(JobState.CANCELLED, error=error), outcome)
            case Failed(error, None):
                prevented = self._dead_letter(error)
                return prevented or self._sent(made(JobState.FAILED, error=error), outcome)
            case _:
                return outcome

    def settle(self, outcome: Outcome) -> None:
        """Give the job back or be done with it, and settle the message that it was taken up on."""
        try:
            self._settle(outcome)
        except LeaseLost as error:
            log.warning("job is left to others", reason=str(error))
            self._acknowledge()

    def let_go(self) -> None:
        """Have the message taken up by another TTP; the job's lease ends by itself."""
        if self.delivery is not None:
            self.delivery.give_back()

    def _settle(self, outcome: Outcome) -> None:
        match outcome:
            case Lost():
                self._acknowledge()
            case Interrupted():
                self.leases.release(self.claim)
                self.let_go()
            case Held(holds):
                self.leases.hold(self.claim, in_progress(holds), HELD_SECONDS)
                place = PutBack(
                    partial(self.leases.still_held, self.claim, seconds=HELD_SECONDS),
                    partial(self.leases.let_go_on, self.claim),
                )
                self.holding.keep(self.job, holds, place)
                self._acknowledge()
            case Failed(retry_in=delay) if delay is not None:
                self.leases.release(self.claim, delay)
                self._acknowledge()
            case _:
                self._end()
                self._acknowledge()

    def _end(self) -> None:
        try:
            self.leases.deliver(self.claim)
        except LeaseLost:
            # Archived already, or somebody else's: what is kept of it is removed when it has ended.
            return
        self.runner.forget(self.job.id)

    def _dead_letter(self, error: JobError) -> Outcome | None:
        message = job_message(self.job, self.cluster, [], self.job.parameters)
        return self._retry(lambda: self.queue.dead_letter(message, error.message))

    def _sent(self, message: OutcomeMessage, outcome: Outcome) -> Outcome:
        content = message.to_dict()
        prevented = self._retry(lambda: self.queue.complete(content))
        if prevented is None:
            log.info("outcome sent", state=message.state)
        return prevented or outcome

    def _retry(self, publish: Callable[[], None]) -> Interrupted | Lost | None:
        """Publish something, retried however long the broker stays away; what kept this TTP from it in the end."""
        while True:
            try:
                publish()
            except ConnectionError:
                log.warning("outcome not sent yet")
            else:
                return None
            if self.stopping.wait(0.5):
                return Interrupted(STOPPING)
            if isinstance(self.control.reason, LeaseLost):
                return Lost(str(self.control.reason))

    def _acknowledge(self) -> None:
        if self.delivery is not None:
            self.delivery.acknowledge()
