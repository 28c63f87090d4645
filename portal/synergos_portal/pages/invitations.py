"""Invitations: given by whom a collaboration belongs to, asked for by a participant, and taken back by either."""

from __future__ import annotations

from collections.abc import Callable

from flask import Blueprint, abort, request
from flask.typing import ResponseReturnValue
from wtforms.fields import SelectField
from wtforms.validators import DataRequired

from synergos_portal.orchestrator import cycle, invitations, participants
from synergos_portal.orchestrator.client import Listing, Query
from synergos_portal.orchestrator.declared import Spot
from synergos_portal.orchestrator.invitations import Invitation
from synergos_portal.orchestrator.participants import Place
from synergos_portal.orchestrator.problems import NotSignedIn, Refused
from synergos_portal.pages.declaring import DeclaredForm
from synergos_portal.web.current import client, has_accounts, own_participant, person
from synergos_portal.web.forms import confirm_page, labelled, narrow_choices
from synergos_portal.web.links import Step, go_to, link, way_to
from synergos_portal.web.listing import Column, Wanted, list_page
from synergos_portal.web.words import _, lazy

pages = Blueprint("invitations", __name__)

_OF_PROJECT = "/collaborations/<collab_id>/projects/<project_id>/invitations"
_COLUMNS = (
    Column[Invitation]("participant_id", lambda row: row.place.participant_id),
    Column[Invitation]("collab_id", lambda row: row.place.collab_id),
    Column[Invitation]("project_id", lambda row: row.place.project_id),
    Column[Invitation]("state", lambda row: row.state),
)


class InviteForm(DeclaredForm):
    """Whom to invite."""

    participant_id = SelectField(
        lazy("Participant"),
        [DataRequired()],
        description=lazy("Those that have declared who they are. Its account may register for this project then."),
    )


class _Answer(DeclaredForm):
    """A button, about what was read."""

    saves = False


@pages.before_request
def only_with_accounts() -> None:
    """Where nobody signs in everybody registers everybody: there is nothing to invite to.

    Raises:
        NotSignedIn: others do.
    """
    if person() is None:
        if has_accounts():
            raise NotSignedIn(_("You are not signed in"))
        abort(404)


@pages.get("/collaborations/<collab_id>/invitations")
@pages.get(_OF_PROJECT)
def within(collab_id: str, project_id: str | None = None) -> ResponseReturnValue:
    """All of those to a project, or to all of a collaboration."""
    spot = Spot.of(collab_id) if project_id is None else Spot.of(collab_id, project_id)
    members = cycle.members(client(), spot)
    return _list(
        lambda query: invitations.within(client(), spot, query),
        Wanted.of_request("participant_id"),
        registered={Place(collab_id, member.project, member.id) for member in members},
        spot=spot,
        way=way_to(spot),
    )


@pages.get("/participants/<participant_id>/invitations")
def to(participant_id: str) -> ResponseReturnValue:
    """All of those to a participant."""
    return _list(
        lambda query: invitations.to(client(), participant_id, query),
        Wanted.of_request("collab_id", "project_id"),
        registered={each.place for each in participants.overview(client(), participant_id, {"limit": 1}).registrations},
        spot=None,
        way=[
            Step(_("Participants"), link("participants.listed")),
            Step(participant_id, link("participants.show", participant_id=participant_id)),
        ],
    )


