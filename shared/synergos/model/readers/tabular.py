"""Tables: frames, and files of rows with or without a ``schema.json`` beside them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import replace
from difflib import get_close_matches
from pathlib import Path

import numpy as np
import pandas as pd

from synergos.domain.declared_column import DECLARED_COLUMN, ColumnKind, DeclaredColumn
from synergos.domain.feature_space import FeatureSpace
from synergos.errors import InvalidRequest, UnusableData
from synergos.learning.datatypes.tabular import TABULAR, TabularMetadata
from synergos.model.readers.reader import Choice, ReadRows, Rows, checked, files_in, paths_of
from synergos.tables.data_file import DataFile
from synergos.tables.encoding import encode, never_trained
from synergos.tables.files import is_table
from synergos.tables.frames import FrameSource
from synergos.tables.metadata import METADATA, parse_metadata
from synergos.tables.names import listed, normalised
from synergos.tables.never_trained import NeverTrained
from synergos.tables.predictions import Ids
from synergos.tables.rows import FileRows, read_rows, rows_in
from synergos.tables.schema import SCHEMA, TARGET, Column, ColumnType, Schema, schema_for
from synergos.tables.text_format import TextFormat

_OWN = "the model"


class TabularReader:
    """Rows of raw columns."""

    name = TABULAR.name

    def read(self, rows: Rows, space: FeatureSpace, choice: Choice) -> ReadRows:
        """See :class:`~synergos.model.readers.reader.Reader`."""
        own = _schema(space, choice)
        if isinstance(rows, pd.DataFrame):
            if rows.empty:
                raise UnusableData("has no row, or no column", "rows")
            source = FrameSource(rows)
            _check(own, choice, source.columns, source.name)
            read = rows_in(source, own)
            return _joined([read], space, pd.DataFrame(index=rows.index))
        parts = [_read_file(file, beside, own, choice, space) for file, beside in _files(rows)]
        about = pd.concat(
            [pd.DataFrame({"file": part.name, "row": np.arange(1, part.count + 1)}) for part in parts],
            ignore_index=True,
        )
        return _joined(parts, space, about)


def _schema(space: FeatureSpace, choice: Choice) -> Schema:
    """What a model's columns hold, and nothing of the columns that are no inputs."""
    declared = space.options.get("columns", {})
    columns = {
        name: _column(name, name in space.numeric, declared.get(name)) for name in (*space.numeric, *space.categorical)
    }
    beside = _beside(columns, choice)
    return Schema(_OWN, {TARGET: Column(kind=ColumnType.IGNORE), **columns, **beside})


def _beside(inputs: Collection[str], choice: Choice) -> dict[str, Column]:
    """The columns that are no inputs.

    Raises:
        InvalidRequest: one of them is.
    """
    columns: dict[str, Column] = {}
    for field, names, kind in (("ignore", choice.ignore, ColumnType.IGNORE), ("keep", choice.keep, ColumnType.ID)):
        for name in map(normalised, names):
            if name in inputs:
                raise InvalidRequest(f"{name!r} is an input of the model", field)
            columns[name] = Column(kind=kind)
    return columns


def _column(name: str, is_numeric: bool, declared: object) -> Column:
    """One column by what was agreed of it.

    Raises:
        InvalidRequest: that is nothing that this release knows, as a newer one's may be.
    """
    agreed = None if declared is None else DECLARED_COLUMN.read(declared, at=f"options.columns.{name}")
    match agreed:
        case DeclaredColumn(kind=ColumnKind.DATE):
            return Column(kind=ColumnType.DATE)
        case DeclaredColumn(kind=ColumnKind.BOOLEAN):
            return Column(kind=ColumnType.BOOLEAN)
        case DeclaredColumn(kind=ColumnKind.ORDINAL, order=order):
            return Column(kind=ColumnType.CATEGORY, order=order)
        case _:
            return Column(kind=ColumnType.FLOAT64 if is_numeric else ColumnType.CATEGORY)


