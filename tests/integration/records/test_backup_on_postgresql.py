"""A record store on PostgreSQL is backed up with its files as one in a file is; the server's own programs do the copying."""

from __future__ import annotations

import shutil
from contextlib import closing
from pathlib import Path

import pytest

from servers.postgresql import PostgreSQL
from synergos.domain.keys import RunKey
from synergos.domain.records import Kind
from synergos.errors import Conflict
from synergos.records import RecordStore
from synergos.upkeep.backup import Place, back_up
from synergos.upkeep.record_copies import record_source
from synergos.upkeep.restore import restore

RUN = RunKey("c", "p", "e", "r")

pytestmark = pytest.mark.skipif(shutil.which("pg_dump") is None, reason="pg_dump IS NOT TESTED: it is not installed")


def test_records_and_files_of_one_moment_are_put_in_place_elsewhere(
    database: str, postgresql: PostgreSQL, tmp_path: Path
) -> None:
    before, now = tmp_path / "before", tmp_path / "now"
    weights = RUN.folder(before) / "global_model.safetensors"
    weights.parent.mkdir(parents=True)
    weights.write_text("weights")
    (weights.parent / "manifest.json").write_text('{"version": 1}')
    with closing(RecordStore(database)) as store:
        store.put(Kind.RUN, RUN, {"rounds": 2})
        store.put(Kind.MODEL, RUN, {"version": 1, "global": {"path": str(weights)}})

    made = back_up(Place(record_source(database), before), tmp_path / "backup")
    with pytest.raises(Conflict, match="there are tables in the database already"):
        restore(tmp_path / "backup", Place(record_source(database), now))
    postgresql.forget(database)
    restore(tmp_path / "backup", Place(record_source(database), now))

    assert made.missing == ()
    with closing(RecordStore(database)) as store:
        path = Path(store.get(Kind.MODEL, RUN)["global"]["path"])
    assert path == RUN.folder(now) / weights.name
    assert path.read_text() == "weights"


def test_a_backup_of_a_file_is_not_put_into_a_server(database: str, tmp_path: Path) -> None:
    (tmp_path / "outputs").mkdir()
    source = f"sqlite:///{tmp_path / 'records.sqlite'}"
    RecordStore(source).close()
    back_up(Place(record_source(source), tmp_path / "outputs"), tmp_path / "backup")

    with pytest.raises(Conflict, match=r"there is no records\.dump in it"):
        restore(tmp_path / "backup", Place(record_source(database), tmp_path / "now"))


def test_what_was_restored_goes_again_where_the_restore_fails_behind_it(
    database: str, postgresql: PostgreSQL, tmp_path: Path
) -> None:
    (tmp_path / "outputs").mkdir()
    with closing(RecordStore(database)) as store:
        store.put(Kind.RUN, RUN, {"rounds": 2})
    back_up(Place(record_source(database), tmp_path / "outputs"), tmp_path / "backup")
    postgresql.forget(database)
    [copy] = (tmp_path / "backup").rglob("records.dump")

    with pytest.raises(Conflict), record_source(database).filled_from(copy):
        raise OSError

    record_source(database).refuse_filled()
    restore(tmp_path / "backup", Place(record_source(database), tmp_path / "now"))
