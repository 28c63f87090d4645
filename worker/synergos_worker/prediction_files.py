"""Predictions as files below the outputs folder: for the participant alone, they never leave its worker."""

from __future__ import annotations

import json
import math
import shutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from uuid import uuid4

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from synergos.domain.feature_space import FeatureSpace
from synergos.domain.keys import RunKey
from synergos.domain.tags import Purpose
from synergos.errors import GridError
from synergos.learning.families import Array
from synergos.tables.never_trained import NeverTrained
from synergos.tables.predictions import as_spreadsheet, prediction_frame
from synergos_worker.pipelines.pipeline import Ids, Origins

_BLOCK = 2**17
"""Values that are written at a time; they take less than a second."""


@dataclass(frozen=True)
class Inference:
    """What a model says of one purpose's rows, in their order.

    Attributes:
        ids: by column, what tells the rows apart for their participant.
    """

    origins: Origins
    scores: Array
    predicted: Array
    statistics: Mapping[str, object]
    never_trained: NeverTrained = field(default_factory=NeverTrained)
    ids: Ids = field(default_factory=dict)

    @property
    def is_predicted(self) -> NDArray[np.bool_]:
        """(N,), false for the rows that are not predicted; what the model says of them counts for nothing."""
        return self.never_trained.predicted(len(self.predicted))


class PredictionFiles:
    """The folder that predictions are written to."""

    def __init__(self, outputs: Path) -> None:
        self._outputs = outputs

    def write(
        self,
        run: RunKey,
        purpose: Purpose,
        space: FeatureSpace,
        inference: Inference,
        go_on: Callable[[], None],
    ) -> Path:
        """Write what is known of one purpose's rows; the path of the statistics.

        A reader sees the files of before or complete new ones, never half of one.

        Args:
            go_on: called between pieces of the work; what it raises is raised, and nothing was written then.

        Raises:
            GridError: they cannot be written, for instance because the disk is full.
        """
        folder = run.folder(self._outputs) / purpose
        staging = folder.with_name(f".{purpose}-{uuid4().hex}")
        try:
            staging.mkdir(parents=True)
            _write_files(staging, purpose, space, inference, go_on)
            folder.mkdir(exist_ok=True)
            # The statistics are what the others are found by, so they come last.
            names = sorted((path.name for path in staging.iterdir()), key=lambda name: name.endswith(".json"))
            for name in names:
                (staging / name).replace(folder / name)
        except OSError as error:
            raise GridError(
                f"the predictions for {purpose} could not be written: {error.strerror or type(error).__name__}"
            ) from error
        finally:
            shutil.rmtree(staging, ignore_errors=True)
        return folder / _statistics_name(purpose)


def _statistics_name(purpose: Purpose) -> str:
    return f"inference_statistics_{purpose}.json"


def _write_files(
    folder: Path, purpose: Purpose, space: FeatureSpace, inference: Inference, go_on: Callable[[], None]
) -> None:
    for name, values in (("predictions", inference.predicted), ("scores", inference.scores)):
        is_predicted = inference.is_predicted.reshape(-1, *(1,) * (values.ndim - 1))
        _write_array(folder / f"inference_{name}_{purpose}.txt", np.where(is_predicted, values, np.nan), go_on)
    frame = _frame(space, inference)
    go_on()
    _write_frame(folder / f"predictions_{purpose}.csv", as_spreadsheet(frame), go_on)
    text = json.dumps(inference.statistics, allow_nan=False, indent=2)
    (folder / _statistics_name(purpose)).write_text(text + "\n", encoding="utf-8")


def _write_array(path: Path, values: Array, go_on: Callable[[], None]) -> None:
    with path.open("w", encoding="latin1") as file:
        for block in _blocks(*values.shape):
            go_on()
            np.savetxt(file, values[block])


def _write_frame(path: Path, frame: pd.DataFrame, go_on: Callable[[], None]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        frame[:0].to_csv(file, index=False)
        for block in _blocks(*frame.shape):
            go_on()
            frame[block].to_csv(file, index=False, header=False)


def _blocks(count: int, *values: int) -> Iterator[slice]:
    """Slices of rows, of which each has so many values."""
    rows = max(1, _BLOCK // max(1, math.prod(values)))
    return (slice(start, start + rows) for start in range(0, count, rows))


def _frame(space: FeatureSpace, inference: Inference) -> pd.DataFrame:
    """One line per row: where it comes from, its ids, the label or value predicted, the score of each label, and what is to be said of it."""
    files, counts = zip(*inference.origins, strict=True)
    about = {
        "file": np.repeat(np.array(files, dtype=object), counts),
        "row": np.concatenate([np.arange(1, count + 1) for count in counts]),
    }
    return prediction_frame(
        pd.DataFrame(about), space, inference.scores, inference.predicted, inference.never_trained, inference.ids
    )
