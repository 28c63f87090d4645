"""Search by ids."""

from __future__ import annotations

from flask import Blueprint, render_template, request
from flask.typing import ResponseReturnValue

from synergos_portal.orchestrator.declared import Spot
from synergos_portal.orchestrator.search import Found, look_up
from synergos_portal.web.current import client
from synergos_portal.web.links import address_of, link

pages = Blueprint("search", __name__)

_INNERMOST = {"Collaboration": "collab_id", "Project": "project_id", "Experiment": "expt_id", "Run": "run_id"}


@pages.get("/search")
def search() -> ResponseReturnValue:
    """The 20 best of each kind whose id has these letters."""
    text = request.args.get("q", "")[:128]
    return render_template("search.html", text=text, found=look_up(client(), text), page_of=_page_of)


def _page_of(found: Found) -> str:
    if found.kind == "Job":
        return link("jobs.shown", job_id=found.id)
    if found.kind == "Participant":
        return link("participants.show", participant_id=found.key.get("participant_id", ""))
    return address_of(Spot.of_keys(found.key, _INNERMOST[found.kind]))
