from __future__ import annotations

import json
import tracemalloc

import pytest

from synergos.errors import InvalidRequest
from synergos.learning.possible_preparation import MOST_FEATURES
from synergos.schema.json_text import HALVES, UNSTORABLE, memory_of, object_in, value_in
from synergos.tables.metadata import METADATA_FILE

MEMORY = 2**20


def test_an_object_is_read_as_it_stands() -> None:
    assert object_in('{"a": [1, -2.5, true, null, {"ä": "🙂"}]}'.encode()) == {"a": [1, -2.5, True, None, {"ä": "🙂"}]}


def test_a_value_of_any_kind_is_read_and_looked_at_alike() -> None:
    assert [value_in(text) for text in (b"[1]", b"3", b'"a"', b"null", b'\xef\xbb\xbf{"a": 1}')] == [
        [1],
        3,
        "a",
        None,
        {"a": 1},
    ]
    for text, place in ((b'["\\ud800"]', r"\[0\]"), (b'"\\ud800"', r"\[0\]"), (b'[{"a": 1e999}]', r"\[0\]\.a")):
        with pytest.raises(InvalidRequest, match=f"^{place}: expected"):
            value_in(text)


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


def test_the_largest_feature_space_that_is_agreed_on_fits() -> None:
    space = {"X": [["c", f"{number}"] for number in range(MOST_FEATURES)], "c": [*map(str, range(MOST_FEATURES))]}

    assert object_in(json.dumps(space).encode()) == space


@pytest.mark.parametrize("value", [b"{}", b'{"a":1}', b"[]", b"0", b'"ab"'])
def test_more_values_than_fit_into_little_memory_are_refused_before_they_are_made(value: bytes) -> None:
    def dense(count: int) -> bytes:
        return b'{"a": [%s]}' % b",".join([value] * count)

    most = MEMORY // (64 + {b"{": 400, b"[": 72}.get(value[:1], 0)) - 50
    with pytest.raises(InvalidRequest, match="body: expected values that take at most 1 MiB of memory"):
        object_in(dense(most + 100), memory=MEMORY)
    tracemalloc.start()
    try:
        object_in(dense(most), memory=MEMORY)
        taken = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert taken < 1.5 * MEMORY


def test_only_what_no_record_can_hold_is_refused_for_it() -> None:
    assert object_in(b'{"a": "\\u0000"}', HALVES) == {"a": "\0"}
    with pytest.raises(InvalidRequest, match="without NUL"):
        object_in(b'{"a": "\\u0000"}', UNSTORABLE)


def test_half_a_surrogate_pair_is_refused_by_a_definition_too() -> None:
    with pytest.raises(InvalidRequest, match="half a surrogate pair"):
        METADATA_FILE.read({"datatype": "tabular", "decimal": "\ud800"})


@pytest.mark.parametrize(
    ("text", "least", "most"),
    [
        (b"{" + b",".join(b'"%d": 12345' % number for number in range(100_000)) + b"}", 20 * 2**20, 40 * 2**20),
        (b"[" + b",".join([b'"ab"'] * 100_000) + b"]", 5 * 2**20, 10 * 2**20),
    ],
    ids=["one object of many names", "texts"],
)
def test_what_values_take_is_not_less_than_was_reckoned_with(text: bytes, least: int, most: int) -> None:
    tracemalloc.start()
    try:
        value = json.loads(text, object_pairs_hook=dict)
        took = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()

    assert value
    assert least <= memory_of(text) <= most
    assert memory_of(text) >= 0.8 * took
