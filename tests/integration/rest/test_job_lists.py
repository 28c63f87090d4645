"""Jobs, one by one and in lists: chosen by what they are, counted by their states, and in short."""

from __future__ import annotations

import pytest

from fakes.orchestration import (
    RUN,
    Client,
    R,
)
from support.pages import page
from synergos.domain.job import Job, JobState, Stage
from synergos.records import RecordStore

JOBS = "/ttp/jobs"


def test_a_page_of_jobs_says_how_many_there_are_in_each_state(client: Client, jobs: list[Job]) -> None:
    def counts(query: str) -> dict[str, int]:
        found: dict[str, int] = page(client, JOBS, **dict(part.split("=") for part in query.split("&")))["params"][
            "counts"
        ]
        return found

    everywhere = dict.fromkeys(JobState, 0) | {"queued": 4, "failed": 3}
    assert counts("limit=2") == everywhere
    # The others are a click away.
    assert counts("limit=2&state=failed") == everywhere
    assert counts("limit=2&run_id=r1") == dict.fromkeys(JobState, 0) | {"failed": 1}
    assert page(client, JOBS)["params"] == {}


def test_jobs_in_short_come_with_the_newest_first_and_go_on_before_the_last(client: Client, jobs: list[Job]) -> None:
    first = page(client, JOBS, fields="summary", limit=3)
    second = page(client, JOBS, fields="summary", limit=9, before=first["params"]["cursor"])

    assert [job["id"] for job in (*first["data"], *second["data"])] == [job.id for job in reversed(jobs)]
    assert (second["next"], second["params"]["cursor"]) == (None, None)
    assert [job["id"] for job in page(client, JOBS, fields="summary", order="oldest")["data"]] == [
        job.id for job in jobs
    ]
    assert (
        page(client, JOBS, fields="summary", cursor=page(client, JOBS, limit=6)["next"])["data"][0]["id"] == jobs[6].id
    )


def test_of_a_job_in_short_there_is_what_a_table_shows(client: Client, store: RecordStore, jobs: list[Job]) -> None:
    store.save_job(jobs[0].started())
    store.update_progress(jobs[0].id, {"round": 2, "rounds": 9, "losses": {"train": 1.0}, "checkpoints": {"1": 0.5}})

    [job] = page(client, JOBS, fields="summary", state="running")["data"]

    assert (job["progress"], "parameters" in job, job["state"]) == ({"round": 2, "rounds": 9}, False, "running")


@pytest.mark.parametrize(
    ("query", "field"), [("before=x&cursor=x", "before"), ("before=x&order=oldest", "order"), ("before=x", "cursor")]
)
def test_before_is_the_cursor_of_the_newest_first(client: Client, query: str, field: str) -> None:
    status, answer = client.ask("GET", f"{JOBS}?{query}")

    assert (status, answer["field"]) == (417, field)


def test_every_stage_is_a_job_that_can_be_read(finished: Client) -> None:
    jobs = finished.data("GET", "/ttp/jobs")

    assert [(job["stage"], job["state"]) for job in jobs] == [
        (stage.value, "completed") for stage in Stage if stage is not Stage.CHECK
    ]
    assert all(job["created_at"].endswith("+00:00") and job["finished_at"] for job in jobs)
    assert finished.data("GET", f"/ttp/jobs/{jobs[1]['id']}") == jobs[1]
    assert jobs[1]["keys"] == RUN
    assert jobs[1]["error"] is None


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("state=completed", 4),
        ("state=failed", 0),
        ("stage=train", 1),
        (f"run_id={R}", 3),
        (f"run_id={R}&stage=predict&participant_id=worker_1", 1),
        ("participant_id=worker_2", 0),
        ("collab_id=other", 0),
    ],
)
def test_jobs_are_chosen_by_state_stage_and_ids(finished: Client, query: str, expected: int) -> None:
    assert len(finished.data("GET", f"/ttp/jobs?{query}")) == expected


@pytest.mark.parametrize(
    ("query", "field"), [("state=runing", "state"), ("stage=x", "stage"), ("colab_id=c", "colab_id")]
)
def test_a_filter_that_is_not_one_is_refused(client: Client, query: str, field: str) -> None:
    status, answer = client.get(f"/ttp/jobs?{query}")

    assert (status, answer["field"]) == (417, field)


def test_a_job_that_is_not_there_is_not_found(client: Client) -> None:
    assert client.get("/ttp/jobs/none")[0] == 404
    assert client.post("/ttp/jobs/none/cancel", {})[0] == 404
