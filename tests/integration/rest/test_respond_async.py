"""``Prefer: respond-async``: a stage is begun, and the answer is its jobs."""

from __future__ import annotations

from typing import Any

import pytest

from fakes.orchestration import (
    ALIGNMENTS_URL,
    EXPERIMENT_URL,
    MODELS_URL,
    VALIDATIONS_URL,
    CannedDispatcher,
    Client,
    E,
    P,
    R,
    finish,
    leave,
    predictions_url,
)
from synergos.records import RecordStore

STAGES = [
    (ALIGNMENTS_URL, {}, "alignments"),
    (f"{MODELS_URL}/{E}/{R}", {}, "models"),
    (f"{VALIDATIONS_URL}/{E}/{R}", {}, "validations"),
    (f"{predictions_url('worker_1')}/{P}/{E}/{R}", {"tags": {P: [["new"]]}}, "predictions"),
]


def ask(client: Client, url: str, body: Any, *preferences: str) -> Any:
    return client.http.post(url, json=body, headers=[("Prefer", preference) for preference in preferences])


@pytest.mark.parametrize(("url", "body", "plural"), STAGES)
def test_a_stage_that_nobody_waits_for_is_accepted(
    finished: Client, dispatcher: CannedDispatcher, url: str, body: Any, plural: str
) -> None:
    response = ask(finished, url, body, "respond-async")

    answer = response.get_json()
    [job] = dispatcher.submitted
    assert (response.status_code, answer["status"], answer["method"]) == (202, 202, f"{plural}.post")
    assert (response.headers["Preference-Applied"], response.headers["Location"]) == (
        "respond-async",
        f"/ttp/jobs/{job.id}",
    )
    assert [(one["kind"], one["id"], one["state"]) for one in answer["data"]] == [("Job", job.id, "queued")]
    assert answer["data"] == [finished.data("GET", response.headers["Location"])]
    assert finished.get(url)[0] == 404, "its results are hidden until it has ended"


@pytest.mark.parametrize(
    "preferences", [("RESPOND-ASYNC",), ("wait=10, respond-async; x=1",), ("a=b", "respond-async")]
)
def test_the_preference_may_stand_among_others(finished: Client, preferences: tuple[str, ...]) -> None:
    assert ask(finished, ALIGNMENTS_URL, {}, *preferences).status_code == 202


@pytest.mark.parametrize("preferences", [(), ("wait=10",), ("no-respond-async",)])
def test_without_it_the_results_are_the_answer(finished: Client, preferences: tuple[str, ...]) -> None:
    response = ask(finished, ALIGNMENTS_URL, {}, *preferences)

    assert response.status_code == 201
    assert "Preference-Applied" not in response.headers
    assert {record["kind"] for record in response.get_json()["data"]} == {"Alignment"}


def test_what_cannot_be_done_is_refused_at_once(declared: Client) -> None:
    assert ask(declared, MODELS_URL, {}, "respond-async").status_code == 409


def test_jobs_in_a_line_say_for_which_they_wait(
    finished: Client, dispatcher: CannedDispatcher, store: RecordStore
) -> None:
    finished.data("POST", f"{EXPERIMENT_URL}/runs", {"run_id": "run_2"})
    finished.data("POST", f"{EXPERIMENT_URL}/runs", {"run_id": "run_3"})
    dispatcher.do = leave

    waiting = ask(finished, MODELS_URL, {}, "respond-async").get_json()["data"]

    first, second, third = (job["id"] for job in waiting)
    assert [job["progress"] for job in waiting] == [
        {},
        {"waiting_for": first, "position": 1},
        {"waiting_for": second, "position": 2},
    ]
    finish(store, store.job(first))
    assert finished.data("GET", f"/ttp/jobs/{second}")["progress"] == {}
    listed = {job["id"]: job["progress"] for job in finished.data("GET", "/ttp/jobs?stage=train")}
    assert listed[third] == {"waiting_for": second, "position": 1}


def test_the_preference_is_documented(finished: Client) -> None:
    paths = finished.http.get("/ttp/train/swagger.json").get_json()["paths"]

    post = next(path["post"] for name, path in paths.items() if name.endswith("/alignments"))
    assert "202" in post["responses"]
    assert [(one["name"], one["in"]) for one in post["parameters"] if one["name"] == "Prefer"] == [("Prefer", "header")]
