"""What has happened to jobs, kept beside them: events in order, and what each round has lost.

Both are written where a job's progress is, in the same transaction, so that they cost a round no more than that. They are kept as
long as the job is.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import structlog
from sqlalchemy import Connection, RowMapping, and_, bindparam, func, insert, or_, select, update
from sqlalchemy.exc import OperationalError
from sqlalchemy.sql.elements import ColumnElement

from synergos.domain.job_event import JobEvent, JobEventKind, JobNews, RoundLoss
from synergos.errors import RecordNotFound
from synergos.records.changes import note_job
from synergos.records.database import Database, is_full
from synergos.records.paging import Part
from synergos.records.plain import plain
from synergos.records.tables import JOB_EVENTS, JOB_ROUNDS, JOBS

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class _Begun:
    """An attempt at a training.

    Attributes:
        after: how many rounds were done before it began.
    """

    attempt: int
    after: int


class JobHistory:
    """The events and rounds of the jobs of one database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, job_id: str, news: JobNews) -> None:
        """Write down what has become known of a job.

        Raises:
            RecordNotFound: there is no such job.
        """
        if not news:
            return
        with self._database.writing() as connection:
            job = _number_of(connection, job_id)
            attempt = _add_events(connection, job, news.events)
            _add_rounds(connection, job, attempt, news.rounds)
            if news.past:
                _add_past(connection, job, attempt, news.past)
            note_job(connection, job_id)

    def add_if_there_is_room(self, job_id: str, news: JobNews) -> None:
        """The same for who does something besides, that a full disk is not to keep from being done.

        Raises:
            RecordNotFound: there is no such job.
        """
        try:
            self.add(job_id, news)
        except OperationalError as error:
            if not is_full(error):
                raise
            log.warning("what happened to a job is not written down", job_id=job_id, reason="disk full")

    def events(self, job_id: str, after: int, limit: int, attempt: int | None = None) -> Part[JobEvent]:
        """The events of a job in order, so many at most; the next part begins after the number that it ends with.

        Args:
            after: the number of the last one that is known already; 0 for none.
            attempt: of one attempt only; None for all.

        Raises:
            RecordNotFound: there is no such job.
        """
        table = JOB_EVENTS
        with self._database.reading() as connection:
            job = _number_of(connection, job_id)
            wanted = [table.c.job == job, table.c.number > after]
            wanted += [] if attempt is None else [table.c.attempt == attempt]
            statement = select(table).where(*wanted).order_by(table.c.number).limit(limit + 1)
            rows = connection.execute(statement).mappings().all()
        found = [event for row in rows[:limit] if (event := _event(row)) is not None]
        return Part(found, rows[limit - 1]["number"] if len(rows) > limit else None)

    def rounds(self, job_id: str, after: int, limit: int, attempt: int | None = None) -> Part[RoundLoss]:
        """The losses of a job's rounds in order, so many at most; the next part begins after the round that it ends with.

        Args:
            after: the number of the last round that is known already; 0 for none.
            attempt: those that one attempt has run; None for those that the training consists of, whichever attempt has run them.

        Raises:
            RecordNotFound: there is no such job.
        """
        table = JOB_ROUNDS
        with self._database.reading() as connection:
            job = _number_of(connection, job_id)
            is_of_attempt = and_(table.c.attempt == attempt, table.c.round > after)
            which = _as_it_stands(_begun(connection, job), after) if attempt is None else is_of_attempt
            wanted = select(table).where(table.c.job == job, which)
            rows = connection.execute(wanted.order_by(table.c.round).limit(limit + 1)).mappings().all()
        return Part([_round(row) for row in rows[:limit]], rows[limit - 1]["round"] if len(rows) > limit else None)

    def newest_rounds(self, job_id: str, after: int, most: int) -> list[RoundLoss]:
        """The losses of the newest rounds after a number, so many at most, of those that the training consists of; in order.

        Raises:
            RecordNotFound: there is no such job.
        """
        table = JOB_ROUNDS
        with self._database.reading() as connection:
            job = _number_of(connection, job_id)
            wanted = select(table).where(table.c.job == job, _as_it_stands(_begun(connection, job), after))
            rows = connection.execute(wanted.order_by(table.c.round.desc()).limit(most)).mappings().all()
        return [_round(row) for row in reversed(rows)]


def _number_of(connection: Connection, job_id: str) -> int:
    number = connection.execute(select(JOBS.c.number).where(JOBS.c.id == job_id)).scalar_one_or_none()
    if number is None:
        raise RecordNotFound(f"no Job {job_id!r}")
    return int(number)


def _add_events(connection: Connection, job: int, events: Sequence[JobEvent]) -> int:
    """Add events, and count attempts; the one that is made now."""
    last = select(func.max(JOB_EVENTS.c.number), func.max(JOB_EVENTS.c.attempt)).where(JOB_EVENTS.c.job == job)
    newest, attempt = (found or 0 for found in connection.execute(last).one())
    rows = []
    for number, event in enumerate(events, newest + 1):
        attempt += event.kind is JobEventKind.TAKEN_UP
        rows.append(_row(job, number, attempt, event))
    if rows:
        connection.execute(insert(JOB_EVENTS), rows)
    return int(attempt)


