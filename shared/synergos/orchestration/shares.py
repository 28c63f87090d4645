"""Holds collaborations to their quotas; all is asked in the transaction that would go beyond one, which then leaves nothing."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from synergos.domain.quotas import FLAG, Quotas
from synergos.domain.records import Ids, Kind
from synergos.domain.study import StudyState
from synergos.errors import QuotaExceeded, TooManyAtOnce
from synergos.records.paging import Selection
from synergos.records.shares import OF_NO_COLLABORATION
from synergos.records.store import RecordStore

_RUNNING = [state.value for state in StudyState if not state.is_final]


class Shares:
    """What the collaborations of one record store may have."""

    def __init__(self, store: RecordStore, quotas: Quotas = Quotas()) -> None:  # noqa: B008 - it is frozen
        self._store = store
        self._quotas = quotas

    @contextmanager
    def declaring(self, kind: Kind, ids: Ids) -> Iterator[None]:
        """Inside, records of a kind are declared or changed.

        Raises:
            QuotaExceeded: there is more than before, and more than there may be.
        """
        whose = _whose(ids)
        before = self._store.share(whose)
        yield
        after = self._store.share(whose)
        if after.records > before.records:
            if kind is Kind.COLLABORATION:
                self._refuse_collaborations()
            self._refuse_records(whose, after.records, self._quotas.records + 1)
        if after.size > before.size:
            self._refuse_bytes(whose, after.size, self._quotas.bytes + 1)

    def check_room(self, ids: Ids) -> None:
        """See that there is room for what is about to be made: a job's results are stored, however much they are.

        Raises:
            QuotaExceeded: there is none.
        """
        whose = _whose(ids)
        share = self._store.share(whose)
        self._refuse_records(whose, share.records, self._quotas.records)
        self._refuse_bytes(whose, share.size, self._quotas.bytes)

    def check_jobs(self, ids: Ids) -> None:
        """See that no more jobs wait than may.

        Raises:
            TooManyAtOnce: more do.
        """
        whose, most = _whose(ids), self._quotas.waiting_jobs
        count = self._store.count_unfinished_jobs(whose)
        if count > most:
            raise TooManyAtOnce(
                f"collaboration {whose!r} would have {count} jobs that have not ended, and may have {most}: ask again when"
                f" some have, cancel some, or have {FLAG} waiting_jobs={most} raised"
            )

    def check_studies(self, ids: Ids) -> None:
        """See that no more studies run than may.

        Raises:
            TooManyAtOnce: more do.
        """
        whose, most = _whose(ids), self._quotas.running_studies
        count = self._store.count(Kind.STUDY, Selection({"collab_id": whose}, saying={"state": _RUNNING}))
        if count > most:
            raise TooManyAtOnce(
                f"collaboration {whose!r} would have {count} studies that run, and may have {most}: ask again when some have"
                f" ended, stop some, or have {FLAG} running_studies={most} raised"
            )

    def _refuse_collaborations(self) -> None:
        most = self._quotas.collaborations
        if self._store.count(Kind.COLLABORATION, Selection()) > most:
            raise QuotaExceeded(
                f"there are {most} collaborations, and may be no more: delete some, or have {FLAG} collaborations={most} raised"
            )

    def _refuse_records(self, whose: str, count: int, limit: int) -> None:
        if count >= limit:
            most = self._quotas.records
            raise QuotaExceeded(
                f"{_named(whose)} may have {most} records, and that many are there: delete some, or have {FLAG}"
                f" records={most} raised"
            )

    def _refuse_bytes(self, whose: str, size: int, limit: int) -> None:
        if size >= limit:
            most = self._quotas.bytes
            raise QuotaExceeded(
                f"the records of {_named(whose)} may take {most} bytes, and would take {size}: delete some, or have {FLAG}"
                f" bytes={most} raised"
            )


def _whose(ids: Ids) -> str:
    return ids.get("collab_id", OF_NO_COLLABORATION)


def _named(whose: str) -> str:
    return f"collaboration {whose!r}" if whose else "participants, all together,"
