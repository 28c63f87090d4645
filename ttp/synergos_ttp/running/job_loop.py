"""A cluster TTP's loop: take a message up, run the job whose turn it is, send its outcome off.

A message says that a job is ready. Which of the ready jobs is run the records decide, so that projects take turns and
priorities count however the messages lie; there are as many messages as ready jobs. The message is acknowledged when the
outcome has been confirmed by the broker, so the job of a TTP that dies is taken up by another.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from contextlib import suppress
from functools import partial
from typing import Any, Protocol

import structlog
from sqlalchemy.exc import SQLAlchemyError

from synergos.domain.job import JobState
from synergos.domain.messages import JobMessage
from synergos.domain.messages import Outcome as OutcomeMessage
from synergos.errors import InvalidRequest, JobInterrupted, LeaseLost
from synergos.program.log_context import about_job
from synergos.records import RecordStore
from synergos.records.leases import Claim, Leases
from synergos_ttp.control import Control
from synergos_ttp.outcomes import Cancelled, Completed, Failed, Interrupted, Lost, Outcome, Pruned
from synergos_ttp.running.attempt import RETRIES, Attempt, Followers, Retries, Runner
from synergos_ttp.running.lease_keeper import LeaseKeeper
from synergos_ttp.running.tidying import tidy
from synergos_ttp.subscribers.progress import Progress

log = structlog.get_logger(__name__)

LOOK_SECONDS = 5.0
"""How often an idle TTP looks for work without being told: for jobs whose messages were lost with their broker."""

_STOPPING = "the TTP is being stopped; the job goes on elsewhere, or when it is started again"


class Delivery(Protocol):
    """A message in hand; see :class:`synmanager.stream.Delivery`."""

    @property
    def queue(self) -> str:
        """Where it came from."""

    @property
    def message(self) -> Mapping[str, Any]:
        """What it says."""

    def acknowledge(self) -> None:
        """It is done with."""

    def give_back(self) -> None:
        """Let another have it."""

    def park(self, reason: str) -> None:
        """Put it where people look for what is no job."""

    def bury(self, reason: str) -> None:
        """Put it where people look for jobs that were given up."""

    def forward(self, queue: str) -> None:
        """Move it to another queue."""


class Queue(Protocol):
    """The cluster's queue, as a TTP sees it."""

    def take(self, timeout: float) -> Delivery | None:
        """The next message; None when there is none in time, or the queue was closed."""

    def queue_of(self, name: str, cluster: str) -> str:
        """The queue beside ``name`` that the programs of another record store read; it is there then.

        Raises:
            ConnectionError: the broker cannot be reached.
        """

    def complete(self, outcome: Mapping[str, Any]) -> None:
        """Send an outcome off; returns when the broker has it.

        Raises:
            ConnectionError: the broker cannot be reached.
        """

    def stop(self) -> None:
        """Take no more; whoever waits for a message is answered None. What is in hand can still be settled."""

    def close(self) -> None:
        """Let go of the broker."""


