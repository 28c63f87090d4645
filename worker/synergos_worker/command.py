"""What the commands of the command port share: what they work with, who asks, and how a body is read and answered."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import ClassVar, TypeVar

from flask import Response, request
from flask_restx import Api, Resource
from werkzeug.exceptions import BadRequest, UnsupportedMediaType

from synergos.domain.keys import ProjectKey
from synergos.program import heavy_bodies
from synergos.program.api_version import API_VERSION
from synergos.schema import Definition
from synergos.schema.json_text import object_in
from synergos_worker.approvals import Approvals
from synergos_worker.cataloguing.catalogue import Catalogue
from synergos_worker.consents import Consents
from synergos_worker.digests import Audience
from synergos_worker.door import DIRECTOR, PEER
from synergos_worker.error_responses import as_json
from synergos_worker.permissions import Asking, Permissions, Permit
from synergos_worker.preparation import Preparations
from synergos_worker.session_registry import Sessions
from synergos_worker.tables import Tables, Tags
from synergos_worker.use_ledger import UseLedger

Kind = TypeVar("Kind")


@dataclass(frozen=True)
class Parts:
    """What the commands work with.

    Attributes:
        is_open: whether everybody is trusted.
    """

    tables: Tables
    preparations: Preparations
    sessions: Sessions
    outputs: Path
    consents: Consents
    permissions: Permissions
    approvals: Approvals
    use: UseLedger
    catalogue: Catalogue
    is_open: bool = False


class Command(Resource):  # type: ignore[misc]
    """What is at one URL.

    Attributes:
        query: what can be asked in its query string, and what each name there means.
    """

    query: ClassVar[Mapping[str, str]] = {}

    def __init__(self, api: Api, parts: Parts) -> None:
        super().__init__(api)
        self.parts = parts

    def _refuse_without_consent(self, project: ProjectKey) -> None:
        """Where not everybody is trusted, nothing is done for a project that this worker has not consented to take part in."""
        if not self.parts.is_open:
            self.parts.consents.refuse_without(asking_peer(), project)

    def _permitted(self, project: ProjectKey, tags: Tags) -> Permit:
        """What the owner allows of some tags; raises where that is not all that is asked."""
        return self.parts.permissions.permit(Asking(asking_peer(), asking_director()), project, tags)

    @property
    def _whose(self) -> str | None:
        """Whose what is kept here is alone: who asks; None where everybody is trusted, and all of it is everybody's."""
        return None if self.parts.is_open else asking_peer()


def asking_peer() -> str | None:
    """The fingerprint of who sent the request at hand; None where it did not show who it is."""
    return request.environ.get(PEER)


def asking_director() -> str:
    """The fingerprint of whom that one has proved to belong to; empty where it has not."""
    found: str = request.environ.get(DIRECTOR, "")
    return found


def audience_of(project: ProjectKey) -> Audience:
    """Whom digests are for that are told now: all of a cluster are one orchestrator."""
    return Audience(project, asking_director() or asking_peer() or "")


def success(method: str, data: Mapping[str, object], status: int = HTTPStatus.OK) -> Response:
    """The answer of a command that did what was asked, in the envelope that all of them have."""
    params = dict(request.view_args or {})
    body = {"apiVersion": API_VERSION, "success": 1, "status": int(status), "method": method, "params": params}
    return as_json({**body, "data": data}, status)


def read_body(definition: Definition[Kind]) -> Kind:
    """The body of the request at hand as what it should be.

    Raises:
        InvalidRequest: it is something else.
        BadRequest: it is no JSON object.
        UnsupportedMediaType: it does not say that it is JSON.
    """
    # Any web page may send a body without a type, or as plain text; one that says it is JSON only where we allow it.
    if not request.is_json:
        raise UnsupportedMediaType(f"expected Content-Type: application/json, got {request.mimetype or 'none'}")
    found = definition.read(_json())
    # What could not be read is held by its error until that is answered; its turn ends with the request.
    heavy_bodies.end_turn()
    return found


def _json() -> dict[str, object]:
    text = request.get_data(cache=False)
    heavy_bodies.take_turn(text)
    try:
        return object_in(text)
    except ValueError:
        raise BadRequest("expected a JSON object") from None
