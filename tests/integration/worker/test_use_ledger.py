"""What a worker is asked and does is written down before it is done; what cannot be written down is not done."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from fakes.worker_client import WorkerClient
from support.full_disk import files_up_to
from support.waiting import until
from synergos.cli import main
from synergos.ledger.handed_over import OWNER_DECIDED
from synergos.ledger.line import Head
from synergos.ledger.place import LedgerPlace
from synergos.ledger.reading import Wanted, lines_in, rows_of
from synergos.ledger.verification import verify
from synergos_worker.bootstrap import WorkerService

TAGS = {"train": [["wine", "train"]], "evaluate": [["wine", "evaluate"]]}


@pytest.fixture
def place(data: Path) -> LedgerPlace:
    return LedgerPlace(data.parent / "outputs", "worker")


def rows(place: LedgerPlace) -> list[dict[str, Any]]:
    return rows_of(line for line in lines_in(place) if line is not None)


def test_what_is_asked_of_which_folders_is_written_down_and_nothing_of_their_rows(
    client: WorkerClient, service: WorkerService, place: LedgerPlace
) -> None:
    agreement = client.agree(TAGS)
    opened = client.initialise(agreement)["data"]
    client.command("POST", "/worker/terminate/c/p1/e1/r1", 200, {"session_id": client.session_id})
    for _ in range(3):
        client.poll(TAGS, status=201)
    client.command("POST", "/worker/remove/c/p1", 200, {})

    found = rows(place)

    assert [row["what"] for row in found] == [
        "worker started",
        "preparation",
        "session",
        "preparation told again",
        "results removed",
    ]
    session = found[2]
    assert session["folders"] == ["wine/evaluate", "wine/train"]
    assert session["rows"] == {"evaluate": 40, "train": 100}
    assert (session["reason"], session["left"]) == ("asked for", {})
    assert found[1]["left"] == found[3]["left"]
    assert verify(place, [Head.read(opened["ledger"])]).is_sound
    text = place.files()[0].read_text()
    assert client.session_id not in text
    assert [level for level in ("alcohol", "class_0") if level in text] == []


@pytest.mark.parametrize(
    ("folder", "is_wanted"),
    [
        ("wine", True),
        ("wine/train", True),
        ("wine/train/", True),
        ("wine/train/a.csv", True),
        ("win", False),
        ("wine/new", False),
    ],
)
def test_a_use_of_a_folder_is_found_by_it_and_by_those_around_and_in_it(
    client: WorkerClient, place: LedgerPlace, folder: str, is_wanted: bool
) -> None:
    client.prepared(TAGS)

    wanted = [row["what"] for row in rows(place) if Wanted(folder=folder).takes(row)]

    assert wanted == (["preparation"] if is_wanted else [])


def test_what_the_owner_decides_on_the_host_is_a_line_of_the_worker_that_runs(
    client: WorkerClient, service: WorkerService, place: LedgerPlace
) -> None:
    who = "ab" * 32
    with pytest.raises(SystemExit):
        main(["peer", "approve", who, "--outputs", str(place.own)])

    until(lambda: rows(place)[-1]["what"] == OWNER_DECIDED, "the decision is in the ledger")

    decided = rows(place)[-1]
    assert (decided["who"], decided["more"]["asked"]) == (who, "peer approve")
    assert verify(place).is_sound


def test_what_is_refused_is_told_with_its_reason(client: WorkerClient, place: LedgerPlace) -> None:
    agreement = client.agree(TAGS)
    for _ in range(3):
        client.initialise(agreement, status=417, hyperparameters={"rounds": "many"})

    refused = [row for row in rows(place) if row["what"] == "refused"]

    assert [(row["more"]["asked"], "rounds" in row["reason"]) for row in refused] == [("initialise", True)]


def test_nothing_is_told_and_no_session_is_open_that_cannot_be_written_down(
    client: WorkerClient, service: WorkerService, place: LedgerPlace
) -> None:
    agreement = client.agree(TAGS)
    client.initialise(agreement)
    with files_up_to(place.files()[0].stat().st_size + 20):
        # It has ended, whether or not that can be written down.
        client.command("POST", "/worker/terminate/c/p1/e1/r1", 200, {"session_id": client.session_id})
        assert len(service.sessions) == 0
        refused = client.initialise(agreement, status=507)
        assert len(service.sessions) == 0
        prepared = client.prepared({"train": [["wine", "train"]]})
        again = client.command("POST", "/worker/poll/c/p1", 507, {"action": "classify", "tags": TAGS})

    assert "nothing is done that is not written down" in refused["message"]
    assert (prepared["state"], "not written down" in prepared["error"]["message"]) == ("failed", True)
    assert "data" not in again
    client.initialise(agreement)
    client.command("POST", "/worker/terminate/c/p1/e1/r1", 200, {"session_id": client.session_id})
    sessions = [row for row in rows(place) if row["what"] == "session"]
    assert ["until" in row for row in sessions] == [True, True]
    assert verify(place).is_sound


def test_a_session_that_goes_on_says_so_now_and_then(
    client: WorkerClient, service: WorkerService, place: LedgerPlace, clock: Any
) -> None:
    agreement = client.agree(TAGS)
    client.initialise(agreement)
    [session] = service.sessions._open.values()
    session._left.note(["weights"])
    for seconds in (1.0, 500.0, 601.0, 700.0):
        clock.now = seconds
        service.sessions.get(session.id)
        service.sessions.sweep()

    said = [line.about.get("left") for line in lines_in(place) if line is not None and line.what == "session goes on"]

    assert said == [{"weights": 1}]
