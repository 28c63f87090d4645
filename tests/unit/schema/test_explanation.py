from __future__ import annotations

from typing import Any

import pytest

from synergos.schema.explanation import explain

SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "name": {"type": "string", "minLength": 2, "maxLength": 4, "pattern": "^[a-z]+$"},
        "size": {"type": "integer", "minimum": 1, "maximum": 9},
        "share": {"type": ["number", "null"]},
        "colour": {"enum": ["red", "green"]},
        "parts": {"type": "array", "minItems": 1, "items": {"type": "object", "required": ["id"]}},
        "fast": {"type": "boolean", "default": True},
    },
    "patternProperties": {"^extra_": {"type": "string"}},
    "additionalProperties": False,
    "required": ["name"],
}


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({}, "name: is required"),
        ({"name": 3}, "name: expected a string, got 3"),
        ({"name": None}, "name: expected a string, got null"),
        ({"name": {}}, "name: expected a string, got an object"),
        ({"name": "a"}, "name: expected at least 2 characters, got 'a'"),
        ({"name": "abcde"}, "name: expected at most 4 characters, got 'abcde'"),
        ({"name": "A1"}, "name: expected a string that matches ^[a-z]+$, got 'A1'"),
        ({"size": True}, "size: expected a whole number, got true"),
        ({"size": 2.0}, "size: expected a whole number, got 2.0"),
        ({"size": 0}, "size: expected at least 1, got '0'"),
        ({"size": 10}, "size: expected at most 9, got '10'"),
        ({"share": "x"}, "share: expected a number or null, got a string"),
        ({"colour": "yellow"}, "colour: 'yellow' is not one of red, green"),
        ({"colour": []}, "colour: '[]' is not one of red, green"),
        ({"parts": []}, "parts: expected at least 1 items, got '[]'"),
        ({"parts": [{"id": 1}, {}]}, "parts[1].id: is required"),
        ({"parts": [{"id": 1}, 2]}, "parts[1]: expected an object, got 2"),
        ({"extra_1": "x", "nam": 1}, "nam: 'nam' is not a known field; did you mean name?"),
        ([], "body: expected an object, got a list"),
    ],
)
def test_what_does_not_fit_is_named_with_what_was_expected(body: Any, message: str) -> None:
    whole = {"name": "ab", **body} if isinstance(body, dict) and body else body

    reason = explain(SCHEMA, whole)

    assert reason is not None
    assert str(reason) == message
    assert reason.field == message.split(":")[0]


def test_a_value_however_long_is_quoted_in_short() -> None:
    assert len(str(explain(SCHEMA, {"name": "ab", "colour": "x" * 10_000}))) < 200


def test_what_fits_needs_no_reason() -> None:
    fits = {"name": "ab", "size": 3, "share": 1, "colour": "red", "parts": [{"id": {}}], "extra_1": "x"}

    assert explain(SCHEMA, fits) is None


def test_what_was_expected_comes_with_an_example_where_the_schema_has_one() -> None:
    schema = {"type": "object", "examples": [{"_type": "choice"}]}

    assert str(explain(schema, 3, at="space.lr")) == 'space.lr: expected an object such as {"_type": "choice"}, got 3'
