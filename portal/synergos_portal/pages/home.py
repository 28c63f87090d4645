"""Where people come in: what runs, what has failed lately, what waits, and the two roles with their menus.

Addresses of the original portal come in here, too, and lead on to the pages of today.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from http import HTTPStatus

from flask import Blueprint, abort, redirect, render_template, request
from flask.typing import ResponseReturnValue

from synergos_portal.orchestrator import grids, jobs
from synergos_portal.orchestrator.client import Client
from synergos_portal.orchestrator.grids import Node
from synergos_portal.orchestrator.jobs import WAITING, Job
from synergos_portal.orchestrator.problems import Away, Refused
from synergos_portal.pages.jobs.standing import stage
from synergos_portal.services import Service
from synergos_portal.web import current
from synergos_portal.web.current import client
from synergos_portal.web.links import Step, link, origin
from synergos_portal.web.live import fragment
from synergos_portal.web.words import lazy

pages = Blueprint("home", __name__)
old_pages = Blueprint("old", __name__)
old_view_pages = Blueprint("old_view", __name__)
LATELY = timedelta(days=1)
ROLES: Mapping[str, str] = {"orchestrator": lazy("I orchestrate"), "participant": lazy("I take part")}
RESOURCES: Mapping[str, Mapping[str, str]] = {
    "orchestrator": {
        "collaborations": lazy("Collaborations"),
        "projects": lazy("Projects"),
        "experiments": lazy("Experiments"),
        "runs": lazy("Runs"),
        "analytics": lazy("Launchpad: align, train, validate"),
        "optimizations": lazy("Hyperdrive: search for hyperparameters"),
    },
    "participant": {
        "participants": lazy("Profile"),
        "registrations": lazy("Registrations and tags"),
        "inferences": lazy("Predict"),
    },
}
"""What each role has, as the original's menus have it."""
ACTIONS: Mapping[str, str] = {
    "create": lazy("Create"),
    "start": lazy("Start"),
    "view": lazy("View"),
    "update": lazy("Update"),
    "remove": lazy("Remove"),
}
_OF = {"optimizations": ("start", "view"), "analytics": ("start", "view"), "inferences": ("start",)}
_USUAL = ("create", "view", "update", "remove")
_ALSO = {"read": "view", "browse": "view", "delete": "remove", "submit": "create", "modify": "update"}
_LISTS = {"optimizations": "studies.listed", "analytics": "jobs.listed"}


@dataclass(frozen=True)
class Home:
    """What goes on.

    Attributes:
        failed: since yesterday.
        cut: which of the three are not all there are.
        nodes: those that are told, nobody is told of those of others; None where they cannot be asked for.
    """

    running: Sequence[Job]
    waiting: Sequence[Job]
    failed: Sequence[Job]
    cut: frozenset[str]
    nodes: Sequence[Node] | None

    @property
    def away(self) -> list[Node]:
        """Nodes that are not reachable; one that is registered for several projects is told once."""
        gone = [node for node in self.nodes or () if node.is_reachable is False]
        return list({(node.participant, node.host, node.problem): node for node in gone}.values())

    @property
    def is_unfinished(self) -> bool:
        """Whether something goes on."""
        return bool(self.running or self.waiting)


@pages.get("/")
def entry() -> ResponseReturnValue:
    """The two roles, and where to begin."""
    return render_template("home.html", found=None, links=None)


@pages.get("/home")
def home() -> ResponseReturnValue:
    """What goes on."""
    return render_template("home.html", found=_found(client()), links=None, stage=stage)


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
        _nodes(client),
    )


def _nodes(client: Client) -> Sequence[Node] | None:
    try:
        return grids.nodes(client, {}, None)
    except (Refused, Away):
        return None


@old_pages.get("/orchestrator")
@old_pages.get("/participant")
def role() -> ResponseReturnValue:
    """What a role does."""
    name = request.path.strip("/")
    links = {f"/actions/{name}/{resource}": text for resource, text in RESOURCES[name].items()}
    return render_template("home.html", heading=ROLES[name], above=None, links=links)


@old_pages.get("/actions/<role>/<resource>")
def actions(role: str, resource: str) -> ResponseReturnValue:
    """What can be done with something."""
    title = RESOURCES.get(role, {}).get(resource)
    if title is None:
        abort(404)
    # Of a participant's own records its account does everything, and whoever only looks on has none.
    may = current.may_orchestrate() or (role == "participant" and current.own_participant() is not None)
    usual = _OF.get(resource, _USUAL)
    links = {f"/view/{role}/{resource}/{action}": ACTIONS[action] for action in usual if may or action == "view"}
    return render_template("home.html", heading=title, above=Step(ROLES[role], f"/{role}"), links=links)


@old_pages.get("/view/<role>/<resource>/<action>")
def view(role: str, resource: str, action: str) -> ResponseReturnValue:
    """Lead on to the page."""
    return _lead(role, resource, action)


@old_view_pages.get("/")
def old_view() -> ResponseReturnValue:
    """Lead on to the page; without words to the home page."""
    said = [request.args.get(name) for name in ("r", "p", "a")]
    if not any(said):
        return redirect(f"{origin(Service.NAV)}/home", HTTPStatus.SEE_OTHER)
    role, resource, action = (each or "" for each in said)
    return _lead(role, resource, action or "view")


def _lead(role: str, resource: str, action: str) -> ResponseReturnValue:
    action = _ALSO.get(action, action)
    if resource not in RESOURCES.get(role, {}) or action not in ACTIONS:
        abort(404)
    return redirect(_page(role, resource, action), HTTPStatus.SEE_OTHER)


def _page(role: str, resource: str, action: str) -> str:
    if role == "participant":
        own = current.own_participant()
        if own is not None:
            return link(f"participants.{'predict' if resource == 'inferences' else 'show'}", participant_id=own)
        return link("participants.new" if resource == "participants" and action == "create" else "participants.listed")
    if resource == "collaborations" and action == "create":
        return link("collaborations.new")
    # Projects, experiments and runs lie in a collaboration: that is chosen first.
    listed = _LISTS.get(resource, "collaborations.listed")
    return link(listed if action != "start" else "collaborations.listed")
