"""Bounds that others declare hold for everybody: nobody changes what all inputs are scaled by with values that cannot be."""

from __future__ import annotations

from typing import Any

import pytest

from factories.feature_spaces import prepared
from synergos.domain.feature_space import Action
from synergos.domain.preparation import Prepared
from synergos.errors import InvalidRequest
from synergos.learning.feature_space_agreement import feature_space


def told(low: float, high: float, bounds: Any = None, count: int = 9) -> Prepared:
    """One participant's ages."""
    metadata: dict[str, Any] = {"_type": "tabular", "src_count": 9}
    if bounds:
        metadata["bounds"] = {"age": bounds}
    sums = {"count": count, "sum": low * count, "minimum": low, "maximum": high}
    return prepared(
        {
            "headers": {"train": {"X": [["age", None]], "y": [["target", "a"], ["target", "b"]]}},
            "schemas": {"train": {"age": "float64", "target": "category"}},
            "metadata": {"train": metadata},
            "statistics": {"train": {"numeric": {"age": sums}, "categorical": {}}},
        }
    )


def agree(**polled: Prepared) -> None:
    feature_space(polled, Action.CLASSIFY)


def test_values_within_the_bounds_are_agreed_on() -> None:
    agree(a=told(0, 120, (0, 120)), b=told(18, 97), c=told(0, 118, (0, 120)))
    # The widest of the others'; and rounded outwards, as ranges are that stand for more than one row.
    agree(a=told(0, 100, (0, 120)), b=told(0, 100, (0, 100)), c=told(-0.0, 120))
    agree(a=told(31, 44, (30.5, 44.4)), b=told(30, 45))
    agree(a=told(0, 120, (0, 120)), b=told(-5, 5, count=0))


@pytest.mark.parametrize(("low", "high"), [(-1e12, 97), (18, 1e12), (18, 131), (-1, 97)])
@pytest.mark.parametrize("own", [None, (-1e12, 1e12)], ids=["none", "its_own"])
def test_values_beyond_them_are_refused_by_name(low: float, high: float, own: tuple[float, float] | None) -> None:
    with pytest.raises(
        InvalidRequest, match="liar tells of column 'age' a minimum or maximum beyond the bounds that a decl"
    ) as found:
        agree(a=told(0, 120, (0, 120)), liar=told(low, high, own))

    assert found.value.field == "age"
    assert "1e" not in str(found.value)


def test_own_bounds_hold_where_nobody_else_declares_any() -> None:
    with pytest.raises(InvalidRequest, match="a tells of column 'age'"):
        agree(a=told(0, 500, (0, 120)), b=told(0, 500))


@pytest.mark.parametrize("bounds", [["0", 1], [0], {"low": 0}, [0, 1e301]])
def test_bounds_that_are_none_are_refused(bounds: Any) -> None:
    with pytest.raises(InvalidRequest, match=r"metadata\.train\.bounds"):
        told(0, 1, bounds)
