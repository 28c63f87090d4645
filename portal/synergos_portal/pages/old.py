"""The menus of the two roles, and addresses of the original portal, which lead on to the pages of today."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus

from flask import Blueprint, abort, redirect, render_template, request
from flask.typing import ResponseReturnValue

from synergos_portal.services import Service
from synergos_portal.web import current
from synergos_portal.web.links import Step, link, origin
from synergos_portal.web.words import lazy

pages = Blueprint("old", __name__)
view_pages = Blueprint("old_view", __name__)

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


@pages.get("/orchestrator")
@pages.get("/participant")
def role() -> ResponseReturnValue:
    """What a role does."""
    name = request.path.strip("/")
    links = {f"/actions/{name}/{resource}": text for resource, text in RESOURCES[name].items()}
    return render_template("menu.html", heading=ROLES[name], above=None, links=links)


@pages.get("/actions/<role>/<resource>")
def actions(role: str, resource: str) -> ResponseReturnValue:
    """What can be done with something."""
    title = RESOURCES.get(role, {}).get(resource)
    if title is None:
        abort(404)
    # Of a participant's own records its account does everything, and whoever only looks on has none.
    may = current.may_orchestrate() or (role == "participant" and current.own_participant() is not None)
    usual = _OF.get(resource, _USUAL)
    links = {f"/view/{role}/{resource}/{action}": ACTIONS[action] for action in usual if may or action == "view"}
    return render_template("menu.html", heading=title, above=Step(ROLES[role], f"/{role}"), links=links)


@pages.get("/view/<role>/<resource>/<action>")
def view(role: str, resource: str, action: str) -> ResponseReturnValue:
    """Lead on to the page."""
    return _lead(role, resource, action)


@view_pages.get("/")
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
