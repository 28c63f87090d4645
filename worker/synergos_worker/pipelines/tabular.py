"""Tabular data: csv files with a ``schema.json`` beside them become rows of numbers between 0 and 1."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import reduce
from operator import add

import numpy as np
from msgspec import UNSET, structs
from numpy.typing import NDArray

from synergos.domain.catalogue import PublishedColumn
from synergos.domain.declared_column import DeclaredColumn
from synergos.domain.feature_space import Action, Feature, FeatureSpace
from synergos.domain.natural_order import natural_order
from synergos.domain.preparation import Statistics, Sums, TableColumns
from synergos.errors import InvalidRequest, UnusableData
from synergos.learning.datatypes.tabular import TABULAR, TabularMetadata
from synergos.tables.cells import CellCounts, Codes, Levels, recoded
from synergos.tables.data_file import DataFile
from synergos.tables.declarations import Declaration, merged
from synergos.tables.encoding import encode, never_trained
from synergos.tables.files import OTHERS, check_forms, is_table, none_found
from synergos.tables.memory import let_go, zeros
from synergos.tables.metadata import METADATA
from synergos.tables.never_trained import NeverTrained
from synergos.tables.rows import FileRows, count_of, problems_in_rows, read_rows
from synergos.tables.schema import CATEGORY, SCHEMA, TARGET, Column, ColumnType, Schema, problems_in_schema, schema_for
from synergos.tables.text_format import TextFormat
from synergos_worker.dataset import Dataset
from synergos_worker.findings import Findings
from synergos_worker.pipelines.labels import Labels, label_counts, read_labels
from synergos_worker.pipelines.pipeline import Contents, Description, Examples, Ids, LabelCounts, Origins, Outline

_ROWS_AT_ONCE = 2**16
"""How many rows are there twice while those of several files are put together."""


_POINTER, _TEXT = 8, 49
"""Bytes of a place in a list, and of a text without its letters."""


@dataclass(frozen=True)
class TabularTable:
    """Rows of several files, one after another.

    Attributes:
        numeric: names of the numeric input columns.
        numbers: (rows, numeric columns); NaN where a cell is missing.
        categorical: the categorical input columns.
        dtypes: of all columns, the label among them, that are not entirely empty.
        cells: what stood in each column that is read, the label and entirely empty ones among them.
        labels: None where the rows have none.
        ids: of columns that are carried into predictions, one per row; None where nothing stands.
        declared: what schemas say of the columns of ``dtypes``.
    """

    origins: Origins
    numeric: tuple[str, ...]
    numbers: NDArray[np.float64]
    categorical: Mapping[str, Levels]
    dtypes: Mapping[str, str]
    cells: Mapping[str, CellCounts]
    labels: Labels | None
    ids: Ids
    declared: Mapping[str, Declaration]

    @property
    def count(self) -> int:
        """How many rows there are."""
        return len(self.numbers)

    @property
    def bytes(self) -> int:
        """Its numbers, the codes of its levels, its labels, and the texts that tell its rows apart."""
        codes = sum(column.codes.nbytes for column in self.categorical.values())
        labels = 0 if self.labels is None else self.labels.values.nbytes
        ids = sum(_POINTER + (len(text) + _TEXT if text else 0) for column in self.ids.values() for text in column)
        return self.numbers.nbytes + codes + labels + ids

    @property
    def spare_bytes(self) -> int:
        """Its numbers, which are twice as long as the examples'."""
        return self.numbers.nbytes

    @property
    def known(self) -> dict[str, Levels]:
        """The categorical input columns, without levels that have fewer rows than their schema wants."""
        return {name: _at_least(column, self.declared[name].least_count) for name, column in self.categorical.items()}

    @property
    def features(self) -> tuple[Feature, ...]:
        """The inputs: every numeric column, and every level of a categorical one; ordered by column, then by code point."""
        numeric = [Feature(name) for name in self.numeric]
        levels = [Feature(name, level) for name, column in self.known.items() for level in column.levels]
        return tuple(sorted([*numeric, *levels], key=lambda feature: (feature.column, feature.level or "")))


