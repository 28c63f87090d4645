from __future__ import annotations

from collections.abc import Iterator

import pytest

from synergos.records import RecordStore


@pytest.fixture
def store(database: str) -> Iterator[RecordStore]:
    store = RecordStore(database)
    yield store
    store.close()
