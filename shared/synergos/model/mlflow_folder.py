"""A trained model as a folder that MLflow loads: raw rows in, predictions out, with a signature that names the columns."""

from __future__ import annotations

import json
import shutil
import warnings
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import mlflow.pyfunc
from mlflow.models import ModelSignature
from mlflow.types import ColSpec, DataType, Schema

from synergos.domain.feature_space import Action
from synergos.learning.families import manifest
from synergos.model.unfinished import unfinished

if TYPE_CHECKING:
    from synergos.model.trained_model import TrainedModel

LOADER = "synergos.model.mlflow_model"
"""What MLflow imports to load such a folder; it has to be installed where the model is used."""


def write_mlflow(model: TrainedModel, path: Path) -> Path:
    """Write a folder for ``mlflow.pyfunc.load_model``, of the flavour ``python_function``.

    It holds the files of the model as they are, and a signature; no row of anybody, not as an example either.

    Raises:
        OSError: it cannot be written, or is there already.
    """
    if path.exists():
        raise FileExistsError(17, "is there already", str(path))
    with TemporaryDirectory() as temporary, unfinished(path) as place, warnings.catch_warnings():
        # What MLflow says of its own parts, and of columns of whole numbers.
        warnings.simplefilter("ignore")
        data = Path(temporary) / "model"
        data.mkdir()
        content = dict(model.manifest) | {"models": {model.name: model.file.name}}
        (data / manifest.NAME).write_text(json.dumps(content), encoding="utf-8")
        shutil.copyfile(model.file, data / model.file.name)
        mlflow.pyfunc.save_model(
            str(place),
            loader_module=LOADER,
            data_path=str(data),
            signature=signature_of(model),
            pip_requirements=[f"synergos[predict]=={version('synergos')}"],
            metadata={
                "synergos": {"run": dict(model.manifest.get("run", {})), "version": model.manifest.get("version", 1)}
            },
        )
    return path


def signature_of(model: TrainedModel) -> ModelSignature:
    """Raw columns, each of which may be absent, and what comes back of a row."""
    space = model.space
    inputs: list[Any] = [
        ColSpec(DataType.double if name in space.numeric else DataType.string, name, required=False)
        for name in model.columns
    ]
    outputs: list[Any] = [
        ColSpec(DataType.float if space.action is Action.REGRESS else DataType.string, "prediction"),
        *(ColSpec(DataType.float, f"score_{label}") for label in space.labels),
    ]
    return ModelSignature(inputs=Schema(inputs), outputs=Schema(outputs))
