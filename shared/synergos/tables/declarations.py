"""What the schemas of several files say of one column: one thing, or it is refused."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import msgspec

from synergos.domain.declared_column import ColumnKind, Converted, DeclaredColumn
from synergos.errors import UnusableData
from synergos.tables.rules import CellRules
from synergos.tables.schema import ColumnType

_KINDS = {
    ColumnType.BOOLEAN: ColumnKind.BOOLEAN,
    ColumnType.CATEGORY: ColumnKind.CATEGORY,
    ColumnType.DATE: ColumnKind.DATE,
}


@dataclass(frozen=True)
class Declaration:
    """What is declared of one column.

    Attributes:
        told: what the other participants may know of it.
        bounds: smallest and largest value, where all files have some.
        levels: those there are, where all files list some.
        least_count: rows for training that a level has at least.
    """

    told: DeclaredColumn
    bounds: tuple[float, float] | None = None
    levels: tuple[str, ...] | None = None
    least_count: int = 1


def declaration(rules: CellRules, name: str, agreed: str) -> Declaration:
    """What one schema says of a column.

    Args:
        name: of the column in the file.
        agreed: what everybody calls it.
    """
    column = rules.column
    is_ordinal = column.order is not None
    kind = ColumnKind.ORDINAL if is_ordinal else _KINDS.get(column.kind, ColumnKind.NUMBER)
    convert = column.convert
    told = DeclaredColumn(
        kind=kind,
        unit=column.unit,
        order=(rules.listed or ()) if is_ordinal else (),
        renamed=() if name == agreed else (name,),
        converted=()
        if convert is None
        else (Converted(from_=convert.from_, factor=convert.factor, offset=convert.offset),),
        mapped={written: meant for written, meant in rules.mapped.items() if meant is not None},
    )
    return Declaration(told, column.limits, None if is_ordinal else rules.listed, column.least_count or 1)


def merged(first: Mapping[str, Declaration], second: Mapping[str, Declaration], file: str) -> dict[str, Declaration]:
    """What two files say, by column.

    Args:
        file: the second's name, for errors.

    Raises:
        UnusableData: they contradict each other; names the column.
    """
    both = {name: _merged(first[name], second[name], name, file) for name in first if name in second}
    return {**first, **second, **both}


def _merged(first: Declaration, second: Declaration, name: str, file: str) -> Declaration:
    one, other = first.told, second.told
    for what, expected, found in (
        ("type", one.kind, other.kind),
        ("unit", one.unit, other.unit),
        ("order", ", ".join(one.order), ", ".join(other.order)),
    ):
        if expected != found:
            raise UnusableData(f"column {name!r}: its {what} is not the one of another file; expected one {what}", file)
    return replace(
        first,
        told=msgspec.structs.replace(
            one,
            renamed=tuple(dict.fromkeys((*one.renamed, *other.renamed))),
            converted=tuple(dict.fromkeys((*one.converted, *other.converted))),
            mapped={**one.mapped, **other.mapped},
        ),
        bounds=_wider(first.bounds, second.bounds),
        levels=None
        if first.levels is None or second.levels is None
        else tuple(dict.fromkeys(first.levels + second.levels)),
        least_count=max(first.least_count, second.least_count),
    )


def _wider(one: tuple[float, float] | None, other: tuple[float, float] | None) -> tuple[float, float] | None:
    return None if one is None or other is None else (min(one[0], other[0]), max(one[1], other[1]))
