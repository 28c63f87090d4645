"""What there is whose id has some letters in it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus

from synergos_portal.orchestrator.client import Client, Listing
from synergos_portal.orchestrator.problems import Refused

BEST = 20
"""Found of each kind."""


@dataclass(frozen=True)
class Found:
    """Something that was found: a record by its key, or a job by its id."""

    kind: str
    key: Mapping[str, str] = field(default_factory=dict)
    id: str = ""

    @property
    def ids(self) -> tuple[str, ...]:
        """From the collaboration down, or of the one participant or job."""
        return (self.id,) if self.kind == "Job" else tuple(self.key.values())


def look_up(client: Client, text: str) -> Mapping[str, list[Found]]:
    """The best of each kind: collaborations, projects, experiments, runs, participants and jobs."""
    by_kind: dict[str, list[Found]] = {}
    for each in _found(client, text.strip()).items:
        by_kind.setdefault(each.kind, []).append(each)
    return by_kind


def _found(client: Client, text: str) -> Listing[Found]:
    if not text:
        return Listing(())
    try:
        return client.records(Found, "search", query={"q": text, "limit": BEST})
    except Refused as error:
        if error.status == HTTPStatus.EXPECTATION_FAILED:
            # No id is like that.
            return Listing(())
        raise
