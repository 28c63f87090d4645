from __future__ import annotations

import csv
import json
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pytest
import torch
from werkzeug.test import Client

from factories.worker_data import breast_cancer, wine, write_dataset, write_frame
from fakes.worker_client import RUN, HeldExecutor, WorkerClient, blob_of, message_in
from synergos.domain.feature_space import Action
from synergos_worker.bootstrap import WorkerService

TAGS = {"train": [["wine", "train"]], "evaluate": [["wine", "evaluate"]]}


def test_a_run_from_poll_to_terminate(client: WorkerClient, data: Path) -> None:
    agreement = client.agree(TAGS)
    aligned = client.command("POST", "/worker/align/c/p1", 200, agreement.body())
    opened = client.initialise(agreement)
    weights, losses = agreement.weights(), []
    for number in range(3):
        response = client.data("PUT", f"rounds/{number}", blob_of(weights, round=number))
        weights, metadata = message_in(response, weights)
        losses.append(metadata["train_loss"])
    measured = client.data("PUT", "evaluations/2", blob_of(weights, round=2)).get_json()
    client.data("PUT", "model", blob_of(weights))
    predicted = client.predict("evaluate")
    ended = client.terminate(session_id=client.session_id)

    assert aligned["data"]["alignments"] == {meta: {"X": [], "y": []} for meta in TAGS}
    assert opened["data"]["rows"] == {"train": 100, "evaluate": 40}
    assert {purpose: len(digests) for purpose, digests in opened["data"]["digests"].items()} == dict.fromkeys(TAGS, 1)
    assert opened["data"]["connections"] == ["('e1', 'r1')"]
    assert {"round": 2, "rows": 100, "epochs": RUN["epochs"]}.items() <= metadata.items()
    assert metadata["evaluation"]["rows"] == opened["data"]["measurable"]["evaluate"] == 40
    assert losses[2] < losses[1] < losses[0]
    assert measured["round"] == 2
    assert measured["evaluation"]["loss"] < metadata["evaluation"]["loss"]
    result = predicted["data"]["results"]["evaluate"]
    assert all(len(values) == 3 for values in result["statistics"].values())
    assert json.loads(Path(result["res_path"]).read_text()) == result["statistics"]
    assert ended["data"]["is_live"] is False
    assert ended["method"] == "terminate.post"
    assert client.data("GET", "rounds/2").status_code == 404


def test_predictions_are_exported_with_names_and_origins(client: WorkerClient, data: Path) -> None:
    agreement = client.agree({**TAGS, "predict": [["wine", "new"]]})
    client.initialise(agreement, metas=["evaluate", "predict"])
    client.data("PUT", "model", blob_of(agreement.weights()))
    results = client.predict("predict", "evaluate")["data"]["results"]

    folder = data.parent / "outputs" / "c" / "p1" / "e1" / "r1" / "predict"
    assert sorted(path.name for path in folder.iterdir()) == [
        "inference_predictions_predict.txt",
        "inference_scores_predict.txt",
        "inference_statistics_predict.json",
        "predictions_predict.csv",
    ]
    rows = list(csv.DictReader((folder / "predictions_predict.csv").read_text().splitlines()))
    assert list(rows[0]) == ["file", "row", "prediction", "score_barbera", "score_barolo", "score_grignolino"]
    assert [row["row"] for row in rows] == [str(number) for number in range(1, 39)]
    assert {row["file"] for row in rows} == {"wine/new/rows.csv"}
    assert np.loadtxt(folder / "inference_scores_predict.txt").shape == (38, 3)
    best = [max((float(row[f"score_{label}"]), label) for label in agreement.space.labels)[1] for row in rows]
    assert best == [row["prediction"] for row in rows]
    assert results["predict"]["res_path"] == str(folder / "inference_statistics_predict.json")
    # No label, no statistics; but lists as long as ever.
    assert results["predict"]["statistics"]["accuracy"] == [None, None, None]
    assert results["evaluate"]["statistics"]["accuracy"][0] is not None
    assert [path.name for path in folder.parent.iterdir() if path.name.startswith(".")] == []


def test_two_classes_have_one_output_and_two_scores(client: WorkerClient, data: Path) -> None:
    write_frame(data, ["cancer"], breast_cancer()[:60])
    agreement = client.agree({"train": [["cancer"]], "evaluate": [["cancer"]]})
    client.initialise(agreement, hyperparameters=RUN | {"criterion": "BCELoss"})
    weights, metadata = message_in(client.data("PUT", "rounds/0", blob_of(agreement.weights())), agreement.weights())
    client.data("PUT", "model", blob_of(weights))
    result = client.predict("evaluate")["data"]["results"]["evaluate"]

    rows = list(csv.DictReader((Path(result["res_path"]).parent / "predictions_evaluate.csv").read_text().splitlines()))
    assert metadata["rows"] == 60
    assert len(result["statistics"]["accuracy"]) == 2
    assert list(rows[0])[3:] == ["score_benign", "score_malignant"]
    assert float(rows[0]["score_benign"]) == pytest.approx(1 - float(rows[0]["score_malignant"]), abs=1e-6)


