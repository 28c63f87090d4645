"""``schema.json``: what the columns of a dataset's files hold, and the rules by which a participant makes it what is agreed.

Two forms are read: ``{column: type}``, and the versioned one, in which a column can have rules and the label any name.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import PurePosixPath
from typing import Annotated, TypeAlias

import msgspec
from msgspec import Meta as Limits
from msgspec import Struct

from synergos.errors import InvalidRequest, UnknownName, UnusableData
from synergos.schema import Definition
from synergos.tables.data_file import DataFile
from synergos.tables.dates import days
from synergos.tables.names import listed, normalised

SCHEMA = "schema.json"
CATEGORY = "category"
TARGET = "target"
VERSION = 1

Word: TypeAlias = str | int | float
"""What stands in a cell; a number may be written as one."""

OtherName: TypeAlias = Annotated[str, Limits(min_length=1, description="what the other participants call it")]
MissingWords: TypeAlias = Annotated[tuple[Word, ...], Limits(description="what is written where nothing is known")]
DateFormat: TypeAlias = Annotated[str, Limits(min_length=1, description="of dates not ISO 8601, as strptime has it")]
Unit: TypeAlias = Annotated[str, Limits(min_length=1, description="of its values, once converted")]
Levels: TypeAlias = Annotated[
    tuple[Word, ...], Limits(min_length=1, description="the categories there are; others are unreadable")
]
Order: TypeAlias = Annotated[
    tuple[Word, ...],
    Limits(min_length=2, description="the categories in ascending order; each becomes a number, from 0"),
]
Share: TypeAlias = Annotated[
    float, Limits(ge=0, le=1, description="the share of a file's cells that may be unreadable, and are missing then")
]
LeastCount: TypeAlias = Annotated[
    int, Limits(ge=1, description="rows for training that a category has at least; with fewer it counts as missing")
]


class ColumnType(StrEnum):
    """What the cells of a column are."""

    CATEGORY = "category"
    INT32 = "int32"
    INT64 = "int64"
    FLOAT32 = "float32"
    FLOAT64 = "float64"
    BOOLEAN = "boolean"
    DATE = "date"
    ID = "id"
    IGNORE = "ignore"
    INT8 = "int8"
    INT16 = "int16"
    UINT8 = "uint8"
    UINT16 = "uint16"
    UINT32 = "uint32"
    UINT64 = "uint64"
    FLOAT16 = "float16"


NUMBERS = frozenset(kind for kind in ColumnType if kind.startswith(("int", "uint", "float")))
_NAMES_ONLY = frozenset({ColumnType.ID, ColumnType.IGNORE})


class Outside(StrEnum):
    """What becomes of a cell outside the bounds."""

    REFUSE = "refuse"
    MISSING = "missing"


class Conversion(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """From the unit in the file to the agreed one: ``value * factor + offset``."""

    from_: Annotated[str, Limits(min_length=1, description="the unit in the file")] = msgspec.field(name="from")
    factor: Annotated[float, Limits(description="what a value is multiplied by")] = 1.0
    offset: Annotated[float, Limits(description="what is added then")] = 0.0


class Bounds(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The smallest and the largest value there can be, in the agreed unit; of dates, as ISO 8601 writes them."""

    minimum: float | str
    maximum: float | str


