from __future__ import annotations

from typing import Any

import pytest

from synergos.domain.declared_column import DECLARED_COLUMN, DeclaredColumn
from synergos.domain.preparation import Prepared, TableColumns
from synergos.domain.tags import Purpose
from synergos.errors import InvalidRequest
from synergos.learning.column_declarations import agreed_declarations, declared_otherwise
from synergos.learning.datatypes.tabular import TabularMetadata


def typed(columns: dict[str, Any]) -> dict[str, DeclaredColumn]:
    return {column: DECLARED_COLUMN.read(said) for column, said in columns.items()}


def prepared(*columns: dict[str, Any]) -> Prepared:
    """One participant, of whose tables each declares something."""
    purposes = list(Purpose)[: len(columns)]
    return Prepared(
        headers=dict.fromkeys(purposes, TableColumns()),
        schemas={purpose: {} for purpose in purposes},
        metadata={
            purpose: TabularMetadata(datatype="tabular", rows=1, columns=typed(said))
            for purpose, said in zip(purposes, columns, strict=True)
        },
    )


def test_participants_that_declare_one_thing_are_fine_and_so_is_who_declares_nothing() -> None:
    lactate = {"lactate": {"type": "number", "unit": "mmol/L"}}

    agreed = agreed_declarations(
        {
            "p1": prepared({**lactate, "age": {"type": "number"}}),
            "p2": prepared({"lactate": {"type": "number"}}),
            "p3": prepared({}),
        }
    )

    assert agreed == lactate


def test_renamed_converted_and_mapped_is_each_participant_s_own_matter() -> None:
    own = {
        "type": "number",
        "unit": "kg",
        "renamed": ["Gewicht"],
        "converted": [{"from": "g", "factor": 0.001, "offset": 0}],
    }

    assert agreed_declarations({"p1": prepared({"weight": own})}) == {"weight": {"type": "number", "unit": "kg"}}


AGREED = {
    "seen": {"type": "date"},
    "kg": {"type": "number", "unit": "kg"},
    "stage": {"type": "ordinal", "order": ["I", "II"]},
}


@pytest.mark.parametrize(
    ("declared", "differing"),
    [
        (AGREED, []),
        ({}, []),
        ({"kg": {"type": "number"}, "age": {"type": "number"}, "ward": {"type": "category"}}, []),
        ({"age": {"type": "number", "unit": "years"}}, []),
        ({"nobody trained it": {"type": "date"}}, []),
        ({"kg": {"type": "number", "unit": "g"}}, ["unit of column 'kg': g (agreed: kg)"]),
        ({"seen": {"type": "number"}}, ["type of column 'seen': number (agreed: date)"]),
        ({"age": {"type": "date"}}, ["type of column 'age': date (agreed: number)"]),
        (
            {"stage": {"type": "ordinal", "order": ["II", "I"]}},
            ["order of column 'stage': other levels than agreed, or in another order"],
        ),
    ],
)
def test_what_a_later_table_declares_otherwise_is_told(declared: dict[str, Any], differing: list[str]) -> None:
    assert declared_otherwise(typed(declared), AGREED, {*AGREED, "age", "ward"}) == differing


@pytest.mark.parametrize(
    ("one", "other", "complaint"),
    [
        (
            {"type": "number"},
            {"type": "date"},
            r"in the type of column 'a': number \(p1\), date \(p2\); declare one type",
        ),
        (
            {"type": "number", "unit": "mg/dL"},
            {"type": "number", "unit": "mmol/L"},
            r"in the unit of column 'a': mg/dL \(p1\), mmol/L \(p2\); declare one unit, and convert",
        ),
        (
            {"type": "ordinal", "order": ["low", "high"]},
            {"type": "ordinal", "order": ["high", "low"]},
            r"in the order of column 'a': no\. 1, of 2 levels \(p1\), no\. 2, of 2 levels \(p2\); declare one order",
        ),
    ],
)
def test_participants_that_declare_different_things_are_told_who_says_what(
    one: dict[str, Any], other: dict[str, Any], complaint: str
) -> None:
    with pytest.raises(InvalidRequest, match=complaint) as caught:
        agreed_declarations({"p1": prepared({"a": one}), "p2": prepared({"a": other})})

    assert caught.value.field == "a"


def test_the_tables_of_one_participant_have_to_agree_too() -> None:
    said = [{"a": {"type": "number", "unit": unit}} for unit in ("kg", "g")]

    with pytest.raises(InvalidRequest, match=r"kg \(p1\), g \(p1\)"):
        agreed_declarations({"p1": prepared(*said)})
