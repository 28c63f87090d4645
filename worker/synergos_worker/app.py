"""The command port: its routes, and what every request to it passes. See docs/wire-formats.md, section 1."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from importlib.metadata import version
from typing import Any, NoReturn

from flask import Blueprint, Flask, request
from flask_restx import Api

from synergos.domain.reachability import COMMAND
from synergos.domain.release import HEADER, agreed
from synergos.program import about, request_traces
from synergos.program.api_version import API_VERSION
from synergos.program.metrics import Answer
from synergos.schema import Definition
from synergos.tracing import OFF, Tracer
from synergos_worker import bodies, error_responses, request_log
from synergos_worker.command import Command, Parts, asking_peer
from synergos_worker.component import Component
from synergos_worker.documentation import describe
from synergos_worker.policy.limits import said
from synergos_worker.project_commands import Align, Catalogue, Consent, Fingerprints, Poll
from synergos_worker.run_commands import Initialise, Predict, Remove, Terminate
from synergos_worker.settings import Settings
from synergos_worker.use_ledger import UseLedger

_VERSION = version("synergos")

_PROJECT = "/<string:collab_id>/<string:project_id>"
_LINKS = {"/worker/": "what a TTP asks of a worker: documentation", **about.LINKS}
_RUN = f"{_PROJECT}/<string:expt_id>/<string:run_id>"
_OUTER = (f"{_PROJECT}/<string:expt_id>", _PROJECT, "/<string:collab_id>")

_ROUTES: tuple[tuple[type[Command], str, Definition[Any]], ...] = (
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


def _note_refusal(use: UseLedger, error: Exception) -> None:
    if request.blueprint == "worker":
        asked = request.path.split("/")[2]
        use.refused(error, asked, request_log.asker(), asking_peer(), dict(request.view_args or {}))


def _refuse_strange_releases() -> None:
    """Refuse commands of a TTP with which nobody has tried this worker; whoever tells no version speaks as this worker does."""
    if request.blueprint == "worker":
        agreed(_VERSION, "this worker", request.headers.get(HEADER), "the TTP")
