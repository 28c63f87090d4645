from __future__ import annotations

import json
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from unittest.mock import ANY

import pytest
from structlog.testing import capture_logs

from factories.worker_data import wine, write_frame
from fakes.clock import Clock
from fakes.worker_client import RUN, SESSION, HeldExecutor, WorkerClient, blob_of, message_of
from support.full_disk import files_up_to

TAGS = {"train": [["wine", "train"]], "evaluate": [["wine", "evaluate"]]}
POLL = {"action": "classify", "tags": TAGS}
POLL_PATH = "/worker/poll/c/p1"
JSON = "application/json"


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"action": "cluster"}, "action"),
        ({"tags": {}}, "tags"),
        ({"tags": {"train": []}}, "tags"),
        ({"tags": {"test": [["a"]]}}, "tags"),
        ({"tags": {"train": ["a"]}}, "tags.train[0]"),
        ({"tags": {"train": [["a", 1]]}}, "tags.train[0][1]"),
        ({"tags": {"train": [["..", "a"]]}}, "tags.train[0][0]"),
        ({"tags": {"train": [["a/b"]]}}, "tags.train[0][0]"),
        ({"tags": {"train": [[]]}}, "tags.train[0]"),
    ],
)
def test_a_wrong_field_is_named(client: WorkerClient, change: dict[str, Any], field: str) -> None:
    answer = client.command("POST", POLL_PATH, 417, POLL | change)

    assert answer["field"] == field
    assert answer["message"].startswith(field)


def test_a_missing_field_is_named(client: WorkerClient) -> None:
    assert client.command("POST", POLL_PATH, 417, {"action": "classify"}) == {
        "apiVersion": "0.1.0",
        "success": 0,
        "status": 417,
        "message": "tags: is required",
        "field": "tags",
    }


@pytest.mark.parametrize("kind", [None, "text/plain", "application/x-www-form-urlencoded"])
def test_a_body_that_any_web_page_may_send_is_refused(client: WorkerClient, kind: str | None) -> None:
    response = client.service.command_app.test_client().post(POLL_PATH, data=b"{}", content_type=kind)

    assert response.status_code == 415
    assert response.get_json()["message"] == f"expected Content-Type: application/json, got {kind or 'none'}"


def test_a_body_that_is_too_deep_is_refused(client: WorkerClient) -> None:
    answer = client.service.command_app.test_client().post(POLL_PATH, data=b"[" * 100_000, content_type=JSON)

    assert (answer.status_code, answer.get_json()["field"]) == (417, "body")


@pytest.mark.parametrize("body", [b"", b"{", b"\xff"])
def test_what_is_not_json_is_refused(client: WorkerClient, body: bytes) -> None:
    response = client.service.command_app.test_client().post(POLL_PATH, data=body, content_type=JSON)

    assert (response.status_code, response.get_json()) == (
        400,
        {"apiVersion": "0.1.0", "success": 0, "status": 400, "message": ANY, "field": None},
    )


def test_a_body_that_is_too_large_is_refused(client: WorkerClient) -> None:
    response = client.service.command_app.test_client().post(POLL_PATH, data=b" " * 200_000, content_type=JSON)

    assert (response.status_code, response.get_json()["success"]) == (413, 0)


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/worker/poll/c/..", 417),
        ("/worker/poll/c/a%00", 417),
        ("/worker/poll/c", 404),
        ("/nothing", 404),
        ("/worker/align/c/p", 405),
    ],
)
def test_wrong_addresses_are_answered_in_json(client: WorkerClient, path: str, status: int) -> None:
    assert client.command("GET", path, status)["success"] == 0


def test_another_method_is_told_which_is_taken(client: WorkerClient) -> None:
    assert client.command("GET", "/worker/align/c/p", 405)["message"] == (
        "GET is not taken at /worker/align/c/p; expected POST"
    )


@pytest.mark.parametrize("wait", ["soon", "-1", "nan"])
def test_a_wait_is_a_number(client: WorkerClient, wait: str) -> None:
    assert client.command("GET", f"{POLL_PATH}?wait={wait}", 417)["field"] == "wait"


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"session_id": "short"}, "session_id"),
        ({"id": "../x"}, "id"),
        ({"metas": ["test"]}, "metas[0]"),
        ({"feature_space": {}}, "feature_space.datatype"),
        ({"action": "regress"}, "feature_space.action"),
        ({"architecture": []}, "architecture"),
        ({"family": "layer"}, "family"),
        ({"hyperparameters": RUN | {"optimizer": "SDG"}}, "optimizer"),
        ({"hyperparameters": RUN | {"epochs": -1}}, "epochs"),
        ({"alignments": {"train": {"X": [-1]}}}, "alignments.train.X[0]"),
    ],
)
def test_a_wrong_session_is_refused_by_field(client: WorkerClient, changes: dict[str, Any], field: str) -> None:
    agreement = client.agree(TAGS)

    answer = client.initialise(agreement, status=417, **changes)

    assert answer["field"] == field
    assert client.data("GET", "rounds/0").status_code == 404


