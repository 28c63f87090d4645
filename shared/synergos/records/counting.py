"""How much hangs under each of several records, counted without reading it."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from sqlalchemy import (
    ColumnElement,
    CompoundSelect,
    Select,
    Table,
    and_,
    bindparam,
    func,
    literal,
    or_,
    select,
    union_all,
)

from synergos.domain.job import UNFINISHED
from synergos.domain.keys import JOB_IDS
from synergos.domain.records import RECORD_TYPES, Kind
from synergos.domain.trained_model import OUTDATED
from synergos.records.changes import newest_change
from synergos.records.database import Database
from synergos.records.tables import JOBS, RECORDS
from synergos.records.visibility import REPLACES, stages_replacing

_KEYS_OF_JOBS = (JOB_IDS[:2], JOB_IDS[:4], JOB_IDS)
"""The ids that jobs have: of a project, of a run, of a run at one participant."""
_REMEMBERED = 64
"""Pages whose counts are kept."""


@dataclass(frozen=True)
class Readable:
    """Who reads, where not everything is theirs.

    Attributes:
        collaborations: those that are.
        participant: which participant they are; None for who is none.
    """

    collaborations: frozenset[str]
    participant: str | None = None

    @property
    def values(self) -> dict[str, object]:
        """What :func:`_is_readable` compares with."""
        return {"owned": sorted(self.collaborations), "own": self.participant}


class Counts:
    """How much hangs under records of one store; for any number of threads. What was counted is so until something changes."""

    def __init__(self, database: Database) -> None:
        self._database = database
        # Guards what was counted last, and after which change.
        self._lock = threading.Lock()
        self._counted: OrderedDict[Hashable, tuple[int, dict[int, dict[str, int]]]] = OrderedDict()

    def beneath(self, kind: Kind, numbers: Sequence[int], readable: Readable | None) -> dict[int, dict[str, int]]:
        """How many records of each kind clients see hang under records of one kind, by the row numbers of these.

        Args:
            readable: who reads; None for who may read everything.
        """
        # What is written in a transaction may be undone, and its numbers given to other changes.
        if self._database.is_writing:
            return _count_beneath(self._database, kind, numbers, readable)
        wanted = (kind, tuple(numbers), readable)
        with self._database.reading() as connection:
            newest = newest_change(connection)
            with self._lock:
                counted = self._counted.get(wanted)
            if counted is None or counted[0] != newest:
                counted = newest, _count_beneath(self._database, kind, numbers, readable)
                self._keep(wanted, counted)
            return counted[1]

    def _keep(self, wanted: Hashable, counted: tuple[int, dict[int, dict[str, int]]]) -> None:
        with self._lock:
            self._counted[wanted] = counted
            self._counted.move_to_end(wanted)
            while len(self._counted) > _REMEMBERED:
                self._counted.popitem(last=False)


def _count_beneath(
    database: Database, kind: Kind, numbers: Sequence[int], readable: Readable | None
) -> dict[int, dict[str, int]]:
    related = RECORD_TYPES[kind].relations
    counts = {number: dict.fromkeys((each.value for each in related), 0) for number in numbers}
    if not (numbers and related):
        return counts
    values = {"numbers": list(numbers)} | ({} if readable is None else readable.values)
    with database.reading() as connection:
        for number, name, count in connection.execute(_statement(kind, has_all=readable is None), values):
            counts[number][name] = count
    return counts


@cache
def _statement(kind: Kind, *, has_all: bool) -> CompoundSelect[Any]:
    """The query, made once: to put it together takes several times as long as to answer it."""
    return union_all(*(_count(kind, related, has_all=has_all) for related in RECORD_TYPES[kind].relations))


def _count(kind: Kind, related: Kind, *, has_all: bool) -> Select[Any]:
    above, table = RECORDS[kind], RECORDS[related]
    conditions = [
        above.c.doc_id.in_(bindparam("numbers", expanding=True)),
        *(above.c[name] == table.c[name] for name in RECORD_TYPES[kind].key_fields),
    ]
    if not has_all and "participant_id" in table.c:
        conditions.append(_is_readable(table))
    if (hidden := _hidden(related)) is not None:
        conditions.append(table.c.doc_id.not_in(hidden))
    counted = select(above.c.doc_id, literal(related.value), func.count()).where(*conditions)
    return counted.group_by(above.c.doc_id)


def _is_readable(table: Table) -> ColumnElement[bool]:
    """That what lies with a participant is whose to read who asks."""
    is_own = table.c.participant_id == bindparam("own")
    return or_(table.c.collab_id.in_(bindparam("owned", expanding=True)), is_own)


def _hidden(kind: Kind) -> Any:
    """The rows of a kind that are hidden (:mod:`synergos.records.visibility`), found from the few things that hide them.

    None where none ever is. Whether one row is hidden is asked otherwise: there it would take a look at all of these things.
    """
    stages = stages_replacing(kind)
    if not stages:
        return None
    table = RECORDS[kind].alias()
    of_jobs = [_replaced(kind, table, ids, stages) for ids in _KEYS_OF_JOBS]
    return union_all(*of_jobs, *_of_outdated_models(kind, table))


def _replaced(kind: Kind, table: Any, ids: Sequence[str], stages: Sequence[str]) -> Select[Any]:
    """What unfinished jobs are about to replace whose keys have these ids and no others."""
    shared = [name for name in ids if name in RECORD_TYPES[kind].key_fields]
    others = [name for name in JOB_IDS if name not in ids]
    return select(table.c.doc_id).where(
        JOBS.c.state.in_(sorted(UNFINISHED)),
        JOBS.c.stage.in_(stages),
        *(JOBS.c[name].is_not(None) for name in ids),
        *(JOBS.c[name].is_(None) for name in others),
        *(JOBS.c[name] == table.c[name] for name in shared),
    )


def _of_outdated_models(kind: Kind, table: Any) -> list[Select[Any]]:
    if not any(kind in kinds and Kind.MODEL in kinds for kinds in REPLACES.values()):
        return []
    models = RECORDS[Kind.MODEL].alias()
    same = and_(*(models.c[name] == table.c[name] for name in RECORD_TYPES[Kind.MODEL].key_fields))
    return [select(table.c.doc_id).where(models.c[OUTDATED], same)]
