"""Values that a JSON Schema describes, and such as it nearly does."""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from datetime import UTC, datetime
from typing import Any

from hypothesis import strategies as st

WILD: st.SearchStrategy[Any] = st.recursive(
    st.none()
    | st.booleans()
    | st.sampled_from([-1, 0, 1, 2, 2.0, 0.5, -0.5, 2**31, 2**63, 2**64, -(2**70)])
    | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
    max_leaves=4,
)


def fitting(schema: dict[str, Any]) -> st.SearchStrategy[Any]:
    """What the schema describes, but for what bounds and patterns it may break."""
    return _made(schema, 0)


def near(schema: dict[str, Any]) -> st.SearchStrategy[Any]:
    """Like :func:`fitting`, with something else in places, with fields missing and with others beside them."""
    return _made(schema, 1)


def _made(schema: dict[str, Any], wrong: int) -> st.SearchStrategy[Any]:
    made = _right(schema, wrong)
    return made if not wrong else st.integers(0, 11).flatmap(lambda drawn: made if drawn else WILD)


def _right(schema: dict[str, Any], wrong: int) -> st.SearchStrategy[Any]:
    if "enum" in schema:
        return st.sampled_from(schema["enum"])
    kinds = schema.get("type")
    if kinds is None:
        return WILD
    if isinstance(kinds, list):
        return st.one_of([_right({**schema, "type": kind}, wrong) for kind in kinds])
    match kinds:
        case "object":
            return _objects(schema, wrong)
        case "array":
            low = schema.get("minItems", 0)
            high = min(schema.get("maxItems", low + 3), low + 3)
            items = _made(schema.get("items", {}), wrong)
            return st.lists(items, min_size=max(low - wrong, 0), max_size=high + wrong)
        case "string":
            if "format" in schema:
                return st.datetimes(timezones=st.just(UTC)).map(datetime.isoformat) | (
                    st.text(max_size=2) if wrong else st.nothing()
                )
            if "pattern" in schema:
                return st.from_regex(schema["pattern"])
            low = schema.get("minLength", 0)
            high = min(schema.get("maxLength", low + 5), low + 200)
            return st.text(min_size=max(low - wrong, 0), max_size=high + wrong)
        case "integer":
            return st.integers(schema.get("minimum", -(2**70)) - wrong, schema.get("maximum", 2**70) + wrong)
        case "number":
            low, high = schema.get("minimum", -1e300), schema.get("maximum", 1e300)
            edge = 0.5 * wrong
            return st.floats(low - edge, high + edge) | st.integers(int(max(low, -9)), int(min(high, 9)))
        case "boolean":
            return st.booleans()
        case "null":
            return st.none()
    raise ValueError(f"no values of {schema}")


def _objects(schema: dict[str, Any], wrong: int) -> st.SearchStrategy[Any]:
    # Made once: a strategy that is made anew for each value costs more than the value.
    fields = {name: _made(field, wrong) for name, field in schema.get("properties", {}).items()}
    more = [
        st.dictionaries(st.from_regex(pattern, fullmatch=True), _made(item, wrong), max_size=2)
        for pattern, item in schema.get("patternProperties", {}).items()
    ]
    others = schema.get("additionalProperties", {})
    if isinstance(others, dict) and "propertyNames" not in schema:
        names = st.text(max_size=4).filter(lambda name: name not in fields)
        more.append(st.dictionaries(names, _made(others, wrong), max_size=2))
    return _object(fields, frozenset(schema.get("required", ())), more, wrong)


@st.composite
def _object(
    draw: st.DrawFn,
    fields: Mapping[str, st.SearchStrategy[Any]],
    required: Set[str],
    more: Sequence[st.SearchStrategy[dict[str, Any]]],
    wrong: int,
) -> dict[str, Any]:
    chosen = [name for name in fields if name in required or draw(st.booleans())]
    if wrong and chosen and not draw(st.integers(0, 7)):
        chosen.remove(draw(st.sampled_from(chosen)))
    found = {name: draw(fields[name]) for name in chosen}
    for others in more:
        found |= draw(others)
    if wrong and not draw(st.integers(0, 7)):
        found[draw(st.text(max_size=4))] = draw(WILD)
    return found
