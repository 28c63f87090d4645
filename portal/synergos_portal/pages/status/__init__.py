"""The state of the grid: the orchestrator, its TTPs and what each does, queues, workers, and the programs beside it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus

from flask import Blueprint, render_template
from flask.typing import ResponseReturnValue

from synergos_portal.orchestrator import grids
from synergos_portal.orchestrator.client import Client
from synergos_portal.orchestrator.grids import Grids
from synergos_portal.orchestrator.jobs import nodes, nodes_listed
from synergos_portal.orchestrator.problems import Away, Refused
from synergos_portal.pages.jobs.standing import stage
from synergos_portal.pages.status.tools import ToolState, only_the_station_knows, tools
from synergos_portal.pages.status.workers import COLUMNS, SHOWN, Worker, each_once
from synergos_portal.web.current import client
from synergos_portal.web.listing import Wanted, list_page
from synergos_portal.web.live import fragment, pace

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
        found = self.health.get("problems")
        return {str(name): str(text) for name, text in found.items()} if isinstance(found, Mapping) else {}

    @property
    def is_unfinished(self) -> bool:
        """Whether something is about to change."""
        is_busy = self.grids is not None and any(each.is_busy for each in self.grids.items)
        return is_busy or any(worker.node.is_reachable is None for worker in self.workers)


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
        lambda query: nodes_listed(client(), query),
        Wanted.of_request("collab_id", "project_id", "participant_id"),
        COLUMNS,
    )


def _shown(found: Status) -> dict[str, object]:
    return {"found": found, "shown_workers": found.workers[:SHOWN], "stage": stage}


def _found(asked: Client) -> Status:
    return Status(asked.health(), _grids(asked), _workers(asked), tools(), only_the_station_knows())


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
        return each_once(nodes(asked, {}, None))
    except (Away, Refused):
        return []
