"""The files of trained runs: models, loss histories, manifests."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict
from typing import ClassVar

from flask import Response

from synergos.domain.keys import RunKey
from synergos.orchestration.artifacts import Artifact, Artifacts
from synergos.orchestration.trainings import Trainings
from synergos.rest.caller import caller
from synergos.rest.envelope import success
from synergos.rest.files import file_answer
from synergos.rest.lists import wanted
from synergos.rest.representations import represent
from synergos.rest.resource import Resource

FILE_ANSWERS = {
    "200": "the file",
    "206": "the part of it that Range asks for",
    "304": "it is the file that If-None-Match names",
    "412": "it is not the file any more that If-Match names",
    "416": "it has no such part",
}


class ArtifactCollection(Resource):
    """The files of a run."""

    def __init__(self, api: object, artifacts: Artifacts) -> None:
        super().__init__(api)
        self.artifacts = artifacts

    def get(self, version: str | None = None, **ids: str) -> Response:
        """List them: name, size in bytes, SHA-256, media type, and the ETag that reading one answers with."""
        found = self.artifacts.find(caller(), RunKey.of(ids), version)
        return success("artifacts.get", [_represent(artifact) for artifact in found])


class SingleArtifact(Resource):
    """One file of a run."""

    __apidoc__: ClassVar[dict[str, object]] = {"get": {"responses": FILE_ANSWERS}}

    def __init__(self, api: object, artifacts: Artifacts) -> None:
        super().__init__(api)
        self.artifacts = artifacts

    def get(self, name: str, version: str | None = None, **ids: str) -> Response:
        """Read it, whole or in parts."""
        return file_answer(self.artifacts.open(caller(), RunKey.of(ids), name, version))


class Versions(Resource):
    """The trainings of a run."""

    query_of: ClassVar[Mapping[str, Iterable[str] | None]] = {"GET": None}

    def __init__(self, api: object, trainings: Trainings) -> None:
        super().__init__(api)
        self.trainings = trainings

    def get(self, **ids: str) -> Response:
        """List them: what each was trained from and with, who took part, how good it is, and whether it is the run's model."""
        list_of = wanted("versions", {})
        who, run = caller(), RunKey.of(ids)
        return list_of.answer(lambda page: self.trainings.find(who, run, page).map(represent))


def _represent(artifact: Artifact) -> dict[str, object]:
    return {"kind": "Artifact", **asdict(artifact)}
