"""Pages of nav: home, roles, search, help, addresses of the original, and what a portal says while its orchestrator is away."""

from __future__ import annotations

from pathlib import Path

import pytest

from fakes.portal import Portal, answering, portal
from synergos.domain.job import Job, Stage
from synergos.domain.keys import ProjectKey
from synergos.domain.records import Kind
from synergos.records import RecordStore
from synergos_portal.services import Service

JOB = {
    "kind": "Job",
    "id": "0123",
    "stage": "train",
    "keys": {"collab_id": "heart", "project_id": "p", "expt_id": "e", "run_id": "r"},
    "progress": {"round": 3, "rounds": 9, "fraction": 0.3, "waiting_for": [{"participant": "hospital_2"}]},
    "error": {"kind": "WorkerUnreachable", "message": "hospital_2: cannot be reached"},
    "finished_at": "2999-01-01T00:00:00+00:00",
}
NODES = [
    {
        "kind": "Node",
        "key": {"collab_id": "heart", "project_id": project, "participant_id": who},
        "node": "node_0",
        "host": "10.0.0.12",
        "is_reachable": is_reachable,
        "problem": None if is_reachable else "nobody answers",
    }
    for project in ("p", "q")
    for who, is_reachable in (("hospital_1", True), ("hospital_2", False), ("hospital_3", None))
]
COUNTS = {"counts": {"failed": 3, "waiting": 1, "queued": 1, "running": 1, "completed": 5}}


@pytest.fixture
def busy(tmp_path: Path) -> Portal:
    """In front of an orchestrator whose jobs all look alike, and one of whose workers is down."""
    jobs = ("GET /ttp/jobs", 200, {"data": [JOB], "params": COUNTS})
    return portal(tmp_path, answering(jobs, ("GET /ttp/nodes", 200, {"data": NODES})))


def test_home_says_what_runs_what_has_failed_and_whom_is_waited_for(busy: Portal) -> None:
    page = busy.visitor(Service.NAV).get("/home").text

    assert "round 3 of 9" in page
    assert "waits for hospital_2" in page
    assert "hospital_2: cannot be reached" in page
    assert 'href="http://localhost:4001/jobs/0123"' in page


@pytest.mark.parametrize(("language", "word"), [("en", "training"), ("de", "Training")])
def test_a_job_is_called_by_what_it_does_in_the_readers_language(tmp_path: Path, language: str, word: str) -> None:
    jobs = ("GET /ttp/jobs", 200, {"data": [{**JOB, "state": "failed"}], "params": COUNTS})
    grid = portal(tmp_path, answering(jobs))
    home = grid.visitor(Service.NAV, **{"Accept-Language": language}).get("/home").text
    station = grid.visitor(Service.TRACK, **{"Accept-Language": language}).get("/station").text

    assert f'/jobs/0123">{word}</a>' in home
    assert f">{word} heart / p / e / r (" in station


def test_whoever_may_not_know_whom_is_waited_for_is_told_that_somebody_is(tmp_path: Path) -> None:
    nameless = {**JOB, "progress": {"waiting_for": [{"until": "2999-01-01T00:00:00+00:00"}]}}
    jobs = ("GET /ttp/jobs", 200, {"data": [nameless], "params": COUNTS})

    page = portal(tmp_path, answering(jobs)).visitor(Service.NAV).get("/home").text

    assert page.count("waits for ") == page.count("waits for a participant") > 0


def test_home_names_each_worker_that_is_down_once(busy: Portal) -> None:
    page = busy.visitor(Service.NAV).get("/home").text

    down = page[page.index('id="now-away"') :]
    assert [down.count(text) for text in ("hospital_1", "hospital_2", "hospital_3", "nobody answers")] == [0, 1, 0, 1]


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("en", "No node is registered that you may see."),
        ("de", "Es ist kein Knoten registriert, den Sie sehen dürfen."),
    ],
)
def test_home_says_where_no_node_is_registered(tmp_path: Path, language: str, text: str) -> None:
    jobs = ("GET /ttp/jobs", 200, {"data": [], "params": COUNTS})
    grid = portal(tmp_path, answering(jobs, ("GET /ttp/nodes", 200, {"data": []})))
    page = grid.visitor(Service.NAV, **{"Accept-Language": language}).get("/home").text

    assert text in page[page.index('id="now-away"') :]


@pytest.mark.parametrize("status", [403, 503])
def test_home_says_nothing_of_nodes_that_it_is_not_told_of(tmp_path: Path, status: int) -> None:
    jobs = ("GET /ttp/jobs", 200, {"data": [], "params": COUNTS})
    grid = portal(tmp_path, answering(jobs, ("GET /ttp/nodes", status, {"message": "not now"})))
    page = grid.visitor(Service.NAV).get("/home").text

    assert "registered" not in page[page.index('id="now-away"') :]


