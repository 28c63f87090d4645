"""What the keys of a run may hold: one type each, with its JSON Schema, and words of its own for what does not fit."""

from __future__ import annotations

import math

import pytest

from synergos.errors import InvalidRequest
from synergos.learning.families.layers.run_fields import CHECKS
from synergos.learning.run_fields import Check, boolean, integer, number, one_of, sizes, string
from synergos.schema.explanation import explain

VALUES: list[object] = [None, True, 0, 1, -1, 2.0, 0.5, 1e9, 2**31, 10**400, "", "mean", [], [1], {}]


@pytest.mark.parametrize(
    ("check", "value", "message"),
    [
        (integer(1, 10), "x", "expected an integer, got 'x'"),
        (integer(1, 10), True, "expected an integer, got True"),
        (integer(1, 10), 2.0, "expected an integer, got 2.0"),
        (integer(1, 10), 11, "expected 1 to 10, got 11"),
        (number(), [], "expected a number, got list"),
        (number(), False, "expected a number, got False"),
        (number(), -1, "expected a number of at least 0 and at most 1e+09, got -1"),
        (number(above=True), 0, "expected a number of more than 0 and at most 1e+09, got 0"),
        (number(0.0, 1.0, below=True), 1, "expected a number of at least 0 and less than 1, got 1"),
        (number(), math.nan, "expected a number of at least 0 and at most 1e+09, got nan"),
        (boolean, 1, "expected true or false, got 1"),
        (string, None, "expected a string, got NoneType"),
        (one_of("none", "mean"), "men", "expected one of none, mean, got 'men'"),
        (sizes, [3, -1], "expected 0 to 2147483647, got -1"),
        (sizes, "3", "expected an integer, got '3'"),
    ],
)
def test_what_does_not_fit_is_refused_in_words(check: Check, value: object, message: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        check("f", value)

    assert str(refused.value) == f"f: {message}"


@pytest.mark.parametrize("name", sorted(CHECKS))
def test_a_check_takes_what_its_json_schema_describes(name: str) -> None:
    check = CHECKS[name]
    for value in VALUES:
        parts = value if check.several and isinstance(value, list) else [value]
        fits = all(explain(check.json_schema, part) is None for part in parts)
        if fits:
            check(name, value)
        else:
            with pytest.raises(InvalidRequest):
                check(name, value)
