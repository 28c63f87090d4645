"""What there is whose id has some letters in it; keys alone are read, whatever the records hold."""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import ColumnElement, case, func, or_, select

from synergos.domain.keys import JOB_IDS, Key
from synergos.domain.records import RECORD_TYPES, Kind
from synergos.records.database import Database
from synergos.records.jobs import Which
from synergos.records.paging import Selection
from synergos.records.store import conditions
from synergos.records.tables import JOBS, RECORDS


class IdSearch:
    """The ids of one store. Of those that have the letters in them come first the one that is nothing else, then those that begin with them, and of
    each the newest first."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def records(self, kind: Kind, text: str, selection: Selection, limit: int) -> list[Key]:
        """The keys of the records of a kind whose innermost id has these letters in it, so many at most."""
        table, key_type = RECORDS[kind], RECORD_TYPES[kind].key
        columns = [table.c[name] for name in key_type.fields()]
        own = columns[-1]
        wanted = select(*columns).where(*conditions(kind, selection), _has(own, text))
        with self._database.reading() as connection:
            found = connection.execute(wanted.order_by(_nearness(own, text), table.c.doc_id.desc()).limit(limit))
            return [key_type(*ids) for ids in found]

    def jobs(self, text: str, concerned: Which | None, limit: int) -> list[tuple[str, dict[str, str]]]:
        """The ids of jobs that have these letters in them, each with the job's keys, so many at most.

        Args:
            concerned: those that concern somebody; all without it.
        """
        order = (_nearness(JOBS.c.id, text), JOBS.c.number.desc())
        which = [] if concerned is None else [concerned.condition]
        # By numbers first: of those alone, and ids, there is an index, and a row has much beside them.
        best = select(JOBS.c.number).where(_has(JOBS.c.id, text), *which).order_by(*order).limit(limit)
        wanted = select(JOBS.c.id, *(JOBS.c[name] for name in JOB_IDS)).where(JOBS.c.number.in_(best)).order_by(*order)
        with self._database.reading() as connection:
            found = list(connection.execute(wanted))
        return [
            (job, {name: value for name, value in zip(JOB_IDS, ids, strict=True) if value is not None})
            for job, *ids in found
        ]


def _has(column: ColumnElement[str], text: str) -> ColumnElement[bool]:
    return or_(*(column.icontains(each, autoescape=True) for each in _written(text)))


def _nearness(column: ColumnElement[str], text: str) -> ColumnElement[int]:
    same = or_(*(func.lower(column) == func.lower(each) for each in _written(text)))
    begins = or_(*(column.istartswith(each, autoescape=True) for each in _written(text)))
    return case((same, 0), (begins, 1), else_=2)


def _written(text: str) -> Iterator[str]:
    """The text as an id may have it: a database need not know of other letters than those of ASCII which are large and which small."""
    yield text
    if not text.isascii():
        yield from {text.lower(), text.upper(), text.capitalize()} - {text}