@pages.route(f"{_OF_PROJECT}/new", methods=["GET", "POST"])
def invite(collab_id: str, project_id: str) -> ResponseReturnValue:
    """Let a participant register."""
    spot = Spot.of(collab_id, project_id)
    there = {each.place.participant_id: each.is_given for each in invitations.all_within(client(), spot)}
    asking = request.args.get("participant", "")
    form = InviteForm.sent({"participant_id": asking})
    form.participant_id.choices = labelled({name: name for name in participants.ids(client()) if not there.get(name)})
    if request.method == "GET" and asking in there:
        form.revision.data = invitations.read(client(), Place(collab_id, project_id, asking)).revision
    if form.is_sent:
        # Whoever is invited unasked may have asked meanwhile: that is no reason to ask twice.
        revision = (form.revision.data or "") if form.participant_id.data == asking else ""
        try:
            invitations.declare(client(), Place(collab_id, project_id, form.participant_id.data), revision)
        except Refused as error:
            form.take(error)
            form.revision.data = ""
        else:
            return go_to("projects.show", **spot.key, _anchor="invitations")
    narrowed = narrow_choices(form.participant_id)
    return confirm_page(
        form,
        _("Invite a participant"),
        _("Who takes part gets the model of project %(project)s, and has a say in what is agreed.", project=spot.id),
        verb=_("Invite"),
        back=link("projects.show", **spot.key),
        way=way_to(spot),
        nothing="" if form.participant_id.choices else _("Everybody who has declared who they are is invited already."),
        narrowed=narrowed,
    )


@pages.route(f"{_OF_PROJECT}/<participant_id>/delete", methods=["GET", "POST"])
def take_back(collab_id: str, project_id: str, participant_id: str) -> ResponseReturnValue:
    """Take it back, decline it, or ask no more."""
    place = Place(collab_id, project_id, participant_id)
    found = invitations.read(client(), place)
    form, is_own = _Answer.sent(), own_participant() == participant_id
    form.revision.data = form.revision.data or found.revision
    leads_to = ("participants.show", {"participant_id": participant_id})
    if not is_own:
        leads_to = ("projects.show", {"collab_id": collab_id, "project_id": project_id})
    if form.is_sent and form.is_saved(
        lambda revision: invitations.take_back(client(), place, revision),
        lambda: invitations.read(client(), place).revision,
    ):
        return go_to(leads_to[0], **leads_to[1], _anchor="invitations")
    title, what = _taking_back(found, is_own=is_own)
    return confirm_page(form, title, what, back=link(leads_to[0], **leads_to[1]), is_dangerous=True)


@pages.route("/participants/<participant_id>/invitations/<collab_id>/<project_id>", methods=["GET", "POST"])
def ask(participant_id: str, collab_id: str, project_id: str) -> ResponseReturnValue:
    """Ask to be invited."""
    place, form = Place(collab_id, project_id, participant_id), _Answer.sent()
    if form.is_sent and form.is_taken(lambda: invitations.declare(client(), place)):
        return go_to("participants.show", participant_id=participant_id, _anchor="invitations")
    what = _(
        "%(who)s is not invited to project %(project)s of %(collaboration)s yet. Whom the collaboration belongs to sees that you ask, and decides.",
        **_names(place),
    )
    return confirm_page(
        form, _("Ask to be invited"), what, back=link("participants.show", participant_id=participant_id)
    )


def _list(ask: Callable[[Query], Listing[Invitation] | None], wanted: Wanted, **values: object) -> ResponseReturnValue:
    return list_page("invitations.html", lambda query: ask(query) or abort(404), wanted, _COLUMNS, **values)


def _taking_back(found: Invitation, *, is_own: bool) -> tuple[str, str]:
    """What it is called to whoever does it, and what it means."""
    names = _names(found.place)
    match is_own, found.is_given:
        case True, True:
            return _("Decline an invitation"), _(
                "You are invited to project %(project)s of %(collaboration)s. Once you have declined, you can register no more.",
                **names,
            )
        case True, False:
            return _("Ask no more"), _(
                "You have asked to be invited to project %(project)s of %(collaboration)s; that is forgotten.", **names
            )
        case False, True:
            return _("Take back an invitation"), _("%(who)s may register for project %(project)s no more.", **names)
        case _other:
            return _("Decline a request"), _(
                "%(who)s has asked to be invited to project %(project)s; that is forgotten, and it may ask again.",
                **names,
            )


def _names(place: Place) -> dict[str, str]:
    return {"who": place.participant_id, "project": place.project_id, "collaboration": place.collab_id}
