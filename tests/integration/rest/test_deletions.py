"""Deleting over HTTP: what is at work ends first, and the answer says what became of files."""

from __future__ import annotations

import threading

import pytest

from fakes.orchestration import (
    CONNECT,
    EXPERIMENT_URL,
    MODELS_URL,
    PROJECT_URL,
    RUN_URL,
    VALIDATIONS_URL,
    C,
    CannedDispatcher,
    Client,
    E,
    P,
    R,
    leave,
    predictions_url,
    registration_url,
)
from synergos.domain.job import Job, JobState
from synergos.domain.records import Kind
from synergos.domain.removal import Removal
from synergos.domain.study import StudyState
from synergos.errors import Conflict
from synergos.orchestration import OWNER
from synergos.orchestration.deletions import Deletions
from synergos.orchestration.orchestrator import Orchestrator
from synergos.orchestration.study_records import StudyRecords
from synergos.records import RecordStore
from synergos.records.removals import Removals

RUN_KEY = {"collab_id": C, "project_id": P, "expt_id": E, "run_id": R}
NOTHING = {"kept": False, "removed": [], "waiting": [], "stay": []}


def states(store: RecordStore) -> set[JobState]:
    return {job.state for job in store.jobs()}


def removals_of(store: RecordStore) -> list[Removal]:
    return Removals(store).select({}).items


def test_a_run_that_never_ran_has_no_files(declared: Client, store: RecordStore) -> None:
    _, answer = declared.delete(RUN_URL)

    assert answer["data"]["key"] == RUN_KEY
    assert answer["files"] == NOTHING
    assert removals_of(store) == []


def test_files_that_are_not_gone_yet_are_told_with_their_places(finished: Client) -> None:
    status, answer = finished.delete(RUN_URL)
    _, listed = finished.get("/ttp/removals")

    assert status == 200
    assert answer["data"]["key"] == RUN_KEY
    assert listed["data"] == answer["files"]["waiting"]
    assert [(each["place"], each["address"]) for each in listed["data"]] == [
        ("orchestrator", None),
        ("worker_1", "172.18.0.3:5000"),
        ("worker_2", "172.18.0.4:5000"),
    ]
    assert {each["key"]["run_id"] for each in listed["data"]} == {R}


@pytest.mark.parametrize(
    ("url", "folder"),
    [
        (RUN_URL, RUN_KEY),
        (EXPERIMENT_URL, {"expt_id": E}),
        (PROJECT_URL, {"project_id": P}),
        (f"{CONNECT}/collaborations/{C}", {}),
    ],
    ids=["run", "experiment", "project", "collaboration"],
)
def test_what_is_deleted_takes_its_own_folder_along_and_no_other(
    finished: Client, store: RecordStore, url: str, folder: dict[str, str]
) -> None:
    finished.delete(url)

    expected = {"collab_id": C, **({"project_id": P} if folder else {}), **folder}
    assert [removal.folder.to_dict() for removal in removals_of(store)] == [expected] * 3


@pytest.mark.parametrize("url", [RUN_URL, f"{CONNECT}/participants/worker_1"])
def test_files_can_be_kept(finished: Client, store: RecordStore, url: str) -> None:
    _, answer = finished.delete(f"{url}?keep_files=true")

    assert answer["files"] == {**NOTHING, "kept": True}
    assert removals_of(store) == []


@pytest.mark.parametrize(
    "url", [f"{RUN_URL}?keep_files=yes", f"{RUN_URL}?keep_file=true", f"{registration_url('worker_1')}?keep_files=true"]
)
def test_what_would_be_without_effect_is_refused(finished: Client, url: str) -> None:
    status, answer = finished.delete(url)

    assert (status, answer["field"]) == (417, url.partition("?")[2].partition("=")[0])
    assert finished.get(RUN_URL)[0] == 200


def test_a_participant_takes_what_its_worker_has_along(finished: Client, store: RecordStore) -> None:
    finished.delete(f"{CONNECT}/participants/worker_1")

    [removal] = removals_of(store)
    assert (removal.place, removal.folder.to_dict()) == ("worker_1", {"collab_id": C, "project_id": P})


