"""The feature space a project's participants agreed on at alignment: columns, labels, scaling, imputation.

It is stored with the project and with every model trained in it, and sent to the workers with each session, so
that the same raw value means the same input everywhere and for ever.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any

from synergos.errors import InvalidRequest
from synergos.schema import Definition


class Action(StrEnum):
    """What a project's models do."""

    REGRESS = "regress"
    CLASSIFY = "classify"


class Side(StrEnum):
    """The two halves of a table: its inputs and its labels."""

    X = "X"
    Y = "y"


@dataclass(frozen=True)
class NumericColumn:
    """Scaling and imputation of one numeric column, over the training rows of all participants.

    Scaling is ``(value - minimum) / (maximum - minimum)``, 0 for a constant column; a missing cell becomes ``mean``.
    """

    minimum: float
    maximum: float
    mean: float


@dataclass(frozen=True)
class CategoricalColumn:
    """Levels of one categorical column over all participants; a missing cell becomes ``most_frequent``."""

    levels: tuple[str, ...]
    most_frequent: str


@dataclass(frozen=True)
class FeatureSpace:
    """What every participant's rows are turned into.

    Attributes:
        datatype: the name of the data type (``tabular``, ``image``, …).
        X: names of the input columns, in the order of the network's input. Categorical columns are one-hot: ``<column>_<level>``.
            Empty where inputs have no names, as pixels have none.
        y: ``["target"]`` for regression, else ``target_<level>`` in class order.
        input_shape: shape of one row's input tensor, without the batch dimension.
        numeric: the numeric raw columns by name.
        categorical: the categorical raw columns by name.
        options: how files become inputs, where the data type leaves a choice; JSON-able values by name.
    """

    datatype: str
    action: Action
    X: tuple[str, ...]
    y: tuple[str, ...]
    input_shape: tuple[int, ...]
    numeric: Mapping[str, NumericColumn] = field(default_factory=dict)
    categorical: Mapping[str, CategoricalColumn] = field(default_factory=dict)
    options: Mapping[str, Any] = field(default_factory=dict)

    @property
    def outputs(self) -> int:
        """Width of the network's output: one for regression and for two classes, else one per class."""
        return 1 if self.action is Action.REGRESS or len(self.y) <= 2 else len(self.y)

    @property
    def labels(self) -> tuple[str, ...]:
        """The levels of the label, in class order; empty for regression."""
        return () if self.action is Action.REGRESS else tuple(name.removeprefix("target_") for name in self.y)

    def to_dict(self) -> dict[str, Any]:
        """As JSON-able values."""
        return asdict(self)

    @classmethod
    def from_dict(cls, value: Mapping[str, Any]) -> FeatureSpace:
        """Read what :meth:`to_dict` wrote.

        Raises:
            InvalidRequest: it is not a feature space.
        """
        try:
            return _SPACE.read(value)
        except InvalidRequest as error:
            raise InvalidRequest(f"not a feature space: {error}", "feature_space") from None


_SPACE = Definition(FeatureSpace, quotes=False)
