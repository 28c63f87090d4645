"""The basic TTP's dispatcher: jobs run here, one after the other, in the order they were accepted.

A job that this process could not end, because it was stopped or killed, is taken up again by the next one.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any, Protocol

import structlog

from synergos.domain.job import Job, JobError, JobState
from synergos.domain.keys import ProjectKey
from synergos.errors import Conflict, JobCancelled, JobInterrupted, ServiceStopping, TrialPruned
from synergos.records import RecordStore, archive
from synergos_ttp.running.control import Control
from synergos_ttp.running.failures import failure_of

log = structlog.get_logger(__name__)

_ATTEMPTS = 5
_CANCELLED = "cancelled on request"
_STOPPING = "the TTP is being stopped; the job goes on when it is started again"
_TOO_OFTEN = f"given up: the TTP ended {_ATTEMPTS} times while the job ran"


class Runner(Protocol):
    """Does what a job asks and returns its outputs."""

    def run(self, job: Job, control: Control) -> dict[str, Any]:
        """See :class:`synergos_ttp.stages.jobs.JobRunner`."""

    def abandon(self, job: Job) -> None:
        """See :class:`synergos_ttp.stages.jobs.JobRunner`."""

    def settle(self, unfinished: Iterable[str]) -> None:
        """See :class:`synergos_ttp.stages.jobs.JobRunner`."""


class LocalDispatcher:
    """Runs accepted jobs in a thread of its own.

    Args:
        store: where jobs and results are kept.
        runner: does the work.
    """

    def __init__(self, store: RecordStore, runner: Runner) -> None:
        self._store = store
        self._runner = runner
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
        for job in self._unfinished():
            if job.attempts >= _ATTEMPTS:
                self._runner.abandon(job)
                self._end(job, JobState.FAILED, JobError("JobInterrupted", _TOO_OFTEN))
            else:
                self._store.save_job(replace(job, state=JobState.QUEUED))
                self._accept(job)
        self._settle()
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
                self._running[1].stop(JobCancelled(_CANCELLED))
            else:
                if job.attempts:
                    self._runner.abandon(job)
                self._end(job, JobState.CANCELLED, JobError("JobCancelled", _CANCELLED))
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
            try:
                self._take_up(job)
            except Exception:
                # Only a record store that fails gets here; whoever waits must still be answered.
                log.exception("job lost", job_id=job.id)
                self._release(job)

    def _take_up(self, accepted: Job) -> None:
        control = Control(lambda progress: self._store.update_progress(accepted.id, progress))
        with self._lock:
            job = self._store.job(accepted.id)
            if job.state.is_final:
                self._release(job)
                return
            if self._stopping:
                self._release(job)
                return
            job = job.started()
            self._store.save_job(job)
            self._running = (job.id, control)
        log.info("job started", job_id=job.id, stage=job.stage, **job.keys)
        outcome = self._attempt(job, control)
        with self._lock:
            self._running = None
            if outcome is None:
                log.info("job completed", job_id=job.id, stage=job.stage)
                self._release(job)
            elif outcome.kind == JobInterrupted.__name__:
                log.warning("job interrupted", job_id=job.id, stage=job.stage)
                self._store.save_job(replace(self._store.job(job.id), state=JobState.QUEUED))
                self._release(job)
            else:
                is_cancelled = outcome.kind in {JobCancelled.__name__, TrialPruned.__name__}
                self._end(job, JobState.CANCELLED if is_cancelled else JobState.FAILED, outcome)

    def _attempt(self, job: Job, control: Control) -> JobError | None:
        """Run the job and archive what comes back; why not, if that fails."""
        try:
            archive(self._store, job, self._runner.run(job, control))
        except Exception as error:
            return failure_of(error, job)
        return None

    def _end(self, job: Job, state: JobState, error: JobError) -> None:
        log.warning("job ended", job_id=job.id, stage=job.stage, state=state, reason=error.message)
        # The store's own copy: progress was written there meanwhile.
        self._store.save_job(self._store.job(job.id).ended(state, error))
        self._release(job)

    def _unfinished(self) -> list[Job]:
        return [job for job in self._store.jobs() if not job.state.is_final]

    def _settle(self) -> None:
        self._runner.settle(job.id for job in self._unfinished())

    def _release(self, job: Job) -> None:
        """Answer whoever waits for the job, when nothing of it is left to tidy up."""
        self._line.pop(job.id, None)
        self._settle()
        if event := self._ended.get(job.id):
            event.set()
