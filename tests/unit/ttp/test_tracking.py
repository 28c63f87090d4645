"""Which tracking server a job's notes go to, and what is on the disk before a job goes on."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from synergos.domain.job import Job, Stage
from synergos.domain.keys import RunKey, job_key
from synergos.domain.records import Kind
from synergos.records import RecordStore
from synergos_ttp.tracking.mlflow_tracker import MlflowTracker
from synergos_ttp.tracking.note_sender import NoteSender
from synergos_ttp.tracking.note_spool import NoteSpool
from synergos_ttp.tracking.notes import ModelNotes, Notes, TrainingNotes
from synergos_ttp.tracking.tracker import Status, TrackingSubject

KEYS = {"collab_id": "c", "project_id": "p", "expt_id": "e", "run_id": "r"}


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


class Nobody:
    """Writes nothing."""

    def write(self, notes: Notes) -> None:
        raise AssertionError("not to be asked")

    def close(self) -> None:
        """There is nothing to give up."""


def test_all_about_the_end_of_a_training_is_kept_before_anything_is_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    exports = tmp_path / "outputs"
    exports.mkdir()
    spool = NoteSpool(tmp_path / "spool")
    # Never started: nothing is sent.
    tracker = MlflowTracker(spool, Nobody())
    kept: list[type[Notes]] = []

    def wait(*_: object) -> None:
        while (waiting := spool.next(lambda *_: False)) is not None:
            kept.append(type(waiting.notes))
            spool.remove(waiting.ids)

    monkeypatch.setattr(NoteSender, "wait", wait)
    where = TrackingSubject(RunKey("c", "p", "e", "r"), "http://127.0.0.1:5500")
    tracker.training(where, "a" * 32, {}).end(Status.FINISHED, exports)

    assert kept == [TrainingNotes, ModelNotes]
    spool.close()
