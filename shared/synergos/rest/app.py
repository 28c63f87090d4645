"""The orchestrator's REST service, put together; everything it talks to is handed in."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TypeAlias

from flask import Blueprint, Flask

from synergos.domain.addresses import Places
from synergos.domain.quotas import Quotas
from synergos.domain.reachability import Probe
from synergos.orchestration.dispatcher import Dispatcher, ReadOnlyDispatcher
from synergos.orchestration.jobs import Jobs
from synergos.orchestration.nodes import Nodes
from synergos.orchestration.orchestrator import Orchestrator
from synergos.program import about
from synergos.program.health import health
from synergos.program.metrics import Answer as Metrics
from synergos.records.store import RecordStore
from synergos.rest import connect, errors, evaluate, jobs, nodes, removals, studies, train
from synergos.rest.api import blueprint
from synergos.rest.body import MAXIMUM_BODY

Problems: TypeAlias = Callable[[], Mapping[str, str]]
"""See :meth:`synergos.program.health_watch.HealthWatch.problems`."""

_DOCUMENTED = {
    "/ttp/connect/": "declare collaborations, projects, experiments, runs, participants and tags: documentation",
    "/ttp/train/": "align, train and tune: documentation",
    "/ttp/evaluate/": "validate and predict: documentation",
}
_JOBS = {
    "/ttp/jobs/docs": "jobs, studies and nodes: documentation",
    "/ttp/jobs": "jobs, as JSON",
    "/ttp/nodes": "which workers are reachable, as JSON",
}


def create_app(
    store: RecordStore,
    dispatcher: Dispatcher,
    *,
    component_id: str,
    component: str = "ttp",
    outputs: Path | None = None,
    maximum_body: int = MAXIMUM_BODY,
    wake_tuner: Callable[[], None] = lambda: None,
    probe: Probe | None = None,
    wake_remover: Callable[[], None] | None = None,
    tracking_servers: Places | None = None,
    quotas: Quotas = Quotas(),  # noqa: B008 - it is frozen
    metrics: Metrics | None = None,
    problems: Problems = dict,
) -> Flask:
    """Build the service.

    Args:
        component_id: what this very program is called, for ``/health``.
        outputs: the folder trained models and pictures are served from.
        maximum_body: how many bytes a request may bring.
        wake_tuner: has studies looked after at once.
        probe: asks registered nodes what they are.
        wake_remover: has the files of what was deleted removed at once; None where nobody removes any.
        tracking_servers: those that collaborations may name; None where nothing is written to any.
        quotas: how much each collaboration may have.
        metrics: what the program measures; None where nobody is to read that.
        problems: what keeps the program from its work, for ``/health``.
    """
    told = about.About(
        lambda: health(component, component_id, problems()), {**_DOCUMENTED, **_JOBS, **about.LINKS}, metrics
    )
    app = _bare_app(maximum_body, told)
    orchestrator = Orchestrator(store, dispatcher, outputs, wake_tuner, probe, wake_remover, tracking_servers, quotas)
    for part in _blueprints(orchestrator, component):
        app.register_blueprint(part)
    return app


def create_status_app(
    store: RecordStore,
    *,
    component: str,
    component_id: str,
    status: Callable[[], Mapping[str, object]],
    probe: Probe | None = None,
    grid: int | None = None,
    metrics: Metrics | None = None,
    problems: Problems = dict,
) -> Flask:
    """Build the service of a program that takes no requests: its health, the jobs to read, and which nodes it reaches.

    Args:
        status: what ``/health`` says of the program besides.
        probe: asks registered nodes what they are.
        grid: whose nodes are looked at; None for all.
        metrics: what the program measures; None where nobody is to read that.
        problems: what keeps the program from its work, for ``/health``.
    """
    told = about.About(
        lambda: health(component, component_id, problems(), **status()), {**_JOBS, **about.LINKS}, metrics
    )
    app = _bare_app(MAXIMUM_BODY, told)
    routes = [
        *jobs.routes(Jobs(store, ReadOnlyDispatcher()), read_only=True),
        *nodes.routes(Nodes(store, probe, grid)),
    ]
    title = f"Synergos {component}: jobs and nodes"
    app.register_blueprint(blueprint("jobs", "/ttp", title, routes, documentation="/jobs/docs"))
    return app


def _blueprints(orchestrator: Orchestrator, component: str) -> list[Blueprint]:
    """``/ttp/connect``, ``/ttp/train``, ``/ttp/evaluate``, ``/ttp/jobs`` and ``/ttp/studies``."""
    title = f"Synergos {component}"
    looked_after = [
        *jobs.routes(orchestrator.jobs),
        *studies.routes(orchestrator),
        *nodes.routes(orchestrator.nodes),
        *removals.routes(orchestrator.deletions),
    ]
    return [
        blueprint("connect", "/ttp/connect", f"{title}: connect", connect.routes(orchestrator)),
        blueprint("train", "/ttp/train", f"{title}: train", train.routes(orchestrator)),
        blueprint("evaluate", "/ttp/evaluate", f"{title}: evaluate", evaluate.routes(orchestrator)),
        blueprint("jobs", "/ttp", f"{title}: jobs, studies and nodes", looked_after, documentation="/jobs/docs"),
    ]


def _bare_app(maximum_body: int, told: about.About) -> Flask:
    # No static folder: a wrong URL must not be looked for among files.
    app = Flask("synergos", static_folder=None)
    app.config.update(
        MAX_CONTENT_LENGTH=maximum_body,
        # An answer without a body would be no JSON object.
        PROVIDE_AUTOMATIC_OPTIONS=False,
        RESTX_MASK_SWAGGER=False,
    )
    # A redirect would be an HTML page, and turn a POST into a GET.
    app.url_map.strict_slashes = False
    app.url_map.merge_slashes = False
    errors.install(app)
    about.install(app, told)
    return app
