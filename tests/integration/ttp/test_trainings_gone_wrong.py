"""Trainings that diverge, and honest ones that look as if they did, from the request to the exported model."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from http import HTTPStatus
from typing import Any

import numpy as np
import pandas as pd
import pytest

from factories.worker_data import write_dataset
from grids.grid_in_process import HOST, GridInProcess, started

ROWS = {"p1": 30, "p2": 35, "p3": 18}
LINEAR = [{"is_input": True, "l_type": "Linear", "structure": {"in_features": 2, "out_features": 1}, "activation": ""}]
LABELS = {"plain": 1.0, "huge": 1e20, "scaled": 1e4}
"""By project, what the labels of p2 are multiplied by."""
RUN = {"algorithm": "FedAvg", "rounds": 5, "epochs": 10, "lr": 0.05}


def table(project: str, who: str, count: int, rng: np.random.Generator) -> pd.DataFrame:
    """Rows of a line with some noise; counts with a rate that is exponential in it; or on which side of 0 it is."""
    a, b = rng.normal(size=(2, count))
    line = 2 * a - b + 0.1 * rng.normal(size=count)
    columns: dict[str, Any] = {"a": a, "b": b}
    if project == "counts":
        return pd.DataFrame({**columns, "target": rng.poisson(np.exp(1.5 + line / 4)).astype(float)})
    if project == "sides":
        return pd.DataFrame({**columns, "target": np.where(line > 0, "above", "below")})
    return pd.DataFrame({**columns, "target": line * (LABELS[project] if who == "p2" else 1.0)})


@pytest.fixture(scope="module")
def grid(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GridInProcess]:
    data, rng = tmp_path_factory.mktemp("data"), np.random.default_rng(1)
    projects = {**dict.fromkeys(LABELS, "regress"), "counts": "regress", "sides": "classify"}
    for project, action in projects.items():
        schema = {"a": "float64", "b": "float64", "target": "float64" if action == "regress" else "category"}
        for who, count in ROWS.items():
            for purpose, rows in (("train", count), ("evaluate", 20)):
                frame = table(project, who, rows, rng)
                write_dataset(data, [project, who, purpose], frame.to_csv(index=False), schema)
    with started(tmp_path_factory.mktemp("grid"), data, list(ROWS)) as grid:
        grid.driver.collaborations.create("c")
        for project, action in projects.items():
            declare(grid, project, action)
        yield grid


def declare(grid: GridInProcess, project: str, action: str) -> None:
    driver = grid.driver
    driver.projects.create("c", project, action, {"tier_1": [], "tier_2": []})
    driver.experiments.create("c", project, "line", LINEAR)
    for worker in grid.workers:
        who = worker.participant_id
        driver.participants.create(who)
        registration = driver.registrations
        registration.add_node(HOST, worker.data_port, worker.port)
        registration.create("c", project, who, "host")
        tags = {purpose: [[project, who, purpose]] for purpose in ("train", "evaluate")}
        driver.tags.create("c", project, who, train=tags["train"], evaluate=tags["evaluate"])
    driver.alignments.create("c", project)


def trained(grid: GridInProcess, project: str, run: str, **changes: Any) -> Mapping[str, Any]:
    """The answer to one training."""
    declared = grid.driver.runs.create("c", project, "line", run, **{**RUN, **changes})
    assert declared["status"] == HTTPStatus.CREATED, declared
    answer: Mapping[str, Any] = grid.driver.models.create("c", project, "line", run)
    return answer


def figures(grid: GridInProcess, project: str, run: str) -> Mapping[str, Any]:
    [record] = grid.driver.models.read("c", project, "line", run)["data"]
    found: Mapping[str, Any] = record["figures"]
    return found


@pytest.mark.parametrize(
    ("project", "run", "reason"),
    [
        ("plain", {"lr": 50.0}, "its training loss is not a finite number in round 1 of 5; most likely lr=50"),
        ("plain", {"lr": 1e8, "rounds": 1, "epochs": 1}, "the loss has grown from"),
        ("plain", {"lr": 20.0, "epochs": 1}, "by round 5 of 5, and never fallen; most likely lr=20 is too large"),
        ("huge", {}, "p2: its training loss is not a finite number in round 1 of 5; most likely its labels are too"),
        ("sides", {"lr": 1e8}, "the loss has grown from 0.7"),
        ("sides", {"lr": 1e8, "batch_size": 4, "epochs": 1}, "the loss has grown from 0.7"),
    ],
)
def test_a_training_that_diverges_fails_with_its_reason(
    grid: GridInProcess, project: str, run: Mapping[str, Any], reason: str
) -> None:
    answer = trained(grid, project, "diverges", **run)

    assert answer["status"] == HTTPStatus.UNPROCESSABLE_ENTITY
    assert reason in answer["message"]
    # Nobody can use what was never made.
    assert grid.driver.models.read("c", project, "line", "diverges")["status"] == HTTPStatus.NOT_FOUND


def test_it_may_end_with_the_rounds_before(grid: GridInProcess) -> None:
    assert trained(grid, "plain", "stops", lr=2.0, epochs=5, rounds=8, on_divergence="stop")["status"] == HTTPStatus.OK

    found = figures(grid, "plain", "stops")
    assert found["rounds"] < 8
    assert np.isfinite(found["evaluate_loss"])


def test_labels_on_another_scale_end_no_training(grid: GridInProcess) -> None:
    """The update of p2 moves the model some ten thousand times farther than the others'."""
    for name, run in {"whole": {}, "batches": {"batch_size": 8}, "long": {"epochs": 100}}.items():
        answer = trained(grid, "scaled", name, **run)

        assert answer["status"] == HTTPStatus.OK, answer
        assert figures(grid, "scaled", name)["rounds"] == 5


def test_a_poisson_regression_predicts_rates(grid: GridInProcess) -> None:
    trained(grid, "counts", "poisson", criterion="PoissonNLLLoss", rounds=20)

    for record in grid.driver.validations.create("c", "counts", "line", "poisson")["data"]:
        # Of the logarithms R2 would be below zero.
        assert record["evaluate"]["statistics"]["R2"] > 0.4
