"""What each TTP does is found without a look at the jobs that wait."""

from __future__ import annotations

import pytest
from sqlalchemy import RowMapping

from synergos.domain.damage import Damaged
from synergos.domain.job import Job, Stage
from synergos.domain.keys import ProjectKey
from synergos.orchestration.caller import OWNER
from synergos.orchestration.grids import Grids
from synergos.records import RecordStore, job_store
from synergos.records.jobs import read_job


def test_only_the_jobs_that_run_are_read(store: RecordStore, monkeypatch: pytest.MonkeyPatch) -> None:
    jobs = [Job(Stage.PREPROCESS, ProjectKey("c", f"p{number}")) for number in range(5)]
    store.add_jobs(jobs)
    store.save_job(jobs[2].started())
    read: list[str] = []

    def counted(row: RowMapping) -> Job | Damaged:
        read.append(row["id"])
        return read_job(row)

    monkeypatch.setattr(job_store, "read_job", counted)
    monkeypatch.setattr("synergos.records.jobs.read_job", counted)
    [grid] = Grids(store, "ttp").find(OWNER)

    assert grid.job is not None
    assert (grid.is_busy, grid.job.id) == (True, jobs[2].id)
    assert read == [jobs[2].id]
