"""What there is whose id has some letters in it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice
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


@dataclass
class _Search:
    client: Client
    text: str
    left: int = _REQUESTS
    found: dict[str, list[Found]] = field(default_factory=dict)

    def take(self, kind: str, *ids: str) -> None:
        so_far = self.found.setdefault(kind, [])
        if self.text in ids[-1].casefold() and len(so_far) < BEST:
            so_far.append(Found(kind, ids))

    def ids(self, name: str, *parts: str) -> Iterator[str]:
        """The ids of a list, as long as there may be asked."""
        if self.left <= 0:
            return
        self.left -= 1
        try:
            listed = self.client.answer("GET", *parts, query={"limit": 1000, "order": "newest", "fields": "doc_id"})
        except Refused:
            return
        for item in listed.get("data") or []:
            key: Mapping[str, Any] = item.get("key") or {} if isinstance(item, dict) else {}
            if isinstance(key.get(name), str):
                yield key[name]


def look_up(client: Client, text: str) -> Mapping[str, list[Found]]:
    """The best of each kind: collaborations, projects, experiments, runs, participants and jobs.

    What lies deep in very many collaborations may not be looked at: a search asks for 60 lists at most.
    """
    search = _Search(client, text.casefold().strip())
    if not search.text:
        return {}
    _jobs(search)
    for participant in search.ids("participant_id", "connect", "participants"):
        search.take("participant", participant)
    for collaboration in search.ids("collab_id", "connect", "collaborations"):
        search.take("collaboration", collaboration)
        _beneath(search, collaboration)
    return {kind: each for kind, each in search.found.items() if each}


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
    ids = (job.get("id") for job in listed.get("data") or [] if isinstance(job, dict))
    for job_id in islice((each for each in ids if isinstance(each, str) and search.text in each.casefold()), BEST):
        search.take("job", job_id)
