"""Stage requests over HTTP: answered when the jobs have ended, or at once with the jobs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, ClassVar

from flask import Response, request

from synergos.domain.job import Job, JobState
from synergos.orchestration.deletions import Deletions
from synergos.orchestration.dispatcher import Wait
from synergos.orchestration.jobs import Jobs
from synergos.orchestration.stage_requests import StageRequests
from synergos.program import heavy_bodies
from synergos.program.patience import waiting
from synergos.rest.body import json_object
from synergos.rest.caller import caller
from synergos.rest.envelope import success
from synergos.rest.errors import answer_for_jobs
from synergos.rest.jobs import job_representation
from synergos.rest.lists import key_filters, wanted
from synergos.rest.representations import represent, represent_files
from synergos.rest.resource import ABOUT_CHECKING, ABOUT_DELETING, CHECK, KEEP_FILES, Resource, is_wanted

RESPOND_ASYNC = "respond-async"
"""The preference (RFC 7240) of a client that will not wait for the jobs."""


@dataclass(frozen=True)
class StageHandler:
    """A stage, as routes and answers call it.

    Attributes:
        plural: what its results are called in ``method``.
        created: the status of a request that was carried out.
    """

    requests: StageRequests[Any]
    jobs: Jobs
    deletions: Deletions
    plural: str
    created: int = HTTPStatus.OK


class StageResource(Resource):
    """A stage, for the combinations below the ids of the URL."""

    query_of: ClassVar[Mapping[str, Iterable[str] | None]] = {"GET": None, "POST": (CHECK,)}

    def __init__(self, api: object, handler: StageHandler) -> None:
        super().__init__(api)
        self.handler = handler
        self.requests = handler.requests

    def get(self, **ids: str) -> Response:
        """List the results; while a stage runs again its previous results are not there."""
        list_of = wanted(self.handler.plural, key_filters(self.requests.kind, ids))
        who, wanted_ids = caller(), {**ids, **list_of.filters}
        return list_of.answer(lambda page: self.requests.find(who, wanted_ids, page).map(represent))

    __apidoc__: ClassVar[dict[str, Any]] = {
        "post": {
            "responses": {"202": "accepted, as preferred; data has the jobs, Location the first of them"},
            "params": {
                "Prefer": {"in": "header", "description": f"{RESPOND_ASYNC}: do not wait for the jobs"},
                **ABOUT_CHECKING,
            },
        }
    }

    def post(self, **ids: str) -> Response:
        """Carry the stage out; with ``Prefer: respond-async`` only begin."""
        # Before a place to wait is taken: a body that is heavy has its turn no longer than it is read.
        body = json_object()
        if is_wanted(CHECK):
            planned = self.requests.rehearse(caller(), ids, body)
            return success(
                f"{self.handler.plural}.check", [job_representation(job, {}) | {"id": None} for job in planned]
            )
        with waiting_for_jobs() as wait:
            jobs = self.requests.request(caller(), ids, body, wait=wait)
        if wait is None and jobs:
            return self.accepted(jobs)
        unsuccessful = [job for job in jobs if job.state in {JobState.FAILED, JobState.CANCELLED}]
        if unsuccessful:
            return answer_for_jobs(unsuccessful)
        left = [represent(record) for record in self.requests.results(caller(), jobs)]
        return success(f"{self.handler.plural}.post", left, self.handler.created)

    def accepted(self, jobs: Sequence[Job]) -> Response:
        """The answer to a request whose jobs have only begun."""
        waits = self.handler.jobs.waits(caller())
        headers = {"Preference-Applied": RESPOND_ASYNC, "Location": f"/ttp/jobs/{jobs[0].id}"}
        shown = [job_representation(job, waits) for job in jobs]
        return success(f"{self.handler.plural}.post", shown, HTTPStatus.ACCEPTED, headers=headers)


class ResultsResource(StageResource):
    """A stage whose results can be deleted by themselves."""

    query_of: ClassVar[Mapping[str, Iterable[str] | None]] = {
        "GET": None,
        "POST": (CHECK,),
        "DELETE": (KEEP_FILES,),
    }
    __apidoc__: ClassVar[dict[str, object]] = {**StageResource.__apidoc__, **ABOUT_DELETING}

    def delete(self, **ids: str) -> Response:
        """Delete the results with what rests on them, and the files of that; the answer has them as they were.

        Jobs that are at work on them, or would leave them anew, are cancelled first. ``files`` is as where a run is deleted.
        """
        keep = is_wanted(KEEP_FILES)
        found, files = self.handler.deletions.delete_results(caller(), self.requests.stage, ids, keep_files=keep)
        shown = [represent(record) for record in found]
        return success(f"{self.handler.plural}.delete", shown, more={"files": represent_files(files)})


@contextmanager
def waiting_for_jobs() -> Iterator[Wait | None]:
    """How the request at hand waits for its jobs; None when it will not.

    Raises:
        ServiceUnavailable: too many others wait.
    """
    if prefers_async():
        yield None
    else:
        instead = f"ask with 'Prefer: {RESPOND_ASYNC}', which is answered at once, and look at the jobs"
        heavy_bodies.end_turn()
        with waiting(request.environ, instead) as wait:
            yield wait


def prefers_async() -> bool:
    """Whether the client of the request at hand will not wait."""
    preferences = (each for header in request.headers.getlist("Prefer") for each in header.split(","))
    return any(each.partition(";")[0].strip().lower() == RESPOND_ASYNC for each in preferences)