def test_home_says_that_there_are_others_and_leads_to_them(busy: Portal, tmp_path: Path) -> None:
    jobs = ("GET /ttp/jobs", 200, {"data": [JOB], "params": COUNTS, "next": "more"})
    page = portal(tmp_path, answering(jobs)).visitor(Service.NAV).get("/home").text

    for state in ("running", "failed", "waiting"):
        assert f'<a href="http://localhost:4001/jobs?state={state}">All of them</a>' in page
    assert "All of them" not in busy.visitor(Service.NAV).get("/home").text


@pytest.mark.parametrize(("service", "path"), [(Service.NAV, "/home"), (Service.VIEW, "/nothing")])
def test_every_header_counts_failed_and_waiting_jobs(busy: Portal, service: Service, path: str) -> None:
    page = busy.visitor(service).get(path).text

    assert "3 failed" in page
    assert "2 waiting" in page
    assert 'href="http://localhost:4001/jobs?state=failed"' in page


def test_a_live_part_is_answered_with_304_while_it_is_the_same(busy: Portal) -> None:
    visitor = busy.visitor(Service.NAV)
    first = visitor.get("/home/live")

    assert first.headers["Live-Pace"] == "1"
    assert 'id="header-live"' in first.text
    assert visitor.get("/home/live", If_None_Match=first.headers["ETag"]).status_code == 304


def test_a_page_that_was_seen_stays_readable_while_the_orchestrator_is_away(busy: Portal) -> None:
    visitor = busy.visitor(Service.NAV)
    visitor.get("/home")
    next(iter(busy.adapters.values())).away = True

    page = visitor.get("/home")

    assert page.status_code == 200
    assert "hospital_2: cannot be reached" in page.text
    assert "The orchestrator has not answered since" in page.text


def test_a_page_that_could_not_be_made_comes_back_by_itself(busy: Portal) -> None:
    visitor = busy.visitor()
    adapter = next(iter(busy.adapters.values()))
    adapter.away = True

    assert "data-comes-back" in visitor.get("/collaborations").text
    away = visitor.get("/choices/header")
    adapter.away = False
    back = visitor.get("/choices/header")

    assert [(answer.headers.get("Live-Heard"), answer.headers["Live-Pace"]) for answer in (away, back)] == [
        (None, "1"),
        ("yes", "15"),
    ]


@pytest.mark.parametrize(
    ("path", "leads_to"),
    [
        ("/view/orchestrator/collaborations/create", "http://localhost:4001/collaborations/new"),
        ("/view/orchestrator/collaborations/view", "http://localhost:4001/collaborations"),
        ("/view/orchestrator/runs/update", "http://localhost:4001/collaborations"),
        ("/view/participant/inferences/start", "http://localhost:4001/participants"),
    ],
)
def test_addresses_of_the_original_lead_on(busy: Portal, path: str, leads_to: str) -> None:
    answer = busy.visitor(Service.NAV).get(path)

    assert (answer.status_code, answer.location) == (303, leads_to)


def test_so_do_those_of_the_originals_view(busy: Portal) -> None:
    visitor = busy.visitor()

    assert visitor.get("/?r=orchestrator&p=collaborations&a=create").location == "/collaborations/new"
    assert visitor.get("/").location == "http://localhost:4000/home"
    assert visitor.get("/?r=evil&p=x&a=y").status_code == 404


@pytest.mark.parametrize("path", ["/", "/orchestrator", "/participant", "/help", "/help/words", "/search"])
def test_pages_of_nav_are_there_in_both_languages(busy: Portal, path: str) -> None:
    visitor = busy.visitor(Service.NAV)

    english, german = (visitor.get(path, Accept_Language=language) for language in ("en", "de-AT,de;q=0.9"))

    assert (english.status_code, german.status_code) == (200, 200)
    assert '<html lang="de">' in german.text
    assert english.text != german.text


def test_every_action_of_every_menu_leads_somewhere(busy: Portal) -> None:
    visitor = busy.visitor(Service.NAV)
    for role in ("orchestrator", "participant"):
        menus = [part.split('"')[0] for part in visitor.get(f"/{role}").text.split(f'href="/actions/{role}/')[1:]]
        assert menus
        for menu in menus:
            actions = visitor.get(f"/actions/{role}/{menu}").text.split(f'href="/view/{role}/{menu}/')[1:]
            assert actions
            for action in actions:
                name = action.split('"')[0]
                assert visitor.get(f"/view/{role}/{menu}/{name}").status_code == 303


