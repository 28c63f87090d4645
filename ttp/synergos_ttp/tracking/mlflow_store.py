"""An MLflow store: what is written to it, note by note, and whom to blame for what could not be."""

from __future__ import annotations

import traceback
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING

from requests import ConnectionError as RequestsConnectionError
from requests import Timeout

from synergos_ttp.tracking.artifact_places import PlaceNotAllowed
from synergos_ttp.tracking.mlflow_models import ModelNotWritten
from synergos_ttp.tracking.mlflow_run import MlflowRun
from synergos_ttp.tracking.notes import (
    AbandonedNotes,
    Fault,
    ModelNotes,
    Notes,
    NotWritten,
    StudyNotes,
    TrainingNotes,
    ValidationNotes,
)
from synergos_ttp.tracking.one_server import OneServer, Strayed, only

if TYPE_CHECKING:
    from synergos.tls.secured import Secured

_LONGEST = 2000
"""Characters of each end of what MLflow says went wrong."""
_TRANSIENT = frozenset({HTTPStatus.NOT_FOUND, HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_MANY_REQUESTS})
_UNKNOWN = frozenset({HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN})
"""How a server answers that does not know us: until an administrator tells it, or us."""


class MlflowStore:
    """Writes to the server a collaboration names, or to an SQLite store with its artifacts in a folder.

    An MLflow experiment is ``<collab>_>_<project>_>_<expt>``; every training is a new MLflow run named ``<run>`` with the
    job's id as a tag, so that training again keeps what was there; trials lie below the run of their study. Validations go to the
    training that was measured, or where that is not known to the newest one that finished.

    Args:
        folder: of the local store; made when it is needed.
        tls: whom of servers to believe; None for whom the library believes.
    """

    def __init__(self, folder: Path, tls: Secured | None = None) -> None:
        self._folder = folder
        self._tls = tls
        # The trainings that go on, by job.
        self._runs: dict[str, MlflowRun] = {}

    def write(self, notes: Notes) -> None:
        """See :class:`synergos_ttp.tracking.notes.Writer`."""
        try:
            with only(OneServer(notes.target.address, notes.target.connect_to, self._tls)):
                self._write(notes)
        except Exception as error:
            if isinstance(notes, TrainingNotes):
                # Opened anew next time, which tells what was written of these notes.
                self._runs.pop(notes.job_id, None)
            raise NotWritten(type(error).__name__, _shortened(traceback.format_exc()), _fault_of(error)) from error

    def close(self) -> None:
        """See :class:`synergos_ttp.tracking.notes.Writer`."""

    def _write(self, notes: Notes) -> None:
        match notes:
            case TrainingNotes():
                self._follow(notes)
            case ValidationNotes():
                MlflowRun.measured(self._folder, notes.target, notes.job_id).metrics(notes.points)
            case AbandonedNotes():
                MlflowRun.abandon(self._folder, notes.target, notes.job_id)
            case ModelNotes():
                run = MlflowRun.of_job(self._folder, notes.target, notes.job_id)
                run.log_model(Path(notes.exports), notes.registered)
            case StudyNotes():
                MlflowRun.of_study(self._folder, notes.target, notes.study_id).end_study(notes)

    def _follow(self, notes: TrainingNotes) -> None:
        run = self._runs.get(notes.job_id)
        if run is None:
            run = MlflowRun.of_job(self._folder, notes.target, notes.job_id, notes.parameters, notes.study)
            self._runs[notes.job_id] = run
        run.follow(notes.points)
        if notes.ending is not None:
            run.end(notes.ending.exports, notes.ending.status)
            del self._runs[notes.job_id]


def _fault_of(error: BaseException) -> Fault:
    """Whom to blame for what was raised; of connections MLflow tells by errors of its own, which come from others."""
    if isinstance(error, PlaceNotAllowed):
        return Fault.REFUSED
    if isinstance(error, ModelNotWritten):
        return Fault.REFUSED if error.is_final else Fault.FAILING
    status = getattr(error, "get_http_status_code", lambda: 0)()
    each: BaseException | None = error
    while each is not None:
        if isinstance(each, Strayed):
            return Fault.FAILING
        if isinstance(each, RequestsConnectionError | Timeout | TimeoutError):
            return Fault.AWAY
        each = each.__cause__ or each.__context__
    if status in _UNKNOWN:
        return Fault.AWAY
    is_ours = HTTPStatus.BAD_REQUEST <= status < HTTPStatus.INTERNAL_SERVER_ERROR and status not in _TRANSIENT
    return Fault.REFUSED if is_ours else Fault.FAILING


def _shortened(detail: str) -> str:
    """Both ends of what went wrong: there may be a whole answer of a server between them."""
    return detail if len(detail) <= 2 * _LONGEST else f"{detail[:_LONGEST]}…{detail[-_LONGEST:]}"
