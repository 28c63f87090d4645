"""What a data type is at the TTP's half; its other half is the pipeline of the same name at the worker."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from synergos.domain.feature_space import Action, FeatureSpace
from synergos.domain.preparation import Prepared, TableMetadata
from synergos.learning.column_alignment import Alignment
from synergos.schema import Definition


class DataType(Protocol):
    """What participants agree on, how a table can differ from that, and what a model's inputs are."""

    @property
    def name(self) -> str:
        """As ``metadata.json`` says it."""

    @property
    def metadata(self) -> Definition[Any]:
        """What a worker says of one table of this type: a struct derived from :class:`~synergos.domain.preparation.TableMetadata`."""

    def agree(self, polled: Mapping[str, Prepared], alignment: Alignment, action: Action) -> FeatureSpace:
        """The feature space that all tables of all participants fit in; its input shape is that of one row.

        Args:
            alignment: the aligned columns and labels.

        Raises:
            InvalidRequest: the tables contradict each other; names the column or option and the participants.
        """

    def drift(self, metadata: TableMetadata, space: FeatureSpace) -> list[str]:
        """How a table of this type differs from what was agreed, beside its columns and labels; nothing when it does not."""

    def columns(self, space: FeatureSpace) -> tuple[str, ...]:
        """The columns of raw rows that a model looks at."""

    def codes(self, space: FeatureSpace) -> int:
        """How many whole numbers, from 0 on, an input value may be: the rows of a table that looks inputs up (an embedding)."""
