"""A participant as a whole: where it is registered and with which data, what runs on that data, and what came of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from synergos.domain.damage import Damaged
from synergos.domain.job import Job, JobState
from synergos.domain.keys import ParticipantKey, ProjectKey
from synergos.domain.records import Kind, Record
from synergos.errors import RecordNotFound
from synergos.orchestration.access import Access
from synergos.orchestration.caller import Caller
from synergos.orchestration.jobs import told
from synergos.records.jobs import Touching
from synergos.records.paging import Page, Part, Selection
from synergos.records.store import RecordStore

RESULTS = 50
"""So many of each kind, the newest, unless said otherwise."""


@dataclass(frozen=True)
class Overview:
    """What is known of a participant.

    Attributes:
        profile: its record; None where nobody has declared it.
        registrations: each with its tags and its alignment, where there are any.
        counts: by state, the jobs of its projects that are not other ones' own; more than touch its data, where it was left
            alone by some, or registered after they had ended.
        jobs: a page of those of them that touch its data.
        results: the newest, by kind.
    """

    profile: Record | None
    registrations: Sequence[Registered]
    counts: Mapping[str, int]
    jobs: Part[Job | Damaged]
    results: Mapping[Kind, Sequence[Record]] = field(default_factory=dict)


@dataclass(frozen=True)
class Registered:
    """A registration with what was said and found of its data."""

    registration: Record
    tags: Record | None
    alignment: Record | None


class Overviews:
    """The participants of one record store, each as a whole."""

    def __init__(self, store: RecordStore, access: Access | None = None) -> None:
        self._store = store
        self._access = access or Access(store)

    def find(self, caller: Caller, participant: ParticipantKey, page: Page, results: int = RESULTS) -> Overview:
        """One participant, as far as the caller may read of it.

        Args:
            page: of the jobs that touch its data.
            results: how many of each kind there are to be, at most.

        Raises:
            RecordNotFound: there is nothing of such a participant.
            NotPermitted: it is another's.
        """
        self._access.check_reading(caller, Kind.PARTICIPANT, participant)
        profile = next(iter(self._store.find(Kind.PARTICIPANT, participant)), None)
        registrations = self._all(caller, Kind.REGISTRATION, participant)
        if profile is None and not registrations:
            raise RecordNotFound(f"no Participant with participant_id={participant.participant_id!r}")
        touching = Touching([ProjectKey.of(record["key"]) for record in registrations], participant.participant_id)
        sight = self._access.sight(caller)
        found = self._store.select_jobs({}, page, touching)
        since = {ProjectKey.of(record["key"]): record["created_at"] for record in registrations}
        jobs = [job for job in found.items if _touches(job, participant.participant_id, since)]
        counts = self._store.job_states({}, touching)
        tags, alignments = (self._by_project(caller, kind, participant) for kind in (Kind.TAG, Kind.ALIGNMENT))
        return Overview(
            None if profile is None else sight.record(profile),
            [
                Registered(record, tags.get(project), alignments.get(project))
                for record in registrations
                for project in [ProjectKey.of(record["key"])]
            ],
            {state.value: counts.get(state.value, 0) for state in JobState},
            Part([told(sight, job) for job in jobs], found.after),
            {
                kind: self._all(caller, kind, participant, Page(results, newest_first=True))
                for kind in (Kind.VALIDATION, Kind.PREDICTION)
            },
        )

    def _all(self, caller: Caller, kind: Kind, participant: ParticipantKey, page: Page = Page()) -> list[Record]:  # noqa: B008 - it is frozen
        wanted = self._access.narrowed(caller, kind, Selection(participant))
        sight = self._access.sight(caller)
        return [sight.record(record) for record in self._store.select(kind, wanted, page).items]

    def _by_project(self, caller: Caller, kind: Kind, participant: ParticipantKey) -> dict[ProjectKey, Record]:
        return {ProjectKey.of(record["key"]): record for record in self._all(caller, kind, participant)}


def _touches(job: Job | Damaged, participant: str, since: Mapping[ProjectKey, Any]) -> bool:
    """Whether a job of one of its projects has to do with a participant's data, or will."""
    if isinstance(job, Damaged) or "participant_id" in job.keys:
        return True
    if named := _named(job.progress):
        return participant in named
    # It has not begun, or said nothing of who takes part: whoever was registered by then does.
    registered = since.get(job.keys.project)
    return registered is None or job.finished_at is None or registered <= job.finished_at


def _named(progress: Mapping[str, object]) -> set[str]:
    """Whom a job's progress says to take part, or to be left out."""
    losses = progress.get("losses")
    among = [progress.get("participants"), progress.get("left_out"), progress.get("absent")]
    among.append(losses.get("participants") if isinstance(losses, Mapping) else None)
    return {who for each in among if isinstance(each, list | Mapping) for who in each if isinstance(who, str)}
