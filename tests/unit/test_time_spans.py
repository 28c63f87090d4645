"""Spans of time as people say them."""

from __future__ import annotations

from datetime import timedelta

import pytest

from synergos.time_spans import read_span


def test_a_span_is_so_many_of_a_unit() -> None:
    said = {"30m": timedelta(minutes=30), "12h": timedelta(hours=12), "90d": timedelta(days=90), "4w": timedelta(28)}
    said |= {"525600m": timedelta(days=365), "012h": timedelta(hours=12)}

    assert {text: read_span(text, "mhdw") for text in said} == said


@pytest.mark.parametrize("text", ["", "h", "12", "12 h", "1.5h", "-1d", "1234567h", "12s", "30m", "١٢h", "12h\n"])
def test_what_says_something_else_is_none(text: str) -> None:
    assert read_span(text, "hdw") is None