class TabularPipeline:
    """One-hot categories, and numbers scaled to [0, 1]; both fitted on the training rows of all participants."""

    name = TABULAR.name

    def reads(self, file_name: str) -> bool:
        """Tables and what describes them."""
        return is_table(file_name) or file_name.lower().endswith((*OTHERS, ".json"))

    def row_files(self, dataset: Dataset) -> Sequence[DataFile]:
        """See :class:`~synergos_worker.pipelines.pipeline.Pipeline`."""
        return [file for file in dataset.files if is_table(file.name)]

    def read(
        self, datasets: Sequence[Dataset], action: Action, *, needs_labels: bool, room: int | None = None
    ) -> TabularTable:
        """See :class:`~synergos_worker.pipelines.pipeline.Pipeline`; as numbers, rows take about what their files do as text."""
        parts = [part for dataset in datasets for part in _parts(dataset, needs_labels=needs_labels)]
        dtypes = _agreed_dtypes(parts)
        # Before the numbers, which use up the parts'.
        labels = read_labels(parts, action, needed=needs_labels)
        table = TabularTable(
            origins=tuple((part.name, part.count) for part in parts),
            numeric=(numeric := _names(dtypes, lambda dtype: dtype != CATEGORY)),
            numbers=_numbers(parts, numeric),
            categorical={name: _levels(parts, name) for name in _names(dtypes, lambda dtype: dtype == CATEGORY)},
            dtypes=dtypes,
            cells=_cells(parts),
            labels=labels,
            ids=_ids(parts),
            declared=reduce(lambda one, part: merged(one, part.declared, part.name), parts, {}),
        )
        if not table.features:
            raise UnusableData(f"there is no column beside {TARGET!r}", datasets[0].name)
        return table

    def outline(self, dataset: Dataset) -> Outline:
        """See :class:`~synergos_worker.pipelines.pipeline.Pipeline`."""
        _check_folder(dataset)
        schemas, written = dataset.files_ending(SCHEMA), TextFormat.declared(dataset.metadata)
        rows, columns = 0, dict[str, PublishedColumn]()
        for file in self.row_files(dataset):
            schema = schema_for(schemas, file)
            rows += count_of(file, schema, written)
            for name, column in schema.columns.items():
                if column.kind is not ColumnType.IGNORE:
                    columns.setdefault(schema.agreed_name(name), _published(schema, name, column))
        return Outline(rows, tuple(columns.values()))

    def labels(self, dataset: Dataset) -> LabelCounts | None:
        """See :class:`~synergos_worker.pipelines.pipeline.Pipeline`."""
        schemas, written = dataset.files_ending(SCHEMA), TextFormat.declared(dataset.metadata)
        found = {file: schema_for(schemas, file) for file in self.row_files(dataset)}
        if any(
            (label := schema.columns.get(schema.label)) is None or not label.is_category for schema in found.values()
        ):
            return None
        parts = [read_rows(file, _label_alone(schema), written) for file, schema in found.items()]
        return label_counts(parts)

    def problems(self, dataset: Dataset, action: Action, *, needs_labels: bool) -> Iterator[InvalidRequest]:
        """See :class:`~synergos_worker.pipelines.pipeline.Pipeline`."""
        found = Findings()
        schemas, written = dataset.files_ending(SCHEMA), TextFormat.declared(dataset.metadata)
        for file in schemas:
            with found.noted():
                found.add(problems_in_schema(file.json(), file.name))
        with found.noted():
            _check_folder(dataset)
        for file in self.row_files(dataset):
            with found.noted():
                schema = schema_for(schemas, file)
                if needs_labels:
                    schema.check_label()
                if not found.add(problems_in_rows(file, schema, written)):
                    read_labels([read_rows(file, schema, written)], action, needed=needs_labels)
        return iter(found)

    def fit(self, table: TabularTable) -> Statistics:
        """See :class:`~synergos_worker.pipelines.pipeline.Pipeline`."""
        return Statistics(
            numeric={name: _measures(values) for name, values in zip(table.numeric, table.numbers.T, strict=True)},
            categorical={name: _counts(column) for name, column in table.known.items()},
        )

    def describe(self, table: TabularTable) -> Description:
        """See :class:`~synergos_worker.pipelines.pipeline.Pipeline`."""
        return Description(
            header=TableColumns(table.features, table.labels.header if table.labels else ()),
            schema=dict(table.dtypes),
            metadata=TabularMetadata(
                datatype=self.name,
                rows=table.count,
                files=dict(table.origins),
                cells=_cell_counts(table),
                columns=_declared(table),
                bounds=_bounds(table) or UNSET,
            ),
        )

    def contents(self, table: TabularTable) -> Contents:
        """See :class:`~synergos_worker.pipelines.pipeline.Pipeline`."""
        return Contents(
            table.count,
            _rows(table),
            dict(zip(table.numeric, table.numbers.T, strict=True)),
            table.known,
            table.labels.classes if table.labels else None,
            {name: said.bounds for name, said in table.declared.items() if said.bounds is not None},
            {name: said.levels for name, said in table.declared.items() if said.levels is not None},
        )

    def showing(
        self, table: TabularTable, levels: Mapping[str, Sequence[str]], labels: Sequence[str] | None
    ) -> TabularTable:
        """See :class:`~synergos_worker.pipelines.pipeline.Pipeline`."""
        categorical = {
            name: Levels(recoded(column.codes, column.levels, levels[name]), tuple(levels[name]))
            for name, column in table.categorical.items()
        }
        shown = table.labels.showing(labels) if table.labels and labels is not None else table.labels
        return replace(table, categorical=categorical, labels=shown)

    def transform(self, table: TabularTable, space: FeatureSpace, *, uses_up: bool = False) -> Examples:
        """See :class:`~synergos_worker.pipelines.pipeline.Pipeline`."""
        inputs = encode(table.numeric, table.numbers, table.categorical, space, uses_up=uses_up)
        never = NeverTrained(
            never_trained(table.categorical, space),
            table.labels.never_trained(space) if table.labels else None,
            space.unseen,
        )
        return Examples(inputs, table.labels.targets(space) if table.labels else None, table.origins, never, table.ids)


