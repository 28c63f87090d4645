"""What remains of jobs that somebody else has ended."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from fakes.director_parts import PROJECT, RUN, accepted, declare
from synergos.domain.job import Job, JobError, JobState, Stage
from synergos.domain.records import Kind
from synergos.records import RecordStore
from synergos_ttp.stages.jobs import JobRunner
from synergos_ttp.stages.round_store import RoundStore, kept_rounds
from synergos_ttp.tracking.tracker import Combination, NoTracker
from synergos_ttp.workers.limits import Limits


class Tracker(NoTracker):
    def __init__(self) -> None:
        self.abandonments: list[tuple[str, str]] = []

    def abandoned(self, combination: Combination, job_id: str) -> None:
        self.abandonments.append((combination.run.run_id, job_id))


@pytest.fixture
def store(tmp_path: Path) -> Iterator[RecordStore]:
    store = RecordStore(f"sqlite:///{tmp_path / 'records.sqlite'}")
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


def test_rounds_of_ended_jobs_go_and_their_runs_have_failed(store: RecordStore, tmp_path: Path) -> None:
    jobs = {state: begun(store, tmp_path, state) for state in JobState}
    tracker = Tracker()

    JobRunner(store, tmp_path, Limits(), tracker=tracker).tidy()

    assert set(kept_rounds(tmp_path)) == {job.id for state, job in jobs.items() if not state.is_final}
    ended = [jobs[JobState.FAILED].id, jobs[JobState.CANCELLED].id]
    assert sorted(tracker.abandonments) == sorted((RUN["run_id"], job_id) for job_id in ended)


def test_a_project_that_was_deleted_stops_nothing(store: RecordStore, tmp_path: Path) -> None:
    begun(store, tmp_path, JobState.FAILED)
    store.delete(Kind.PROJECT, PROJECT)
    JobRunner(store, tmp_path, Limits(), tracker=Tracker()).tidy()
    assert kept_rounds(tmp_path) == []