def test_search_finds_ids_of_every_kind(store: RecordStore, grid: Portal) -> None:
    key = {"collab_id": "heart"}
    store.put(Kind.COLLABORATION, key, {})
    for kind, name in ((Kind.PROJECT, "project_id"), (Kind.EXPERIMENT, "expt_id"), (Kind.RUN, "run_id")):
        key = {**key, name: f"a heart+=~ ({name})"}
        store.put(kind, key, {})
    store.put(Kind.PARTICIPANT, {"participant_id": "Heart centre"}, {})
    store.add_jobs([Job(Stage.PREPROCESS, ProjectKey("c", "p"), id="a_heart")])

    page = grid.visitor(Service.NAV).get("/search?q=HEART").text

    for heading in ("Collaborations", "Projects", "Experiments", "Runs", "Participants", "Jobs"):
        assert f">{heading}</h2>" in page
    assert "/projects/a%20heart+=~%20(project_id)/experiments/" in page
    assert 'href="http://localhost:4001/participants/Heart%20centre">' in page
    assert 'href="http://localhost:4001/jobs/a_heart">a_heart' in page
    assert [asked for asked in grid.asked if "heart" in asked.casefold()] == ["GET /ttp/search?q=HEART&limit=20"]


@pytest.mark.parametrize("text", ["%00", "%20", "none of that"])
def test_what_no_id_has_is_found_nowhere(grid: Portal, text: str) -> None:
    answer = grid.visitor(Service.NAV).get(f"/search?q={text}")

    assert (answer.status_code, "<h2" in answer.text) == (200, False)


def test_an_orchestrator_that_knows_of_no_search_is_said_to_be_another(tmp_path: Path) -> None:
    older = answering(("GET /ttp/search", 404, {"message": "there is no route /ttp/search"}))

    answer = portal(tmp_path, older).visitor(Service.NAV).get("/search?q=heart")
    assert (answer.status_code, "one that this portal does not understand" in answer.text) == (502, True)


def test_a_search_says_what_it_leaves_out(store: RecordStore, grid: Portal) -> None:
    for number in range(21):
        store.put(Kind.COLLABORATION, {"collab_id": f"heart {number}"}, {})
    search = grid.visitor(Service.NAV)

    page = search.get("/search?q=heart").text
    assert "Only the first 20 are shown" in page
    page = search.get("/search?q=heart+20").text
    assert ("Only the first" in page, "heart 20" in page) == (False, True)


def test_whoever_comes_by_a_link_from_elsewhere_asks_again_with_the_cookie(busy: Portal) -> None:
    """A cookie that no other site may send does not come along, and a new one would put the old one out."""
    answer = busy.visitor(Service.NAV).get("/home", Sec_Fetch_Site="cross-site", Sec_Fetch_Mode="navigate")

    assert "Set-Cookie" not in answer.headers
    assert 'http-equiv="refresh"' in answer.text


def test_by_plain_http_no_browser_says_where_somebody_comes_from_so_whoever_has_no_cookie_asks_again_once(
    busy: Portal,
) -> None:
    """What no browser asks for as a page, or leads on from the portal's own, is answered at once."""
    page, nav = {"Upgrade-Insecure-Requests": "1", "Host": "fl.example:4000"}, busy.visitor(Service.NAV)
    for more in ({}, {"Referer": "http://other.example/"}, {"Referer": "http://fl.example:4001/jobs"}):
        led = nav.get("/search?q=a%23b", **page, **more)
        assert "Set-Cookie" not in led.headers
        assert 'content="0; url=/search?q=a%23b&amp;again=1"' in led.text
    assert 'content="0; url=/home?again=1"' in nav.get("/home", **page).text

    for path, more in (
        ("/home?again=1", page),
        ("/home", {**page, "Referer": "http://fl.example:4000/"}),
        ("/home", {}),
    ):
        assert "http-equiv" not in busy.visitor(Service.NAV).get(path, **more).text
    assert nav.get("/home?again=1", **page).status_code == 200
    # From there on it has a cookie, and the address is as it was.
    again = nav.get("/search?q=a%23b&again=1", **page)
    assert (again.status_code, again.location) == (303, "/search?q=a%23b")


def test_of_several_orchestrators_the_chosen_one_is_asked(tmp_path: Path) -> None:
    two = {name: answering(("GET /ttp/jobs", 200, {"data": [{**JOB, "id": name}]})) for name in ("one", "two")}
    visitor = (both := portal(tmp_path, two)).visitor(Service.NAV)
    assert "/jobs/one" in visitor.get("/home").text

    assert visitor.send("/home", {"orchestrator": "two"}, to="/choices/orchestrator").status_code == 303
    assert "/jobs/two" in visitor.get("/home").text
    assert visitor.send("/home", {"orchestrator": "http://evil"}, to="/choices/orchestrator").status_code == 400
    assert both.adapters["two"].asked
