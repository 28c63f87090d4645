"""Collaborations: the list of all, a single one with its projects and participants, and its declaration."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, request
from flask.typing import ResponseReturnValue

from synergos_portal.orchestrator import cycle, declared, invitations, taking_part
from synergos_portal.orchestrator.declared import Declared, Spot
from synergos_portal.orchestrator.participants import Place
from synergos_portal.orchestrator.problems import Refused
from synergos_portal.pages.collaborations.forms import NAMES, PORTS, TITLES, CollaborationForm
from synergos_portal.pages.declaring.deleting import delete_page
from synergos_portal.pages.declaring.editing import as_json, form_page
from synergos_portal.web.current import client, person
from synergos_portal.web.listing import Column, Wanted, list_page
from synergos_portal.web.live import fragment, pace
from synergos_portal.web.way import lead_to
from synergos_portal.web.words import _

pages = Blueprint("collaborations", __name__, url_prefix="/collaborations")

COLUMNS = (
    Column[Declared]("collab_id", lambda row: row.id),
    Column[Declared]("projects", lambda row: row.count("Project")),
    Column[Declared]("registrations", lambda row: row.count("Registration")),
    Column[Declared]("runs", lambda row: row.count("Run")),
    Column[Declared]("models", lambda row: row.count("Model")),
)
PROJECT_COLUMNS = (
    Column[Declared]("project_id", lambda row: row.id),
    Column[Declared]("action", lambda row: row.fields.get("action")),
    Column[Declared]("experiments", lambda row: row.count("Experiment")),
    Column[Declared]("runs", lambda row: row.count("Run")),
    Column[Declared]("models", lambda row: row.count("Model")),
)


@pages.get("")
def listed() -> ResponseReturnValue:
    """All collaborations, 50 a page."""
    return list_page(
        "collaborations/list.html",
        lambda query: declared.listed(client(), Spot(), query),
        Wanted.of_request("collab_id"),
        COLUMNS,
    )


@pages.route("/new", methods=["GET", "POST"])
def new() -> ResponseReturnValue:
    """Declare one."""
    return _declaring(CollaborationForm.sent())


@pages.get("/=/<collab_id>")
@pages.get("/<own_id:collab_id>")
def show(collab_id: str) -> ResponseReturnValue:
    """One of them, with its projects and participants."""
    spot = Spot.of(collab_id)
    found = declared.read(client(), spot)
    if (answer := as_json(found)) is not None:
        return answer
    members = cycle.members(client(), spot)
    # It takes an answer about each project, and workers that are away: whoever reads the page does not wait for that.
    standing = taking_part.Standing()
    if request.args.get("asked"):
        standing = taking_part.of_collaboration(client(), spot, members)
    services = [(str(TITLES[name]), found.fields[name]) for name in PORTS if found.fields.get(name)]
    return list_page(
        "collaborations/show.html",
        lambda query: declared.listed(client(), spot, query),
        Wanted.of_request(),
        PROJECT_COLUMNS,
        record=found,
        spot=spot,
        services=services,
        **_taking_part(members),
        standing=standing,
        invited=None if person() is None else invitations.within(client(), spot),
        registered={Place(collab_id, member.project, member.id) for member in members},
        pace=pace(unfinished=standing.is_open),
    )


@pages.get("/<collab_id>/live")
def live(collab_id: str) -> ResponseReturnValue:
    """Who takes part with how many rows, and whether its workers can be reached now."""
    spot = Spot.of(collab_id)
    members = cycle.members(client(), spot)
    standing = taking_part.of_collaboration(client(), spot, members)
    values = {"spot": spot, "standing": standing, **_taking_part(members)}
    return fragment("collaborations/show.html", unfinished=standing.is_open, **values)


@pages.route("/<collab_id>/edit", methods=["GET", "POST"])
def edit(collab_id: str) -> ResponseReturnValue:
    """Change where its services are."""
    spot = Spot.of(collab_id)
    found = declared.read(client(), spot)
    form = CollaborationForm.sent(CollaborationForm.values_of(found.fields))
    form.collab_id.data = collab_id
    form.begin_with(found.revision)
    if form.is_sent:
        try:
            warnings = declared.change(client(), spot, form.declaration, form.revision.data or "")
        except Refused as error:
            form.take_change(error, lambda: declared.read(client(), spot).revision, NAMES)
        else:
            return lead_to(spot, warnings)
    return _shown(form, spot, is_new=False)


@pages.route("/<collab_id>/copy", methods=["GET", "POST"])
def copy(collab_id: str) -> ResponseReturnValue:
    """Declare another one with the same services."""
    found = declared.read(client(), Spot.of(collab_id))
    return _declaring(CollaborationForm.sent(CollaborationForm.values_of(found.fields)), found.spot)


@pages.route("/<collab_id>/delete", methods=["GET", "POST"])
def delete(collab_id: str) -> ResponseReturnValue:
    """Delete it with all that lies in it."""
    return delete_page(Spot.of(collab_id))


def _declaring(form: CollaborationForm, source: Spot | None = None) -> ResponseReturnValue:
    if form.is_sent:
        try:
            warnings = declared.declare(client(), Spot(), form.declaration)
        except Refused as error:
            form.take(error, NAMES)
        else:
            return lead_to(Spot.of(str(form.collab_id.data)), warnings)
    return _shown(form, Spot(), is_new=True, source=source)


def _shown(form: CollaborationForm, spot: Spot, *, is_new: bool, source: Spot | None = None) -> ResponseReturnValue:
    return form_page("collaborations/form.html", form, spot, _("New collaboration"), is_new=is_new, source=source)


def _taking_part(members: list[cycle.Member]) -> dict[str, Any]:
    """Who takes part in what, by participant."""
    found: dict[str, list[cycle.Member]] = {}
    for member in members:
        found.setdefault(member.id, []).append(member)
    return {"members": found}
