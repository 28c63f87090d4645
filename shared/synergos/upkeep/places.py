"""Where a program's records and files are, by what it was told when it was started."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from sqlalchemy.exc import ArgumentError

from synergos.errors import InvalidRequest
from synergos.program.flags import orchestrator_folder
from synergos.records import RecordStore
from synergos.upkeep.backup import Place
from synergos.upkeep.record_copies import record_source


def place_of(data: Path | None, database: str | None, outputs: Path | None, mlflow: Path | None) -> Place:
    """The place that flags of a TTP or director name; as the TTP without them.

    Raises:
        InvalidRequest: the database's address is none.
    """
    url = database_of(data, database)
    try:
        records = record_source(url)
    except ArgumentError as error:
        raise InvalidRequest(
            "expected an address of SQLAlchemy's, as the program's own --database", "--database"
        ) from error
    own = data or orchestrator_folder("data")
    return Place(records, outputs or orchestrator_folder("outputs"), mlflow or orchestrator_folder("mlflow"), own)


@contextmanager
def opened(data: Path | None, database: str | None) -> Iterator[RecordStore]:
    """The record store that flags name, as it is: nothing of it is brought up to date.

    Raises:
        RecordNotFound: there is none.
        Conflict: it is one of another release.
    """
    place_of(data, database, None, None).records.refuse_strange()
    with closing(RecordStore(database_of(data, database))) as store:
        yield store


def database_of(data: Path | None, database: str | None) -> str:
    """The URL of a program's record store."""
    return database or f"sqlite:///{(data or orchestrator_folder('data')).absolute() / 'records.sqlite'}"
