"""Which tracking server a job's notes go to."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from synergos.domain.job import Job, Stage
from synergos.domain.keys import RunKey, job_key
from synergos.domain.records import Kind
from synergos.records import RecordStore
from synergos_ttp.tracking.tracker import TrackingSubject

KEYS = {"collab_id": "c", "project_id": "p", "expt_id": "e", "run_id": "r"}


@pytest.fixture
def store(database: str) -> Iterator[RecordStore]:
    store = RecordStore(database)
    yield store
    store.close()


@pytest.mark.parametrize(
    ("mlops", "address"),
    [
        ({"host": "10.0.0.9", "ports": {"main": 5500, "ui": 5501}, "secure": False}, "http://10.0.0.9:5500"),
        ({"host": "mlflow.example.org", "ports": {"main": 443}, "secure": True}, "https://mlflow.example.org:443"),
        ({"host": "10.0.0.9", "ports": {"main": 5500}}, "http://10.0.0.9:5500"),
        ({"host": None, "ports": {"main": None}, "secure": None}, None),
        (None, None),
    ],
)
def test_a_collaboration_may_name_a_server(store: RecordStore, mlops: Any, address: str | None) -> None:
    store.put(Kind.COLLABORATION, KEYS, {"mlops": mlops} if mlops else {})

    found = TrackingSubject.of(store, Job(Stage.VALIDATE, job_key({**KEYS, "participant_id": "worker_1"})))

    assert found == TrackingSubject(RunKey("c", "p", "e", "r"), address)


def test_a_collaboration_that_was_deleted_meanwhile_names_none(store: RecordStore) -> None:
    assert TrackingSubject.of(store, Job(Stage.TRAIN, job_key(KEYS))).address is None
