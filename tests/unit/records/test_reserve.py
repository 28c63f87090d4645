from __future__ import annotations

import sqlite3
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy.exc import OperationalError

from synergos.records.database import Database


@pytest.fixture
def database(migrated: Path, tmp_path: Path) -> Iterator[Database]:
    (tmp_path / "records.sqlite").write_bytes(migrated.read_bytes())
    database = Database(f"sqlite:///{tmp_path / 'records.sqlite'}")
    yield database
    database.close()


def failure(name: str) -> OperationalError:
    cause = sqlite3.OperationalError("database or disk is full")
    cause.sqlite_errorname = name
    return OperationalError("DELETE", {}, cause)


class Disk:
    """One that is full as long as the reserve is there."""

    def __init__(self, folder: Path, error: str = "SQLITE_FULL") -> None:
        self.reserve = folder / "records.sqlite.reserve"
        self._error = error

    def delete(self) -> str:
        if self.reserve.exists():
            raise failure(self._error)
        return "deleted"


def test_who_uses_the_records_keeps_room_for_deleting(database: Database, tmp_path: Path) -> None:
    disk = Disk(tmp_path)
    assert not disk.reserve.exists()

    database.hold("ttp")

    kept = disk.reserve.stat()
    assert (kept.st_blocks * 512 >= 4 * 2**20, stat.S_IMODE(kept.st_mode)) == (True, 0o600)
    assert database.making_room(disk.delete) == "deleted"
    # There is room again, so it is kept again.
    assert disk.reserve.exists()


def test_what_is_full_without_a_reserve_is_said(database: Database, tmp_path: Path) -> None:
    database.hold("ttp")

    def still_full() -> str:
        raise failure("SQLITE_FULL")

    with pytest.raises(OperationalError):
        database.making_room(still_full)

    assert not Disk(tmp_path).reserve.exists()


def test_another_failure_costs_no_reserve(database: Database, tmp_path: Path) -> None:
    database.hold("ttp")
    disk = Disk(tmp_path, "SQLITE_BUSY")

    with pytest.raises(OperationalError):
        database.making_room(disk.delete)

    assert disk.reserve.exists()


def test_where_there_is_no_room_for_it_nothing_is_kept(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_descriptor: int, _at: int, _size: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.posix_fallocate", full)

    database.hold("ttp")

    assert not Disk(tmp_path).reserve.exists()
