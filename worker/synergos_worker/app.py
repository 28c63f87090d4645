"""The command port: prepare, align, open a session, predict, end it. See docs/wire-formats.md, section 1."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from functools import partial
from http import HTTPStatus
from importlib.metadata import version
from pathlib import Path
from types import MappingProxyType
from typing import Any, ClassVar, NoReturn, TypeVar

import structlog
from flask import Blueprint, Flask, Response, request
from flask_restx import Api, Resource
from msgspec import structs
from werkzeug.exceptions import BadRequest, UnsupportedMediaType

from synergos.domain.catalogue import PUBLISHED, Extent
from synergos.domain.identifiers import check_identifier
from synergos.domain.keys import ProjectKey, RunKey
from synergos.domain.preparation import PREPARED, Prepared
from synergos.domain.reachability import COMMAND
from synergos.domain.release import HEADER, agreed
from synergos.domain.removal import folder_key
from synergos.errors import InvalidRequest, NotAllowed
from synergos.identity.small_file import before_now
from synergos.program import about, heavy_bodies, request_traces
from synergos.program.api_version import API_VERSION
from synergos.program.metrics import Answer
from synergos.program.patience import may_wait
from synergos.program.removal import remove_files
from synergos.schema import Definition
from synergos.schema.json_text import object_in
from synergos.tracing import OFF, Tracer
from synergos_worker import bodies, error_responses, request_log
from synergos_worker.agreement_file import write_agreement
from synergos_worker.allowance import Both
from synergos_worker.approvals import Approvals
from synergos_worker.cataloguing.catalogue import Catalogue as PublishedCatalogue
from synergos_worker.component import Component
from synergos_worker.consents import Asked, Consents, not_consented
from synergos_worker.digests import Audience
from synergos_worker.documentation import describe
from synergos_worker.door import DIRECTOR, PEER
from synergos_worker.error_responses import as_json
from synergos_worker.logged import folders
from synergos_worker.permissions import Asking, Permissions, Permit, purposes_of
from synergos_worker.policy.limits import said
from synergos_worker.preparation import Preparation, Preparations, State
from synergos_worker.session_opener import fitting
from synergos_worker.session_registry import Sessions
from synergos_worker.settings import Settings
from synergos_worker.tables import Tables, Tags
from synergos_worker.use_ledger import UseLedger

_VERSION = version("synergos")
log = structlog.get_logger(__name__)

Kind = TypeVar("Kind")

_PROJECT = "/<string:collab_id>/<string:project_id>"
_LINKS = {"/worker/": "what a TTP asks of a worker: documentation", **about.LINKS}
_RUN = f"{_PROJECT}/<string:expt_id>/<string:run_id>"
_OUTER = (f"{_PROJECT}/<string:expt_id>", _PROJECT, "/<string:collab_id>")


@dataclass(frozen=True)
class Parts:
    """What the routes work with.

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
    catalogue: PublishedCatalogue
    is_open: bool = False


def health_of(
    parts: Parts, settings: Settings, identity: Component, problems: Callable[[], Mapping[str, str]], **more: object
) -> dict[str, object]:
    """What a worker says of itself."""
    policy = settings.policy
    return identity.health(
        COMMAND,
        problems(),
        sessions=len(parts.sessions),
        device=settings.device,
        disclosure=policy.mode,
        minimum_rows=None if policy.is_open else policy.minimum_rows,
        policy=said(settings.limits),
        unlisted=settings.default_permission,
        approve_models=settings.approve_models,
        **more,
    )


def create_command_app(
    parts: Parts,
    settings: Settings,
    identity: Component,
    problems: Callable[[], Mapping[str, str]] = dict,
    metrics: Answer | None = None,
    tracer: Tracer = OFF,
) -> Flask:
    """Build the application of the command port; everything it works with is handed in.

    Args:
        problems: what keeps the worker from its work, for ``/health``.
        metrics: what the worker measures; None where nobody is to read that.
        tracer: is told of requests that are sent in traces.
    """
    # No static folder: a wrong URL must not be looked for among files.
    app = Flask("synergos_worker", static_folder=None)
    app.before_request(_refuse_strange_releases)
    app.config.update(MAX_CONTENT_LENGTH=settings.maximum_body, RESTX_MASK_SWAGGER=False)
    app.url_map.strict_slashes = False
    error_responses.install(app, partial(_note_refusal, parts.use))
    request_log.install(app)
    request_traces.install(app, tracer)

    health = partial(health_of, parts, settings, identity, problems)
    about.install(app, about.About(health, _LINKS, metrics))
    blueprint = Blueprint("worker", __name__, url_prefix="/worker")
    api = _Api(blueprint, version=API_VERSION, title="Synergos worker")
    for resource, route, definition in _ROUTES:
        describe(api, resource, definition, resource.query)
        # A whole experiment, project or collaboration may be deleted too, and nothing else is asked of one.
        outer = [f"/remove{each}" for each in _OUTER] if resource is Remove else []
        api.add_resource(resource, route, *outer, resource_class_kwargs={"parts": parts})
    app.register_blueprint(blueprint)
    return app


