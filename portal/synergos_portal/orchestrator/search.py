"""What there is whose id has some letters in it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from synergos_portal.orchestrator.client import Client
from synergos_portal.orchestrator.problems import NotSignedIn, Refused

BEST = 20
"""Found of each kind."""
_REQUESTS = 60
"""Asked at most for one search."""


@dataclass(frozen=True)
class Found:
    """Something that was found.

    Attributes:
        ids: from the collaboration down, or of the one participant or job.
    """

    kind: str
    ids: tuple[str, ...]


@dataclass(frozen=True)
class Findings:
    """What a search has found.

    Attributes:
        found: by kind.
        full: the kinds of which there is more than was taken.
        is_whole: whether everything was looked through.
    """

    found: Mapping[str, Sequence[Found]] = field(default_factory=dict)
    full: frozenset[str] = frozenset()
    is_whole: bool = True


@dataclass
class _Search:
    client: Client
    text: str
    left: int
    found: dict[str, list[Found]] = field(default_factory=dict)
    full: set[str] = field(default_factory=set)
    is_whole: bool = True

    def take(self, kind: str, *ids: str) -> None:
        if self.text not in ids[-1].casefold():
            return
        so_far = self.found.setdefault(kind, [])
        if len(so_far) < BEST:
            so_far.append(Found(kind, ids))
        else:
            self.full.add(kind)

    def ids(self, name: str, *parts: str) -> Iterator[str]:
        """The ids of a list, as long as there may be asked."""
        if self.left <= 0:
            self.is_whole = False
            return
        self.left -= 1
        try:
            listed = self.client.answer(
                "GET", *parts, query={"order": "newest", "relations": "none", "fields": "doc_id"}
            )
        except Refused:
            return
        for item in listed.get("data") or []:
            key: Mapping[str, Any] = item.get("key") or {} if isinstance(item, dict) else {}
            if isinstance(key.get(name), str):
                yield key[name]


def look_up(client: Client, text: str) -> Findings:
    """The best of each kind: collaborations, projects, experiments, runs, participants and jobs.

    What lies deep in very many collaborations may not be looked at: a search asks for 60 lists at most, and for the newest jobs.
    """
    search = _Search(client, text.casefold().strip(), _REQUESTS)
    if not search.text:
        return Findings()
    _jobs(search)
    for participant in search.ids("participant_id", "connect", "participants"):
        search.take("participant", participant)
    for collaboration in search.ids("collab_id", "connect", "collaborations"):
        search.take("collaboration", collaboration)
        _beneath(search, collaboration)
    return Findings(search.found, frozenset(search.full), search.is_whole)


def _beneath(search: _Search, collaboration: str) -> None:
    at = ("connect", "collaborations", collaboration, "projects")
    for project in search.ids("project_id", *at):
        search.take("project", collaboration, project)
        for experiment in search.ids("expt_id", *at, project, "experiments"):
            search.take("experiment", collaboration, project, experiment)
            for run in search.ids("run_id", *at, project, "experiments", experiment, "runs"):
                search.take("run", collaboration, project, experiment, run)


def _jobs(search: _Search) -> None:
    """Jobs by their whole id, or the beginning of it among the newest."""
    try:
        listed = search.client.answer("GET", "jobs", query={"limit": 1000, "order": "newest", "fields": "state"})
    except NotSignedIn:
        raise
    except Refused:
        return
    search.is_whole = listed.get("next") is None
    ids = (job.get("id") for job in listed.get("data") or [] if isinstance(job, dict))
    for job_id in (each for each in ids if isinstance(each, str)):
        search.take("job", job_id)
