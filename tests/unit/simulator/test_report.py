"""What is compared, and how it is told."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from synergos.errors import InvalidRequest
from synergos_simulator.arrangements import Arrangement, Member, arrangements, common_test_rows
from synergos_simulator.datasets import Dataset, Holding
from synergos_simulator.report import comparison, write_report
from synergos_simulator.simulation import Trained


def dataset(*holdings: Holding, action: str = "classify") -> Dataset:
    return Dataset("d", action, Path("/data"), holdings, [], {})


ONE = Holding("worker_1", ("d", "data1", "train"), ("d", "data1", "evaluate"), ("d", "data1", "predict"))
TWO = Holding("worker_2", ("d", "data2", "train"), None, ("d", "data2", "predict"))


def test_federated_alone_and_pooled_are_compared() -> None:
    found = arrangements(dataset(ONE, TWO))

    first = Member("worker_1", [["d", "data1", "train"]], [["d", "data1", "evaluate"]])
    second = Member("worker_2", [["d", "data2", "train"]], [])
    pool = Member("worker_1", [["d", "data1", "train"], ["d", "data2", "train"]], [["d", "data1", "evaluate"]])
    assert found == [
        Arrangement("federated", [first, second]),
        Arrangement("alone worker_1", [first]),
        Arrangement("alone worker_2", [second]),
        Arrangement("pooled", [pool]),
    ]
    assert [arrangement.project_id for arrangement in found][1] == "alone_worker_1"


def test_all_are_measured_on_what_everybody_set_aside() -> None:
    assert common_test_rows(dataset(ONE, TWO)) == [["d", "data1", "predict"], ["d", "data2", "predict"]]
    with pytest.raises(InvalidRequest, match="no predict or evaluate folders"):
        common_test_rows(dataset(Holding("worker_1", ("d", "data1", "train"))))


def trained(folder: Path, name: str, statistics: dict[str, Any], problem: str | None = None) -> Trained:
    member = Member("worker_1", [["d", "data1", "train"]], [])
    if problem:
        return Trained(Arrangement(name, [member]), problem=problem)
    (folder / f"{name}.json").write_text(json.dumps({"train": {"0": 2.0, "1": 1.0}, "evaluate": {"0": None, "1": 1.5}}))
    (folder / f"{name}_local.json").write_text(json.dumps({"0": 2.0, "1": None}))
    model = {
        "kind": "Model",
        "key": {"project_id": name},
        "global": {
            "origin": "ttp",
            "path": f"/out/{name}/global_model.pt",
            "loss_history": str(folder / f"{name}.json"),
        },
        "local_1": {"origin": "worker_1", "path": "l.pt", "loss_history": str(folder / f"{name}_local.json")},
    }
    prediction = {"kind": "Prediction", "key": {}, "predict": {"statistics": statistics, "res_path": "/out/w/s.json"}}
    return Trained(Arrangement(name, [member]), {"data": [model]}, {}, {"data": [prediction]}, 1.0)


def test_classification_metrics_are_means_over_the_classes_that_have_one(tmp_path: Path) -> None:
    statistics = {"accuracy": [0.5, 1.0], "roc_auc_score": [0.5, None], "f_score": [None, None]}

    rows = comparison([trained(tmp_path, "federated", statistics)], "classify")

    assert rows == [
        {
            **{"model": "federated", "accuracy": 0.75, "roc_auc_score": 0.5, "f_score": None, "problem": None},
            "classes": {"accuracy": 2, "roc_auc_score": 1, "f_score": 0},
        }
    ]


def test_regression_metrics_are_as_they_are_and_a_problem_is_told(tmp_path: Path) -> None:
    results = [
        trained(tmp_path, "federated", {"R2": 0.5, "MSE": 2.0, "MAE": 1.0}),
        trained(tmp_path, "pooled", {}, problem="no memory"),
    ]

    assert comparison(results, "regress") == [
        {"model": "federated", "R2": 0.5, "MSE": 2.0, "MAE": 1.0, "problem": None},
        {"model": "pooled", "R2": None, "MSE": None, "MAE": None, "problem": "no memory"},
    ]


def test_the_report_has_a_picture_and_says_where_everything_is(tmp_path: Path) -> None:
    results = [
        trained(tmp_path, "federated", {"R2": 0.5, "MSE": 2.0, "MAE": 1.0}),
        trained(tmp_path, "pooled", {}, problem="no memory"),
    ]

    written = write_report(tmp_path, dataset(ONE, action="regress"), {"rounds": 2}, results)

    told: Any = json.loads((tmp_path / "results.json").read_text())
    assert told == written
    assert (tmp_path / "loss_curves.png").read_bytes().startswith(b"\x89PNG")
    assert told["places"]["models"] == "/out/federated"
    assert told["places"]["predictions"] == "/out/w"
    assert told["places"]["data"] == "/data/d"
    assert told["ways_of_training"]["pooled"]["problem"] == "no memory"
