"""Whether a record store is alive: what keeps a program that has one from its work."""

from __future__ import annotations

import os

from sqlalchemy.exc import SQLAlchemyError

from synergos.program.health_watch import Check, FolderCheck
from synergos.records.store import RecordStore


def store_checks(store: RecordStore) -> dict[str, Check]:
    """What is looked at of a record store, by what it is; see :class:`synergos.program.health_watch.HealthWatch`."""
    checks: dict[str, Check] = {"record store": lambda: _problem_of(store)}
    file = store.database.file
    return checks if file is None else {**checks, "data": FolderCheck(file.parent)}


def _problem_of(store: RecordStore) -> str | None:
    file = store.database.file
    if file is not None and not file.exists():
        # Who has it open goes on reading and writing what nobody will find again.
        return "its file is gone"
    if file is not None and not os.access(file, os.R_OK | os.W_OK):
        return "its file cannot be written to"
    try:
        store.cluster_id()
    except SQLAlchemyError as error:
        return f"does not answer: {type(error).__name__}"
    return None
