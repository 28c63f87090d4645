"""Every route and method of the contract answers as it says, with and without a trailing slash."""

from __future__ import annotations

from typing import Any

import pytest

from fakes.orchestration import HYPERPARAMETERS, LAYERS, C, Client, E, P, R, registration, tags

W = "worker_1"
CO = f"/ttp/connect/collaborations/{C}"
PR = f"{CO}/projects/{P}"
EX = f"{PR}/experiments/{E}"
WO = f"/ttp/connect/participants/{W}"
TR = f"/ttp/train/collaborations/{C}/projects/{P}"
EV = f"/ttp/evaluate/collaborations/{C}/projects/{P}"
PD = f"/ttp/evaluate/participants/{W}/collaborations/{C}/predictions"

COLLAB = {"collab_id": C}
PROJECT = {"collab_id": C, "project_id": P}
EXPT = {**PROJECT, "expt_id": E}
RUN = {**EXPT, "run_id": R}
PARTICIPANT = {"participant_id": W}
REGISTRATION = {**PROJECT, **PARTICIPANT}
PREDICT = {"tags": {P: [["new"]]}}

REGISTRATION_VERBS: list[tuple[str, Any, int, str]] = [
    ("GET", None, 200, "registration.get"),
    ("POST", registration("h"), 201, "registration.post"),
    ("PUT", {}, 200, "registration.put"),
    ("DELETE", None, 200, "registration.delete"),
]
PLAIN_STAGE: list[tuple[str, Any]] = [("GET", None), ("POST", {})]
PREDICTION: list[tuple[str, Any]] = [("GET", None), ("POST", PREDICT)]
DELETED = ("/models", "/validations", "/predictions")
"""Stages whose results can be deleted beside what the contract has; test_deletions.py does."""
TAG_VERBS: list[tuple[str, Any, int, str]] = [
    ("GET", None, 200, "tag.get"),
    ("POST", tags("d"), 201, "tag.post"),
    ("PUT", {}, 200, "tag.put"),
    ("DELETE", None, 200, "tag.delete"),
]

# number in the contract's table, verb, URL, body, status, method, params
ROUTES: list[tuple[int, str, str, Any, int, str, dict[str, str]]] = [
    (1, "GET", "/ttp/connect/collaborations", None, 200, "collaborations.get", {}),
    (1, "POST", "/ttp/connect/collaborations", {"collab_id": "other"}, 201, "collaborations.post", {}),
    (2, "GET", CO, None, 200, "collaboration.get", COLLAB),
    (2, "PUT", CO, {}, 200, "collaboration.put", COLLAB),
    (2, "DELETE", CO, None, 200, "collaboration.delete", COLLAB),
    (3, "GET", f"{CO}/registrations", None, 200, "registrations.get", {}),
    (4, "GET", f"{CO}/participants/{W}/registrations", None, 200, "registrations.get", {}),
    (5, "GET", f"{CO}/projects", None, 200, "projects.get", COLLAB),
    (5, "POST", f"{CO}/projects", {"project_id": "p", "incentives": {}}, 201, "projects.post", COLLAB),
    (6, "GET", PR, None, 200, "project.get", PROJECT),
    (6, "PUT", PR, {"start_at": "now"}, 200, "project.put", PROJECT),
    (6, "DELETE", PR, None, 200, "project.delete", PROJECT),
    (7, "GET", f"{PR}/registrations", None, 200, "registrations.get", {}),
    (8, "GET", f"{PR}/participants/{W}/registration", None, 200, "registration.get", REGISTRATION),
    (8, "POST", f"{PR}/participants/{W}/registration", registration("h"), 201, "registration.post", REGISTRATION),
    (8, "PUT", f"{PR}/participants/{W}/registration", {"role": "guest"}, 200, "registration.put", REGISTRATION),
    (8, "DELETE", f"{PR}/participants/{W}/registration", None, 200, "registration.delete", REGISTRATION),
    (9, "GET", f"{PR}/participants/{W}/registration/tags", None, 200, "tag.get", REGISTRATION),
    (9, "POST", f"{PR}/participants/{W}/registration/tags", tags("d"), 201, "tag.post", REGISTRATION),
    (9, "PUT", f"{PR}/participants/{W}/registration/tags", {"train": [["a"]]}, 200, "tag.put", REGISTRATION),
    (9, "DELETE", f"{PR}/participants/{W}/registration/tags", None, 200, "tag.delete", REGISTRATION),
    (10, "GET", f"{PR}/experiments", None, 200, "experiments.get", PROJECT),
    (10, "POST", f"{PR}/experiments", {"expt_id": "e", "model": LAYERS}, 201, "experiments.post", PROJECT),
    (11, "GET", EX, None, 200, "experiment.get", EXPT),
    (11, "PUT", EX, {"model": LAYERS}, 200, "experiment.put", EXPT),
    (11, "DELETE", EX, None, 200, "experiment.delete", EXPT),
    (12, "GET", f"{EX}/runs", None, 200, "runs.get", EXPT),
    (12, "POST", f"{EX}/runs", {"run_id": "r", **HYPERPARAMETERS}, 201, "runs.post", EXPT),
    (13, "GET", f"{EX}/runs/{R}", None, 200, "run.get", RUN),
    (13, "PUT", f"{EX}/runs/{R}", {"rounds": 3}, 200, "run.put", RUN),
    (13, "DELETE", f"{EX}/runs/{R}", None, 200, "run.delete", RUN),
    (14, "GET", "/ttp/connect/participants", None, 200, "participants.get", {}),
    (14, "POST", "/ttp/connect/participants", {"id": "w"}, 201, "participants.post", {}),
    (15, "GET", WO, None, 200, "participant.get", PARTICIPANT),
    (15, "PUT", WO, {"email": "a@b.c"}, 200, "participant.put", PARTICIPANT),
    (15, "DELETE", WO, None, 200, "participant.delete", PARTICIPANT),
    (16, "GET", f"{WO}/registrations", None, 200, "registrations.get", {}),
    (17, "GET", f"{WO}/collaborations/{C}/registrations", None, 200, "registrations.get", {}),
    *(
        (18, verb, f"{WO}/collaborations/{C}/projects/{P}/registration", body, status, method, REGISTRATION)
        for verb, body, status, method in REGISTRATION_VERBS
    ),
    *(
        (19, verb, f"{WO}/collaborations/{C}/projects/{P}/registration/tags", body, status, method, REGISTRATION)
        for verb, body, status, method in TAG_VERBS
    ),
    (20, "GET", f"{TR}/alignments", None, 200, "alignments.get", PROJECT),
    (20, "POST", f"{TR}/alignments", {}, 201, "alignments.post", PROJECT),
    *(
        (number, verb, url, body, 200, f"models.{verb.lower()}", params)
        for number, url, params in [
            (21, f"{TR}/models", PROJECT),
            (22, f"{TR}/models/{E}", EXPT),
            (23, f"{TR}/models/{E}/{R}", RUN),
        ]
        for verb, body in PLAIN_STAGE
    ),
    *(
        (number, verb, url, body, 200, f"validations.{verb.lower()}", params)
        for number, url, params in [
            (25, f"{EV}/validations", PROJECT),
            (26, f"{EV}/validations/{E}", EXPT),
            (27, f"{EV}/validations/{E}/{R}", RUN),
            (28, f"{EV}/validations/{E}/{R}/{W}", {**RUN, **PARTICIPANT}),
        ]
        for verb, body in PLAIN_STAGE
    ),
    *(
        (number, verb, url, body, 200, f"predictions.{verb.lower()}", params)
        for number, url, params in [
            (29, PD, {**COLLAB, **PARTICIPANT}),
            (30, f"{PD}/{P}", {**PROJECT, **PARTICIPANT}),
            (31, f"{PD}/{P}/{E}", {**EXPT, **PARTICIPANT}),
            (32, f"{PD}/{P}/{E}/{R}", {**RUN, **PARTICIPANT}),
        ]
        for verb, body in PREDICTION
    ),
]
IDS = [f"{number}-{verb}-{index}" for index, (number, verb, *_) in enumerate(ROUTES)]


