"""Exit codes of the ``synergos`` command, and which failure has which."""

from __future__ import annotations

from enum import IntEnum

from synergos.driver import DriverError, Interrupted, ServerTimeout, ServerUnreachable, WaitTimeout
from synergos.errors import InvalidRequest, NotInstalled, RecordNotFound, SynergosError

NOT_FOUND_STATUS = 404
REFUSED_STATUSES = frozenset({400, 417})


class Cancelled(SynergosError):
    """Somebody cancelled what a command waited for."""


class ExitCode(IntEnum):
    """How a command ended, for the program that called it."""

    OK = 0
    FAILED = 1
    USAGE = 2
    UNREACHABLE = 3
    NOT_FOUND = 4
    JOB_FAILED = 5
    JOB_CANCELLED = 6
    TIMED_OUT = 7
    DIFFERS = 8
    INTERRUPTED = 130


MEANINGS = {
    ExitCode.OK: "it worked",
    ExitCode.FAILED: "it did not work; standard error says why",
    ExitCode.USAGE: "the command or a value makes no sense, or something is not installed",
    ExitCode.UNREACHABLE: "no orchestrator answers at that address",
    ExitCode.NOT_FOUND: "there is no such job, grid or record",
    ExitCode.JOB_FAILED: "a job or study failed",
    ExitCode.JOB_CANCELLED: "a job was cancelled, or a study stopped",
    ExitCode.TIMED_OUT: "it was not done in time",
    ExitCode.DIFFERS: "what is there is otherwise than the project file says",
    ExitCode.INTERRUPTED: "interrupted (Ctrl-C or SIGTERM)",
}


def words_of(error: SynergosError | Interrupted) -> str:
    """What a command says of a failure: of what goes on, the command that looks at it."""
    match error:
        case WaitTimeout(study=str(study)) | Interrupted(study=str(study)):
            again = f"synergos tune show {study} --watch"
        case WaitTimeout(jobs=[_, *_]) | ServerTimeout(jobs=[_, *_]) | Interrupted(jobs=[_, *_]):
            again = f"synergos job wait {' '.join(error.jobs)}"
        case _:
            return str(error)
    what = "interrupted" if isinstance(error, Interrupted) else "not ended in time"
    return f"{what}; the work goes on, and `{again}` waits for it"


def exit_code_of(error: SynergosError) -> ExitCode:
    """The exit code of a failure."""
    match error:
        case ServerUnreachable():
            return ExitCode.UNREACHABLE
        case ServerTimeout() | WaitTimeout():
            return ExitCode.TIMED_OUT
        case DriverError(body={"jobs": [*_]}):
            return ExitCode.JOB_FAILED
        case DriverError(status=status) if status == NOT_FOUND_STATUS:
            return ExitCode.NOT_FOUND
        case DriverError(status=status) if status in REFUSED_STATUSES:
            return ExitCode.USAGE
        case RecordNotFound():
            return ExitCode.NOT_FOUND
        case Cancelled():
            return ExitCode.JOB_CANCELLED
        case InvalidRequest() | NotInstalled():
            return ExitCode.USAGE
        case _:
            return ExitCode.FAILED
