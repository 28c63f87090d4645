"""Search over HTTP: what there is whose id has some letters in it, in one answer."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import ClassVar

from flask import Response, request

from synergos.orchestration.search import LONGEST, Found, Search
from synergos.rest.api import Route
from synergos.rest.caller import caller
from synergos.rest.envelope import success
from synergos.rest.lists import most_of_request
from synergos.rest.resource import Resource

BEST = 20
"""Of each kind, unless said otherwise."""
_PARAMETERS = {
    "q": f"letters of an id, 1 to {LONGEST}; whether they are large or small does not count",
    "limit": f"the most to answer with of each kind; {BEST} without it",
}


def routes(search: Search) -> list[Route]:
    """The route below ``/ttp``."""
    return [Route("Search", SearchResource, search, ("/search",), "search", parameters=dict(_PARAMETERS))]


class SearchResource(Resource):
    """What there is, by letters of its id."""

    query_of: ClassVar[Mapping[str, Iterable[str] | None]] = {"GET": ("q", "limit")}

    def __init__(self, api: object, search: Search) -> None:
        super().__init__(api)
        self.search = search

    def get(self) -> Response:
        """Find collaborations, projects, experiments, runs, participants and jobs, so many of each at most.

        Of each kind the one that is called just so comes first, then those that begin so, and the newest of them first.
        """
        found = self.search.find(caller(), request.args.get("q", ""), most_of_request("limit", BEST))
        return success("search.get", _represented(found), more={"more": list(found.more)})


def _represented(found: Found) -> list[dict[str, object]]:
    records: list[dict[str, object]] = [
        {"kind": kind.value, "key": key.to_dict()} for kind, keys in found.records for key in keys
    ]
    return records + [{"kind": "Job", "id": job.id, "keys": dict(job.keys)} for job in found.jobs]
