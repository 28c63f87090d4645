"""Search by ids."""

from __future__ import annotations

from flask import Blueprint, render_template, request
from flask.typing import ResponseReturnValue

from synergos_portal.orchestrator.search import Found, look_up
from synergos_portal.web.current import client
from synergos_portal.web.links import link

pages = Blueprint("search", __name__)

_PAGES = {
    "Collaboration": ("collaborations.show", ("collab_id",)),
    "Project": ("projects.show", ("collab_id", "project_id")),
    "Experiment": ("experiments.show", ("collab_id", "project_id", "expt_id")),
    "Run": ("runs.show", ("collab_id", "project_id", "expt_id", "run_id")),
    "Participant": ("participants.show", ("participant_id",)),
}
"""Of each kind of record, and the ids in its address; jobs have an id alone."""


@pages.get("/search")
def search() -> ResponseReturnValue:
    """The 20 best of each kind whose id has these letters."""
    text = request.args.get("q", "")[:128]
    found = look_up(client(), text)
    rows = {kind: [(_address(each), " / ".join(each.ids)) for each in some] for kind, some in found.found.items()}
    return render_template("search.html", text=text, rows=rows, full=found.full)


def _address(found: Found) -> str:
    if found.kind not in _PAGES:
        return link("jobs.shown", job_id=found.id)
    page, names = _PAGES[found.kind]
    return link(page, None, **{name: found.key.get(name, "") for name in names})