class _Api(Api):  # type: ignore[misc]
    """Leaves errors to the application, which answers all of them alike."""

    def handle_error(self, e: Exception) -> NoReturn:
        raise e


class _Command(Resource):  # type: ignore[misc]
    query: ClassVar[Mapping[str, str]] = {}

    def __init__(self, api: Api, parts: Parts) -> None:
        super().__init__(api)
        self.parts = parts

    def _refuse_without_consent(self, project: ProjectKey) -> None:
        """Where not everybody is trusted, nothing is done for a project that this worker has not consented to take part in."""
        if not self.parts.is_open:
            self.parts.consents.refuse_without(_peer(), project)

    def _permitted(self, project: ProjectKey, tags: Tags) -> Permit:
        """What the owner allows of some tags; raises where that is not all that is asked."""
        return self.parts.permissions.permit(Asking(_peer(), _director()), project, tags)

    @property
    def _whose(self) -> str | None:
        """Whose what is kept here is alone: who asks; None where everybody is trusted, and all of it is everybody's."""
        return None if self.parts.is_open else _peer()


class Consent(_Command):
    """That this worker takes part in a project."""

    def post(self, **ids: str) -> Response:
        """Sign that it does, for its participant, as it is registered; a registration that has changed ends what runs for the one before."""
        project = ProjectKey.checked(ids)
        body, peer = _read(bodies.CONSENT), _peer()
        if peer is None:
            raise NotAllowed("consent is given to who has shown who it is", "identity")
        asked = Asked(peer, project, body.participant, body.nonce, _director(), request_log.asker())
        statement, is_other = self.parts.consents.give(asked)
        if is_other:
            self.parts.sessions.end_those_of_project(peer, project)
        return _success("consent.post", {"consent": statement})


class Poll(_Command):
    """What a project's datasets look like."""

    query = MappingProxyType(
        {"preparation": "which; without it, the newest of the project", "wait": "seconds to wait for its end"}
    )

    def post(self, **ids: str) -> Response:
        """Have datasets prepared: 202 when that takes a while, 201 when it is done already."""
        project = ProjectKey.checked(ids)
        self._refuse_without_consent(project)
        body = _read(bodies.POLL)
        self._permitted(project, body.declared)
        log.info("datasets asked for", action=body.action.value, tags=folders(body.declared))
        found = self.parts.preparations.submit(
            project, body.action, body.declared, request_log.asker(), body.minimum_rows, self._whose, _peer()
        )
        status = HTTPStatus.CREATED if found.state is State.COMPLETED else HTTPStatus.ACCEPTED
        return _success("poll.post", self._standing(found), status)

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
        data: dict[str, Any] = {
            "kind": "Poll",
            "doc_id": str(found.number),
            "key": asdict(found.project),
            **self._standing(found),
        }
        if found.error is not None:
            data["error"] = dict(found.error)
        result = {} if found.result is None else self._told(found.result, found.project)
        return _success("poll.get", {**data, **result})

    def _told(self, result: Prepared, project: ProjectKey) -> Mapping[str, Any]:
        """What a preparation has found, with its digests as who asks is told them."""
        told, audience = self.parts.tables.told, _audience(project)
        digests = {each: told(some, audience) for each, some in result.digests.items()}
        return PREPARED.write(structs.replace(result, digests=digests))

    def _standing(self, found: Preparation) -> dict[str, Any]:
        return {"preparation": found.id, "state": found.state, "jobs": self.parts.preparations.ahead_of(found)}


class Align(_Command):
    """What the participants agreed on."""

    def post(self, **ids: str) -> Response:
        """Confirm that this worker's data fits the feature space, and keep what was agreed where it is said."""
        project = ProjectKey.checked(ids)
        self._refuse_without_consent(project)
        body = _read(bodies.ALIGN)
        self._permitted(project, body.declared)
        log.info("agreement to be confirmed", tags=folders(body.declared), is_kept=body.agreement is not None)
        audience = _audience(project)
        for purpose, tags in body.declared.items():
            fitting(self.parts.tables, purpose, tags, body.feature_space, body.alignments, body.digests, audience)
        self.parts.use.agreed(project, request_log.asker(), _peer(), body.declared, is_kept=body.agreement is not None)
        if body.agreement is not None:
            write_agreement(self.parts.outputs, project, body.agreement, body.feature_space)
        return _success("align.post", {"key": asdict(project), "alignments": body.alignments})


