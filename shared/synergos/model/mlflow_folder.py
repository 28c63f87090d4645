"""A trained model as a folder that MLflow loads: raw rows in, predictions out, with a signature that names the columns; and its
network alone, encoded rows in, scores out.
"""

from __future__ import annotations

import json
import shutil
import warnings
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

import torch

from synergos.domain.feature_space import Action
from synergos.errors import NotSupported
from synergos.learning.families import manifest
from synergos.model.mlflow_description import DATA, Description
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
    description = Description(
        LOADER,
        {name: "double" if name in model.space.numeric else "string" for name in model.columns},
        outputs_of(model),
        example_row(model.space, model.columns),
        f"synergos[predict]=={version('synergos')}",
        {"synergos": {"run": dict(model.manifest.get("run", {})), "version": model.manifest.get("version", 1)}},
    )
    with unfinished(path) as place, warnings.catch_warnings():
        # What torch says of its own parts.
        warnings.simplefilter("ignore")
        data = place / DATA
        data.mkdir(parents=True)
        content = dict(model.manifest) | {"models": {model.name: model.file.name}}
        (data / manifest.NAME).write_text(json.dumps(content), encoding="utf-8")
        shutil.copyfile(model.file, data / model.file.name)
        network = _network_of(model)
        if network is None:
            description.write(place, {})
        else:
            flavour = {"code": None, "model_data": _NETWORK, "pytorch_version": str(torch.__version__)}
            description.write(place, {"pytorch": flavour})
            (place / _NETWORK).mkdir()
            torch.export.save(network, place / _NETWORK / _NETWORK_FILE)
    return path


def outputs_of(model: StoredModel) -> Mapping[str, str]:
    """What comes back of a row, with its types by MLflow's words."""
    predicted = "float" if model.space.action is Action.REGRESS else "string"
    return {"prediction": predicted} | {f"score_{label}": "float" for label in model.space.labels}


def _network_of(model: StoredModel) -> torch.export.ExportedProgram | None:
    """What makes scores of encoded rows, any number of them; None where that is no torch module."""
    try:
        scoring = model.recipe.family.scoring(model.recipe, model.weights)
    except NotSupported:
        return None
    example = torch.zeros(_EXAMPLES, *model.space.input_shape)
    return torch.export.export(scoring, (example,), dynamic_shapes=({0: torch.export.Dim.AUTO},))
