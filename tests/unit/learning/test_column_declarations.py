from __future__ import annotations

from typing import Any

import pytest

from synergos.domain.preparation import Prepared, TableColumns
from synergos.domain.tags import Purpose
from synergos.errors import InvalidRequest, WireFormatError
from synergos.learning.column_declarations import check_declarations


def prepared(*columns: dict[str, Any]) -> Prepared:
    """One participant, of whose tables each declares something."""
    purposes = list(Purpose)[: len(columns)]
    return Prepared(
        headers=dict.fromkeys(purposes, TableColumns()),
        schemas={purpose: {} for purpose in purposes},
        metadata={
            purpose: {"_type": "tabular", "src_count": 1, "columns": said}
            for purpose, said in zip(purposes, columns, strict=True)
        },
    )


def test_participants_that_declare_one_thing_are_fine_and_so_is_who_declares_nothing() -> None:
    lactate = {"lactate": {"type": "number", "unit": "mmol/L"}}

    check_declarations({"p1": prepared(lactate), "p2": prepared({"lactate": {"type": "number"}}), "p3": prepared({})})


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
            r"in the order of column 'a': low < high \(p1\), high < low \(p2\)",
        ),
    ],
)
def test_participants_that_declare_different_things_are_told_who_says_what(
    one: dict[str, Any], other: dict[str, Any], complaint: str
) -> None:
    with pytest.raises(InvalidRequest, match=complaint) as caught:
        check_declarations({"p1": prepared({"a": one}), "p2": prepared({"a": other})})

    assert caught.value.field == "a"


def test_the_tables_of_one_participant_have_to_agree_too() -> None:
    said = [{"a": {"type": "number", "unit": unit}} for unit in ("kg", "g")]

    with pytest.raises(InvalidRequest, match=r"kg \(p1\), g \(p1\)"):
        check_declarations({"p1": prepared(*said)})


def test_an_answer_that_declares_nothing_readable_is_no_answer() -> None:
    with pytest.raises(WireFormatError, match=r"p1: metadata\.columns: type"):
        check_declarations({"p1": prepared({"a": {"type": "colour"}})})