def _parts(dataset: Dataset, *, needs_labels: bool) -> list[FileRows]:
    _check_folder(dataset)
    schemas, written = dataset.files_ending(SCHEMA), TextFormat.declared(dataset.metadata)
    found = {file: schema_for(schemas, file) for file in dataset.files if is_table(file.name)}
    for schema in found.values() if needs_labels else ():
        schema.check_label()
    return [read_rows(file, schema, written) for file, schema in found.items()]


def _check_folder(dataset: Dataset) -> None:
    if dataset.metadata.operations:
        raise UnusableData("operations: expected none; tables have no options", f"{dataset.name}/{METADATA}")
    files = [file for file in dataset.files if is_table(file.name)]
    if not files:
        raise none_found(dataset.name, [file for file in dataset.files if file.name.lower().endswith(OTHERS)])
    check_forms(files)


def _published(schema: Schema, name: str, column: Column) -> PublishedColumn:
    is_label = name == schema.label
    kind = "ordinal" if column.order is not None else column.kind.value
    return PublishedColumn(
        name=name if is_label else schema.agreed_name(name), type=kind, unit=column.unit, is_label=is_label
    )


def _label_alone(schema: Schema) -> Schema:
    """The same, of which no column is read but the label."""
    columns = {
        name: column if name == schema.label else Column(kind=ColumnType.IGNORE)
        for name, column in schema.columns.items()
    }
    return replace(schema, columns=columns)


def _ids(parts: Sequence[FileRows]) -> Ids:
    names = dict.fromkeys(name for part in parts for name in part.ids)
    return {name: [cell for part in parts for cell in part.ids.get(name, [None] * part.count)] for name in names}


def _declared(table: TabularTable) -> dict[str, DeclaredColumn]:
    """What schemas say of each column, and by which rules its cells became it; of what was mapped, what was meant is a level."""
    levels = {name: column.levels for name, column in table.known.items()}
    if table.labels is not None:
        levels[TARGET] = table.labels.levels
    told = {name: said.told for name, said in table.declared.items() if name != TARGET or table.labels is not None}
    return {
        name: structs.replace(
            column,
            mapped={
                written: meant for written, meant in column.mapped.items() if meant in levels.get(name, column.order)
            },
        )
        for name, column in told.items()
    }


def _bounds(table: TabularTable) -> dict[str, tuple[float, float]]:
    """The smallest and the largest value that schemas declare of numeric inputs."""
    return {name: bounds for name in table.numeric if (bounds := table.declared[name].bounds) is not None}


