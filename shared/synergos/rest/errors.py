"""Mapping of errors to HTTP statuses; the only place that knows them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from http import HTTPStatus

import structlog
from flask import Flask, Response, request
from werkzeug.exceptions import HTTPException

from synergos.domain.job import ErrorKind, Job, JobError, JobState
from synergos.errors import (
    ClientGone,
    ConditionFailed,
    Conflict,
    DamagedRecord,
    FeatureDrift,
    InvalidRequest,
    IssuerAway,
    JobCancelled,
    JobInterrupted,
    LeaseLost,
    NotAllowed,
    NotInstalled,
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
from synergos.program.refusals import words_of
from synergos.records.database import is_full
from synergos.rest.envelope import failure

log = structlog.get_logger(__name__)

STATUSES: Mapping[type[SynergosError], HTTPStatus] = {
    InvalidRequest: HTTPStatus.EXPECTATION_FAILED,
    UnknownName: HTTPStatus.EXPECTATION_FAILED,
    UnusableData: HTTPStatus.UNPROCESSABLE_ENTITY,
    NotAllowed: HTTPStatus.FORBIDDEN,
    NotYetAllowed: HTTPStatus.FORBIDDEN,
    NotSignedIn: HTTPStatus.UNAUTHORIZED,
    TooManyAttempts: HTTPStatus.TOO_MANY_REQUESTS,
    IssuerAway: HTTPStatus.SERVICE_UNAVAILABLE,
    NotPermitted: HTTPStatus.FORBIDDEN,
    RecordNotFound: HTTPStatus.NOT_FOUND,
    Conflict: HTTPStatus.CONFLICT,
    ConditionFailed: HTTPStatus.PRECONDITION_FAILED,
    FeatureDrift: HTTPStatus.FORBIDDEN,
    DamagedRecord: HTTPStatus.CONFLICT,
    QuotaExceeded: HTTPStatus.FORBIDDEN,
    TooManyAtOnce: HTTPStatus.TOO_MANY_REQUESTS,
    NotSupported: HTTPStatus.FORBIDDEN,
    NotInstalled: HTTPStatus.FORBIDDEN,
    WorkerUnreachable: HTTPStatus.FAILED_DEPENDENCY,
    WorkerSilent: HTTPStatus.FAILED_DEPENDENCY,
    WorkerRefused: HTTPStatus.UNPROCESSABLE_ENTITY,
    WorkerConflict: HTTPStatus.CONFLICT,
    WorkerAwaitsApproval: HTTPStatus.FAILED_DEPENDENCY,
    WorkerForbids: HTTPStatus.FORBIDDEN,
    WorkerMistaken: HTTPStatus.FAILED_DEPENDENCY,
    WireFormatError: HTTPStatus.FAILED_DEPENDENCY,
    ServiceStopping: HTTPStatus.SERVICE_UNAVAILABLE,
    NotRecorded: HTTPStatus.INSUFFICIENT_STORAGE,
    # Nobody reads it.
    ClientGone: HTTPStatus.BAD_REQUEST,
}
_FULL = "the disk of the record store is full: nothing was changed; ask again when there is room, which synergos tidy may make"
_STOPPED = (JobCancelled, TrialPruned, JobInterrupted, LeaseLost)
_BY_NAME = {kind.__name__: status for kind, status in STATUSES.items()} | {
    kind.__name__: HTTPStatus.CONFLICT for kind in _STOPPED
}
_BY_NAME[ErrorKind.OUTPUT] = HTTPStatus.INSUFFICIENT_STORAGE


def status_of(error: SynergosError) -> int:
    """The status of a failure that ends a request."""
    if isinstance(error, WorkerRefused) and 400 <= error.status < 500:
        return error.status
    known = (STATUSES[kind] for kind in type(error).__mro__ if kind in STATUSES)
    return next(known, HTTPStatus.UNPROCESSABLE_ENTITY)


def status_of_job_error(error: JobError) -> int:
    """The status of a failure that ended a job."""
    return _BY_NAME.get(error.kind, HTTPStatus.UNPROCESSABLE_ENTITY)


def answer(error: Exception) -> Response:
    """The answer to a request that failed; what nobody foresaw is logged and not told."""
    if isinstance(error, SynergosError):
        field = error.field if isinstance(error, InvalidRequest | RecordNotFound | ConditionFailed) else None
        changed = error.changed if isinstance(error, ConditionFailed) else {}
        return failure(str(error), status_of(error), field=field, changed=changed, headers=_headers_of(error))
    if isinstance(error, HTTPException):
        return _answer_of_http(error)
    if is_full(error):
        log.error("the record store's disk is full", method=request.method, path=request.path)
        return failure(_FULL, HTTPStatus.INSUFFICIENT_STORAGE)
    log.error("request failed", method=request.method, path=request.path, exc_info=error)
    return failure("something went wrong on our side; the log says what", HTTPStatus.INTERNAL_SERVER_ERROR)


def answer_for_jobs(jobs: Sequence[Job]) -> Response:
    """The answer to a stage request of which these jobs failed or were cancelled."""
    errors = [_error_of(job) for job in jobs]
    first = errors[0]
    who = f"{first.participant}: " if first.participant and first.participant not in first.message else ""
    more = f" (and {len(jobs) - 1} more of its jobs did not complete)" if len(jobs) > 1 else ""
    ids = [job.id for job in jobs]
    return failure(f"{who}{first.message}{more}", status_of_job_error(first), field=first.field, jobs=ids)


def install(app: Flask) -> None:
    """Have every failure of an application answered as JSON."""
    app.register_error_handler(Exception, answer)


def _error_of(job: Job) -> JobError:
    if job.error is not None:
        return job.error
    kind = ErrorKind.CANCELLED if job.state is JobState.CANCELLED else SynergosError.__name__
    return JobError(kind, f"the {job.stage} job was {job.state}")


def _headers_of(error: SynergosError) -> dict[str, str]:
    """What HTTP has whoever has not signed in told."""
    if isinstance(error, TooManyAttempts):
        return {"Retry-After": str(error.seconds)}
    if isinstance(error, IssuerAway):
        return {"Retry-After": "30"}
    if isinstance(error, ConditionFailed) and error.revision is not None:
        return {"ETag": f'"{error.revision}"'}
    if isinstance(error, NotSignedIn):
        return {"WWW-Authenticate": 'Basic realm="Synergos", charset="UTF-8", Bearer realm="Synergos"'}
    return {}


def _answer_of_http(error: HTTPException) -> Response:
    status = error.code or HTTPStatus.INTERNAL_SERVER_ERROR
    headers = {name: value for name, value in error.get_headers() if name in {"Allow", "Content-Range", "Retry-After"}}
    if status == HTTPStatus.NOT_FOUND:
        return failure(f"there is no route {request.path}", status)
    return failure(words_of(error, request.method, request.path), status, headers=headers)