def test_a_regression_predicts_values(client: WorkerClient, data: Path) -> None:
    frame = wine().drop(columns="target").rename(columns={"proline": "target"})
    schema = dict.fromkeys(frame.columns, "float64")
    write_dataset(data, ["proline"], frame.to_csv(index=False), schema)
    agreement = client.agree({"train": [["proline"]]}, Action.REGRESS)
    client.initialise(agreement, metas=["train"], hyperparameters=RUN | {"criterion": "MSELoss", "lr": 1e-7})
    weights, metadata = message_in(client.data("PUT", "rounds/0", blob_of(agreement.weights())), agreement.weights())
    client.data("PUT", "model", blob_of(weights))
    result = client.predict("train")["data"]["results"]["train"]

    assert metadata["evaluation"] is None
    assert sorted(result["statistics"]) == ["MAE", "MSE", "R2"]
    lines = (Path(result["res_path"]).parent / "predictions_train.csv").read_text().splitlines()
    assert lines[0] == "file,row,prediction"
    assert len(lines) == 179


def test_two_runs_of_a_project_do_not_touch_each_other(service: WorkerService) -> None:
    one = WorkerClient(service, run="r1", session_id="1" * 32)
    two = WorkerClient(service, run="r2", session_id="2" * 32)
    agreement = one.agree(TAGS)
    one.initialise(agreement)
    opened = two.initialise(agreement)
    alone = one.data("PUT", "rounds/0", blob_of(agreement.weights(1))).get_data()

    other = two.data("PUT", "rounds/0", blob_of(agreement.weights(2))).get_data()
    one.terminate()

    assert opened["data"]["connections"] == ["('e1', 'r1')", "('e1', 'r2')"]
    assert alone != other
    assert one.data("GET", "rounds/0").status_code == 404
    assert two.data("GET", "rounds/0").get_data() == other


def test_a_round_repeated_by_a_restarted_worker_gives_the_same_weights(client: WorkerClient) -> None:
    agreement = client.agree(TAGS)
    weights = agreement.weights()
    client.initialise(agreement)
    client.data("PUT", "rounds/0", blob_of(weights))
    first, _ = message_in(client.data("PUT", "rounds/1", blob_of(weights)), weights)
    client.terminate()

    client.initialise(agreement)
    second, _ = message_in(client.data("PUT", "rounds/1", blob_of(weights)), weights)

    assert all(torch.equal(first[name], second[name]) for name in weights)


def test_initialise_is_idempotent_by_session_id(client: WorkerClient) -> None:
    agreement = client.agree(TAGS)
    client.initialise(agreement)
    client.data("PUT", "rounds/0", blob_of(agreement.weights()))

    again = client.initialise(agreement, status=200)

    assert again["data"]["rows"] == {"train": 100, "evaluate": 40}
    assert client.data("GET", "rounds/0").status_code == 200


def test_a_new_session_of_a_run_ends_the_old_one_of_the_same_owner(
    service: WorkerService, client: WorkerClient
) -> None:
    agreement = client.agree(TAGS)
    client.initialise(agreement, owner="a" * 32)
    newer = WorkerClient(service, session_id="f" * 32)

    newer.initialise(agreement, owner="a" * 32)

    assert client.data("GET", "rounds/0").status_code == 404
    assert newer.data("GET", "rounds/0").get_json()["message"] == "round 0 was never put"


@pytest.mark.parametrize(("owner", "other"), [("a" * 32, "b" * 32), ("a" * 32, None), (None, "a" * 32), (None, None)])
def test_a_session_of_another_owner_ends_none(
    service: WorkerService, client: WorkerClient, owner: str | None, other: str | None
) -> None:
    agreement = client.agree(TAGS)
    client.initialise(agreement, owner=owner)
    stranger = WorkerClient(service, session_id="f" * 32)

    stranger.initialise(agreement, owner=other)
    trained = client.data("PUT", "rounds/0", blob_of(agreement.weights()))

    assert message_in(trained, agreement.weights())[1]["rows"] == 100


@pytest.mark.parametrize(("owner", "status"), [("a" * 32, 409), ("b" * 32, 201)])
def test_a_session_that_is_being_opened_gives_way_to_its_owners_next_one_alone(
    service: WorkerService, client: WorkerClient, compute: HeldExecutor, owner: str, status: int
) -> None:
    agreement = client.agree(TAGS)
    compute.is_held = True
    with ThreadPoolExecutor() as pool:
        first = pool.submit(client.initialise, agreement, status=status, owner="a" * 32)
        assert compute.has_some.wait(100)
        second = WorkerClient(service, session_id="f" * 32).initialise(agreement, owner=owner)
        answer = first.result(100)
        compute.release()

    assert second["data"]["is_live"]
    assert status == 201 or answer["message"] == "the session was ended while it was being opened"


