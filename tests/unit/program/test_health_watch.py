"""What /health says without a look: what was found, and what hangs."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from fakes.clock import Clock
from support.full_disk import files_up_to
from synergos.program.health import health
from synergos.program.health_watch import FolderCheck, HealthWatch
from synergos.records import RecordStore
from synergos.records.health import store_checks


def refuse() -> str:
    raise OSError("a row of somebody's")


def test_what_is_wrong_is_told_until_it_is_right() -> None:
    wrong: dict[str, str | None] = {"outputs": None, "record store": None}
    watch = HealthWatch({name: lambda name=name: wrong[name] for name in wrong})  # type: ignore[misc]
    watch.look()
    assert watch.problems() == {}

    wrong["outputs"] = "its disk is full"
    assert watch.problems() == {}
    watch.look()
    assert watch.problems() == {"outputs": "its disk is full"}

    wrong |= {"outputs": None, "record store": "does not answer"}
    watch.look()
    assert watch.problems() == {"record store": "does not answer"}


def test_a_look_that_fails_is_a_problem_and_says_no_more_than_what_failed() -> None:
    watch = HealthWatch({"outputs": refuse, "data": lambda: "gone"})
    watch.look()
    assert watch.problems() == {"outputs": "cannot be looked at: OSError", "data": "gone"}


def test_a_look_that_hangs_is_a_problem_itself_and_nobody_waits_for_it() -> None:
    clock, hangs, goes_on = Clock(0.0), threading.Event(), threading.Event()

    def hang() -> None:
        hangs.set()
        goes_on.wait()

    watch = HealthWatch({"data": lambda: "gone", "record store": hang}, patience=10, clock=clock)
    looking = threading.Thread(target=watch.look)
    looking.start()
    hangs.wait()
    clock.now = 10.0
    assert watch.problems() == {"data": "gone"}
    clock.now = 42.0
    assert watch.problems() == {"data": "gone", "record store": "has not answered for 42 s"}

    goes_on.set()
    looking.join()
    assert watch.problems() == {"data": "gone"}


def test_a_watch_looks_again_and_again_until_it_is_closed() -> None:
    looks: list[int] = []
    twice = threading.Event()

    def look() -> None:
        looks.append(1)
        if len(looks) > 1:
            twice.set()

    watch = HealthWatch({"outputs": look}, seconds=0.001)
    watch.start()
    assert twice.wait(60)
    watch.close()


def test_a_folder_that_takes_files_is_well_and_has_none_of_ours_in_it(tmp_path: Path) -> None:
    assert FolderCheck(tmp_path)() is None
    assert list(tmp_path.iterdir()) == []


def test_a_disk_that_takes_no_more_is_full(tmp_path: Path) -> None:
    with files_up_to(0):
        assert FolderCheck(tmp_path)() == "its disk is full"


def test_a_disk_with_little_room_is_full(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("synergos.program.health_watch.LITTLE_ROOM", 2**80)
    assert FolderCheck(tmp_path)() == "its disk is full"


def test_a_folder_that_is_gone_or_takes_no_files_is_a_problem(tmp_path: Path) -> None:
    assert FolderCheck(tmp_path / "gone")() == "cannot be written to: No such file or directory"
    assert FolderCheck(Path("/proc"))() is not None


def test_a_record_store_whose_file_is_gone_is_dead(tmp_path: Path) -> None:
    store = RecordStore(f"sqlite:///{tmp_path / 'records' / 'records.sqlite'}")
    checks = store_checks(store)
    assert {name: check() for name, check in checks.items()} == {"record store": None, "data": None}

    (tmp_path / "records" / "records.sqlite").unlink()
    assert checks["record store"]() == "its file is gone"
    store.close()


def test_a_record_store_that_cannot_be_read_is_dead(tmp_path: Path) -> None:
    file = tmp_path / "records.sqlite"
    store = RecordStore(f"sqlite:///{file}")
    with store.database.writing() as connection:
        connection.exec_driver_sql("DROP TABLE cluster")
    assert store_checks(store)["record store"]() == "does not answer: OperationalError"
    store.close()


def test_health_says_what_is_wrong() -> None:
    assert (health("ttp", "t")["status"], "problems" in health("ttp", "t")) == ("ok", False)
    told = health("ttp", "t", {"outputs": "its disk is full"}, grid=0)
    assert (told["status"], told["problems"], told["grid"]) == ("degraded", {"outputs": "its disk is full"}, 0)
