"""What MLflow imports to load a folder that :mod:`synergos.model.mlflow_folder` wrote; it knows MLflow by its calls alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd

from synergos.learning.families import manifest
from synergos.model.trained_model import TrainedModel


def _load_pyfunc(path: str) -> _PythonFunction:
    """A model of a folder, as ``mlflow.pyfunc`` wants it."""
    folder = Path(path)
    [name] = manifest.read(folder)["models"]
    return _PythonFunction(TrainedModel.load(folder, name))


class _PythonFunction:
    def __init__(self, model: TrainedModel) -> None:
        self._model = model

    def predict(self, rows: pd.DataFrame, params: dict[str, Any] | None = None) -> pd.DataFrame:
        """Predictions of a frame of raw rows."""
        return self._model.predict(rows)
