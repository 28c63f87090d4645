"""The manifest of an exported run: all that is known of its models, so that they can be used without any record."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Any

from msgspec import Meta, structs

from synergos.domain.feature_space import FeatureSpace
from synergos.domain.trained_model import Training
from synergos.errors import RecordNotFound, WireFormatError
from synergos.learning.families.family import ModelFamily, Recipe
from synergos.schema import Definition

NAME = "manifest.json"
GLOBAL_MODEL = "global_model"
"""Name of the files of the model that all participants made, without a suffix."""
FORMAT = 2

_NEEDED = ("family", "architecture", "hyperparameters", "feature_space")
_PACKAGES = ("numpy", "safetensors", "synergos", "torch")


class Manifest(Training, frozen=True, kw_only=True):
    """What a folder of models holds, and what it takes to use them.

    Attributes:
        format: of this file.
        family: of the models.
        architecture: the model as it was trained, in the words of its family.
        hyperparameters: what it was trained with, what the run did not say included.
        feature_space: how raw rows become inputs, in which order, and what the outputs mean.
        run: the ids of the run, outermost first.
        models: the file of each model that its family reads, by the name of its files without a suffix; ``global_model`` is
            what all participants made.
        packages: the versions that trained it.
    """

    format: Annotated[int, Meta(ge=FORMAT, le=FORMAT)] = FORMAT
    family: str
    architecture: Sequence[Mapping[str, object]]
    hyperparameters: Mapping[str, object]
    feature_space: FeatureSpace
    run: Mapping[str, str]
    models: Mapping[str, str]
    packages: Mapping[str, str]


MANIFEST = Definition(Manifest, quotes=False)
_SCHEMA = "https://json-schema.org/draft/2020-12/schema"


def manifest_schema() -> dict[str, object]:
    """The JSON Schema of a manifest of this format, as ``docs/manifest.schema.json`` publishes it."""
    schema = {"$schema": _SCHEMA, "title": f"{NAME} of an exported run, format {FORMAT}", **MANIFEST.json_schema}
    # As JSON has it: what is a tuple here is a list there.
    return dict(json.loads(json.dumps(schema)))


if __name__ == "__main__":
    sys.stdout.write(json.dumps(manifest_schema(), indent=2, ensure_ascii=False) + "\n")


def manifest_of(
    recipe: Recipe, training: Training, run: Mapping[str, str], models: Mapping[str, str]
) -> dict[str, object]:
    """The manifest of a run, as JSON-able values."""
    made = Manifest(
        family=recipe.family.name,
        architecture=list(recipe.architecture),
        hyperparameters=recipe.hyperparameters.to_dict(),
        feature_space=recipe.space,
        run=dict(run),
        models=dict(models),
        packages={package: version(package) for package in _PACKAGES},
        **{name: getattr(training, name) for name in (field.name for field in structs.fields(Training))},
    )
    return MANIFEST.write(made)


def read(folder: Path) -> dict[str, Any]:
    """The manifest of a run's folder.

    Raises:
        RecordNotFound: there is none, or it was written before manifests said all that there is to say.
        WireFormatError: it is none, or of a format that is not known here.
    """
    try:
        content = json.loads((folder / NAME).read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise RecordNotFound(f"{folder.name} has no {NAME}; it is no exported run") from error
    except (OSError, ValueError) as error:
        raise WireFormatError(f"the {NAME} of {folder.name} cannot be read as JSON") from error
    if not isinstance(content, dict):
        raise WireFormatError(f"the {NAME} of {folder.name} is no JSON object")
    if not isinstance(content.get("format"), int) or content["format"] > FORMAT:
        raise WireFormatError(
            f"the {NAME} of {folder.name} has a format that is not known here; expected 1 to {FORMAT}: update Synergos"
        )
    missing = [key for key in _NEEDED if key not in content]
    if missing:
        raise RecordNotFound(f"the {NAME} of {folder.name} lacks {', '.join(missing)}; train the run again")
    return content


def file_of(folder: Path, content: Mapping[str, object], name: str) -> Path:
    """The file of a model in a run's folder, for its family to read.

    Args:
        content: the manifest.

    Raises:
        RecordNotFound: there is no model of that name.
    """
    models = content.get("models")
    # Manifests of the first format did not say it; there was but one family then.
    if isinstance(models, Mapping):
        if name not in models:
            raise RecordNotFound(f"{folder.name} has no model {name!r}; it has {', '.join(models)}")
        if (folder / models[name]).is_file():
            return folder / str(models[name])
    return folder / f"{name}.safetensors"


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
