"""What becomes of notes that a server does not take: they wait, are refused for good, or let others go first."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from fakes.clock import Clock
from synergos_ttp.tracking.mlflow_tracker import MlflowTracker
from synergos_ttp.tracking.note_sender import LONGEST_TROUBLE, NoteSender
from synergos_ttp.tracking.note_spool import NoteSpool
from synergos_ttp.tracking.notes import AbandonedNotes, Fault, Notes, NotWritten, Target
from synergos_ttp.tracking.tracking_metrics import tracking_metrics


@dataclass
class Server:
    """Takes notes, unless it is told what to raise, by job."""

    faults: dict[str, Fault] = field(default_factory=dict)
    taken: list[str] = field(default_factory=list)
    tries: int = 0

    def write(self, notes: Notes) -> None:
        assert isinstance(notes, AbandonedNotes)
        self.tries += 1
        if notes.job_id in self.faults:
            raise NotWritten("Trouble", "", self.faults[notes.job_id])
        self.taken.append(notes.job_id)

    def close(self) -> None:
        """There is nothing to give up."""


@pytest.fixture
def spool(tmp_path: Path) -> Iterator[NoteSpool]:
    spool = NoteSpool(tmp_path)
    yield spool
    spool.close()


@pytest.fixture
def server() -> Server:
    return Server()


@pytest.fixture
def clock() -> Clock:
    return Clock(0.0)


@pytest.fixture
def sender(spool: NoteSpool, server: Server, clock: Clock) -> NoteSender:
    # Never started: its turns are taken here.
    return NoteSender(spool, server, clock=clock)


def test_how_notes_stand_is_measured(spool: NoteSpool, server: Server) -> None:
    tracker = MlflowTracker(spool, server)

    def measured() -> dict[str, float]:
        families = tracking_metrics(spool, tracker)()
        return {
            sample.name.removeprefix("synergos_tracking_"): sample.value for each in families for sample in each.samples
        }

    room = {"spool_capacity_bytes": spool.capacity, "notes_dropped_total": 0}
    assert measured() == {"servers_away": 0, "spool_bytes": 0, **room}

    server.faults["a"] = Fault.AWAY
    spool.add(about("a"))
    tracker._sender._turn()

    found = measured()
    assert found["spool_bytes"] > 0
    assert found["servers_away"] == 1


def about(job: str, address: str = "http://127.0.0.1:5500") -> AbandonedNotes:
    return AbandonedNotes(Target("heart_>_risk_>_logistic", "first", address), job)


def turn(sender: NoteSender) -> float:
    return sender._turn()


def test_notes_are_taken_in_order(spool: NoteSpool, sender: NoteSender, server: Server) -> None:
    for job in "abc":
        spool.add(about(job))

    turn(sender)

    assert server.taken == ["a", "b", "c"]


def test_a_server_that_is_away_is_tried_less_and_less_often_and_loses_nothing(
    spool: NoteSpool, sender: NoteSender, server: Server, clock: Clock
) -> None:
    server.faults = {"a": Fault.AWAY}
    for job in "ab":
        spool.add(about(job))
    pauses: list[float] = []
    with capture_logs() as logs:
        for _ in range(8):
            turn(sender)
            at = clock.now
            while turn(sender) >= 0.01 and server.tries == len(pauses) + 1:
                clock.now += 0.5
            pauses.append(clock.now - at)
        server.faults = {}
        clock.now += 60
        turn(sender)

    assert pauses == sorted(pauses)
    assert pauses[-1] <= 60.5
    assert server.taken == ["a", "b"]
    assert [(entry["event"], entry["log_level"]) for entry in logs if entry["log_level"] != "debug"] == [
        ("MLflow takes no notes", "warning"),
        ("MLflow takes notes again", "info"),
    ]


def test_other_servers_are_not_held_up_by_one_that_is_away(
    spool: NoteSpool, sender: NoteSender, server: Server
) -> None:
    server.faults = {"a": Fault.AWAY}
    spool.add(about("a", "http://127.0.0.1:1"))
    spool.add(about("b"))

    turn(sender)

    assert server.taken == ["b"]


def test_notes_that_a_server_has_trouble_with_hold_up_no_others(
    spool: NoteSpool, sender: NoteSender, server: Server, clock: Clock
) -> None:
    server.faults = {"a": Fault.FAILING}
    for job in "ab":
        spool.add(about(job))

    turn(sender)
    before = list(server.taken)
    server.faults = {}
    clock.now += 10
    turn(sender)

    assert (before, server.taken) == (["b"], ["b", "a"])


def test_trouble_that_lasts_a_day_is_the_end_of_it(
    spool: NoteSpool, sender: NoteSender, server: Server, clock: Clock
) -> None:
    server.faults = {"a": Fault.FAILING}
    spool.add(about("a"))
    turn(sender)

    clock.now += LONGEST_TROUBLE + 1
    with capture_logs() as logs:
        turn(sender)

    assert spool.next(lambda *_: False) is None
    assert [entry["event"] for entry in logs if entry["log_level"] == "warning"] == ["MLflow refuses notes"]


def test_trouble_is_measured_while_a_server_is_there(
    spool: NoteSpool, sender: NoteSender, server: Server, clock: Clock
) -> None:
    spool.add(about("a"))
    for fault in (Fault.FAILING, Fault.AWAY, Fault.FAILING):
        server.faults = {"a": fault}
        turn(sender)
        clock.now += 0.9 * LONGEST_TROUBLE
    server.faults = {}
    turn(sender)

    assert server.taken == ["a"]


@pytest.mark.parametrize("fault", [None, Fault.REFUSED])
def test_what_a_full_disk_keeps_from_being_removed_is_not_sent_again(
    fault: Fault | None,
    spool: NoteSpool,
    sender: NoteSender,
    server: Server,
    clock: Clock,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    server.faults = {} if fault is None else {"a": fault}
    number = spool.add(about("a"))
    spool.add(about("b"))
    assert number is not None
    asked = []

    def full(*_: object) -> None:
        asked.append(clock.now)
        raise sqlite3.OperationalError("database or disk is full")

    with monkeypatch.context() as changed, capture_logs() as logs:
        changed.setattr(spool, "remove", full)
        while clock.now < 100:
            clock.now += turn(sender)
        sender.wait(number, 1000)

    assert server.tries == 1
    assert len(asked) < 10, "less and less often"
    [said] = [entry["event"] for entry in logs if "remove" in entry["event"]]
    assert said == "notes that are done with cannot be removed; no more are sent"
    clock.now += 60
    turn(sender)
    assert server.taken[-1] == "b"
    assert server.tries == 2
    assert spool.waiting == 0


def test_whoever_waits_does_so_while_others_are_removed(
    spool: NoteSpool, sender: NoteSender, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    spool.add(about("a"))
    skipped: list[bool] = []
    remove = spool.remove

    def look(ids: Sequence[int]) -> None:
        skipped.append(sender._is_skipped("http://127.0.0.1:5500", "b"))
        remove(ids)

    monkeypatch.setattr(spool, "remove", look)
    turn(sender)

    assert skipped == [False]


def test_what_is_refused_is_said_by_name_and_not_tried_again(
    spool: NoteSpool, sender: NoteSender, server: Server
) -> None:
    server.faults = {"a": Fault.REFUSED}
    for job in "ab":
        spool.add(about(job))

    with capture_logs() as logs:
        turn(sender)

    assert server.taken == ["b"]
    [said] = [entry for entry in logs if entry["log_level"] == "warning"]
    assert (said["event"], said["reason"], said["run_id"], said["collab_id"]) == (
        "MLflow refuses notes",
        "Trouble",
        "first",
        "heart",
    )


def test_nobody_waits_for_a_server_that_is_away(spool: NoteSpool, sender: NoteSender, server: Server) -> None:
    server.faults = {"a": Fault.AWAY}
    number = spool.add(about("a"))
    assert number is not None
    turn(sender)

    sender.wait(number, 1000)


def test_whoever_waits_is_told_when_it_is_written(spool: NoteSpool, server: Server) -> None:
    sender = NoteSender(spool, server)
    number = spool.add(about("a"))
    assert number is not None
    sender.start()

    sender.wait(number, 60)

    assert server.taken == ["a"]
    sender.close(1)
