"""Neighbouring minor versions go together; what is further apart is refused, and says who is to update."""

from __future__ import annotations

import pytest

from synergos.domain.release import agreed
from synergos.errors import NotSupported


@pytest.mark.parametrize(
    ("own", "other", "spoken"),
    [
        ("0.5.1", "0.5.7", "0.5"),
        ("0.5.1", "0.4.9", "0.4"),
        ("0.5.1", "0.6.0.dev3", "0.5"),
        ("1.0.0", "1.1.0", "1.0"),
        ("0.9.0", "0.10.0", "0.9"),
    ],
)
def test_both_speak_as_the_older_one(own: str, other: str, spoken: str) -> None:
    assert agreed(own, "this TTP", other, "the worker") == spoken
    assert agreed(other, "this worker", own, "the TTP") == spoken


@pytest.mark.parametrize(
    ("own", "other", "behind"),
    [("0.5.0", "0.3.9", "the worker"), ("0.5.0", "0.7.0", "this TTP"), ("1.0.0", "0.9.0", "the worker")],
)
def test_what_is_further_apart_is_refused_and_the_older_one_is_to_be_updated(own: str, other: str, behind: str) -> None:
    with pytest.raises(NotSupported, match=f"update {behind}$"):
        agreed(own, "this TTP", other, "the worker")


@pytest.mark.parametrize("told", [None, "", "latest", "7", "v0.5"])
def test_who_tells_no_version_is_spoken_to_as_oneself(told: str | None) -> None:
    assert agreed("0.5.1", "this TTP", told, "the worker") == "0.5"