@pytest.mark.parametrize("slash", ["", "/"], ids=["bare", "slashed"])
@pytest.mark.parametrize(("_number", "verb", "url", "body", "status", "method", "params"), ROUTES, ids=IDS)
def test_a_route_of_the_contract_is_answered_directly(
    finished: Client,
    _number: int,
    verb: str,
    url: str,
    body: Any,
    status: int,
    method: str,
    params: dict[str, str],
    slash: str,
) -> None:
    found, answer = finished.ask(verb, url + slash, body)

    assert found == status, answer
    data = answer.pop("data")
    assert (answer.pop("files", None) is not None) is (verb == "DELETE")
    # Of one record, so that whoever changes it can say which they have seen.
    answer.pop("revision", None)
    # What was declared before and is replaced is told.
    if verb == "POST":
        answer.pop("warnings", None)
    assert answer == {"apiVersion": "0.1.0", "success": 1, "status": status, "method": method, "params": params}
    resource = method.split(".")[0]
    is_list = resource in {"alignments", "models", "validations", "predictions"} or (
        verb == "GET" and resource.endswith("s")
    )
    assert isinstance(data, list if is_list else dict)
    assert data


def test_every_route_of_the_table_is_tried() -> None:
    # Route 24 is tuning's, in test_optimizations.py.
    assert {number for number, *_ in ROUTES} | {24} == set(range(1, 33))


@pytest.mark.parametrize("url", sorted({url for _, _, url, *_ in ROUTES}))
def test_other_verbs_on_a_route_are_answered_as_json_and_say_which_are_allowed(client: Client, url: str) -> None:
    allowed = {verb for _, verb, known, *_ in ROUTES if known == url}
    allowed |= {"DELETE"} if any(stage in url for stage in DELETED) else set()
    for verb in {"GET", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE"} - allowed:
        response = client.http.open(url, method=verb)

        assert response.status_code == 405, verb
        assert response.get_json()["status"] == 405
        assert set(response.headers["Allow"].split(", ")) >= allowed
        assert f"{verb} is not taken at {url}; expected " in response.get_json()["message"]
