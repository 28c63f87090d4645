"""A model is shown as that of what it was trained from, and of nothing else; the trainings before it stay."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from fakes.orchestration import (
    ALIGNMENTS_URL,
    COLLABORATION_URL,
    EXPERIMENT_URL,
    HYPERPARAMETERS,
    LAYERS,
    MODELS_URL,
    PROJECT_URL,
    RUN,
    RUN_URL,
    VALIDATIONS_URL,
    CannedDispatcher,
    Client,
    E,
    P,
    R,
    leave,
    outputs_of,
    predictions_url,
)
from synergos.domain.keys import RunKey
from synergos.domain.outputs import read_outputs
from synergos.domain.records import Kind
from synergos.records import RecordStore, archive
from synergos.rest import create_app

MODEL_URL = f"{MODELS_URL}/{E}/{R}"
PROJECT_BODY = {"project_id": P, "incentives": {}}
WIDER = [{**LAYERS[0], "structure": {"bias": False, "in_features": 28, "out_features": 1}}]

Change = Callable[[Client], Any]
CHANGES: list[Change] = [
    lambda client: client.put(RUN_URL, {"lr": 9.0}),
    lambda client: client.post(f"{EXPERIMENT_URL}/runs", {"run_id": R, **HYPERPARAMETERS, "rounds": 3}),
    lambda client: client.put(EXPERIMENT_URL, {"model": WIDER}),
    lambda client: client.post(f"{PROJECT_URL}/experiments", {"expt_id": E, "model": WIDER}),
    lambda client: client.put(PROJECT_URL, {"action": "classify"}),
    lambda client: client.post(f"{COLLABORATION_URL}/projects", {**PROJECT_BODY, "action": "classify"}),
]
BACK: list[Change] = [
    lambda client: client.put(RUN_URL, {"lr": HYPERPARAMETERS["lr"]}),
    lambda client: client.post(f"{EXPERIMENT_URL}/runs", {"run_id": R, **HYPERPARAMETERS}),
    lambda client: client.put(EXPERIMENT_URL, {"model": LAYERS}),
    lambda client: client.post(f"{PROJECT_URL}/experiments", {"expt_id": E, "model": LAYERS}),
    lambda client: client.put(PROJECT_URL, {"action": "regress"}),
    lambda client: client.post(f"{COLLABORATION_URL}/projects", {**PROJECT_BODY, "action": "regress"}),
]


def shown(client: Client) -> dict[str, int]:
    """How many results are shown, wherever they could be."""
    found = client.data("GET", RUN_URL)["relations"]
    assert client.data("GET", EXPERIMENT_URL)["relations"]["Model"] == found["Model"]
    lists = {
        "Model": MODEL_URL,
        "Validation": f"{VALIDATIONS_URL}/{E}/{R}",
        "Prediction": f"{predictions_url('worker_1')}/{P}/{E}/{R}",
    }
    for kind, url in lists.items():
        status, answer = client.get(url)
        assert len(answer.get("data", [])) == len(found[kind])
        assert status == (200 if found[kind] else 404)
    return {kind: len(found[kind]) for kind in lists}


ALL = {"Model": 1, "Validation": 2, "Prediction": 1}
NONE = dict.fromkeys(ALL, 0)


@pytest.mark.parametrize(("change", "back"), list(zip(CHANGES, BACK, strict=True)))
def test_what_was_trained_is_not_shown_under_another_definition_and_again_under_its_own(
    finished: Client, change: Change, back: Change
) -> None:
    assert shown(finished) == ALL

    change(finished)
    assert shown(finished) == NONE
    [version] = finished.data("GET", f"{MODEL_URL}/versions")
    assert (version["version"], version["is_current"]) == (1, False)
    assert version["definition"]["run"]["lr"] == HYPERPARAMETERS["lr"]

    back(finished)
    assert shown(finished) == ALL
    assert finished.data("GET", f"{MODEL_URL}/versions")[0]["is_current"]


@pytest.mark.parametrize("again", BACK)
def test_a_notebook_that_declares_everything_again_loses_nothing(finished: Client, again: Change) -> None:
    again(finished)

    assert shown(finished) == ALL


@pytest.mark.parametrize(
    ("url", "body"),
    [
        (f"{VALIDATIONS_URL}/{E}/{R}", {}),
        (f"{predictions_url('worker_1')}/{P}/{E}/{R}", {"tags": {P: [["abalone", "data1", "predict"]]}}),
    ],
)
def test_what_was_changed_is_trained_again_before_it_is_used(finished: Client, url: str, body: dict[str, Any]) -> None:
    finished.put(RUN_URL, {"lr": 9.0})

    status, answer = finished.post(url, body)
    assert status == 409
    assert "was changed since it was trained: abalone_experiment/abalone_run; train it again" in answer["message"]

    finished.data("POST", MODEL_URL, {})
    assert finished.post(url, body)[0] == 200
    [model] = finished.data("GET", MODEL_URL)
    assert (model["version"], model["definition"]["run"]["lr"]) == (2, 9.0)


def test_a_project_that_does_something_else_says_which_runs_cannot_be_trained_for_it(finished: Client) -> None:
    assert "warnings" not in finished.put(PROJECT_URL, {"action": "classify"})[1]
    finished.data("PUT", RUN_URL, {"criterion": "CrossEntropyLoss"})

    status, answer = finished.put(PROJECT_URL, {"action": "regress"})

    assert status == 200
    [warning] = answer["warnings"]
    assert warning.startswith(f"run {E}/{R} cannot be trained to regress: criterion: CrossEntropyLoss is of classes")
    finished.data("POST", ALIGNMENTS_URL, {})
    status, refused = finished.post(MODEL_URL, {})
    assert (status, refused["message"]) == (409, warning)

    finished.data("PUT", RUN_URL, {"criterion": "MSELoss"})
    assert "warnings" not in finished.put(PROJECT_URL, {"action": "regress"})[1]
    assert finished.post(MODEL_URL, {})[0] == 200


def test_a_model_that_was_trained_for_another_action_than_the_project_has_by_then_is_not_shown(
    finished: Client, dispatcher: CannedDispatcher
) -> None:
    def change_meanwhile(store: RecordStore, job: Any) -> Any:
        outputs = read_outputs(job.stage, outputs_of(store, job))
        finished.put(PROJECT_URL, {"action": "classify"})
        return archive(store, job, outputs)

    dispatcher.do = change_meanwhile
    finished.data("POST", MODEL_URL, {})

    assert shown(finished) == NONE


def test_a_run_that_is_changed_while_it_is_trained_has_no_model(
    finished: Client, store: RecordStore, dispatcher: CannedDispatcher
) -> None:
    def change_meanwhile(store: RecordStore, job: Any) -> Any:
        outputs = read_outputs(job.stage, outputs_of(store, job))
        finished.put(RUN_URL, {"lr": 9.0})
        return archive(store, job, outputs)

    dispatcher.do = change_meanwhile
    [answered] = finished.data("POST", MODEL_URL, {})

    assert (answered["is_outdated"], answered["definition"]["run"]["lr"]) == (True, HYPERPARAMETERS["lr"])
    assert shown(finished) == NONE
    assert [each["is_current"] for each in finished.data("GET", f"{MODEL_URL}/versions")] == [False, False]


def test_training_again_keeps_the_trainings_before_with_their_figures(finished: Client) -> None:
    first = finished.data("GET", MODEL_URL)[0]
    for _ in range(3):
        finished.data("POST", MODEL_URL, {})

    versions = finished.data("GET", f"{MODEL_URL}/versions")

    assert [(each["version"], each["is_current"]) for each in versions] == [(2, False), (3, False), (4, True)]
    finished.data("POST", f"{VALIDATIONS_URL}/{E}/{R}", {})
    assert first["figures"]["validation"].keys() == {"worker_1", "worker_2"}
    validated = [each["figures"]["validation"].keys() for each in finished.data("GET", f"{MODEL_URL}/versions")]
    assert validated == [set(), set(), {"worker_1", "worker_2"}]
    beneath = finished.data("GET", RUN_URL)["relations"]["ModelVersion"]
    assert [each["version"] for each in beneath] == [2, 3, 4]
    assert beneath[0]["digest"] == first["definition"]["digest"]
    assert "feature_space" not in {*beneath[0], *versions[0]}, "the manifest has it"


def test_a_page_of_trainings_can_be_had(finished: Client) -> None:
    finished.data("POST", MODEL_URL, {})

    newest = finished.data("GET", f"{MODEL_URL}/versions?order=newest&limit=1&fields=version,is_current")

    assert [(each["version"], each["is_current"]) for each in newest] == [(2, True)]


def test_the_trainings_of_a_run_go_with_it(finished: Client, store: RecordStore) -> None:
    finished.delete(RUN_URL)

    assert store.find(Kind.MODEL_VERSION) == []
    assert finished.get(f"{MODEL_URL}/versions")[0] == 404


def test_what_was_trained_before_models_had_versions_is_the_first_of_them(finished: Client, store: RecordStore) -> None:
    key = RunKey.of(RUN)
    store.delete(Kind.MODEL_VERSION, key.trained_as(1))
    old = {name: value for name, value in store.get(Kind.MODEL, key).items() if name in OLD_FIELDS}
    store.put(Kind.MODEL, key, old)

    finished.put(RUN_URL, {"lr": 9.0})
    assert shown(finished) == NONE
    finished.put(RUN_URL, {"lr": HYPERPARAMETERS["lr"]})
    assert shown(finished)["Model"] == 1


OLD_FIELDS = ("global", "local_1", "local_2", "architecture", "feature_space", "hyperparameters")


@pytest.fixture
def served(store: RecordStore, dispatcher: CannedDispatcher, tmp_path: Path, finished: Client) -> Client:
    """A client of a grid that has trained a run three times."""
    for _ in range(2):
        finished.data("POST", MODEL_URL, {})
    folder = RunKey.of(RUN).folder(tmp_path / "outputs")
    for number, place in ((1, folder / "versions" / "1"), (2, folder / "versions" / "2"), (3, folder)):
        place.mkdir(parents=True, exist_ok=True)
        (place / "manifest.json").write_bytes(b"%d" % number)
    return Client(create_app(store, dispatcher, component_id="ttp/1", outputs=tmp_path / "outputs").test_client())


def content(client: Client, url: str) -> tuple[int, bytes]:
    answer = client.http.get(f"{MODEL_URL}/{url}", buffered=True)
    return answer.status_code, answer.data


def test_the_files_of_each_training_are_served_and_never_those_of_another(served: Client, tmp_path: Path) -> None:
    assert content(served, "artifacts/manifest.json") == (200, b"3")
    for number in (1, 2, 3):
        [listed] = served.data("GET", f"{MODEL_URL}/versions/{number}/artifacts")
        assert (listed["name"], listed["bytes"]) == ("manifest.json", 1)
        assert content(served, f"versions/{number}/artifacts/manifest.json") == (200, b"%d" % number)

    lost = RunKey.of(RUN).folder(tmp_path / "outputs") / "versions" / "1"
    (lost / "manifest.json").unlink()
    lost.rmdir()
    assert served.get(f"{MODEL_URL}/versions/1/artifacts/manifest.json")[0] == 404


def test_the_files_of_a_changed_run_are_only_those_of_its_trainings(served: Client) -> None:
    served.put(RUN_URL, {"lr": 9.0})

    status, answer = served.get(f"{MODEL_URL}/artifacts")
    assert status == 404
    assert "was changed since it was trained; the files of that training are those of version 3" in answer["message"]
    assert content(served, "versions/3/artifacts/manifest.json") == (200, b"3")


@pytest.mark.parametrize(("number", "status"), [("4", 404), ("0", 417), ("x", 417), ("1e2", 417), ("9" * 50, 417)])
def test_a_training_that_there_is_not_is_refused(served: Client, number: str, status: int) -> None:
    answer = served.get(f"{MODEL_URL}/versions/{number}/artifacts")

    assert answer[0] == status
    assert "version" in answer[1]["message"]


def test_while_a_run_is_trained_again_its_trainings_are_still_listed(
    finished: Client, dispatcher: CannedDispatcher
) -> None:
    dispatcher.do = leave
    finished.post(MODEL_URL, {})

    assert shown(finished) == NONE
    assert len(finished.data("GET", f"{MODEL_URL}/versions")) == 1
