"""What the pages of jobs say: who and why, what to do about it, and what a change will do."""

from __future__ import annotations

import csv
import io
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update

from fakes.orchestration import Client as OrchestratorClient
from fakes.orchestration import declare
from fakes.portal import Portal, answering, portal
from synergos.domain.job import Job, JobError, JobState, Stage
from synergos.domain.job_event import JobEvent, JobEventKind, JobNews, RoundLoss
from synergos.domain.keys import ProjectKey, RunKey
from synergos.domain.records import Kind
from synergos.records import RecordStore
from synergos.records.tables import JOBS

NOON = datetime(2026, 1, 2, 12, tzinfo=UTC)
RUN = RunKey("c", "p", "e", "r")
AWAITED = {
    "participant": "hospital_2",
    "since": "2026-01-02T12:00:00+00:00",
    "until": "2026-01-02T12:00:25+00:00",
    "for": "round 3",
    "reason": "hospital_2: cannot be reached at 10.0.0.12:5000",
}


def text_of(page: str) -> str:
    """A page's words, without its tags."""
    return unescape(re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", page)))


def training(store: RecordStore, state: JobState = JobState.RUNNING, **changes: Any) -> Job:
    """A training of which two rounds of four are done."""
    job = replace(Job(Stage.TRAIN, RUN, id="training"), state=state, **changes)
    store.add_jobs([job])
    events = (
        JobEvent(JobEventKind.TAKEN_UP, at=NOON),
        JobEvent(JobEventKind.SESSION_OPENED, "hospital_1", {"rows": {"train": 90}}, NOON),
        JobEvent(JobEventKind.SESSION_OPENED, "hospital_2", {"rows": {"train": 60}}, NOON),
        JobEvent(JobEventKind.TRAINING_BEGAN, about={"rounds": 4, "after": 0}, at=NOON),
    )
    lost = (
        RoundLoss(1, 0.75, 0.8125, {"hospital_1": 0.7, "hospital_2": 0.8}, NOON),
        RoundLoss(2, 0.5, None, {"hospital_1": 0.4, "hospital_2": 0.6}, NOON),
    )
    store.history.add(job.id, JobNews(events, lost))
    return job


PROGRESS = {"round": 2, "rounds": 4, "fraction": 0.5, "seconds_left": 9.0, "updated_at": NOON.isoformat()}


def test_a_running_job_says_how_far_it_is_and_who_takes_part(store: RecordStore, grid: Portal) -> None:
    training(store, progress=PROGRESS)

    page = grid.visitor().get("/jobs/training").text
    text = text_of(page)
    assert "Round 2 of 4 is done. About 9 seconds left." in text
    assert '<progress max="1" value="0.5"' in page
    assert re.search(r"hospital_2 ✓ takes part 60 to train 0.6 12:00:00 UTC", text)
    assert re.search(r"2 0.5 – 0.4 0.6 1 0.75 0.8125 0.7 0.8", text)
    assert "hospital_1 takes part. Rows: 90 to train." in text
    assert "Cancel the job" in text
    assert "Run again" not in text


def test_a_worker_that_is_away_is_named_with_until_when(store: RecordStore, grid: Portal) -> None:
    training(store, progress={**PROGRESS, "waiting_for": [AWAITED]})
    sentence = (
        "Waiting for hospital_2 until 12:00:25 UTC, for round 3: hospital_2: cannot be reached at 10.0.0.12:5000."
    )

    assert sentence in text_of(grid.visitor().get("/jobs/training").text)
    assert sentence in text_of(grid.visitor().get("/jobs").text)
    assert "waited for until 12:00:25 UTC" in text_of(grid.visitor().get("/jobs/training/live").text)


@pytest.mark.parametrize(
    ("state", "says"), [(JobState.COMPLETED, "✓ took part"), (JobState.FAILED, "… not heard of yet")]
)
def test_who_is_not_heard_of_took_part_in_what_has_ended_well(
    state: JobState, says: str, store: RecordStore, grid: Portal
) -> None:
    job = Job(Stage.PREPROCESS, ProjectKey("c", "p"), id="x")
    store.add_jobs([replace(job, state=state, progress={"participants": ["hospital_1"]})])

    assert f"hospital_1 {says}" in text_of(grid.visitor().get("/jobs/x").text)


@pytest.mark.parametrize(("said", "shown"), [("state: 'x' is none", "state: 'x' is none"), ("a list", "state: a list")])
def test_the_field_of_what_is_refused_is_said_once(said: str, shown: str, tmp_path: Path) -> None:
    pages = answering(("GET /ttp/jobs", 417, {"message": said, "field": "state"}))

    text = text_of(portal(tmp_path, pages).visitor().get("/jobs?state=x").text)
    assert (shown in text, "state: state" in text) == (True, False)


def test_a_worker_that_is_back_is_told_too(store: RecordStore, grid: Portal) -> None:
    training(store, progress=PROGRESS)
    store.history.add("training", JobNews((JobEvent(JobEventKind.BACK, "hospital_2", at=NOON),)))

    assert "hospital_2 is back; the job goes on." in text_of(grid.visitor().get("/jobs/training").text)


def test_why_a_job_failed_and_what_to_do_is_two_clicks_from_home(store: RecordStore, grid: Portal) -> None:
    error = JobError("WorkerUnreachable", "hospital_2: cannot be reached at 10.0.0.12:5000", "hospital_2")
    training(store, JobState.FAILED, error=error)

    rows = grid.visitor().get("/jobs?state=failed").text
    assert error.message in text_of(rows)
    [address] = re.findall(r'href="(/jobs/training)"', rows)
    page = grid.visitor().get(address)
    assert "its owner starts it, or the address in its registration is put right" in text_of(page.text)
    assert "hospital_2 ✕ failed" in text_of(page.text)
    assert 'hx-get="/jobs/training/nodes"' in page.text


@pytest.mark.parametrize(
    ("kind", "field"),
    [("InvalidRequest", "model[0].structure.in_features"), ("InvalidRequest", "auto_fix"), ("Diverged", None)],
)
def test_a_job_of_no_run_can_fail_for_a_layer_or_a_hyperparameter(
    store: RecordStore, grid: Portal, kind: str, field: str | None
) -> None:
    failed = Job(
        Stage.PREPROCESS, RUN.project, state=JobState.FAILED, error=JobError(kind, "it does not fit", None, field)
    )
    store.add_jobs([replace(failed, id="alignment")])

    for page in ("/jobs/alignment", "/jobs/alignment/live"):
        answer = grid.visitor().get(page)
        assert (answer.status_code, "it does not fit" in text_of(answer.text)) == (200, True)


def test_a_rerun_that_came_to_nothing_says_that_the_earlier_result_is_shown_again(
    store: RecordStore, grid: Portal
) -> None:
    training(store, JobState.FAILED, error=JobError("Diverged", "no finite loss"))
    says = "what an earlier one had left is shown again"
    assert says not in text_of(grid.visitor().get("/jobs/training").text)

    declare(OrchestratorClient(next(iter(grid.adapters.values()))._client))  # type: ignore[arg-type]
    key = {"collab_id": "c", "project_id": "p", "expt_id": "e", "run_id": "r"}
    for kind in (Kind.COLLABORATION, Kind.PROJECT, Kind.EXPERIMENT, Kind.RUN):
        store.put(kind, key, {"action": "regress", "model": []})
    store.put(Kind.MODEL, key, {"trained_at": "2026-01-01T08:00:00+00:00"})
    assert says in text_of(grid.visitor().get("/jobs/training").text)


def test_a_waiting_job_says_what_it_waits_for(tmp_path: Path) -> None:
    waits = {"waiting_for": "0123456789", "reason": "its train job must end first"}
    job = {"kind": "Job", "id": "x", "stage": "validate", "state": "waiting", "keys": {"collab_id": "c"}}
    pages = answering(("GET /ttp/jobs/x", 200, {"data": {**job, "progress": waits}, "events": [], "rounds": []}))
    page = portal(tmp_path, pages).visitor().get("/jobs/x").text

    assert "Waits until job 01234567 has ended." in text_of(page)
    assert '<a href="/jobs/0123456789">' in page


@pytest.mark.parametrize(
    ("progress", "says"),
    [
        (
            {"position": 2, "reason": "1 of 1 sub-grids are busy"},
            "Waits: 1 of 1 sub-grids are busy. Before it come: 2.",
        ),
        ({"position": 1, "waiting_for": "0123456789"}, "Waits until job 01234567 has ended. Before it come: 1."),
        ({"reason": "no TTP is running", "position": 0}, "Waits: no TTP is running."),
        ({}, "It is next."),
    ],
)
def test_the_list_says_what_jobs_wait_for(progress: dict[str, Any], says: str, tmp_path: Any) -> None:
    job = {"kind": "Job", "id": "x", "stage": "train", "state": "queued", "keys": {}, "progress": progress}
    pages = answering(("GET /ttp/jobs", 200, {"data": [job], "next": None}))

    assert says in text_of(portal(tmp_path, pages).visitor().get("/jobs").text)


def test_jobs_that_wait_are_one_list(store: RecordStore, grid: Portal) -> None:
    for state in JobState:
        store.add_jobs([replace(Job(Stage.TRAIN, RUN, id=f"is_{state.value}"), state=state)])

    page = grid.visitor().get("/jobs?state=waiting").text
    assert set(re.findall(r'id="job-is_(\w+)"', page)) == {"queued", "waiting"}


def test_many_jobs_that_wait_come_page_by_page(store: RecordStore, grid: Portal) -> None:
    store.add_jobs([Job(Stage.TRAIN, RUN, id=f"is_{number}") for number in range(60)])
    visitor = grid.visitor()

    first = visitor.get("/jobs?state=waiting").text
    [after] = re.findall(r'rel="next" href="([^"]*)"', first)
    second = visitor.get(unescape(after)).text

    found = [re.findall(r'id="job-is_(\w+)"', page) for page in (first, second)]
    assert [len(each) for each in found] == [50, 10]
    assert len({*found[0], *found[1]}) == 60


def test_a_job_is_cancelled_after_a_page_that_says_what_that_does(store: RecordStore, grid: Portal) -> None:
    training(store, progress=PROGRESS)
    visitor = grid.visitor()

    page = text_of(visitor.get("/jobs/training/cancel").text)
    assert "Rounds that are done are lost." in page
    # Two buttons that begin with the same word would be mistaken for one another.
    assert "Cancel the job Let it go on" in page
    answer = visitor.send("/jobs/training/cancel")
    assert (answer.status_code, answer.location) == (303, "/jobs/training")
    assert grid.asked[-1] == "POST /ttp/jobs/training/cancel"
    assert "Somebody asked for it to be cancelled." in text_of(visitor.get("/jobs/training").text)


def test_a_job_that_has_ended_cannot_be_cancelled_and_the_page_says_so(store: RecordStore, grid: Portal) -> None:
    training(store, JobState.COMPLETED)

    answer = grid.visitor().send("/jobs/training/cancel")
    assert answer.status_code == 422
    assert "job training is completed already" in answer.text


def test_run_again_asks_for_the_same_once(store: RecordStore, grid: Portal) -> None:
    orchestrator = next(iter(grid.adapters.values()))
    declare(OrchestratorClient(orchestrator._client))  # type: ignore[arg-type]
    [project] = store.find(Kind.PROJECT)
    keys = project["key"]
    job = Job(Stage.PREPROCESS, RUN.project, id="alignment", state=JobState.CANCELLED)
    job = replace(job, keys=type(job.keys)(keys["collab_id"], keys["project_id"]), parameters={"auto_align": False})
    store.add_jobs([job])
    visitor = grid.visitor()

    answer = visitor.send("/jobs/alignment/again")

    assert answer.status_code == 303
    [made] = [each for each in store.jobs() if each.id != "alignment"]
    assert answer.location == f"/jobs/{made.id}"
    assert (made.stage, made.keys, made.parameters["auto_align"]) == (Stage.PREPROCESS, job.keys, False)


def test_attempts_are_kept_apart(store: RecordStore, grid: Portal) -> None:
    training(store, progress=PROGRESS)
    again = (
        JobEvent(JobEventKind.TAKEN_UP, about={"is_resumed": True}, at=NOON),
        JobEvent(JobEventKind.TRAINING_BEGAN, about={"rounds": 4, "after": 2}, at=NOON),
    )
    store.history.add("training", JobNews(again, (RoundLoss(3, 0.25, None, {"hospital_1": 0.25}, NOON),)))

    text = text_of(grid.visitor().get("/jobs/training").text)
    assert text.index("Attempt 2") < text.index("The training goes on after round 2 of 4.") < text.index("Attempt 1")
    assert re.search(r"3 2 0.25 – 0.25 no part 2 1 0.5", text)


def test_the_curve_has_the_rounds_that_are_new(store: RecordStore, grid: Portal) -> None:
    training(store)

    assert grid.visitor().get("/jobs/training/losses?after=1").json == [
        [2, 0.5, None, {"hospital_1": 0.4, "hospital_2": 0.6}]
    ]


def test_rounds_events_and_jobs_are_files_for_other_programs(store: RecordStore, grid: Portal) -> None:
    training(store, JobState.FAILED, error=JobError("Diverged", "no finite loss"))
    visitor = grid.visitor()

    lost = list(csv.DictReader(io.StringIO(visitor.get("/jobs/training/rounds?format=csv").text)))
    assert [(row["round"], row["train"], row["evaluate"]) for row in lost] == [
        ("1", "0.75", "0.8125"),
        ("2", "0.5", ""),
    ]
    assert next(event["event"] for event in visitor.get("/jobs/training/events?format=json").json or []) == "accepted"
    [row] = csv.DictReader(io.StringIO(visitor.get("/jobs?format=csv").text))
    assert (row["run_id"], row["how_it_stands"]) == ("r", "no finite loss")
    assert (visitor.get("/jobs/training?format=json").json or {})["id"] == "training"


def test_a_live_part_that_is_the_same_is_not_sent_again(store: RecordStore, grid: Portal) -> None:
    training(store, progress=PROGRESS)
    visitor = grid.visitor()

    first = visitor.get("/jobs/training/live")
    same = visitor.get("/jobs/training/live", If_None_Match=first.headers["ETag"])
    assert (first.headers["Live-Pace"], same.status_code) == ("1", 304)


def test_whether_nodes_answer_is_shown_beside(store: RecordStore, tmp_path: Path) -> None:
    node = {
        "kind": "Node",
        "key": {"collab_id": "c", "project_id": "p", "participant_id": "hospital_2"},
        "node": "node_0",
        "host": "10.0.0.12",
        "f_port": 5000,
        "is_reachable": False,
        "problem": "nobody answers",
        "command": None,
        "data": {"answers": False, "version": None, "asked_at": NOON.isoformat()},
    }
    job = {"kind": "Job", "id": "x", "stage": "train", "state": "failed", "keys": RUN.to_dict()}
    pages = answering(("GET /ttp/jobs/x", 200, {"data": job}), ("GET /ttp/nodes", 200, {"data": [node]}))

    text = text_of(portal(tmp_path, pages).visitor().get("/jobs/x/nodes").text)
    assert re.search(r"hospital_2 node_0 10.0.0.12:5000 ✕ not reachable nobody answers – 12:00:00 UTC", text)


@pytest.mark.parametrize("path", ["/jobs/other", "/jobs/other/live", "/jobs/other/cancel", "/jobs/other/losses"])
def test_a_job_that_is_not_there_is_a_page_that_says_so(grid: Portal, path: str) -> None:
    assert grid.visitor().get(path).status_code == 404


def test_a_job_that_cannot_be_read_can_be_shown(store: RecordStore, grid: Portal) -> None:
    training(store)
    with store.database.writing() as connection:
        connection.execute(update(JOBS).values(stage="unheard of"))

    assert grid.visitor().get("/jobs/training").status_code == 200
    assert grid.visitor().get("/jobs").status_code == 200


def test_of_a_very_long_training_all_rounds_are_in_the_file_and_the_curve_asks_for_the_rest(
    store: RecordStore, grid: Portal, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Piece by piece, however many there are."""
    job = training(store)
    store.history.add(job.id, JobNews((), tuple(RoundLoss(each, 0.5, None, {}, NOON) for each in range(3, 26))))
    monkeypatch.setattr("synergos_portal.orchestrator.jobs._AT_ONCE", 1)
    monkeypatch.setattr("synergos_portal.pages.losses._AT_ONCE", 20)
    visitor = grid.visitor()

    rows = list(csv.DictReader(io.StringIO(visitor.get("/jobs/training/rounds?format=csv").text)))
    begin, rest = (visitor.get(f"/jobs/training/losses?after={after}") for after in (0, 20))

    assert [int(each["round"]) for each in rows] == list(range(1, 26))
    assert [(len(each.json or []), each.headers.get("Losses-More")) for each in (begin, rest)] == [
        (20, "yes"),
        (5, None),
    ]


def test_a_row_of_the_list_has_all_that_is_known_of_its_job(store: RecordStore, grid: Portal) -> None:
    done = Job(Stage.TRAIN, RUN, id="done0123456", created_at=NOON, state=JobState.COMPLETED)
    done = replace(done, started_at=NOON, finished_at=NOON + timedelta(minutes=3))
    error = JobError("WorkerRefused", "no <rows>", "hospital_2")
    failed = Job(Stage.PREPROCESS, RUN.project, id="failed", state=JobState.FAILED, created_at=NOON, error=error)
    moving = Job(Stage.TRAIN, RUN, id="moving", created_at=NOON, progress={"fraction": 0.25}).started()
    store.add_jobs([done, failed, moving])

    english, german = (grid.visitor().get("/jobs", Accept_Language=language).text for language in ("en", "de"))

    [is_moving, has_failed, is_done] = map(text_of, english.split('<tr id="')[1:])
    assert "completed training done0123 c / p / e / r Done. 2 Jan 2026, 12:00 3 minutes" in is_done
    assert "failed alignment failed c / p hospital_2: no <rows> 2 Jan 2026, 12:00 –" in has_failed
    assert "running training moving c / p / e / r It has begun. 25% 2 Jan 2026, 12:00 –" in is_moving
    assert [english.count(text) for text in ('value="0.25"', 'href="/jobs/moving"', "<progress")] == [1, 1, 1]
    assert "fertig Training done0123 c / p / e / r" in text_of(german)
