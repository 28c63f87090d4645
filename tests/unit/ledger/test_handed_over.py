"""What an owner decides by a command on the host is a line of the worker's ledger, which the worker alone writes."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from support.full_disk import files_up_to
from synergos.errors import NotRecorded
from synergos.identity.identity import Renewable
from synergos.ledger.handed_over import FOLDER, OWNER_DECIDED, HandedOver, handed_over
from synergos.ledger.ledger import Ledger
from synergos.ledger.place import LedgerPlace
from synergos.ledger.reading import Wanted, lines_in, rows_of
from synergos.ledger.verification import verify

WHO = "ab" * 32
LONG, ROOM = "p" * 20_000, 10_000


def silent(_said: str) -> None:
    raise AssertionError("there was room")


@pytest.fixture
def place(tmp_path: Path) -> LedgerPlace:
    return LedgerPlace(tmp_path, "worker")


@pytest.fixture
def trust(place: LedgerPlace) -> Path:
    return place.own / ".trust"


@pytest.fixture
def taking_up(place: LedgerPlace, trust: Path) -> HandedOver:
    return HandedOver(trust, Ledger(place, Renewable(trust / "worker.json")))


def rows(place: LedgerPlace) -> list[dict[str, Any]]:
    return rows_of(line for line in lines_in(place) if line is not None)


def test_decisions_are_lines_in_their_order_each_of_them_once(
    place: LedgerPlace, trust: Path, taking_up: HandedOver
) -> None:
    with handed_over(trust, "peer approve", {"who": WHO}, silent):
        pass
    with handed_over(trust, "permission grant", {"who": WHO, "project": "risk"}, silent, {"train": ("heart/train",)}):
        pass

    taking_up.look()
    taking_up.look()

    found = rows(place)
    assert [(row["what"], row["who"], row["more"]["asked"]) for row in found] == [
        (OWNER_DECIDED, WHO, "peer approve"),
        (OWNER_DECIDED, WHO, "permission grant"),
    ]
    assert Wanted(folder="heart").takes(found[1])
    # A line's time is cut to milliseconds.
    decided, written = (datetime.fromisoformat(each) for each in (found[0]["more"]["decided"], found[0]["at"]))
    assert decided < written + timedelta(milliseconds=1)
    assert list((trust / FOLDER).iterdir()) == []
    assert verify(place).is_sound


def test_what_was_not_decided_is_no_line(place: LedgerPlace, trust: Path, taking_up: HandedOver) -> None:
    def fail() -> None:
        # The worker looks while it is being decided.
        taking_up.look()
        raise ValueError("no such thing")

    with pytest.raises(ValueError, match="no such"), handed_over(trust, "peer approve", {"who": WHO}, silent):
        fail()

    taking_up.look()

    assert rows(place) == []
    assert list((trust / FOLDER).iterdir()) == []


def test_a_decision_stays_until_there_is_room_for_its_line(
    place: LedgerPlace, trust: Path, taking_up: HandedOver
) -> None:
    with handed_over(trust, "peer release", {"project": LONG}, silent):
        pass
    with files_up_to(ROOM), pytest.raises(NotRecorded):
        taking_up.look()

    taking_up.look()

    assert [row["project"] for row in rows(place)] == [LONG]


def test_without_room_for_a_note_nothing_is_allowed_and_what_was_is_revoked(trust: Path) -> None:
    decided, said = [], list[str]()
    with files_up_to(ROOM):
        with pytest.raises(OSError, match="large"), handed_over(trust, "peer approve", {"who": LONG}, said.append):
            decided.append("approve")
        with handed_over(trust, "peer revoke", {"who": LONG}, said.append):
            decided.append("revoke")

    assert decided == ["revoke"]
    assert ["will not have this" in each for each in said] == [True]
    assert list((trust / FOLDER).iterdir()) == []


def test_a_note_that_cannot_be_read_is_a_line_that_says_so(
    place: LedgerPlace, trust: Path, taking_up: HandedOver
) -> None:
    (trust / FOLDER).mkdir(parents=True)
    (trust / FOLDER / "a.json").write_text('{"at": 1}')

    taking_up.look()

    [row] = rows(place)
    assert row["reason"] == "the note a.json of it cannot be read"
    assert list((trust / FOLDER).iterdir()) == []
