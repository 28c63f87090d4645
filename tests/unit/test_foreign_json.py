from __future__ import annotations

import pytest

from synergos.foreign_json import items, mapping, number, objects, text, texts, whole


def test_what_is_there_is_taken_as_it_is() -> None:
    assert mapping({"a": 1}) == {"a": 1}
    assert items([1, None]) == [1, None]
    assert objects([{"a": 1}, 2, {}]) == [{"a": 1}, {}]
    assert texts(["a", 1]) == ["a", "1"]
    assert (text("a"), number(2), number(0.5), whole(2)) == ("a", 2.0, 0.5, 2)


@pytest.mark.parametrize("value", [None, True, "text", 1.5, [], {}])
def test_of_what_is_something_else_there_is_nothing(value: object) -> None:
    assert mapping(value) == {}
    assert [*items(value), *objects(value), *texts(value)] == []
    assert text(value) == (value if value == "text" else None)
    assert number(value) == (value if value == 1.5 else None)
    assert whole(value) is None
