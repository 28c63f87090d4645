"""What is told of rows that have what nobody trained: how many, and which as far as the owner lets that leave."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from synergos.domain.outputs import RowPlace, UnseenRows
from synergos.tables.never_trained import NeverTrained
from synergos_worker.disclosure.policy import Policy
from synergos_worker.pipelines.pipeline import Origins

SHOWN = 20
"""Rows of one column that an answer names; the predictions file names all."""


def unseen_rows(never: NeverTrained, origins: Origins, policy: Policy) -> dict[str, UnseenRows]:
    """By column, the label among them, where there are such rows."""
    places = [RowPlace(name, row) for name, count in origins for row in range(1, count + 1)] if never.by_column else []
    return {
        column: _told(np.flatnonzero(rows).tolist(), treated, places, policy)
        for column, (rows, treated) in never.by_column.items()
    }


def _told(rows: Sequence[int], treated: str, places: Sequence[RowPlace], policy: Policy) -> UnseenRows:
    if policy.is_open:
        return UnseenRows(treated=treated, rows=len(rows), which=tuple(places[row] for row in rows[:SHOWN]))
    return UnseenRows(treated=treated, rows=len(rows) if len(rows) >= policy.minimum_rows else None)
