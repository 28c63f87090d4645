"""What has changed in the record store, numbered in the order of changes, for whoever watches.

Each job and each record that was written stands here once, with the number of its last change; so does, for a while, what was
deleted. Writers take turns on every database, and a number is given in its writer's turn: whoever has read up to one has
missed nothing before it, whichever program wrote it.
"""

from __future__ import annotations

import json
import secrets
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, Integer, RowMapping, bindparam, delete, func, insert, select, update

from synergos.domain.job import Job
from synergos.domain.keys import JOB_IDS
from synergos.domain.records import Ids, Kind
from synergos.records.database import Database
from synergos.records.tables import CHANGES, JOBS

JOB = "Job"
"""The kind of change that is a job's."""
KEPT = 20_000
"""So many numbers back, changes are known."""
_APART = 2**32
"""And as much again at random: of two restores of the same backup none goes on with the numbers of the other."""
LOOK_SECONDS = 0.25
"""After which whoever waits looks what other programs have changed."""


# Statements are made once: making one takes longer than what it asks for.
_NEWEST = select(func.coalesce(func.max(CHANGES.c.number), 0))
_NEXT = select(func.coalesce(func.max(CHANGES.c.number), 0) + 1).scalar_subquery()
"""The next number; the newest row is never removed, so none is given twice."""
_AGAIN = (
    update(CHANGES)
    .where(CHANGES.c.kind == bindparam("of_kind"), CHANGES.c.item == bindparam("of_item"))
    .values(number=_NEXT, is_deleted=bindparam("is_deleted"))
)
_ADDED = insert(CHANGES).values(number=_NEXT)
_OLD = delete(CHANGES).where(CHANGES.c.number < _NEXT - 1 - bindparam("kept", type_=Integer))


@dataclass(frozen=True)
class Change:
    """Something that is not what it was.

    Attributes:
        kind: :data:`JOB`, or a kind of record.
        item: the id of a job.
        key: of what the job works on, or of the record. Of what was deleted along with something else it is the key of that, and stands for all of the kind that lay under it.
    """

    number: int
    kind: str
    item: str
    key: Mapping[str, str]
    is_deleted: bool


@dataclass(frozen=True)
class Since:
    """What has changed since a number.

    Attributes:
        changes: in their order; of each job and record the last one.
        up_to: the number until which they are told.
        is_complete: whether these are all; some of before are not known any more otherwise.
    """

    changes: Sequence[Change]
    up_to: int
    is_complete: bool = True


class Changes:
    """What has changed in one database; for any number of threads at the same time.

    Args:
        look: seconds after which whoever waits looks what other programs have changed.
        clock: monotonic seconds.
    """

    def __init__(
        self, database: Database, look: float = LOOK_SECONDS, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._database = database
        self._every = look
        self._clock = clock
        # One of those who wait looks for all of them: guards what was seen, when, and after which of our own commits.
        self._lock = threading.Lock()
        self._seen, self._seen_at, self._seen_after = -1, float("-inf"), -1

    def newest(self) -> int:
        """The number of the last change; 0 where there was none."""
        with self._database.reading() as connection:
            return newest_change(connection)

    def since(self, number: int, most: int) -> Since:
        """What has changed after a number, the first ``most`` of it."""
        later = select(CHANGES).where(CHANGES.c.number > number).order_by(CHANGES.c.number).limit(most)
        with self._database.reading() as connection:
            newest = self.newest()
            if not newest - KEPT <= number <= newest:
                return Since([], newest, is_complete=False)
            found = [_change_of(row) for row in connection.execute(later).mappings()]
        return Since(found, found[-1].number if found else number)

    def wait(self, number: int, until: float, is_over: Callable[[], bool]) -> bool:
        """Wait for a change after a number; whether there was one.

        Args:
            until: when to wait no longer, by the clock.
            is_over: whether nobody waits any more; asked now and then.
        """
        while True:
            commits = self._database.commits
            if self._look(commits) > number:
                return True
            left = until - self._clock()
            if left <= 0 or is_over():
                return False
            self._database.await_commit(commits, min(left, self._every))

    def _look(self, commits: int) -> int:
        """The number of the last change, as far as it can be known without looking too often."""
        with self._lock:
            # Slightly less than those who wait wait, so that one of them looks each time and the others see what it saw.
            is_fresh = self._seen_after == commits and self._clock() - self._seen_at < 0.8 * self._every
            if not is_fresh:
                self._seen_at, self._seen_after = self._clock(), commits
                self._seen = self.newest()
            return self._seen


def newest_change(connection: Connection) -> int:
    """The number of the last change; 0 where there was none."""
    return int(connection.execute(_NEWEST).scalar_one())


def set_apart(connection: Connection) -> None:
    """Have no number of before taken for one of these: the database was restored, and what it says is of an earlier moment."""
    newest, apart = select(func.max(CHANGES.c.number)).scalar_subquery(), _APART + secrets.randbelow(_APART)
    connection.execute(update(CHANGES).where(CHANGES.c.number == newest).values(number=CHANGES.c.number + apart))


def note_record(connection: Connection, kind: Kind, key: Ids) -> None:
    """A record was changed."""
    _note(connection, kind.value, _text(key), key)


def note_new_record(connection: Connection, kind: Kind, key: Ids) -> None:
    """A record was added."""
    if _note(connection, kind.value, _text(key), key):
        _forget_old(connection)


def note_deleted(connection: Connection, kind: Kind, key: Ids) -> None:
    """A record was deleted, or what lay under a key was."""
    if _note(connection, kind.value, _text(key), key, is_deleted=True):
        _forget_old(connection)


def note_new_job(connection: Connection, job: Job) -> None:
    """A job was added."""
    if _note(connection, JOB, job.id, job.keys):
        _forget_old(connection)


def note_job(connection: Connection, job_id: str) -> None:
    """A job was changed."""
    if not _note_again(connection, JOB, job_id):
        wanted = select(*(JOBS.c[name] for name in JOB_IDS)).where(JOBS.c.id == job_id)
        key = connection.execute(wanted).mappings().one()
        _insert(connection, JOB, job_id, {name: value for name, value in key.items() if value is not None})


def _note(connection: Connection, kind: str, item: str, key: Ids, *, is_deleted: bool = False) -> bool:
    """Whether there is one more of them now."""
    is_known = _note_again(connection, kind, item, is_deleted=is_deleted)
    if not is_known:
        _insert(connection, kind, item, key, is_deleted=is_deleted)
    return not is_known


def _forget_old(connection: Connection) -> None:
    # By whoever adds and deletes, which is the director alone in a cluster: a TTP may remove nothing here, so that no number is
    # ever given twice.
    connection.execute(_OLD, {"kept": KEPT})


def _note_again(connection: Connection, kind: str, item: str, *, is_deleted: bool = False) -> bool:
    values = {"of_kind": kind, "of_item": item, "is_deleted": is_deleted}
    return bool(connection.execute(_AGAIN, values).rowcount)


def _insert(connection: Connection, kind: str, item: str, key: Ids, *, is_deleted: bool = False) -> None:
    values = {"kind": kind, "item": item, "key": dict(key), "is_deleted": is_deleted}
    connection.execute(_ADDED, values)


def _text(key: Ids) -> str:
    return json.dumps(dict(key), ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def _change_of(row: RowMapping) -> Change:
    key = row["key"] if isinstance(row["key"], Mapping) else {}
    return Change(row["number"], row["kind"], row["item"], key, row["is_deleted"])
