"""What remains of jobs that somebody else has ended."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import text

from fakes.director_parts import PROJECT, accepted, declare
from synergos.domain.job import Job, JobError, JobState, Stage
from synergos.domain.records import Kind
from synergos.records import RecordStore
from synergos_ttp.events import Event, JobEnded
from synergos_ttp.outcomes import Cancelled, Failed
from synergos_ttp.running.tidying import tidy
from synergos_ttp.stages.jobs import JobRunner
from synergos_ttp.stages.round_store import RoundStore, kept_rounds


@pytest.fixture
def store(database: str) -> Iterator[RecordStore]:
    store = RecordStore(database)
    declare(store)
    yield store
    store.close()


def begun(store: RecordStore, outputs: Path, state: JobState) -> Job:
    """A training of which rounds are kept."""
    job = accepted(store, Stage.TRAIN)
    with RoundStore(outputs, job.id):
        pass
    started = job.started()
    store.save_job(started.ended(state, JobError("X", "y")) if state.is_final else replace(started, state=state))
    return job


def test_rounds_of_ended_jobs_go_and_whoever_followed_them_is_told(store: RecordStore, tmp_path: Path) -> None:
    jobs = {state: begun(store, tmp_path, state) for state in JobState}
    told: list[Event] = []

    tidy(store, JobRunner(store, tmp_path), lambda _job: [told.append])

    assert set(kept_rounds(tmp_path)) == {job.id for state, job in jobs.items() if not state.is_final}
    ends = {event.job.id: event.outcome for event in told if isinstance(event, JobEnded)}
    assert ends == {
        jobs[JobState.FAILED].id: Failed(JobError("X", "y")),
        jobs[JobState.CANCELLED].id: Cancelled(JobError("X", "y")),
    }


def test_a_project_that_was_deleted_stops_nothing(store: RecordStore, tmp_path: Path) -> None:
    begun(store, tmp_path, JobState.FAILED)
    store.delete(Kind.PROJECT, PROJECT)

    tidy(store, JobRunner(store, tmp_path), lambda _job: [])

    assert kept_rounds(tmp_path) == []


def test_of_a_job_whose_record_is_damaged_everything_is_kept_and_others_are_tidied(
    store: RecordStore, tmp_path: Path
) -> None:
    damaged, ended = begun(store, tmp_path, JobState.FAILED), begun(store, tmp_path, JobState.FAILED)
    with store.database.writing() as connection:
        connection.execute(text("UPDATE job SET parameters = '{' WHERE id = :id"), {"id": damaged.id})

    tidy(store, JobRunner(store, tmp_path), lambda _job: [])

    assert kept_rounds(tmp_path) == [damaged.id]
    assert ended.id != damaged.id
