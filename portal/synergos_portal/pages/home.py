"""Where people come in: what runs, what has failed lately, what waits, and the two roles."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from flask import Blueprint, render_template
from flask.typing import ResponseReturnValue

from synergos_portal.orchestrator import grids, jobs
from synergos_portal.orchestrator.client import Client
from synergos_portal.orchestrator.grids import Node
from synergos_portal.orchestrator.jobs import WAITING, Job
from synergos_portal.orchestrator.problems import Away, Refused
from synergos_portal.pages.jobs.standing import stage
from synergos_portal.web.current import client
from synergos_portal.web.live import fragment

pages = Blueprint("home", __name__)
LATELY = timedelta(days=1)


@dataclass(frozen=True)
class Home:
    """What goes on.

    Attributes:
        failed: since yesterday.
        cut: which of the three are not all there are.
        away: nodes that are not reachable; one that is registered for several projects is told once.
    """

    running: Sequence[Job]
    waiting: Sequence[Job]
    failed: Sequence[Job]
    cut: frozenset[str]
    away: Sequence[Node]

    @property
    def is_unfinished(self) -> bool:
        """Whether something goes on."""
        return bool(self.running or self.waiting)


@pages.get("/")
def entry() -> ResponseReturnValue:
    """The two roles, and where to begin."""
    return render_template("home.html", found=None)


@pages.get("/home")
def home() -> ResponseReturnValue:
    """What goes on."""
    return render_template("home.html", found=_found(client()), stage=stage)


@pages.get("/home/live")
def live() -> ResponseReturnValue:
    """The same, now."""
    found = _found(client())
    return fragment("home.html", unfinished=found.is_unfinished, found=found, stage=stage)


def _found(client: Client) -> Home:
    yesterday = (datetime.now(UTC) - LATELY).isoformat()
    failed = jobs.newest(client, "failed")
    lately = [job for job in failed.items if (job.finished_at or "") > yesterday]
    waiting = [jobs.newest(client, state) for state in WAITING]
    running = [jobs.newest(client, state) for state in jobs.MOVING]
    goes_on = {
        "failed": failed.next is not None and len(lately) == len(failed.items),
        "waiting": any(each.next for each in waiting),
        "running": any(each.next for each in running),
    }
    return Home(
        [job for each in running for job in each.items],
        [job for each in waiting for job in each.items],
        lately,
        frozenset(name for name, is_cut in goes_on.items() if is_cut),
        _away(client),
    )


def _away(client: Client) -> list[Node]:
    """Nodes that are not reachable; nobody is told of those of others."""
    try:
        found = grids.nodes(client, {}, None)
    except (Refused, Away):
        return []
    gone = [node for node in found if node.is_reachable is False]
    return list({(node.participant, node.host, node.problem): node for node in gone}.values())
