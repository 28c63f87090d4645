"""Whatever a session computes is left when it ends, and others go on."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from fakes.worker_client import RUN, WorkerClient, blob_of, message_in
from synergos_worker.bootstrap import WorkerService, build_worker
from synergos_worker.disclosure.policy import OPEN
from synergos_worker.policy.limits import UNLIMITED
from synergos_worker.settings import Settings

TAGS = {"train": [["wine", "train"]], "evaluate": [["wine", "evaluate"]]}
MILLION = 10**6


@pytest.fixture
def service(data: Path) -> Iterator[WorkerService]:
    """One that computes in a thread of its own."""
    service = build_worker(Settings(data, data.parent / "outputs", policy=OPEN, limits=UNLIMITED))
    yield service
    service.close()


@pytest.mark.parametrize(
    ("number", "run"),
    [
        (0, {}),
        (MILLION - 1, {}),
        (MILLION - 1, {"lr_scheduler": "CosineAnnealingLR", "T_max": 10**7}),
        (MILLION - 1, {"lr_scheduler": "ExponentialLR", "gamma": 0.999999}),
        (MILLION - 1, {"lr_scheduler": "StepLR", "step_size": 1}),
    ],
)
def test_a_round_without_end_is_left_and_another_session_trains(
    service: WorkerService, number: int, run: dict[str, Any]
) -> None:
    endless = WorkerClient(service, run="endless", session_id="e" * 32)
    agreement = endless.agree(TAGS)
    weights = agreement.weights()
    endless.initialise(agreement, hyperparameters=RUN | {"rounds": MILLION, "epochs": MILLION, "lr": 1e-9} | run)
    begun = endless.data("PUT", f"rounds/{number}", blob_of(weights), wait=0)

    endless.terminate()
    other = WorkerClient(service)
    other.initialise(agreement)
    trained = other.data("PUT", "rounds/0", blob_of(weights), wait=30)

    assert begun.status_code == 202
    assert message_in(trained, weights)[1]["rows"] == 100