def test_results_of_who_leaves_a_project_stay_and_that_is_told(finished: Client, store: RecordStore) -> None:
    _, answer = finished.delete(registration_url("worker_1"))

    [sentence] = answer["files"]["stay"]
    assert sentence.startswith("the validations and predictions of 'worker_1' stay")
    assert removals_of(store) == []
    assert store.find(Kind.PREDICTION, {"participant_id": "worker_1"})

    # Nobody knows any more where its worker is.
    _, later = finished.delete(RUN_URL)
    [sentence] = later["files"]["stay"]
    assert sentence.startswith("what 'worker_1' has in the outputs folder of its worker stays")
    assert {removal.place for removal in removals_of(store)} == {"orchestrator", "worker_2"}


def test_a_removal_can_be_given_up(finished: Client, store: RecordStore) -> None:
    finished.delete(RUN_URL)
    [_, gone, _] = removals_of(store)

    status, answer = finished.delete(f"/ttp/removals/{gone.id}")

    assert (status, answer["data"]["place"]) == (200, "worker_1")
    assert [removal.place for removal in removals_of(store)] == ["orchestrator", "worker_2"]
    assert finished.delete(f"/ttp/removals/{gone.id}")[0] == 404


def test_removals_are_chosen_by_what_was_deleted(finished: Client) -> None:
    finished.delete(RUN_URL)

    _, answer = finished.get("/ttp/removals?participant_id=worker_2")
    _, other = finished.get("/ttp/removals?run_id=other")

    assert [each["place"] for each in answer["data"]] == ["worker_2"]
    assert other["data"] == []


# What is at work


@pytest.fixture
def at_work(finished: Client, dispatcher: CannedDispatcher) -> Client:
    """A client whose run is being trained, validated and predicted, and those are all that is at work."""
    dispatcher.do = leave
    finished.data("POST", f"{MODELS_URL}/{E}/{R}", {})
    finished.data("POST", f"{VALIDATIONS_URL}/{E}/{R}", {})
    finished.data("POST", f"{predictions_url('worker_1')}/{P}/{E}/{R}", {"tags": {P: [["abalone", "new"]]}})
    return finished


@pytest.mark.parametrize(
    "url", [RUN_URL, EXPERIMENT_URL, PROJECT_URL, f"{CONNECT}/collaborations/{C}", f"{CONNECT}/participants/worker_1"]
)
def test_jobs_at_work_on_it_end_first(at_work: Client, store: RecordStore, url: str) -> None:
    assert len(store.unfinished_jobs()) == 3

    assert at_work.delete(url)[0] == 200

    assert store.unfinished_jobs() == []
    assert states(store) == {JobState.COMPLETED, JobState.CANCELLED}


def test_jobs_that_do_without_it_go_on(at_work: Client, store: RecordStore) -> None:
    at_work.data("POST", f"{EXPERIMENT_URL}/runs", {"run_id": "other"})
    at_work.data("DELETE", f"{EXPERIMENT_URL}/runs/other")
    assert len(store.unfinished_jobs()) == 3

    at_work.data("DELETE", registration_url("worker_2"))
    assert [job.keys.to_dict() for job in store.unfinished_jobs()] == [{**RUN_KEY, "participant_id": "worker_1"}]


class Stubborn(CannedDispatcher):
    """Whose jobs end when they are told to by the test."""

    def cancel(self, job_id: str) -> Job:
        raise Conflict("its outcome is on its way")


def test_nothing_is_deleted_under_a_job_that_does_not_end(at_work: Client, store: RecordStore) -> None:
    orchestrator = Orchestrator(store, Stubborn(store))
    deletions = Deletions(store, Stubborn(store), orchestrator.declarations, stop_seconds=0.0)

    with pytest.raises(Conflict, match=r"was asked to stop and has not ended yet; delete again when it has"):
        deletions.delete(OWNER, Kind.RUN, RUN_KEY)

    assert store.find(Kind.RUN, RUN_KEY)
    assert removals_of(store) == []


def test_a_job_that_completes_after_all_is_waited_for(at_work: Client, store: RecordStore) -> None:
    orchestrator = Orchestrator(store, Stubborn(store))
    deletions = Deletions(store, Stubborn(store), orchestrator.declarations)

    def end_all() -> None:
        for job in store.unfinished_jobs():
            store.save_job(job.ended(JobState.COMPLETED))

    ending = threading.Timer(0.2, end_all)
    ending.start()
    deletions.delete(OWNER, Kind.RUN, RUN_KEY)
    ending.join()

    assert store.find(Kind.RUN, RUN_KEY) == []
    assert states(store) == {JobState.COMPLETED}


