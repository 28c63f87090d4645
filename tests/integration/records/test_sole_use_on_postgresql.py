from __future__ import annotations

import re

import pytest

from support.waiting import until
from synergos.errors import Conflict
from synergos.records.database import Database


def refusal_of(database: Database, name: str) -> str:
    """Hold it; what is said where that is not possible."""
    try:
        database.hold(name)
    except Conflict as error:
        return str(error)
    return ""


def is_held(database: Database, name: str) -> bool:
    """Hold it; whether that was possible."""
    return not refusal_of(database, name)


def test_a_second_program_is_told_who_has_the_record_store(empty_database: str) -> None:
    first, second = Database(empty_database), Database(empty_database)
    first.hold("ttp_1")

    with pytest.raises(Conflict, match=r"in use by ttp_1 on .+, since \d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC"):
        second.hold("ttp_2")

    first.close()
    until(lambda: is_held(second, "ttp_2"), "the record store to be free")
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
    # The server lets go of a connection that was closed a moment later.
    until(
        lambda: re.search("in use by ttp_1 on .+, since", refusal_of(basic, "ttp")) is not None, "ttp_1 to be the one"
    )

    ttp.close()
    until(lambda: is_held(basic, "ttp"), "the record store to be free")
    with pytest.raises(Conflict, match=r"in use by ttp on .+, since"):
        ttp.share("ttp_1")
    ttp.close()
    basic.close()
