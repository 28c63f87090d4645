"""The commands about a project's datasets: take part, prepare, align, publish, compare. See docs/wire-formats.md, section 1."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from http import HTTPStatus
from types import MappingProxyType

import structlog
from flask import Response, request
from msgspec import structs

from synergos.domain.catalogue import PUBLISHED, Extent
from synergos.domain.keys import ProjectKey
from synergos.domain.preparation import PREPARED, Prepared
from synergos.errors import InvalidRequest, NotAllowed
from synergos.program.patience import may_wait
from synergos_worker import bodies, request_log
from synergos_worker.agreement_file import write_agreement
from synergos_worker.command import Command, asking_director, asking_peer, audience_of, read_body, success
from synergos_worker.consents import Asked
from synergos_worker.logged import folders
from synergos_worker.permissions import Asking
from synergos_worker.preparation import Preparation, State
from synergos_worker.session_opener import fitting

log = structlog.get_logger(__name__)


class Consent(Command):
    """That this worker takes part in a project."""

    def post(self, **ids: str) -> Response:
        """Sign that it does, for its participant, as it is registered; a registration that has changed ends what runs for the one before."""
        project = ProjectKey.checked(ids)
        body, peer = read_body(bodies.CONSENT), asking_peer()
        if peer is None:
            raise NotAllowed("consent is given to who has shown who it is", "identity")
        asked = Asked(peer, project, body.participant, body.nonce, asking_director(), request_log.asker())
        statement, is_other = self.parts.consents.give(asked)
        if is_other:
            self.parts.sessions.end_those_of_project(peer, project)
        return success("consent.post", {"consent": statement})


class Poll(Command):
    """What a project's datasets look like."""

    query = MappingProxyType(
        {"preparation": "which; without it, the newest of the project", "wait": "seconds to wait for its end"}
    )

    def post(self, **ids: str) -> Response:
        """Have datasets prepared: 202 when that takes a while, 201 when it is done already."""
        project = ProjectKey.checked(ids)
        self._refuse_without_consent(project)
        body = read_body(bodies.POLL)
        self._permitted(project, body.declared)
        log.info("datasets asked for", action=body.action.value, tags=folders(body.declared))
        found = self.parts.preparations.submit(
            project, body.action, body.declared, request_log.asker(), body.minimum_rows, self._whose, asking_peer()
        )
        status = HTTPStatus.CREATED if found.state is State.COMPLETED else HTTPStatus.ACCEPTED
        return success("poll.post", self._standing(found), status)

    def get(self, **ids: str) -> Response:
        """How far a preparation is, and what came of it."""
        self._refuse_without_consent(ProjectKey.checked(ids))
        seconds = _wait(request.args)
        with may_wait(request.environ) as has_place:
            found = self.parts.preparations.get(
                ProjectKey.checked(ids),
                request.args.get("preparation"),
                seconds if has_place else 0.0,
                self._whose,
            )
        if found.result is not None:
            # It may have been revoked since.
            self._permitted(found.project, found.tags)
        data: dict[str, object] = {
            "kind": "Poll",
            "doc_id": str(found.number),
            "key": asdict(found.project),
            **self._standing(found),
        }
        if found.error is not None:
            data["error"] = dict(found.error)
        result = {} if found.result is None else self._told(found.result, found.project)
        return success("poll.get", {**data, **result})

    def _told(self, result: Prepared, project: ProjectKey) -> Mapping[str, object]:
        """What a preparation has found, with its digests as who asks is told them."""
        told, audience = self.parts.tables.told, audience_of(project)
        digests = {each: told(some, audience) for each, some in result.digests.items()}
        return PREPARED.write(structs.replace(result, digests=digests))

    def _standing(self, found: Preparation) -> dict[str, object]:
        return {"preparation": found.id, "state": found.state, "jobs": self.parts.preparations.ahead_of(found)}


class Align(Command):
    """What the participants agreed on."""

    def post(self, **ids: str) -> Response:
        """Confirm that this worker's data fits the feature space, and keep what was agreed where it is said."""
        project = ProjectKey.checked(ids)
        self._refuse_without_consent(project)
        body = read_body(bodies.ALIGN)
        self._permitted(project, body.declared)
        log.info("agreement to be confirmed", tags=folders(body.declared), is_kept=body.agreement is not None)
        audience = audience_of(project)
        for purpose, tags in body.declared.items():
            fitting(self.parts.tables, purpose, tags, body.feature_space, body.alignments, body.digests, audience)
        self.parts.use.agreed(
            project, request_log.asker(), asking_peer(), body.declared, is_kept=body.agreement is not None
        )
        if body.agreement is not None:
            write_agreement(self.parts.outputs, project, body.agreement, body.feature_space)
        return success("align.post", {"key": asdict(project), "alignments": body.alignments})


class Catalogue(Command):
    """What the owner of the data publishes of it."""

    def post(self, **ids: str) -> Response:
        """Say which folders there are that may be used for something, as far as that is published; never what is in a cell."""
        project = ProjectKey.checked(ids)
        self._refuse_without_consent(project)
        read_body(bodies.CATALOGUE)
        asking = Asking(asking_peer(), asking_director())
        permissions = self.parts.permissions
        found = self.parts.catalogue.published(lambda tag: permissions.purposes(asking, project, tag))
        told = PUBLISHED.write(found)
        if found.extent is not Extent.OFF:
            self.parts.use.publishing(project, request_log.asker(), asking_peer(), found, told)
        return success("catalogue.post", told)


class Fingerprints(Command):
    """Whether data is what it was."""

    def post(self, **ids: str) -> Response:
        """Say in which state datasets are that may be used: another digest means that something has changed, none that it cannot be read."""
        project = ProjectKey.checked(ids)
        self._refuse_without_consent(project)
        asking, declared = Asking(asking_peer(), asking_director()), read_body(bodies.FINGERPRINTS).declared
        allowed = self.parts.permissions.purposes
        wanted = {
            purpose: tags
            for purpose, tags in declared.items()
            if all(purpose in allowed(asking, project, tag) for tag in tags)
        }
        digest, audience = self.parts.tables.digest, audience_of(project)
        found = {purpose: [digest(purpose, tag, audience) for tag in tags] for purpose, tags in wanted.items()}
        if wanted:
            self.parts.use.comparing(project, request_log.asker(), asking_peer(), wanted)
        return success("fingerprints.post", {"digests": found})


def _wait(query: Mapping[str, str]) -> float:
    text = query.get("wait", "0")
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1.0
    if not seconds >= 0:
        raise InvalidRequest("expected a number of seconds, at least 0", "wait")
    return min(seconds, bodies.LONGEST_WAIT)