def _cells(parts: Sequence[FileRows]) -> dict[str, CellCounts]:
    """What stood in each column; in the rows of a file that lacks it, nothing."""
    names = dict.fromkeys(name for part in parts for name in part.cells)
    return {
        name: reduce(add, [part.cells.get(name, CellCounts(missing=part.count)) for part in parts]) for name in names
    }


def _cell_counts(table: TabularTable) -> dict[str, dict[str, int]]:
    """How many cells were missing, unreadable, and filled in, of the columns in which some were; a label never is filled in."""
    return {
        name: {
            "missing": cells.missing,
            "unreadable": cells.unreadable,
            "filled": 0 if name == TARGET else cells.filled,
        }
        for name, cells in table.cells.items()
        if cells.filled
    }


def _agreed_dtypes(parts: Sequence[FileRows]) -> dict[str, str]:
    """Every column's dtype; columns that are categorical in one file and numeric in another are refused."""
    first: dict[str, FileRows] = {}
    dtypes: dict[str, str] = {}
    for part in parts:
        for column, dtype in part.dtypes.items():
            agreed = dtypes.setdefault(column, dtype)
            if (agreed == CATEGORY) is not (dtype == CATEGORY):
                other = first[column].name
                raise UnusableData(f"column {column!r} is {dtype} here and {agreed} in {other}", part.name)
            # Two widths of numbers have the wider in common.
            dtypes[column] = agreed if agreed == dtype else "float64"
            first.setdefault(column, part)
    return dtypes


def _names(dtypes: Mapping[str, str], wanted: Callable[[str], bool]) -> tuple[str, ...]:
    return tuple(column for column, dtype in dtypes.items() if column != TARGET and wanted(dtype))


def _numbers(parts: Sequence[FileRows], columns: Sequence[str]) -> NDArray[np.float64]:
    """The numeric input columns of all files; uses up those of the files."""
    if len(parts) == 1 and parts[0].numeric == tuple(columns):
        return parts[0].numbers
    # Column by column in memory, as files have been read.
    numbers = zeros((len(columns), sum(part.count for part in parts)), np.float64).T
    start = 0
    for part in parts:
        place = {name: index for index, name in enumerate(part.numeric)}
        sources = [place.get(name) for name in columns]
        for first in range(0, part.count, _ROWS_AT_ONCE):
            rows = part.numbers[first : first + _ROWS_AT_ONCE]
            into = numbers[start + first : start + first + len(rows)]
            for column, source in enumerate(sources):
                into[:, column] = np.nan if source is None else rows[:, source]
            let_go(part.numbers, first + len(rows))
        start += part.count
    return numbers


def _levels(parts: Sequence[FileRows], name: str) -> Levels:
    """One categorical column over all files; missing in the rows of a file that lacks it."""
    columns = [part.categorical.get(name) for part in parts]
    levels = tuple(natural_order(level for column in columns if column for level in column.levels))
    codes: list[Codes] = [
        recoded(column.codes, column.levels, levels) if column else np.full(part.count, -1, dtype=np.int32)
        for part, column in zip(parts, columns, strict=True)
    ]
    return Levels(np.concatenate(codes), levels)


def _at_least(column: Levels, least: int) -> Levels:
    """A column without the levels that have fewer rows."""
    if least <= 1:
        return column
    kept = tuple(level for level, count in _counts(column).items() if count >= least)
    return Levels(recoded(column.codes, column.levels, kept), kept)


def _rows(table: TabularTable) -> Iterator[bytes]:
    """Each row's numbers, codes and label as bytes."""
    columns = [column.codes for column in table.categorical.values()]
    if table.labels is not None:
        columns.append(table.labels.values)
    for index, numbers in enumerate(table.numbers):
        yield numbers.tobytes() + b"".join(column[index].tobytes() for column in columns)


def _measures(values: NDArray[np.float64]) -> Sums:
    """What of a column is told; it is not entirely missing, so its extremes are finite."""
    present = values[~np.isnan(values)]
    return Sums(len(present), float(present.sum()), float(present.min()), float(present.max()))


def _counts(column: Levels) -> dict[str, int]:
    present = column.codes[column.codes >= 0]
    counts = np.bincount(present, minlength=len(column.levels)).tolist()
    return dict(zip(column.levels, counts, strict=True))