def test_opening_a_session_does_not_wait_for_another_ones_round(
    service: WorkerService, client: WorkerClient, compute: HeldExecutor
) -> None:
    agreement = client.agree(TAGS)
    client.initialise(agreement)
    compute.is_held = True
    client.data("PUT", "rounds/0", blob_of(agreement.weights()), wait=0)
    second = WorkerClient(service, run="r2", session_id="2" * 32)

    opened = second.initialise(agreement)
    begun = second.data("PUT", "rounds/0", blob_of(agreement.weights()), wait=0)
    compute.release()

    assert opened["data"]["rows"] == {"train": 100, "evaluate": 40}
    assert begun.status_code == 202
    assert second.data("GET", "rounds/0").get_data()[-100:] == client.data("GET", "rounds/0").get_data()[-100:]


def test_what_does_not_go_together_is_told_by_the_first_round_where_opening_could_not(
    service: WorkerService, client: WorkerClient, compute: HeldExecutor
) -> None:
    agreement = client.agree(TAGS)
    client.initialise(agreement)
    compute.is_held = True
    client.data("PUT", "rounds/0", blob_of(agreement.weights()), wait=0)
    second = WorkerClient(service, run="r2", session_id="2" * 32)

    second.initialise(agreement, hyperparameters=RUN | {"criterion": "NLLLoss", "weight": [1.0, 2.0]})
    second.data("PUT", "rounds/0", blob_of(agreement.weights()), wait=0)
    compute.release()
    failed = second.data("GET", "rounds/0")

    assert failed.status_code == 422
    assert "weight" in failed.get_json()["message"]


def test_purposes_without_tags_have_no_rows(client: WorkerClient) -> None:
    agreement = client.agree({"train": TAGS["train"]})

    opened = client.initialise(agreement)
    response = client.data("PUT", "rounds/0", blob_of(agreement.weights()))

    assert opened["data"]["rows"] == {"train": 100, "evaluate": 0}
    assert message_in(response, agreement.weights())[1]["evaluation"] is None


def test_health_says_who_answers(client: WorkerClient) -> None:
    answer = client.command("GET", "/health", 200)

    assert answer["status"] == "ok"
    assert answer["component"] == "worker"
    assert set(answer) == {
        "status",
        "component",
        "id",
        "version",
        "time",
        "interface",
        "instance",
        "fingerprint",
        "sessions",
        "device",
        "disclosure",
        "minimum_rows",
        "policy",
        "unlisted",
        "approve_models",
    }
    assert answer["sessions"] == 0
    assert answer["policy"]["least_steps"] == 1
    assert (answer["disclosure"], answer["minimum_rows"]) == ("open", None)


def test_each_port_says_which_it_is(service: WorkerService, client: WorkerClient) -> None:
    command = client.command("GET", "/health", 200)
    data = Client(service.data_app).get("/health").json or {}

    assert (command["interface"], data["interface"]) == ("command", "data")
    assert (data["id"], data["instance"]) == (command["id"], command["instance"])


def test_what_a_worker_says_of_itself_is_documented(client: WorkerClient) -> None:
    documented = client.command("GET", "/swagger.json", 200)

    assert set(documented["paths"]) == {"/", "/health", "/bandwidth", "/metrics"}
    assert set(documented["definitions"]["Health"]["required"]) <= set(client.command("GET", "/health", 200))
    assert "/docs" in client.command("GET", "/", 200)["links"]


def test_the_routes_are_documented(client: WorkerClient) -> None:
    documented = client.command("GET", "/worker/swagger.json", 200)

    assert len(documented["paths"]) == 12
    assert "session_id" in documented["definitions"]["Initialise"]["properties"]


def test_a_ttp_of_a_release_too_far_away_is_refused_in_words(service: WorkerService) -> None:
    major, minor, *_ = version("synergos").split(".")
    far = {"Synergos-Version": f"{major}.{int(minor) + 2}.0"}

    answer = Client(service.command_app).post("/worker/terminate/c/p/e/r", json={}, headers=far)

    assert answer.status_code == 422
    assert "only neighbouring minor versions go together; update this worker" in (answer.json or {})["message"]


@pytest.mark.parametrize("distance", [0, 1])
def test_a_ttp_of_a_neighbouring_release_is_answered(service: WorkerService, distance: int) -> None:
    major, minor, *_ = version("synergos").split(".")
    near = {"Synergos-Version": f"{major}.{int(minor) + distance}.0"}

    assert (
        Client(service.command_app)
        .post("/worker/terminate/c/p/e/r", json={"session_id": "0" * 32}, headers=near)
        .status_code
        == 200
    )