def test_a_network_that_does_not_take_the_rows_is_refused_at_once(client: WorkerClient) -> None:
    agreement = client.agree(TAGS)
    layer: dict[str, Any] = {**agreement.layers()[0], "structure": {"in_features": 5, "out_features": 3}}

    answer = client.initialise(agreement, status=417, architecture=[layer])

    assert answer["field"] == "model[0]"
    assert "cannot take rows of shape (13,)" in answer["message"]


def test_data_that_cannot_be_used_is_refused_by_file(client: WorkerClient, data: Path) -> None:
    agreement = client.agree(TAGS)
    (data / "wine" / "evaluate" / "rows.csv").write_text("alcohol,target\n")

    assert client.initialise(agreement, status=422)["field"] == "wine/evaluate/rows.csv"
    shutil.rmtree(data / "wine" / "evaluate")
    assert client.initialise(agreement, status=422)["field"] == "tags.evaluate[0]"


@pytest.mark.parametrize("drift", ["fewer columns", "other labels"])
def test_data_that_no_longer_fits_is_refused(client: WorkerClient, data: Path, drift: str) -> None:
    agreement = client.agree(TAGS)
    frame = wine()[:50]
    changed, named = {
        "fewer columns": (frame.drop(columns="alcohol"), "'alcohol'"),
        "other labels": (frame.assign(target="merlot"), "'target'"),
    }[drift]
    write_frame(data, ["wine", "evaluate"], changed)

    for answer in (
        client.command("POST", "/worker/align/c/p1", 409, agreement.body()),
        client.initialise(agreement, status=409),
    ):
        assert answer["message"].startswith("evaluate: ")
        assert named in answer["message"]


def test_missing_columns_must_be_those_of_the_space(client: WorkerClient) -> None:
    agreement = client.agree(TAGS)
    wrong = {"train": {"X": [0], "y": []}, "evaluate": {"X": [], "y": []}}

    answer = client.command("POST", "/worker/align/c/p1", 409, agreement.body() | {"alignments": wrong})

    assert answer["message"] == (
        "train: columns or levels differ from those at alignment, in column 'alcalinity_of_ash'"
    )


@pytest.mark.parametrize("state", ["never opened", "open", "running", "done", "ended"])
def test_terminate_works_in_every_state(client: WorkerClient, compute: HeldExecutor, state: str) -> None:
    agreement = client.agree(TAGS)
    if state != "never opened":
        client.initialise(agreement)
    compute.is_held = state == "running"
    if state in {"running", "done"}:
        client.data("PUT", "rounds/0", blob_of(agreement.weights()), wait=0)
    if state == "ended":
        client.terminate()

    for session in ("0" * 32, SESSION, SESSION):
        assert client.terminate(session_id=session)["data"] == {
            "key": {"collab_id": "c", "project_id": "p1", "expt_id": "e1", "run_id": "r1"},
            "is_live": False,
        }
    compute.release()
    assert client.data("GET", "rounds/0").status_code == 404
    assert client.initialise(agreement)["data"]["is_live"] is True


def test_a_session_ended_while_it_is_being_opened_never_opens(client: WorkerClient, compute: HeldExecutor) -> None:
    agreement = client.agree(TAGS)
    compute.is_held = True
    with ThreadPoolExecutor() as pool:
        opening = pool.submit(client.initialise, agreement, status=409)
        assert compute.has_some.wait(100)
        client.terminate(session_id="0" * 32)
        client.terminate()
        compute.release()

    assert opening.result()["message"] == "the session was ended while it was being opened"
    assert client.data("GET", "rounds/0").status_code == 404


@pytest.mark.parametrize("body", [{}, {"session_id": None}, {"session_id": "*"}, {"session_id": [SESSION]}])
def test_nobody_ends_a_session_without_its_id(client: WorkerClient, body: dict[str, Any]) -> None:
    client.initialise(client.agree(TAGS))

    refused = client.command("POST", "/worker/terminate/c/p1/e1/r1", 417, body)

    assert refused["field"] == "session_id"
    assert message_of(client.data("GET", "rounds/0")) == "round 0 was never put"


