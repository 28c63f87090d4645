"""A cluster's jobs as one of its TTPs takes them up.

A message says that a job is ready. Which of the ready jobs is run the records decide, so that scheduling is fair between projects and
priorities count however the messages lie; there are as many messages as ready jobs. So a message in hand wakes a TTP and
is about no job in particular: it is acknowledged when the job that was taken up on it has ended and its outcome has been
confirmed by the broker, and given back when it has not. The job of a TTP that dies is thereby taken up by another.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Protocol

import structlog

from synergos.domain.job import ErrorKind, Job, JobError, JobState
from synergos.domain.job_event import JobNews
from synergos.domain.messages import JobMessage, job_message
from synergos.domain.messages import Outcome as OutcomeMessage
from synergos.domain.outputs import write_outputs
from synergos.errors import InvalidRequest, JobInterrupted, LeaseLost
from synergos.records import RecordStore
from synergos.records.leases import Claim, Leases
from synergos.records.plain import plain
from synergos_ttp.control import Control
from synergos_ttp.holds import in_progress
from synergos_ttp.outcomes import Cancelled, Completed, Failed, Held, Interrupted, Lost, Outcome, Pruned
from synergos_ttp.running.attempt import Followers, Runner
from synergos_ttp.running.holding import Holding, PutBack
from synergos_ttp.running.lease_keeper import LeaseKeeper, Renewal
from synergos_ttp.running.settled_messages import InHand, Settled
from synergos_ttp.running.tidying import tidy

log = structlog.get_logger(__name__)

LOOK_SECONDS = 5.0
"""How often an idle TTP looks for work without being told: for jobs whose messages were lost with their broker."""

NOT_HANDED_ON = (
    "it is another cluster's, and this user of the queue may not hand it on: expected a virtual host for each cluster"
)
HELD_SECONDS = 60.0
"""For how long a job that is held stays so when the TTP that asks for it is gone."""
_STOPPING = "the TTP is being stopped; the job goes on elsewhere, or when it is started again"


class Delivery(Protocol):
    """A message in hand; see :class:`synmanager.stream.Delivery`."""

    @property
    def queue(self) -> str:
        """Where it came from."""

    @property
    def body(self) -> bytes:
        """What it says, as it came."""

    @property
    def headers(self) -> Mapping[str, Any]:
        """What came with it."""

    @property
    def redelivered(self) -> bool:
        """Whether somebody had it in hand before."""

    def acknowledge(self) -> None:
        """It is done with."""

    def give_back(self) -> None:
        """Let another have it."""

    def quarantine(self, reason: str) -> None:
        """Quarantine it: it is no job."""

    def forward(self, queue: str) -> None:
        """Move it to another queue."""


class Queue(Protocol):
    """The cluster's queue, as a TTP sees it."""

    def take(self, timeout: float) -> Delivery | None:
        """The next message; None when there is none in time, or the queue was closed."""

    def queue_of(self, name: str, cluster: str) -> str | None:
        """The queue beside ``name`` that the programs of another record store read, which is there then; None where it cannot be.

        Raises:
            ConnectionError: the broker cannot be reached.
        """

    def complete(self, outcome: Mapping[str, Any]) -> None:
        """Send an outcome off; returns when the broker has it.

        Raises:
            ConnectionError: the broker cannot be reached.
            InvalidRequest: it is too large for any director to read.
        """

    def dead_letter(self, message: Mapping[str, Any], reason: str) -> None:
        """Dead-letter a job that was given up: publish it to the queue ``dead``; returns when the broker has it.

        Raises:
            ConnectionError: the broker cannot be reached.
        """

    def stop(self) -> None:
        """Take no more; whoever waits for a message is answered None. What is in hand can still be settled."""

    def close(self) -> None:
        """Let go of the broker."""


class Signatures(Protocol):
    """Knows the director; see :class:`synergos_ttp.running.signatures.Signatures`."""

    @property
    def own(self) -> str:
        """The fingerprint under which jobs are taken up."""

    def check(self, body: bytes, headers: Mapping[str, object], queue: str) -> str:
        """Make sure that a job is from the director; the message's nonce.

        Raises:
            InvalidRequest: it is not, or was altered.
            ConnectionError: the director is not known yet, or not any more.
        """


@dataclass(frozen=True)
class SubGrid:
    """The sub-grid that a TTP runs jobs on.

    Attributes:
        index: which node of every participant makes it up.
        ttp: what the TTP is called.
        outputs: the folder of what its jobs leave.
        joined: the fingerprints of the workers that have joined the TTP.
    """

    index: int
    ttp: str
    outputs: Path
    joined: Callable[[], Collection[str]] = frozenset


