"""Whatever programs of a cluster are killed at whatever steps: every job ends, once, with what it would have ended with."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from grids.cluster_grid import GRIDS
from grids.killable_grid import KillableCluster, killable_cluster
from grids.real_grid import WORKERS, Study
from support.waiting import DEADLINE, until
from synergos.driver.errors import DriverError
from synergos_simulator.cluster import node_name
from synergos_simulator.datasets import Dataset

# Several programs are started again in each.
pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]

ROUNDS = 4
STAGES = ("preprocess", "train", "validate", "predict")
FINAL = {"completed", "failed", "cancelled"}


@pytest.fixture(scope="module")
def grid(tmp_path_factory: pytest.TempPathFactory, data: Path) -> Iterator[KillableCluster]:
    with killable_cluster(tmp_path_factory.mktemp("killable"), data, "--rejoin_timeout", str(DEADLINE)) as running:
        yield running


@pytest.fixture(scope="module")
def undisturbed(grid: KillableCluster, wine: Dataset) -> Callable[[str], tuple[bytes, Any]]:
    """The model and the statistics of a cycle that nobody disturbs, of an algorithm."""
    return cache(lambda algorithm: whole_cycle(study_of(grid, wine, algorithm, "undisturbed")))


def study_of(grid: KillableCluster, wine: Dataset, algorithm: str, name: str) -> Study:
    return Study(grid, wine, f"{algorithm}_{name}".replace(" ", "_"), {"rounds": ROUNDS, "algorithm": algorithm})


def whole_cycle(study: Study, deadline: float = DEADLINE) -> tuple[bytes, Any]:
    """Hand in all stages at once, and wait until their jobs have ended."""
    study.declare()
    requests = (study.align, study.train, study.validate, lambda: study.predict("worker_1"))
    for stage, request in zip(STAGES, requests, strict=True):
        persevere(study, stage, request)
    until(lambda: has_ended(study), "the jobs to end", deadline)
    driver = study.grid.driver
    [model] = driver.models.read(*study.keys)["data"]
    validations = driver.validations.read(*study.keys)["data"]
    statistics = {record["key"]["participant_id"]: record["evaluate"]["statistics"] for record in validations}
    assert len(driver.predictions.read("worker_1", *study.keys)["data"]) == 1
    return Path(model["global"]["path"]).with_name("global_model.safetensors").read_bytes(), statistics


def persevere(study: Study, stage: str, request: Callable[[], Mapping[str, Any]]) -> None:
    """Make a request; if the director dies over it, wait until it is back, and ask again unless it was accepted."""
    try:
        answer = request()
    except DriverError:
        study.grid.wait_until_healthy()  # type: ignore[attr-defined]
        if study.jobs(stage):
            return
        answer = request()
    assert (answer["success"], answer["data"]) == (1, []), answer


def states_of(study: Study) -> dict[str, str]:
    """How far each stage is; nothing while the director is away."""
    try:
        jobs = study.grid.driver.jobs.read_all(project_id=study.keys[1])["data"]
    except DriverError:
        return {}
    return {job["stage"]: job["state"] for job in jobs}


def has_ended(study: Study) -> bool:
    """Whether no job of the study goes on."""
    states = states_of(study)
    return bool(states) and set(states.values()) <= FINAL


def programs(kind: str) -> list[str]:
    """Those of a kind; which of them a job comes by, nobody knows before."""
    if kind == "director":
        return [kind]
    names = ("ttp",) if kind == "ttp" else WORKERS
    return [node_name(name, index) for name in names for index in range(GRIDS)]


WITHOUT_STATE, WITH_STATE = "FedProx", "SCAFFOLD"

# Of a cycle: in which program, where, and how often it has passed there before. Each in another job, or at its other end, so that what
# one has left is not taken away by the next. Where an outcome comes twice, or a job is announced twice, is no place that is counted.
CYCLES = [
    (
        WITHOUT_STATE,
        [
            ("director", "accepted", 1),
            ("ttp", "about to acknowledge", 0),
            ("ttp", "initialising", 1),
            ("worker", "inferring", 0),
        ],
    ),
    (
        WITHOUT_STATE,
        [
            ("director", "announcing", 0),
            ("ttp", "outcome sent", 0),
            ("ttp", "between PUT and answer", 3),
            ("worker", "writing predictions", 0),
        ],
    ),
    (WITHOUT_STATE, [("ttp", "sending the outcome", 0), ("ttp", "exporting", 0)]),
    (
        WITHOUT_STATE,
        [
            ("director", "archiving", 1),
            ("ttp", "aligning", 0),
            ("ttp", "swapping the exported folder in", 0),
            ("ttp", "measuring", 0),
        ],
    ),
    (WITHOUT_STATE, [("director", "archived", 1), ("ttp", "taken up", 0), ("worker", "opening a session", 0)]),
    (
        WITHOUT_STATE,
        [
            ("director", "announcing", 1),
            ("worker", "preparing", 0),
            ("worker", "confirming", 0),
            ("worker", "evaluating", 3),
        ],
    ),
    # Where an algorithm's own state, or what participants keep, is committed, and taken up again by another program.
    (WITH_STATE, [("ttp", "aggregating", 2)]),
    (WITH_STATE, [("ttp", "committing", 1)]),
    (WITH_STATE, [("worker", "answering", 1), ("worker", "training", 2)]),
]


@pytest.mark.parametrize(
    ("number", "algorithm", "places"),
    [
        pytest.param(
            number, *each, id="-".join([each[0], *(f"{kind} {place} {passes}" for kind, place, passes in each[1])])
        )
        for number, each in enumerate(CYCLES)
    ],
)
def test_kills_change_nothing(
    grid: KillableCluster,
    undisturbed: Callable[[str], tuple[bytes, Any]],
    wine: Dataset,
    number: int,
    algorithm: str,
    places: Sequence[tuple[str, str, int]],
) -> None:
    expected = undisturbed(algorithm)
    study = study_of(grid, wine, algorithm, f"cycle_{number}")
    deaths = len(grid.deaths)
    for kind, place, passes in places:
        for program in programs(kind):
            grid.arm(place, program, passes)
    try:
        result = whole_cycle(study, DEADLINE * len(places))
    finally:
        unused = grid.disarm()
        grid.wait_until_healthy()

    died = Counter(program.partition("_")[0] for program in grid.deaths[deaths:])
    assert unused == []
    # Two may have been at the same place in the same moment.
    assert died >= Counter(kind for kind, _, _ in places)
    assert died.keys() == {kind for kind, _, _ in places}
    assert result == expected
    assert states_of(study) == dict.fromkeys(STAGES, "completed")
    assert len(grid.driver.jobs.read_all(project_id=study.keys[1])["data"]) == len(STAGES)
    until(lambda: not list((grid.grid.folder / "outputs" / ".rounds").glob("*")), "nothing to be left of the rounds")
    folder = (grid.grid.folder / "outputs").joinpath(*study.keys)
    assert [path.name for path in folder.parent.iterdir()] == [folder.name]
