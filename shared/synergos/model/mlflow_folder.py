"""A trained model as a folder that MLflow loads: raw rows in, predictions out, with a signature that names the columns; and its
network alone, encoded rows in, scores out.
"""

from __future__ import annotations

import json
import shutil
import warnings
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import mlflow.pyfunc
import torch
from mlflow.models import Model, ModelSignature
from mlflow.types import ColSpec, DataType, Schema

from synergos.domain.feature_space import Action
from synergos.errors import NotSupported
from synergos.learning.families import manifest
from synergos.model.mlflow_example import example_row
from synergos.model.unfinished import unfinished

if TYPE_CHECKING:
    from synergos.model.stored_model import StoredModel

LOADER = "synergos.model.mlflow_model"
"""What MLflow imports to load such a folder; it has to be installed where the model is used."""
_NETWORK = "pytorch"
_NETWORK_FILE = "model.pt2"
"""As ``mlflow.pytorch`` has it: a program of torch, which is loaded without running anybody's code and without Synergos."""
_EXAMPLES = 3
"""Rows that the exporter goes through the network with; one would be taken for the only number of rows there can be."""


def write_mlflow(model: StoredModel, path: Path) -> Path:
    """Write a folder for ``mlflow.pyfunc.load_model``, and, of a family whose models are torch modules, ``mlflow.pytorch.load_model``.

    It holds the files of the model as they are, a signature, and an example of what all participants agreed on; no row of anybody.

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
        described, network = Model(), _network_of(model)
        if network is not None:
            described.add_flavor("pytorch", model_data=_NETWORK, pytorch_version=str(torch.__version__), code=None)
        mlflow.pyfunc.save_model(
            str(place),
            mlflow_model=described,
            loader_module=LOADER,
            data_path=str(data),
            signature=signature_of(model),
            input_example=example_row(model.space, model.columns),
            pip_requirements=[f"synergos[predict]=={version('synergos')}"],
            metadata={
                "synergos": {"run": dict(model.manifest.get("run", {})), "version": model.manifest.get("version", 1)}
            },
        )
        if network is not None:
            (place / _NETWORK).mkdir()
            torch.export.save(network, place / _NETWORK / _NETWORK_FILE)
    return path


def _network_of(model: StoredModel) -> torch.export.ExportedProgram | None:
    """What makes scores of encoded rows, any number of them; None where that is no torch module."""
    try:
        scoring = model.recipe.family.scoring(model.recipe, model.weights)
    except NotSupported:
        return None
    example = torch.zeros(_EXAMPLES, *model.space.input_shape)
    return torch.export.export(scoring, (example,), dynamic_shapes=({0: torch.export.Dim.AUTO},))


def signature_of(model: StoredModel) -> ModelSignature:
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
