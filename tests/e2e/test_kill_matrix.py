"""Whatever programs are killed at whatever steps of a cycle: the model is the undisturbed one, and nothing is left half done."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import chain
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest
from mlflow.tracking import MlflowClient

from e2e import test_cluster_kill_matrix
from grids.killable_grid import KillableGrid, killable
from grids.killing import PLACES
from grids.real_grid import WORKERS, Study
from servers.mlflow_server import history_of, runs_of
from support.waiting import DEADLINE, until
from synergos.driver.errors import DriverError
from synergos_simulator.datasets import Dataset

# Several programs are started again in each.
pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]

ROUNDS = 4
FINAL = {"completed", "failed", "cancelled"}


@pytest.fixture(scope="module")
def grid(tmp_path_factory: pytest.TempPathFactory, data: Path) -> Iterator[KillableGrid]:
    # A worker that was killed is started again at once; how long that takes is the machine's affair.
    with killable(tmp_path_factory.mktemp("killable"), data, "--rejoin_timeout", str(DEADLINE)) as running:
        yield running


@dataclass(frozen=True)
class Kill:
    """Of a program, at a place that it has passed so often since its stage was asked for."""

    program: str
    place: str
    passes: int = 0

    def __str__(self) -> str:
        return f"{self.program} {self.place} {self.passes}"


@pytest.fixture(scope="module")
def undisturbed(grid: KillableGrid, wine: Dataset) -> Callable[[str], tuple[bytes, Any]]:
    """The model and the statistics of a cycle that nobody disturbs, of an algorithm."""
    return cache(lambda algorithm: whole_cycle(study_of(grid, wine, algorithm, "undisturbed")))


def study_of(grid: KillableGrid, wine: Dataset, algorithm: str, name: str) -> Study:
    return Study(grid, wine, f"{algorithm}_{name}".replace(" ", "_"), {"rounds": ROUNDS, "algorithm": algorithm})


def whole_cycle(study: Study, kills: Mapping[str, Sequence[Kill]] = MappingProxyType({})) -> tuple[bytes, Any]:
    """Ask for all stages, in each of which programs are killed.

    Returns:
        The model and the statistics.
    """
    study.declare()
    requests = {
        "preprocess": study.align,
        "train": study.train,
        "validate": study.validate,
        "predict": lambda: study.predict("worker_1"),
    }
    assert isinstance(study.grid, KillableGrid)
    for stage, request in requests.items():
        for kill in kills.get(stage, ()):
            study.grid.arm(kill.place, kill.program, kill.passes)
        persevere(study, stage, request)
        assert study.grid.disarm() == [], f"what nobody came by in the {stage} job"
    validations = study.grid.driver.validations.read(*study.keys)["data"]
    statistics = {record["key"]["participant_id"]: record["evaluate"]["statistics"] for record in validations}
    return (study.model_folder() / "global_model.safetensors").read_bytes(), statistics


def persevere(study: Study, stage: str, request: Callable[[], Mapping[str, Any]]) -> None:
    """Make a request; if the TTP dies over it, wait until it is back and the job it had accepted has ended."""
    try:
        answer = request()
    except DriverError:
        until(lambda: has_ended(study, stage), f"the {stage} job to end")
        [job] = study.jobs(stage)
        assert (job["state"], job["error"]) == ("completed", None)
    else:
        assert answer["success"], (answer, study.grid.log("ttp")[-4000:])


def has_ended(study: Study, stage: str) -> bool:
    """Whether the job of a stage goes on no more; nobody knows while the TTP is away."""
    try:
        return {job["state"] for job in study.jobs(stage)} <= FINAL
    except DriverError:
        return False


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
CYCLES = [
    (
        WITHOUT_STATE,
        {
            "preprocess": [Kill("ttp", "aligning")],
            # Before there is a round, and after all of them: what is taken up again are other things.
            "train": [Kill("ttp", "initialising", 1), Kill("ttp", "swapping the exported folder in")],
            "validate": [Kill("ttp", "measuring")],
            "predict": [Kill("ttp", "measuring")],
        },
    ),
    (
        WITHOUT_STATE,
        {
            "preprocess": [Kill("ttp", "archiving")],
            "train": [Kill("ttp", "between PUT and answer"), Kill("ttp", "archiving")],
            "validate": [Kill("ttp", "archiving")],
            "predict": [Kill("ttp", "archiving")],
        },
    ),
    (WITHOUT_STATE, {"train": [Kill("ttp", "aggregating", 2)], "predict": [Kill("worker_1", "inferring")]}),
    *(
        (
            WITHOUT_STATE,
            {
                "preprocess": [Kill(one, "preparing"), Kill(other, "confirming")],
                "train": [Kill(one, "opening a session"), Kill(other, "training", 2)],
                "validate": [Kill(one, "inferring"), Kill(other, "writing predictions")],
            },
        )
        for one, other in (WORKERS, WORKERS[::-1])
    ),
    *(
        (WITHOUT_STATE, {"train": [Kill(one, "answering", 1), Kill(other, "evaluating", 3)]})
        for one, other in (WORKERS, WORKERS[::-1])
    ),
    # Where an algorithm's own state, or what participants keep, is made, sent, committed and taken up again.
    (WITH_STATE, {"train": [Kill("ttp", "between PUT and answer", 3)]}),
    (WITH_STATE, {"train": [Kill("ttp", "aggregating", 2)]}),
    (WITH_STATE, {"train": [Kill("ttp", "committing", 1), Kill("ttp", "exporting")]}),
    (WITH_STATE, {"train": [Kill("worker_1", "training", 2), Kill("worker_2", "answering", 1)]}),
    (WITH_STATE, {"train": [Kill("worker_1", "evaluating", 3)]}),
]
"""Of what is killed in one cycle, nothing undoes what an earlier kill has done: jobs start from what is written down, and what a
worker has answered stays."""


def test_somebody_is_killed_at_every_place_there_is() -> None:
    armed = {(kill.program.partition("_")[0], kill.place) for _, kills in CYCLES for kill in chain(*kills.values())}
    armed |= {(kind, place) for _, places in test_cluster_kill_matrix.CYCLES for kind, place, _ in places}

    assert {
        (program.removeprefix("synergos_"), place) for program, places in PLACES.items() for place in places
    } == armed


@pytest.mark.parametrize(
    ("number", "algorithm", "kills"),
    [
        pytest.param(number, *each, id="-".join([each[0], *map(str, chain(*each[1].values()))]))
        for number, each in enumerate(CYCLES)
    ],
)
def test_kills_change_nothing(
    grid: KillableGrid,
    undisturbed: Callable[[str], tuple[bytes, Any]],
    wine: Dataset,
    number: int,
    algorithm: str,
    kills: Mapping[str, Sequence[Kill]],
) -> None:
    expected = undisturbed(algorithm)
    deaths = len(grid.deaths)
    study = study_of(grid, wine, algorithm, f"cycle_{number}")
    try:
        result = whole_cycle(study, kills)
    finally:
        grid.disarm()
        grid.wait_until_healthy()

    assert sorted(grid.deaths[deaths:]) == sorted(kill.program for kill in chain(*kills.values()))
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
