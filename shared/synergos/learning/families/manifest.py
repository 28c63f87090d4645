"""The manifest of an exported run: what its models are, so that they can be used without any record."""

from __future__ import annotations

import json
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

from synergos.domain.feature_space import FeatureSpace
from synergos.errors import RecordNotFound, WireFormatError
from synergos.learning.families.family import ModelFamily, Recipe

NAME = "manifest.json"
GLOBAL_MODEL = "global_model"
"""Name of the files of the model that all participants made, without a suffix."""

_NEEDED = ("family", "architecture", "hyperparameters", "feature_space")
_PACKAGES = ("synergos", "torch", "safetensors")


def manifest_of(recipe: Recipe, participants: Sequence[str]) -> dict[str, Any]:
    """The manifest of a run, as JSON-able values."""
    return {
        "format": 1,
        "family": recipe.family.name,
        **recipe.to_dict(),
        "participants": list(participants),
        "versions": {package: version(package) for package in _PACKAGES},
    }


def read(folder: Path) -> dict[str, Any]:
    """The manifest of a run's folder.

    Raises:
        RecordNotFound: there is none, or it was written before manifests said all that there is to say.
        WireFormatError: it is none.
    """
    try:
        content = json.loads((folder / NAME).read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise RecordNotFound(f"{folder.name} has no {NAME}; it is no exported run") from error
    except ValueError as error:
        raise WireFormatError(f"the {NAME} of {folder.name} is not JSON") from error
    if not isinstance(content, dict):
        raise WireFormatError(f"the {NAME} of {folder.name} is no JSON object")
    missing = [key for key in _NEEDED if key not in content]
    if missing:
        raise RecordNotFound(f"the {NAME} of {folder.name} lacks {', '.join(missing)}; train the run again")
    return content


def recipe_in(folder: Path, family: ModelFamily) -> Recipe:
    """What the models in a run's folder are made from.

    Raises:
        RecordNotFound: there is no manifest that says so.
        WireFormatError: it is none, or the models are of another family.
    """
    content = read(folder)
    if content["family"] != family.name:
        raise WireFormatError(f"{folder.name} holds models of the family {content['family']!r}, not {family.name!r}")
    space = FeatureSpace.from_dict(content["feature_space"])
    hyperparameters = family.hyperparameters(content["hyperparameters"], space.action)
    return Recipe(family, family.check(content["architecture"], "architecture"), hyperparameters, space)