class JobLoop:
    """Runs a cluster's jobs in a thread of its own, one at a time.

    Args:
        grid: the index of the sub-grid it runs them on.
        ttp: what this TTP is called.
        followers: makes those who are told what happens to a job.
    """

    def __init__(
        self,
        store: RecordStore,
        leases: Leases,
        queue: Queue,
        runner: Runner,
        *,
        grid: int,
        ttp: str,
        retries: Retries = RETRIES,
        followers: Followers = lambda _job: (),
    ) -> None:
        self._store = store
        self._cluster = store.cluster_id()
        self._leases = leases
        self._queue = queue
        self._runner = runner
        self._grid = grid
        self._ttp = ttp
        self._retries = retries
        self._followers = followers
        self._keeper = LeaseKeeper(leases, grid, ttp)
        self._control: Control | None = None
        # Guards the step from being idle to running a job.
        self._lock = threading.Lock()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._loop, name="jobs", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._keeper.start()
        self._thread.start()

    def stop(self) -> None:
        """Let the running job stop at its next step, and start no other."""
        with self._lock:
            self._stopping.set()
            if self._control:
                self._control.stop(JobInterrupted(_STOPPING))
        self._queue.stop()

    def close(self) -> None:
        """Wait until the loop has ended, and make room for another TTP."""
        if self._thread.is_alive():
            self._thread.join(timeout=60)
        self._queue.close()
        self._keeper.close()

    @property
    def is_active(self) -> bool:
        """Whether this TTP is the one of its sub-grid, and not standing by."""
        return self._keeper.wait_for_grid(0)

    def _loop(self) -> None:
        while not self._stopping.is_set():
            try:
                self._turn()
            except (SQLAlchemyError, ConnectionError, LeaseLost) as error:
                log.warning("no work for now", reason=type(error).__name__)
                self._stopping.wait(1.0)
            except Exception:
                # Whatever it was, the next job is not to blame for it.
                log.exception("a turn failed")
                self._stopping.wait(1.0)

    def _turn(self) -> None:
        if not self._keeper.wait_for_grid(0.2):
            return
        delivery = self._queue.take(LOOK_SECONDS)
        try:
            if delivery is None or self._is_ours(delivery):
                self._take_up(delivery)
        except BaseException:
            # Otherwise nobody got it as long as this TTP lives.
            if delivery is not None:
                delivery.give_back()
            raise

    def _take_up(self, delivery: Delivery | None) -> None:
        found = self._leases.claim(self._grid, self._keeper.holder, self._ttp)
        if found.claim is not None:
            with about_job(found.claim.job):
                self._run(found.claim, delivery)
        elif delivery is not None and found.is_left:
            # For another sub-grid. This one looks away for a moment, so that the other gets it.
            delivery.give_back()
            self._stopping.wait(1.0)
        elif delivery is not None:
            delivery.acknowledge()
        else:
            tidy(self._store, self._runner, self._followers)

    def _is_ours(self, delivery: Delivery) -> bool:
        try:
            message = JobMessage.from_dict(delivery.message)
        except InvalidRequest as error:
            delivery.park(str(error))
            return False
        if message.cluster != self._cluster:
            delivery.forward(self._queue.queue_of(delivery.queue, message.cluster))
            return False
        return True

    def _run(self, claim: Claim, delivery: Delivery | None) -> None:
        control = Control()
        control.subscribe(
            Progress(lambda progress: self._leases.report(claim, progress), control), *self._followers(claim.job)
        )
        with self._lock:
            self._control = control
            if self._stopping.is_set():
                control.stop(JobInterrupted(_STOPPING))
        try:
            self._work(claim, control, delivery)
        except LeaseLost as error:
            log.warning("job is left to others", reason=str(error))
            self._acknowledge(delivery)
        finally:
            with self._lock:
                self._control = None

    def _work(self, claim: Claim, control: Control, delivery: Delivery | None) -> None:
        """Run the job, send its outcome off and settle the message that came for it.

        Raises:
            LeaseLost: the job is not this TTP's any more; the message is not settled.
        """
        with self._keeper.keeping(claim, control):
            outcome = Attempt(claim.job, self._runner, control, self._retries).run()
            if isinstance(control.reason, LeaseLost):
                # Found when the last progress was stored.
                outcome = Lost(str(control.reason))
            if (message := self._message(claim, outcome)) is not None:
                outcome = self._sent(message, outcome, control)
        match outcome:
            case Lost(reason):
                raise LeaseLost(reason)
            case Interrupted():
                self._leases.release(claim)
                if delivery is not None:
                    delivery.give_back()
            case Failed(retry_in=delay) if delay is not None:
                self._leases.release(claim, delay)
                self._acknowledge(delivery)
            case _:
                # It may have been archived before this line is reached.
                with suppress(LeaseLost):
                    self._leases.deliver(claim)
                self._runner.forget(claim.job.id)
                if isinstance(outcome, Failed) and delivery is not None:
                    delivery.bury(outcome.error.message)
                else:
                    self._acknowledge(delivery)

    def _message(self, claim: Claim, outcome: Outcome) -> OutcomeMessage | None:
        """What the director is told of an outcome; None when the job goes on."""
        made = partial(OutcomeMessage, claim.job, self._cluster, claim.fence)
        match outcome:
            case Completed(outputs):
                return made(JobState.COMPLETED, outputs)
            case Cancelled(error) | Pruned(error):
                return made(JobState.CANCELLED, error=error)
            case Failed(error, None):
                return made(JobState.FAILED, error=error)
            case _:
                return None

    def _sent(self, message: OutcomeMessage, outcome: Outcome, control: Control) -> Outcome:
        """Send an outcome off, however long the broker stays away.

        Returns:
            The outcome; or Interrupted or Lost, when this TTP is being stopped, or has lost the job, before the broker
            was back.
        """
        content = message.to_dict()
        while True:
            try:
                self._queue.complete(content)
            except ConnectionError:
                log.warning("outcome not sent yet")
            else:
                log.info("outcome sent", state=message.state)
                return outcome
            if self._stopping.wait(0.5):
                return Interrupted(_STOPPING)
            if isinstance(control.reason, LeaseLost):
                return Lost(str(control.reason))

    @staticmethod
    def _acknowledge(delivery: Delivery | None) -> None:
        if delivery is not None:
            delivery.acknowledge()
