"""A participant as a whole, over HTTP."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import ClassVar

from flask import Response

from synergos.domain.keys import ParticipantKey
from synergos.orchestration.overviews import RESULTS, Overviews, Registered
from synergos.rest.api import Route
from synergos.rest.caller import caller
from synergos.rest.envelope import success
from synergos.rest.jobs import job_in_short
from synergos.rest.lists import Order, cursor_after, most_of_request, page_of_request
from synergos.rest.representations import represent, without_curves
from synergos.rest.resource import Resource

JOBS = 50
"""Unless said otherwise."""
_NAME = "overview"
_PARAMETERS = {
    "limit": f"the most jobs to answer with; {JOBS} without it",
    "cursor": "of jobs: where to go on, the next of an earlier answer",
    "results": f"the most results of each kind to answer with; {RESULTS} without it",
}


def routes(overviews: Overviews) -> list[Route]:
    """The routes below ``/ttp``."""
    url = "/participants/<participant_id>/overview"
    return [Route("Overview", SingleOverview, overviews, (url,), "participants", parameters=dict(_PARAMETERS))]


class SingleOverview(Resource):
    """A participant with all that concerns it."""

    query_of: ClassVar[Mapping[str, Iterable[str] | None]] = {"GET": ("limit", "cursor", "results")}

    def __init__(self, api: object, overviews: Overviews) -> None:
        super().__init__(api)
        self.overviews = overviews

    def get(self, participant_id: str) -> Response:
        """Read it: its registrations with their tags, the newest jobs that touch its data, and its newest results."""
        page = page_of_request(_NAME, Order.NEWEST)
        page = replace(page, limit=page.limit or JOBS)
        key = ParticipantKey(participant_id)
        found = self.overviews.find(caller(), key, page, most_of_request("results", RESULTS))
        data = {
            "kind": "Overview",
            "key": key.to_dict(),
            "participant": None if found.profile is None else represent(found.profile),
            "registrations": [_registered(each) for each in found.registrations],
            "jobs": [job_in_short(job) for job in found.jobs.items],
            "results": {
                kind.value: [without_curves(represent(record)) for record in records]
                for kind, records in found.results.items()
            },
        }
        following = None if found.jobs.after is None else cursor_after(_NAME, page, found.jobs.after)
        counts: dict[str, object] = {"counts": dict(found.counts)}
        return success("overview.get", data, more_params=counts, more={"next": following})


def _registered(each: Registered) -> dict[str, object]:
    return {
        **represent(each.registration),
        "tags": None if each.tags is None else represent(each.tags),
        "alignment": None if each.alignment is None else represent(each.alignment),
    }
