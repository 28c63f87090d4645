"""A participant that is lost in the middle of a run: waited for, gone on without, or named."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from grids.killable_grid import KillableGrid, killable
from grids.real_grid import ENDLESS, Aside, Response, Study
from support.waiting import until
from synergos_simulator.datasets import Dataset

pytestmark = pytest.mark.slow

PATIENCE = 1.0
"""Seconds."""


def round_of(study: Study) -> int:
    return max((job["progress"].get("round", 0) for job in study.jobs("train")), default=0)


def waits_of(study: Study) -> list[dict[str, Any]]:
    """For whom its training has waited so far."""
    [job] = study.jobs("train")
    return [each for each in study.grid.driver.jobs.events(job["id"])["data"] if each["event"] == "awaited"]


def test_the_run_goes_on_with_those_that_remain(impatient: KillableGrid, wine: Dataset) -> None:
    study = Study(impatient, wine, "remaining", {**ENDLESS, "min_participants": 1})
    study.declare()
    study.align()
    training = Aside(study.train)
    until(lambda: round_of(study) > 2, "rounds to run")

    with impatient.away("worker_2"):
        impatient.end("worker_2", signal.SIGTERM)
        until(lambda: bool(waits_of(study)), "the job to say that it waits")
        # As it stays written down: the wait itself may be over.
        [wait] = waits_of(study)
        before = round_of(study)
        until(lambda: round_of(study) > before + 2, "rounds to go on")
        progress = study.jobs("train")[-1]["progress"]
        impatient.driver.jobs.cancel(study.jobs("train")[-1]["id"])
        training.answer()

    assert wait["participant"] == "worker_2"
    assert wait["about"]["for"].startswith("round ")
    waited = datetime.fromisoformat(wait["about"]["until"]) - datetime.fromisoformat(wait["at"])
    assert waited.total_seconds() == pytest.approx(PATIENCE, abs=5)
    assert list(progress["absent"]) == ["worker_2"]
    assert "waiting_for" not in progress
    said = [line for line in impatient.log("ttp").splitlines() if "waiting for a participant" in line]
    assert len([line for line in said if study.keys[1] in line]) == 1


def test_a_participant_that_gives_no_sign_of_life_is_noticed(impatient: KillableGrid, wine: Dataset) -> None:
    study = Study(impatient, wine, "frozen", ENDLESS)
    study.declare()
    study.align()
    training = Aside(study.train)
    until(lambda: round_of(study) > 2, "rounds to run")
    impatient.freeze("worker_1")
    try:
        answer = training.answer()
    finally:
        impatient.wake("worker_1")
        # The grid is others' too: nothing of this is to go on in it, whatever went wrong.
        for left in study.jobs("train"):
            if left["state"] == "running":
                impatient.driver.jobs.cancel(left["id"])
        until(lambda: impatient.open_sessions() == 0, "the sessions to end")

    assert isinstance(answer, dict)
    assert "worker_1" in answer["message"]
    [job] = study.jobs("train")
    assert (job["state"], job["error"]["participant"]) == ("failed", "worker_1")


def go_through(study: Study) -> Response:
    """The answer of the first stage that fails."""
    for stage in (study.align, study.train, study.validate, lambda: study.predict("worker_1")):
        answer = stage()
        if not answer["success"]:
            return answer
    return answer


@pytest.fixture(scope="module")
def impatient(tmp_path_factory: pytest.TempPathFactory, data: Path) -> Iterator[KillableGrid]:
    """A grid that does not wait for long for whoever was lost."""
    with killable(tmp_path_factory.mktemp("impatient"), data, "--rejoin_timeout", str(PATIENCE)) as running:
        yield running


@pytest.mark.parametrize(
    ("stage", "place", "passes"),
    [
        ("preprocess", "preparing", 0),
        ("preprocess", "confirming", 0),
        ("train", "opening a session", 0),
        ("train", "training", 1),
        ("train", "evaluating", 3),
        ("validate", "opening a session", 1),
        ("validate", "inferring", 0),
        ("predict", "preparing", 1),
        ("predict", "writing predictions", 1),
    ],
)
def test_whoever_freezes_over_a_command_is_named(
    impatient: KillableGrid, wine: Dataset, stage: str, place: str, passes: int
) -> None:
    study = Study(impatient, wine, f"{stage}_{place}_{passes}".replace(" ", "_"), {"rounds": 3})
    study.declare()
    impatient.arm(place, "worker_1", passes, signal.SIGSTOP)
    try:
        answer = go_through(study)
    finally:
        unused = impatient.disarm()
        impatient.wake("worker_1")

    assert unused == []
    assert "worker_1" in answer["message"]
    [job] = study.jobs(stage)
    assert (job["state"], job["error"]["participant"]) == ("failed", "worker_1")
    # The worker hears of its session's end as soon as it goes on.
    until(lambda: impatient.open_sessions() == 0, "the sessions to end")
