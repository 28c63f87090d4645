"""A trained model as an ONNX file: the network and its scores; rows are encoded before it."""

from __future__ import annotations

import json
import warnings
from pathlib import Path
from typing import TYPE_CHECKING

import onnx

# Taken by torch's exporter; what is not installed is found here.
import onnxscript  # noqa: F401
import torch

from synergos.learning.families.manifest import NAME
from synergos.model.unfinished import unfinished

if TYPE_CHECKING:
    from synergos.model.trained_model import TrainedModel

INPUT, OUTPUT = "inputs", "scores"
_EXAMPLES = 3
"""Rows that the exporter goes through the network with; one would be taken for the only number of rows there can be."""


def write_onnx(model: TrainedModel, path: Path) -> Path:
    """Write a model with one input, ``inputs`` (rows, *row shape) float32, and one output, ``scores``.

    The rows are those of the feature space, in its order; scores are (rows, 1), the value or the probability of the second class,
    or (rows, classes). The file's metadata have the manifest.

    Raises:
        NotSupported: models of its family are no torch modules.
        OSError: it cannot be written.
    """
    scoring = model.recipe.family.scoring(model.recipe, model.weights)
    example = torch.zeros(_EXAMPLES, *model.space.input_shape)
    rows = torch.export.Dim("rows", min=1)
    with warnings.catch_warnings():
        # What the exporter says of its own parts.
        warnings.simplefilter("ignore")
        program = torch.onnx.export(
            scoring,
            (example,),
            input_names=[INPUT],
            output_names=[OUTPUT],
            dynamic_shapes=({0: rows},),
            dynamo=True,
            verbose=False,
        )
    assert program is not None  # noqa: S101 - it is not written to a file by torch itself
    made = program.model_proto
    onnx.helper.set_model_props(made, {NAME: json.dumps(model.manifest), "model": model.name})
    onnx.checker.check_model(made)
    with unfinished(path) as place:
        onnx.save(made, place)
    return path
