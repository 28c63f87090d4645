"""What participants declare of one column has to be one thing: a date is no number, and milligrams are no millimoles."""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping
from typing import Any

from synergos.domain.declared_column import DECLARED_COLUMN, ColumnKind, DeclaredColumn
from synergos.domain.preparation import Prepared
from synergos.errors import InvalidRequest, WireFormatError

_PLAIN = {kind.value: DeclaredColumn(kind=kind) for kind in ColumnKind}
_UNSAID = frozenset({ColumnKind.NUMBER, ColumnKind.CATEGORY})


def agreed_declarations(polled: Mapping[str, Prepared]) -> dict[str, dict[str, Any]]:
    """What everybody declares, by column: type, unit and order, of the columns of which that is more than a number or a category.

    Raises:
        InvalidRequest: participants, or tables of one, declare different things; names the column, who declares what, and what
            would make it one.
        WireFormatError: a participant's answer declares nothing that can be read.
    """
    kinds: dict[str, dict[str, str]] = {}
    units: dict[str, dict[str, str]] = {}
    orders: dict[str, dict[tuple[str, ...], str]] = {}
    for participant, prepared in polled.items():
        for metadata in prepared.metadata.values():
            for column, declared in _declared(metadata, participant):
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


def declared_otherwise(metadata: Mapping[str, Any], agreed: Mapping[str, Any], columns: Container[str]) -> list[str]:
    """What one table declares otherwise than was agreed, in words; a unit that it does not declare is none of it.

    Args:
        agreed: what :func:`agreed_declarations` made.
        columns: the ones there is an agreement on.
    """
    differing: list[str] = []
    for column, found in _declared(metadata, "the table"):
        if column not in columns:
            continue
        said = DECLARED_COLUMN.read(agreed.get(column, {"type": found.kind if found.kind in _UNSAID else "number"}))
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


def _declared(metadata: Mapping[str, Any], participant: str) -> Iterator[tuple[str, DeclaredColumn]]:
    columns = metadata.get("columns", {})
    if not isinstance(columns, Mapping):
        raise WireFormatError("expected what is declared by column", participant)
    for column, declared in columns.items():
        try:
            # Nearly all columns are plain, and there can be many.
            is_plain = isinstance(declared, dict) and declared.keys() == {"type"} and declared["type"] in _PLAIN
            yield str(column), _PLAIN[declared["type"]] if is_plain else DECLARED_COLUMN.read(declared)
        except InvalidRequest as error:
            raise WireFormatError(f"metadata.columns: {error}", participant) from None
