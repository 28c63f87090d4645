"""On a grid of processes a job waits for what the owners have to approve, says with which command, and goes on when they have."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from grids.real_grid import WORKERS, Aside, RealGrid, Study, started
from support.waiting import until
from synergos.approval.decided import approve
from synergos.approval.waiting import WAITING, waiting_in
from synergos.identity.identity import FOLDER
from synergos_simulator.datasets import Dataset


@pytest.fixture(scope="module")
def approving(tmp_path_factory: pytest.TempPathFactory, data: Path) -> Iterator[RealGrid]:
    """A grid whose workers' owners approve of what is computed."""
    with started(tmp_path_factory.mktemp("approving"), data, worker_flags=("--approve_models", "on")) as running:
        yield running


def waiting(study: Study) -> dict[str, str]:
    """Why the training waits, by participant."""
    found: list[Any] = [job["progress"].get("waiting_for") for job in study.jobs("train")]
    return {
        wait["participant"]: wait["reason"] for wait in next((each for each in found if isinstance(each, list)), [])
    }


def test_a_training_waits_until_every_owner_has_approved_of_it(approving: RealGrid, breast_cancer: Dataset) -> None:
    study = Study(approving, breast_cancer, "approved", run={"rounds": 2})
    study.declare()
    study.align()

    training = Aside(study.train)
    until(lambda: len(waiting(study)) == 2, "both owners to be waited for")
    reasons = waiting(study)
    # Meanwhile others are not kept waiting, not even by the same participants.
    other = Study(approving, breast_cancer, "not_held", run={"rounds": 2})
    other.declare()
    assert other.align()["success"] == 1
    assert [job["state"] for job in study.jobs("train")] == ["waiting"]
    assert waiting(study) == reasons
    for who in WORKERS:
        until(lambda: bool(listed_at(approving, who, study)), "the list to be written")  # noqa: B023
        [listed] = listed_at(approving, who, study)
        assert f"synergos approval approve {listed['digest']}" in reasons[who]
        assert "rounds = 2" in approving.command_at(who, "approval", "show", listed["digest"][:20])
        approving.command_at(who, "approval", "approve", listed["digest"])
    trained = training.answer()

    assert not isinstance(trained, Exception), trained
    assert [(job["state"], job["attempts"]) for job in study.jobs("train")] == [("completed", 1)]


def test_a_study_waits_once_for_its_search_space_and_its_trials_for_nothing_more(
    approving: RealGrid, breast_cancer: Dataset
) -> None:
    study = Study(approving, breast_cancer, "searched", run={"rounds": 2})
    study.declare()
    study.align()
    space = {
        "lr": {"_type": "loguniform", "_value": [0.01, 0.1]},
        "rounds": {"_type": "choice", "_value": [1, 2]},
        "model[0].structure.bias": {"_type": "grid_search", "_value": [True, False]},
    }

    opened = approving.driver.optimizations.create(
        *study.keys[:3], search_space=space, metric="f_score", optimize_mode="max", max_trial_num=3, scheduler="none"
    )

    def state() -> str:
        approve_all(approving)
        return str(approving.driver.optimizations.show(opened["params"]["study_id"])["data"]["state"])

    until(lambda: state() not in {"running", "stopping"}, "the study to end", every=1.0)
    ended = approving.driver.optimizations.show(opened["params"]["study_id"])["data"]
    assert (ended["state"], ended["counts"]["completed"]) == ("completed", 3)
    # To train, and to be measured.
    for who in WORKERS:
        listed = listed_at(approving, who, study)
        assert ["all trials of a search" in each["what"] for each in listed] == [True, True]


def listed_at(grid: RealGrid, worker: str, study: Study) -> list[dict[str, Any]]:
    """What a worker's owner sees of a study's project."""
    listed = json.loads(grid.command_at(worker, "approval", "list", "--format", "json"))
    return [each for each in listed if each["what"].startswith(f"{study.keys[0]}/")]


def approve_all(grid: RealGrid) -> None:
    """Approve of all that waits."""
    for who in WORKERS:
        folder = grid.outputs(who) / FOLDER
        for each in waiting_in(folder / WAITING):
            approve(folder, each.digest)
