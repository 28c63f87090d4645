"""The orchestrator's REST service, put together; everything it talks to is handed in."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import TypeAlias

from flask import Blueprint, Flask

from synergos.accounts.sign_in import SignIn
from synergos.domain.addresses import Places
from synergos.domain.quotas import Quotas
from synergos.domain.reachability import Probe
from synergos.identity.identity import Renewable
from synergos.orchestration.access import Access
from synergos.orchestration.changes import Changes
from synergos.orchestration.dispatcher import Dispatcher, ReadOnlyDispatcher
from synergos.orchestration.grids import Broker
from synergos.orchestration.jobs import Jobs
from synergos.orchestration.nodes import Nodes
from synergos.orchestration.orchestrator import Orchestrator
from synergos.program import about, request_traces
from synergos.program.health import health
from synergos.program.metrics import Answer as Metrics
from synergos.records.store import RecordStore
from synergos.rest import (
    accounts,
    caller,
    catalogues,
    changes,
    connect,
    errors,
    evaluate,
    grids,
    job_history,
    jobs,
    lineage,
    nodes,
    overviews,
    reading,
    removals,
    request_ledger,
    search,
    studies,
    train,
    vocabulary,
)
from synergos.rest.api import blueprint
from synergos.rest.body import MAXIMUM_BODY
from synergos.rest.request_ledger import RequestLedger
from synergos.tracing import OFF, Tracer

Problems: TypeAlias = Callable[[], Mapping[str, str]]
"""See :meth:`synergos.program.health_watch.HealthWatch.problems`."""

_DOCUMENTED = {
    "/ttp/connect/": "declare collaborations, projects, experiments, runs, participants and tags: documentation",
    "/ttp/train/": "align, train and tune: documentation",
    "/ttp/evaluate/": "validate and predict: documentation",
}
OPEN = "off: whoever reaches this port may read, change and delete everything; --auth turns accounts on"
"""What ``/health`` says of an orchestrator without accounts."""
OPEN_TO_READ = "off: whoever reaches this port may read every job and node; --auth turns accounts on"
REQUIRED = "on"
BASIC, CLUSTER = "basic", "cluster"
"""What ``/health`` says of the kind of grid; a Plus grid is a basic one with more beside it."""
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
    wake_catalogues: Callable[[], None] | None = None,
    tracking_servers: Places | None = None,
    quotas: Quotas = Quotas(),  # noqa: B008 - it is frozen
    metrics: Metrics | None = None,
    problems: Problems = dict,
    identity: Renewable | None = None,
    tracer: Tracer = OFF,
    sign_in: SignIn | None = None,
    access: Access | None = None,
    ledger: RequestLedger | None = None,
    status: Callable[[], Mapping[str, object]] = dict,
    certificate: Callable[[], Mapping[str, object]] = dict,
    look_at_queues: Callable[[], Broker] | None = None,
) -> Flask:
    """Build the service.

    Args:
        component_id: what this very program is called, for ``/health``.
        status: what it has to say there besides.
        outputs: the folder trained models and pictures are served from.
        maximum_body: how many bytes a request may bring.
        wake_tuner: has studies looked after at once.
        probe: asks registered nodes what they are.
        wake_remover: has the files of what was deleted removed at once; None where nobody removes any.
        wake_catalogues: has workers asked at once what they publish, when somebody wants to know; None where nobody asks them.
        tracking_servers: those that collaborations may name; None where nothing is written to any.
        quotas: how much each collaboration may have.
        metrics: what the program measures; None where nobody is to read that.
        problems: what keeps the program from its work, for ``/health``.
        identity: what the program proves to others who it is with; its fingerprint stands there as well.
        tracer: takes the spans of requests.
        sign_in: who people are; None where everybody may everything.
        access: who may do what; by the accounts of the record store alone without it.
        ledger: takes note of requests; None where nobody does.
        certificate: what the program says of the one that it shows; nothing where it has none.
        look_at_queues: how the queues of its cluster stand; None where it is a grid of its own.
    """
    told = about.About(
        lambda: health(
            component,
            component_id,
            problems(),
            **_known_by(identity),
            **_open_to(sign_in),
            grid_kind=BASIC if look_at_queues is None else CLUSTER,
            **certificate(),
            **status(),
        ),
        {**_DOCUMENTED, **_JOBS, **about.LINKS},
        metrics,
    )
    app = _bare_app(maximum_body, told, tracer, sign_in)
    request_ledger.install(app, ledger)
    orchestrator = Orchestrator(
        store,
        dispatcher,
        outputs,
        wake_tuner,
        probe,
        wake_remover,
        tracking_servers,
        quotas,
        access,
        wake_catalogues,
        component_id,
        look_at_queues,
    )
    for part in _blueprints(orchestrator, component, sign_in):
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
    identity: Renewable | None = None,
    sign_in: SignIn | None = None,
    ledger: RequestLedger | None = None,
    certificate: Callable[[], Mapping[str, object]] = dict,
) -> Flask:
    """Build the service of a program that takes no requests: its health, the jobs to read, and which nodes it reaches.

    Args:
        status: what ``/health`` says of the program besides.
        probe: asks registered nodes what they are.
        grid: whose nodes are looked at; None for all.
        metrics: what the program measures; None where nobody is to read that.
        problems: what keeps the program from its work, for ``/health``.
        identity: what the program proves to others who it is with; its fingerprint stands there as well.
        sign_in: who people are; None where everybody may read everything.
        ledger: takes note of what is read; None where nobody does.
        certificate: see :func:`create_app`.
    """
    told = about.About(
        lambda: health(
            component,
            component_id,
            problems(),
            **_known_by(identity),
            **_open_to(sign_in, OPEN_TO_READ),
            grid_kind=CLUSTER,
            **certificate(),
            **status(),
        ),
        {**_JOBS, **about.LINKS},
        metrics,
    )
    app = _bare_app(MAXIMUM_BODY, told, sign_in=sign_in)
    request_ledger.install(app, ledger)
    readable = Jobs(store, ReadOnlyDispatcher())
    routes = [
        *jobs.routes(readable, read_only=True),
        *job_history.routes(readable),
        *nodes.routes(Nodes(store, probe, grid)),
        *changes.routes(Changes(store), readable),
    ]
    title = f"Synergos {component}: jobs and nodes"
    closed = sign_in is not None
    app.register_blueprint(blueprint("jobs", "/ttp", title, routes, "/jobs/docs", has_accounts=closed))
    return app


def _blueprints(orchestrator: Orchestrator, component: str, sign_in: SignIn | None) -> list[Blueprint]:
    """``/ttp/connect``, ``/ttp/train``, ``/ttp/evaluate``, ``/ttp/jobs`` and ``/ttp/studies``."""
    title = f"Synergos {component}"
    looked_after = [
        *jobs.routes(orchestrator.jobs),
        *job_history.routes(orchestrator.jobs),
        *studies.routes(orchestrator),
        *nodes.routes(orchestrator.nodes),
        *catalogues.routes(orchestrator.catalogues),
        *lineage.routes(orchestrator.lineages),
        *changes.routes(orchestrator.changes, orchestrator.jobs),
        *grids.routes(orchestrator.grids),
        *overviews.routes(orchestrator.overviews),
        *search.routes(orchestrator.search),
        *removals.routes(orchestrator.deletions),
        *accounts.routes(sign_in, orchestrator.access),
        *vocabulary.routes(),
    ]
    made = partial(blueprint, has_accounts=sign_in is not None)
    return [
        made("connect", "/ttp/connect", f"{title}: connect", connect.routes(orchestrator)),
        made("train", "/ttp/train", f"{title}: train", train.routes(orchestrator)),
        made("evaluate", "/ttp/evaluate", f"{title}: evaluate", evaluate.routes(orchestrator)),
        made("jobs", "/ttp", f"{title}: jobs, studies and nodes", looked_after, "/jobs/docs"),
    ]


def _known_by(identity: Renewable | None) -> dict[str, object]:
    return {} if identity is None else {"fingerprint": identity.now.fingerprint}


def _open_to(sign_in: SignIn | None, otherwise: str = OPEN) -> dict[str, object]:
    return {"accounts": otherwise if sign_in is None else REQUIRED}


def _bare_app(maximum_body: int, told: about.About, tracer: Tracer = OFF, sign_in: SignIn | None = None) -> Flask:
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
    reading.install(app)
    request_traces.install(app, tracer)
    caller.install(app, sign_in)
    about.install(app, told)
    return app
