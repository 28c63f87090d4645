from __future__ import annotations

import pytest

from synergos.finite import is_number


@pytest.mark.parametrize("value", [0, -1, 1.5, 10**308, 2**63])
def test_what_a_float_can_hold_is_a_number(value: object) -> None:
    assert is_number(value)


@pytest.mark.parametrize("value", [True, None, "1", float("nan"), float("inf"), 10**309, -(10**4000)])
def test_what_no_float_can_hold_is_none(value: object) -> None:
    assert not is_number(value)