class LeasedJobs:
    """The jobs that one TTP of a cluster takes up; a :class:`~synergos_ttp.running.source.Source`.

    Args:
        signatures: knows whose jobs are to be believed.
    """

    def __init__(
        self,
        store: RecordStore,
        leases: Leases,
        queue: Queue,
        runner: Runner,
        grid: SubGrid,
        signatures: Signatures,
        followers: Followers = lambda _job: (),
    ) -> None:
        self._store = store
        self._cluster = store.cluster_id()
        self._leases = leases
        self._queue = queue
        self._runner = runner
        self._grid = grid
        self._signatures = signatures
        # Of the thread that takes jobs.
        self._settled = Settled()
        self._followers = followers
        self._keeper = LeaseKeeper(leases, grid.index, grid.ttp, grid.joined)
        self._holding = Holding()
        self._control: Control | None = None
        # Guards the step from being idle to having a job in hand, which stop() must not miss.
        self._lock = threading.Lock()
        self._stopping = threading.Event()

    def start(self) -> None:
        """Begin to hold the sub-grid."""
        self._keeper.start()
        self._holding.start()

    def stop(self) -> None:
        """Let the running job stop at its next step, and hand out no other."""
        with self._lock:
            self._stopping.set()
            if self._control:
                self._control.stop(JobInterrupted(_STOPPING))
        self._holding.stop()
        self._queue.stop()

    def close(self) -> None:
        """Make room for another TTP; nobody takes jobs any more."""
        self._holding.close()
        self._queue.close()
        self._keeper.close()

    @property
    def is_active(self) -> bool:
        """Whether this TTP is the one of its sub-grid, and not standing by."""
        return self._keeper.wait_for_grid(0)

    @property
    def renewals(self) -> Mapping[tuple[str, Renewal], int]:
        """See :attr:`synergos_ttp.running.lease_keeper.LeaseKeeper.renewals`."""
        return self._keeper.renewals

    def take(self) -> LeasedJob | None:
        """See :class:`~synergos_ttp.running.source.Source`."""
        if not self._keeper.wait_for_grid(0.2):
            return None
        delivery = self._queue.take(LOOK_SECONDS)
        try:
            if delivery is None:
                return self._take_up(None)
            ours = self._ours(delivery)
            return self._take_up(ours) if ours is not None else None
        except BaseException:
            # An unacknowledged message is redelivered to nobody while this TTP's connection lives.
            if delivery is not None:
                delivery.give_back()
            raise

    def _take_up(self, delivery: InHand | None) -> LeasedJob | None:
        found = self._leases.claim(
            self._grid.index, self._keeper.holder, self._grid.ttp, self._grid.outputs, self._signatures.own
        )
        if found.claim is not None:
            return self._held(found.claim, delivery)
        if delivery is None:
            tidy(self._store, self._runner, self._followers)
        elif found.is_left:
            # For another sub-grid. This one looks away for a moment, so that the other gets it.
            delivery.give_back()
            self._stopping.wait(1.0)
        else:
            delivery.acknowledge()
        return None

    def _held(self, claim: Claim, delivery: InHand | None) -> LeasedJob:
        held = LeasedJob(
            claim,
            delivery,
            Control(),
            self._cluster,
            self._leases,
            self._keeper,
            self._queue,
            self._runner,
            self._holding,
            self._stopping,
        )
        with self._lock:
            self._control = held.control
            if self._stopping.is_set():
                held.control.stop(JobInterrupted(_STOPPING))
        return held

    def _ours(self, delivery: Delivery) -> InHand | None:
        """A message that this cluster's director has put in; None for any other, which is parked or handed on."""
        try:
            message = JobMessage.from_json(delivery.body)
            if message.cluster != self._cluster:
                self._hand_on(delivery, message.cluster)
                return None
            # Where it was handed on by another cluster's programs, the queue is one beside its own.
            queue = delivery.queue.removesuffix(f".{self._cluster}")
            nonce = self._signatures.check(delivery.body, delivery.headers, queue)
            if nonce in self._settled and not delivery.redelivered:
                raise InvalidRequest("it was taken before: it is sent again, or comes too late")
        except InvalidRequest as error:
            log.warning("a message is no job that counts, and was parked", queue=delivery.queue, reason=str(error))
            delivery.quarantine(str(error))
            return None
        return InHand(delivery, nonce, self._settled)

    def _hand_on(self, delivery: Delivery, cluster: str) -> None:
        queue = self._queue.queue_of(delivery.queue, cluster)
        if queue is not None:
            delivery.forward(queue)
        else:
            log.warning("a job of another cluster was parked", cluster=cluster, reason=NOT_HANDED_ON)
            delivery.quarantine(NOT_HANDED_ON)


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
                return Interrupted(_STOPPING)
            if isinstance(self.control.reason, LeaseLost):
                return Lost(str(self.control.reason))

    def _acknowledge(self) -> None:
        if self.delivery is not None:
            self.delivery.acknowledge()
