"""Runs beside each other."""

from __future__ import annotations

import csv
import io
from typing import Any

import pytest

from synergos.domain.study import Direction
from synergos_portal.pages.launch.comparison import Comparison, Line, Measured

DIRECTIONS = {"MSE": Direction.MINIMUM, "R2": Direction.MAXIMUM, "roc_auc_score": Direction.MAXIMUM}


def key(run: str, **more: str) -> dict[str, str]:
    return {"collab_id": "c", "project_id": "p", "expt_id": "e", "run_id": run, **more}


def run(name: str, **hyperparameters: Any) -> dict[str, Any]:
    return {"kind": "Run", "key": key(name), "doc_id": name, "rounds": 5, **hyperparameters}


def validation(name: str, who: str, statistics: dict[str, Any], **more: Any) -> dict[str, Any]:
    measured = {"statistics": statistics, **more.pop("evaluate", {})}
    return {"kind": "Validation", "key": key(name, participant_id=who), "evaluate": measured, **more}


def pooled(**statistics: Any) -> dict[str, Any]:
    return {"participants": ["a", "b"], "statistics": statistics, "overall": {"rows": 9}}


def named(lines: tuple[Line, ...]) -> dict[str, Line]:
    return {line.name: line for line in lines}


def test_only_what_runs_differ_in_is_told_apart() -> None:
    found = Comparison.of(
        [Measured(run("first", lr=0.1, search={"step": 1})), Measured(run("second", lr=0.1, search={"step": 2}))], {}
    )

    assert [line.name for line in found.differing] == ["search.step"]
    assert named(found.parameters)["rounds"].values == (5, 5)


def test_what_a_run_was_not_given_is_what_it_was_trained_with() -> None:
    model = {"kind": "Model", "key": key("second"), "hyperparameters": {"lr": 0.3, "rounds": 5}}

    found = Comparison.of([Measured(run("first", lr=0.1)), Measured(run("second"), model)], {})

    assert named(found.parameters)["lr"].values == (0.1, 0.3)


def test_of_a_regression_the_smallest_error_is_the_best() -> None:
    runs = [
        Measured(run(name), None, [validation(name, "a", {"MSE": mse, "R2": r2}, pooled=pooled(MSE=mse, R2=r2))])
        for name, mse, r2 in (("first", 4.0, 0.2), ("second", 1.0, 0.9), ("third", 9.0, -1.0))
    ]

    statistics = named(Comparison.of(runs, DIRECTIONS).statistics)

    assert statistics["MSE"].best == {1}
    assert statistics["R2"].best == {1}
    assert statistics["overall.rows"].best == frozenset()


@pytest.mark.parametrize(
    ("values", "best"),
    [
        ((1.0, 1.0), set()),
        ((1.0, None), set()),
        ((1.0, 2.0, 1.0), {0, 2}),
        ((float("nan"), 2.0, 3.0), {1}),
        ((True, 2.0, 3.0), {1}),
    ],
    ids=["all equal", "one known", "two the best", "no number", "a truth"],
)
def test_the_best_is_told_only_where_there_is_one(values: tuple[Any, ...], best: set[int]) -> None:
    assert Line("MSE", values, Direction.MINIMUM).best == best


def test_of_what_is_not_pooled_the_mean_over_participants_is_shown() -> None:
    statistics = {"roc_auc_score": [0.5, 0.7, None], "TPs": [1, 2, 3], "FNs": [1, 0, 0]}
    measured = Measured(
        run("first"),
        None,
        [
            validation("first", "a", statistics),
            validation("first", "b", {"roc_auc_score": [0.8]}, pooled=pooled(TPRs=[1])),
        ],
    )

    found = Comparison.of([measured], DIRECTIONS)

    assert named(found.statistics)["mean.roc_auc_score"].values == (pytest.approx(0.7),)
    assert "mean.TPs" not in named(found.statistics)


def test_each_participant_has_its_own_figures_and_each_class_its_own_line() -> None:
    measured = validation("first", "a", {"f_score": [0.1, 0.2]}, evaluate={"classes": ["no", "yes"]})

    found = Comparison.of([Measured(run("first"), None, [measured])], {"f_score": Direction.MAXIMUM})

    [no, yes] = found.participants["a"]
    assert (no.name, no.values, yes.name, yes.values) == ("f_score [no]", (0.1,), "f_score [yes]", (0.2,))
    assert yes.direction is Direction.MAXIMUM


def test_the_table_for_spreadsheets_has_what_the_records_have() -> None:
    model = {"kind": "Model", "key": key("a"), "version": 2, "figures": {"rounds": 5, "train_loss": 0.1 + 0.2}}
    runs = [
        Measured(run("=a", note="=cmd()"), model, [validation("=a", "w", {"MSE": 1 / 3}, pooled=pooled(MSE=1 / 3))]),
        Measured(run("b", layers=[{"units": 2}])),
    ]

    first, second = csv.DictReader(io.StringIO(Comparison.of(runs, {}).to_csv()))

    assert (first["run_id"], first["note"]) == ("'=a", "'=cmd()")
    assert float(first["MSE"]) == float(first["w.MSE"]) == 1 / 3
    assert (first["model.version"], float(first["model.train_loss"])) == ("2", 0.1 + 0.2)
    assert (second["layers"], second["MSE"], second["model.version"]) == ('[{"units": 2}]', "", "")
