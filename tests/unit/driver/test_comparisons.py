"""Runs beside each other."""

from __future__ import annotations

from typing import Any

import pytest

from synergos.driver.comparisons import chosen_runs, comparison
from synergos.errors import UnknownName


def key(run: str, **more: str) -> dict[str, str]:
    return {"collab_id": "c", "project_id": "p", "expt_id": "e", "run_id": run, **more}


def run(name: str, **hyperparameters: Any) -> dict[str, Any]:
    return {"kind": "Run", "key": key(name), "doc_id": name, "relations": {}, "rounds": 5, **hyperparameters}


def model(name: str, **figures: Any) -> dict[str, Any]:
    return {"kind": "Model", "key": key(name), "version": 2, "figures": figures}


def validation(name: str, who: str, areas: list[float | None], pooled: dict[str, Any]) -> dict[str, Any]:
    figures = {"statistics": {"roc_auc_score": areas}}
    return {"kind": "Validation", "key": key(name, participant_id=who), "evaluate": figures, "pooled": pooled}


def test_runs_are_shown_by_what_they_differ_in() -> None:
    runs = [run("first", lr=0.1, scheduler={"step": 1}), run("second", lr=0.2, scheduler={"step": 2})]

    rows = comparison(runs, [], [], every=False)

    assert [[row["run_id"], row["lr"], row["scheduler.step"]] for row in rows] == [
        ["first", 0.1, 1],
        ["second", 0.2, 2],
    ]
    assert "rounds" not in rows[0]
    assert comparison(runs, [], [], every=True)[0]["rounds"] == 5


def test_a_run_that_is_not_trained_has_no_figures() -> None:
    [first, second] = comparison(
        [run("first"), run("second")], [model("first", rounds=4, best_round=3)], [], every=False
    )

    assert (first["model.version"], first["model.rounds"], first["model.best_round"]) == (2, 4, 3)
    assert (second["model.version"], second["model.rounds"]) == (None, None)


def test_figures_of_all_together_stand_beside_means_over_participants() -> None:
    both = {"participants": ["w1", "w2"], "overall": {"rows": 9, "accuracy": 0.9, "confusion_matrix": [[1]]}}
    later = {"participants": ["w3"], "overall": {"rows": 1, "accuracy": 0.1}}
    validations = [
        validation("first", "w3", [], later),
        validation("first", "w1", [0.5, None], both),
        validation("first", "w2", [0.8, 1.0], both),
    ]

    [row] = comparison([run("first")], [], validations, every=False)

    assert (row["overall.rows"], row["overall.accuracy"]) == (9, 0.9)
    assert row["mean.roc_auc_score"] == pytest.approx((0.5 + 0.9) / 2)
    assert "overall.confusion_matrix" not in row


def test_runs_of_a_regression_are_compared_by_its_errors() -> None:
    together = {"participants": ["w1"], "statistics": {"R2": 0.5, "MSE": 2.0}, "overall": {"rows": 3}}
    record = {"kind": "Validation", "key": key("first", participant_id="w1"), "evaluate": {}, "pooled": together}

    [row] = comparison([run("first")], [], [record], every=False)

    assert (row["R2"], row["MSE"], row["overall.rows"]) == (0.5, 2.0, 3)


def test_runs_are_chosen_by_name_and_order() -> None:
    runs = [run("first"), run("second")]

    assert [each["doc_id"] for each in chosen_runs(runs, ["second", "first"])] == ["second", "first"]
    with pytest.raises(UnknownName, match="run_ids: 'frist' is not a run of these; did you mean first"):
        chosen_runs(runs, ["frist"])
