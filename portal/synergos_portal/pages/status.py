"""The state of the grid: the orchestrator, its TTPs and what each does, queues, workers, and the programs beside it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import NamedTuple, cast

from flask import Blueprint, Flask, current_app, render_template
from flask.typing import ResponseReturnValue

from synergos.foreign_json import mapping
from synergos_portal.orchestrator import grids
from synergos_portal.orchestrator.client import Client
from synergos_portal.orchestrator.grids import Grids, Node
from synergos_portal.orchestrator.problems import Away, Refused
from synergos_portal.pages.jobs.standing import stage
from synergos_portal.pages.station.programs import REST
from synergos_portal.proxy.presence import Presence
from synergos_portal.proxy.tool import Tool
from synergos_portal.web.current import client
from synergos_portal.web.filters import NOTHING, state
from synergos_portal.web.links import link, links_to
from synergos_portal.web.listing import Column, Wanted, list_page
from synergos_portal.web.live import fragment, no_news_since, pace
from synergos_portal.web.words import _, ngettext

pages = Blueprint("status", __name__)


@dataclass(frozen=True)
class Status:
    """How everything is.

    Attributes:
        health: what the orchestrator says of itself; nothing while it is away.
        workers: those of which whoever asks may know.
        station_knows: whether the station alone was told of the programs beside the grid.
    """

    health: Mapping[str, object]
    grids: Grids | None
    workers: Sequence[Worker]
    tools: Sequence[ToolState]
    station_knows: bool

    @property
    def problems(self) -> Mapping[str, str]:
        """What keeps the orchestrator from its work."""
        return {name: str(text) for name, text in mapping(self.health.get("problems")).items()}

    @property
    def is_unfinished(self) -> bool:
        """Whether something is about to change."""
        is_busy = self.grids is not None and any(each.is_busy for each in self.grids.items)
        return not self.health or is_busy or any(worker.node.is_reachable is None for worker in self.workers)


@pages.get("/status")
def status() -> ResponseReturnValue:
    """How everything is."""
    found = _found(client())
    return render_template("status/show.html", pace=pace(unfinished=found.is_unfinished), **_shown(found))


@pages.get("/status/live")
def live() -> ResponseReturnValue:
    """The same, now."""
    found = _found(client())
    return fragment("status/show.html", unfinished=found.is_unfinished, **_shown(found))


@pages.get("/status/workers")
def workers() -> ResponseReturnValue:
    """All workers, each for every project that it is registered for."""
    return list_page(
        "status/workers.html",
        lambda query: grids.nodes_listed(client(), query),
        Wanted.of_request("collab_id", "project_id", "participant_id"),
        COLUMNS,
        rows=lambda nodes: rows(Worker(node, 1) for node in nodes),
    )


def _shown(found: Status) -> dict[str, object]:
    return {"found": found, "shown_workers": rows(found.workers[:SHOWN]), "stage": stage}


def _found(asked: Client) -> Status:
    told = _grids(asked), _workers(asked)
    # What it said before it fell silent is no state of now.
    health = asked.health() if no_news_since() is None else {}
    return Status(health, *told, tools(), only_the_station_knows())


def _grids(asked: Client) -> Grids | None:
    """None of an orchestrator that is away, or of a release that tells none."""
    try:
        return grids.read(asked)
    except Away:
        return None
    except Refused as error:
        if error.status == HTTPStatus.NOT_FOUND:
            return None
        raise


def _workers(asked: Client) -> Sequence[Worker]:
    try:
        return each_once(grids.nodes(asked, {}, None))
    except (Away, Refused):
        return []


_PRESENCE = "synergos_presence"


@dataclass(frozen=True)
class ToolState:
    """A program that this process was told of.

    Attributes:
        is_there: whether it shows its pages; None while nobody knows yet.
    """

    title: str
    address: str
    is_there: bool | None


class Beside:
    """The programs, as the pages of the state of the grid know them.

    Args:
        tools: those that this process was told of.
        is_station_here: whether this process has the station too.
    """

    def __init__(self, tools: Sequence[Tool], *, is_station_here: bool) -> None:
        self.is_station_here = is_station_here
        self._presence = Presence([tool for tool in tools if not tool.name.startswith(f"{REST}:")])
        self._tools = [tool for tool in tools if not tool.name.startswith(f"{REST}:")]

    def install(self, app: Flask) -> None:
        """Have an application's pages know them."""
        app.extensions[_PRESENCE] = self

    def states(self) -> list[ToolState]:
        """How each is."""
        seen = self._presence.seen()
        return [
            ToolState(tool.title, tool.place.written, seen[tool].trouble is None if tool in seen else None)
            for tool in self._tools
        ]

    def close(self) -> None:
        """Look no more."""
        self._presence.close()


