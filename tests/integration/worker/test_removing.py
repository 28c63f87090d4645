"""A worker removes its results of what was deleted, and nothing else."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from fakes.worker_client import SESSION, WorkerClient, blob_of
from synergos_worker.bootstrap import WorkerService
from synergos_worker.session import Session


@pytest.fixture
def outputs(data: Path) -> Path:
    root = data.parent / "outputs"
    for run in ("r1", "r2"):
        for purpose in ("evaluate", "predict"):
            folder = root / "c" / "p1" / "e1" / run / purpose
            folder.mkdir(parents=True)
            (folder / "predictions.csv").write_text("row")
    (root / "c" / "p1" / "agreement.json").write_text("{}")
    return root


def left(outputs: Path) -> list[str]:
    return sorted(path.relative_to(outputs / "c").as_posix() for path in (outputs / "c").rglob("*.*"))


ALL = [
    "p1/agreement.json",
    *(f"p1/e1/{run}/{purpose}/predictions.csv" for run in ("r1", "r2") for purpose in ("evaluate", "predict")),
]


@pytest.mark.parametrize(
    ("path", "body", "files", "stays"),
    [
        ("c/p1/e1/r1", {}, 2, [ALL[0], *ALL[3:]]),
        ("c/p1/e1/r1", {"metas": ["predict"]}, 1, [*ALL[:2], *ALL[3:]]),
        ("c/p1/e1/r3", {}, 0, ALL),
        ("c/p1/e1", {}, 4, ALL[:1]),
        ("c/p1", {}, 5, []),
        ("c", {}, 5, []),
    ],
)
def test_what_is_named_goes_and_nothing_beside_it(
    client: WorkerClient, outputs: Path, path: str, body: dict[str, Any], files: int, stays: list[str]
) -> None:
    answer = client.command("POST", f"/worker/remove/{path}", 200, body)

    assert answer["data"]["files"] == files
    assert left(outputs) == stays


def test_results_that_are_newer_than_the_deletion_stay(client: WorkerClient, outputs: Path) -> None:
    os.utime(outputs / "c" / ALL[1], (0, 0))

    client.command("POST", "/worker/remove/c/p1/e1/r1", 200, {"age": 3600.0})

    assert left(outputs) == [ALL[0], *ALL[2:]]


@pytest.mark.parametrize(
    ("path", "body", "field"),
    [
        ("c/p1/e1/..", {}, "run_id"),
        ("c/.hidden", {}, "project_id"),
        ("c/p1/e1/r1", {"age": -1}, "age"),
        ("c/p1/e1/r1", {"metas": ["test"]}, "metas[0]"),
        ("c/p1/e1/r1", {"metas": []}, "metas"),
        ("c/p1/e1", {"metas": ["predict"]}, "metas"),
        ("c/p1/e1/r1", {"purposes": ["predict"]}, "purposes"),
    ],
)
def test_what_cannot_be_meant_is_refused_and_nothing_goes(
    client: WorkerClient, outputs: Path, path: str, body: dict[str, Any], field: str
) -> None:
    answer = client.command("POST", f"/worker/remove/{path}", 417, body)

    assert answer["field"] == field
    assert left(outputs) == ALL


class EndedMeanwhile:
    """A session's model; its session ends while it is used."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._model = session._model

    def infer(self, rows: Any, should_stop: Callable[[], bool]) -> Any:
        found = self._model.infer(rows, should_stop)
        self._session.end("its run was deleted")
        return found

    def __getattr__(self, name: str) -> Any:
        return getattr(self._model, name)


def test_a_session_that_ends_while_it_predicts_writes_nothing_any_more(
    client: WorkerClient, service: WorkerService, data: Path
) -> None:
    agreement = client.agree({"train": [["wine", "train"]], "evaluate": [["wine", "evaluate"]]})
    client.initialise(agreement)
    assert client.data("PUT", "model", blob_of(agreement.weights())).status_code == 200
    session = service.sessions.get(SESSION)
    session._model = EndedMeanwhile(session)  # type: ignore[assignment]

    client.predict("evaluate", status=404)

    assert not (data.parent / "outputs" / "c" / "p1" / "e1").exists()
