"""Runs beside each other: what they differ in, and what came of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from synergos.domain.class_figures import of_classes_with_rows
from synergos.driver.figures import pooled_of
from synergos.driver.rows import flat
from synergos.errors import UnknownName
from synergos.foreign_json import mapping

Record = Mapping[str, object]
Row = dict[str, object]

SCORES = ("roc_auc_score", "pr_auc_score", "f_score")
"""Of single classes; the mean over participants of the mean over classes is what a study goes by, too."""
_FIGURES = ("rounds", "best_round", "train_loss", "evaluate_loss")
_NO_HYPERPARAMETERS = frozenset({"kind", "key", "doc_id", "relations", "link"})


def comparison(
    runs: Sequence[Record], models: Sequence[Record], validations: Sequence[Record], every: bool
) -> list[Row]:
    """A row for each run: its ids, hyperparameters, and figures.

    Args:
        models: of the runs, as many as are trained.
        validations: of the runs, those of one after the other.
        every: with all hyperparameters, not only those in which the runs differ.
    """
    trained = {_id(model): model for model in models}
    measured: dict[tuple[str, str], list[Record]] = {}
    for validation in validations:
        measured.setdefault(_id(validation), []).append(validation)
    asked = {_id(run): _hyperparameters(run) for run in runs}
    names = list(dict.fromkeys(name for given in asked.values() for name in given))
    chosen = [
        name
        for name in names
        if every or any(given.get(name) != asked[_id(runs[0])].get(name) for given in asked.values())
    ]
    return [
        {
            **dict(zip(("expt_id", "run_id"), _id(run), strict=True)),
            **{name: asked[_id(run)].get(name) for name in chosen},
            **_of_training(trained.get(_id(run))),
            **dict(_of_validations(measured.get(_id(run), []))),
        }
        for run in runs
    ]


def chosen_runs(runs: Sequence[Record], names: Sequence[str] | None) -> list[Record]:
    """Those of the runs that are meant, in the order in which they are.

    Raises:
        UnknownName: there is no run of a name; with the near misses.
    """
    if names is None:
        return list(runs)
    known = [_id(run)[1] for run in runs]
    for name in names:
        if name not in known:
            raise UnknownName(name, known, "run_ids", "a run of these", listed=known[:10])
    return [run for name in names for run in runs if _id(run)[1] == name]


def _id(record: Record) -> tuple[str, str]:
    key = mapping(record["key"])
    return str(key["expt_id"]), str(key["run_id"])


def _hyperparameters(run: Record) -> Row:
    return flat({name: value for name, value in run.items() if name not in _NO_HYPERPARAMETERS})


def _of_training(model: Record | None) -> Row:
    figures = {} if model is None else mapping(model.get("figures"))
    shown = {f"model.{name}": figures.get(name) for name in _FIGURES}
    return {"model.version": None if model is None else model.get("version"), **shown}


def _of_validations(validations: Sequence[Record]) -> Iterator[tuple[str, Any]]:
    """Figures of all participants together; of those that only participants have, means over them."""
    pooled = pooled_of(validations) or {}
    for name, value in mapping(pooled.get("overall")).items():
        if not isinstance(value, list):
            yield f"overall.{name}", value
    for name, value in mapping(pooled.get("statistics")).items():
        if not isinstance(value, list):
            yield name, value
    for name in SCORES:
        means = [
            _mean(of_classes_with_rows(mapping(mapping(record["evaluate"]).get("statistics")), name))
            for record in validations
        ]
        if any(mean is not None for mean in means):
            yield f"mean.{name}", _mean(means)


def _mean(values: Any) -> float | None:
    known = [value for value in values if value is not None] if isinstance(values, Sequence) else []
    return sum(known) / len(known) if known else None
