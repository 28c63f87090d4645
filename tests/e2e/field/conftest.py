"""One grid for all cases, and each of them with data and ids of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

import pytest

from grids.field_case import FIELD, FieldCase
from grids.real_grid import RealGrid, started

Play = Callable[[str], FieldCase]


@pytest.fixture(scope="session")
def field_data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The data root of every worker."""
    return tmp_path_factory.mktemp("field_data")


@pytest.fixture(scope="session")
def field_grid(tmp_path_factory: pytest.TempPathFactory, field_data: Path) -> Iterator[RealGrid]:
    """A TTP and two workers that tell everything: the cases are of few rows."""
    if not FIELD.is_dir():
        pytest.skip("the shared cases are not there")
    with started(tmp_path_factory.mktemp("field_grid"), field_data) as running:
        yield running


@pytest.fixture(scope="session")
def play(field_grid: RealGrid, field_data: Path) -> Play:
    """Takes the name of a case; the case, its data copied anew."""
    numbers = count(1)
    return lambda name: FieldCase(field_grid, field_data, name, f"{name}_{next(numbers)}")
