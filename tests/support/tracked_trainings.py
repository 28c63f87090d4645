"""Trainings that a tracker is told of, and what a real MLflow server has of them."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from servers.mlflow_server import runs_of
from support.waiting import until as until_true
from synergos.domain.keys import RunKey
from synergos_ttp.tracking.login import TrackingLogin
from synergos_ttp.tracking.mlflow_tracker import MlflowTracker
from synergos_ttp.tracking.notes import OfStudy
from synergos_ttp.tracking.tracker import Status, TrackingSubject

LOGIN = TrackingLogin("grid", "a rather long one")
AUTH = {
    "MLFLOW_AUTH": "1",
    "MLFLOW_TRACKING_USERNAME": LOGIN.user,
    "MLFLOW_TRACKING_PASSWORD": LOGIN.password,
}


def until(condition: Callable[[], bool], what: str, deadline: float) -> None:
    """Look now and then: a server that is asked all the time has none to write anything."""

    def look() -> bool:
        time.sleep(0.5)
        return condition()

    until_true(look, what, deadline)


def subject(address: str, collaboration: str, run: str = "first", *, registers: bool = False) -> TrackingSubject:
    return TrackingSubject(RunKey(collaboration, "risk", "logistic", run), address, registers)


def train(
    tracker: MlflowTracker, where: TrackingSubject, job: str, exports: Path | None, study: OfStudy | None = None
) -> None:
    followed = tracker.training(where, job, {"lr": 0.1}, study)
    followed.trained(0, 0.5, {"hospital_1": 0.75})
    followed.end(Status.FINISHED, exports)


def only_run(client: Any, collaboration: str) -> Any:
    [run] = runs_of(client, f"{collaboration}_>_risk_>_logistic")
    return run
