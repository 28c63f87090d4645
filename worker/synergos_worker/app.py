"""The command port: prepare, align, open a session, predict, end it. See docs/wire-formats.md, section 1."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from http import HTTPStatus
from importlib.metadata import version
from pathlib import Path
from types import MappingProxyType
from typing import Any, ClassVar, NoReturn, TypeVar

import structlog
from flask import Blueprint, Flask, Response, request
from flask_restx import Api, Resource
from werkzeug.exceptions import BadRequest, UnsupportedMediaType

from synergos.domain.identifiers import check_identifier
from synergos.domain.keys import ProjectKey, RunKey
from synergos.domain.reachability import COMMAND
from synergos.domain.release import HEADER, agreed
from synergos.domain.removal import folder_key
from synergos.errors import InvalidRequest
from synergos.program import about, heavy_bodies
from synergos.program.metrics import Metrics
from synergos.program.patience import may_wait
from synergos.program.removal import remove_files
from synergos.schema import Definition
from synergos.schema.json_text import object_in
from synergos_worker import bodies, error_responses, request_log
from synergos_worker.agreement_file import write_agreement
from synergos_worker.documentation import describe
from synergos_worker.error_responses import as_json
from synergos_worker.identity import Identity
from synergos_worker.logged import folders
from synergos_worker.policy.limits import said
from synergos_worker.preparation import Preparation, Preparations, State
from synergos_worker.session_metrics import session_metrics
from synergos_worker.session_registry import Sessions, fitting
from synergos_worker.settings import Settings
from synergos_worker.tables import Tables

_VERSION = version("synergos")
log = structlog.get_logger(__name__)

Kind = TypeVar("Kind")

_PROJECT = "/<string:collab_id>/<string:project_id>"
_LINKS = {"/worker/": "what a TTP asks of a worker: documentation", **about.LINKS}
_RUN = f"{_PROJECT}/<string:expt_id>/<string:run_id>"
_OUTER = (f"{_PROJECT}/<string:expt_id>", _PROJECT, "/<string:collab_id>")


@dataclass(frozen=True)
class Parts:
    """What the routes work with."""

    tables: Tables
    preparations: Preparations
    sessions: Sessions
    outputs: Path


def create_command_app(
    parts: Parts, settings: Settings, identity: Identity, problems: Callable[[], Mapping[str, str]] = dict
) -> Flask:
    """Build the application of the command port; everything it works with is handed in.

    Args:
        problems: what keeps the worker from its work, for ``/health``.
    """
    # No static folder: a wrong URL must not be looked for among files.
    app = Flask("synergos_worker", static_folder=None)
    app.before_request(_refuse_strange_releases)
    app.config.update(MAX_CONTENT_LENGTH=settings.maximum_body, RESTX_MASK_SWAGGER=False)
    app.url_map.strict_slashes = False
    error_responses.install(app)
    request_log.install(app)

    def health() -> dict[str, object]:
        policy = settings.policy
        return identity.health(
            COMMAND,
            problems(),
            sessions=len(parts.sessions),
            device=settings.device,
            disclosure=policy.mode,
            minimum_rows=None if policy.is_open else policy.minimum_rows,
            policy=said(settings.limits),
        )

    metrics = Metrics("worker")
    metrics.add(session_metrics(parts.sessions, parts.preparations.waiting))
    about.install(app, about.About(health, _LINKS, metrics.answer if settings.has_metrics else None))
    blueprint = Blueprint("worker", __name__, url_prefix="/worker")
    api = _Api(blueprint, version=about.API_VERSION, title="Synergos worker")
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


class Poll(_Command):
    """What a project's datasets look like."""

    query = MappingProxyType(
        {"preparation": "which; without it, the newest of the project", "wait": "seconds to wait for its end"}
    )

    def post(self, **ids: str) -> Response:
        """Have datasets prepared: 202 when that takes a while, 201 when it is done already."""
        project = ProjectKey.checked(ids)
        body = _read(bodies.POLL)
        log.info("datasets asked for", action=body.action.value, tags=folders(body.declared))
        found = self.parts.preparations.submit(
            project, body.action, body.declared, request_log.asker(), body.minimum_rows
        )
        status = HTTPStatus.CREATED if found.state is State.COMPLETED else HTTPStatus.ACCEPTED
        return _success("poll.post", self._standing(found), status)

    def get(self, **ids: str) -> Response:
        """How far a preparation is, and what came of it."""
        seconds = _wait(request.args)
        with may_wait(request.environ) as has_place:
            found = self.parts.preparations.get(
                ProjectKey.checked(ids), request.args.get("preparation"), seconds if has_place else 0.0
            )
        data: dict[str, Any] = {
            "kind": "Poll",
            "doc_id": str(found.number),
            "key": asdict(found.project),
            **self._standing(found),
        }
        if found.error is not None:
            data["error"] = dict(found.error)
        return _success("poll.get", {**data, **(found.result or {})})

    def _standing(self, found: Preparation) -> dict[str, Any]:
        return {"preparation": found.id, "state": found.state, "jobs": self.parts.preparations.ahead_of(found)}


