"""Job failures: the error a record shows, and whether the failure is transient and worth a retry."""

from __future__ import annotations

from pathlib import Path

import structlog

from synergos.domain.job import ErrorKind, JobError
from synergos.errors import GridError, InvalidRequest, SynergosError, WorkerUnreachable

log = structlog.get_logger(__name__)

_UNFORESEEN = "the job failed for a reason nobody foresaw; the TTP's log has the details"


def failure_of(error: Exception) -> JobError:
    """What the record of a job says of the error that ended it; what nobody foresaw is logged."""
    if isinstance(error, SynergosError):
        return JobError(
            kind=type(error).__name__,
            message=str(error),
            participant=error.participant if isinstance(error, GridError) else None,
            field=error.field if isinstance(error, InvalidRequest) else None,
        )
    log.error("a failure that nobody foresaw", exc_info=error)
    if isinstance(error, OSError):
        where = f" at {Path(error.filename).name}" if isinstance(error.filename, str) else ""
        message = f"results could not be written{where}: {error.strerror or type(error).__name__}"
        return JobError(ErrorKind.OUTPUT, message)
    return JobError(ErrorKind.INTERNAL, _UNFORESEEN)


def may_pass(error: Exception) -> bool:
    """Whether the same job may well succeed later: not when the request or somebody's data is at fault."""
    return isinstance(error, WorkerUnreachable) or not isinstance(error, SynergosError)
