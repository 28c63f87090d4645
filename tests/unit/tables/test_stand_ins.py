"""Which numbers look like codes for nothing, and which only look unusual."""

from __future__ import annotations

import pytest

from synergos.tables.stand_ins import End, suspected_stand_ins

INCOMES = {"1200": 3, "2500.5": 2, "40000": 1}
AGES = {str(age): 1 for age in range(18, 90)}


@pytest.mark.parametrize(
    ("cells", "found"),
    [
        ({**INCOMES, "999999": 12}, {End.GREATEST: 12}),
        ({**INCOMES, "999999": 2, "999999.0": 3}, {End.GREATEST: 5}),
        ({**AGES, "-1": 4}, {End.LEAST: 4}),
        ({**AGES, "-9": 4, "999": 2}, {End.LEAST: 4, End.GREATEST: 2}),
        ({**AGES, "-999": 2, "n/a": 7}, {End.LEAST: 2}),
        # An age like others.
        ({**AGES, "99": 5}, {}),
        # Once is an accident, not a code.
        ({**INCOMES, "999999": 1}, {}),
        # A large number that is no code.
        ({**INCOMES, "1000000": 12}, {}),
        # Temperatures are negative anyway.
        ({"-12": 3, "-1": 5, "4": 2, "20": 1}, {}),
        # Too little to stand apart from.
        ({"999": 5, "1": 4}, {}),
        ({}, {}),
        ({"low": 3, "high": 4}, {}),
    ],
)
def test_codes_for_nothing_are_suspected(cells: dict[str, int], found: dict[End, int]) -> None:
    assert suspected_stand_ins(cells) == found


def test_the_decimal_mark_is_that_of_the_file() -> None:
    assert suspected_stand_ins({"1,5": 1, "2,5": 1, "999,0": 3}, ",") == {End.GREATEST: 3}
