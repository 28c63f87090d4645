"""A participant in a project: its workers, which of its data is used for what, and what it has predicted of that, which it alone is told."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from http import HTTPStatus

from flask import flash, jsonify, render_template, request
from flask.typing import ResponseReturnValue

from synergos_portal.orchestrator import catalogue, declared, grids, invitations, jobs, participants
from synergos_portal.orchestrator.catalogue import Publication
from synergos_portal.orchestrator.client import Listing, Query
from synergos_portal.orchestrator.declared import Spot
from synergos_portal.orchestrator.jobs import Job
from synergos_portal.orchestrator.participants import PURPOSES, Overview, Place, Registration
from synergos_portal.orchestrator.problems import Refused
from synergos_portal.pages.declaring import EndingForm
from synergos_portal.pages.jobs.standing import is_unfinished, sentence
from synergos_portal.pages.participants.forms import (
    MOST_NODES,
    JoinForm,
    PredictForm,
    TagsForm,
    folders_of,
    leaving_page,
    paths_of,
    registration_form,
    registration_values,
    tree_of,
)
from synergos_portal.pages.participants.profiles import pages
from synergos_portal.web.current import client, own_participant
from synergos_portal.web.forms import confirm_page, labelled, narrow, narrow_choices
from synergos_portal.web.links import Step, go_to, link
from synergos_portal.web.listing import wants_json
from synergos_portal.web.live import fragment, pace
from synergos_portal.web.words import _

_PLACE = "/<participant_id>/registrations/<collab_id>/<project_id>"
MOST_COLLABORATIONS = 50
"""Whose projects are offered at a time; it takes an answer about each."""
_NAMES: Query = {"fields": "doc_id"}
ADD, REMOVE = "add", "remove"


@pages.route("/<participant_id>/register", methods=["GET", "POST"])
def join(participant_id: str) -> ResponseReturnValue:
    """Choose the project that it is to be registered for."""
    form = JoinForm.sent()
    named = narrow([each.id for each in declared.listed(client(), Spot(), _NAMES).items], MOST_COLLABORATIONS)
    form.project.choices = labelled({f"{c}/{p}": f"{c} / {p}" for c, p in _projects(named.shown)})
    if form.is_sent:
        collab_id, _slash, project_id = form.project.data.partition("/")
        place = Place(collab_id, project_id, participant_id)
        return go_to("participants.nodes" if _may_register(place) else "invitations.ask", **place.named)
    itself = link("participants.show", participant_id=participant_id)
    return confirm_page(
        form,
        _("Register for a project"),
        verb=_("Go on"),
        back=itself,
        way=[Step(_("Participants"), link("participants.listed")), Step(participant_id, itself)],
        nothing="" if form.project.choices else _("There is no project yet. Whoever orchestrates declares one."),
        narrowed=named,
        narrowed_by=[_("Projects of collaborations with this text in their name")],
    )


@pages.get(_PLACE)
def registration(participant_id: str, collab_id: str, project_id: str) -> ResponseReturnValue:
    """Its workers, whether they answer now, and the data it brings."""
    place = Place(collab_id, project_id, participant_id)
    found = participants.registration(client(), place)
    if wants_json():
        return jsonify(client().answer("GET", *place.parts).get("data"))
    values = {"found": found, "place": place, "purposes": _purposes(), "nodes": _nodes(place)}
    return render_template("participants/registration.html", pace=pace(unfinished=False), **values)


@pages.get(f"{_PLACE}/live")
def live_nodes(participant_id: str, collab_id: str, project_id: str) -> ResponseReturnValue:
    """Whether its workers answer now."""
    place = Place(collab_id, project_id, participant_id)
    found = _nodes(place)
    return fragment(
        "participants/registration.html",
        unfinished=any(node.is_reachable is None for node in found),
        nodes=found,
        place=place,
    )


@pages.route(f"{_PLACE}/nodes", methods=["GET", "POST"])
def nodes(participant_id: str, collab_id: str, project_id: str) -> ResponseReturnValue:
    """Register it, or say where its workers are now."""
    place = Place(collab_id, project_id, participant_id)
    found = _registration(place)
    act = request.form.get("act")
    form = registration_form(_number(found, act)).sent(registration_values(found))
    form.count.data = str(form.number)
    form.begin_with(None if found is None else found.revision)
    if act not in (ADD, REMOVE) and form.is_sent:
        try:
            warnings = participants.register(client(), place, form.declaration, form.revision.data or None)
        except Refused as error:
            form.take_change(error, lambda: participants.registration(client(), place).revision, form.names)
        else:
            for text in warnings:
                flash(text)
            return go_to("participants.registration" if found else "participants.tags", **place.named)
    values = {"form": form, "place": place, "is_new": found is None, "most": MOST_NODES}
    return render_template("participants/form.html", kind="nodes", **values), 422 if form.all_errors else 200


@pages.route(f"{_PLACE}/tags", methods=["GET", "POST"])
def tags(participant_id: str, collab_id: str, project_id: str) -> ResponseReturnValue:
    """Say which of its data is used for what."""
    place = Place(collab_id, project_id, participant_id)
    found = participants.registration(client(), place)
    published = catalogue.folders_of(client(), participant_id, collab_id, project_id)
    known = {folder.name for folder in published.folders} if published is not None else set()
    chosen = {purpose: paths_of(found.tags, purpose) for purpose in PURPOSES}
    form = TagsForm.sent(
        {purpose: "\n".join(path for path in chosen[purpose] if path not in known) for purpose in PURPOSES}
    )
    form.begin_with(found.tags_revision)
    ticked = {purpose: request.form.getlist(f"folder_{purpose}") for purpose in PURPOSES} if form.is_sent else chosen
    if form.is_sent:
        body = {purpose: folders_of(form[purpose], ticked[purpose]) for purpose in PURPOSES}
        try:
            warnings = participants.tag(client(), place, body, form.revision.data or None)
        except Refused as error:
            form.take_change(error, lambda: participants.registration(client(), place).tags_revision)
        else:
            for text in warnings:
                flash(text)
            if found.is_aligned and _are_others(found, body):
                flash(_("The project has to be aligned again before anything is trained or validated."))
            return go_to("participants.registration", **place.named)
    values = {"form": form, "found": found, "place": place, "published": published}
    tree = tree_of(published, ticked)
    page = render_template("participants/form.html", kind="tags", tree=tree, purposes=_purposes(), **values)
    return page, 422 if form.all_errors else 200


@pages.route(f"{_PLACE}/delete", methods=["GET", "POST"])
def leave(participant_id: str, collab_id: str, project_id: str) -> ResponseReturnValue:
    """End it."""
    place = Place(collab_id, project_id, participant_id)
    found, form = participants.registration(client(), place), EndingForm.sent()
    form.begin_with(found.revision)
    if form.is_sure(project_id) and form.is_saved(
        lambda revision: participants.leave(client(), place, revision),
        lambda: participants.registration(client(), place).revision,
    ):
        return go_to("participants.show", participant_id=participant_id)
    what = _(
        "Its workers and tags in this project are forgotten, jobs that need it are cancelled, and the project has to be aligned again. Its data is not touched."
    )
    back = link("participants.registration", **place.named)
    return leaving_page(form, project_id, _("End the registration"), what, back)


@pages.route("/<participant_id>/predict", methods=["GET", "POST"])
def predict(participant_id: str) -> ResponseReturnValue:
    """Choose a model and data, start, and watch."""
    whole = participants.overview(client(), participant_id, {"limit": 1})
    form = PredictForm.sent({"model": request.args.get("model", "")})
    models = _models(whole)
    form.model.choices = labelled({value: value.replace("/", " / ") for value in models})
    published = _published(whole)
    ticked = request.form.getlist("folder_predict")
    if form.is_sent:
        collab_id, project_id, *run = form.model.data.split("/")
        place = Place(collab_id, project_id, participant_id)
        folders = [tuple(folder) for folder in folders_of(form.predict, ticked)]
        if form.is_taken(lambda: participants.predict(client(), place, (run[0], run[1]), folders), {"tags": "predict"}):
            return go_to("participants.predict", participant_id=participant_id, _anchor="predictions")
    values = {"form": form, "participant_id": participant_id, "whole": whole, "models": models}
    values["narrowed"] = narrow_choices(form.model)
    tree = tree_of(published, {"predict": ticked})
    page = render_template(
        "participants/form.html",
        kind="predict",
        tree=tree,
        purposes={"predict": _("To predict")},
        **values,
        **_made(participant_id)[1],
    )
    return page, 422 if form.all_errors else 200


@pages.get("/<participant_id>/predict/live")
def live_predictions(participant_id: str) -> ResponseReturnValue:
    """How its predictions are getting on, and where they lie."""
    found, made = _made(participant_id)
    return fragment(
        "participants/form.html", unfinished=is_unfinished(found.items), participant_id=participant_id, **made
    )


def _may_register(place: Place) -> bool:
    """Whether it need not ask to be let in, as far as is known here; a registration that was there before needs no invitation."""
    if own_participant() != place.participant_id:
        return True
    return invitations.has(client(), place) or _registration(place) is not None


def _nodes(place: Place) -> Sequence[grids.Node]:
    return grids.nodes(client(), place.named, place.participant_id)


def _registration(place: Place) -> Registration | None:
    try:
        return participants.registration(client(), place)
    except Refused as error:
        if error.status == HTTPStatus.NOT_FOUND:
            return None
        raise


def _number(found: Registration | None, act: str | None) -> int:
    """How many workers the form has fields for."""
    sent = request.form.get("count", "")
    before = int(sent) if re.fullmatch(r"[0-9]{1,3}", sent) else max(1, len(found.workers) if found else 1)
    return before + (1 if act == ADD else -1 if act == REMOVE else 0)


def _are_others(found: Registration, body: Mapping[str, list[list[str]]]) -> bool:
    """Whether what is trained or measured on is not what it was."""
    return any(
        [list(folder) for folder in (found.tags or {}).get(purpose, ())] != body[purpose]
        for purpose in ("train", "evaluate")
    )


def _projects(collaborations: Sequence[str]) -> list[tuple[str, str]]:
    """All that some collaborations have, by collaboration."""
    asking = client()
    return [
        (collab_id, project.id)
        for collab_id in collaborations
        for project in declared.listed(asking, Spot.of(collab_id), _NAMES).items
    ]


def _purposes() -> dict[str, str]:
    return {"train": _("To train on"), "evaluate": _("To measure on"), "predict": _("To predict")}


def _made(participant_id: str) -> tuple[Listing[Job], dict[str, object]]:
    query: Query = {"participant_id": participant_id, "stage": "predict", "limit": 20, "order": "newest"}
    found = jobs.listed(client(), query)
    whole = participants.overview(client(), participant_id, {"limit": 1})
    results = [each for each in whole.results if each.kind == "Prediction"]
    return found, {
        "found": found,
        "results": results,
        "sentence": sentence,
        "pace": pace(unfinished=is_unfinished(found.items)),
    }


def _models(whole: Overview) -> list[str]:
    """The models of the projects it is registered for, the newest of each first."""
    return [
        "/".join((each.place.collab_id, each.place.project_id, *run))
        for each in whole.registrations
        for run in participants.models(client(), each.place)
    ]


def _published(whole: Overview) -> Publication | None:
    """What it publishes, of the first of its projects of which that is known."""
    for each in whole.registrations:
        place = each.place
        found = catalogue.folders_of(client(), place.participant_id, place.collab_id, place.project_id)
        if found is not None and found.folders:
            return found
    return None
