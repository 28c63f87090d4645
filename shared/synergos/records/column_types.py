"""Types of columns, read so that a value that is damaged takes nothing else with it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import JSON, Boolean, Column, ColumnElement, DateTime, Dialect, TypeDecorator, case
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement


class UtcDateTime(TypeDecorator[datetime]):
    """An aware time in UTC; not every database keeps the zone, so it is stored without."""

    impl = DateTime
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """To what is stored."""
        return None if value is None else value.astimezone(UTC).replace(tzinfo=None)

    def process_result_value(self, value: Any | None, dialect: Dialect) -> datetime | None:
        """From what is stored."""
        return None if value is None else value.replace(tzinfo=UTC)

    def result_processor(self, dialect: Dialect, coltype: object) -> Callable[[Any], Any]:
        """How what is stored is read: None for what is no time."""
        return _lenient(super().result_processor(dialect, coltype), None)


class _NoJson:
    """What stands in the place of a column that is no JSON."""


class Json(TypeDecorator[Any]):
    """JSON; where what is stored is none, which a database may not have checked, the rest of the table can be read all the same."""

    impl = JSON
    cache_ok = True

    def coerce_compared_value(self, op: Any, value: Any) -> Any:
        """As JSON itself has it, for what is looked for inside."""
        return self.impl_instance.coerce_compared_value(op, value)

    def result_processor(self, dialect: Dialect, coltype: object) -> Callable[[Any], Any]:
        """How what is stored is read."""
        return _lenient(super().result_processor(dialect, coltype), _NoJson())


def _lenient(read: Callable[[Any], Any] | None, otherwise: object) -> Callable[[Any], Any]:
    """As ``read``, and ``otherwise`` where it fails."""

    def read_if_possible(stored: Any) -> Any:
        try:
            return stored if read is None else read(stored)
        except (ValueError, TypeError, RecursionError):
            return otherwise

    return read_if_possible


class _IsJson(FunctionElement[bool]):
    """Whether a column is JSON, for a database that has not checked it."""

    type = Boolean()
    inherit_cache = True


@compiles(_IsJson)
def _checked_by_the_database(_element: _IsJson, _compiler: SQLCompiler, **_options: Any) -> str:
    return "true"


@compiles(_IsJson, "sqlite")
def _checked_here(element: _IsJson, compiler: SQLCompiler, **options: Any) -> str:
    return f"json_valid({compiler.process(element.clauses, **options)})"


def inside(column: Column[Any], found: ColumnElement[Any]) -> ColumnElement[Any]:
    """What is found inside a column of JSON; null where it is none."""
    return case((_IsJson(column), found))
