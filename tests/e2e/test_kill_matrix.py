"""Whatever program is killed at whatever step of a cycle: the model is the undisturbed one, and nothing is left half done."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from mlflow.tracking import MlflowClient

from grids.killable_grid import KillableGrid, killable
from grids.real_grid import WORKERS, Study
from servers.mlflow_server import history_of, runs_of
from support.waiting import DEADLINE, until
from synergos.driver.errors import DriverError
from synergos_simulator.datasets import Dataset

pytestmark = pytest.mark.slow

ROUNDS = 4
FINAL = {"completed", "failed", "cancelled"}


@pytest.fixture(scope="module")
def grid(tmp_path_factory: pytest.TempPathFactory, data: Path) -> Iterator[KillableGrid]:
    # A worker that was killed is started again at once; how long that takes is the machine's affair.
    with killable(tmp_path_factory.mktemp("killable"), data, "--rejoin_timeout", str(DEADLINE)) as running:
        yield running


@pytest.fixture(scope="module")
def undisturbed(grid: KillableGrid, wine: Dataset) -> Callable[[str], tuple[bytes, Any]]:
    """The model and the statistics of a cycle that nobody disturbs, of an algorithm."""
    return cache(lambda algorithm: whole_cycle(study_of(grid, wine, algorithm, "undisturbed")))


def study_of(grid: KillableGrid, wine: Dataset, algorithm: str, name: str) -> Study:
    return Study(grid, wine, f"{algorithm}_{name}".replace(" ", "_"), {"rounds": ROUNDS, "algorithm": algorithm})


def whole_cycle(study: Study) -> tuple[bytes, Any]:
    study.declare()
    persevere(study, "preprocess", study.align)
    persevere(study, "train", study.train)
    persevere(study, "validate", study.validate)
    persevere(study, "predict", lambda: study.predict("worker_1"))
    validations = study.grid.driver.validations.read(*study.keys)["data"]
    statistics = {record["key"]["participant_id"]: record["evaluate"]["statistics"] for record in validations}
    return (study.model_folder() / "global_model.safetensors").read_bytes(), statistics


def persevere(study: Study, stage: str, request: Callable[[], Mapping[str, Any]]) -> None:
    """Make a request; if the TTP dies over it, wait until it is back and the job it had accepted has ended."""
    try:
        answer = request()
    except DriverError:
        study.grid.wait_until_healthy()  # type: ignore[attr-defined]
        until(lambda: all(job["state"] in FINAL for job in study.jobs(stage)), f"the {stage} job to end")
        [job] = study.jobs(stage)
        assert (job["state"], job["error"]) == ("completed", None)
    else:
        assert answer["success"], (answer, study.grid.log("ttp")[-4000:])


def tracked(study: Study) -> list[tuple[str, dict[int, float]]]:
    """Status and training losses of every MLflow run of the study's experiment."""
    client = MlflowClient(f"sqlite:///{study.grid.grid.folder / 'ttp' / 'mlflow' / 'mlflow.db'}")
    runs = runs_of(client, "_>_".join(study.keys[:3]))
    return [(run.info.status, history_of(client, run.info.run_id, "global_train_loss")) for run in runs]


def losses(study: Study) -> dict[int, float]:
    """The training losses that the finished run has on disk."""
    history = json.loads((study.model_folder() / "global_loss_history.json").read_text())
    return {int(number): loss for number, loss in history["train"].items()}


WITHOUT_STATE, WITH_STATE = "FedProx", "SCAFFOLD"

# Where an algorithm's own state, or what participants keep, is made, sent, committed and taken up again.
OF_STATE = {
    ("ttp", "between PUT and answer", 3),
    ("ttp", "aggregating", 2),
    ("ttp", "committing", 1),
    ("ttp", "exporting", 0),
    ("worker_1", "training", 2),
    ("worker_2", "answering", 1),
    ("worker_1", "evaluating", 3),
}
PLACES = [
    ("ttp", "aligning", 0),
    ("ttp", "initialising", 1),
    ("ttp", "between PUT and answer", 0),
    ("ttp", "between PUT and answer", 3),
    ("ttp", "aggregating", 2),
    ("ttp", "committing", 1),
    ("ttp", "exporting", 0),
    ("ttp", "swapping the exported folder in", 0),
    ("ttp", "archiving", 0),
    ("ttp", "archiving", 1),
    ("ttp", "measuring", 0),
    ("ttp", "archiving", 2),
    ("ttp", "measuring", 2),
    ("ttp", "archiving", 3),
    *(
        (worker, place, passes)
        for worker in ("worker_1", "worker_2")
        for place, passes in (
            ("preparing", 0),
            ("confirming", 0),
            ("opening a session", 0),
            ("training", 2),
            ("answering", 1),
            ("evaluating", 3),
            ("inferring", 0),
            ("writing predictions", 0),
        )
    ),
    # Only this one predicts.
    ("worker_1", "inferring", 1),
]


@pytest.mark.parametrize(
    ("algorithm", "program", "place", "passes"),
    [
        *((WITHOUT_STATE, *each) for each in PLACES),
        *((WITH_STATE, *each) for each in PLACES if each in OF_STATE),
    ],
)
def test_a_kill_changes_nothing(
    grid: KillableGrid,
    undisturbed: Callable[[str], tuple[bytes, Any]],
    wine: Dataset,
    algorithm: str,
    program: str,
    place: str,
    passes: int,
) -> None:
    expected = undisturbed(algorithm)
    deaths = len(grid.deaths)
    study = study_of(grid, wine, algorithm, f"{program}_{place}_{passes}")
    grid.arm(place, program, passes)
    try:
        result = whole_cycle(study)
    finally:
        unused = grid.disarm()
        grid.wait_until_healthy()

    assert (unused, grid.deaths[deaths:]) == ([], [program])
    assert result == expected
    jobs = grid.driver.jobs.read_all()["data"]
    assert {job["state"] for job in jobs if job["keys"]["project_id"] == study.keys[1]} == {"completed"}
    assert {job["state"] for job in jobs} <= FINAL
    assert grid.open_sessions() == 0
    assert not list((grid.outputs("ttp") / ".rounds").glob("*"))
    for worker in WORKERS:
        # What stays of a worker is who it is, the key of its digests, its ledger and who has the folder; what was written half is not there.
        lasting = {".digest_key", ".in_use", ".trust", ".ledger", ".lock"}
        assert {path.name for path in grid.outputs(worker).rglob(".*")} <= lasting
    # Written by a thread of its own, which a job's end waits for only so long.
    until(lambda: tracked(study) == [("FINISHED", losses(study))], "the run in MLflow to be whole")
    assert not [path for path in study.model_folder().parent.iterdir() if path != study.model_folder()]
