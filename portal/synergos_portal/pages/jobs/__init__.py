"""Jobs: the list of all, one of them while it runs and after, what to do about it, cancelled and run again."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, jsonify, render_template, request
from flask.typing import ResponseReturnValue

from synergos.domain.job_event import MOST_KEPT
from synergos_portal.orchestrator import grids, jobs
from synergos_portal.orchestrator.followed_job import followed
from synergos_portal.orchestrator.jobs import Job
from synergos_portal.orchestrator.problems import Refused
from synergos_portal.pages.jobs import events, remedies, standing
from synergos_portal.pages.jobs.standing import is_unfinished, rows, took
from synergos_portal.pages.losses import SHOWN_ROUNDS, as_curve, as_table, wanted_after
from synergos_portal.web.current import client
from synergos_portal.web.forms import Confirmation, confirm_page
from synergos_portal.web.links import go_to, link, page_at
from synergos_portal.web.listing import Column, Wanted, as_file, list_page
from synergos_portal.web.live import fragment, knows, pace
from synergos_portal.web.words import _

pages = Blueprint("jobs", __name__, url_prefix="/jobs")

_FILTERS = ("state", "stage", "collab_id", "project_id", "expt_id", "run_id", "participant_id")
_TRACE = "trace_id"
"""Another, by which a launch leads here; nobody types it."""
COLUMNS = (
    Column[Job]("id", lambda job: job.id),
    Column[Job]("stage", lambda job: job.stage),
    Column[Job]("state", lambda job: job.state),
    *(Column[Job](name, lambda job, name=name: job.keys.get(name)) for name in _FILTERS[2:]),  # type: ignore[misc]
    Column[Job]("how_it_stands", standing.sentence),
    Column[Job]("attempts", lambda job: job.attempts),
    Column[Job]("ttp", lambda job: job.ttp),
    Column[Job]("created_at", lambda job: job.created_at),
    Column[Job]("started_at", lambda job: job.started_at),
    Column[Job]("finished_at", lambda job: job.finished_at),
)
_EVENT_COLUMNS = tuple(
    Column[jobs.Event](name, lambda event, name=name: getattr(event, name))  # type: ignore[misc]
    for name in ("number", "attempt", "at", "event", "participant", "about", "sentence")
)


@pages.get("")
def listed() -> ResponseReturnValue:
    """All jobs, 50 a page."""
    return list_page("jobs/list.html", lambda query: jobs.listed(client(), query), _wanted(), COLUMNS, **_list_values())


@pages.get("/live")
@knows("order", "cursor", *_FILTERS, _TRACE)
def listed_live() -> ResponseReturnValue:
    """The rows of the list."""
    wanted = _wanted()
    found = jobs.listed(client(), wanted.query)
    return fragment(
        "jobs/list.html", unfinished=is_unfinished(found.items), found=found, wanted=wanted, **_list_values()
    )


@pages.get("/<job_id>")
def shown(job_id: str) -> ResponseReturnValue:
    """One job."""
    if request.args.get("format") == "json":
        return jsonify(client().answer("GET", "jobs", job_id).get("data"))
    job, values = _of(job_id)
    return render_template("jobs/show.html", pace=pace(unfinished=job.is_unfinished), **values)


@pages.get("/<job_id>/live")
def live(job_id: str) -> ResponseReturnValue:
    """What of it changes."""
    job, values = _of(job_id)
    return fragment("jobs/show.html", unfinished=job.is_unfinished, **values)


@pages.get("/<job_id>/nodes")
def nodes(job_id: str) -> ResponseReturnValue:
    """Whether the workers it is about answer now."""
    job = jobs.one(client(), job_id)
    who = job.error.participant if job.error is not None else None
    try:
        found = grids.nodes(client(), job.keys, who)
    except Refused:
        # Whoever may not see any.
        found = []
    return fragment("nodes.html", unfinished=bool(job.awaited), grids=None, nodes=found, clock=events.clock)


@pages.get("/<job_id>/losses")
def losses(job_id: str) -> ResponseReturnValue:
    """The curve: what its rounds have lost, after one of them."""
    return as_curve(jobs.rounds(client(), job_id, wanted_after()))


@pages.get("/<job_id>/rounds")
def rounds(job_id: str) -> ResponseReturnValue:
    """All rounds, for other programs."""
    return as_table(jobs.rounds(client(), job_id), f"rounds-{job_id[:8]}")


@pages.get("/<job_id>/events")
def happened(job_id: str) -> ResponseReturnValue:
    """All events, for other programs."""
    kind = "json" if request.args.get("format") == "json" else "csv"
    return as_file(kind, iter(jobs.events(client(), job_id)), _EVENT_COLUMNS, f"events-{job_id[:8]}")


@pages.route("/<job_id>/cancel", methods=["GET", "POST"])
def cancel(job_id: str) -> ResponseReturnValue:
    """Have it stop, after a page that says what that does."""
    form = Confirmation.sent()
    if form.is_sent and form.is_taken(lambda: jobs.cancel(client(), job_id)):
        return go_to("jobs.shown", job_id=job_id)
    job = jobs.one(client(), job_id)
    stops = _("The %(stage)s of %(about)s stops at its next step.", stage=standing.stage(job.stage), about=job.about)
    return confirm_page(
        form,
        _("Cancel a job"),
        f"{stops} {standing.sentence(job)}",
        _("What an earlier job has left is shown again. Rounds that are done are lost."),
        verb=_("Cancel the job"),
        back=link("jobs.shown", job_id=job_id),
        stay=_("Let it go on"),
        is_dangerous=True,
    )


@pages.route("/<job_id>/again", methods=["GET", "POST"])
def again(job_id: str) -> ResponseReturnValue:
    """Ask for the same once more, after a page that says what that does."""
    form = Confirmation.sent()
    if form.is_sent:
        try:
            made = jobs.again(client(), jobs.one(client(), job_id))
        except Refused as error:
            form.take(error)
        else:
            return go_to("jobs.shown", job_id=made)
    job = jobs.one(client(), job_id)
    what = {"stage": standing.stage(job.stage), "about": job.about}
    return confirm_page(
        form,
        _("Run a job again"),
        _("A new job is made: the %(stage)s of %(about)s, with what is declared now.", **what),
        _(
            "What there is of an earlier one is hidden until the new one ends, and then replaced; if it fails, the earlier result is shown again."
        ),
        verb=_("Run again"),
        back=link("jobs.shown", job_id=job_id),
    )


def _of(job_id: str) -> tuple[Job, dict[str, object]]:
    """A job, and all that is shown of it."""
    found = followed(client(), job_id, SHOWN_ROUNDS)
    job, happened, lost = found.job, found.events, found.rounds
    came_to_nothing = job.state in ("failed", "cancelled")
    return job, {
        "job": job,
        "attempts": events.by_attempt(happened),
        "rounds": lost[::-1],
        "most_kept": MOST_KEPT,
        "planned": job.rounds or _planned(happened),
        "participants": standing.participants(job, happened, lost),
        "earlier": jobs.earlier_result(client(), job) if came_to_nothing else None,
        "places": remedies.places(job, job.error) if job.error is not None else [],
        "looks_at_nodes": remedies.looks_at_nodes(job.error) or bool(job.awaited),
        "path": page_at(*remedies.path_of(job.keys, list(job.keys)[-1])) if _has_page(job) else None,
        **_words(),
    }


def _planned(happened: list[jobs.Event] | Any) -> int | None:
    """How many rounds there were to be, where the record does not say so any more."""
    said = [event.about.get("rounds") for event in happened if event.event == "training_began"]
    return said[-1] if said and isinstance(said[-1], int) else None


def _has_page(job: Job) -> bool:
    return bool(job.keys) and bool(remedies.path_of(job.keys, list(job.keys)[-1]))


def _wanted() -> Wanted:
    return Wanted.of_request(*_FILTERS, _TRACE)


def _list_values() -> dict[str, object]:
    return {"is_unfinished": is_unfinished, "pace": pace, "rows": rows, "filters": _FILTERS[2:], **_words()}


def _words() -> dict[str, object]:
    return {
        "sentence": standing.sentence,
        "stage": standing.stage,
        "stages": standing.STAGES,
        "remedy": remedies.remedy,
        "words": events.words,
        "sign": events.sign,
        "clock": events.clock,
        "purposes": events.purposes(),
        "participant_states": standing.PARTICIPANT_STATES,
        "took": took,
    }
