"""The basic TTP's dispatcher: jobs run here, one after the other, in the order they were accepted.

A job that this process could not end, because it was stopped or killed, is taken up again by the next one.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import structlog

from synergos.domain.job import CANCELLED_ON_REQUEST, GIVEN_UP, MAXIMUM_ATTEMPTS, Job, JobError, JobState
from synergos.domain.keys import ProjectKey
from synergos.errors import Conflict, JobCancelled, JobInterrupted, ServiceStopping
from synergos.program.log_context import about_job
from synergos.records import RecordStore, archive
from synergos_ttp.control import Control
from synergos_ttp.outcomes import Cancelled, Completed, Failed, Interrupted, Lost, Outcome, Pruned
from synergos_ttp.running.attempt import Attempt, Followers, Runner, outcome_of
from synergos_ttp.running.tidying import announce_end, tidy
from synergos_ttp.subscribers.progress import Progress

log = structlog.get_logger(__name__)

_STOPPING = "the TTP is being stopped; the job goes on when it is started again"


class LocalDispatcher:
    """Runs accepted jobs in a thread of its own.

    Args:
        store: where jobs and results are kept.
        runner: does the work.
        followers: makes those who are told what happens to a job.
    """

    def __init__(self, store: RecordStore, runner: Runner, followers: Followers = lambda _job: ()) -> None:
        self._store = store
        self._runner = runner
        self._followers = followers
        self._accepted: queue.SimpleQueue[Job | None] = queue.SimpleQueue()
        self._ended: dict[str, threading.Event] = {}
        # The jobs that have not ended, in their order; a dict because one may leave from the middle.
        self._line: dict[str, None] = {}
        self._running: tuple[str, Control] | None = None
        # Guards who runs, who was asked to stop, and the step from queued to running.
        self._lock = threading.Lock()
        self._stopping = False
        self._thread = threading.Thread(target=self._loop, name="jobs", daemon=True)

    def start(self) -> None:
        """Take up the jobs that an earlier process left unfinished, then those to come."""
        for job in self._store.unfinished_jobs():
            if job.attempts >= MAXIMUM_ATTEMPTS:
                self._give_up(job, JobState.FAILED, GIVEN_UP)
            else:
                self._store.save_job(replace(job, state=JobState.QUEUED))
                self._accept(job)
        tidy(self._store, self._runner, self._followers)
        self._thread.start()

    def submit(self, jobs: Sequence[Job], *, wait: bool = True) -> list[Job]:
        """Queue the jobs, and wait until all of them have ended.

        Args:
            wait: False to be answered at once. Even when this process is being stopped: the next one takes them up.

        Raises:
            ServiceStopping: this process is being stopped; the jobs stay queued for the next one.
        """
        if wait:
            self._ended.update({job.id: threading.Event() for job in jobs})
        with self._lock:
            for job in jobs:
                if self._stopping:
                    self._release(job)
                else:
                    self._accept(job)
        if not wait:
            return [self._store.job(job.id) for job in jobs]
        for job in jobs:
            self._ended[job.id].wait()
            del self._ended[job.id]
        found = [self._store.job(job.id) for job in jobs]
        if not all(job.state.is_final for job in found):
            raise ServiceStopping(_STOPPING)
        return found

    def waits(self) -> dict[str, dict[str, Any]]:
        """The jobs behind the first one, each with the one before it."""
        with self._lock:
            line = list(self._line)
        return {
            job: {"waiting_for": line[position - 1], "position": position}
            for position, job in enumerate(line)
            if position
        }

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
            if self._running and self._running[0] == job_id:
                self._running[1].stop(JobCancelled(CANCELLED_ON_REQUEST.message))
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
            if self._running:
                self._running[1].stop(JobInterrupted(_STOPPING))
        self._accepted.put(None)

    def close(self) -> None:
        """Wait until the thread has ended."""
        if self._thread.is_alive():
            self._thread.join(timeout=60)

    def _accept(self, job: Job) -> None:
        self._line[job.id] = None
        self._accepted.put(job)

    def _loop(self) -> None:
        while (job := self._accepted.get()) is not None:
            with about_job(job):
                self._try(job)

    def _try(self, job: Job) -> None:
        try:
            self._take_up(job)
        except Exception:
            # Only a record store that fails gets here; whoever waits must still be answered.
            log.exception("job lost")
            self._release(job)

    def _take_up(self, accepted: Job) -> None:
        control = Control()
        with self._lock:
            job = self._store.job(accepted.id)
            if job.state.is_final or self._stopping:
                self._release(job)
                return
            job = job.started()
            self._store.save_job(job)
            self._running = (job.id, control)
        control.subscribe(
            Progress(lambda progress: self._store.update_progress(job.id, progress), control), *self._followers(job)
        )
        outcome = Attempt(job, self._runner, control).run()
        if isinstance(outcome, Completed):
            outcome = self._archived(job, outcome)
        with self._lock:
            self._running = None
            self._settle(job, outcome)

    def _archived(self, job: Job, completed: Completed) -> Outcome:
        """Write down what a job leaves; how it has ended then."""
        try:
            archive(self._store, job, completed.outputs)
        except Exception as error:
            log.warning("results not archived", reason=type(error).__name__)
            return outcome_of(error, job)
        return completed

    def _settle(self, job: Job, outcome: Outcome) -> None:
        """Write down how a job has ended, unless that is done, and answer whoever waits for it; under the lock."""
        match outcome:
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
        self._release(job)

    def _give_up(self, job: Job, state: JobState, error: JobError) -> None:
        """End a job that is not running."""
        ended = self._end(job, state, error)
        announce_end(ended, self._followers)
        self._release(job)

    def _end(self, job: Job, state: JobState, error: JobError) -> Job:
        # The store's own copy: progress was written there meanwhile.
        ended = self._store.job(job.id).ended(state, error)
        self._store.save_job(ended)
        self._runner.forget(job.id)
        return ended

    def _release(self, job: Job) -> None:
        """Answer whoever waits for the job, when nothing of it is left to tidy up."""
        self._line.pop(job.id, None)
        if event := self._ended.get(job.id):
            event.set()