def _check(schema: Schema, choice: Choice, columns: Sequence[str], name: str) -> None:
    """Refuse columns that nobody knows, and those that are there twice or were to be kept and are not there."""
    inputs = [column for column, said in schema.columns.items() if said.is_read]
    if not set(columns) & set(inputs):
        # Without a header line the names would be cells; they are not repeated.
        raise UnusableData(f"has none of the model's columns; expected {listed(inputs)}", name)
    for place, column in enumerate(columns, start=1):
        if column and column not in schema.columns:
            near = get_close_matches(column, inputs, n=3, cutoff=0.5)
            hint = f"; did you mean {' or '.join(near)}?" if near else ""
            raise UnusableData(
                f"column number {place} is none of the model's{hint}; leave it out, keep or ignore it", name
            )
    if twice := [column for column, count in Counter(columns).items() if count > 1 and column]:
        raise UnusableData(f"column {listed(twice)} is there twice", name)
    if lacking := [column for column in map(normalised, choice.keep) if column not in columns]:
        raise UnusableData(f"column {listed(lacking)}, which is to be kept, is not there", name)


def _files(rows: str | Path | Sequence[str | Path]) -> list[tuple[DataFile, list[DataFile]]]:
    """The files of rows, each with the files whose schema may be its own."""
    found: list[tuple[DataFile, list[DataFile]]] = []
    for path in map(checked, paths_of(rows)):
        if path.is_dir():
            inside = files_in(path)
            found += [(file, inside) for file in inside if is_table(file.name)]
        else:
            beside = [
                DataFile(name, path.with_name(name)) for name in (SCHEMA, METADATA) if path.with_name(name).is_file()
            ]
            found.append((DataFile(path.name, path), beside))
    if not found:
        raise UnusableData("there is no file of rows", str(rows))
    return found


def _read_file(
    file: DataFile, beside: Sequence[DataFile], own: Schema, choice: Choice, space: FeatureSpace
) -> FileRows:
    written = _written(file, beside)
    if not any(Path(other.name).name == SCHEMA for other in beside):
        return read_rows(file, own, written, lambda columns, name: _check(own, choice, columns, name))
    schema = schema_for(beside, file)
    others = _beside({*space.numeric, *space.categorical}, choice)
    part = read_rows(file, replace(schema, columns={**schema.columns, **others}), written)
    told = {name: said.told for name, said in part.declared.items() if name != TARGET}
    if differing := TABULAR.drift(TabularMetadata(datatype=TABULAR.name, rows=part.count, columns=told), space):
        raise UnusableData(f"is not what the model was trained on: {differing[0]}", file.name)
    return part


def _written(file: DataFile, beside: Sequence[DataFile]) -> TextFormat:
    """How a file is written, as the ``metadata.json`` of its folder says."""
    near = [other for other in beside if Path(other.name).name == METADATA]
    return TextFormat.declared(parse_metadata(near[0].json(), near[0].name)) if near else TextFormat()


def _joined(parts: Sequence[FileRows], space: FeatureSpace, about: pd.DataFrame) -> ReadRows:
    inputs = [encode(part.numeric, part.numbers, part.categorical, space) for part in parts]
    never = [(part.count, never_trained(part.categorical, space)) for part in parts]
    names = dict.fromkeys(name for _, found in never for name in found)
    unseen = {
        name: np.concatenate([found.get(name, np.zeros(count, dtype=np.bool_)) for count, found in never])
        for name in names
    }
    there = {name for part in parts for name in (*part.numeric, *part.categorical)}
    absent = tuple(name for name in (*space.numeric, *space.categorical) if name not in there)
    joined = inputs[0] if len(inputs) == 1 else np.concatenate(inputs)
    return ReadRows(about, joined, NeverTrained(unseen, None, space.unseen), _ids(parts), absent)


def _ids(parts: Sequence[FileRows]) -> Ids:
    """Columns that come back: those that are asked for, and the ids of a schema; nothing in the rows of a file without them."""
    names = dict.fromkeys(name for part in parts for name in part.ids)
    return {name: [cell for part in parts for cell in part.ids.get(name, [None] * part.count)] for name in names}
