"""Answers as pandas frames."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from synergos.driver.errors import DriverError, UsageError

if TYPE_CHECKING:
    import pandas as pd

Record = Mapping[str, Any]
Row = dict[str, Any]


def to_frame(response: Record) -> pd.DataFrame:
    """One answer of the driver as a frame, its ids in the first columns.

    * validations, predictions and tuning results: a row per participant and class with the metrics as columns, ``class`` its
      number and ``label`` its name, or a row per participant when the statistics are single numbers (regression); figures of
      all rows are ``overall.<name>``; tuning results also have the trial's ``objective``, over how many it is
      (``objective_over.participants``, ``.figures``), ``is_best`` and ``hyperparameters.<name>``;
    * models: a row per trained model, the global one and each participant's; of the trainings of a run a row each;
    * alignments: a row per participant and purpose;
    * jobs and every other record: a row per record, nested fields as ``outer.inner``.

    Raises:
        DriverError: the answer is an error.
    """
    import pandas as pd

    rows = [row for record in _records(response) for row in _flatteners.get(record["kind"], _plain_rows)(record)]
    return pd.DataFrame(rows)


def pooled(response: Record) -> pd.DataFrame:
    """The figures of all participants together, of an answer about validations: a row per run and class, or per run.

    The columns are those of :func:`to_frame`, with ``participants`` in the place of one participant, and ``over.<name>`` for how many of
    them a figure is over.

    Raises:
        DriverError: the answer is an error.
    """
    import pandas as pd

    found: dict[tuple[str, ...], Record] = {}
    for record in _records(response):
        if "pooled" in record:
            key = {name: value for name, value in record["key"].items() if name != "participant_id"}
            found.setdefault((*key.values(), *record["pooled"]["participants"]), {**record["pooled"], "key": key})
    return pd.DataFrame([row for each in found.values() for row in _pooled_rows(each)])


def losses(response: Record) -> pd.DataFrame:
    """The loss histories of an answer about models: a row per run, origin, series and round.

    The answer says where the orchestrator keeps the histories; this works where those files can be read.
    ``series`` is ``train`` or ``evaluate`` for the global model and ``local`` for a participant's.

    Raises:
        DriverError: the answer is an error.
        UsageError: it is not about models, or a history cannot be read here.
    """
    import pandas as pd

    rows = [row for record in _records(response) for row in _loss_rows(record)]
    return pd.DataFrame(rows)


def _records(response: Record) -> list[Record]:
    if "data" not in response:
        raise DriverError(str(response.get("message", "an answer without data")), response.get("status"))
    data = response["data"]
    return [data] if isinstance(data, Mapping) else list(data)


def _plain_rows(record: Record) -> Iterator[Row]:
    import pandas as pd

    shown = {name: value for name, value in record.items() if name not in {"key", "keys", "relations", "kind"}}
    # pandas names the columns; the values stay the record's own.
    flat = pd.json_normalize(shown, sep=".").to_dict("records")[0] if shown else {}
    yield {**record.get("key", record.get("keys", {})), **{str(name): value for name, value in flat.items()}}


def _statistics_rows(record: Record) -> Iterator[Row]:
    yield from _figure_rows(record["key"], record.get("evaluate") or record.get("predict") or {})


def _pooled_rows(figures: Record) -> Iterator[Row]:
    participants = ", ".join(figures["participants"])
    for row in _figure_rows({**figures["key"], "participants": participants}, figures):
        at = row.get("class", 0)
        over = {name: value[at] if isinstance(value, list) else value for name, value in figures["over"].items()}
        yield {**row, **{f"over.{name}": value for name, value in over.items()}}


def _figure_rows(key: Mapping[str, Any], figures: Mapping[str, Any]) -> Iterator[Row]:
    """A row per class, or one: ids, class, and figures."""
    statistics, labels = figures.get("statistics") or {}, figures.get("classes")
    overall = {f"overall.{name}": value for name, value in (figures.get("overall") or {}).items()}
    per_class = {name: values for name, values in statistics.items() if isinstance(values, list)}
    single = {name: value for name, value in statistics.items() if name not in per_class} | overall
    for index in range(max(map(len, per_class.values()), default=0)):
        values = {name: column[index] if index < len(column) else None for name, column in per_class.items()}
        label = {} if labels is None else {"label": labels[index]}
        yield {**key, "class": index, **label, **single, **values}
    if not per_class:
        yield {**key, **single}


def _trial_rows(record: Record) -> Iterator[Row]:
    tried = {f"hyperparameters.{name}": value for name, value in record.get("hyperparameters", {}).items()}
    judged = {name: record[name] for name in ("objective", "is_best") if name in record}
    judged |= {f"objective_over.{name}": count for name, count in record.get("objective_over", {}).items()}
    for row in _statistics_rows(record):
        yield {**row, **judged, **tried}


def _model_rows(record: Record) -> Iterator[Row]:
    for part, model in _models(record):
        yield {**record["key"], "model": part, **model}


def _version_rows(record: Record) -> Iterator[Row]:
    figures = record.get("figures") or {}
    shown = {name: record.get(name) for name in ("version", "is_current", "job", "trained_at")}
    losses = {name: figures.get(name) for name in ("rounds", "best_round", "train_loss", "evaluate_loss")}
    digest = (record.get("definition") or {}).get("digest")
    yield {**record["key"], **shown, "definition": digest, **losses}


def _loss_rows(record: Record) -> Iterator[Row]:
    if record["kind"] != "Model":
        raise UsageError(f"expected an answer about models, got one about {record['kind']}")
    for _, model in _models(record):
        for series, history in _history(model["loss_history"]):
            for number, loss in sorted((int(number), loss) for number, loss in history.items()):
                yield {**record["key"], "origin": model["origin"], "series": series, "round": number, "loss": loss}


def _models(record: Record) -> list[tuple[str, Record]]:
    locals_ = [name for name in record if name.startswith("local_")]
    ordered = sorted(locals_, key=lambda name: (len(name), name))
    return [(name, record[name]) for name in ["global", *ordered] if name in record]


def _history(path: str) -> Iterable[tuple[str, Record]]:
    try:
        history = json.loads(Path(path).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UsageError(f"{path} cannot be read here: {error}", "loss_history") from error
    return history.items() if "train" in history else [("local", history)]


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
