from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from servers import postgresql as postgresql_server
from servers.postgresql import PostgreSQL


@pytest.fixture(scope="session")
def postgresql() -> Iterator[PostgreSQL]:
    programs = postgresql_server.programs()
    if programs is None:
        pytest.skip("PostgreSQL IS NOT TESTED: it is not installed (on Debian: apt-get install postgresql)")
    with postgresql_server.running(programs) as server:
        yield server


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of an empty database, of each kind that the record store works with."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'database.db'}"
    server: PostgreSQL = request.getfixturevalue("postgresql")
    return server.new_database()
