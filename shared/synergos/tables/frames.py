"""A pandas frame, read like a file of typed columns."""

from __future__ import annotations

from collections.abc import Container, Iterator, Sequence
from dataclasses import dataclass

import pandas as pd
import pyarrow as pa

from synergos.tables.columnar import plain
from synergos.tables.names import normalised
from synergos.tables.source import Cells


@dataclass(frozen=True)
class FrameSource:
    """See :class:`~synergos.tables.source.Source`; cells are the frame's own values."""

    frame: pd.DataFrame
    name: str = "rows"
    decimal: str = "."

    @property
    def columns(self) -> tuple[str, ...]:
        """See :class:`~synergos.tables.source.Source`."""
        return tuple(normalised(str(name)) for name in self.frame.columns)

    @property
    def count(self) -> int:
        """See :class:`~synergos.tables.source.Source`."""
        return len(self.frame)

    def batches(self, columns: Sequence[int], numbers: Container[int] = ()) -> Iterator[Sequence[Cells]]:
        """See :class:`~synergos.tables.source.Source`."""
        yield [self._cells(position) for position in columns]

    def place(self, row: int) -> str:
        """See :class:`~synergos.tables.source.Source`."""
        return f"row {row + 1}"

    def _cells(self, position: int) -> Cells:
        series = self.frame.iloc[:, position]
        try:
            cells = pa.array(series, from_pandas=True)
        except (pa.ArrowInvalid, pa.ArrowTypeError):
            # Values of several types are what they are written as.
            cells = pa.array(
                [None if missing else str(value) for value, missing in zip(series, series.isna(), strict=True)]
            )
        if isinstance(cells, pa.ChunkedArray):
            cells = cells.combine_chunks()
        return plain(cells, self.columns[position], self.name)
