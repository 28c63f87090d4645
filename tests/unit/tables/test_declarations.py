from __future__ import annotations

from typing import Any

import pytest

from synergos.domain.declared_column import ColumnKind, Converted, DeclaredColumn
from synergos.errors import UnusableData
from synergos.tables.declarations import Declaration, declaration, merged
from synergos.tables.rules import rules_of
from synergos.tables.schema import parse_schema


def declared(column: object, agreed: str = "a", **more: Any) -> Declaration:
    schema = parse_schema({"version": 1, "columns": {"a": column}, **more}, "schema.json")
    return declaration(rules_of(schema, "a"), "a", agreed)


def test_rules_are_declared_with_what_they_lead_to() -> None:
    found = declared(
        {
            "type": "float64",
            "unit": "mmol/L",
            "convert": {"from": "mg/dL", "factor": 0.1},
            "bounds": {"minimum": 0, "maximum": 30},
            "map": {"<1": 0.5, "?": None},
        },
        "lactate",
    )

    assert found.told == DeclaredColumn(
        kind=ColumnKind.NUMBER,
        unit="mmol/L",
        renamed=("a",),
        converted=(Converted(from_="mg/dL", factor=0.1, offset=0.0),),
        mapped={"<1": "0.5"},
    )
    assert found.bounds == (0.0, 30.0)


@pytest.mark.parametrize(
    ("column", "kind", "levels", "order"),
    [
        ("category", ColumnKind.CATEGORY, None, ()),
        ({"type": "category", "levels": ["x", "1.0"]}, ColumnKind.CATEGORY, ("x", "1"), ()),
        ({"type": "category", "order": ["x", "y"]}, ColumnKind.ORDINAL, None, ("x", "y")),
        ("boolean", ColumnKind.BOOLEAN, ("false", "true"), ()),
        ("date", ColumnKind.DATE, None, ()),
    ],
)
def test_a_column_is_of_a_kind(column: object, kind: ColumnKind, levels: object, order: object) -> None:
    found = declared(column)

    assert (found.told.kind, found.levels, found.told.order) == (kind, levels, order)


def test_files_that_say_more_and_less_are_taken_together() -> None:
    one = declared({"type": "category", "levels": ["x"], "map": {"X": "x"}, "least_count": 3})
    other = declared({"type": "category", "levels": ["y"], "map": {"Y": "y"}}, "b")

    both = merged({"b": one}, {"b": other, "c": other}, "2.csv")

    assert both["b"].told.mapped == {"X": "x", "Y": "y"}
    assert both["b"].told.renamed == ("a",)
    assert (both["b"].levels, both["b"].least_count) == (("x", "y"), 3)
    assert both["c"] is other


def test_bounds_are_those_of_all_files_or_none() -> None:
    narrow = declared({"type": "int32", "bounds": {"minimum": 2, "maximum": 3}})
    wide = declared({"type": "int32", "bounds": {"minimum": 0, "maximum": 9}})

    assert merged({"a": narrow}, {"a": wide}, "2.csv")["a"].bounds == (0.0, 9.0)
    assert merged({"a": narrow}, {"a": declared("int32")}, "2.csv")["a"].bounds is None


@pytest.mark.parametrize(
    ("one", "other", "what"),
    [
        ("float64", "date", "type"),
        ({"type": "int32", "unit": "kg"}, {"type": "int32", "unit": "g"}, "unit"),
        ({"type": "category", "order": ["x", "y"]}, {"type": "category", "order": ["y", "x"]}, "order"),
    ],
)
def test_files_that_contradict_each_other_are_refused(one: object, other: object, what: str) -> None:
    with pytest.raises(UnusableData, match=rf"2\.csv: column 'a': its {what} is not the one of another file"):
        merged({"a": declared(one)}, {"a": declared(other)}, "2.csv")
