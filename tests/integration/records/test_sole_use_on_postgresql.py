from __future__ import annotations

import pytest

from synergos.errors import Conflict
from synergos.records.database import Database


def test_a_second_program_is_told_who_has_the_record_store(empty_database: str) -> None:
    first, second = Database(empty_database), Database(empty_database)
    first.hold("ttp_1")

    with pytest.raises(Conflict, match=r"in use by ttp_1 on .+, since \d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC"):
        second.hold("ttp_2")

    first.close()
    second.hold("ttp_2")
    second.close()


def test_databases_of_one_server_are_held_apart(empty_database: str, postgresql: object) -> None:
    other = postgresql.new_database()  # type: ignore[attr-defined]
    first, second = Database(empty_database), Database(other)

    first.hold("ttp_1")
    second.hold("ttp_2")

    second.close()
    first.close()


def test_a_clusters_programs_share_it_and_keep_a_basic_ttp_out(empty_database: str) -> None:
    director, ttp, basic = (Database(empty_database) for _ in range(3))
    director.share("director")
    ttp.share("ttp_1")

    director.close()
    with pytest.raises(Conflict, match=r"in use by ttp_1 on .+, since"):
        basic.hold("ttp")

    ttp.close()
    basic.hold("ttp")
    with pytest.raises(Conflict, match=r"in use by ttp on .+, since"):
        ttp.share("ttp_1")
    ttp.close()
    basic.close()
