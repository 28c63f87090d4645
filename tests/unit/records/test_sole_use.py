from __future__ import annotations

from pathlib import Path
from shutil import copyfile

import pytest

from synergos.errors import Conflict
from synergos.records.database import Database

NAMES = ("records.sqlite", "others.sqlite")


@pytest.fixture(autouse=True)
def record_stores(migrated: Path, tmp_path: Path) -> None:
    """Two of them are in the folder, with nothing in them."""
    for name in NAMES:
        copyfile(migrated, tmp_path / name)
        (tmp_path / name).chmod(0o600)


def database(folder: Path, name: str = NAMES[0]) -> Database:
    return Database(f"sqlite:///{folder / name}")


def test_a_second_program_is_told_who_has_the_record_store_and_since_when(tmp_path: Path) -> None:
    first, second = database(tmp_path), database(tmp_path)
    first.hold("ttp_1")

    with pytest.raises(Conflict, match=r"in use by ttp_1 on .+, process \d+, since \d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC"):
        second.hold("ttp_2")

    first.close()
    second.hold("ttp_2")
    second.close()


def test_who_is_kept_out_takes_nothing_from_who_is_in(tmp_path: Path) -> None:
    first, second, third = (database(tmp_path) for _ in range(3))
    first.hold("ttp_1")
    with pytest.raises(Conflict):
        second.hold("ttp_2")
    second.close()

    with pytest.raises(Conflict, match="in use by ttp_1 on"):
        third.hold("ttp_3")

    third.close()
    first.close()


def test_other_record_stores_in_the_folder_are_free(tmp_path: Path) -> None:
    first, second = database(tmp_path), database(tmp_path, NAMES[1])

    first.hold("ttp_1")
    second.hold("ttp_2")

    second.close()
    first.close()


def test_a_clusters_programs_share_the_record_store_and_keep_a_basic_ttp_out(tmp_path: Path) -> None:
    director, ttp, basic = (database(tmp_path) for _ in range(3))
    director.share("director")
    ttp.share("ttp_1")

    with pytest.raises(Conflict, match=r"in use by director on .+, the first of a cluster's programs, since"):
        basic.hold("ttp")

    director.close()
    with pytest.raises(Conflict):
        basic.hold("ttp")
    ttp.close()
    basic.hold("ttp")
    basic.close()
