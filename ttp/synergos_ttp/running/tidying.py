"""Clean-up after jobs that ended elsewhere: given up, or cancelled between two attempts. Idempotent."""

from __future__ import annotations

from contextlib import suppress

from synergos.domain.job import Job, JobState
from synergos.errors import DamagedRecord, RecordNotFound
from synergos.program.log_context import about_job
from synergos.records import RecordStore
from synergos_ttp.control import Control
from synergos_ttp.events import JobEnded
from synergos_ttp.running.attempt import Followers, Runner, recorded


def tidy(store: RecordStore, runner: Runner, followers: Followers) -> None:
    """Remove what a runner keeps of jobs that have ended."""
    # Listed first: what begins meanwhile is not looked at.
    for job_id in runner.kept():
        # Of a job whose record is damaged nobody knows whether it has ended.
        with suppress(RecordNotFound, DamagedRecord):
            job = store.job(job_id)
            if not job.state.is_final:
                continue
            runner.forget(job_id)
            if job.state is not JobState.COMPLETED:
                announce_end(job, followers)


def announce_end(job: Job, followers: Followers) -> None:
    """Tell those who follow a job that it has ended without another attempt."""
    with about_job(job):
        Control(*followers(job)).publish(JobEnded(job, recorded(job)))
