from __future__ import annotations

from dataclasses import dataclass

import pytest

from synergos.errors import UnknownName
from synergos.registry import Registry


@dataclass(frozen=True)
class Fruit:
    name: str


FRUITS = Registry("a fruit", Fruit("apple"), Fruit("pear"))


def test_what_is_named_is_found() -> None:
    assert FRUITS.get("pear", "basket[0]") == Fruit("pear")
    assert FRUITS.names == ("apple", "pear")


@pytest.mark.parametrize("name", ["appel", "Apple"])
def test_an_unknown_name_is_refused_with_its_near_misses(name: str) -> None:
    with pytest.raises(UnknownName, match=rf"^basket\[0\]: '{name}' is not a fruit; did you mean apple\?$"):
        FRUITS.get(name, "basket[0]")


@pytest.mark.parametrize("name", [None, 1, ["apple"], {}])
def test_what_is_no_text_is_no_name(name: object) -> None:
    with pytest.raises(UnknownName, match="is not a fruit"):
        FRUITS.get(name, "basket[0]")


def test_one_entry_more_is_there_for_a_while() -> None:
    with FRUITS.having(Fruit("plum")):
        assert FRUITS.get("plum", "basket").name == "plum"

    assert FRUITS.names == ("apple", "pear")
