"""Alignments over HTTP: as all stages, and tried out without anything being stored."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import ClassVar, cast

from flask import Response

from synergos.domain.job import JobState
from synergos.domain.keys import RegistrationKey
from synergos.orchestration.alignments import Alignments
from synergos.rest.body import json_object
from synergos.rest.caller import caller
from synergos.rest.envelope import success
from synergos.rest.errors import answer_for_jobs
from synergos.rest.resource import CHECK, Resource, is_wanted
from synergos.rest.stages import StageResource, waiting_for_jobs


class AlignmentResource(StageResource):
    """The alignment of a project."""

    query_of: ClassVar[Mapping[str, Iterable[str] | None]] = {"GET": None, "POST": (CHECK,)}
    __apidoc__: ClassVar[dict[str, object]] = {
        "post": {
            "responses": StageResource.__apidoc__["post"]["responses"],
            "params": {
                **StageResource.__apidoc__["post"]["params"],
                CHECK: {"in": "query", "description": "true: say what would be agreed, and store nothing of it"},
            },
        }
    }

    def post(self, **ids: str) -> Response:
        """Align the project; with ``check=true`` only say what would be agreed."""
        if not is_wanted(CHECK):
            return super().post(**ids)
        body = json_object()
        with waiting_for_jobs() as wait:
            jobs = cast("Alignments", self.requests).check(caller(), ids, body, wait=wait)
        [job] = jobs
        if job.state in {JobState.FAILED, JobState.CANCELLED}:
            return answer_for_jobs(jobs)
        if job.state is not JobState.COMPLETED:
            return self.accepted(jobs)
        return success("alignments.check", {"kind": "Agreement", "key": dict(ids), **job.progress})


class AgreementShare(Resource):
    """What one participant has in the agreement of a project."""

    def __init__(self, api: object, alignments: Alignments) -> None:
        super().__init__(api)
        self.alignments = alignments

    def get(self, **ids: str) -> Response:
        """Read it: what of its data became an input, what is filled, what is used by nobody, and notes."""
        key = RegistrationKey.of(ids)
        share = self.alignments.share(caller(), key)
        return success("agreement.get", {"kind": "Agreement", "key": key.to_dict(), **share})
