"""The Command Station: pages of other programs and of view in windows, which follow a chosen run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from http import HTTPStatus

from flask import Blueprint, abort, redirect, render_template, request
from flask.typing import ResponseReturnValue

from synergos_portal.orchestrator.problems import NotSignedIn, OrchestratorProblem
from synergos_portal.pages.jobs.standing import stage
from synergos_portal.pages.station.chosen import Chosen, FollowedJob, chosen_by, graylog_page, mlflow_page, recent_jobs
from synergos_portal.pages.station.programs import LOGS, MLOPS, QUEUE, admit, may_see, sentence
from synergos_portal.pages.station.windows import Elsewhere, absent, key_of, not_listed, shown, windows
from synergos_portal.proxy.presence import Seen
from synergos_portal.proxy.tool import Tool
from synergos_portal.web import live
from synergos_portal.web.current import client
from synergos_portal.web.words import _

pages = Blueprint("station", __name__)


@dataclass(frozen=True)
class ToolState:
    """How a program is that windows show.

    Attributes:
        said: in a sentence.
    """

    key: str
    title: str
    seen: Seen

    @property
    def is_there(self) -> bool:
        """Whether its pages can be shown."""
        return self.seen.trouble is None

    @property
    def said(self) -> str:
        """How it is."""
        return _("answers") if self.seen.trouble is None else sentence(self.seen.trouble)


@pages.get("/")
@pages.get("/station")
def station() -> ResponseReturnValue:
    """Show windows as they were left, and what they may show."""
    problem, chosen, jobs, elsewhere = _asked()
    return render_template(
        "station/station.html",
        windows=windows(shown().tools, chosen),
        chosen=chosen,
        jobs=jobs,
        stage=stage,
        elsewhere=elsewhere,
        absent=absent(shown().tools, elsewhere),
        problem=problem,
        queue_signs_in=_queue_signs_in(),
        **_states(),
    )


@pages.get("/station/live")
def live_part() -> ResponseReturnValue:
    """How the programs are."""
    states = _states()
    return live.fragment("station/station.html", unfinished=states["pace"] == live.SOON, states=states["states"])


@pages.get("/station/open/<name>")
def opened(name: str) -> ResponseReturnValue:
    """Lead a window to the page of a program that is about the chosen run."""
    tool = shown().tool(name)
    if tool is None:
        abort(HTTPStatus.NOT_FOUND)
    admit(tool)
    try:
        chosen = chosen_by(request.args, client())
    except OrchestratorProblem:
        # The program's pages are there, whether the orchestrator is or not.
        chosen = Chosen()
    return redirect(_page_of(tool, name, chosen), HTTPStatus.SEE_OTHER)


def _page_of(tool: Tool, key: str, chosen: Chosen) -> str:
    """The address here of what a program shows about what is chosen."""
    if key == MLOPS:
        return f"{tool.prefix}/{mlflow_page(chosen, shown().asking(tool))}"
    if key == LOGS:
        return f"{tool.prefix}/{graylog_page(chosen)}"
    return f"{tool.prefix}/#/queues" if key == QUEUE else tool.front


def _asked() -> tuple[str | None, Chosen, Sequence[FollowedJob], Sequence[Elsewhere]]:
    """What the orchestrator says of what is followed; what is wrong with it, where it says nothing."""
    chosen, jobs = Chosen(), list[FollowedJob]()
    try:
        jobs = list(recent_jobs(client()))
        chosen = chosen_by(request.args, client())
        return None, chosen, jobs, list(not_listed(shown().tools, chosen, client()))
    except NotSignedIn:
        # Where one signs in is not far, and leads back.
        raise
    except OrchestratorProblem as problem:
        return problem.message, chosen, jobs, []


def _queue_signs_in() -> str | None:
    """Where the queue's pages are, if the portal signs in there."""
    tool = shown().tool(QUEUE)
    return None if tool is None or tool.login is None else tool.prefix


def _states() -> dict[str, object]:
    seen = shown().presence.seen()
    states = [
        ToolState(key_of(tool), tool.title, seen[tool]) for tool in shown().tools if tool in seen and may_see(tool)
    ]
    return {"states": states, "pace": live.pace(unfinished=not all(state.is_there for state in states))}
