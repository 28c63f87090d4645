"""Answers as frames."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from synergos.driver import DriverError, UsageError
from synergos.driver.frames import losses, pooled, to_frame

KEY = {"collab_id": "c", "project_id": "p", "expt_id": "e", "run_id": "r"}


def measured(participant: str, statistics: dict[str, Any], kind: str = "Validation") -> dict[str, Any]:
    purpose = "evaluate" if kind == "Validation" else "predict"
    return {
        "doc_id": "1",
        "kind": kind,
        "key": {**KEY, "participant_id": participant},
        purpose: {"statistics": statistics, "res_path": "x"},
    }


def test_a_classification_has_a_row_per_participant_and_class() -> None:
    records = [
        measured("w1", {"accuracy": [0.5, 0.75], "TPs": [1, 2]}),
        measured("w2", {"accuracy": [1.0, None], "TPs": [3, 4]}),
    ]

    frame = to_frame({"data": records})

    assert list(frame.columns) == [
        "collab_id",
        "project_id",
        "expt_id",
        "run_id",
        "participant_id",
        "class",
        "accuracy",
        "TPs",
    ]
    assert list(frame["participant_id"]) == ["w1", "w1", "w2", "w2"]
    assert list(frame["class"]) == [0, 1, 0, 1]
    assert list(frame["TPs"]) == [1, 2, 3, 4]
    assert frame["accuracy"].isna().tolist() == [False, False, False, True]


FIGURES = {
    "statistics": {"accuracy": [0.5, 0.75], "TPRs": [1.0, None]},
    "classes": ["no", "yes"],
    "overall": {"rows": 4, "accuracy": 0.5, "confusion_matrix": [[1, 1], [1, 1]]},
    "reasons": {"TPRs": [None, "no row has this class"]},
}


def test_classes_have_names_and_all_rows_their_figures() -> None:
    record = measured("w1", {})
    record["evaluate"] |= FIGURES

    frame = to_frame({"data": [record]})

    assert frame["class"].tolist() == [0, 1]
    assert frame["label"].tolist() == ["no", "yes"]
    assert frame["overall.rows"].tolist() == [4, 4]
    assert frame["overall.accuracy"].tolist() == [0.5, 0.5]


def test_pooled_figures_are_there_once_for_each_run_and_say_over_how_many() -> None:
    together = {**FIGURES, "participants": ["w1", "w2"], "over": {"TPRs": [2, 1], "overall.accuracy": 2}}
    records = [{**measured(who, {}), "pooled": together} for who in ("w1", "w2")]

    frame = pooled({"data": records})

    assert frame["participants"].tolist() == ["w1, w2"] * 2
    assert frame["label"].tolist() == ["no", "yes"]
    assert frame["over.TPRs"].tolist() == [2, 1]
    assert frame["over.overall.accuracy"].tolist() == [2, 2]
    assert "participant_id" not in frame


def test_a_regression_has_a_row_per_participant() -> None:
    frame = to_frame({"data": [measured("w1", {"R2": 0.5, "MSE": 1.0}, "Prediction")]})

    assert frame[["participant_id", "R2", "MSE"]].to_numpy().tolist()[0] == ["w1", 0.5, 1.0]


def test_a_trial_also_has_what_was_tried_and_what_it_reached() -> None:
    trial = {
        **{"hyperparameters": {"lr": 0.1}, "objective": 0.5, "is_best": True},
        "objective_over": {"participants": 2, "figures": 3},
    }

    frame = to_frame({"data": [{**measured("w1", {"R2": 0.5}), "kind": "Optimization", **trial}]})

    [row] = frame.to_dict("records")
    assert {"R2": 0.5, "objective": 0.5, "is_best": True, "hyperparameters.lr": 0.1}.items() <= row.items()
    assert {"objective_over.participants": 2, "objective_over.figures": 3}.items() <= row.items()


def test_a_participant_without_statistics_keeps_its_row() -> None:
    assert to_frame({"data": [measured("w1", {})]})["participant_id"].to_list() == ["w1"]


def test_a_single_record_is_one_row_with_nested_fields_spelt_out() -> None:
    record = {
        "doc_id": "1",
        "kind": "Registration",
        "key": {"collab_id": "c"},
        "relations": {"Tag": []},
        "node_0": {"host": "h", "port": 1},
    }

    assert to_frame({"data": record}).to_dict("records") == [
        {"collab_id": "c", "doc_id": "1", "node_0.host": "h", "node_0.port": 1}
    ]


def test_jobs_have_a_row_each() -> None:
    job = {
        "kind": "Job",
        "id": "j",
        "stage": "train",
        "state": "failed",
        "key": KEY,
        "progress": {"round": 2},
        "error": None,
    }

    frame = to_frame({"data": [job]})

    assert frame[["run_id", "id", "state", "progress.round"]].to_numpy().tolist()[0] == ["r", "j", "failed", 2]


def test_an_alignment_has_a_row_per_purpose() -> None:
    record = {
        "kind": "Alignment",
        "key": {"participant_id": "w"},
        "train": {"X": [3], "y": []},
        "predict": {"X": [], "y": []},
    }

    frame = to_frame({"data": [record]})

    assert frame["meta"].to_list() == ["train", "predict"]
    assert frame["X"].to_list() == [[3], []]


def test_an_empty_answer_is_an_empty_frame() -> None:
    assert to_frame({"data": []}).empty


def test_an_error_answer_is_raised() -> None:
    with pytest.raises(DriverError, match="there is no model"):
        to_frame({"message": "there is no model", "status": 404})


def model_record(folder: Path) -> dict[str, Any]:
    (folder / "global.json").write_text(json.dumps({"train": {"0": 2.0, "10": 0.5, "9": 1.0}, "evaluate": {"0": 3.0}}))
    (folder / "local.json").write_text(json.dumps({"0": 4.0}))
    return {
        "kind": "Model",
        "key": KEY,
        "local_1": {"origin": "w1", "path": "l.pt", "loss_history": str(folder / "local.json")},
        "global": {"origin": "ttp", "path": "g.pt", "loss_history": str(folder / "global.json")},
    }


def test_a_model_has_a_row_for_everyone_who_has_one(tmp_path: Path) -> None:
    frame = to_frame({"data": [model_record(tmp_path)]})

    assert frame["model"].to_list() == ["global", "local_1"]
    assert frame["origin"].to_list() == ["ttp", "w1"]


def test_the_trainings_of_a_run_have_a_row_each() -> None:
    version = {
        "kind": "ModelVersion",
        "key": {**KEY, "version": "2"},
        "version": 2,
        "is_current": True,
        "job": "j",
        "trained_at": "2026-11-25T12:00:00Z",
        "definition": {"digest": "d", "run": {"lr": 1}},
        "figures": {"rounds": 3, "best_round": 1, "train_loss": 0.5, "evaluate_loss": None, "validation": {}},
        "feature_space": {"X": [["age", None]]},
    }

    [row] = to_frame({"data": [version]}).to_dict("records")

    assert {**row, "evaluate_loss": None} == {
        **KEY,
        "version": 2,
        "is_current": True,
        "job": "j",
        "trained_at": "2026-11-25T12:00:00Z",
        "definition": "d",
        "rounds": 3,
        "best_round": 1,
        "train_loss": 0.5,
        "evaluate_loss": None,
    }


def test_losses_come_in_the_order_of_rounds(tmp_path: Path) -> None:
    frame = losses({"data": [model_record(tmp_path)]})

    rows = frame[["origin", "series", "round", "loss"]].to_numpy().tolist()
    assert rows == [
        ["ttp", "train", 0, 2.0],
        ["ttp", "train", 9, 1.0],
        ["ttp", "train", 10, 0.5],
        ["ttp", "evaluate", 0, 3.0],
        ["w1", "local", 0, 4.0],
    ]


def test_a_history_on_another_machine_is_named(tmp_path: Path) -> None:
    record = model_record(tmp_path)
    record["global"]["loss_history"] = "/elsewhere/history.json"

    with pytest.raises(UsageError, match=r"/elsewhere/history\.json cannot be read here"):
        losses({"data": [record]})
