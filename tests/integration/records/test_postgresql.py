"""What a database that is a server of its own can do to a store."""

from __future__ import annotations

from servers.postgresql import PostgreSQL
from synergos.domain.records import Kind
from synergos.records import RecordStore

KEY = {"collab_id": "c"}


def test_a_store_survives_that_its_connections_are_cut(postgresql: PostgreSQL) -> None:
    store = RecordStore(postgresql.new_database())
    record = store.put(Kind.COLLABORATION, KEY, {})

    postgresql.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()")

    assert store.get(Kind.COLLABORATION, KEY) == record
    store.put(Kind.COLLABORATION, KEY, {"again": True})
    store.close()
