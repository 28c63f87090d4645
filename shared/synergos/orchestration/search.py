"""Search: what there is whose id has some letters in it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from synergos.domain.keys import Key
from synergos.domain.records import Ids, Kind
from synergos.errors import InvalidRequest, NotPermitted
from synergos.orchestration.access import Access
from synergos.orchestration.caller import Caller
from synergos.orchestration.jobs import concerned
from synergos.records.paging import Selection
from synergos.records.search import IdSearch
from synergos.records.store import RecordStore

LONGEST = 128
"""Letters that are looked for; no id has more."""
_KINDS = (Kind.COLLABORATION, Kind.PROJECT, Kind.EXPERIMENT, Kind.RUN, Kind.PARTICIPANT)


@dataclass(frozen=True)
class FoundJob:
    """A job whose id has the letters in it."""

    id: str
    keys: Ids


@dataclass(frozen=True)
class Found:
    """What was found, as far as it is told.

    Attributes:
        records: by kind in the order in which one lies in another, participants last.
        more: the kinds of which there is more.
    """

    records: Sequence[tuple[Kind, Sequence[Key]]]
    jobs: Sequence[FoundJob]
    more: Sequence[str]


class Search:
    """The ids of one record store, as far as lists show them to whoever asks."""

    def __init__(self, store: RecordStore, access: Access | None = None) -> None:
        self._ids = IdSearch(store.database)
        self._access = access or Access(store)

    def find(self, caller: Caller, text: str, limit: int) -> Found:
        """Collaborations, projects, experiments, runs, participants and jobs; whether letters are large or small does not count.

        Args:
            limit: the most of each kind, the best first: what is called just so, then what begins with it, then the newest.

        Raises:
            InvalidRequest: the text is empty, too long, or nothing that can be read.
        """
        if not 0 < len(text) <= LONGEST or not text.isprintable():
            raise InvalidRequest(f"expected 1 to {LONGEST} characters of an id", "q")
        records = list(self._records(caller, text, limit + 1))
        jobs = self._ids.jobs(text, concerned(self._access.sight(caller)), limit + 1)
        more = [kind.value for kind, keys in records if len(keys) > limit]
        return Found(
            [(kind, keys[:limit]) for kind, keys in records],
            [FoundJob(job, keys) for job, keys in jobs[:limit]],
            [*more, "Job"] if len(jobs) > limit else more,
        )

    def _records(self, caller: Caller, text: str, limit: int) -> Iterator[tuple[Kind, list[Key]]]:
        for kind in _KINDS:
            try:
                selection = self._access.narrowed(caller, kind, Selection())
            except NotPermitted:
                # As its list is refused, there is none of this kind to be found.
                continue
            yield kind, self._ids.records(kind, text, selection, limit)
