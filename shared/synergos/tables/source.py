"""A file of rows, whatever its format: the names of its columns, and its cells, some rows at a time."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol


@dataclass(frozen=True)
class Expected:
    """What the header of a file is to be.

    Attributes:
        names: of columns, one of which it has at least.
        check: takes its names and the file's; raises ``UnusableData``.
    """

    names: Sequence[str]
    check: Callable[[Sequence[str], str], None]


Cells = Any
"""A ``pyarrow.Array`` of one column's cells (the library has no types): text as written, or values of the file's own type."""


class Source(Protocol):
    """An open file of rows."""

    @property
    def name(self) -> str:
        """The file's name, for errors."""

    @property
    def columns(self) -> Sequence[str]:
        """Names of its columns, normalised."""

    @property
    def count(self) -> int:
        """How many rows it has."""

    @property
    def decimal(self) -> str:
        """The decimal mark of numbers that are text."""

    def batches(self, columns: Sequence[int], numbers: Container[int] = ()) -> Iterator[Sequence[Cells]]:
        """The cells of some columns, given by position, in the order of the rows.

        Args:
            numbers: columns whose cells may come as numbers, null where the usual words for nothing stand.

        Raises:
            UnusableData: they cannot be read.
        """

    def place(self, row: int) -> str:
        """Where a row, counted from 0, stands: ``line 17``."""
