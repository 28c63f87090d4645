"""What workers publish, as their TTPs have found it last; and whose catalogue somebody wants, for the TTP that can ask.

A director reaches no worker: it writes down that a catalogue is wanted, and the TTP of the sub-grid that it finds there.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeAlias

from sqlalchemy import ColumnElement, RowMapping, and_, delete, insert, or_, select, tuple_, update

from synergos.domain.keys import RegistrationKey
from synergos.records.plain import plain
from synergos.records.store import RecordStore
from synergos.records.tables import CATALOGUES

Place: TypeAlias = tuple[RegistrationKey, int]
"""A node: of which registration, and which of its nodes."""

FORGOTTEN = timedelta(minutes=2)
"""For how long somebody may be waiting for what they want; whoever still wants it says so again."""
_AT_ONCE = 500
_KEYS = (*RegistrationKey.fields(), "node")


@dataclass(frozen=True)
class Kept:
    """What is known of one node.

    Attributes:
        registered: what stands for the registration that it was asked as; another one is another worker's.
        wanted_at: when somebody wanted to know last.
        asked_at: when it was asked last; None where it has not been.
        seen_at: when it answered last.
        problem: why it gave no answer when it was asked last; None where it did.
        content: what it answered last.
    """

    registered: str
    wanted_at: datetime
    asked_at: datetime | None = None
    seen_at: datetime | None = None
    problem: str | None = None
    content: Mapping[str, object] | None = None


class Catalogues:
    """The catalogues of one record store; any thread and any program may ask."""

    def __init__(self, store: RecordStore) -> None:
        self._database = store.database

    def want(self, registered: Mapping[Place, str], now: datetime) -> None:
        """Somebody wants to know of some nodes, that are registered so."""
        with self._database.writing() as connection:
            for place, nonce in registered.items():
                same = and_(_is(place), CATALOGUES.c.registered == nonce)
                if not connection.execute(update(CATALOGUES).where(same).values(wanted_at=now)).rowcount:
                    # What another worker has said in this place is not said of this one.
                    connection.execute(delete(CATALOGUES).where(_is(place)))
                    connection.execute(insert(CATALOGUES).values(_row(place, registered=nonce, wanted_at=now)))

    def due(self, now: datetime, grids: Collection[int] | None = None) -> list[Place]:
        """Whose catalogue is wanted, and was not asked for since.

        Args:
            grids: only nodes of these sub-grids.
        """
        asked = CATALOGUES.c.asked_at
        wanted = select(*(CATALOGUES.c[name] for name in _KEYS)).where(
            or_(asked.is_(None), asked < CATALOGUES.c.wanted_at), CATALOGUES.c.wanted_at > now - FORGOTTEN
        )
        if grids is not None:
            wanted = wanted.where(CATALOGUES.c.node.in_(list(grids)))
        with self._database.reading() as connection:
            return [(RegistrationKey(*ids), node) for *ids, node in connection.execute(wanted)]

    def found(self, place: Place, registered: str, at: datetime, content: Mapping[str, object]) -> None:
        """A node has answered; of what stays the same the time alone is written."""
        with self._database.writing() as connection:
            known = connection.execute(select(CATALOGUES.c.content).where(_is(place))).scalar_one_or_none()
            told = plain(content)
            more = {} if known == told else {"content": told}
            values = {"registered": registered, "asked_at": at, "seen_at": at, "problem": None, **more}
            connection.execute(update(CATALOGUES).where(_is(place)).values(**values))

    def missed(self, place: Place, at: datetime, problem: str) -> None:
        """A node was asked in vain; what it answered before stays."""
        with self._database.writing() as connection:
            connection.execute(update(CATALOGUES).where(_is(place)).values(asked_at=at, problem=problem))

    def forget(self, places: Iterable[Place]) -> None:
        """Some nodes are registered no more."""
        with self._database.writing() as connection:
            for place in places:
                connection.execute(delete(CATALOGUES).where(_is(place)))

    def of(self, registrations: Sequence[RegistrationKey], *, with_content: bool = True) -> dict[Place, Kept]:
        """What is known of the nodes of some registrations.

        Args:
            with_content: whether what they have answered is read, which may be a mebibyte of each.
        """
        keys = [CATALOGUES.c[name] for name in RegistrationKey.fields()]
        wanted = [column for column in CATALOGUES.c if with_content or column is not CATALOGUES.c.content]
        found: dict[Place, Kept] = {}
        with self._database.reading() as connection:
            for first in range(0, len(registrations), _AT_ONCE):
                some = [key.ids for key in registrations[first : first + _AT_ONCE]]
                rows = connection.execute(select(*wanted).where(tuple_(*keys).in_(some))).mappings()
                found |= {_place_of(row): _kept(row) for row in rows}
        return found


def _row(place: Place, **values: object) -> dict[str, object]:
    registration, node = place
    return {**registration.to_dict(), "node": node, **values}


def _is(place: Place) -> ColumnElement[bool]:
    return and_(*(CATALOGUES.c[name] == value for name, value in _row(place).items()))


def _place_of(row: RowMapping) -> Place:
    return RegistrationKey(*(row[name] for name in RegistrationKey.fields())), row["node"]


def _kept(row: RowMapping) -> Kept:
    content = row.get("content")
    return Kept(
        registered=row["registered"],
        wanted_at=row["wanted_at"],
        asked_at=row["asked_at"],
        seen_at=row["seen_at"],
        problem=row["problem"],
        content=content if isinstance(content, Mapping) else None,
    )
