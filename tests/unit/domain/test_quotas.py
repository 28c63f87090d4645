"""Quotas are said as people say them, or it is said what was expected."""

from __future__ import annotations

import pytest

from synergos.domain.quotas import Quotas
from synergos.errors import InvalidRequest


def test_what_nothing_is_said_of_is_as_by_default() -> None:
    assert Quotas.read([]) == Quotas()
    assert Quotas.read(["bytes=512M", "running_studies=3"]) == Quotas(bytes=512 * 2**20, running_studies=3)


def test_a_quota_is_shown_as_it_is_said() -> None:
    quotas = Quotas(records=7, bytes=2**40)

    assert Quotas.read(str(quotas).split()) == quotas


@pytest.mark.parametrize(
    ("said", "complaint"),
    [
        (["record=5"], "did you mean records"),
        (["records"], "expected a number, as records=1000"),
        (["records=0"], "expected a number"),
        (["records=-5"], "expected a number"),
        (["records=5M"], "expected a number"),
        (["bytes=5 M"], "expected a number of bytes, as bytes=512M"),
        (["bytes=٥"], "expected a number of bytes"),
        (["records=5", "records=6"], "said twice"),
    ],
    ids=["name", "value", "none", "negative", "unit", "blank", "digits", "twice"],
)
def test_a_quota_that_is_none_is_refused(said: list[str], complaint: str) -> None:
    with pytest.raises(InvalidRequest, match=complaint) as refused:
        Quotas.read(said)
    assert refused.value.field == "--quota"
