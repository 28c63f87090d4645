"""Grids in which everything is declared."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from fakes.closed_portal import closed, declared_by_lead, signed_in
from fakes.declared_grid import Grid, declared_grid

__all__ = ["closed", "declared_by_lead", "signed_in"]


@pytest.fixture
def grid(tmp_path: Path) -> Iterator[Grid]:
    """Everything is declared there, and nothing has run."""
    yield from declared_grid(tmp_path)


@pytest.fixture(scope="module")
def unchanged(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Grid]:
    """The same, for those that change nothing."""
    yield from declared_grid(tmp_path_factory.mktemp("unchanged"))
