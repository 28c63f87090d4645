"""A first draft of ``schema.json`` and ``metadata.json``, made from the files of a folder."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from synergos.errors import InvalidRequest, UnusableData
from synergos.tables.data_file import DataFile
from synergos.tables.files import is_table, is_text, open_table
from synergos.tables.guess import guess_column, guess_format, guess_label, header_of
from synergos.tables.metadata import METADATA, METADATA_FILE, Metadata, parse_metadata
from synergos.tables.names import listed, normalised
from synergos.tables.readers import as_text
from synergos.tables.schema import COLUMN, NUMBERS, SCHEMA, TARGET, VERSION, Column, ColumnType
from synergos.tables.source import Expected
from synergos.tables.stand_ins import suspected_stand_ins
from synergos.tables.text_format import TextFormat
from synergos_worker.left_over_files import files_below
from synergos_worker.pipelines.mapping import MAPPING


@dataclass(frozen=True)
class Draft:
    """What was written, and what its owner should look at.

    Attributes:
        columns: the type of each column, as it was guessed.
    """

    columns: Mapping[str, str]
    written: tuple[str, ...]
    notes: tuple[str, ...]

    def to_dict(self) -> dict[str, object]:
        """As JSON-able values."""
        return {"columns": dict(self.columns), "written": list(self.written), "notes": list(self.notes)}


def describe(folder: Path, label: str | None, *, force: bool) -> Draft:
    """Describe a folder of tables or images.

    Args:
        label: the label's column; ``target`` when it is not said.
        force: whether a schema that is there may be written over. Metadata never are.

    Raises:
        UnusableData: a file cannot be read or written, or there is none; or there is a schema already.
        InvalidRequest: there is no such label.
    """
    files = sorted(files_below(folder))
    is_described = folder / METADATA in files
    if folder / MAPPING in files:
        return _images(folder, is_described=is_described)
    tables = [DataFile(path.relative_to(folder).as_posix(), path) for path in files if is_table(path.name)]
    if not tables:
        raise UnusableData("there is no file of rows in it, and no mapping.csv of images", folder.name)
    if folder / SCHEMA in files and not force:
        raise UnusableData("is there already; --force writes over it", SCHEMA)
    # The others say themselves how they are written.
    metadata = _metadata(
        folder, next((table for table in tables if is_text(table.name)), tables[0]), is_described=is_described
    )
    written = TextFormat.declared(metadata)
    cells = _cells(tables, written)
    chosen = _label(cells, label)
    columns = {
        name: guess_label(found, written.decimal) if name == chosen else guess_column(name, found, written.decimal)
        for name, found in cells.items()
    }
    _write(folder / SCHEMA, _schema(columns, chosen))
    if not is_described:
        _write(folder / METADATA, _set(metadata))
    files_written = (SCHEMA,) if is_described else (SCHEMA, METADATA)
    kinds = {name: column.kind.value for name, column in columns.items()}
    notes = [*_notes(columns, chosen), *_stand_ins(cells, columns, written.decimal)]
    return Draft(kinds, files_written, tuple(notes))


def _images(folder: Path, *, is_described: bool) -> Draft:
    if is_described:
        return Draft({}, (), ("there is nothing to write: mapping.csv and metadata.json describe images",))
    _write(folder / METADATA, {"datatype": "image", "operations": {}})
    return Draft({}, (METADATA,), ("images need no schema.json; say in operations how large they are to be",))


def _metadata(folder: Path, table: DataFile, *, is_described: bool) -> Metadata:
    if is_described:
        return parse_metadata(DataFile(METADATA, folder / METADATA).json(), METADATA)
    written = guess_format(table)
    said = {"delimiter": written.delimiter, "encoding": written.encoding, "decimal": written.decimal}
    usual = {"delimiter": ",", "encoding": "utf-8", "decimal": "."}
    return METADATA_FILE.read({"datatype": "tabular", **{key: said[key] for key in said if said[key] != usual[key]}})


def _cells(tables: Sequence[DataFile], written: TextFormat) -> dict[str, Counter[str]]:
    """Every column of the files, with how often each of its cells is there."""
    cells: dict[str, Counter[str]] = {}
    for table in tables:
        source = open_table(table, written, Expected(header_of(table, written), _any_header))
        if cells and set(source.columns) != set(cells):
            differing = sorted(set(source.columns) ^ set(cells))
            raise UnusableData(
                f"column {listed(differing)} is only in some files; describe a folder at a time", table.name
            )
        counts = [cells.setdefault(name, Counter()) for name in source.columns]
        for batch in source.batches(range(len(source.columns))):
            for count, column in zip(counts, batch, strict=True):
                for found in as_text(column).value_counts().to_pylist():
                    count[found["values"] or ""] += found["counts"]
    return cells


def _any_header(_columns: Sequence[str], _name: str) -> None:
    """Whatever the first line says is what the columns are called."""


def _label(columns: Collection[str], label: str | None) -> str | None:
    if label is None:
        return TARGET if TARGET in columns else None
    if normalised(label) not in columns:
        raise InvalidRequest(f"there is no column {label!r}; expected one of {listed(list(columns))}", "--label")
    return normalised(label)


def _schema(columns: Mapping[str, Column], label: str | None) -> dict[str, object]:
    said: dict[str, object] = {}
    for name, column in columns.items():
        rules = COLUMN.write(column)
        said[name] = rules if len(rules) > 1 else rules["type"]
    return {"version": VERSION, **({"label": label} if label else {}), "columns": said}


def _set(metadata: Metadata) -> dict[str, object]:
    return {"operations": {}} | {key: value for key, value in METADATA_FILE.write(metadata).items() if value}


def _notes(columns: Mapping[str, Column], label: str | None) -> list[str]:
    notes = ["types are guessed from the cells: read them, and mend what is wrong"]
    if label is None:
        notes.append('say which column is the label with "label", unless these rows are to be predicted')
    if ids := [name for name, column in columns.items() if column.kind is ColumnType.ID]:
        notes.append(f"column {listed(ids)} looks like an identifier: carried into predictions, and nowhere else")
    if empty := [name for name, column in columns.items() if column.kind is ColumnType.IGNORE]:
        notes.append(f"column {listed(empty)} is empty, or has no name")
    return notes


def _stand_ins(cells: Mapping[str, Counter[str]], columns: Mapping[str, Column], decimal: str) -> Iterator[str]:
    for name in (name for name, column in columns.items() if column.kind in NUMBERS):
        for end, rows in suspected_stand_ins(cells[name], decimal).items():
            yield (
                f"column {name!r}: its {end} number, in {rows} rows, stands apart from all others; "
                'if it means that nobody knows, say so with "missing"'
            )


def _write(path: Path, content: Mapping[str, object]) -> None:
    try:
        path.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    except OSError as error:
        raise UnusableData(f"cannot be written: {error.strerror or type(error).__name__}", path.name) from error
