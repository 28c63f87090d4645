"""The feature space a project's participants agreed on at alignment: columns, labels, scaling, imputation.

It is stored with the project and with every model trained in it, and sent to the workers with each session, so
that the same raw value means the same input everywhere and for ever.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Annotated, Any, NamedTuple, TypeAlias

from msgspec import UNSET, UnsetType
from msgspec import Meta as Limits

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


class Unseen(StrEnum):
    """What becomes of a row to predict or to measure on that has a level of an input which no training row had."""

    MISSING = "missing"
    """The level counts as a missing cell."""
    REFUSE = "refuse"
    """The row is not predicted; the others are."""


MinimumRows: TypeAlias = Annotated[int, Limits(ge=1)]
"""How many rows have to share what is told of them."""

LABEL = "target"
"""What the column of labels is called wherever participants meet."""


class Feature(NamedTuple):
    """One number of a row: a numeric column, or whether a categorical column has one level. In JSON a list of two.

    It is compared as the pair it is: column ``a`` with level ``b_c`` is never column ``a_b`` with level ``c``.

    Attributes:
        level: None for a numeric column.
    """

    column: str
    level: str | None = None

    def __str__(self) -> str:
        """For people to read; two features can read alike."""
        return self.column if self.level is None else f"{self.column}={self.level}"


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
        X: the inputs, in the order of the network's; a categorical column is one-hot, one feature for each level.
            Empty where inputs have no names, as pixels have none.
        y: the column of labels alone for regression, else with each level, in class order.
        input_shape: shape of one row's input tensor, without the batch dimension.
        numeric: the numeric raw columns by name.
        categorical: the categorical raw columns by name.
        unseen: what becomes of rows with levels that are not among them.
        options: how files become inputs, where the data type leaves a choice; JSON-able values by name.
        minimum_rows: how many rows have to share what is told of them, at participants that ask for fewer; unset where that is
            left to them.
    """

    datatype: str
    action: Action
    X: tuple[Feature, ...]
    y: tuple[Feature, ...]
    input_shape: tuple[int, ...]
    numeric: Mapping[str, NumericColumn] = field(default_factory=dict)
    categorical: Mapping[str, CategoricalColumn] = field(default_factory=dict)
    options: Mapping[str, Any] = field(default_factory=dict)
    unseen: Unseen = Unseen.MISSING
    minimum_rows: MinimumRows | UnsetType = UNSET

    @property
    def outputs(self) -> int:
        """Width of the network's output: one for regression and for two classes, else one per class."""
        return 1 if self.action is Action.REGRESS or len(self.y) <= 2 else len(self.y)

    @property
    def labels(self) -> tuple[str, ...]:
        """The levels of the label, in class order; empty for regression."""
        return tuple(label.level for label in self.y if label.level is not None)

    @property
    def asked_minimum(self) -> int | None:
        """``minimum_rows``; None where it is left to the participants."""
        return None if isinstance(self.minimum_rows, UnsetType) else self.minimum_rows

    def to_dict(self) -> dict[str, object]:
        """As JSON-able values."""
        written = asdict(self)
        return {name: value for name, value in written.items() if value is not UNSET}

    @classmethod
    def from_dict(cls, value: Mapping[str, object]) -> FeatureSpace:
        """Read what :meth:`to_dict` wrote, or what it wrote when features were joined names, ``<column>_<level>``.

        Raises:
            InvalidRequest: it is not a feature space.
        """
        try:
            return _SPACE.read(_with_pairs(value))
        except InvalidRequest as error:
            raise InvalidRequest(f"not a feature space: {error}", "feature_space") from None


_SPACE = Definition(FeatureSpace, quotes=False)


def _with_pairs(value: Mapping[str, Any]) -> Mapping[str, object]:
    """A stored feature space with a pair in the place of every joined name. No space with two readings was ever stored."""
    try:
        X, y, categorical = value["X"], value["y"], value.get("categorical", {})
        if not any(isinstance(name, str) for side in (X, y) for name in side):
            return value
        pairs = {
            f"{column}_{level}": (column, level) for column, found in categorical.items() for level in found["levels"]
        }
        prefix = f"{LABEL}_"
        labels = [(LABEL, name.removeprefix(prefix)) if name.startswith(prefix) else (name, None) for name in y]
        return {**value, "X": [pairs.get(name, (name, None)) for name in X], "y": labels}
    except (AttributeError, KeyError, TypeError):
        # It is none of ours, which is said when it is read.
        return value
