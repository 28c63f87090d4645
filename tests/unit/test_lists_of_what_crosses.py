"""The lists of what crosses name the same messages."""

from __future__ import annotations

from pathlib import Path

import pytest

from support.wire_paths import documented

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("place", ["README.md", "docs/datasets.md"])
def test_every_message_is_named(place: str) -> None:
    listed = documented((ROOT / "docs" / "wire-formats.md").read_text(encoding="utf-8"))
    text = (ROOT / place).read_text(encoding="utf-8")

    routes = {entry.message.split(" ", 1)[1].partition(":")[0] for entry in listed}

    assert len(routes) > 5
    assert [route for route in sorted(routes) if f"`{route}`" not in text] == []