def test_terminating_another_run_s_session_does_nothing(client: WorkerClient) -> None:
    client.initialise(client.agree(TAGS))

    client.command("POST", "/worker/terminate/c/p1/e1/other", 200, {"session_id": SESSION})

    assert message_of(client.data("GET", "rounds/0")) == "round 0 was never put"


def test_a_session_id_belongs_to_one_run(client: WorkerClient) -> None:
    agreement = client.agree(TAGS)
    client.initialise(agreement)
    client.run = "r2"

    assert client.initialise(agreement, status=409)["message"] == "this session belongs to another run"
    client.predict("evaluate", status=404)


def test_a_session_nobody_talks_to_ends(client: WorkerClient, clock: Clock) -> None:
    client.initialise(client.agree(TAGS))
    sessions = client.service.sessions

    clock.now = 600
    sessions.sweep()
    assert message_of(client.data("GET", "rounds/0")) == "round 0 was never put"
    clock.now = 1200
    sessions.sweep()
    assert client.data("GET", "rounds/0").get_json()["message"] == "round 0 was never put"
    clock.now = 1801
    sessions.sweep()

    assert message_of(client.data("GET", "rounds/0")) == "there is no such session, or it has ended"


def test_predicting_needs_a_model_and_rows(client: WorkerClient) -> None:
    agreement = client.agree(TAGS)
    client.initialise(agreement, metas=["evaluate"])

    assert client.predict("evaluate", status=409)["message"] == "no model was put into this session"
    client.data("PUT", "model", blob_of(agreement.weights()))
    assert client.predict("train", status=417)["message"] == "metas[0]: this session has no train rows"
    assert client.data("PUT", "rounds/0", blob_of(agreement.weights())).status_code == 409
    assert "evaluate" in client.predict("evaluate")["data"]["results"]


def test_a_prediction_that_takes_longer_is_asked_for_again(client: WorkerClient, compute: HeldExecutor) -> None:
    agreement = client.agree(TAGS)
    client.initialise(agreement)
    client.data("PUT", "model", blob_of(agreement.weights()))
    compute.is_held = True

    first = client.predict("evaluate", wait=0, status=202)
    client.predict("train", wait=0, status=409)
    compute.release()

    assert "results" not in first["data"]
    assert list(client.predict("evaluate", wait=0)["data"]["results"]) == ["evaluate"]


def test_another_model_makes_other_predictions(client: WorkerClient) -> None:
    agreement = client.agree(TAGS)
    client.initialise(agreement)
    losses = []
    for seed in (1, 2):
        client.data("PUT", "model", blob_of(agreement.weights(seed)))
        losses.append(client.predict("evaluate")["data"]["results"]["evaluate"]["statistics"]["roc_auc_score"])

    assert losses[0] != losses[1]


@pytest.mark.parametrize("size", [0, 100, 1100])
def test_a_full_disk_leaves_nothing_half_written(client: WorkerClient, data: Path, size: int) -> None:
    agreement = client.agree(TAGS)
    client.initialise(agreement)
    client.data("PUT", "model", blob_of(agreement.weights(1)))
    folder = Path(client.predict("evaluate")["data"]["results"]["evaluate"]["res_path"]).parent
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    client.data("PUT", "model", blob_of(agreement.weights(2)))

    # What is logged in here would not find room either.
    with files_up_to(size), capture_logs():
        failed = client.predict("evaluate", status=422)

    assert failed["message"] == "the predictions for evaluate could not be written: File too large"
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
    assert list(folder.parent.iterdir()) == [folder]
    client.predict("evaluate")
    assert (folder / "inference_scores_evaluate.txt").read_bytes() != before["inference_scores_evaluate.txt"]


def test_a_place_that_is_no_folder_is_said(client: WorkerClient, data: Path) -> None:
    agreement = client.agree(TAGS)
    client.initialise(agreement)
    client.data("PUT", "model", blob_of(agreement.weights()))
    place = data.parent / "outputs" / "c"
    place.write_text("a file where the folder should be")

    failed = client.predict("evaluate", status=422)
    place.unlink()
    mended = client.predict("evaluate")

    assert failed["message"].startswith("the predictions for evaluate could not be written: ")
    path = Path(mended["data"]["results"]["evaluate"]["res_path"])
    assert json.loads(path.read_text())["accuracy"]
