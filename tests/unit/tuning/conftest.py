from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from fakes.orchestration import CannedDispatcher, Client, declare, go_through_all_stages
from synergos.records import RecordStore
from synergos.rest import create_app


@pytest.fixture
def store(tmp_path: Path) -> Iterator[RecordStore]:
    """An aligned project that regresses, with one experiment and one trained run."""
    store = RecordStore(f"sqlite:///{tmp_path / 'records'}")
    client = Client(create_app(store, CannedDispatcher(store), component_id="ttp/1").test_client())
    declare(client)
    go_through_all_stages(client)
    yield store
    store.close()
