"""What all stage requests have in common: one job per combination, and the results when they are there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any, ClassVar

from flask import Response, request

from synergos.domain.job import Job, JobError, JobState, Stage
from synergos.domain.records import Ids, Kind
from synergos.errors import RecordNotFound, ServiceStopping
from synergos.rest.body import json_object
from synergos.rest.envelope import success
from synergos.rest.errors import answer_for_jobs
from synergos.rest.jobs import job_shape
from synergos.rest.resource import Resource
from synergos.rest.services import Services
from synergos.rest.shapes import Shape, shape
from synergos.rest.validation import Schema

RESPOND_ASYNC = "respond-async"
"""The preference (RFC 7240) of a client that will not wait for the jobs."""


class StageRequests:
    """The requests for one stage and the results it leaves; a subclass says which jobs a request makes.

    Attributes:
        plural: what its results are called in ``method``.
        kind: what its results are.
        created: the status of a request that was carried out.
    """

    stage: ClassVar[Stage]
    kind: ClassVar[Kind]
    plural: ClassVar[str]
    schema: ClassVar[Schema]
    created: ClassVar[int] = 200

    def __init__(self, services: Services) -> None:
        self.store = services.store
        self.dispatcher = services.dispatcher

    def find(self, ids: Ids) -> list[Shape]:
        """The results with these ids.

        Raises:
            RecordNotFound: there are none, or they are being replaced.
        """
        found = self.store.find(self.kind, ids)
        if not found:
            scope = ", ".join(f"{field}={value!r}" for field, value in ids.items())
            raise RecordNotFound(f"no {self.kind.value} with {scope}")
        return [shape(record) for record in found]

    def request(self, ids: Ids, body: Mapping[str, Any], *, wait: bool = True) -> list[Job]:
        """Accept a request; its jobs as they stand when it may be answered."""
        self.schema.check(body)
        defaults = self.schema.defaults
        options = {name: body.get(name, default) for name, default in defaults.items()}
        with self.store.transaction():
            jobs = self.plan(ids, options, body)
            self.store.add_jobs(jobs)
        return self._submit(jobs, wait) if jobs else []

    def plan(self, ids: Ids, options: Mapping[str, Any], body: Mapping[str, Any]) -> list[Job]:
        """The jobs of a request.

        Raises:
            RecordNotFound: something it names is not there.
            Conflict: it cannot be done as things stand.
        """
        raise NotImplementedError

    def results(self, jobs: Sequence[Job]) -> list[Shape]:
        """What completed jobs left, in their order."""
        completed = (job for job in jobs if job.state is JobState.COMPLETED)
        return [
            shape(record) for job in completed for record in self.store.find(self.kind, job.keys, include_hidden=True)
        ]

    def _submit(self, jobs: Sequence[Job], wait: bool) -> list[Job]:
        try:
            return self.dispatcher.submit(jobs, wait=wait)
        except ServiceStopping:
            # The jobs stay queued; whoever takes this one's place takes them up.
            raise
        except Exception as error:
            # Nobody will take them up; as long as they were waiting they would hide results.
            reason = JobError(type(error).__name__, "the job could not be handed over")
            for job in map(self.store.job, [job.id for job in jobs]):
                if job.state in {JobState.WAITING, JobState.QUEUED}:
                    self.store.save_job(job.ended(JobState.FAILED, reason))
            raise


class StageResource(Resource):
    """A stage, for the combinations below the ids of the URL."""

    def __init__(self, api: object, requests: StageRequests) -> None:
        super().__init__(api)
        self.requests = requests

    def get(self, **ids: str) -> Response:
        """List the results; while a stage runs again its previous results are not there."""
        return success(f"{self.requests.plural}.get", self.requests.find(ids))

    __apidoc__: ClassVar[dict[str, Any]] = {
        "post": {
            "responses": {"202": "accepted, as preferred; data has the jobs, Location the first of them"},
            "params": {"Prefer": {"in": "header", "description": f"{RESPOND_ASYNC}: do not wait for the jobs"}},
        }
    }

    def post(self, **ids: str) -> Response:
        """Carry the stage out; with ``Prefer: respond-async`` only begin."""
        asynchronous = _prefers_async()
        jobs = self.requests.request(ids, json_object(), wait=not asynchronous)
        if asynchronous and jobs:
            return self._accepted(jobs)
        unsuccessful = [job for job in jobs if job.state in {JobState.FAILED, JobState.CANCELLED}]
        if unsuccessful:
            return answer_for_jobs(unsuccessful)
        return success(f"{self.requests.plural}.post", self.requests.results(jobs), self.requests.created)

    def _accepted(self, jobs: Sequence[Job]) -> Response:
        waits = self.requests.dispatcher.waits()
        headers = {"Preference-Applied": RESPOND_ASYNC, "Location": f"/ttp/jobs/{jobs[0].id}"}
        shapes = [job_shape(job, waits) for job in jobs]
        return success(f"{self.requests.plural}.post", shapes, HTTPStatus.ACCEPTED, headers=headers)


def _prefers_async() -> bool:
    preferences = (each for header in request.headers.getlist("Prefer") for each in header.split(","))
    return any(each.partition(";")[0].strip().lower() == RESPOND_ASYNC for each in preferences)
