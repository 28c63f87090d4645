"""Predict: a participant has rows of its own predicted, and alone is told of what comes of it."""

from __future__ import annotations

from typing import Any

from flask import render_template, request
from flask.typing import ResponseReturnValue

from synergos_portal.orchestrator import catalogue, jobs, participants
from synergos_portal.orchestrator.catalogue import Publication
from synergos_portal.orchestrator.client import Query
from synergos_portal.orchestrator.participants import Overview, Place
from synergos_portal.orchestrator.problems import Refused
from synergos_portal.pages.jobs.standing import sentence, stage
from synergos_portal.pages.participants.forms import PredictForm, folders_of, tree_of
from synergos_portal.pages.participants.profiles import pages
from synergos_portal.web.current import client
from synergos_portal.web.forms import labelled, narrow_choices
from synergos_portal.web.links import go_to
from synergos_portal.web.live import fragment, pace
from synergos_portal.web.words import _


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
        try:
            participants.predict(client(), place, (run[0], run[1]), folders)
        except Refused as error:
            form.take(error, {"tags": "predict"})
        else:
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
        **_made(participant_id),
    )
    return page, 422 if form.all_errors else 200


@pages.get("/<participant_id>/predict/live")
def live_predictions(participant_id: str) -> ResponseReturnValue:
    """How its predictions are getting on, and where they lie."""
    made = _made(participant_id)
    unfinished = any(job.is_unfinished for job in made["found"].items)
    return fragment("participants/form.html", unfinished=unfinished, participant_id=participant_id, **made)


def _made(participant_id: str) -> dict[str, Any]:
    query: Query = {"participant_id": participant_id, "stage": "predict", "limit": 20, "order": "newest"}
    found = jobs.listed(client(), query)
    whole = participants.overview(client(), participant_id, {"limit": 1})
    results = [each for each in whole.results if each.kind == "Prediction"]
    return {
        "found": found,
        "results": results,
        "sentence": sentence,
        "stage": stage,
        "pace": pace(unfinished=any(job.is_unfinished for job in found.items)),
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
