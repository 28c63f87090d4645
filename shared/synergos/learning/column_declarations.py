"""What participants declare of one column has to be one thing: a date is no number, and milligrams are no millimoles."""

from __future__ import annotations

from collections.abc import Container, Mapping

from synergos.domain.declared_column import DECLARED_COLUMN, ColumnKind, DeclaredColumn
from synergos.domain.preparation import Prepared
from synergos.errors import InvalidRequest

_UNSAID = frozenset({ColumnKind.NUMBER, ColumnKind.CATEGORY})


def agreed_declarations(polled: Mapping[str, Prepared]) -> dict[str, dict[str, object]]:
    """What everybody declares, by column: type, unit and order, of the columns of which that is more than a number or a category.

    Raises:
        InvalidRequest: participants, or tables of one, declare different things; names the column, who declares what, and what
            would make it one.
    """
    kinds: dict[str, dict[str, str]] = {}
    units: dict[str, dict[str, str]] = {}
    orders: dict[str, dict[tuple[str, ...], str]] = {}
    for participant, prepared in polled.items():
        for metadata in prepared.metadata.values():
            for column, declared in metadata.columns.items():
                kinds.setdefault(column, {}).setdefault(declared.kind, participant)
                if declared.unit is not None:
                    units.setdefault(column, {}).setdefault(declared.unit, participant)
                if declared.order:
                    orders.setdefault(column, {}).setdefault(declared.order, participant)
    # How many levels there are, not which: they are the participants' own.
    by_order = {
        column: {f"no. {number}, of {len(order)} levels": who for number, (order, who) in enumerate(said.items(), 1)}
        for column, said in orders.items()
    }
    for what, found, remedy in (
        ("type", kinds, "declare one type"),
        ("unit", units, "declare one unit, and convert at those who have another"),
        ("order", by_order, "declare one order, and map what is written to its levels"),
    ):
        _refuse_several(what, found, remedy)
    agreed = {
        column: DeclaredColumn(
            kind=ColumnKind(next(iter(said))),
            unit=next(iter(units.get(column, ())), None),
            order=next(iter(orders.get(column, ())), ()),
        )
        for column, said in kinds.items()
    }
    return {
        column: DECLARED_COLUMN.write(said) for column, said in agreed.items() if said.kind not in _UNSAID or said.unit
    }


def declared_otherwise(
    declared: Mapping[str, DeclaredColumn], agreed: Mapping[str, object], columns: Container[str]
) -> list[str]:
    """What one table declares otherwise than was agreed, in words; a unit that it does not declare is none of it.

    Args:
        declared: of each of its columns.
        agreed: what :func:`agreed_declarations` made.
        columns: the ones there is an agreement on.
    """
    differing: list[str] = []
    for column, found in declared.items():
        if column not in columns:
            continue
        plain = DeclaredColumn(kind=found.kind if found.kind in _UNSAID else ColumnKind.NUMBER)
        said = DECLARED_COLUMN.read(agreed[column]) if column in agreed else plain
        for what, own, others in (
            ("type", str(found.kind), str(said.kind)),
            ("unit", found.unit, said.unit),
        ):
            if own is not None and own != others and (column in agreed or what == "type"):
                differing.append(f"{what} of column {column!r}: {own} (agreed: {others or 'none'})")
        # Without the levels: they are participants' own.
        if found.order and column in agreed and found.order != said.order:
            differing.append(f"order of column {column!r}: other levels than agreed, or in another order")
    return differing


def _refuse_several(what: str, found: Mapping[str, Mapping[str, str]], remedy: str) -> None:
    for column, said in found.items():
        if len(said) > 1:
            listed = ", ".join(f"{value} ({participant})" for value, participant in said.items())
            raise InvalidRequest(
                f"participants differ in the {what} of column {column!r}: {listed}; {remedy} in schema.json", column
            )
