"""The Command Station: pages of other programs and of view in windows, which follow a chosen run; what else there is, is a link and nothing more."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import cast

from flask import Blueprint, Flask, abort, current_app, redirect, render_template, request
from flask.typing import ResponseReturnValue

from synergos_portal.orchestrator.client import Client
from synergos_portal.orchestrator.problems import NotSignedIn, OrchestratorProblem
from synergos_portal.pages.jobs.standing import stage
from synergos_portal.pages.station.chosen import (
    Chosen,
    FollowedJob,
    Get,
    asking,
    chosen_by,
    graylog_page,
    mlflow_page,
    recent_jobs,
)
from synergos_portal.pages.station.programs import (
    LOGS,
    MLOPS,
    QUEUE,
    REST,
    admit,
    is_offered,
    may_see,
    rest_name,
    sentence,
)
from synergos_portal.proxy.lines import Lines
from synergos_portal.proxy.presence import Presence, Seen
from synergos_portal.proxy.tool import Tool
from synergos_portal.web import current, live
from synergos_portal.web.current import client
from synergos_portal.web.links import link
from synergos_portal.web.words import _, lazy

pages = Blueprint("station", __name__)

_TOOLS = {
    QUEUE: lazy("Queue"),
    LOGS: lazy("Logs"),
    MLOPS: lazy("Trainings (MLflow)"),
    REST: lazy("Interface: what is declared"),
}
"""In the order in which windows are laid out."""
_INTERFACE = {
    f"{REST}:train": (lazy("Interface: training"), "/ttp/train/"),
    f"{REST}:evaluate": (lazy("Interface: validations and predictions"), "/ttp/evaluate/"),
    f"{REST}:jobs": (lazy("Interface: jobs and studies"), "/ttp/jobs/docs"),
}
"""The other pages of an orchestrator's documentation (Swagger), by path at track's own address."""
_PAGES = {
    "jobs.listed": lazy("Jobs"),
    "studies.listed": lazy("Studies"),
    "collaborations.listed": lazy("Collaborations"),
    "participants.listed": lazy("Participants"),
    "catalogue.listed": lazy("Catalogue"),
}
_JOB, _TITLE_OF_JOB = "jobs.shown", lazy("The followed job")
_HOST = re.compile(r"[\w.-]+|\[?[0-9A-Fa-f:.]+\]?", re.ASCII)
_IN_RECORDS = {"mq": QUEUE, "logs": LOGS, "mlops": MLOPS}


@dataclass(frozen=True)
class Window:
    """Something that a window may show.

    Attributes:
        key: by which a kept layout knows it.
    """

    key: str
    title: str
    address: str


@dataclass(frozen=True)
class Elsewhere:
    """A page that is none of the portal's to show: it is linked, and nobody here asks it for anything."""

    title: str
    address: str


@dataclass(frozen=True)
class _Component:
    host: str = ""
    ports: Mapping[str, object] = field(default_factory=dict)
    secure: bool | None = False


@dataclass(frozen=True)
class _Components:
    mq: _Component | None = None
    logs: _Component | None = None
    mlops: _Component | None = None


def windows(tools: Sequence[Tool], chosen: Chosen) -> list[Window]:
    """Pages of listed programs, and those of view that lists are on."""
    listed = {tool.name for tool in tools}
    shown = [name for name in _TOOLS if name in listed or name == REST]
    return [
        *(Window(name, str(_TOOLS[name]), link("station.opened", name=name, **chosen.arguments)) for name in shown),
        *(Window(key, str(title), path) for key, (title, path) in _INTERFACE.items()),
        *_followed(chosen),
        *(Window(f"view:{endpoint}", str(_PAGES[endpoint]), link(endpoint)) for endpoint in _PAGES),
    ]


def _followed(chosen: Chosen) -> Iterator[Window]:
    """The page of the job that is followed."""
    if chosen.job_id is not None:
        yield Window("view:job", str(_TITLE_OF_JOB), link(_JOB, job_id=chosen.job_id))


def not_listed(tools: Sequence[Tool], chosen: Chosen, client: Client) -> Iterator[Elsewhere]:
    """What the record of the chosen collaboration names, and the portal was not told of."""
    if chosen.collab_id is None:
        return
    told = client.record(_Components, "connect", "collaborations", chosen.collab_id)
    listed = {tool.name for tool in tools}
    for component, name in _IN_RECORDS.items():
        where: _Component | None = getattr(told, component)
        if name in listed or where is None:
            continue
        port = where.ports.get("ui") or where.ports.get("main")
        # Whoever declares a collaboration may write what they like.
        if isinstance(port, int) and 0 < port < 65536 and _HOST.fullmatch(where.host):
            host = f"[{where.host}]" if ":" in where.host and "[" not in where.host else where.host
            scheme = "https" if where.secure else "http"
            yield Elsewhere(str(_TOOLS[name]), f"{scheme}://{host}:{port}/")


def absent(tools: Sequence[Tool], elsewhere: Sequence[Elsewhere]) -> list[str]:
    """What the portal was not told of, nor the chosen collaboration."""
    listed = {tool.name for tool in tools}
    told = {page.title for page in elsewhere}
    titles = [str(title) for name, title in _TOOLS.items() if name not in listed and name != REST]
    return [title for title in titles if title not in told]


_SHOWN = "synergos_shown"
_QUESTIONS = 4
"""Of the station's own to a program, at the same time."""
_ANSWER_SECONDS = 5.0


class Shown:
    """Those that were listed, and how they are."""

    def __init__(self, tools: Sequence[Tool]) -> None:
        self._tools = tools
        self.presence = Presence(tools)
        self._lines = {tool: Lines(tool, _QUESTIONS, answer_seconds=_ANSWER_SECONDS) for tool in tools}

    def install(self, app: Flask) -> None:
        """Have an application's pages know them."""
        app.extensions[_SHOWN] = self

    @property
    def tools(self) -> Sequence[Tool]:
        """All that are offered to whoever asks, of the orchestrators' interfaces the one that is looked at."""
        interface = rest_name(current.orchestrator().name)
        return [tool for tool in self._tools if is_offered(tool) and tool.name in (interface, key_of(tool))]

    def tool(self, key: str) -> Tool | None:
        """The one that a window of this key shows."""
        return next((tool for tool in self.tools if key_of(tool) == key), None)

    def asking(self, tool: Tool) -> Get:
        """What asks one for the station itself."""
        return asking(tool, self._lines[tool])

    def close(self) -> None:
        """Let connections go."""
        self.presence.close()
        for lines in self._lines.values():
            lines.close()


def shown() -> Shown:
    """Those of this request's service."""
    return cast(Shown, current_app.extensions[_SHOWN])


def key_of(tool: Tool) -> str:
    """By which a window knows it: whichever orchestrator is looked at, its interface is in the same window."""
    return tool.name.partition(":")[0]


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