class Column(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """What one column holds, and what becomes of its cells."""

    kind: Annotated[ColumnType, Limits(description="what its cells are")] = msgspec.field(name="type")
    rename: OtherName | None = None
    missing: MissingWords = ()
    mapping: Annotated[
        Mapping[str, str | int | float | bool | None],
        Limits(description="what is written, and what is meant; null where nothing is known"),
    ] = msgspec.field(name="map", default_factory=dict)
    format: DateFormat | None = None
    unit: Unit | None = None
    convert: Conversion | None = None
    bounds: Bounds | None = None
    outside: Annotated[Outside, Limits(description="of a cell outside the bounds; refuse by default")] | None = None
    levels: Levels | None = None
    order: Order | None = None
    unreadable: Share | None = None
    least_count: LeastCount | None = None

    @property
    def is_read(self) -> bool:
        """Whether its cells become an input or a label."""
        return self.kind not in _NAMES_ONLY

    @property
    def is_category(self) -> bool:
        """Whether its cells become levels; else, when it is read, numbers."""
        return self.kind is ColumnType.BOOLEAN or (self.kind is ColumnType.CATEGORY and self.order is None)

    @property
    def dtype(self) -> str:
        """What it becomes: ``category``, or a type of numbers."""
        if self.is_category:
            return CATEGORY
        if self.kind is ColumnType.CATEGORY:
            return ColumnType.INT32
        return ColumnType.FLOAT64 if self.kind is ColumnType.DATE else self.kind

    @property
    def limits(self) -> tuple[float, float] | None:
        """The smallest and the largest value, as numbers."""
        if self.bounds is None:
            return None
        minimum, maximum = (
            _bound(value, self.kind is ColumnType.DATE) for value in (self.bounds.minimum, self.bounds.maximum)
        )
        return None if minimum is None or maximum is None else (minimum, maximum)


class WrittenSchema(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The columns of the files beside and below it."""

    version: Annotated[int, Limits(ge=VERSION, le=VERSION, description="of this form")]
    label: Annotated[str, Limits(min_length=1, description="the label's column; target by default")] | None = None
    missing: MissingWords = ()
    unreadable: Share | None = None
    columns: Annotated[
        Mapping[str, object], Limits(min_length=1, description="every column of the files: its type, or an object")
    ]


@dataclass(frozen=True)
class Schema:
    """The columns of a dataset's files.

    Attributes:
        name: of its file, for errors.
        columns: by their names in the files.
        label: the name of the label's column in the files.
        missing: what is written where nothing is known, in any column.
        unreadable: the share of a file's cells that may be unreadable, in columns that do not say it themselves.
    """

    name: str
    columns: Mapping[str, Column]
    label: str = TARGET
    missing: tuple[Word, ...] = ()
    unreadable: float = 0.0

    def agreed_name(self, column: str) -> str:
        """What everybody calls a column; the label is :data:`TARGET`."""
        return TARGET if column == self.label else normalised(self.columns[column].rename or column)

    def missing_words(self, column: str) -> tuple[str, ...]:
        """What is written in a column where nothing is known, beside what always means it."""
        return tuple(map(str, (*self.missing, *self.columns[column].missing)))

    def unreadable_share(self, column: str) -> float:
        """The share of a column's cells in a file that may be unreadable."""
        share = self.columns[column].unreadable
        return self.unreadable if share is None else share

    def check_label(self) -> None:
        """Check that there is a label.

        Raises:
            UnusableData: no column is the label; names the columns, one of which it may be.
        """
        if self.label not in self.columns:
            raise UnusableData(
                f'has no column {self.label!r}, the label; it has {listed(list(self.columns))}; say which with "label"',
                self.name,
            )


COLUMN = Definition(Column)
WRITTEN_SCHEMA = Definition(WrittenSchema)


def published() -> dict[str, object]:
    """Both forms as JSON Schema (2020-12)."""
    types = {"enum": [kind.value for kind in ColumnType]}
    versioned = WRITTEN_SCHEMA.json_schema
    columns = versioned["properties"]["columns"] | {"additionalProperties": {"anyOf": [types, COLUMN.json_schema]}}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": SCHEMA,
        "if": {"required": ["columns"], "properties": {"columns": {"type": "object"}}},
        "then": versioned | {"properties": versioned["properties"] | {"columns": columns}},
        "else": {"type": "object", "description": "The type of every column.", "additionalProperties": types},
    }


def schema_for(files: Iterable[DataFile], data: DataFile) -> Schema:
    """The schema for a file of rows: the one beside it, else the nearest one above it among ``files``, those of its dataset.

    Raises:
        UnusableData: there is none, or it does not say what a schema says; names the field.
    """
    known = {file.name: file for file in files}
    places = [str(folder / SCHEMA) for folder in PurePosixPath(data.name).parents]
    file = next((known[place] for place in places if place in known), None)
    if file is None:
        raise UnusableData(f"there is no {SCHEMA} beside it", data.name)
    return parse_schema(file.json(), file.name)


def parse_schema(content: Mapping[str, object], name: str) -> Schema:
    """A schema in either form.

    Args:
        name: of its file, for errors.

    Raises:
        UnusableData: names the file, the field and what was expected.
    """
    try:
        if isinstance(content.get("columns"), Mapping):
            return _versioned(content, name)
        return Schema(name, _columns(content, ""))
    except UnusableData:
        raise
    except InvalidRequest as error:
        raise UnusableData(str(error), name) from None


def problems_in_schema(content: Mapping[str, object], name: str) -> list[UnusableData]:
    """What :func:`parse_schema` would refuse: all of it, as far as one thing does not hide another."""
    written, at = content, ""
    found: list[InvalidRequest] = []
    if isinstance(columns := content.get("columns"), Mapping):
        written, at = columns, "columns."
        try:
            WRITTEN_SCHEMA.read(content)
        except InvalidRequest as error:
            found.append(error)
    for column, value in written.items():
        try:
            _column(value, f"{at}{column}")
        except InvalidRequest as error:
            found.append(error)
    if not found:
        try:
            parse_schema(content, name)
        except UnusableData as error:
            return [error]
    return [UnusableData(str(error), name) for error in found]


def _versioned(content: Mapping[str, object], name: str) -> Schema:
    if (version := content.get("version")) != VERSION:
        raise InvalidRequest(f"expected {VERSION}, got {version!r:.40}", "version")
    written = WRITTEN_SCHEMA.read(content)
    schema = Schema(
        name,
        _columns(written.columns, "columns."),
        normalised(written.label or TARGET),
        written.missing,
        written.unreadable or 0.0,
    )
    _check_label(schema, named=written.label is not None)
    _check_names(schema)
    return schema


def _check_label(schema: Schema, *, named: bool) -> None:
    label = schema.columns.get(schema.label)
    if label is None:
        if named:
            raise UnknownName(schema.label, schema.columns, "label", "one of the columns")
        return
    place = f"columns.{schema.label}"
    if not label.is_read or label.kind is ColumnType.DATE or label.order is not None:
        raise InvalidRequest("the label is a category, a boolean or a number", f"{place}.type")
    if label.rename is not None:
        raise InvalidRequest("has no effect on the label, which everybody may call differently", f"{place}.rename")


def _check_names(schema: Schema) -> None:
    """Refuse two columns that would have one name for everybody."""
    taken: dict[str, str] = {}
    for name, column in schema.columns.items():
        if not column.is_read:
            continue
        agreed = schema.agreed_name(name)
        if agreed == TARGET and name != schema.label:
            raise InvalidRequest(f"only the label can be called {TARGET!r}; rename the column", f"columns.{name}")
        if other := taken.get(agreed):
            raise InvalidRequest(f"has the name {agreed!r}, as has column {other!r}", f"columns.{name}.rename")
        taken[agreed] = name


def _columns(written: Mapping[str, object], at: str) -> dict[str, Column]:
    columns: dict[str, Column] = {}
    for name, value in written.items():
        place = f"{at}{name}"
        if (plain := normalised(name)) in columns:
            raise InvalidRequest(
                "this name is there twice, once blanks and the forms of its letters are left aside", place
            )
        columns[plain] = _column(value, place)
    return columns


def _column(value: object, place: str) -> Column:
    if isinstance(value, str):
        if value not in list(ColumnType):
            raise UnknownName(value, list(ColumnType), place, f"one of {', '.join(ColumnType)}")
        return Column(kind=ColumnType(value))
    try:
        column = COLUMN.read(value, at=place)
    except InvalidRequest as error:
        raise _without_cells(error, place) from None
    _check_rules(column, place)
    return column


def _without_cells(error: InvalidRequest, place: str) -> InvalidRequest:
    """The keys of a map are what stands in cells, and errors do not repeat it."""
    if error.field is None or not error.field.startswith(f"{place}.map."):
        return error
    return InvalidRequest("expected a string, a number, true, false or null for every entry", f"{place}.map")


_TAKEN: Mapping[str, frozenset[ColumnType]] = {
    "missing": frozenset(ColumnType) - _NAMES_ONLY,
    "map": frozenset(ColumnType) - _NAMES_ONLY,
    "format": frozenset({ColumnType.DATE}),
    "unit": NUMBERS,
    "convert": frozenset({ColumnType.FLOAT32, ColumnType.FLOAT64}),
    "bounds": NUMBERS | {ColumnType.DATE},
    "outside": NUMBERS | {ColumnType.DATE},
    "levels": frozenset({ColumnType.CATEGORY}),
    "order": frozenset({ColumnType.CATEGORY}),
    "unreadable": frozenset(ColumnType) - _NAMES_ONLY,
    "least_count": frozenset({ColumnType.CATEGORY, ColumnType.BOOLEAN}),
}
"""Which types a rule has an effect on; a name can be given to each."""
_NEEDS = {"convert": "unit", "outside": "bounds"}


def _check_rules(column: Column, place: str) -> None:
    """Refuse what would have no effect, or contradict itself."""
    given = COLUMN.write(column).keys()
    for rule in given & _TAKEN.keys():
        if column.kind not in _TAKEN[rule]:
            raise InvalidRequest(f"has no effect on a column of type {column.kind}", f"{place}.{rule}")
        if (other := _NEEDS.get(rule)) and other not in given:
            raise InvalidRequest(f"expected {other} beside it", f"{place}.{rule}")
    if column.kind is ColumnType.CATEGORY:
        _check_category(column, place)
    _check_bounds(column, place)


def _check_category(column: Column, place: str) -> None:
    if column.order is not None and column.levels is not None:
        raise InvalidRequest("expected no levels beside it: it names all of them", f"{place}.order")
    if column.order is not None and column.least_count is not None:
        raise InvalidRequest("has no effect on a column with an order", f"{place}.least_count")
    if column.unreadable is not None and column.order is None and column.levels is None:
        raise InvalidRequest("has no effect on a category without levels: every cell is one", f"{place}.unreadable")


def _check_bounds(column: Column, place: str) -> None:
    if column.bounds is None:
        return
    is_date = column.kind is ColumnType.DATE
    for name, value in (("minimum", column.bounds.minimum), ("maximum", column.bounds.maximum)):
        if _bound(value, is_date) is None:
            wanted = "a date such as 1900-01-01" if is_date else "a number"
            raise InvalidRequest(f"expected {wanted}", f"{place}.bounds.{name}")
    minimum, maximum = column.limits or (0.0, 1.0)
    if minimum >= maximum:
        raise InvalidRequest("expected a minimum below the maximum", f"{place}.bounds")


def _bound(value: float | str, is_date: bool) -> float | None:
    if isinstance(value, str):
        return days(value) if is_date else None
    return None if is_date else value