class Catalogue(_Command):
    """What the owner of the data publishes of it."""

    def post(self, **ids: str) -> Response:
        """Say which folders there are that may be used for something, as far as that is published; never what is in a cell."""
        project = ProjectKey.checked(ids)
        self._refuse_without_consent(project)
        _read(bodies.CATALOGUE)
        asking = Asking(_peer(), _director())
        permissions = self.parts.permissions
        found = self.parts.catalogue.published(lambda tag: permissions.purposes(asking, project, tag))
        told = PUBLISHED.write(found)
        if found.extent is not Extent.OFF:
            self.parts.use.publishing(project, request_log.asker(), _peer(), told)
        return _success("catalogue.post", told)


class Fingerprints(_Command):
    """Whether data is what it was."""

    def post(self, **ids: str) -> Response:
        """Say in which state datasets are that may be used: another digest means that something has changed, none that it cannot be read."""
        project = ProjectKey.checked(ids)
        self._refuse_without_consent(project)
        asking, declared = Asking(_peer(), _director()), _read(bodies.FINGERPRINTS).declared
        allowed = self.parts.permissions.purposes
        wanted = {
            purpose: tags
            for purpose, tags in declared.items()
            if all(purpose in allowed(asking, project, tag) for tag in tags)
        }
        digest, audience = self.parts.tables.digest, _audience(project)
        found = {purpose: [digest(purpose, tag, audience) for tag in tags] for purpose, tags in wanted.items()}
        if wanted:
            self.parts.use.comparing(project, request_log.asker(), _peer(), wanted)
        return _success("fingerprints.post", {"digests": found})


class Initialise(_Command):
    """Opening a session."""

    def post(self, **ids: str) -> Response:
        """Open a session for one run: 201; 200 when it is open already."""
        run = RunKey.checked(ids)
        self._refuse_without_consent(run.project)
        body = _read(bodies.INITIALISE)
        asked = body.session(run, request_log.asker(), _peer(), _director())
        if not self.parts.is_open:
            self.parts.consents.refuse_others(asked.participant_id)
        permit = self._permitted(run.project, purposes_of(asked.tags, asked.purposes))
        approved = self.parts.approvals.of(asked, body.search)
        approved.refuse()
        session, is_new = self.parts.sessions.open(replace(asked, allowance=Both((permit, approved))))
        live = self.parts.sessions.live_runs(run.collab_id, run.project_id, self._whose)
        data = {
            "key": asdict(run),
            "is_live": True,
            "session_id": session.id,
            "rows": {purpose.value: 0 for purpose in asked.purposes} | session.counts,
            **({"measurable": session.measurable} if session.measurable else {}),
            # Whoever keeps them can tell later whether the data is what it was.
            "digests": session.digests,
            "connections": [str(pair) for pair in live],
            # Whoever keeps it can tell later whether what the ledger says until here is as it was.
            "ledger": str(self.parts.use.ledger.head),
        }
        return _success("initialise.post", data, HTTPStatus.CREATED if is_new else HTTPStatus.OK)


class Predict(_Command):
    """Measuring a model."""

    def post(self, **ids: str) -> Response:
        """Predict with the model that was put, write what comes of it, and answer the statistics; 202 while it runs."""
        run = RunKey.checked(ids)
        body = _read(bodies.PREDICT)
        session = self.parts.sessions.of_run(body.session_id, run, _peer())
        work = session.predict(body.purposes)
        if not work.wait(body.wait):
            return _success("predict.post", {"key": asdict(run)}, HTTPStatus.ACCEPTED)
        return _success("predict.post", {"key": asdict(run), "results": session.measured(work)})


class Terminate(_Command):
    """Ending a session."""

    def post(self, **ids: str) -> Response:
        """End a session by its id; 200 also when there is none."""
        run = RunKey.checked(ids)
        body = _read(bodies.TERMINATE)
        self.parts.sessions.terminate(run, body.session_id, _peer())
        return _success("terminate.post", {"key": asdict(run), "is_live": False})


