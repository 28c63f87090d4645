"""Invitations: given by whom a collaboration belongs to, asked for by a participant, and taken back by either."""

from __future__ import annotations

from flask import Blueprint, abort, render_template, request
from flask.typing import ResponseReturnValue
from wtforms.fields import SelectField
from wtforms.validators import DataRequired

from synergos_portal.orchestrator import invitations, participants
from synergos_portal.orchestrator.declared import Spot
from synergos_portal.orchestrator.participants import Place
from synergos_portal.orchestrator.problems import NotSignedIn, Refused
from synergos_portal.pages.declaring.editing import DeclaredForm
from synergos_portal.pages.declaring.way import way_to
from synergos_portal.web.current import client, has_accounts, own_participant, person
from synergos_portal.web.forms import labelled
from synergos_portal.web.links import go_to, link
from synergos_portal.web.words import _, lazy

pages = Blueprint("invitations", __name__)

_OF_PROJECT = "/collaborations/<collab_id>/projects/<project_id>/invitations"
_MOST = 500
"""Participants that can be chosen from."""


class InviteForm(DeclaredForm):
    """Whom to invite."""

    participant_id = SelectField(
        lazy("Participant"),
        [DataRequired()],
        description=lazy("Those that have declared who they are. Its account may register for this project then."),
    )


class _Confirmation(DeclaredForm):
    """A button."""


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


@pages.route(f"{_OF_PROJECT}/new", methods=["GET", "POST"])
def invite(collab_id: str, project_id: str) -> ResponseReturnValue:
    """Let a participant register."""
    spot = Spot.of(collab_id, project_id)
    there = {each.place.participant_id: each.is_given for each in invitations.within(client(), spot) or []}
    known = [each.id for each in participants.listed(client(), {"limit": _MOST, "order": "newest"}).items]
    asking = request.args.get("participant", "")
    form = InviteForm.sent({"participant_id": asking})
    form.participant_id.choices = labelled({name: name for name in sorted(known) if not there.get(name)})
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
    back = link("projects.show", **spot.key)
    page = render_template("invitations/invite.html", form=form, spot=spot, way=way_to(spot), back=back)
    return page, 422 if form.all_errors else 200


@pages.route(f"{_OF_PROJECT}/<participant_id>/delete", methods=["GET", "POST"])
def take_back(collab_id: str, project_id: str, participant_id: str) -> ResponseReturnValue:
    """Take it back, decline it, or ask no more."""
    place = Place(collab_id, project_id, participant_id)
    found = invitations.read(client(), place)
    form, is_own = _Confirmation.sent(), own_participant() == participant_id
    form.revision.data = form.revision.data or found.revision
    leads_to = ("participants.show", {"participant_id": participant_id})
    if not is_own:
        leads_to = ("projects.show", {"collab_id": collab_id, "project_id": project_id})
    if form.is_sent:
        try:
            invitations.take_back(client(), place, form.revision.data)
        except Refused as error:
            form.take(error)
            # The page says what it is by now.
            form.revision.data = found.revision
        else:
            return go_to(leads_to[0], **leads_to[1], _anchor="invitations")
    values = {"form": form, "found": found, "is_own": is_own, "back": link(leads_to[0], **leads_to[1])}
    return render_template("invitations/take_back.html", **values), 422 if form.all_errors else 200


@pages.route("/participants/<participant_id>/invitations/<collab_id>/<project_id>", methods=["GET", "POST"])
def ask(participant_id: str, collab_id: str, project_id: str) -> ResponseReturnValue:
    """Ask to be invited."""
    place, form = Place(collab_id, project_id, participant_id), _Confirmation.sent()
    if form.is_sent:
        try:
            invitations.declare(client(), place)
        except Refused as error:
            form.take(error)
        else:
            return go_to("participants.show", participant_id=participant_id, _anchor="invitations")
    back = link("participants.show", participant_id=participant_id)
    return render_template("invitations/ask.html", form=form, place=place, back=back), 422 if form.all_errors else 200
