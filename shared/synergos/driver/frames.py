"""Answers as pandas frames."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from synergos.driver.errors import UsageError
from synergos.driver.losses import Loss, global_losses, local_losses
from synergos.driver.rows import models_of, pooled_rows, records_of, result_rows, rows_of

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
    return frame_of(row for record in records_of(response) for row in rows_of(record))


def pooled(response: Record) -> pd.DataFrame:
    """The figures of all participants together, of an answer about validations: a row per run and class, or per run.

    The columns are those of :func:`to_frame`, with ``participants`` in the place of one participant, and ``over.<name>`` for how many of
    them a figure is over.

    Raises:
        DriverError: the answer is an error.
    """
    return frame_of(pooled_rows(response))


def results(response: Record) -> pd.DataFrame:
    """The figures of an answer about validations, of each participant and then of all together: the rows of :func:`to_frame`, and
    with ``(all)`` as ``participant_id`` those that :func:`pooled` has.

    Raises:
        DriverError: the answer is an error.
    """
    return frame_of(result_rows(response))


def losses(response: Record) -> pd.DataFrame:
    """The loss histories of an answer about models: a row per run, origin, series and round.

    The answer says where the orchestrator keeps the histories; this works where those files can be read. Elsewhere,
    ``driver.models.history(…)`` asks the orchestrator for them.
    ``series`` is ``train`` or ``evaluate`` for the global model and ``local`` for a participant's.

    Raises:
        DriverError: the answer is an error.
        UsageError: it is not about models, or a history cannot be read here.
    """
    return frame_of(row for record in records_of(response) for row in _loss_rows(record))


def frame_of(rows: Iterable[Row]) -> pd.DataFrame:
    """Rows as a frame."""
    # Late: it takes longer to import than the rest of the driver.
    import pandas as pd

    return pd.DataFrame(list(rows))


def _loss_rows(record: Record) -> Iterator[Row]:
    if record["kind"] != "Model":
        raise UsageError(f"expected an answer about models, got one about {record['kind']}")
    for _, model in models_of(record):
        for loss in _losses_in(model["loss_history"], model["origin"]):
            yield {**record["key"], **vars(loss)}


def _losses_in(path: str, origin: str) -> Iterable[Loss]:
    try:
        content = json.loads(Path(path).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UsageError(f"{path} cannot be read here: {error}", "loss_history") from error
    return global_losses(content) if "train" in content else local_losses(origin, content)
