"""Model families: what kinds of model can be trained, each in a folder of its own behind the protocol of ``family.py``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from synergos.domain.feature_space import FeatureSpace
from synergos.learning.families.family import (
    DEFAULT,
    Architecture,
    Array,
    Evaluation,
    LocalPlan,
    LocalResult,
    LocalWork,
    ModelFamily,
    Predictor,
    Recipe,
    Trainer,
)
from synergos.learning.families.layers import LAYERS
from synergos.learning.families.needs import Needs
from synergos.registry import Registry

__all__ = [
    "DEFAULT",
    "FAMILIES",
    "Architecture",
    "Array",
    "Evaluation",
    "LocalPlan",
    "LocalResult",
    "LocalWork",
    "ModelFamily",
    "Needs",
    "Predictor",
    "Recipe",
    "Trainer",
    "get",
    "named_in",
    "recipe",
    "recipe_in",
]

FAMILIES: Registry[ModelFamily] = Registry("a model family", LAYERS)


def get(name: object, field: str = "family") -> ModelFamily:
    """The family of that name.

    Raises:
        UnknownName: there is none.
    """
    return FAMILIES.get(name, field)


def named_in(record: Mapping[str, object]) -> ModelFamily:
    """The family that an experiment, a model or a message names; the default where it names none.

    Raises:
        UnknownName: there is none of that name.
    """
    name = record.get("family")
    return get(DEFAULT if name is None else name)


def recipe(
    family: str | None, architecture: object, hyperparameters: Mapping[str, object], space: FeatureSpace
) -> Recipe:
    """A recipe of a request's or record's parts.

    Raises:
        InvalidRequest: names what is wrong in ``family``, ``architecture`` or the hyperparameters.
    """
    found = named_in({"family": family})
    checked = found.check(architecture, "architecture")
    return Recipe(found, checked, found.hyperparameters(hyperparameters, space.action), space)


def recipe_in(record: Mapping[str, Any]) -> Recipe:
    """Read what :meth:`Recipe.to_dict` wrote; other keys are ignored."""
    space = FeatureSpace.from_dict(record["feature_space"])
    return recipe(record.get("family"), record["architecture"], record["hyperparameters"], space)
