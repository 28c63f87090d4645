"""The Launchpad: what is to be done, what that comes to, whether the nodes are well, and the button that begins it."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Mapping
from http import HTTPStatus

from flask import Blueprint, abort, render_template, request, session
from flask.typing import ResponseReturnValue

from synergos.domain.trace_context import TraceContext
from synergos_portal.orchestrator import cycle, declared, grids, jobs
from synergos_portal.orchestrator.client import Listing, Query
from synergos_portal.orchestrator.declared import Declared, Spot
from synergos_portal.orchestrator.problems import Refused
from synergos_portal.pages.jobs.standing import STAGES
from synergos_portal.pages.launch.plan import Choice, Plan, Task, usual
from synergos_portal.web.current import client
from synergos_portal.web.links import go_to
from synergos_portal.web.live import fragment, pace
from synergos_portal.web.words import _, lazy

pages = Blueprint("launch", __name__)
"""Of all that is here; studies have their own."""

PROJECT = "/collaborations/<collab_id>/projects/<project_id>"
EXPERIMENT = f"{PROJECT}/experiments/<expt_id>"
RUN = f"{EXPERIMENT}/runs/<run_id>"
_PAGE = f"{PROJECT}/launch"
EXPERIMENTS = 50
RUNS = 50
"""Shown of one experiment, the newest."""
MOST_REQUESTS = 200
"""That one click makes; whole experiments take one for each task."""
MOST_JOBS = 500
"""Shown of one launch."""
PROBLEM = "launch_problem"
"""The field of the session that says why a launch stopped half-way, with the trace it is about."""
_LONGEST = 600
WORDS: Mapping[Task, tuple[str, str]] = {
    Task.ALIGN: (lazy("Align"), lazy("The participants agree on columns and labels; one job for the project.")),
    Task.TRAIN: (lazy("Train"), lazy("Each run becomes a model; one job for each run.")),
    Task.VALIDATE: (lazy("Validate"), lazy("Each model is measured at every participant; one job for each run.")),
}


@pages.get(_PAGE)
def launchpad(collab_id: str, project_id: str) -> ResponseReturnValue:
    """What would be launched."""
    return _page(Spot.of(collab_id, project_id))


@pages.get(f"{_PAGE}/nodes")
def nodes(collab_id: str, project_id: str) -> ResponseReturnValue:
    """The health of every node by sub-grid; asked for by itself, since a node that does not answer is waited for."""
    found = grids.by_sub_grid(client(), Spot.of(collab_id, project_id).key)
    is_well = all(node.is_reachable for some in found.values() for node in some)
    return fragment("nodes.html", unfinished=not is_well, grids=found)


@pages.post(_PAGE)
def start(collab_id: str, project_id: str) -> ResponseReturnValue:
    """Make the jobs; nothing where there are others by now than whoever has clicked was shown."""
    project = Spot.of(collab_id, project_id)
    choice = Choice.of(request.form) or abort(HTTPStatus.BAD_REQUEST)
    plan = _plan(project, choice)
    problem = _unlike(plan, request.form.get("jobs"))
    if problem:
        return _page(project, choice, problem), HTTPStatus.CONFLICT
    trace = TraceContext(secrets.token_hex(16), secrets.token_hex(8))
    for place, wanted in enumerate(plan.requests):
        try:
            jobs.ask(client(), wanted.parts(collab_id, project_id), trace)
        except Refused as error:
            if place == 0:
                return _page(project, choice, _refusal(wanted.task, error)), HTTPStatus.UNPROCESSABLE_ENTITY
            session[PROBLEM] = [trace.trace_id, _refusal(wanted.task, error)[:_LONGEST]]
            break
    return go_to("launch.launched", collab_id=collab_id, project_id=project_id, trace_id=trace.trace_id)


@pages.get(f"{_PAGE}/<trace_id>")
def launched(collab_id: str, project_id: str, trace_id: str) -> ResponseReturnValue:
    """The jobs of one launch."""
    shown = _launch(collab_id, project_id, trace_id)
    about, problem = session.get(PROBLEM) or (None, None)
    return render_template(
        "launch/launchpad.html",
        is_begun=True,
        problem=problem if about == trace_id else None,
        pace=pace(unfinished=bool(shown["going_on"])),
        **shown,
    )


@pages.get(f"{_PAGE}/<trace_id>/live")
def launched_live(collab_id: str, project_id: str, trace_id: str) -> ResponseReturnValue:
    """The same, as it moves."""
    shown = _launch(collab_id, project_id, trace_id)
    return fragment("launch/launchpad.html", unfinished=bool(shown["going_on"]), **shown)


def _launch(collab_id: str, project_id: str, trace_id: str) -> dict[str, object]:
    project = Spot.of(collab_id, project_id)
    found = jobs.of_trace(client(), project.key, trace_id, MOST_JOBS)
    return {
        "project": project,
        "trace_id": trace_id,
        "jobs": found,
        "stages": STAGES,
        "going_on": jobs.unfinished(found),
        "measured": [job.run for job in found.items if job.stage == "validate" and job.state == "completed"][:8],
    }


def _page(project: Spot, choice: Choice | None = None, problem: str = "") -> str:
    asking = client()
    cursor = request.args.get("cursor") or None
    found = declared.counted(asking, project, {"limit": EXPERIMENTS, "cursor": cursor})
    choice = choice or Choice.of(request.args) or usual(found.items, is_aligned=cycle.is_aligned(asking, project))
    known = _known(project, choice, found)
    return render_template(
        "launch/launchpad.html",
        is_begun=False,
        project=project,
        found=found,
        wanted_cursor=cursor,
        opened=_opened(project, choice, found),
        choice=choice,
        plan=choice.plan(known),
        run_rows=_run_rows,
        too_many=len(choice.plan(known).requests) > MOST_REQUESTS,
        tasks=[(task, *WORDS[task]) for task in Task],
        problem=problem,
    )


def _opened(project: Spot, choice: Choice, found: Listing[Declared]) -> dict[str, Listing[Declared]]:
    """The runs of the experiments of which single runs may be chosen: those that somebody has opened or chosen of, or the only one."""
    wanted = [*request.args.getlist("open"), *(expt_id for expt_id, _run in choice.runs)]
    if not wanted and len(found.items) == 1:
        wanted = [found.items[0].id]
    listed = {each.id for each in found.items}
    query: Query = {"limit": RUNS, "order": "newest"}
    return {
        expt_id: declared.counted(client(), project.within(expt_id), query)
        for expt_id in dict.fromkeys(wanted)
        if expt_id in listed
    }


def _run_rows(runs: Iterable[Declared]) -> list[tuple[str, str, str]]:
    """Of each run what it is sent as, what it is called, and how far it is, in words."""
    neither, trained, both = _("not trained"), _("trained"), _("trained and validated")
    return [
        (run.path, run.id, (both if run.count("Validation") else trained) if run.count("Model") else neither)
        for run in runs
    ]


def _known(project: Spot, choice: Choice, found: Listing[Declared]) -> dict[str, Declared]:
    """The experiments that are meant as a whole, those on other pages of the list too."""
    known = {each.id: each for each in found.items}
    for expt_id in choice.experiments:
        if expt_id not in known:
            known[expt_id] = declared.read(client(), project.within(expt_id))
    return known


def _plan(project: Spot, choice: Choice) -> Plan:
    return choice.plan(_known(project, choice, Listing(())))


def _unlike(plan: Plan, shown: str | None) -> str:
    """Why a plan is not what whoever has clicked was shown; empty where it is."""
    if not plan.requests:
        return _("Nothing is chosen: choose what is to be done, and with which runs.")
    if len(plan.requests) > MOST_REQUESTS:
        return _("These are more single runs than one launch takes; choose whole experiments, or fewer.")
    if shown != str(plan.jobs):
        return _(
            "Runs were declared or deleted meanwhile: this would make %(jobs)d jobs now. Look at it again.",
            jobs=plan.jobs,
        )
    return ""


def _refusal(task: Task, error: Refused) -> str:
    return f"{WORDS[task][0]}: {error.message}"
