"""What the record store has of something may be damaged: it is shown as such, and takes nothing that is whole with it."""

from __future__ import annotations

from typing import Any

import pytest

from fakes.orchestration import (
    ALIGNMENTS_URL,
    COLLABORATION_URL,
    CONNECT,
    EXPERIMENT_URL,
    HYPERPARAMETERS,
    LAYERS,
    MODELS_URL,
    PROJECT_URL,
    RUN,
    RUN_URL,
    VALIDATIONS_URL,
    Client,
    E,
    P,
    R,
    predictions_url,
    registration,
    registration_url,
    tags,
)
from synergos.domain.job import Job, Stage
from synergos.domain.keys import ExperimentKey
from synergos.domain.study import Direction, Study, Trial
from synergos.orchestration.study_records import StudyRecords
from synergos.records import RecordStore
from synergos.records.leases import Leases

EXPERIMENT = ExperimentKey.of(RUN)
UNREADABLE = "what is stored of it cannot be read"
LISTS = {
    "collaboration": f"{CONNECT}/collaborations",
    "project": f"{COLLABORATION_URL}/projects",
    "experiment": f"{PROJECT_URL}/experiments",
    "run": f"{EXPERIMENT_URL}/runs",
    "participant": f"{CONNECT}/participants",
    "registration": f"{PROJECT_URL}/registrations",
    "tag": f"{registration_url('worker_1')}/tags",
    "alignment": ALIGNMENTS_URL,
    "model": f"{MODELS_URL}/{E}/{R}",
    "model_version": f"{MODELS_URL}/{E}/{R}/versions",
    "validation": f"{VALIDATIONS_URL}/{E}/{R}",
    "prediction": predictions_url("worker_1"),
}
SINGLES = (COLLABORATION_URL, PROJECT_URL, EXPERIMENT_URL, RUN_URL, registration_url("worker_1"))
OF_NO_OBJECT = ("'no JSON'", "'null'", f"'{'[' * 100_000}'")
OF_NO_FORM = (
    '\'{"global": {"path": "/etc/passwd"}, "local_1": 5}\'',
    '\'{"local_1": {"path": NaN, "loss_history": 1e999}}\'',
)
OF_NO_MEASURE = ("'{\"evaluate\": 5}'", "'{\"predict\": [1]}'", '\'{"evaluate": {"statistics": {"auc": NaN}}}\'')


def damage(store: RecordStore, table: str, column: str, value: str, where: str = "1") -> None:
    """What somebody with a pen does to the file."""
    with store.database.writing() as connection:
        # Not a parameter: nothing is to be made of it on its way.
        changed = connection.exec_driver_sql(f"UPDATE {table} SET {column} = {value} WHERE {where}")
        assert changed.rowcount


def read(client: Client, url: str) -> Any:
    status, answer = client.get(url)
    assert status == 200, (url, answer)
    return answer["data"]


def read_everything(client: Client) -> None:
    """All lists, and all records by themselves with what hangs under them, are answered."""
    for url in (*LISTS.values(), *SINGLES, "/ttp/jobs", "/ttp/studies", "/ttp/nodes"):
        read(client, url)


@pytest.mark.parametrize("value", OF_NO_OBJECT)
@pytest.mark.parametrize("table", LISTS)
def test_a_record_that_cannot_be_read_is_shown_as_damaged_and_no_list_is_lost(
    finished: Client, store: RecordStore, table: str, value: str
) -> None:
    before = read(finished, LISTS[table])
    damage(store, table, "payload", value)

    shown = read(finished, LISTS[table])

    shown = shown if isinstance(shown, list) else [shown]
    before = before if isinstance(before, list) else [before]
    assert [each["damaged"] for each in shown] == [UNREADABLE] * len(before)
    assert [each["key"] for each in shown] == [each["key"] for each in before]
    read_everything(finished)


@pytest.mark.parametrize(
    ("table", "value"),
    [
        *(("model", value) for value in OF_NO_FORM),
        *(("model_version", value) for value in OF_NO_FORM),
        ("validation", OF_NO_MEASURE[0]),
        ("validation", OF_NO_MEASURE[2]),
        ("prediction", OF_NO_MEASURE[1]),
        ("alignment", "'{\"train\": 5}'"),
        ("run", "'{\"lr\": NaN}'"),
        ("experiment", f"'{{\"model\": [{'9' * 5000}]}}'"),
    ],
)
def test_a_record_that_has_no_form_is_shown_as_damaged_and_no_list_is_lost(
    finished: Client, store: RecordStore, table: str, value: str
) -> None:
    damage(store, table, "payload", value)

    shown = read(finished, LISTS[table])

    assert [each["damaged"] for each in shown] == [UNREADABLE] * len(shown)
    assert shown
    assert "/etc/passwd" not in str(read(finished, LISTS[table]))
    read_everything(finished)


def test_one_of_several_takes_only_itself(finished: Client, store: RecordStore) -> None:
    damage(store, "validation", "payload", "'5'", "participant_id = 'worker_1'")

    first, second = read(finished, LISTS["validation"])
    related = read(finished, RUN_URL)["relations"]["Validation"]

    for damaged, whole in ((first, second), related):
        assert damaged["key"]["participant_id"] == "worker_1"
        assert (damaged["damaged"], damaged["evaluate"]) == (UNREADABLE, {"statistics": {}, "res_path": None})
        assert "damaged" not in whole
        assert whole["evaluate"]["statistics"]


