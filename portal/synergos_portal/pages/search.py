"""Search by ids: what there is whose id has some letters in it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus

from flask import Blueprint, render_template, request
from flask.typing import ResponseReturnValue

from synergos_portal.orchestrator.client import Client, as_kind
from synergos_portal.orchestrator.problems import Nonsense, Refused
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

BEST = 20
"""Found of each kind."""


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


@dataclass(frozen=True)
class Found:
    """Something that was found: a record by its key, or a job by its id."""

    kind: str
    key: Mapping[str, str] = field(default_factory=dict)
    id: str = ""

    @property
    def ids(self) -> tuple[str, ...]:
        """From the collaboration down, or of the one participant or job."""
        return (self.id,) if self.kind == "Job" else tuple(self.key.values())


@dataclass(frozen=True)
class Findings:
    """What a search has found.

    Attributes:
        full: the kinds of which there is more.
    """

    found: Mapping[str, Sequence[Found]] = field(default_factory=dict)
    full: Sequence[str] = ()


def look_up(client: Client, text: str) -> Findings:
    """The best of each kind: collaborations, projects, experiments, runs, participants and jobs."""
    text = text.strip()
    if not text:
        return Findings()
    try:
        answer = client.answer("GET", "search", query={"q": text, "limit": BEST})
    except Refused as error:
        if error.status == HTTPStatus.EXPECTATION_FAILED:
            # No id is like that.
            return Findings()
        if error.status == HTTPStatus.NOT_FOUND:
            # It is older than this portal.
            raise Nonsense(error.message) from error
        raise
    by_kind: dict[str, list[Found]] = {}
    for each in as_kind(list[Found], answer.get("data")):
        by_kind.setdefault(each.kind, []).append(each)
    return Findings(by_kind, as_kind(list[str], answer.get("more")))
