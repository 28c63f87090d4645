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


class Form(Struct, frozen=True):
    """How to ask for a distribution.

    Attributes:
        name: its ``_type``.
        description: what is drawn.
        values: what stands in its ``_value``, in this order; none where that is a list of the values themselves.
    """

    name: Distribution
    description: str
    values: Sequence[str] = ()


_RANGE, _STEPS = ("low", "high"), ("low", "high", "step")
_BELL, _BELL_STEPS = ("mean", "deviation"), ("mean", "deviation", "step")

FORMS: Sequence[Form] = (
    Form(Distribution.CHOICE, "One of the values."),
    Form(Distribution.GRID_SEARCH, "Each of the values in turn, in combination with the other grids."),
    Form(Distribution.UNIFORM, "A number of the range, both ends included.", _RANGE),
    Form(Distribution.QUNIFORM, "A multiple of the step in the range.", _STEPS),
    Form(Distribution.LOGUNIFORM, "A number of the range, small ones as often as large ones.", _RANGE),
    Form(Distribution.QLOGUNIFORM, "A multiple of the step in the range, small ones as often as large ones.", _STEPS),
    Form(Distribution.RANDINT, "A whole number of the range, its end not included.", _RANGE),
    Form(Distribution.QRANDINT, "A whole multiple of the step in the range, its end included.", _STEPS),
    Form(
        Distribution.LOGRANDINT,
        "A whole number of the range, its end not included, small ones as often as large ones.",
        _RANGE,
    ),
    Form(
        Distribution.QLOGRANDINT,
        "A whole multiple of the step in the range, small ones as often as large ones.",
        _STEPS,
    ),
    Form(Distribution.RANDN, "A normally distributed number.", _BELL),
    Form(Distribution.QRANDN, "A normally distributed multiple of the step.", _BELL_STEPS),
    Form(Distribution.NORMAL, "The same as randn.", _BELL),
    Form(Distribution.QNORMAL, "The same as qrandn.", _BELL_STEPS),
    Form(Distribution.LOGNORMAL, "A number whose logarithm is normally distributed.", _BELL),
    Form(Distribution.QLOGNORMAL, "A multiple of the step whose logarithm is normally distributed.", _BELL_STEPS),
)
"""All of them, the simplest first."""


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