class Align(_Command):
    """What the participants agreed on."""

    def post(self, **ids: str) -> Response:
        """Confirm that this worker's data fits the feature space, and keep what was agreed where it is said."""
        project = ProjectKey.checked(ids)
        body = _read(bodies.ALIGN)
        log.info("agreement to be confirmed", tags=folders(body.declared), is_kept=body.agreement is not None)
        for purpose, tags in body.declared.items():
            fitting(self.parts.tables, purpose, tags, body.feature_space, body.alignments, body.digests)
        if body.agreement is not None:
            write_agreement(self.parts.outputs, project, body.agreement, body.feature_space)
        return _success("align.post", {"key": asdict(project), "alignments": body.alignments})


class Initialise(_Command):
    """Opening a session."""

    def post(self, **ids: str) -> Response:
        """Open a session for one run: 201; 200 when it is open already."""
        run = RunKey.checked(ids)
        asked = _read(bodies.INITIALISE).session(run, request_log.asker())
        session, is_new = self.parts.sessions.open(asked)
        live = self.parts.sessions.live_runs(run.collab_id, run.project_id)
        data = {
            "key": asdict(run),
            "is_live": True,
            "session_id": session.id,
            "rows": {purpose.value: 0 for purpose in asked.purposes} | session.counts,
            "connections": [str(pair) for pair in live],
        }
        return _success("initialise.post", data, HTTPStatus.CREATED if is_new else HTTPStatus.OK)


class Predict(_Command):
    """Measuring a model."""

    def post(self, **ids: str) -> Response:
        """Predict with the model that was put, write what comes of it, and answer the statistics; 202 while it runs."""
        run = RunKey.checked(ids)
        body = _read(bodies.PREDICT)
        session = self.parts.sessions.of_run(body.session_id, run)
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
        self.parts.sessions.terminate(run, body.session_id)
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
        folders = [key.ids] if body.purposes is None else [(*key.ids, purpose) for purpose in body.purposes]
        files = sum(remove_files(self.parts.outputs, folder, body.age) for folder in folders)
        log.info("results removed", files=files, **keys, **({} if body.purposes is None else {"metas": body.purposes}))
        return _success("remove.post", {"key": keys, "files": files})


_ROUTES: tuple[tuple[type[_Command], str, Definition[Any]], ...] = (
    (Poll, f"/poll{_PROJECT}", bodies.POLL),
    (Align, f"/align{_PROJECT}", bodies.ALIGN),
    (Initialise, f"/initialise{_RUN}", bodies.INITIALISE),
    (Predict, f"/predict{_RUN}", bodies.PREDICT),
    (Terminate, f"/terminate{_RUN}", bodies.TERMINATE),
    (Remove, f"/remove{_RUN}", bodies.REMOVE),
)


def _refuse_strange_releases() -> None:
    """Refuse commands of a TTP with which nobody has tried this worker; whoever tells no version speaks as this worker does."""
    if request.blueprint == "worker":
        agreed(_VERSION, "this worker", request.headers.get(HEADER), "the TTP")


def _success(method: str, data: Mapping[str, Any], status: int = HTTPStatus.OK) -> Response:
    params = dict(request.view_args or {})
    body = {"apiVersion": about.API_VERSION, "success": 1, "status": int(status), "method": method, "params": params}
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
