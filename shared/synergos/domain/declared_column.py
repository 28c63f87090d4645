"""What a participant's schemas say of a column beyond its type, and by which rules its cells became what is agreed."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from msgspec import Struct, field, structs

from synergos.schema import Definition


class ColumnKind(StrEnum):
    """What the values of a column are."""

    NUMBER = "number"
    DATE = "date"
    ORDINAL = "ordinal"
    CATEGORY = "category"
    BOOLEAN = "boolean"


class Converted(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A unit that was converted: ``value * factor + offset``."""

    from_: str = field(name="from")
    factor: float
    offset: float


class ColumnRules(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Of a :class:`DeclaredColumn` all but its type: what participants who meet may want to know of each other's."""

    unit: str | None = None
    order: tuple[str, ...] = ()
    renamed: tuple[str, ...] = ()
    converted: tuple[Converted, ...] = ()
    mapped: Mapping[str, str] = {}


class DeclaredColumn(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What the schemas of one participant's files say of a column.

    Attributes:
        unit: of its values, once converted.
        order: the levels of an ordinal, in ascending order.
        renamed: what the files call it, where that is something else.
        converted: the units it was converted from.
        mapped: what was meant, by what was written.
    """

    kind: ColumnKind = field(name="type")
    unit: str | None = None
    order: tuple[str, ...] = ()
    renamed: tuple[str, ...] = ()
    converted: tuple[Converted, ...] = ()
    mapped: Mapping[str, str] = {}

    def rules(self, others: ColumnRules | None = None) -> ColumnRules:
        """All that is said but the type; of what is not said, what another table of the participant says of the column."""
        own = {name: getattr(self, name) for name in ColumnRules.__struct_fields__}
        return structs.replace(others or ColumnRules(), **{name: value for name, value in own.items() if value})


DECLARED_COLUMN = Definition(DeclaredColumn, quotes=False)