def test_a_time_that_is_none_takes_no_list_with_it(finished: Client, store: RecordStore) -> None:
    damage(store, "run", "created_at", "'yesterday'")
    [shown] = read(finished, LISTS["run"])
    assert shown["damaged"] == UNREADABLE


def test_what_needs_a_damaged_record_says_so_and_it_can_be_declared_anew(finished: Client, store: RecordStore) -> None:
    damage(store, "experiment", "payload", "'5'")
    status, answer = finished.post(f"{MODELS_URL}/{E}/{R}", {})
    assert status == 409
    assert f"expt_id='{E}' is damaged: declare it anew, or delete it" in answer["message"]

    assert finished.put(EXPERIMENT_URL, {"model": LAYERS})[0] == 200
    assert "damaged" not in read(finished, EXPERIMENT_URL)


@pytest.mark.parametrize("table", ["project", "experiment", "run", "participant", "registration", "tag"])
def test_what_is_damaged_can_be_declared_anew_and_deleted(finished: Client, store: RecordStore, table: str) -> None:
    bodies: dict[str, Any] = {
        "project": {"project_id": P, "action": "regress", "incentives": {}},
        "experiment": {"expt_id": E, "model": LAYERS},
        "run": {"run_id": R, **HYPERPARAMETERS},
        "participant": {"id": "worker_1"},
        "registration": registration("172.18.0.3"),
        "tag": tags("data1"),
    }
    places = {"registration": registration_url("worker_1")}
    damage(store, table, "payload", "'5'")

    status, answer = finished.post(places.get(table, LISTS[table]), bodies[table])

    assert status == 201, answer
    damage(store, table, "payload", "'no JSON'")
    for url in (RUN_URL, EXPERIMENT_URL, PROJECT_URL, f"{CONNECT}/participants/worker_1"):
        status, answer = finished.delete(url)
        assert status == 200, (url, answer)


@pytest.fixture
def jobs(store: RecordStore) -> list[Job]:
    made = [Job(Stage.TRAIN, EXPERIMENT.run_called(f"r{number}")) for number in range(3)]
    store.add_jobs(made)
    return made


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("stage", "'dance'"),
        ("state", "'lost'"),
        ("parameters", "'no JSON'"),
        ("parameters", '\'{"priority": "x"}\''),
        ("progress", "'[1]'"),
        ("error", "'{\"kind\": 5}'"),
        ("error", "'no JSON'"),
        ("created_at", "'yesterday'"),
        ("collab_id", "NULL"),
    ],
)
def test_a_damaged_job_is_shown_as_such_and_keeps_no_other_from_being_run(
    client: Client, store: RecordStore, jobs: list[Job], column: str, value: str
) -> None:
    before, damaged, after = jobs
    damage(store, "job", column, value, f"id = '{damaged.id}'")

    shown = read(client, "/ttp/jobs")

    assert [job["id"] for job in shown] == [job.id for job in jobs]
    assert [job.get("damaged") for job in shown] == [None, UNREADABLE, None]
    assert shown[1].keys() - {"damaged"} == shown[0].keys()
    assert read(client, f"/ttp/jobs/{damaged.id}")["damaged"] == UNREADABLE
    assert client.post(f"/ttp/jobs/{damaged.id}/cancel", None)[0] == 409
    assert [job.id for job in store.unfinished_jobs()] == [before.id, after.id]
    leases = Leases(store)
    leases.arrange()
    assert {status.job.id for status in leases.statuses.all()} == {before.id, after.id}


@pytest.fixture
def studies(store: RecordStore) -> list[Study]:
    known = {"metric": "auc", "direction": Direction.MAXIMUM, "search_space": {}, "fixed": {}}
    more = {"searcher": "random", "scheduler": "fifo", "max_trials": 2, "seed": 1}
    records = StudyRecords(store)
    made = [Study(id=f"study_{number}", experiment=EXPERIMENT, **known, **more) for number in range(3)]  # type: ignore[arg-type]
    for study in made:
        records.add(study)
        for number in range(2):
            records.save_trial(study, Trial(f"{study.id}_{number}", number, {}, {}))
    return made


@pytest.mark.parametrize("value", ["'no JSON'", "'5'", '\'{"state": "running", "seed": "x"}\''])
def test_a_damaged_study_is_shown_as_such_and_keeps_no_other_from_going_on(
    client: Client, store: RecordStore, studies: list[Study], value: str
) -> None:
    damage(store, "study", "payload", value, "study_id = 'study_1'")

    shown = read(client, "/ttp/studies")

    assert [study.get("damaged") for study in shown] == [None, UNREADABLE, None]
    assert shown[1].keys() - {"damaged"} == shown[0].keys()
    assert read(client, "/ttp/studies/study_1")["damaged"] == UNREADABLE
    read(client, "/ttp/studies?state=running")
    assert client.post("/ttp/studies/study_1/stop", None)[0] == 409
    assert [study.id for study in StudyRecords(store).unfinished()] == ["study_0", "study_2"]


def test_a_damaged_trial_is_shown_as_such_beside_the_others(
    client: Client, store: RecordStore, studies: list[Study]
) -> None:
    damage(store, "trial", "payload", "'5'", "run_id = 'study_0_1'")
    whole, damaged = read(client, "/ttp/studies/study_0")["trials"]
    assert ("damaged" in whole, damaged["damaged"], damaged["run_id"]) == (False, UNREADABLE, "study_0_1")
    assert whole.keys() == damaged.keys() - {"damaged"}
    assert [trial.number for trial in StudyRecords(store).trials(studies[0])] == [0]
