"""What MLflow imports to load a folder that :mod:`synergos.model.mlflow_folder` wrote; it knows MLflow by its calls alone."""

from __future__ import annotations

import base64
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pandas as pd

from synergos.errors import UnusableData
from synergos.learning.families import manifest
from synergos.model.readers.image import COLUMN as IMAGE
from synergos.model.trained_model import TrainedModel

_SENT = "data:image/"


def _load_pyfunc(path: str) -> _PythonFunction:
    """A model of a folder, as ``mlflow.pyfunc`` wants it."""
    folder = Path(path)
    [name] = manifest.read(folder)["models"]
    return _PythonFunction(TrainedModel.load(folder, name))


class _PythonFunction:
    def __init__(self, model: TrainedModel) -> None:
        self._model = model

    def predict(self, rows: pd.DataFrame, params: dict[str, Any] | None = None) -> pd.DataFrame:
        """Predictions of a frame of raw rows; pictures by their paths, or as they are (``data:image/png;base64,…``)."""
        with TemporaryDirectory() as folder:
            return self._model.predict(_unpacked(rows, Path(folder)))


def _unpacked(rows: pd.DataFrame, folder: Path) -> pd.DataFrame:
    """The rows with pictures that were sent as text in files."""
    if IMAGE not in rows or not any(map(_is_sent, rows[IMAGE])):
        return rows
    files = [_written(cell, folder / str(place)) if _is_sent(cell) else cell for place, cell in enumerate(rows[IMAGE])]
    return rows.assign(**{IMAGE: files})


def _is_sent(cell: object) -> bool:
    return isinstance(cell, str) and cell.startswith(_SENT)


def _written(text: str, path: Path) -> str:
    try:
        content = base64.b64decode(text.partition(",")[2], validate=True)
    except ValueError as error:
        raise UnusableData("expected a path, or data:…;base64,…", IMAGE) from error
    path.write_bytes(content)
    return str(path)