class Remove(_Command):
    """Results that belong to nothing any more."""

    def post(self, **ids: str) -> Response:
        """Remove what was written of something that was deleted, and nothing outside its folder; also when there is nothing."""
        keys = {name: check_identifier(value, name) for name, value in ids.items()}
        key = folder_key(keys)
        body = _read(bodies.REMOVE)
        if body.purposes is not None and not isinstance(key, RunKey):
            raise InvalidRequest("expected nothing: only the results of a run are told apart by purpose", "metas")
        inner = self._own_folders(key.ids)
        folders = inner if body.purposes is None else [(*ids, purpose) for ids in inner for purpose in body.purposes]
        files = sum(remove_files(self.parts.outputs, folder, body.age) for folder in folders)
        self.parts.use.removed(keys, request_log.asker(), _peer(), files)
        if len(key.ids) <= len(ProjectKey.fields()) and (peer := _peer()) is not None:
            # What was deleted is nobody's any more: its ids are free, and what was given since is not meant.
            self.parts.consents.end(peer, _director(), key.ids, before_now(body.age))
        log.info("results removed", files=files, **keys, **({} if body.purposes is None else {"metas": body.purposes}))
        return _success("remove.post", {"key": keys, "files": files})

    def _own_folders(self, ids: tuple[str, ...]) -> list[tuple[str, ...]]:
        """What is meant, as far as it belongs to projects of who asks; all of it where everybody is trusted.

        Raises:
            NotAllowed: it is of a project that is not, and there is something of it.
        """
        if self.parts.is_open:
            return [ids]
        consented = self.parts.consents.projects_of(_peer(), _director())
        if len(ids) == 1:
            return [project.ids for project in consented if project.collab_id == ids[0]]
        if ProjectKey(*ids[:2]) in consented:
            return [ids]
        if os.path.lexists(self.parts.outputs.joinpath(*ids)):
            # Not as if it were done: who asks would forget of it, and it would stay for ever.
            raise not_consented()
        return []


_ROUTES: tuple[tuple[type[_Command], str, Definition[Any]], ...] = (
    (Consent, f"/consent{_PROJECT}", bodies.CONSENT),
    (Poll, f"/poll{_PROJECT}", bodies.POLL),
    (Align, f"/align{_PROJECT}", bodies.ALIGN),
    (Catalogue, f"/catalogue{_PROJECT}", bodies.CATALOGUE),
    (Fingerprints, f"/fingerprints{_PROJECT}", bodies.FINGERPRINTS),
    (Initialise, f"/initialise{_RUN}", bodies.INITIALISE),
    (Predict, f"/predict{_RUN}", bodies.PREDICT),
    (Terminate, f"/terminate{_RUN}", bodies.TERMINATE),
    (Remove, f"/remove{_RUN}", bodies.REMOVE),
)


def _peer() -> str | None:
    """The fingerprint of who sent the request at hand; None where it did not show who it is."""
    return request.environ.get(PEER)


def _director() -> str:
    """The fingerprint of whom that one has proved to belong to; empty where it has not."""
    found: str = request.environ.get(DIRECTOR, "")
    return found


def _audience(project: ProjectKey) -> Audience:
    """Whom digests are for that are told now: all of a cluster are one orchestrator."""
    return Audience(project, _director() or _peer() or "")


def _note_refusal(use: UseLedger, error: Exception) -> None:
    if request.blueprint == "worker":
        asked = request.path.split("/")[2]
        use.refused(error, asked, request_log.asker(), _peer(), dict(request.view_args or {}))


def _refuse_strange_releases() -> None:
    """Refuse commands of a TTP with which nobody has tried this worker; whoever tells no version speaks as this worker does."""
    if request.blueprint == "worker":
        agreed(_VERSION, "this worker", request.headers.get(HEADER), "the TTP")


def _success(method: str, data: Mapping[str, Any], status: int = HTTPStatus.OK) -> Response:
    params = dict(request.view_args or {})
    body = {"apiVersion": API_VERSION, "success": 1, "status": int(status), "method": method, "params": params}
    return as_json({**body, "data": data}, status)


def _read(definition: Definition[Kind]) -> Kind:
    """The body of the request at hand as what it should be."""
    # Any web page may send a body without a type, or as plain text; one that says it is JSON only where we allow it.
    if not request.is_json:
        raise UnsupportedMediaType(f"expected Content-Type: application/json, got {request.mimetype or 'none'}")
    found = definition.read(_json())
    # What could not be read is held by its error until that is answered; its turn ends with the request.
    heavy_bodies.end_turn()
    return found


def _json() -> dict[str, Any]:
    text = request.get_data(cache=False)
    heavy_bodies.take_turn(text)
    try:
        return object_in(text)
    except ValueError:
        raise BadRequest("expected a JSON object") from None


def _wait(query: Mapping[str, str]) -> float:
    text = query.get("wait", "0")
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1.0
    if not seconds >= 0:
        raise InvalidRequest("expected a number of seconds, at least 0", "wait")
    return min(seconds, bodies.LONGEST_WAIT)
