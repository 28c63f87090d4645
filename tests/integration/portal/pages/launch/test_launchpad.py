"""The Launchpad: what is said before anything is begun, and what is begun."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from http import HTTPStatus
from pathlib import Path
from typing import Any

import pytest

from fakes.orchestration import CannedDispatcher, fail, leave
from fakes.portal import Portal, Visitor, portal, tokens_of
from synergos.domain.records import Kind
from synergos.records import RecordStore
from synergos.rest.app import create_app

C, P, E = "abalone_collaboration", "abalone_project", "abalone_experiment"
PAGE = f"/collaborations/{C}/projects/{P}/launch"
EVERYTHING = "chosen=1&task=alignments&task=models&task=validations"


def text_of(page: str) -> str:
    """What a reader sees."""
    return re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]+>", " ", page)))


def hidden(page: str, form: str) -> list[tuple[str, str]]:
    """The hidden fields of a form."""
    [inside] = re.findall(rf'<form [^>]*id="{form}".*?</form>', page, re.DOTALL)
    return [(name, html.unescape(value)) for name, value in re.findall(r'name="([^"]*)" value="([^"]*)"', inside)]


def press_start(visitor: Visitor, page: str) -> Any:
    fields: dict[str, list[str]] = {}
    for name, value in hidden(page, "start"):
        fields.setdefault(name, []).append(value)
    return visitor.client.post(PAGE, data=fields, headers={"Sec-Fetch-Site": "same-origin"})


@pytest.fixture
def store(declared: str) -> Iterator[RecordStore]:
    store = RecordStore(declared)
    yield store
    store.close()


@pytest.fixture
def dispatcher(store: RecordStore) -> CannedDispatcher:
    return CannedDispatcher(store)


@pytest.fixture
def grid(store: RecordStore, dispatcher: CannedDispatcher, tmp_path: Path) -> Portal:
    app = create_app(store, dispatcher, component_id="ttp/1")
    # What is asked for without waiting is left lying; the tests end it.
    dispatcher.do = leave
    return portal(tmp_path, app)


def stages(store: RecordStore) -> list[str]:
    return [job.stage.value for job in store.jobs()]


def test_it_says_what_will_be_done_and_how_many_jobs_that_is(grid: Portal) -> None:
    page = text_of(grid.visitor().get(f"{PAGE}?{EVERYTHING}&expt={E}").text)

    assert "3 jobs Align: 1 job Train: 1 job" in page
    assert "Validate: 1 job" in page


def test_without_a_choice_everything_is_meant_that_is_left_to_do(grid: Portal, store: RecordStore) -> None:
    visitor = grid.visitor()
    assert "3 jobs" in text_of(visitor.get(PAGE).text)

    store.put(Kind.ALIGNMENT, {"collab_id": C, "project_id": P, "participant_id": "worker_1"}, {})

    assert "2 jobs" in text_of(visitor.get(PAGE).text)


def test_start_makes_the_jobs_and_leads_to_them(grid: Portal, store: RecordStore) -> None:
    visitor = grid.visitor()

    answer = press_start(visitor, visitor.get(f"{PAGE}?{EVERYTHING}&run={E}/abalone_run").text)

    assert answer.status_code == HTTPStatus.SEE_OTHER
    assert stages(store) == ["preprocess", "train", "validate"]
    [trace] = {job.span.trace_id for job in store.jobs()}
    assert answer.location == f"{PAGE}/{trace}"
    shown = visitor.get(answer.location)
    assert "3 jobs have not ended yet" in text_of(shown.text)
    assert all(job.id[:8] in shown.text for job in store.jobs())


def test_of_a_launch_of_very_many_jobs_the_first_are_shown_and_all_are_counted(
    grid: Portal, store: RecordStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    visitor = grid.visitor()
    monkeypatch.setattr("synergos_portal.pages.launch.launchpad.MOST_JOBS", 1)
    launch = press_start(visitor, visitor.get(f"{PAGE}?{EVERYTHING}&run={E}/abalone_run").text).location

    page = visitor.get(launch).text
    assert "3 jobs have not ended yet" in text_of(page)
    assert "Only the first 1 are shown" in text_of(page)
    [everything] = re.findall(r'href="(/jobs\?trace_id=[0-9a-f]+)"', page)
    assert everything.endswith(launch.rpartition("/")[2])
    assert all(job.id[:8] in visitor.get(everything).text for job in store.jobs())
    nowhere = visitor.get(f"/jobs?trace_id={'0' * 32}").text
    assert not any(job.id[:8] in nowhere for job in store.jobs())


def test_pressed_twice_or_sent_again_it_makes_them_once(grid: Portal, store: RecordStore) -> None:
    visitor = grid.visitor()
    page = visitor.get(f"{PAGE}?{EVERYTHING}&expt={E}").text

    answers = [press_start(visitor, page) for _ in range(3)]

    assert len(store.jobs()) == 3
    assert {(each.status_code, each.location) for each in answers} == {(303, answers[0].location)}


def test_where_runs_were_declared_meanwhile_nothing_is_begun(grid: Portal, store: RecordStore) -> None:
    visitor = grid.visitor()
    page = visitor.get(f"{PAGE}?{EVERYTHING}&expt={E}").text
    store.put(Kind.RUN, {"collab_id": C, "project_id": P, "expt_id": E, "run_id": "another"}, {"rounds": 2})

    answer = press_start(visitor, page)

    assert answer.status_code == HTTPStatus.CONFLICT
    assert "this would make 5 jobs now" in text_of(answer.text)
    assert store.jobs() == []


def test_what_the_orchestrator_refuses_is_said_and_nothing_is_begun(grid: Portal, store: RecordStore) -> None:
    visitor = grid.visitor()

    answer = press_start(visitor, visitor.get(f"{PAGE}?chosen=1&task=validations&expt={E}").text)

    assert answer.status_code == HTTPStatus.UNPROCESSABLE_ENTITY
    assert "Nothing was begun. Validate: not trained yet" in text_of(answer.text)
    assert store.jobs() == []


def test_a_launch_that_stops_half_way_says_so_where_its_jobs_are(grid: Portal, store: RecordStore) -> None:
    store.put(Kind.EXPERIMENT, {"collab_id": C, "project_id": P, "expt_id": "other"}, {"model": []})
    visitor = grid.visitor()
    page = visitor.get(f"{PAGE}?{EVERYTHING}&run={E}/abalone_run&run=other/none").text

    answer = press_start(visitor, page)

    assert answer.status_code == HTTPStatus.SEE_OTHER
    shown = text_of(visitor.get(answer.location).text)
    assert "Not everything was begun. What is below goes on. Train: no Run" in shown
    assert stages(store) == ["preprocess", "train"]


@pytest.mark.parametrize("chosen", ["chosen=1", "chosen=1&task=models", f"chosen=1&expt={E}"])
def test_nothing_chosen_offers_no_start(grid: Portal, chosen: str) -> None:
    page = grid.visitor().get(f"{PAGE}?{chosen}").text

    assert "Nothing is chosen" in page
    assert 'id="start"' not in page


def test_a_forged_start_makes_nothing(grid: Portal, store: RecordStore) -> None:
    visitor = grid.visitor()
    page = visitor.get(f"{PAGE}?{EVERYTHING}&expt={E}").text
    fields = dict(hidden(page, "start"))

    for site, token in (("cross-site", fields["csrf_token"]), ("same-origin", "")):
        answer = visitor.post(PAGE, {**fields, "csrf_token": token}, Sec_Fetch_Site=site)
        assert answer.status_code == HTTPStatus.FORBIDDEN
    assert store.jobs() == []


def test_a_job_that_fails_says_why_in_the_launch(
    grid: Portal, store: RecordStore, dispatcher: CannedDispatcher
) -> None:
    visitor = grid.visitor()
    answer = press_start(visitor, visitor.get(f"{PAGE}?chosen=1&task=alignments").text)
    fail("WorkerUnreachable", "worker_1: cannot be reached <b>")(store, store.jobs()[0])

    shown = visitor.get(f"{answer.location}/live")

    assert "worker_1: cannot be reached &lt;b&gt;" in shown.text
    assert "All jobs of this launch have ended" in shown.text
    assert shown.headers["Live-Pace"] == "15"
    assert visitor.get(f"{answer.location}/live", If_None_Match=shown.headers["ETag"]).status_code == 304


def test_the_nodes_are_told_by_sub_grid(grid: Portal) -> None:
    page = text_of(grid.visitor().get(f"{PAGE}/nodes").text)

    assert "Sub-grid 0 – 0 of 2 nodes are well" in page
    assert "worker_1 172.18.0.3:5000" in page


def test_tokens_of_the_start_are_its_own(grid: Portal) -> None:
    visitor = grid.visitor()

    first, second = (tokens_of(visitor.get(f"{PAGE}?{EVERYTHING}&expt={E}").text)["once"] for _ in range(2))

    assert first != second
