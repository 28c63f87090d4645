"""Values of JSON as nobody meant them, and such as nearly are what was meant."""

from __future__ import annotations

import copy
from typing import Any

from hypothesis import strategies as st

LIKELY: st.SearchStrategy[Any] = (
    st.integers(-1, 8) | st.integers(-(2**40), 2**40) | st.floats(-1, 2) | st.booleans() | st.lists(st.integers(0, 5))
)
WILD: st.SearchStrategy[Any] = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)
VALUES = LIKELY | WILD


@st.composite
def corrupted(draw: st.DrawFn, value: Any) -> Any:
    """A value of dicts and lists with one to three of its parts replaced, left out or doubled, at any depth."""
    changed = copy.deepcopy(value)
    for _ in range(draw(st.integers(1, 3))):
        changed = draw(_corrupted_once(changed))
    return changed


@st.composite
def _corrupted_once(draw: st.DrawFn, value: Any) -> Any:
    if not isinstance(value, dict | list) or not value or draw(st.integers(0, 9)) == 0:
        return draw(VALUES)
    names = list(value) if isinstance(value, dict) else list(range(len(value)))
    name = draw(st.sampled_from(names))
    action = draw(st.sampled_from(["change", "change", "change", "leave out", "add"]))
    if action == "change":
        value[name] = draw(_corrupted_once(value[name]))
    elif action == "leave out":
        del value[name]
    elif isinstance(value, list):
        value.append(draw(VALUES | st.just(value[name])))
    else:
        value[draw(st.text(max_size=5))] = draw(VALUES | st.just(value[name]))
    return value