def test_a_search_in_it_is_stopped(finished: Client, store: RecordStore, dispatcher: CannedDispatcher) -> None:
    dispatcher.do = leave
    asked = {"search_space": {"lr": {"_type": "choice", "_value": [0.1]}}, "metric": "R2", "optimize_mode": "max"}
    finished.data("POST", f"{MODELS_URL}/{E}/optimizations", asked)
    studies, seen = StudyRecords(store), []

    def tune() -> None:
        for study in studies.unfinished():
            seen.append(study.state)
            studies.end(study, StudyState.STOPPED)

    Orchestrator(store, dispatcher, wake_tuner=tune).deletions.delete(OWNER, Kind.EXPERIMENT, RUN_KEY)

    assert seen == [StudyState.STOPPING]
    assert studies.find({}) == []


# Results by themselves


MODEL_URL, VALIDATION_URL = f"{MODELS_URL}/{E}/{R}", f"{VALIDATIONS_URL}/{E}/{R}"
PREDICTION_URL = f"{predictions_url('worker_1')}/{P}/{E}/{R}"


def kinds_left(store: RecordStore) -> dict[str, int]:
    kinds = (Kind.MODEL, Kind.MODEL_VERSION, Kind.VALIDATION, Kind.PREDICTION)
    return {kind.value: len(found) for kind in kinds if (found := store.find(kind, RUN_KEY))}


@pytest.mark.parametrize(
    ("url", "method", "left", "places"),
    [
        (MODEL_URL, "models.delete", {}, [("orchestrator", None), ("worker_1", None), ("worker_2", None)]),
        (
            VALIDATION_URL,
            "validations.delete",
            {"Model": 1, "ModelVersion": 1, "Prediction": 1},
            [("worker_1", "evaluate"), ("worker_2", "evaluate")],
        ),
        (
            f"{VALIDATION_URL}/worker_2",
            "validations.delete",
            {"Model": 1, "ModelVersion": 1, "Validation": 1, "Prediction": 1},
            [("worker_2", "evaluate")],
        ),
        (
            PREDICTION_URL,
            "predictions.delete",
            {"Model": 1, "ModelVersion": 1, "Validation": 2},
            [("worker_1", "predict")],
        ),
    ],
)
def test_results_take_what_rests_on_them_and_their_own_files_along(
    finished: Client,
    store: RecordStore,
    url: str,
    method: str,
    left: dict[str, int],
    places: list[tuple[str, str | None]],
) -> None:
    shown = finished.data("GET", url)

    status, answer = finished.delete(url)

    assert (status, answer["method"]) == (200, method)
    assert [each["key"] for each in answer["data"]] == [each["key"] for each in shown]
    assert kinds_left(store) == left
    assert [(each["place"], each["purpose"]) for each in answer["files"]["waiting"]] == places
    assert {each["key"]["run_id"] for each in answer["files"]["waiting"]} == {R}
    assert finished.delete(url)[0] == 404
    assert finished.get(RUN_URL)[0] == 200


def test_a_model_says_no_figures_of_a_validation_that_is_gone(finished: Client) -> None:
    assert finished.data("GET", MODEL_URL)[0]["figures"]["validation"].keys() == {"worker_1", "worker_2"}

    finished.delete(f"{VALIDATION_URL}/worker_1")

    assert finished.data("GET", MODEL_URL)[0]["figures"]["validation"].keys() == {"worker_2"}


@pytest.mark.parametrize("url", [MODELS_URL, f"{MODELS_URL}/{E}", VALIDATIONS_URL, predictions_url("worker_1")])
def test_results_are_deleted_of_one_run_at_a_time(finished: Client, store: RecordStore, url: str) -> None:
    before = kinds_left(store)

    status, answer = finished.delete(url)

    assert (status, answer["field"]) == (417, "run_id")
    assert kinds_left(store) == before


@pytest.mark.parametrize(
    ("url", "go_on"),
    [(MODEL_URL, set()), (VALIDATION_URL, {"train", "predict"}), (PREDICTION_URL, {"train", "validate"})],
)
def test_only_what_uses_results_or_leaves_them_anew_is_cancelled(
    at_work: Client, store: RecordStore, url: str, go_on: set[str]
) -> None:
    assert at_work.delete(url)[0] == 200

    assert {job.stage.value for job in store.unfinished_jobs()} == go_on
