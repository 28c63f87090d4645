"""What the unit tests of the record store ask for, on a PostgreSQL server."""

from __future__ import annotations

import pytest

from servers.postgresql import PostgreSQL

pytest.register_assert_rewrite("unit.records")


@pytest.fixture
def empty_database(postgresql: PostgreSQL) -> str:
    """The URL of a database without tables."""
    return postgresql.new_database()


@pytest.fixture
def database(empty_database: str) -> str:
    """The URL of a record store with nothing in it."""
    return empty_database
