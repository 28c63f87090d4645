"""A model of an exported run: what it says of raw rows."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray

from synergos.domain.feature_space import Action
from synergos.extras import needing
from synergos.learning.algorithms import Weights
from synergos.learning.families import Array
from synergos.model import readers
from synergos.model.readers import Choice, ReadRows, Rows
from synergos.model.stored_model import StoredModel
from synergos.tables.predictions import prediction_frame, scores_by_label
from synergos.wire import Header, Layout, weights_in

PARTICIPANT = "model"


class TrainedModel(StoredModel):
    """See :func:`synergos.load_model`; used by one thread at a time."""

    def __init__(self, folder: Path, name: str, cpus: int | None = None) -> None:
        super().__init__(folder, name)
        self._reader = readers.get(self.space.datatype)
        self._cpus = cpus or max(1, len(os.sched_getaffinity(0)) - 1)
        self.weights = _as_received(self.weights)
        self._trainer = self.recipe.family.trainer(self.recipe, PARTICIPANT, "cpu")

    @classmethod
    def load(cls, folder: Path, name: str, *, cpus: int | None = None) -> TrainedModel:
        """See :func:`synergos.load_model`."""
        return cls(folder, name, cpus)

    def predict(self, rows: Rows, *, keep: Sequence[str] = (), ignore: Sequence[str] = ()) -> pd.DataFrame:
        """What it says of rows: the predicted class or value, and the score of each class.

        Args:
            rows: a frame, or a file of rows, or several, or a folder of them; of an image model image files, or a folder. Beside a
                file its ``schema.json`` counts, where there is one. A column that is not there is filled as a missing cell is:
                with the mean or the most frequent category of the rows it was trained on.
            keep: columns that are no inputs and come back with the predictions, such as ids.
            ignore: columns that are no inputs.

        Returns:
            One line per row: the columns kept, ``prediction``, ``score_<class>``, and a ``note`` where there is something to
            note. Of a frame, under its index; of files, with ``file`` and ``row``.

        Raises:
            UnusableData: names the file, the column and what was expected.
        """
        return self.predictions(self.read(rows, keep=keep, ignore=ignore))

    def predictions(self, read: ReadRows) -> pd.DataFrame:
        """What it says of rows that were read, as :meth:`predict` does."""
        scores, predicted = self.infer(read.inputs)
        return prediction_frame(read.about, self.space, scores, predicted, read.never_trained, read.ids)

    def predict_proba(self, rows: Rows, *, keep: Sequence[str] = (), ignore: Sequence[str] = ()) -> NDArray[np.float32]:
        """The scores alone, (N, classes) in the order of :attr:`labels`; of a regression the values, (N, 1).

        Raises:
            UnusableData: see :meth:`predict`.
        """
        read = self.read(rows, keep=keep, ignore=ignore)
        scores, _ = self.infer(read.inputs)
        return scores if self.space.action is Action.REGRESS else scores_by_label(scores, self.space)

    def read(self, rows: Rows, *, keep: Sequence[str] = (), ignore: Sequence[str] = ()) -> ReadRows:
        """Rows as inputs of the model, with what is known of them beside.

        Raises:
            UnusableData: see :meth:`predict`.
        """
        return self._reader.read(rows, self.space, Choice(tuple(keep), tuple(ignore)))

    def infer(self, inputs: NDArray[np.float32]) -> tuple[Array, Array]:
        """Scores and predictions of inputs; shapes as :meth:`synergos.learning.families.Predictor.predict` has them."""
        with _threads(self._cpus):
            return self._trainer.predict(self.weights, torch.from_numpy(inputs))

    def to_onnx(self, path: str | Path) -> Path:
        r"""Write it as an ONNX model: ``inputs`` (rows, \*row shape) to ``scores``, see ``docs/using-a-model.md``.

        Raises:
            NotInstalled: a package that it takes is not installed.
            NotSupported: its family has no such form.
            OSError: it cannot be written.
        """
        with needing("export"):
            from synergos.model.onnx_file import write_onnx
        return write_onnx(self, Path(path))


def _as_received(weights: Weights) -> Weights:
    """Weights in memory as they lie at a worker: results can depend on that in their last bit."""
    layout = Layout.of(weights)
    header = Header.of(layout, {})
    buffer = torch.empty(header.data_bytes, dtype=torch.uint8)
    here = weights_in(buffer.numpy().data, header)
    for name, tensor in here.items():
        tensor.copy_(weights[name])
    # In the order of the model, as they are looked up by name.
    return {name: here[name] for name in weights}


@contextmanager
def _threads(count: int) -> Iterator[None]:
    """Have torch calculate with so many threads."""
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)
