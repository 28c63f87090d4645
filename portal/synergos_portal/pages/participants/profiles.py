"""The list of participants, each as a whole, and what each says of itself."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

from flask import Blueprint, jsonify, render_template, request
from flask.typing import ResponseReturnValue

from synergos_portal.orchestrator import cycle, invitations, participants
from synergos_portal.orchestrator.client import Listing, Query
from synergos_portal.orchestrator.declared import Spot
from synergos_portal.orchestrator.participants import PURPOSES, Profile, Registration
from synergos_portal.pages.declaring import EndingForm
from synergos_portal.pages.jobs.standing import is_unfinished, rows
from synergos_portal.pages.participants.forms import ProfileForm, leaving_page
from synergos_portal.web.current import client, own_participant, person
from synergos_portal.web.filters import number
from synergos_portal.web.links import go_to, link, links_to
from synergos_portal.web.listing import Column, Wanted, list_page, wants_json
from synergos_portal.web.live import fragment, knows, pace
from synergos_portal.web.words import _

pages = Blueprint("participants", __name__, url_prefix="/participants")

COLUMNS = (
    Column[Profile]("participant_id", lambda row: row.id),
    Column[Profile]("category", lambda row: row.said("category")),
    Column[Profile]("summary", lambda row: row.said("summary")),
    Column[Profile]("registrations", lambda row: row.registrations),
)


_REGISTRATIONS = 10
"""With the participant; a list has all of them."""
_RESULTS = 10
"""Of each kind, with the participant; a page has more of them."""
_OF_REGISTRATIONS = (
    Column[Registration]("collab_id", lambda each: each.place.collab_id),
    Column[Registration]("project_id", lambda each: each.place.project_id),
    Column[Registration]("nodes", lambda each: ", ".join(worker.address for worker in each.workers)),
    *(Column[Registration](purpose, lambda each, purpose=purpose: each.count(purpose)) for purpose in PURPOSES),  # type: ignore[misc]
)


@pages.get("")
def listed() -> ResponseReturnValue:
    """All of them; with a project in the address how each takes part in that."""
    collab_id, project_id = request.args.get("collab_id"), request.args.get("project_id")
    spot = Spot.of(collab_id, project_id) if collab_id and project_id else None
    members = {} if spot is None else {member.id: member for member in cycle.members(client(), spot)}
    return list_page(
        "participants/list.html",
        _asked,
        Wanted.of_request("participant_id"),
        COLUMNS if spot is None else (*COLUMNS, *_of_members(members)),
        spot=spot,
        members=members,
        own=own_participant(),
    )


@pages.route("/new", methods=["GET", "POST"])
def new() -> ResponseReturnValue:
    """Declare one."""
    form = ProfileForm.sent({"id": own_participant() or ""})
    if form.is_sent and form.is_taken(lambda: participants.declare(client(), {"id": form.id.data, **form.said})):
        return go_to("participants.show", participant_id=form.id.data)
    return _form(form, None)


@pages.get("/=/<participant_id>")
@pages.get("/<own_id:participant_id>")
def show(participant_id: str) -> ResponseReturnValue:
    """One of them, as a whole."""
    found = _overview(participant_id)
    if wants_json():
        return jsonify(client().answer("GET", "participants", participant_id, "overview").get("data"))
    return render_template(
        "participants/show.html",
        found=found,
        invited=None if person() is None else invitations.to(client(), participant_id),
        registered=found.registered,
        registrations=registration_rows(found.registrations),
        pace=pace(unfinished=is_unfinished(found.jobs.items)),
        **_words(found),
    )


@pages.get("/<participant_id>/live")
@knows("cursor")
def live(participant_id: str) -> ResponseReturnValue:
    """What of it changes: jobs on its data, and results."""
    found = _overview(participant_id)
    return fragment("participants/show.html", unfinished=is_unfinished(found.jobs.items), found=found, **_words(found))


@pages.get("/<participant_id>/registrations")
def registrations(participant_id: str) -> ResponseReturnValue:
    """All its registrations."""
    return list_page(
        "participants/whole.html",
        lambda query: participants.registrations(client(), participant_id, query),
        Wanted.of_request("collab_id"),
        _OF_REGISTRATIONS,
        participant_id=participant_id,
        results=None,
        rows=registration_rows,
    )


@pages.get("/<participant_id>/results")
def results(participant_id: str) -> ResponseReturnValue:
    """The newest of its results, more of them than with the participant."""
    found = participants.overview(client(), participant_id, {"limit": 1}, registrations=0)
    return render_template("participants/whole.html", participant_id=found.id, results=found.results)


@pages.route("/<participant_id>/edit", methods=["GET", "POST"])
def edit(participant_id: str) -> ResponseReturnValue:
    """Change what it says of itself."""
    found = participants.profile(client(), participant_id)
    form = ProfileForm.sent(ProfileForm.values_of(found))
    form.id.data = participant_id
    form.begin_with(found.revision)
    if form.is_sent and form.is_saved(
        lambda revision: participants.change(client(), participant_id, form.said, revision),
        lambda: participants.profile(client(), participant_id).revision,
    ):
        return go_to("participants.show", participant_id=participant_id)
    return _form(form, participant_id)


@pages.route("/<participant_id>/delete", methods=["GET", "POST"])
def delete(participant_id: str) -> ResponseReturnValue:
    """Delete it with its registrations and results."""
    found = participants.profile(client(), participant_id)
    form = EndingForm.sent()
    form.begin_with(found.revision)
    if form.is_sure(participant_id) and form.is_saved(
        lambda revision: participants.delete(client(), participant_id, revision),
        lambda: participants.profile(client(), participant_id).revision,
    ):
        return go_to("participants.listed")
    what = _("Its registrations, its tags and its results are deleted along with it. Its data is not touched.")
    return leaving_page(form, found.id, _("Delete"), what, link("participants.show", participant_id=participant_id))


def _of_members(members: Mapping[str, cycle.Member]) -> list[Column[Profile]]:
    """How each takes part in a project; nothing of those who do not."""

    def column(name: str, value: Callable[[cycle.Member], Any]) -> Column[Profile]:
        return Column(name, lambda row: value(members[row.id]) if row.id in members else None)

    said = [column("role", lambda member: member.role), column("nodes", lambda member: ", ".join(member.nodes))]
    return [*said, *(column(each, lambda member, each=each: member.tags.get(each, 0)) for each in PURPOSES)]  # type: ignore[misc]


class RegistrationRow(NamedTuple):
    """What a table shows of a registration, in the reader's language and in this order.

    Attributes:
        counts: of the folders that it brings, by purpose.
        tags: the address of the page on which data is named.
    """

    address: str
    title: str
    nodes: str
    counts: list[str]
    is_aligned: bool
    tags: str
    project_id: str


def registration_rows(found: Iterable[Registration]) -> list[RegistrationRow]:
    """A row for each, put together at once."""
    figure = number.for_reader()
    ids = ("collab_id", "project_id", "participant_id")
    address, tags = links_to("participants.registration", *ids), links_to("participants.tags", *ids)
    return [
        RegistrationRow(
            address(*each.place.ids),
            f"{each.place.collab_id} / {each.place.project_id}",
            ", ".join(worker.address for worker in each.workers),
            [figure(each.count(purpose)) for purpose in PURPOSES],
            each.is_aligned,
            tags(*each.place.ids),
            each.place.project_id,
        )
        for each in found
    ]


def _asked(query: Query) -> Listing[Profile]:
    return participants.listed(client(), query)


def _overview(participant_id: str) -> participants.Overview:
    query: Query = {"limit": 20, "cursor": request.args.get("cursor"), "results": _RESULTS + 1}
    return participants.overview(client(), participant_id, query, _REGISTRATIONS)


def _words(found: participants.Overview) -> dict[str, object]:
    told = Counter[str]()
    shown = []
    for each in found.results:
        told[each.kind] += 1
        if told[each.kind] <= _RESULTS:
            shown.append(each)
    return {"rows": rows, "results": shown, "has_more_results": len(shown) < len(found.results)}


def _form(form: ProfileForm, participant_id: str | None) -> ResponseReturnValue:
    back = (
        link("participants.listed")
        if participant_id is None
        else link("participants.show", participant_id=participant_id)
    )
    values = {"form": form, "participant_id": participant_id, "back": back}
    return render_template("participants/form.html", kind="profile", **values), 422 if form.all_errors else 200
