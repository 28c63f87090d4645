"""Rows that have what no training row had: a level counts as missing or its row is not predicted; of a label nothing is measured."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from synergos.domain.feature_space import LABEL, Unseen

Rows = NDArray[np.bool_]
"""(N,), true for the rows that are meant."""


@dataclass(frozen=True)
class NeverTrained:
    """Which of some rows have a level or a label that is not in the feature space.

    Attributes:
        inputs: by column, where there are any.
        labels: None where there are none.
        unseen: what becomes of the rows in ``inputs``.
    """

    inputs: Mapping[str, Rows] = field(default_factory=dict)
    labels: Rows | None = None
    unseen: Unseen = Unseen.MISSING

    @property
    def by_column(self) -> dict[str, tuple[Rows, str]]:
        """The rows of each column, the label among them, with what becomes of them in words."""
        treated = "counts as missing" if self.unseen is Unseen.MISSING else "not predicted"
        found = {column: (rows, treated) for column, rows in self.inputs.items()}
        return found if self.labels is None else {**found, LABEL: (self.labels, "not measured")}

    def predicted(self, count: int) -> Rows:
        """The rows that are predicted.

        Args:
            count: how many there are in all.
        """
        rows = np.ones(count, dtype=np.bool_)
        if self.unseen is Unseen.REFUSE:
            for unseen in self.inputs.values():
                rows &= ~unseen
        return rows

    def measured(self, count: int) -> Rows:
        """The rows that a model is measured on, provided that all have labels."""
        return self.predicted(count) if self.labels is None else self.predicted(count) & ~self.labels

    def notes(self, count: int) -> list[str]:
        """What is to be said of each row; empty where there is nothing."""
        said: list[list[str]] = [[] for _ in range(count)]
        for column, (rows, treated) in self.by_column.items():
            what = "label" if column == LABEL else "level"
            for index in np.flatnonzero(rows).tolist():
                said[index].append(f"{column}: a {what} that nobody trained, {treated}")
        return ["; ".join(each) for each in said]
