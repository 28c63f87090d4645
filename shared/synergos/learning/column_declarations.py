"""What participants declare of one column has to be one thing: a date is no number, and milligrams are no millimoles."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from synergos.domain.declared_column import DECLARED_COLUMN, DeclaredColumn
from synergos.domain.preparation import Prepared
from synergos.errors import InvalidRequest, WireFormatError


def check_declarations(polled: Mapping[str, Prepared]) -> None:
    """Refuse columns of which participants, or tables of one, declare different things.

    Raises:
        InvalidRequest: names the column, who declares what, and what would make it one.
        WireFormatError: a participant's answer declares nothing that can be read.
    """
    kinds: dict[str, dict[str, str]] = {}
    units: dict[str, dict[str, str]] = {}
    orders: dict[str, dict[str, str]] = {}
    for participant, column, declared in _declared(polled):
        kinds.setdefault(column, {}).setdefault(declared.kind, participant)
        if declared.unit is not None:
            units.setdefault(column, {}).setdefault(declared.unit, participant)
        if declared.order:
            orders.setdefault(column, {}).setdefault(" < ".join(declared.order), participant)
    for what, found, remedy in (
        ("type", kinds, "declare one type"),
        ("unit", units, "declare one unit, and convert at those who have another"),
        ("order", orders, "declare one order, and map what is written to its levels"),
    ):
        _refuse_several(what, found, remedy)


def _refuse_several(what: str, found: Mapping[str, Mapping[str, str]], remedy: str) -> None:
    for column, said in found.items():
        if len(said) > 1:
            listed = ", ".join(f"{value} ({participant})" for value, participant in said.items())
            raise InvalidRequest(
                f"participants differ in the {what} of column {column!r}: {listed}; {remedy} in schema.json", column
            )


def _declared(polled: Mapping[str, Prepared]) -> Iterator[tuple[str, str, DeclaredColumn]]:
    for participant, prepared in polled.items():
        for metadata in prepared.metadata.values():
            columns = metadata.get("columns", {})
            if not isinstance(columns, Mapping):
                raise WireFormatError("expected what is declared by column", participant)
            for column, declared in columns.items():
                try:
                    yield participant, str(column), DECLARED_COLUMN.read(declared)
                except InvalidRequest as error:
                    raise WireFormatError(f"metadata.columns: {error}", participant) from None