def tools() -> list[ToolState]:
    """Those that this process was told of."""
    found = _beside()
    return [] if found is None else found.states()


def only_the_station_knows() -> bool:
    """Whether which programs there are is for another process to say, which has the station."""
    found = _beside()
    return found is not None and not found.is_station_here


def _beside() -> Beside | None:
    return cast("Beside | None", current_app.extensions.get(_PRESENCE))


SHOWN = 20
"""With the state of the grid; a list has all of them."""
COLUMNS = (
    Column[Node]("participant_id", lambda node: node.participant),
    Column[Node]("collab_id", lambda node: node.key.get("collab_id")),
    Column[Node]("project_id", lambda node: node.key.get("project_id")),
    Column[Node]("node", lambda node: node.node),
    Column[Node]("host", lambda node: node.host),
    Column[Node]("is_reachable", lambda node: node.is_reachable),
    Column[Node]("problem", lambda node: node.problem),
    Column[Node]("version", lambda node: node.version),
)
_ORDER = {False: 0, None: 1, True: 2}


@dataclass(frozen=True)
class Worker:
    """A worker, as it was found for one of the projects that it is registered for.

    Attributes:
        projects: how many there are.
    """

    node: Node
    projects: int


def each_once(nodes: Iterable[Node]) -> Sequence[Worker]:
    """The workers that registrations name; one that is found otherwise for another project is told again."""
    found: dict[tuple[object, ...], list[Node]] = {}
    for node in nodes:
        found.setdefault((node.participant, node.worker, node.is_reachable, node.problem), []).append(node)
    workers = [Worker(same[0], len(same)) for same in found.values()]
    return sorted(workers, key=lambda worker: _ORDER[worker.node.is_reachable])


class Row(NamedTuple):
    """What a table shows of a worker, in the reader's language and in this order.

    Attributes:
        address: of the page of its registration, or of its participant's where it has several.
        where: its project, or how many it has.
        problem: why not; empty where nothing is said.
    """

    address: str
    participant: str
    node: str
    where: str
    host: str
    state: str
    problem: str
    version: str


def rows(workers: Iterable[Worker]) -> list[Row]:
    """A row for each worker."""
    shown, nobody_knows = state.for_reader(), _("being asked")
    states = {None: nobody_knows, True: shown("reachable"), False: shown("unreachable")}
    registration = links_to("participants.registration", *_KEY)
    return [
        Row(
            *_place(worker, registration),
            worker.node.address or NOTHING,
            states[worker.node.is_reachable],
            worker.node.problem or "",
            worker.node.version or NOTHING,
        )
        for worker in workers
    ]


_KEY = ("participant_id", "collab_id", "project_id")


def _place(worker: Worker, registration: Callable[..., str]) -> tuple[str, str, str, str]:
    """The first four of a row.

    Args:
        registration: makes the address of the page of one.
    """
    who, collaboration, project = [worker.node.key.get(name, "") for name in _KEY]
    if worker.projects == 1:
        address = registration(who, collaboration, project)
        return address, who, worker.node.node, f"{collaboration} / {project}"
    count = ngettext("%(num)s project", "%(num)s projects", worker.projects)
    return link("participants.show", participant_id=who), who, worker.node.node, count
