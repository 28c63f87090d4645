"""What an orchestrator has, compared with what a project file declares."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from synergos.domain.records import Kind
from synergos.driver import Driver, DriverError
from synergos.errors import InvalidRequest
from synergos.federation.declared import Declared, Record, declared_by
from synergos.federation.federation import Federation

_ABSENT = 404


class Standing(StrEnum):
    """How a declared record stands."""

    SAME = "same"
    MISSING = "missing"
    DIFFERENT = "different"
    REPLACED = "replaced"
    """It differs in what can only be declared anew, and what hangs under it goes: a registration with fewer nodes."""


@dataclass(frozen=True)
class Difference:
    """One field that differs.

    Attributes:
        field: its path in the table of the file.
        stored: what the orchestrator has; None for nothing.
        declared: what the file says; None for nothing.
    """

    field: str
    stored: Any
    declared: Any

    def __str__(self) -> str:
        return f"{self.field}: {_short(self.stored)} → {_short(self.declared)}"


@dataclass(frozen=True)
class Comparison:
    """One record of the file, and how it stands at the orchestrator."""

    declared: Declared
    standing: Standing
    differences: tuple[Difference, ...] = ()


def compare(driver: Driver, federation: Federation) -> list[Comparison]:
    """How each record of a file stands, in the order of the file.

    Args:
        driver: it raises errors.

    Raises:
        InvalidRequest: something cannot be declared so; nothing was asked of the orchestrator.
        DriverError: the orchestrator does not answer.
    """
    _refuse_what_cannot_be_asked(federation)
    found: list[Comparison] = []
    renewed: set[tuple[str, ...]] = set()
    for declared in declared_by(federation):
        # The tags of a registration that is declared anew go with it.
        stored = None if declared.kind is Kind.TAG and declared.ids in renewed else read_if_there(driver, declared)
        each = _compared(declared, stored)
        if each.standing is Standing.REPLACED:
            renewed.add(declared.ids)
        found.append(each)
    return found


def read_if_there(driver: Driver, declared: Declared) -> Record | None:
    """The record as it is; None when there is none.

    Raises:
        DriverError: the orchestrator does not answer.
    """
    try:
        return declared.read(driver)
    except DriverError as error:
        if error.status != _ABSENT:
            raise
        return None


def _refuse_what_cannot_be_asked(federation: Federation) -> None:
    for declared in declared_by(federation):
        try:
            declared.draft()
        except InvalidRequest as error:
            raise federation.placed(error, declared.place_of(error.field)) from None


def _compared(declared: Declared, stored: Record | None) -> Comparison:
    if stored is None:
        return Comparison(declared, Standing.MISSING)
    found = _differences("", declared.declared_in(stored), declared.wanted)
    differences = tuple(replace(each, field=declared.in_file(each.field)) for each in found)
    if not differences:
        return Comparison(declared, Standing.SAME)
    fewer = declared.kind is Kind.REGISTRATION and stored["n_count"] > declared.wanted["n_count"]
    return Comparison(declared, Standing.REPLACED if fewer else Standing.DIFFERENT, differences)


def _differences(field: str, stored: Any, declared: Any) -> Iterator[Difference]:
    if isinstance(stored, Mapping) and isinstance(declared, Mapping):
        for name in dict.fromkeys([*declared, *stored]):
            yield from _differences(f"{field}.{name}".removeprefix("."), stored.get(name), declared.get(name))
    elif _is_list(stored) and _is_list(declared) and len(stored) == len(declared):
        for position, (before, after) in enumerate(zip(stored, declared, strict=True)):
            yield from _differences(f"{field}[{position}]", before, after)
    elif not _is_same(stored, declared):
        yield Difference(field, stored, declared)


def _is_same(stored: Any, declared: Any) -> bool:
    # An answer leaves out what is empty. True is no number here, as it is none for Definition.
    return (_is_nothing(stored) and _is_nothing(declared)) or (
        stored == declared and isinstance(stored, bool) == isinstance(declared, bool)
    )


def _is_nothing(value: Any) -> bool:
    return value is None or value in ({}, [], ())


def _is_list(value: Any) -> bool:
    return isinstance(value, list | tuple)


def _short(value: Any) -> str:
    text = "–" if value is None else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 40 else f"{text[:39]}…"
