"""A participant as a whole: where it is registered, every job that has to do with its data, and what came of it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from fakes.orchestration import PROJECT, RUN, C, Client, E, P, R
from synergos.domain.job import Job, JobState, Stage
from synergos.domain.keys import ProjectKey, RunKey
from synergos.domain.records import Kind
from synergos.records import RecordStore

RUN_KEY = RunKey.of(RUN)


def url(who: str) -> str:
    return f"/ttp/participants/{who}/overview"


def jobs_of(client: Client, who: str) -> list[str]:
    return [job["id"] for job in client.data("GET", url(who))["jobs"]]


def test_it_has_the_profile_registrations_tags_and_results(finished: Client) -> None:
    found: dict[str, Any] = finished.data("GET", url("worker_1"))

    assert found["participant"]["id"] == "worker_1"
    [registration] = found["registrations"]
    assert registration["key"] == {**PROJECT, "participant_id": "worker_1"}
    assert registration["node_0"]["host"]
    assert (registration["tags"]["kind"], registration["alignment"]["kind"]) == ("Tag", "Alignment")
    [validation] = found["results"]["Validation"]
    assert validation["key"] == {
        "collab_id": C,
        "project_id": P,
        "expt_id": E,
        "run_id": R,
        "participant_id": "worker_1",
    }
    assert "curves" not in validation["evaluate"]


def test_jobs_without_its_id_in_their_keys_touch_its_data_and_those_about_anothers_do_not(
    declared: Client, store: RecordStore
) -> None:
    training = Job(Stage.TRAIN, RUN_KEY)
    mine, others = (Job(Stage.PREDICT, RUN_KEY.measured_at(who)) for who in ("worker_1", "worker_2"))
    elsewhere = Job(Stage.PREPROCESS, ProjectKey(C, "another"))
    store.add_jobs([training, mine, others, elsewhere])

    assert jobs_of(declared, "worker_1") == [mine.id, training.id]
    assert jobs_of(declared, "worker_2") == [others.id, training.id]


@pytest.mark.parametrize(
    ("progress", "is_touched"),
    [
        ({"participants": ["worker_1", "worker_2"]}, True),
        ({"participants": ["worker_2"]}, False),
        ({"participants": ["worker_2"], "left_out": {"worker_1": "no rows"}}, True),
        ({"losses": {"participants": {"worker_2": 0.5}}, "absent": {"worker_1": "away"}}, True),
        ({"losses": {"participants": {"worker_2": 0.5}}}, False),
        ({}, True),
    ],
)
def test_who_takes_part_the_job_says_itself(
    declared: Client, store: RecordStore, progress: dict[str, Any], is_touched: bool
) -> None:
    job = Job(Stage.TRAIN, RUN_KEY, progress=progress).started()
    store.add_jobs([job])

    assert (job.id in jobs_of(declared, "worker_1")) is is_touched


def test_what_had_ended_before_somebody_registered_is_none_of_its(declared: Client, store: RecordStore) -> None:
    long_ago = datetime.now(UTC) - timedelta(days=9)
    job = Job(Stage.TRAIN, RUN_KEY, state=JobState.FAILED, finished_at=long_ago)
    store.add_jobs([job])

    assert jobs_of(declared, "worker_1") == []


def test_jobs_come_by_pages_with_the_newest_first_and_are_counted(declared: Client, store: RecordStore) -> None:
    made = [Job(Stage.TRAIN, RUN_KEY) for _ in range(5)]
    store.add_jobs(made)

    _, first = declared.ask("GET", f"{url('worker_1')}?limit=3")
    _, second = declared.ask("GET", f"{url('worker_1')}?limit=3&cursor={first['next']}")

    ids = [job["id"] for answer in (first, second) for job in answer["data"]["jobs"]]
    assert (ids, second["next"]) == ([job.id for job in reversed(made)], None)
    assert first["params"]["counts"]["queued"] == 5


def test_of_results_there_are_the_newest_so_many(finished: Client, store: RecordStore) -> None:
    for name in ("r1", "r2"):
        measured = {"evaluate": {"statistics": {"R2": 0.5}, "res_path": "/outputs/y.json"}}
        store.put(Kind.VALIDATION, {**RUN, "run_id": name, "participant_id": "worker_1"}, measured)

    found = finished.data("GET", f"{url('worker_1')}?results=2")["results"]

    assert [each["key"]["run_id"] for each in found["Validation"]] == ["r2", "r1"]


def test_of_whom_there_is_nothing_is_not_found(declared: Client) -> None:
    status, answer = declared.ask("GET", url("nobody"))

    assert (status, answer["message"]) == (404, "no Participant with participant_id='nobody'")


@pytest.mark.parametrize(
    ("query", "field"),
    [("limit=0", "limit"), ("cursor=x", "cursor"), ("order=newest", "order"), ("results=x", "results")],
)
def test_what_cannot_be_meant_is_refused(declared: Client, query: str, field: str) -> None:
    status, answer = declared.ask("GET", f"{url('worker_1')}?{query}")

    assert (status, answer["field"]) == (417, field)


def test_who_was_never_declared_but_registered_is_shown(declared: Client, store: RecordStore) -> None:
    store.put(Kind.REGISTRATION, {**PROJECT, "participant_id": "x"}, {"n_count": 0})

    assert declared.data("GET", url("x"))["participant"] is None
