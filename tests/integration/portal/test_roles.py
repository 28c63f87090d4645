"""Pages offer what somebody may do, by the role that the orchestrator tells, and nothing else."""

from __future__ import annotations

import re
from collections.abc import Callable
from html import unescape
from urllib.parse import urlsplit

import pytest
from werkzeug.exceptions import HTTPException
from werkzeug.routing import RequestRedirect

from fakes.orchestration import C, CannedDispatcher, Client, P, go_through_all_stages
from fakes.portal import Portal, Visitor
from synergos.domain.job import Job, JobError, JobState, Stage
from synergos.domain.keys import RunKey
from synergos.domain.records import Kind
from synergos.records import RecordStore
from synergos.records.owners import Owners
from synergos.rest.app import create_app
from synergos_portal.services import Service

SignedIn = Callable[[str], Visitor]
FIRST = (
    "/collaborations",
    "/participants",
    "/jobs",
    "/studies",
    "/catalogue",
    f"/participants?collab_id={C}&project_id={P}",
)
_MOST = 150
Offered = dict[str, list[dict[str, str]]]
"""Pages of changes that links lead to, with the ids in their addresses."""


@pytest.fixture
def finished(store: RecordStore, closed: Portal) -> Portal:
    """Every stage has run, and something has failed."""
    go_through_all_stages(Client(create_app(store, CannedDispatcher(store), component_id="ttp/1").test_client()))
    error = JobError("Diverged", "no finite loss", field="lr")
    store.add_jobs([Job(Stage.TRAIN, RunKey(C, P, "e", "r"), id="failed", state=JobState.FAILED, error=error)])
    return closed


def offered(grid: Portal, visitor: Visitor) -> Offered:
    """What links lead to from all pages of view that somebody reaches."""
    pages = grid.apps[Service.VIEW].url_map.bind("localhost")
    found: Offered = {}
    waiting, seen = list(FIRST), set(FIRST)
    while waiting and len(seen) < _MOST:
        answer = visitor.get(waiting.pop(0), Accept="text/html")
        if answer.status_code != 200 or answer.mimetype != "text/html":
            continue
        for href in re.findall(r'<a [^>]*?href="([^"#]+)', answer.text):
            parts = urlsplit(unescape(href))
            if parts.netloc not in ("", "localhost:4001") or not parts.path:
                continue
            try:
                endpoint, ids = pages.match(parts.path, method="GET")
            except (HTTPException, RequestRedirect):
                continue
            if "POST" in pages.allowed_methods(parts.path):
                found.setdefault(str(endpoint), []).append({name: str(value) for name, value in ids.items()})
            elif (address := parts._replace(scheme="", netloc="").geturl()) not in seen and "format=" not in address:
                seen.add(address)
                waiting.append(address)
    return found


def test_whoever_orchestrates_is_offered_everything(finished: Portal, signed_in: SignedIn) -> None:
    lead = signed_in("lead")
    assert lead.send("/participants/new", {"id": "worker_3"}).status_code == 303
    found = offered(finished, lead)

    assert {
        "collaborations.new",
        "projects.new",
        "experiments.new",
        "runs.edit",
        "launch.launchpad",
        "launch.tune",
        "jobs.again",
        "participants.new",
        "participants.predict",
        "participants.leave",
        "invitations.invite",
    } <= found.keys()
    # Others have accounts of their own, so that nobody stands in for them.
    own = ("participants.predict", "participants.edit", "participants.tags", "participants.nodes")
    assert {ids["participant_id"] for name in own for ids in found.get(name, [])} == {"worker_3"}


def test_whoever_orchestrates_elsewhere_is_offered_what_is_its_own_to_do_alone(
    finished: Portal, signed_in: SignedIn, store: RecordStore
) -> None:
    rival = signed_in("rival")
    assert offered(finished, rival).keys() == {"collaborations.new", "collaborations.copy", "participants.new"}

    Owners(store).give(Kind.COLLABORATION, C, "rival")

    assert {"projects.new", "launch.tune", "jobs.again"} <= offered(finished, rival).keys()


def test_whoever_looks_on_is_offered_no_change(finished: Portal, signed_in: SignedIn) -> None:
    assert offered(finished, signed_in("looker")) == {}


def test_a_participant_is_offered_what_is_its_own_alone(
    finished: Portal, signed_in: SignedIn, store: RecordStore
) -> None:
    found = offered(finished, signed_in("first"))

    assert {"participants.predict", "participants.edit", "participants.tags", "participants.nodes"} <= found.keys()
    of_jobs = {ids["job_id"] for name in ("jobs.again", "jobs.cancel") for ids in found.pop(name, [])}
    assert {ids.get("participant_id") for each in found.values() for ids in each} == {"worker_1"}
    assert {job.keys.get("participant_id") for job in store.jobs() if job.id in of_jobs} == {"worker_1"}


@pytest.mark.parametrize(
    ("name", "role", "may"),
    [("lead", "orchestrator", True), ("looker", "orchestrator", False), ("looker", "participant", False)],
)
def test_so_do_the_originals_menus(closed: Portal, signed_in: SignedIn, name: str, role: str, may: bool) -> None:
    view, nav = signed_in(name), closed.visitor(Service.NAV)
    cookie = view.client.get_cookie("synergos_portal")
    assert cookie is not None
    nav.client.set_cookie("synergos_portal", cookie.value)

    [menu] = {"orchestrator": ["projects"], "participant": ["registrations"]}[role]
    page = nav.get(f"/actions/{role}/{menu}").text
    assert (f"/view/{role}/{menu}/view" in page, f"/view/{role}/{menu}/create" in page) == (True, may)


def test_what_an_account_may_not_see_is_nothing_to_be_put_right(finished: Portal, signed_in: SignedIn) -> None:
    answer = signed_in("second").get("/participants/worker_1")

    assert answer.status_code == 403
    assert ("ask whom it belongs to" in answer.text, "put it right" in answer.text) == (True, False)
