"""A shape is defined once: what is read, what is refused and why, what is written and what the documentation shows."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Annotated, Any, Literal

import numpy as np
import pytest
from msgspec import Meta, Struct

from synergos.errors import InvalidRequest
from synergos.schema import Definition


class Colour(StrEnum):
    RED = "red"
    GREEN = "green"


@dataclass(frozen=True)
class Part:
    id: str
    share: float = 1.0


class Thing(Struct, frozen=True, kw_only=True):
    """What the tests are about.

    Not shown: this.
    """

    name: Annotated[str, Meta(min_length=2, description="how it is called")]
    size: Annotated[int, Meta(ge=1, le=9)] | None = None
    colour: Colour = Colour.RED
    parts: tuple[Part, ...] = ()

    def __post_init__(self) -> None:
        if self.size == len(self.parts) == 3:
            raise InvalidRequest("expected another number of parts", "parts")


class Odd(Struct, frozen=True, kw_only=True):
    name: str
    others: dict[Annotated[str, Meta(pattern="^node_[0-9]$")], Part] = {}


class Open(Struct, frozen=True, kw_only=True):
    name: str
    others: Mapping[str, Any] = {}


class Levels(Struct, frozen=True, forbid_unknown_fields=True):
    levels: Mapping[str, Annotated[list[int], Meta(max_length=1)]]
    colour: Colour = Colour.GREEN


THING = Definition(Thing)


def test_what_fits_comes_as_the_type() -> None:
    read = THING.read({"name": "ab", "size": 3, "colour": "green", "parts": [{"id": "p", "share": 2}], "more": 1})

    assert read == Thing(name="ab", size=3, colour=Colour.GREEN, parts=(Part("p", 2.0),))


def test_values_of_other_mappings_and_of_tuples_are_read_and_explained() -> None:
    value: dict[str, Any] = {"name": "ab", "parts": (MappingProxyType({"id": "p"}),)}

    assert THING.read(MappingProxyType(value)).parts == (Part("p"),)
    with pytest.raises(InvalidRequest, match=r"^size: expected at least 1, got '0'$"):
        THING.read(MappingProxyType({**value, "size": 0}))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"name": None}, "name: expected a string, got null"),
        ({"name": "a"}, "name: expected at least 2 characters, got 'a'"),
        ({"size": True}, "size: expected a whole number or null, got true"),
        ({"size": 2.0}, "size: expected a whole number or null, got 2.0"),
        ({"size": 0}, "size: expected at least 1, got '0'"),
        ({"colour": "gren"}, "colour: 'gren' is not one of red, green; did you mean green or red?"),
        ({"parts": [{"id": "p"}, {}]}, "parts[1].id: is required"),
        ({"parts": [{"id": "p", "share": "all"}]}, "parts[0].share: expected a number, got a string"),
        ({"size": 3, "parts": [{"id": "p"}] * 3}, "parts: expected another number of parts"),
    ],
)
def test_what_does_not_fit_is_named_with_what_was_expected(change: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        THING.read({"name": "ab", **change})

    assert str(refused.value) == message
    assert refused.value.field == message.partition(":")[0]


def test_what_json_schema_has_no_word_for_is_refused_all_the_same() -> None:
    with pytest.raises(InvalidRequest, match=r"^parts\[0\]\.share: number out of range$"):
        THING.read({"name": "ab", "parts": [{"id": "p", "share": 10**400}]})


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ({"levels": {"secret": [1, 2]}}, "levels.*: expected at most 1 items"),
        ({"levels": {"secret": ["secret"]}}, "levels.*[0]: expected a whole number"),
        ({"levels": {}, "colour": "secret"}, "colour: expected one of red, green"),
        ({"levels": {}, "secret": 1}, "body: has a field that is not known"),
        ({"colour": "red"}, "levels: is required"),
        ("secret", "body: expected an object"),
    ],
)
def test_what_a_participant_sent_is_not_repeated(value: object, message: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        Definition(Levels, quotes=False).read(value)

    assert str(refused.value) == message
    assert "secret" not in str(refused.value)


def test_keys_that_are_no_fields_may_lie_in_one() -> None:
    odd, node = Definition(Odd, rest="others"), {"id": "x", "share": 1.0}

    read = odd.read({"name": "a", "node_1": node})

    assert read == Odd(name="a", others={"node_1": Part("x")})
    assert odd.write(read) == {"name": "a", "node_1": node}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"node_1": {}}, "node_1.id: is required"),
        ({"node_x": {}}, "node_x: 'node_x' is not a known field; known are name"),
        ({"nam": 1}, "nam: 'nam' is not a known field; did you mean name?"),
        ({"others": {}}, "others: 'others' is not a known field; known are name"),
    ],
)
def test_keys_that_are_no_fields_are_named_as_they_lie(change: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        Definition(Odd, rest="others").read({"name": "a", **change})

    assert str(refused.value) == message


def test_a_field_for_all_others_takes_its_own_name_too() -> None:
    value = {"name": "a", "others": 3, "lr": 1}

    assert Definition(Open, rest="others").read(value).others == {"others": 3, "lr": 1}


def test_what_is_written_is_what_is_read() -> None:
    value = {"name": "ab", "size": None, "colour": "green", "parts": [{"id": "p", "share": 2.0}]}

    assert json.loads(json.dumps(THING.write(THING.read(value)))) == value


def test_a_number_of_numpy_s_is_written_as_any_other() -> None:
    opened = Open(name="a", others={"lr": np.float64(0.5)})

    assert json.dumps(Definition(Open, rest="others").write(opened)) == '{"name": "a", "lr": 0.5}'


def test_the_json_schema_is_whole_and_in_the_order_of_the_definition() -> None:
    assert json.dumps(THING.json_schema, indent=1) == json.dumps(
        {
            "type": "object",
            "description": "What the tests are about.",
            "properties": {
                "name": {"type": "string", "minLength": 2, "description": "how it is called"},
                "size": {"type": ["integer", "null"], "minimum": 1, "maximum": 9},
                "colour": {"enum": ["red", "green"], "default": "red"},
                "parts": {
                    "type": "array",
                    "items": {
                        "type": "object",
                        "properties": {"id": {"type": "string"}, "share": {"type": "number", "default": 1.0}},
                        "required": ["id"],
                    },
                    "default": [],
                },
            },
            "required": ["name"],
        },
        indent=1,
    )


def test_the_json_schema_shows_the_keys_beside_the_fields() -> None:
    assert Definition(Odd, rest="others").json_schema == {
        "type": "object",
        "properties": {"name": {"type": "string"}},
        "patternProperties": {
            "^node_[0-9]$": {
                "type": "object",
                "properties": {"id": {"type": "string"}, "share": {"type": "number", "default": 1.0}},
                "required": ["id"],
            }
        },
        "additionalProperties": False,
        "required": ["name"],
    }


class Pair(Struct, array_like=True):
    sign: int
    loss: float = 0.0


class Places(Struct):
    kind: Literal["places"]
    both: tuple[int, str]
    pair: Pair


def test_lists_with_something_else_in_each_place_and_single_words_are_shown_and_explained() -> None:
    places = Definition(Places)

    assert places.json_schema["properties"] == {
        "kind": {"enum": ["places"]},
        "both": {
            "type": "array",
            "minItems": 2,
            "maxItems": 2,
            "prefixItems": [{"type": "integer"}, {"type": "string"}],
        },
        "pair": {
            "type": "array",
            "minItems": 1,
            "maxItems": 2,
            "prefixItems": [{"type": "integer"}, {"type": "number"}],
        },
    }
    whole = {"kind": "places", "both": [1, "a"], "pair": [1, 0.5]}
    assert places.read(whole) == Places("places", (1, "a"), Pair(1, 0.5))
    with pytest.raises(InvalidRequest, match=r"^kind: 'other' is not one of places$"):
        places.read({**whole, "kind": "other"})
    with pytest.raises(InvalidRequest, match=r"^both\[1\]: expected a string, got 2$"):
        places.read({**whole, "both": [1, 2]})


class Ambiguous(Struct):
    value: Annotated[int, Meta(ge=1)] | Annotated[float, Meta(ge=2)]


class Unknown(Struct):
    value: bytes


@pytest.mark.parametrize("kind", [Ambiguous, Unknown])
def test_a_type_without_a_json_schema_is_no_definition(kind: type) -> None:
    with pytest.raises(TypeError):
        _ = Definition(kind).json_schema


def test_what_has_no_fields_is_no_definition() -> None:
    with pytest.raises(TypeError):
        Definition(int)


IGNORING = Definition(Levels, ignored={"dockerised": "an old client sends it"})


def test_what_is_known_and_ignored_may_hold_anything_and_says_why_it_is_there() -> None:
    assert IGNORING.read({"levels": {}, "dockerised": [None]}) == Levels(levels={})
    described = IGNORING.json_schema["properties"]["dockerised"]["description"]
    assert described == "known and without effect: an old client sends it"
    with pytest.raises(
        InvalidRequest, match=r"^dockerise: 'dockerise' is not a known field; did you mean dockerised\?$"
    ):
        IGNORING.read({"levels": {}, "dockerise": True})


def test_names_can_be_checked_of_a_part_of_a_value() -> None:
    IGNORING.check_names({"colour": 5, "dockerised": 1})
    with pytest.raises(InvalidRequest, match=r"^color: 'color' is not a known field; did you mean colour\?$"):
        IGNORING.check_names({"color": "red"})
    assert IGNORING.known({"levels": {}, "size": 3}) == {"levels": {}}
    assert THING.known({"size": 3, "more": 1}) == {"size": 3, "more": 1}
