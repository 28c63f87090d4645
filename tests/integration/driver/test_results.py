"""What came of a run, as a notebook asks for it."""

from __future__ import annotations

from typing import Any

import pytest

from fakes.recording_server import RecordingServer
from synergos import Driver
from synergos.driver import DriverError

RUNS = "/ttp/connect/collaborations/c/projects/p/experiments/e/runs"
MODELS = "/ttp/train/collaborations/c/projects/p/models/e"
VALIDATIONS = "/ttp/evaluate/collaborations/c/projects/p/validations/e"
KEY = {"collab_id": "c", "project_id": "p", "expt_id": "e", "run_id": "r"}
MATRIX = [[3, 1], [0, 4]]
FIGURES = {
    "statistics": {"f_score": [0.5, 0.75]},
    "classes": ["no", "yes"],
    "overall": {"rows": 8, "accuracy": 0.9, "confusion_matrix": MATRIX},
}
TOGETHER = {**FIGURES, "participants": ["w1"], "over": {}, "reasons": {}}
MEASURED = [{"kind": "Validation", "key": {**KEY, "participant_id": "w1"}, "evaluate": FIGURES, "pooled": TOGETHER}]


def answer(data: Any) -> dict[str, Any]:
    return {"apiVersion": "0.1.0", "status": 200, "data": data}


def test_the_results_of_a_run_are_those_of_each_participant_and_of_all(driver: Driver, server: RecordingServer) -> None:
    server.answer_always("GET", f"{VALIDATIONS}/r", 200, answer(MEASURED))

    frame = driver.runs.results("c", "p", "e", "r")

    assert frame[["participant_id", "label", "f_score", "overall.rows"]].to_numpy().tolist() == [
        ["w1", "no", 0.5, 8],
        ["w1", "yes", 0.75, 8],
        ["(all)", "no", 0.5, 8],
        ["(all)", "yes", 0.75, 8],
    ]


def test_runs_are_compared_though_some_have_no_results(driver: Driver, server: RecordingServer) -> None:
    runs = [{"kind": "Run", "key": {**KEY, "run_id": name}, "lr": lr} for name, lr in (("r", 0.1), ("s", 0.2))]
    server.answer_always("GET", RUNS, 200, answer(runs))
    server.answer_always("GET", MODELS, 404, {"apiVersion": "0.1.0", "status": 404, "message": "no Model"})
    server.answer_always("GET", VALIDATIONS, 200, answer(MEASURED))

    frame = driver.runs.compare("c", "p", "e")

    assert frame["run_id"].tolist() == ["r", "s"]
    assert frame["lr"].tolist() == [0.1, 0.2]
    assert frame["overall.accuracy"].isna().tolist() == [False, True]
    assert frame["model.version"].isna().all()


def test_runs_of_all_experiments_are_compared_too(driver: Driver, server: RecordingServer) -> None:
    experiments = [{"kind": "Experiment", "key": {"expt_id": name}} for name in ("e", "f")]
    server.answer_always("GET", RUNS.removesuffix("/e/runs"), 200, answer(experiments))
    server.answer_always("GET", RUNS, 200, answer([{"kind": "Run", "key": KEY}]))

    assert driver.runs.compare("c", "p")["run_id"].tolist() == ["r"]
    assert [path for _, path, _ in server.seen if path.endswith("/runs")] == [RUNS, RUNS.replace("/e/", "/f/")]


def test_a_history_is_read_from_the_runs_files(driver: Driver, server: RecordingServer) -> None:
    files = f"{MODELS}/r/versions/2/artifacts"
    names = ("global_model.pt", "local_loss_history_w1.json", "global_loss_history.json")
    listed = [{"name": name, "bytes": 1, "sha256": "0", "etag": f"of {name}"} for name in names]
    server.answer_always("GET", files, 200, answer(listed))
    server.answer_always("GET", f"{files}/global_loss_history.json", 200, {"train": {"0": 2.0}, "evaluate": {}})
    server.answer_always("GET", f"{files}/local_loss_history_w1.json", 200, {"0": 4.0})

    history = driver.models.history("c", "p", "e", "r", version=2)

    assert history.frame[["run_id", "origin", "series", "round", "loss"]].to_numpy().tolist() == [
        ["r", "ttp", "train", 0, 2.0],
        ["r", "w1", "local", 0, 4.0],
    ]
    assert server.requests[1].headers["If-Match"] == '"of global_loss_history.json"'


def test_a_history_is_read_anew_when_the_run_is_trained_meanwhile(driver: Driver, server: RecordingServer) -> None:
    listed = answer([{"name": "global_loss_history.json", "bytes": 1, "sha256": "0", "etag": "x"}])
    for status, body in [(200, listed), (412, {"status": 412}), (200, listed), (200, {"train": {"0": 1.0}})]:
        server.answer_next(status, body)

    assert [each.loss for each in driver.models.history("c", "p", "e", "r").losses] == [1.0]


@pytest.mark.parametrize(("participant", "path"), [(None, f"{VALIDATIONS}/r"), ("w1", f"{VALIDATIONS}/r/w1")])
def test_a_confusion_matrix_is_one_participants_or_all_theirs(
    driver: Driver, server: RecordingServer, participant: str | None, path: str
) -> None:
    server.answer_always("GET", path, 200, answer(MEASURED))

    found = driver.validations.confusion_matrix("c", "p", "e", "r", participant)

    assert found.frame.to_numpy().tolist() == MATRIX
    assert found.title == "e/r, w1"


def test_a_confusion_matrix_of_predictions_is_their_owners(driver: Driver, server: RecordingServer) -> None:
    path = "/ttp/evaluate/participants/w1/collaborations/c/predictions/p/e/r"
    predicted = {"kind": "Prediction", "key": {**KEY, "participant_id": "w1"}, "predict": FIGURES}
    server.answer_always("GET", path, 200, answer([predicted]))

    assert driver.predictions.confusion_matrix("w1", "c", "p", "e", "r").classes == ("no", "yes")


@pytest.mark.parametrize(
    "call",
    [
        lambda driver: driver.runs.results("c", "p", "e", "r"),
        lambda driver: driver.runs.compare("c", "p", "e"),
        lambda driver: driver.models.history("c", "p", "e", "r"),
        lambda driver: driver.validations.confusion_matrix("c", "p", "e", "r"),
    ],
    ids=["results", "compare", "history", "matrix"],
)
def test_what_is_not_there_is_raised_even_when_errors_are_not(
    driver: Driver, server: RecordingServer, call: Any
) -> None:
    server.answer_next(404, {"apiVersion": "0.1.0", "status": 404, "message": "nothing of that"})

    with pytest.raises(DriverError, match="nothing of that"):
        call(driver)
