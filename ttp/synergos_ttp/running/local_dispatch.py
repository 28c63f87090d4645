"""The basic TTP's dispatcher: jobs run here, one after the other; collaborations take turns.

Within a collaboration jobs run in the order they were accepted, so what one needs of another is there. Of two collaborations
the one that was served longest ago is next: whoever asks for one job waits for the one in hand, however many another has.

A job that waits for an owner's decision makes room for others, but for those that depend on it (:mod:`.holding`).

A job that this process could not end, because it was stopped or killed, is taken up again by the next one.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TypeVar

import structlog
from sqlalchemy.exc import OperationalError

from synergos.domain.job import CANCELLED_ON_REQUEST, GIVEN_UP, MAXIMUM_ATTEMPTS, Job, JobError, JobState
from synergos.domain.job_event import JobNews, owner_lost
from synergos.domain.job_progress import AwaitedWorker, waiting_for
from synergos.domain.keys import ProjectKey
from synergos.errors import Conflict, JobCancelled, JobInterrupted, ServiceStopping
from synergos.orchestration.dispatcher import FOREVER, Wait
from synergos.records import RecordStore, archive
from synergos.records.database import is_full
from synergos_ttp.control import Control
from synergos_ttp.holds import Hold, in_progress
from synergos_ttp.outcomes import Cancelled, Completed, Failed, Held, Interrupted, Lost, Outcome, Pruned
from synergos_ttp.running.attempt import Followers, Runner, outcome_of
from synergos_ttp.running.holding import Holding, PutBack
from synergos_ttp.running.job_loop import JobLoop
from synergos_ttp.running.tidying import announce_end, tidy
from synergos_ttp.running.turns import Turns

log = structlog.get_logger(__name__)

Result = TypeVar("Result")

_PAUSE = 1.0
_STOPPING = "the TTP is being stopped; the job goes on when it is started again"


class LocalDispatcher:
    """Runs accepted jobs in a thread of its own; a :class:`~synergos_ttp.running.source.Source` for that thread.

    Args:
        store: where jobs and results are kept.
        runner: does the work.
        followers: makes those who are told what happens to a job.
        pause: seconds between two tries to write to a record store that takes nothing.
    """

    def __init__(
        self, store: RecordStore, runner: Runner, followers: Followers = lambda _job: (), pause: float = _PAUSE
    ) -> None:
        self._pause = pause
        self._store = store
        self._runner = runner
        self._followers = followers
        self._ended: dict[str, threading.Event] = {}
        # Between request threads and the job thread: guards who waits, who runs, who was asked to stop, and the step from
        # queued to running; the job thread waits on it for a job, or for the end.
        self._lock = threading.Condition(threading.Lock())
        self._turns = Turns()
        self._holding = Holding()
        # The job that is being taken up or runs, from its turn to its end.
        self._in_hand: str | None = None
        self._running: LocalJob | None = None
        self._stopping = False
        # Ends the job thread's waiting for a record store that takes nothing.
        self._stopped = threading.Event()
        self._loop = JobLoop(self, runner, followers)

    def start(self) -> None:
        """Take up the jobs that an earlier process left unfinished, then those to come."""
        # What ran comes first: its rounds are kept, and its collaboration has had the turn.
        for job in sorted(self._store.unfinished_jobs(), key=lambda job: job.state is not JobState.RUNNING):
            if job.state is JobState.RUNNING:
                self._store.history.add_if_there_is_room(job.id, owner_lost(job))
            try:
                self._take_over(job)
            except OperationalError as error:
                if not is_full(error):
                    raise
                log.error("the record store takes nothing; a job is as it was", job=job.id, reason="disk full")
        tidy(self._store, self._runner, self._followers)
        self._holding.start()
        self._loop.start()

    def _take_over(self, job: Job) -> None:
        """Have a job run that an earlier process left, or give it up.

        Raises:
            OperationalError: that is not written down; one that is to run does, and says so as soon as anything can be written.
        """
        if job.attempts >= MAXIMUM_ATTEMPTS:
            self._give_up(job, JobState.FAILED, GIVEN_UP)
            return
        with self._lock:
            self._accept(job)
        self._store.save_job(replace(job, state=JobState.QUEUED))

    def submit(self, jobs: Sequence[Job], *, wait: Wait | None = FOREVER) -> list[Job]:
        """Queue the jobs, and wait until all of them have ended.

        Args:
            wait: how to wait for each of them; None to be answered at once, even when this process is being stopped: the
                next one takes them up.

        Raises:
            ServiceStopping: this process is being stopped; the jobs stay queued for the next one.
        """
        if wait is not None:
            self._ended.update({job.id: threading.Event() for job in jobs})
        with self._lock:
            for job in jobs:
                if self._stopping:
                    self._release(job.id)
                else:
                    self._accept(job)
        if wait is None:
            return [self._store.job(job.id) for job in jobs]
        try:
            for job in jobs:
                wait(self._ended[job.id])
        finally:
            for job in jobs:
                del self._ended[job.id]
        found = [self._store.job(job.id) for job in jobs]
        if not all(job.state.is_final for job in found):
            raise ServiceStopping(_STOPPING)
        return found

    def waits(self) -> dict[str, dict[str, object]]:
        """The jobs behind the first one, each with the one that is before it if no others come; or the one that it depends on."""
        with self._lock:
            line = [*filter(None, [self._in_hand]), *self._turns.order()]
            behind = self._turns.behind()
        found: dict[str, dict[str, object]] = {
            job_id: {"waiting_for": line[position - 1], "position": position}
            for position, job_id in enumerate(line)
            if position
        }
        return found | {job_id: {"waiting_for": first} for job_id, first in behind.items()}

    def cancel(self, job_id: str) -> Job:
        """Ask a job to stop: one that waits never starts, one that runs ends at its next step.

        Raises:
            RecordNotFound: there is no such job.
            Conflict: it has ended already.
        """
        with self._lock:
            job = self._store.job(job_id)
            if job.state.is_final:
                raise Conflict(f"job {job_id} is {job.state} already")
            if self._running and self._running.job.id == job_id:
                self._running.control.stop(JobCancelled(CANCELLED_ON_REQUEST.message))
            else:
                self._give_up(job, JobState.CANCELLED, CANCELLED_ON_REQUEST)
            return self._store.job(job_id)

    def width(self, project: ProjectKey) -> int:
        """How many jobs run at once: one."""
        return 1

    def stop(self) -> None:
        """Let the running job stop at its next step and start no other; whoever waits is answered."""
        with self._lock:
            self._stopping = True
            self._stopped.set()
            if self._running:
                self._running.control.stop(JobInterrupted(_STOPPING))
            elif self._in_hand:
                self._release(self._in_hand)
            for waiting in self._turns.all():
                self._release(waiting)
            self._lock.notify_all()
        self._holding.stop()
        self._loop.stop()

    def close(self) -> None:
        """Wait until the threads have ended."""
        self._holding.close()
        self._loop.close()

    def _accept(self, job: Job) -> None:
        self._turns.add(job)
        self._lock.notify_all()

    def take(self) -> LocalJob | None:
        """See :class:`~synergos_ttp.running.source.Source`."""
        with self._lock:
            self._lock.wait_for(lambda: self._stopping or bool(self._turns))
            accepted = None if self._stopping else self._turns.take()
            if accepted is None:
                return None
            self._in_hand = accepted
        try:
            return self._persist(lambda: self._take_up(accepted))
        except BaseException:
            # Whoever waits must be answered, though the record store failed.
            with self._lock:
                self._release(accepted)
            raise

    def _take_up(self, accepted: str) -> LocalJob | None:
        with self._lock:
            job = self._store.job(accepted)
            # Cancelled while it waited, for one.
            if job.state.is_final or self._stopping:
                self._release(job.id)
                return None
            held = LocalJob(self, job.started(), is_resumed=job.started_at is not None)
            self._store.save_job(held.job)
            self._running = held
            return held

    def report(self, job: Job, progress: Mapping[str, object] | None, news: JobNews) -> None:
        """Store how far the running job is, and what has happened to it."""
        self._store.update_progress(job.id, progress, news)

    def archived(self, job: Job, completed: Completed) -> Outcome:
        """Write down what the running job leaves; how it has ended then."""
        outputs = completed.outputs
        try:
            if outputs is not None:
                self._persist(lambda: archive(self._store, job, outputs))
        except OperationalError:
            return Interrupted(_STOPPING)
        except Exception as error:
            log.warning("results not archived", reason=type(error).__name__)
            return outcome_of(error, job)
        return completed

    def settle(self, job: Job, outcome: Outcome) -> None:
        """Write down how the running job has ended, unless that is done, and answer whoever waits for it."""
        self._persist(lambda: self._settle(job, outcome))

    def _settle(self, job: Job, outcome: Outcome) -> None:
        with self._lock:
            if isinstance(outcome, Held) and self._running is not None and self._running.control.reason is not None:
                # Somebody has asked it to stop in the meantime, who does not mean later.
                outcome = outcome_of(self._running.control.reason, job)
            match outcome:
                case Held(holds):
                    self._put_back(job, holds)
                    return
                case Interrupted() | Lost():
                    # It was in order, and this was no attempt.
                    stored = self._store.job(job.id)
                    self._store.save_job(replace(stored, state=JobState.QUEUED, attempts=stored.attempts - 1))
                case Cancelled(error) | Pruned(error):
                    self._end(job, JobState.CANCELLED, error)
                case Failed(error):
                    self._end(job, JobState.FAILED, error)
                case Completed():
                    self._runner.forget(job.id)
            self._running = None
            self._release(job.id)

    def _put_back(self, job: Job, holds: Sequence[Hold]) -> None:
        """Make room for others until owners have decided; whoever waits for the job waits on."""
        stored = self._store.job(job.id)
        progress = waiting_for(stored.progress, in_progress(holds))
        held = replace(stored, state=JobState.WAITING, attempts=stored.attempts - 1, progress=progress)
        self._store.save_job(held)
        self._running = self._in_hand = None
        self._turns.hold(held)
        place = PutBack(partial(self.still_held, job.id), partial(self.let_go_on, job.id))
        self._holding.keep(held, holds, place)

    def still_held(self, job_id: str, waits: Sequence[AwaitedWorker]) -> bool:
        """Note what a job is held by; false when it has ended. See :class:`~synergos_ttp.running.holding.PutBack`."""
        with self._lock:
            job = self._store.job(job_id)
            if job.state is not JobState.WAITING:
                return False
            progress = waiting_for(job.progress, waits)
            if progress != job.progress:
                self._store.update_progress(job_id, progress)
            return True

    def let_go_on(self, job_id: str, left: Sequence[AwaitedWorker]) -> None:
        """Have a job that was held taken up when it is its turn; see :class:`~synergos_ttp.running.holding.PutBack`."""
        with self._lock:
            job = self._store.job(job_id)
            if job.state is JobState.WAITING and not self._stopping:
                with self._store.transaction():
                    self._store.update_progress(job_id, waiting_for(job.progress, left))
                    self._store.save_job(replace(job, state=JobState.QUEUED, progress={}))
                self._turns.let_go(job_id)
                self._lock.notify_all()

    def _persist(self, write: Callable[[], Result]) -> Result:
        """Write to the record store; while it takes nothing, as on a full disk, wait and try again.

        Raises:
            OperationalError: it takes nothing, and this process is being stopped.
        """
        is_told = False
        while True:
            try:
                return write()
            except OperationalError as error:
                if not is_told:
                    log.error(
                        "the record store takes nothing; waiting",
                        reason="disk full" if is_full(error) else str(error.orig),
                    )
                is_told = True
                if self._stopped.wait(self._pause):
                    raise

    def let_go(self, job: Job) -> None:
        """Leave the running job to the next process, and answer whoever waits for it."""
        with self._lock:
            self._running = None
            self._release(job.id)

    def _give_up(self, job: Job, state: JobState, error: JobError) -> None:
        """End a job that is not running."""
        ended = self._end(job, state, error)
        announce_end(ended, self._followers)
        self._release(job.id)

    def _end(self, job: Job, state: JobState, error: JobError) -> Job:
        # The store's own copy: progress was written there meanwhile.
        ended = self._store.job(job.id).ended(state, error)
        self._store.save_job(ended)
        self._runner.forget(job.id)
        return ended

    def _release(self, job_id: str) -> None:
        """Answer whoever waits for the job, when nothing of it is left to tidy up."""
        self._turns.remove(job_id)
        self._holding.drop(job_id)
        if self._in_hand == job_id:
            self._in_hand = None
        if event := self._ended.get(job_id):
            event.set()


@dataclass(frozen=True)
class LocalJob:
    """The job that runs; see :class:`~synergos_ttp.running.source.JobInHand`."""

    dispatcher: LocalDispatcher
    job: Job
    is_resumed: bool
    control: Control = field(default_factory=Control)

    def report(self, progress: Mapping[str, object] | None, news: JobNews) -> None:
        """See :class:`~synergos_ttp.running.source.JobInHand`."""
        self.dispatcher.report(self.job, progress, news)

    def kept(self) -> AbstractContextManager[None]:
        """Nobody else takes jobs up here."""
        return nullcontext()

    def deliver(self, outcome: Outcome) -> Outcome:
        """Archive what there is."""
        return self.dispatcher.archived(self.job, outcome) if isinstance(outcome, Completed) else outcome

    def settle(self, outcome: Outcome) -> None:
        """See :class:`~synergos_ttp.running.source.JobInHand`."""
        self.dispatcher.settle(self.job, outcome)

    def let_go(self) -> None:
        """See :class:`~synergos_ttp.running.source.JobInHand`."""
        self.dispatcher.let_go(self.job)
