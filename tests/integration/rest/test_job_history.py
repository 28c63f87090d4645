"""What has happened to a job and what its rounds have lost, over HTTP."""

from __future__ import annotations

import pytest

from fakes.orchestration import Client
from synergos.domain.job import Job, JobState, Stage
from synergos.domain.job_event import JobEvent, JobEventKind, JobNews, RoundLoss
from synergos.domain.keys import RunKey
from synergos.records import RecordStore

JOB = "training"
EVENTS, METRICS = f"/ttp/jobs/{JOB}/events", f"/ttp/jobs/{JOB}/metrics"


@pytest.fixture(autouse=True)
def job(store: RecordStore) -> Job:
    """A training that has been taken up twice, with five rounds."""
    job = Job(Stage.TRAIN, RunKey("c", "p", "e", "r"), id=JOB)
    store.add_jobs([job])
    for attempt, rounds in enumerate(([1, 2, 3], [4, 5])):
        begun = JobEvent(JobEventKind.TRAINING_BEGAN, about={"rounds": 5, "after": 3 * attempt})
        lost = tuple(RoundLoss(number, 1 / number, None, {"a": 1 / number}) for number in rounds)
        store.history.add(JOB, JobNews((JobEvent(JobEventKind.TAKEN_UP), begun), lost))
    return job


def test_events_are_told_in_order_as_data_and_as_sentences(client: Client) -> None:
    found = client.data("GET", EVENTS)

    assert [event["number"] for event in found] == [1, 2, 3, 4, 5]
    assert [event["attempt"] for event in found] == [0, 1, 1, 2, 2]
    assert found[4] == {
        "kind": "JobEvent",
        "number": 5,
        "attempt": 2,
        "at": found[4]["at"],
        "event": "training_began",
        "participant": None,
        "about": {"rounds": 5, "after": 3},
        "sentence": "The training goes on after round 3 of 5.",
    }


def test_metrics_are_told_by_round_whichever_attempt_has_run_them(client: Client) -> None:
    found = client.data("GET", METRICS)

    assert [(each["attempt"], each["round"]) for each in found] == [(1, 1), (1, 2), (1, 3), (2, 4), (2, 5)]
    assert found[1] == {
        "kind": "RoundMetrics",
        "round": 2,
        "attempt": 1,
        "at": None,
        "train": 0.5,
        "evaluate": None,
        "participants": {"a": 0.5},
    }


def test_both_go_on_after_what_is_known(client: Client) -> None:
    assert [each["round"] for each in client.data("GET", f"{METRICS}?after=3")] == [4, 5]
    assert [each["number"] for each in client.data("GET", f"{EVENTS}?after=4")] == [5]
    _, first = client.get(f"{METRICS}?limit=2")
    assert ([each["round"] for each in first["data"]], first["next"]) == ([1, 2], 2)
    _, last = client.get(f"{METRICS}?limit=1000&after={first['next']}")
    assert ([each["round"] for each in last["data"]], last["next"]) == ([3, 4, 5], None)


def test_both_can_be_of_one_attempt(client: Client) -> None:
    assert [each["round"] for each in client.data("GET", f"{METRICS}?attempt=2")] == [4, 5]
    assert [each["number"] for each in client.data("GET", f"{EVENTS}?attempt=1")] == [2, 3]


def test_a_job_is_told_with_what_is_new_of_it(client: Client) -> None:
    _, answer = client.get(f"/ttp/jobs/{JOB}?events_after=4&rounds_after=2&newest_rounds=2")

    assert answer["data"] == client.data("GET", f"/ttp/jobs/{JOB}")
    assert answer["events"] == client.data("GET", f"{EVENTS}?after=4")
    assert answer["rounds"] == client.data("GET", f"{METRICS}?after=3")
    _, everything = client.get(f"/ttp/jobs/{JOB}?events_after=0")
    assert [len(everything[name]) for name in ("events", "rounds")] == [5, 5]
    assert "events" not in client.get(f"/ttp/jobs/{JOB}")[1]


@pytest.mark.parametrize(
    ("query", "field"),
    [("events_after=-1", "events_after"), ("rounds_after=x", "rounds_after"), ("newest_rounds=0", "newest_rounds"),
     ("newest_rounds=1001", "newest_rounds"), ("event_after=1", "event_after")],
)  # fmt: skip
def test_news_that_cannot_be_meant_are_refused(client: Client, query: str, field: str) -> None:
    status, answer = client.get(f"/ttp/jobs/{JOB}?{query}")

    assert (status, answer["field"]) == (417, field)


@pytest.mark.parametrize("url", [EVENTS, METRICS])
@pytest.mark.parametrize(
    ("query", "field"),
    [("after=-1", "after"), ("after=x", "after"), ("limit=0", "limit"), ("limit=1001", "limit"), ("attempt=0", "attempt"),
     ("afer=1", "afer"), ("after=99999999999", "after")],
)  # fmt: skip
def test_what_cannot_be_meant_is_refused(client: Client, url: str, query: str, field: str) -> None:
    status, answer = client.get(f"{url}?{query}")

    assert (status, answer["field"]) == (417, field)


@pytest.mark.parametrize("part", ["events", "metrics"])
def test_a_job_that_is_not_there_has_none(client: Client, part: str) -> None:
    assert client.get(f"/ttp/jobs/other/{part}")[0] == 404


def test_a_job_without_rounds_has_no_metrics(client: Client, store: RecordStore) -> None:
    store.add_jobs([Job(Stage.PREPROCESS, RunKey("c", "p", "e", "r").project, id="alignment")])

    assert client.data("GET", "/ttp/jobs/alignment/metrics") == []
    assert [event["event"] for event in client.data("GET", "/ttp/jobs/alignment/events")] == ["accepted"]


def test_that_it_was_cancelled_is_told_before_its_end(client: Client, store: RecordStore, job: Job) -> None:
    client.post(f"/ttp/jobs/{JOB}/cancel", {})
    store.save_job(store.job(JOB).ended(JobState.CANCELLED))

    assert [event["event"] for event in client.data("GET", f"{EVENTS}?after=5")] == ["cancel_asked", "ended"]
