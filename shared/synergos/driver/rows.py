"""Records of an answer as rows: flat, their ids first. Frames and tables are made of these."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from synergos.driver.errors import DriverError

Record = Mapping[str, Any]
Row = dict[str, Any]

ALL = "(all)"
"""In the place of a participant: all of them together. No id can begin with a bracket."""


def records_of(response: Record) -> list[Record]:
    """The records of an answer.

    Raises:
        DriverError: the answer is an error.
    """
    if "data" not in response:
        raise DriverError(str(response.get("message", "an answer without data")), response.get("status"))
    data = response["data"]
    return [data] if isinstance(data, Mapping) else list(data)


def rows_of(record: Record) -> Iterator[Row]:
    """The rows of one record, as :func:`synergos.driver.frames.to_frame` describes them."""
    return _flatteners.get(record.get("kind", ""), _plain_rows)(record)


def pooled_rows(response: Record) -> Iterator[Row]:
    """The figures of all participants together, as :func:`synergos.driver.frames.pooled` describes them."""
    for figures in _pooled(response):
        participants = ", ".join(figures["participants"])
        for row in figure_rows({**figures["key"], "participants": participants}, figures):
            at = row.get("class", 0)
            over = {name: value[at] if isinstance(value, list) else value for name, value in figures["over"].items()}
            yield {**row, **{f"over.{name}": value for name, value in over.items()}}


def result_rows(response: Record) -> Iterator[Row]:
    """The figures of each participant, then those of all together, as :func:`synergos.driver.frames.results` describes them."""
    for record in records_of(response):
        yield from rows_of(record)
    for figures in _pooled(response):
        yield from figure_rows({**figures["key"], "participant_id": ALL}, figures)


def models_of(record: Record) -> list[tuple[str, Record]]:
    """The models that a record has, the global one first: as what, and where."""
    locals_ = [name for name in record if name.startswith("local_")]
    ordered = sorted(locals_, key=lambda name: (len(name), name))
    return [(name, record[name]) for name in ["global", *ordered] if name in record]


def flat(record: Record, depth: int = 100) -> Row:
    """The fields of an object, those of objects in it as ``outer.inner``.

    Args:
        depth: how many objects deep; those further in stay as they are.
    """
    found: Row = {}
    for name, value in record.items():
        if isinstance(value, Mapping) and depth > 1:
            found |= {f"{name}.{inner}": each for inner, each in flat(value, depth - 1).items()}
        else:
            found[str(name)] = value
    return found


def figure_rows(key: Record, figures: Record) -> Iterator[Row]:
    """A row per class, or one: ids, class, and figures."""
    statistics, labels = figures.get("statistics") or {}, figures.get("classes")
    overall = {f"overall.{name}": value for name, value in (figures.get("overall") or {}).items()}
    per_class = {name: values for name, values in statistics.items() if isinstance(values, list)}
    single = {name: value for name, value in statistics.items() if name not in per_class} | overall
    for index in range(max(map(len, per_class.values()), default=0)):
        values = {name: column[index] if index < len(column) else None for name, column in per_class.items()}
        label = {} if labels is None else {"label": labels[index]}
        yield {**key, "class": index, **label, **values, **single}
    if not per_class:
        yield {**key, **single}


def _pooled(response: Record) -> Iterator[Record]:
    """Once for each run and whoever was measured together: the figures, and ``key``, the run's ids."""
    found: dict[tuple[str, ...], Record] = {}
    for record in records_of(response):
        if "pooled" in record:
            key = {name: value for name, value in record["key"].items() if name != "participant_id"}
            found.setdefault((*key.values(), *record["pooled"]["participants"]), {**record["pooled"], "key": key})
    yield from found.values()


def _plain_rows(record: Record) -> Iterator[Row]:
    shown = {name: value for name, value in record.items() if name not in {"key", "keys", "relations", "kind"}}
    yield {**record.get("key", record.get("keys", {})), **flat(shown)}


def _statistics_rows(record: Record) -> Iterator[Row]:
    yield from figure_rows(record["key"], record.get("evaluate") or record.get("predict") or {})


def _trial_rows(record: Record) -> Iterator[Row]:
    tried = {f"hyperparameters.{name}": value for name, value in record.get("hyperparameters", {}).items()}
    judged = {name: record[name] for name in ("objective", "is_best") if name in record}
    judged |= {f"objective_over.{name}": count for name, count in record.get("objective_over", {}).items()}
    for row in _statistics_rows(record):
        yield {**row, **judged, **tried}


def _model_rows(record: Record) -> Iterator[Row]:
    for part, model in models_of(record):
        yield {**record["key"], "model": part, **model}


def _version_rows(record: Record) -> Iterator[Row]:
    figures = record.get("figures") or {}
    shown = {name: record.get(name) for name in ("version", "is_current", "job", "trained_at")}
    losses = {name: figures.get(name) for name in ("rounds", "best_round", "train_loss", "evaluate_loss")}
    digest = (record.get("definition") or {}).get("digest")
    yield {**record["key"], **shown, "definition": digest, **losses}


def _alignment_rows(record: Record) -> Iterator[Row]:
    for purpose in ("train", "evaluate", "predict"):
        if purpose in record:
            yield {**record["key"], "meta": purpose, "X": record[purpose]["X"], "y": record[purpose]["y"]}


_flatteners: Mapping[str, Callable[[Record], Iterator[Row]]] = {
    "Validation": _statistics_rows,
    "Prediction": _statistics_rows,
    "Optimization": _trial_rows,
    "Model": _model_rows,
    "ModelVersion": _version_rows,
    "Alignment": _alignment_rows,
}