def _add_rounds(connection: Connection, job: int, attempt: int, rounds: Sequence[RoundLoss]) -> None:
    """Add rounds, or put them in the place of what was known of them."""
    if not rounds:
        return
    table = JOB_ROUNDS
    mine = (table.c.job == job, table.c.attempt == attempt)
    newest = connection.execute(select(func.max(table.c.round)).where(*mine)).scalar_one() or 0
    changed = [_values(each) for each in rounds if each.number <= newest]
    if changed:
        columns: Mapping[str, object] = {name: bindparam(f"new_{name}") for name in _SAID}
        statement = update(table).where(*mine, table.c.round == bindparam("new_round")).values(columns)
        connection.execute(statement, [{f"new_{name}": value for name, value in each.items()} for each in changed])
    new = [{"job": job, "attempt": attempt} | _values(each) for each in rounds if each.number > newest]
    if new:
        connection.execute(insert(table), new)


def _add_past(connection: Connection, job: int, attempt: int, past: Sequence[RoundLoss]) -> None:
    """Add what is not known yet of the rounds before an attempt, as the work of the training before it."""
    table = JOB_ROUNDS
    begun = [each for each in _begun(connection, job) if each.attempt < attempt]
    first, last = min(each.number for each in past), max(each.number for each in past)
    stands = (table.c.job == job, _as_it_stands(begun))
    known = select(table.c.round, table.c.evaluate).where(*stands, table.c.round.between(first, last))
    found = {row.round: row.evaluate for row in connection.execute(known)}
    before = begun[-1].attempt if begun else 0
    missing = [each for each in past if each.number not in found]
    rows = [{"job": job, "attempt": before} | _values(each) for each in missing]
    if rows:
        connection.execute(insert(table), rows)
    for each in past:
        # Of the newest there, before the program ended, perhaps only the training was.
        if each.number in found and each.evaluate is not None and found[each.number] is None:
            this = (*stands, table.c.round == each.number)
            connection.execute(update(table).where(*this).values(evaluate=plain(each.evaluate)))


def _begun(connection: Connection, job: int) -> list[_Begun]:
    """The attempts that have begun a training, in order."""
    table = JOB_EVENTS
    wanted = select(table.c.attempt, table.c.about).where(
        table.c.job == job, table.c.kind == JobEventKind.TRAINING_BEGAN.value
    )
    rows = connection.execute(wanted.order_by(table.c.number)).mappings()
    return [_Begun(row["attempt"], _after(row["about"])) for row in rows]


def _after(about: object) -> int:
    after = about.get("after") if isinstance(about, Mapping) else None
    return after if isinstance(after, int) else 0


def _as_it_stands(begun: Iterable[_Begun], after: int = 0) -> ColumnElement[bool]:
    """Of the rounds of all attempts those that count: an attempt that begins after some of another's takes the place of the rest.

    Args:
        after: only those after this round.
    """
    return or_(*_parts(sorted(begun, key=lambda each: each.attempt), after))


def _parts(begun: list[_Begun], after: int) -> Iterator[ColumnElement[bool]]:
    attempt, number = JOB_ROUNDS.c.attempt, JOB_ROUNDS.c.round
    until: int | None = None
    # What was run before anybody wrote down how it began is attempt 0.
    for each in [*reversed(begun), _Begun(0, 0)]:
        # One bound on either side: a database that looks a row up by the weaker of two reads all rounds there are.
        first, bounds = max(each.after, after), [] if until is None else [number <= until]
        if until is None or first < until:
            yield and_(attempt == each.attempt, number > first, *bounds)
        until = each.after if until is None else min(until, each.after)


_SAID = ("at", "train", "evaluate", "participants")
"""What may become known of a round that is there already; its number is no TTP's to change."""


def _values(each: RoundLoss) -> dict[str, object]:
    return {
        "round": each.number,
        "at": each.at,
        "train": plain(each.train),
        "evaluate": plain(each.evaluate),
        "participants": plain(each.participants),
    }


def _row(job: int, number: int, attempt: int, event: JobEvent) -> dict[str, object]:
    return {
        "job": job,
        "number": number,
        "attempt": attempt,
        "at": event.at,
        "kind": event.kind.value,
        "participant": event.participant,
        "about": plain(event.about),
    }


def _event(row: RowMapping) -> JobEvent | None:
    """An event as it was stored; None for what is damaged, or of a newer release."""
    if row["kind"] not in set(JobEventKind) or row["at"] is None or not isinstance(row["about"], Mapping):
        return None
    return JobEvent(
        JobEventKind(row["kind"]), row["participant"], row["about"], row["at"], row["attempt"], row["number"]
    )


def _round(row: RowMapping) -> RoundLoss:
    participants = row["participants"] if isinstance(row["participants"], Mapping) else {}
    return RoundLoss(row["round"], row["train"], row["evaluate"], participants, row["at"], row["attempt"])
