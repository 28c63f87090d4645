from __future__ import annotations

from collections.abc import Iterator

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
