"""What every pipeline does: read rows, say what crosses to the TTP, and turn rows into tensors of the agreed space."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from synergos.domain.catalogue import PublishedColumn
from synergos.domain.feature_space import Action, FeatureSpace
from synergos.domain.preparation import Statistics, TableColumns, TableMetadata
from synergos.errors import InvalidRequest
from synergos.tables.cells import Levels
from synergos.tables.data_file import DataFile
from synergos.tables.never_trained import NeverTrained
from synergos_worker.dataset import Dataset

Origins = tuple[tuple[str, int], ...]
"""Files in the order of their rows, each with how many rows it has; no row is ever dropped or moved."""

Ids = Mapping[str, Sequence[str | None]]
"""By column, what tells rows apart for their participant, one per row; it goes into its own predictions file and nowhere else."""


class Table(Protocol):
    """The rows of one purpose, read but not yet scaled."""

    @property
    def origins(self) -> Origins:
        """Where the rows come from."""

    @property
    def bytes(self) -> int:
        """What it takes in memory, as far as that grows with its rows."""

    @property
    def spare_bytes(self) -> int:
        """What of that examples made of it do without."""


@dataclass(frozen=True)
class Description:
    """What leaves the worker about one table.

    Attributes:
        schema: dtype by raw column.
    """

    header: TableColumns
    schema: Mapping[str, str]
    metadata: TableMetadata


@dataclass(frozen=True)
class Contents:
    """What a table holds, for disclosure control: it decides what of it may be told.

    Attributes:
        count: of rows.
        rows: each row as bytes, alike where nothing tells two rows apart.
        numbers: the cells of numeric input columns, (N,), NaN where one is missing.
        categories: those of categorical ones.
        labels: of the rows; None where there are no classes.
        bounds: of numeric columns, and the levels of a category or of the label, as the owner declares them.
    """

    count: int
    rows: Iterable[bytes]
    numbers: Mapping[str, NDArray[np.float64]] = field(default_factory=dict)
    categories: Mapping[str, Levels] = field(default_factory=dict)
    labels: Levels | None = None
    bounds: Mapping[str, tuple[float | None, float | None]] = field(default_factory=dict)
    listed: Mapping[str, Sequence[str]] = field(default_factory=dict)


@dataclass(frozen=True)
class Examples:
    """Rows as a network takes them.

    Attributes:
        inputs: (N, *input shape), float32.
        targets: (N, 1) float32 where the network has one output, else (N,) int64 class indices, -1 for a label that nobody
            trained; None without labels.
        never_trained: the rows that have what no training row had.
    """

    inputs: NDArray[np.float32]
    targets: NDArray[Any] | None
    origins: Origins = field(default=())
    never_trained: NeverTrained = field(default_factory=NeverTrained)
    ids: Ids = field(default_factory=dict)


TableOfType = TypeVar("TableOfType", bound=Table)


@dataclass(frozen=True)
class Outline:
    """What can be said of a dataset without a cell of it.

    Attributes:
        columns: of a table; none of data whose inputs have no names.
        options: how it is read, where the data type has options.
    """

    rows: int
    columns: tuple[PublishedColumn, ...] = ()
    options: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True)
class LabelCounts:
    """The classes of a dataset.

    Attributes:
        counts: rows by class, in the order of the classes.
        listed: those that the owner lists; None where none are listed.
    """

    counts: Mapping[str, int]
    listed: Sequence[str] | None = None


class Pipeline(Protocol[TableOfType]):
    """The steps of one data type; it keeps nothing between them, and threads may share it."""

    @property
    def name(self) -> str:
        """The data type, as ``metadata.json`` says it."""

    def reads(self, file_name: str) -> bool:
        """Whether a file of a dataset's folder can matter; a change of one that can has the dataset read again."""

    def row_files(self, dataset: Dataset) -> Sequence[DataFile]:
        """The files whose lines are the dataset's rows, in their order."""

    def read(
        self, datasets: Sequence[Dataset], action: Action, *, needs_labels: bool, room: int | None = None
    ) -> TableOfType:
        """Read datasets and put their rows one after another.

        Args:
            room: bytes that rows may take, whose files have no more themselves; None for all that are free.

        Raises:
            UnusableData: names the file, the column and what was expected.
        """

    def outline(self, dataset: Dataset) -> Outline:
        """What can be said of a dataset without a cell of it; its files are read through, and not into memory.

        Raises:
            UnusableData: it cannot be read.
        """

    def labels(self, dataset: Dataset) -> LabelCounts | None:
        """Its classes; None where it has none. Raises what :meth:`outline` does."""

    def problems(self, dataset: Dataset, action: Action, *, needs_labels: bool) -> Iterator[InvalidRequest]:
        """What :meth:`read` would refuse about a dataset: all of it, as far as one thing does not hide another."""

    def fit(self, table: TableOfType) -> Statistics:
        """This participant's part of what scaling and imputation are fitted on; sums, counts, minima and maxima only."""

    def describe(self, table: TableOfType) -> Description:
        """Header, schema and metadata of a table."""

    def contents(self, table: TableOfType) -> Contents:
        """The cells of a table as disclosure control looks at them."""

    def showing(
        self, table: TableOfType, levels: Mapping[str, Sequence[str]], labels: Sequence[str] | None
    ) -> TableOfType:
        """The same rows with these levels of the columns and no others, to be described; cells of others are missing.

        Args:
            labels: the levels of the label; None leaves it as it is.
        """

    def transform(self, table: TableOfType, space: FeatureSpace, *, uses_up: bool = False) -> Examples:
        """The rows as tensors of the feature space.

        Args:
            uses_up: nobody will look at the table again, so that its memory is given back meanwhile.

        Raises:
            FeatureDrift: they are not of its kind.
        """
