"""The places where programs can be killed in tests are there, also after somebody has moved or renamed one."""

from __future__ import annotations

import importlib
from functools import reduce

import pytest

from grids.killing import PLACES


@pytest.mark.parametrize("where", sorted({where for places in PLACES.values() for where in places.values()}))
def test_a_place_is_a_function_of_its_program(where: str) -> None:
    module, _, path = where.partition(":")

    assert callable(reduce(getattr, path.split("."), importlib.import_module(module)))
