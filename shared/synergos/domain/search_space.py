"""A search space as it is asked for and recorded: by hyperparameter how it is drawn, as Ray Tune and NNI write it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Annotated, Any, TypeAlias

from msgspec import Meta, Struct, field

from synergos.schema import Definition


class Distribution(StrEnum):
    """How a hyperparameter is drawn; ``q`` in front means in steps."""

    CHOICE = "choice"
    GRID_SEARCH = "grid_search"
    UNIFORM = "uniform"
    QUNIFORM = "quniform"
    LOGUNIFORM = "loguniform"
    QLOGUNIFORM = "qloguniform"
    RANDINT = "randint"
    QRANDINT = "qrandint"
    LOGRANDINT = "lograndint"
    QLOGRANDINT = "qlograndint"
    RANDN = "randn"
    QRANDN = "qrandn"
    NORMAL = "normal"
    QNORMAL = "qnormal"
    LOGNORMAL = "lognormal"
    QLOGNORMAL = "qlognormal"


class DescribedDimension(Struct, frozen=True, forbid_unknown_fields=True):
    """How one hyperparameter is drawn, and from what."""

    distribution: Distribution = field(name="_type")
    values: Sequence[Any] = field(name="_value")


DescribedSpace: TypeAlias = Mapping[
    str, Annotated[DescribedDimension, Meta(examples=[{"_type": "choice", "_value": [32, 64]}])]
]
"""The dimensions of a study, by hyperparameter."""


class _Space(Struct, frozen=True):
    dimensions: DescribedSpace


_SPACE = Definition(_Space, "SearchSpace", rest="dimensions")


def read_space(value: object, at: str = "search_space") -> DescribedSpace:
    """A search space as JSON has it.

    Args:
        at: where it stands, for errors.

    Raises:
        InvalidRequest: names what is wrong, and what was expected.
    """
    return _SPACE.read(value, at=at).dimensions
