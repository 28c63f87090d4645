from __future__ import annotations

import pytest

from synergos.errors import InvalidRequest
from synergos.schema.json_text import HALVES, MAXIMUM_VALUES, UNSTORABLE, object_in
from synergos.tables.metadata import METADATA_FILE


def test_an_object_is_read_as_it_stands() -> None:
    assert object_in('{"a": [1, -2.5, true, null, {"ä": "🙂"}]}'.encode()) == {"a": [1, -2.5, True, None, {"ä": "🙂"}]}


@pytest.mark.parametrize("text", [b"", b"{", b"\xff", b'{"a": NaN}', b'{"a": Infinity}', b"nonsense"])
def test_what_is_no_json_is_no_value(text: bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - Python's own words
        object_in(text)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        (b"[1]", "body: expected an object, got list"),
        (b'{"a": {"b": 1, "b": 2}}', "b: is there twice in one object"),
        (b'{"a": [0, %s]}' % (b"9" * 400), r"a\[1\]: expected a number that fits into 64 bits"),
        (b'{"a": 1e999}', "a: expected a number that fits into 64 bits"),
        (b'{"a": {"b": "\\ud800"}}', r"a\.b: expected text without NUL and without half a surrogate pair"),
        (b'{"a\\udfff": 1}', "expected text without NUL and without half a surrogate pair"),
        (b'{"a":' + b"[" * 40 + b"]" * 40 + b"}", "expected at most 32 levels of nesting"),
        (b'{"a":' + b"[" * 100_000, "expected at most 32 levels of nesting"),
    ],
)
def test_what_breaks_something_later_is_refused_by_its_place(text: bytes, complaint: str) -> None:
    with pytest.raises(InvalidRequest, match=f"^{complaint}|{complaint}$"):
        object_in(text)


def test_more_values_than_fit_into_little_memory_are_refused_before_they_are_made() -> None:
    assert len(object_in(b'{"a": [%s0]}' % (b"0," * (MAXIMUM_VALUES - 2)))["a"]) == MAXIMUM_VALUES - 1
    for dense in (b'{"a": [%s0]}' % (b"[]," * MAXIMUM_VALUES), b'{"a": [%s0]}' % (b"{}," * MAXIMUM_VALUES)):
        with pytest.raises(InvalidRequest, match="body: expected at most 400,000 values"):
            object_in(dense)


def test_only_what_no_record_can_hold_is_refused_for_it() -> None:
    assert object_in(b'{"a": "\\u0000"}', HALVES) == {"a": "\0"}
    with pytest.raises(InvalidRequest, match="without NUL"):
        object_in(b'{"a": "\\u0000"}', UNSTORABLE)


def test_half_a_surrogate_pair_is_refused_by_a_definition_too() -> None:
    with pytest.raises(InvalidRequest, match="half a surrogate pair"):
        METADATA_FILE.read({"datatype": "tabular", "decimal": "\ud800"})
