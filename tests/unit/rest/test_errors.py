from __future__ import annotations

import inspect
from contextlib import closing
from pathlib import Path
from shutil import copyfile

import pytest
from flask import Flask
from sqlalchemy.exc import OperationalError

from support.full_disk import files_up_to
from synergos import errors
from synergos.domain.job import ErrorKind, JobError
from synergos.domain.records import Kind
from synergos.errors import (
    ClientGone,
    ConditionFailed,
    Conflict,
    DamagedRecord,
    Diverged,
    FeatureDrift,
    GridError,
    InvalidRequest,
    IssuerAway,
    JobCancelled,
    JobInterrupted,
    JobStopped,
    LeaseLost,
    NotAllowed,
    NotInstalled,
    NotNeeded,
    NotPermitted,
    NotRecorded,
    NotSignedIn,
    NotSupported,
    NotYetAllowed,
    QuotaExceeded,
    RecordNotFound,
    ServiceStopping,
    SynergosError,
    TooManyAtOnce,
    TooManyAttempts,
    TrialPruned,
    UnknownName,
    UnusableData,
    WireFormatError,
    WorkerAwaitsApproval,
    WorkerConflict,
    WorkerForbids,
    WorkerMistaken,
    WorkerRefused,
    WorkerSilent,
    WorkerUnreachable,
)
from synergos.records import RecordStore
from synergos.rest.errors import answer, status_of, status_of_job_error

STATUSES = [
    (InvalidRequest("wrong", "field"), 417),
    (UnknownName("Linea", ["Linear"], "l_type", "a layer"), 417),
    (UnusableData("no column", "age"), 422),
    (RecordNotFound("gone"), 404),
    (Conflict("not now"), 409),
    (FeatureDrift("other columns"), 403),
    (ConditionFailed("changed"), 412),
    (DamagedRecord("Run"), 409),
    (NotAllowed("too much"), 403),
    (NotYetAllowed("not decided"), 403),
    (NotSignedIn("who are you"), 401),
    (TooManyAttempts(1.5), 429),
    (IssuerAway("cannot be asked"), 503),
    (NotPermitted("another's"), 403),
    (WorkerAwaitsApproval("not yet", "w"), 424),
    (WorkerForbids("too much", "w"), 403),
    (QuotaExceeded("as much as it may"), 403),
    (TooManyAtOnce("as many as may"), 429),
    (NotSupported("no queue"), 403),
    (NotInstalled("no matplotlib"), 403),
    (WorkerUnreachable("no answer", "w"), 424),
    (WorkerSilent("nothing comes", "w"), 424),
    (WorkerRefused("no", "w"), 422),
    (WorkerConflict("not now", "w"), 409),
    (WorkerMistaken("another's worker", "w"), 424),
    (WireFormatError("what?", "w"), 424),
    (NotNeeded("too late", "w"), 422),
    (Diverged("no finite loss", "w"), 422),
    (ServiceStopping("later"), 503),
    (NotRecorded("no room"), 507),
    (ClientGone("hung up"), 400),
    (GridError("something", "w"), 422),
    (SynergosError("something"), 422),
]


@pytest.mark.parametrize(("error", "status"), STATUSES)
def test_an_error_has_its_status_whether_it_ends_a_request_or_a_job(error: SynergosError, status: int) -> None:
    assert status_of(error) == status
    assert status_of_job_error(JobError(type(error).__name__, str(error))) == status


@pytest.mark.parametrize("stopped", [JobCancelled, TrialPruned, JobInterrupted, LeaseLost])
def test_a_job_that_was_stopped_is_in_conflict_with_what_was_asked(stopped: type[JobStopped]) -> None:
    assert status_of_job_error(JobError(stopped.__name__, "stopped")) == 409


@pytest.mark.parametrize(
    ("kind", "name"),
    [(ErrorKind.CANCELLED, JobCancelled), (ErrorKind.PRUNED, TrialPruned), (ErrorKind.INTERRUPTED, JobInterrupted)],
)
def test_kinds_of_ends_are_stored_by_the_names_they_always_had(kind: ErrorKind, name: type[JobStopped]) -> None:
    assert kind == name.__name__


def test_no_handler_of_failures_catches_what_stops_a_job() -> None:
    assert not issubclass(JobStopped, SynergosError)


def test_every_error_of_ours_is_thought_of() -> None:
    ours = {kind for _, kind in inspect.getmembers(errors, inspect.isclass) if issubclass(kind, SynergosError)}

    assert {type(error) for error, _ in STATUSES} == ours


@pytest.mark.parametrize(("answered", "status"), [(404, 404), (409, 409), (413, 413), (500, 422), (200, 422)])
def test_a_workers_refusal_is_passed_on_when_it_was_one(answered: int, status: int) -> None:
    assert status_of(WorkerRefused("no", "w", answered)) == status


def test_a_job_that_broke_in_a_way_nobody_foresaw_is_unprocessable() -> None:
    assert status_of_job_error(JobError("ZeroDivisionError", "…")) == 422


def test_a_full_disk_is_said_and_nothing_is_changed(migrated: Path, tmp_path: Path) -> None:
    copyfile(migrated, tmp_path / "records.sqlite")
    with closing(RecordStore(f"sqlite:///{tmp_path / 'records.sqlite'}")) as store, Flask("app").test_request_context():
        with files_up_to(1), pytest.raises(OperationalError) as refused:
            store.put(Kind.COLLABORATION, {"collab_id": "c"}, {})
        answered = answer(refused.value)

        assert answered.status_code == 507
        assert "the disk of the record store is full: nothing was changed" in (answered.json or {})["message"]
        assert store.find(Kind.COLLABORATION) == []
        store.put(Kind.COLLABORATION, {"collab_id": "c"}, {})
