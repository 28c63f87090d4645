"""What is only tried, what may not be there yet, and what may not have been changed since it was read."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import Any

import pytest
from werkzeug.test import TestResponse

from fakes.orchestration import (
    ALIGNMENTS_URL,
    COLLABORATION_URL,
    CONNECT,
    EXPERIMENT_URL,
    LAYERS,
    MODELS_URL,
    PROJECT_URL,
    RUN_URL,
    TAGS_URL,
    VALIDATIONS_URL,
    C,
    Client,
    E,
    R,
    predictions_url,
    registration,
    registration_url,
    tags,
)
from synergos.records import RecordStore

TUNING_URL = f"{MODELS_URL}/{E}/optimizations"
SPACE = {"rounds": {"_type": "choice", "_value": [1, 2]}}
OTHER_LAYERS = [{**LAYERS[0], "activation": "relu"}]
STUDY = {"metric": "R2", "search_space": SPACE, "optimize_mode": "max", "max_trial_num": 2}

REQUESTS: list[tuple[str, str, dict[str, Any]]] = [
    ("POST", f"{CONNECT}/collaborations", {"collab_id": "another"}),
    ("POST", f"{CONNECT}/collaborations", {"collab_id": C, "mq": {"host": "queue"}}),
    ("PUT", COLLABORATION_URL, {"mq": {"host": "queue"}}),
    ("POST", f"{COLLABORATION_URL}/projects", {"project_id": "another", "action": "classify", "incentives": {}}),
    ("PUT", PROJECT_URL, {"action": "classify"}),
    ("POST", f"{PROJECT_URL}/experiments", {"expt_id": E, "model": OTHER_LAYERS}),
    ("PUT", EXPERIMENT_URL, {"model": OTHER_LAYERS}),
    ("POST", f"{EXPERIMENT_URL}/runs", {"run_id": "another"}),
    ("PUT", RUN_URL, {"rounds": 7}),
    ("POST", f"{CONNECT}/participants", {"id": "worker_3"}),
    ("PUT", f"{CONNECT}/participants/worker_1", {"summary": "a bank"}),
    ("POST", registration_url("worker_1"), registration("10.0.0.9", "guest")),
    ("PUT", registration_url("worker_1"), {"role": "guest"}),
    ("POST", f"{PROJECT_URL}/participants/worker_1/invitation", {}),
    ("POST", TAGS_URL, tags("elsewhere")),
    ("PUT", TAGS_URL, {"train": [["elsewhere"]]}),
    ("POST", f"{MODELS_URL}/{E}/{R}", {}),
    ("POST", f"{VALIDATIONS_URL}/{E}/{R}", {}),
    ("POST", predictions_url("worker_1"), {"tags": {}}),
    ("POST", TUNING_URL, STUDY),
]


@pytest.mark.parametrize(("verb", "url", "body"), REQUESTS)
def test_what_is_only_tried_is_answered_and_leaves_nothing(
    finished: Client, store: RecordStore, verb: str, url: str, body: dict[str, Any]
) -> None:
    before = _everything(store)

    status, answer = finished.ask(verb, f"{url}?check=true", body)

    assert status == 200, answer
    assert answer["method"].endswith(".check")
    assert _everything(store) == before
    assert finished.ask(verb, url, body)[0] < 300
    assert _everything(store) != before


@pytest.mark.parametrize(("verb", "url", "body"), REQUESTS)
def test_what_is_only_tried_is_refused_as_it_would_be(
    finished: Client, verb: str, url: str, body: dict[str, Any]
) -> None:
    tried = finished.ask(verb, f"{url}?check=true", {**body, "nonsense": 1})

    assert tried[0] == 417
    assert tried[1]["field"] == "nonsense"
    assert tried == finished.ask(verb, url, {**body, "nonsense": 1})


def test_a_change_that_is_only_tried_tells_what_it_would_undo(declared: Client) -> None:
    declared.data("PUT", PROJECT_URL, {"action": "classify"})
    declared.data("PUT", RUN_URL, {"criterion": "NLLLoss"})

    _, tried = declared.put(f"{PROJECT_URL}?check=true", {"action": "regress"})
    _, done = declared.put(PROJECT_URL, {"action": "regress"})

    assert "cannot be trained to regress" in tried["warnings"][0]
    assert tried["warnings"] == done["warnings"]


def test_what_is_only_tried_has_the_answer_that_it_would_have(declared: Client) -> None:
    changed = declared.data("PUT", f"{RUN_URL}?check=true", {"rounds": 7})

    assert changed["rounds"] == 7
    assert declared.data("GET", RUN_URL)["rounds"] != 7


@pytest.mark.parametrize("value", ["1", "yes", "", "True"])
def test_whether_it_is_only_tried_has_to_be_said_clearly(declared: Client, value: str) -> None:
    status, answer = declared.put(f"{RUN_URL}?check={value}", {"rounds": 7})

    assert (status, answer["field"]) == (417, "check")
    assert declared.data("GET", RUN_URL)["rounds"] != 7


def test_a_job_that_is_only_asked_to_stop_for_a_try_goes_on(declared: Client) -> None:
    [job] = declared.http.post(ALIGNMENTS_URL, json={}, headers={"Prefer": "respond-async"}).get_json()["data"]

    assert declared.ask("POST", f"/ttp/jobs/{job['id']}/cancel?check=true")[0] == 200
    assert declared.data("GET", f"/ttp/jobs/{job['id']}")["state"] == job["state"]


def test_a_job_that_has_ended_cannot_be_stopped_for_a_try_either(finished: Client) -> None:
    _, answer = finished.get("/ttp/jobs")

    status, told = finished.ask("POST", f"/ttp/jobs/{answer['data'][0]['id']}/cancel?check=true")

    assert (status, told["message"]) == (409, f"job {answer['data'][0]['id']} is completed already")


def test_a_study_is_stopped_for_a_try_and_goes_on(finished: Client) -> None:
    _, answer = finished.post(TUNING_URL, STUDY)
    study = f"/ttp/studies/{answer['params']['study_id']}"
    before = finished.data("GET", study)["state"]

    assert finished.ask("POST", f"{study}/stop?check=true")[0] == 200
    assert finished.data("GET", study)["state"] == before


CREATED = [
    (f"{CONNECT}/collaborations", {"collab_id": C}, "collab_id"),
    (f"{COLLABORATION_URL}/projects", {"project_id": PROJECT_URL.rpartition("/")[2], "incentives": {}}, "project_id"),
    (f"{PROJECT_URL}/experiments", {"expt_id": E, "model": LAYERS[:1]}, "expt_id"),
    (f"{EXPERIMENT_URL}/runs", {"run_id": R}, "run_id"),
    (f"{CONNECT}/participants", {"id": "worker_1"}, "id"),
]


@pytest.mark.parametrize(("url", "body", "field"), CREATED)
def test_an_id_that_is_taken_replaces_nothing_where_it_has_to_be_new(
    declared: Client, store: RecordStore, url: str, body: dict[str, Any], field: str
) -> None:
    before = _everything(store)

    answer = declared.http.post(url, json=body, headers={"If-None-Match": "*"})

    assert answer.status_code == 412
    assert answer.get_json()["field"] == field
    assert "is there already" in answer.get_json()["message"]
    assert _everything(store) == before


@pytest.mark.parametrize(("url", "body", "field"), CREATED)
def test_an_id_that_is_new_is_taken(declared: Client, url: str, body: dict[str, Any], field: str) -> None:
    answer = declared.http.post(url, json={**body, field: "new"}, headers={"If-None-Match": "*"})

    assert answer.status_code == 201, answer.get_json()


def test_who_declares_first_wins_where_two_want_a_new_id(declared: Client) -> None:
    codes = [
        declared.http.post(
            f"{CONNECT}/collaborations", json={"collab_id": "new"}, headers={"If-None-Match": "*"}
        ).status_code
        for _ in range(2)
    ]

    assert codes == [201, 412]


def test_the_second_of_two_editors_is_told_what_the_first_has_changed(declared: Client) -> None:
    seen = declared.http.get(RUN_URL).headers["ETag"]
    declared.data("PUT", RUN_URL, {"rounds": 7, "momentum": 0.9})

    answer = _put(declared, RUN_URL, {"epochs": 3}, seen)

    body = answer.get_json()
    assert answer.status_code == 412
    assert body["message"] == f"run {R!r} has been changed since it was read: momentum, rounds"
    assert body["changed"] == {"momentum": 0.9, "rounds": 7}
    assert declared.data("GET", RUN_URL)["epochs"] != 3
    assert _put(declared, RUN_URL, {"epochs": 3}, answer.headers["ETag"]).status_code == 200


def test_a_field_that_is_gone_is_told_of_too(declared: Client) -> None:
    seen = declared.http.get(RUN_URL).headers["ETag"]
    declared.data("POST", f"{EXPERIMENT_URL}/runs", {"run_id": R, "rounds": 10})

    changed = _put(declared, RUN_URL, {"epochs": 3}, seen).get_json()["changed"]

    assert changed["lr"] is None
    assert "lr" in changed


def test_what_nobody_has_changed_may_be(declared: Client) -> None:
    seen = declared.http.get(RUN_URL).headers["ETag"]

    answer = _put(declared, RUN_URL, {"rounds": 7}, seen)

    assert answer.status_code == 200
    assert _revision(answer) == _revision(declared.http.get(RUN_URL))
    assert answer.headers["ETag"] != seen


def test_what_hangs_under_a_record_and_what_is_ours_to_write_there_is_no_change_of_it(declared: Client) -> None:
    seen = declared.http.get(EXPERIMENT_URL).headers["ETag"]
    declared.post(ALIGNMENTS_URL, {})
    declared.data("POST", f"{EXPERIMENT_URL}/runs", {"run_id": "another"})

    assert declared.data("GET", EXPERIMENT_URL).get("fitted_model")
    assert _put(declared, EXPERIMENT_URL, {"model": LAYERS[:1]}, seen).status_code == 200


def test_what_is_only_tried_is_held_to_what_was_seen_too(declared: Client) -> None:
    seen = declared.http.get(RUN_URL).headers["ETag"]
    declared.data("PUT", RUN_URL, {"rounds": 7})

    assert _put(declared, f"{RUN_URL}?check=true", {"epochs": 3}, seen).status_code == 412


@pytest.mark.parametrize("tags_of", ['{0}, "another"', '"another", {0}', "*"])
def test_any_of_several_revisions_will_do(declared: Client, tags_of: str) -> None:
    seen = declared.http.get(RUN_URL).headers["ETag"]

    assert _put(declared, RUN_URL, {"rounds": 7}, tags_of.format(seen)).status_code == 200


@pytest.mark.parametrize("revision", ['"another"', 'W/"another"', "nonsense", '""', '"~"', '"a~b"', '"%zz~%zz=%zz,="'])
def test_a_revision_that_nothing_has_is_none(declared: Client, revision: str) -> None:
    assert _put(declared, RUN_URL, {"rounds": 7}, revision).status_code == 412


def test_a_weak_revision_is_not_enough_to_change_anything_by(declared: Client) -> None:
    seen = declared.http.get(RUN_URL).headers["ETag"]

    assert _put(declared, RUN_URL, {"rounds": 7}, f"W/{seen}").status_code == 412


def test_what_is_to_be_there_has_to_be(declared: Client) -> None:
    body = {"run_id": "another"}

    answer = declared.http.post(f"{EXPERIMENT_URL}/runs", json=body, headers={"If-Match": "*"})

    assert answer.status_code == 412
    assert answer.get_json()["field"] == "run_id"


@pytest.mark.parametrize("value", ['"a"', "", "nonsense"])
def test_a_condition_that_would_have_no_effect_is_refused(declared: Client, value: str) -> None:
    answer = declared.http.put(RUN_URL, json={"rounds": 7}, headers={"If-None-Match": value})

    assert (answer.status_code, answer.get_json()["field"]) == (417, "If-None-Match")


def test_nothing_is_deleted_that_has_been_changed_since(declared: Client) -> None:
    seen = declared.http.get(RUN_URL).headers["ETag"]
    declared.data("PUT", RUN_URL, {"rounds": 7})

    refused = declared.http.delete(RUN_URL, headers={"If-Match": seen})

    assert refused.status_code == 412
    assert declared.data("GET", RUN_URL)["rounds"] == 7
    assert declared.http.delete(RUN_URL, headers={"If-Match": refused.headers["ETag"]}).status_code == 200


def test_an_answer_has_the_revision_that_its_etag_is_too(declared: Client) -> None:
    answers = [
        declared.http.get(RUN_URL),
        declared.http.put(RUN_URL, json={}),
        declared.http.post(f"{EXPERIMENT_URL}/runs", json={"run_id": "another"}),
    ]

    assert [_revision(answer) for answer in answers] == [answer.get_json()["revision"] for answer in answers]


def _revision(answer: TestResponse) -> str:
    return answer.headers["ETag"].strip('"').partition(";")[0]


def _put(client: Client, url: str, body: dict[str, Any], seen: str) -> TestResponse:
    return client.http.put(url, json=body, headers={"If-Match": seen})


def _everything(store: RecordStore) -> list[str]:
    assert store.database.file is not None
    with closing(sqlite3.connect(store.database.file)) as connection:
        return list(connection.iterdump())
