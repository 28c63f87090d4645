"""A cluster's jobs as one of its TTPs takes them up.

A message says that a job is ready. Which of the ready jobs is run the records decide, so that scheduling is fair between projects and
priorities count however the messages lie; there are as many messages as ready jobs. So a message in hand wakes a TTP and
is about no job in particular: it is acknowledged when the job that was taken up on it has ended and its outcome has been
confirmed by the broker, and given back when it has not. The job of a TTP that dies is thereby taken up by another.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

import structlog

from synergos.domain.messages import NOT_HANDED_ON, JobMessage
from synergos.errors import InvalidRequest, JobInterrupted
from synergos.records import RecordStore
from synergos.records.leases import Claim, Leases
from synergos_ttp.control import Control
from synergos_ttp.running.attempt import Followers, Runner
from synergos_ttp.running.holding import Holding
from synergos_ttp.running.job_queue import Delivery, Queue, Signatures
from synergos_ttp.running.lease_keeper import LeaseKeeper, Renewal
from synergos_ttp.running.leased_job import STOPPING, LeasedJob
from synergos_ttp.running.settled_messages import InHand, Settled
from synergos_ttp.running.tidying import tidy

log = structlog.get_logger(__name__)

LOOK_SECONDS = 5.0
"""How often an idle TTP looks for work without being told: for jobs whose messages were lost with their broker."""


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
                self._control.stop(JobInterrupted(STOPPING))
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
                held.control.stop(JobInterrupted(STOPPING))
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
